//! What a trace is about: its calls, engine calls and streams, each with its beginning, its answer and its end.

use std::collections::HashMap;
use std::time::Duration;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::nu::{
    Call, EngineCall, EngineResponse, Header, Message, Response, StreamItem, StreamKind,
};

use super::{Entry, EntryKind, Trace};

/// The calls and streams of a trace, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Calls of the engine and engine calls of plugins.
    pub calls: Vec<TracedCall>,
    /// The streams of all of them.
    pub streams: Vec<TracedStream>,
    /// What each entry of the trace is a part of.
    pub parts: Vec<Part>,
}

/// What an entry of a trace is a part of, by place in the outline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Of the conversation as a whole, or a remark.
    #[default]
    None,
    /// A call or its answer.
    Call(usize),
    /// A stream: an item, its end, or what its consumer says about it.
    Stream(usize),
}

/// A call of the engine or an engine call of a plugin.
#[derive(Clone, Debug)]
pub struct TracedCall {
    /// Who asks.
    pub from: Sender,
    /// The number that it has among those of the asking side.
    pub id: u64,
    /// What is asked, such as `` Run `inc` ``.
    pub name: String,
    /// For an engine call: the call that it is a part of, by place in the outline.
    pub within: Option<usize>,
    /// The entry that asks.
    pub asks: usize,
    /// The entry that answers.
    pub answers: Option<usize>,
    /// What the answer says if it is an error.
    pub error: Option<String>,
    /// The time of the question.
    pub began: Duration,
    /// The time of the answer: until then the asking side has waited.
    pub answered: Option<Duration>,
    /// The time of the last thing that belongs to it, its streams and engine calls among them.
    pub last: Duration,
}

/// A stream.
#[derive(Clone, Debug)]
pub struct TracedStream {
    /// Who produces it.
    pub from: Sender,
    /// The number that it has among those of its producer.
    pub id: u64,
    /// The call that it is the input or the output of, by place in the outline.
    pub call: usize,
    /// What its items are.
    pub kind: StreamKind,
    /// The entry that announces it.
    pub announced: usize,
    /// The time of the announcement.
    pub began: Duration,
    /// The times of its first item and of its end.
    pub first: Option<Duration>,
    /// The time of its end.
    pub ended: Option<Duration>,
    /// The time at which its consumer wanted no more, before the end.
    pub dropped: Option<Duration>,
    /// The time of the last thing that was said about it.
    pub last: Duration,
    /// How many items or chunks came.
    pub items: u64,
    /// The bytes of the chunks, or of the items as they are written down.
    pub bytes: u64,
    /// How long the producer had to wait, with as many items on the way as there may be.
    pub held: Duration,
    on_the_way: u64,
    held_since: Option<Duration>,
}

impl TracedStream {
    /// True for what goes into a command, false for what comes out of it.
    pub fn is_input(&self, outline: &Outline) -> bool {
        outline.calls[self.call].from == self.from
    }
}

impl Trace {
    /// Finds the calls and streams.
    pub fn outline(&self) -> Outline {
        let mut builder = Builder::default();
        for (index, entry) in self.entries.iter().enumerate() {
            let part = builder.entry(index, entry);
            builder.outline.parts.push(part);
        }
        builder.outline
    }
}

impl Outline {
    /// The call of the engine that an entry is a part of, by place in the outline.
    pub fn root(&self, part: Part) -> Option<usize> {
        let mut call = match part {
            Part::None => return None,
            Part::Call(call) => call,
            Part::Stream(stream) => self.streams[stream].call,
        };
        while let Some(outer) = self.calls[call].within {
            call = outer;
        }
        Some(call)
    }
}

/// Which process of which plugin.
type Process = (String, Option<u64>);

#[derive(Default)]
struct Builder {
    outline: Outline,
    /// What has begun, by the numbers that it now has. An engine call's number may be that of several.
    calls: HashMap<Process, Open>,
}

#[derive(Default)]
struct Open {
    calls: HashMap<u64, usize>,
    engine_calls: HashMap<u64, Vec<usize>>,
    streams: HashMap<(bool, u64), usize>,
}

impl Builder {
    fn entry(&mut self, index: usize, entry: &Entry) -> Part {
        let EntryKind::Message {
            from,
            message,
            text,
        } = &entry.kind
        else {
            return Part::None;
        };
        let process = (entry.plugin.clone(), entry.instance);
        let mut open = self.calls.remove(&process).unwrap_or_default();
        let part = self.message(&mut open, index, entry.time, *from, message, text);
        self.calls.insert(process, open);
        if let Some(root) = self.outline.root(part) {
            self.outline.calls[root].last = entry.time;
        }
        match part {
            Part::Call(call) => self.outline.calls[call].last = entry.time,
            Part::Stream(stream) => self.outline.streams[stream].last = entry.time,
            Part::None => {}
        }
        part
    }

    fn message(
        &mut self,
        open: &mut Open,
        index: usize,
        time: Duration,
        from: Sender,
        message: &Message,
        text: &str,
    ) -> Part {
        let by_engine = from == Sender::Engine;
        let (call, header) = match message {
            Message::Call(id, call) => {
                let place = self.begin(index, time, (from, id.0), call_name(call), None);
                open.calls.insert(id.0, place);
                let input = match call {
                    Call::Run(run) => Some(&run.input),
                    _ => None,
                };
                (Some(place), input)
            }
            Message::EngineCall { context, id, call } => {
                let within = open.calls.get(&context.0).copied();
                let name = engine_call_name(call);
                let place = self.begin(index, time, (from, id.0), name, within);
                open.engine_calls.entry(id.0).or_default().push(place);
                (Some(place), call.input())
            }
            Message::CallResponse(id, response) => {
                let error = match response {
                    Response::Error(error) => Some(error.msg.clone()),
                    _ => None,
                };
                let place = open.calls.get(&id.0).copied();
                (self.end(index, time, place, error), response.header())
            }
            Message::EngineCallResponse(id, response) => {
                let asked = open.engine_calls.get_mut(&id.0);
                let place = asked
                    .filter(|asked| !asked.is_empty())
                    .map(|asked| asked.remove(0));
                let (error, output) = match response {
                    EngineResponse::Error(error) => (Some(error.msg.clone()), None),
                    EngineResponse::Data(header) => (None, Some(header)),
                    _ => (None, None),
                };
                (self.end(index, time, place, error), output)
            }
            Message::Data(id, item) => {
                return self.stream(open, (by_engine, id.0), |stream| {
                    stream.item(time, item, text);
                });
            }
            Message::End(id) => {
                return self.stream(open, (by_engine, id.0), |stream| {
                    stream.ended.get_or_insert(time);
                    stream.go_on(time);
                });
            }
            Message::Ack(id) => {
                return self.stream(open, (!by_engine, id.0), |stream| {
                    stream.on_the_way = stream.on_the_way.saturating_sub(1);
                    stream.go_on(time);
                });
            }
            Message::Drop(id) => {
                return self.stream(open, (!by_engine, id.0), |stream| {
                    if stream.ended.is_none() {
                        stream.dropped.get_or_insert(time);
                    }
                    stream.go_on(time);
                });
            }
            Message::Hello(_)
            | Message::Signal(_)
            | Message::Option(_)
            | Message::Goodbye
            | Message::Unknown(_) => (None, None),
        };
        let Some(call) = call else { return Part::None };
        if let Some((id, kind)) = header.and_then(Header::stream) {
            let place = self.outline.streams.len();
            open.streams.insert((by_engine, id.0), place);
            self.outline.streams.push(TracedStream {
                from,
                id: id.0,
                call,
                kind,
                announced: index,
                began: time,
                first: None,
                ended: None,
                dropped: None,
                last: time,
                items: 0,
                bytes: 0,
                held: Duration::ZERO,
                on_the_way: 0,
                held_since: None,
            });
        }
        Part::Call(call)
    }

    fn begin(
        &mut self,
        index: usize,
        time: Duration,
        (from, id): (Sender, u64),
        name: String,
        within: Option<usize>,
    ) -> usize {
        self.outline.calls.push(TracedCall {
            from,
            id,
            name,
            within,
            asks: index,
            answers: None,
            error: None,
            began: time,
            answered: None,
            last: time,
        });
        self.outline.calls.len() - 1
    }

    fn end(
        &mut self,
        index: usize,
        time: Duration,
        place: Option<usize>,
        error: Option<String>,
    ) -> Option<usize> {
        let place = place?;
        let call = &mut self.outline.calls[place];
        call.answers = Some(index);
        call.answered = Some(time);
        call.error = error;
        Some(place)
    }

    fn stream(
        &mut self,
        open: &Open,
        key: (bool, u64),
        change: impl FnOnce(&mut TracedStream),
    ) -> Part {
        match open.streams.get(&key) {
            Some(place) => {
                change(&mut self.outline.streams[*place]);
                Part::Stream(*place)
            }
            None => Part::None,
        }
    }
}

impl TracedStream {
    fn item(&mut self, time: Duration, item: &StreamItem, text: &str) {
        self.first.get_or_insert(time);
        self.items += match item {
            StreamItem::Items(values) => values.len() as u64,
            _ => 1,
        };
        self.bytes += match item {
            StreamItem::Raw(bytes) => bytes.len() as u64,
            StreamItem::List(_) | StreamItem::Items(_) | StreamItem::RawError(_) => {
                text.len() as u64
            }
        };
        self.on_the_way += 1;
        if self.on_the_way >= credit(self.kind) {
            self.held_since = Some(time);
        }
    }

    fn go_on(&mut self, time: Duration) {
        if let Some(since) = self.held_since.take() {
            self.held += time.saturating_sub(since);
        }
    }
}

/// How many items real producers let be on the way before they wait.
pub(super) fn credit(kind: StreamKind) -> u64 {
    match kind {
        StreamKind::List => 100,
        StreamKind::Raw => 50,
    }
}

/// A call in a few words, such as `` Run `inc` ``.
pub fn call_name(call: &Call) -> String {
    match call {
        Call::Metadata => "Metadata".to_owned(),
        Call::Signature => "Signature".to_owned(),
        Call::Run(run) => format!("Run `{}`", run.name),
        Call::Completion(completion) => format!("GetCompletion `{}`", completion.name),
        Call::CustomValueOp(value, _) => format!("CustomValueOp on {}", value.item.name),
        Call::Unknown(name) => name.clone(),
    }
}

fn engine_call_name(call: &EngineCall) -> String {
    match call {
        EngineCall::GetEnvVar(name) | EngineCall::AddEnvVar(name, _) => {
            format!("{} `{name}`", call.name())
        }
        EngineCall::FindDecl(name) => format!("FindDecl `{name}`"),
        _ => call.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n";

    fn outline(lines: &[(f64, &str, &str)]) -> Outline {
        let lines: String = lines
            .iter()
            .map(|(t, from, message)| {
                format!(
                    "{{\"t\":{t},\"plugin\":\"x\",\"from\":\"{from}\",\"message\":{message}}}\n"
                )
            })
            .collect();
        Trace::parse(&format!("{HEAD}{lines}"))
            .expect("a trace")
            .outline()
    }

    const RUN: &str = r#"{"Call":[0,{"Run":{"name":"a","call":{"head":{"start":0,"end":0},"positional":[],"named":[]},"input":"Empty"}}]}"#;
    const STREAM: &str = r#"{"CallResponse":[0,{"PipelineData":{"ListStream":{"id":7,"span":{"start":0,"end":0}}}}]}"#;
    const ITEM: &str = r#"{"Data":[7,{"List":{"Int":{"val":1,"span":{"start":0,"end":0}}}}]}"#;

    #[test]
    fn a_call_is_over_with_its_output() {
        let asks = r#"{"EngineCall":{"context":0,"id":3,"call":"GetHelp"}}"#;
        let no = r#"{"EngineCallResponse":[3,{"Error":{"msg":"no"}}]}"#;
        let outline = outline(&[
            (1.0, "engine", RUN),
            (1.5, "plugin", asks),
            (1.75, "engine", no),
            (2.0, "plugin", STREAM),
            (3.0, "plugin", ITEM),
            (4.0, "engine", r#"{"Ack":7}"#),
            (5.0, "plugin", r#"{"End":7}"#),
        ]);
        let [run, help] = outline.calls.as_slice() else {
            panic!("{outline:?}")
        };
        assert_eq!((run.name.as_str(), run.answers), ("Run `a`", Some(3)));
        assert_eq!(run.answered, Some(Duration::from_secs(2)));
        assert_eq!(run.last, Duration::from_secs(5));
        assert_eq!((help.within, help.error.as_deref()), (Some(0), Some("no")));
        let [stream] = outline.streams.as_slice() else {
            panic!("{outline:?}")
        };
        assert!(!stream.is_input(&outline));
        assert_eq!((stream.items, stream.bytes), (1, ITEM.len() as u64));
        assert_eq!(stream.first, Some(Duration::from_secs(3)));
        assert_eq!(stream.ended, Some(Duration::from_secs(5)));
        assert_eq!(outline.parts[5], Part::Stream(0));
        assert_eq!(outline.root(outline.parts[2]), Some(0));
    }

    #[test]
    fn a_producer_without_credit_is_held() {
        let mut lines = vec![(0.0, "engine", RUN), (0.0, "plugin", STREAM)];
        lines.extend(std::iter::repeat_n((1.0, "plugin", ITEM), 100));
        lines.push((4.0, "engine", r#"{"Ack":7}"#));
        lines.push((4.5, "plugin", ITEM));
        lines.push((5.0, "engine", r#"{"Drop":7}"#));
        let stream = &outline(&lines).streams[0];
        assert_eq!(stream.held, Duration::from_secs_f64(3.5));
        assert_eq!(stream.dropped, Some(Duration::from_secs(5)));
        assert_eq!((stream.items, stream.ended), (101, None));
    }

    #[test]
    fn what_belongs_to_nothing_is_part_of_nothing() {
        let outline = outline(&[
            (0.0, "plugin", STREAM),
            (0.0, "plugin", ITEM),
            (0.0, "engine", r#""Goodbye""#),
        ]);
        assert!(outline.calls.is_empty() && outline.streams.is_empty());
        assert_eq!(outline.parts, vec![Part::None; 3]);
    }
}
