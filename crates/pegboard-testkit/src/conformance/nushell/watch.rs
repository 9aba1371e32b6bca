//! What must hold of every message in every conversation, whatever the rule that is played.

use std::collections::BTreeMap;

use pegboard_protocol::LabeledError;
use pegboard_protocol::nu::{
    Call, CallId, EngineCallId, Header, Message, Response, StreamId, StreamItem, StreamKind,
};

use crate::conformance::play::Broken;

/// Items of a stream that are kept to be looked at.
const KEPT: usize = 32;
/// How many list items, and how many chunks of bytes, may be sent beyond those that were acked.
const CREDIT: [(StreamKind, u64); 2] = [(StreamKind::List, 100), (StreamKind::Raw, 50)];

/// What is known about the calls and streams of one conversation.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) calls: BTreeMap<CallId, Asked>,
    /// The plugin's streams by number; a number may be used again for a later stream.
    pub(super) outputs: BTreeMap<StreamId, Output>,
    /// The engine's streams by number.
    pub(super) inputs: BTreeMap<StreamId, Input>,
    pub(super) hellos: u32,
    pub(super) engine_calls: u64,
    /// Engine calls that were not answered yet.
    pub(super) asking: Vec<EngineCallId>,
}

/// A call that was made.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) answer: Option<Response>,
}

/// What may be answered to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Metadata,
    Signature,
    Data,
    Completions,
    Ordering,
    /// Anything, as to a call that nobody knows.
    Any,
}

/// A stream that the plugin produces.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) kind: StreamKind,
    /// The call that it belongs to.
    pub(super) call: Option<CallId>,
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) ended: bool,
    pub(super) dropped: bool,
    /// The first items.
    pub(super) items: Vec<StreamItem>,
}

/// A stream that the engine produces.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) dropped: bool,
}

impl Kind {
    pub(super) fn of(call: &Call) -> Kind {
        use pegboard_protocol::nu::CustomValueOp;
        match call {
            Call::Metadata => Kind::Metadata,
            Call::Signature => Kind::Signature,
            Call::Run(_) => Kind::Data,
            Call::Completion(_) => Kind::Completions,
            Call::CustomValueOp(_, CustomValueOp::PartialCmp(_)) => Kind::Ordering,
            Call::CustomValueOp(_, CustomValueOp::Save { .. } | CustomValueOp::Dropped) => {
                Kind::Any
            }
            Call::CustomValueOp(..) => Kind::Data,
            Call::Unknown(_) => Kind::Any,
        }
    }

    fn takes(self, response: &Response) -> bool {
        match response {
            Response::Error(_) => true,
            Response::Ok => self == Kind::Any,
            Response::Metadata(_) => matches!(self, Kind::Metadata | Kind::Any),
            Response::Signature(_) => matches!(self, Kind::Signature | Kind::Any),
            Response::Ordering(_) => matches!(self, Kind::Ordering | Kind::Any),
            Response::Completions(_) => matches!(self, Kind::Completions | Kind::Any),
            Response::Data(_) => matches!(self, Kind::Data | Kind::Any),
        }
    }
}

impl Output {
    fn new(kind: StreamKind, call: Option<CallId>) -> Output {
        Output {
            kind,
            call,
            sent: 0,
            acked: 0,
            ended: false,
            dropped: false,
            items: Vec::new(),
        }
    }

    /// How many items may wait to be acked.
    pub(super) fn credit(&self) -> u64 {
        credit(self.kind)
    }
}

/// How many items of a stream may wait to be acked.
pub(super) fn credit(kind: StreamKind) -> u64 {
    let row = CREDIT.iter().find(|row| row.0 == kind);
    row.map_or(0, |row| row.1)
}

impl Watch {
    /// Takes note of a message of the plugin, and says which rules it breaks.
    pub(super) fn receive(&mut self, message: &Message) -> Vec<Broken> {
        let mut broken = Vec::new();
        if self.hellos == 0 && !matches!(message, Message::Hello(_)) {
            broken.push((
                "hello-first",
                "it says something else before its Hello".to_owned(),
            ));
        }
        match message {
            Message::Hello(_) => {
                self.hellos += 1;
                if self.hellos > 1 {
                    broken.push(("hello-once", "it says Hello again".to_owned()));
                }
            }
            Message::CallResponse(id, response) => broken.extend(self.response(*id, response)),
            Message::EngineCall { context, id, call } => {
                self.engine_calls += 1;
                if !self.is_under_way(*context) {
                    let what =
                        format!("engine call {id} is for call {context}, which is not under way");
                    broken.push(("engine-call-context", what));
                }
                self.asking.push(*id);
                broken.extend(self.announce(call.input(), None));
            }
            Message::Data(id, item) => broken.extend(self.item(*id, item)),
            Message::End(id) => match self.outputs.get_mut(id) {
                Some(output) if !output.ended => output.ended = true,
                Some(_) => broken.push(("stream-ends-once", format!("stream {id} ends twice"))),
                None => broken.push((
                    "stream-announced",
                    format!("it ends stream {id}, which it has not announced"),
                )),
            },
            Message::Ack(id) => match self.inputs.get_mut(id) {
                Some(input) => {
                    input.acked += 1;
                    if input.acked > input.sent {
                        let what = format!(
                            "stream {id} has more acks than the {} items that were sent",
                            input.sent
                        );
                        broken.push(("ack-once", what));
                    }
                }
                None => broken.push((
                    "input-known",
                    format!("it acks stream {id}, which the engine has not announced"),
                )),
            },
            Message::Drop(id) => match self.inputs.get_mut(id) {
                Some(input) => input.dropped = true,
                None => broken.push((
                    "input-known",
                    format!("it drops stream {id}, which the engine has not announced"),
                )),
            },
            _ => {}
        }
        broken
    }

    /// Takes note of a message of the engine.
    pub(super) fn send(&mut self, message: &Message) {
        match message {
            Message::Call(id, call) => {
                self.calls.insert(*id, Asked::new(Kind::of(call)));
            }
            Message::Data(id, _) => {
                if let Some(input) = self.inputs.get_mut(id) {
                    input.sent += 1;
                }
            }
            Message::Ack(id) => {
                if let Some(output) = self.outputs.get_mut(id) {
                    output.acked += 1;
                }
            }
            Message::Drop(id) => {
                if let Some(output) = self.outputs.get_mut(id) {
                    output.dropped = true;
                }
            }
            _ => {}
        }
    }

    /// The stream that a call has given, by number.
    pub(super) fn output_of(&self, call: CallId) -> Option<(StreamId, &Output)> {
        let mut outputs = self.outputs.iter();
        let found = outputs.find(|(_, output)| output.call == Some(call));
        found.map(|(id, output)| (*id, output))
    }

    /// True for a call that was not answered, or whose output still streams.
    fn is_under_way(&self, call: CallId) -> bool {
        let open = |asked: &Asked| asked.answer.is_none();
        self.calls.get(&call).is_some_and(open)
            || self
                .output_of(call)
                .is_some_and(|(_, output)| !output.ended)
    }

    fn response(&mut self, id: CallId, response: &Response) -> Vec<Broken> {
        let mut broken = Vec::new();
        match self.calls.get_mut(&id) {
            None => {
                broken.push((
                    "response-known",
                    format!("it answers call {id}, which was never made"),
                ));
                return broken;
            }
            Some(asked) if asked.answer.is_some() => {
                broken.push(("response-once", format!("it answers call {id} again")));
                return broken;
            }
            Some(asked) => {
                if !asked.kind.takes(response) {
                    let what = format!(
                        "it answers call {id} ({:?}) with {}",
                        asked.kind,
                        name(response)
                    );
                    broken.push(("response-kind", what));
                }
                asked.answer = Some(response.clone());
            }
        }
        if let Response::Error(error) = response {
            broken.extend(judge_error(error));
        }
        broken.extend(self.announce(response.header(), Some(id)));
        broken
    }

    fn announce(&mut self, header: Option<&Header>, call: Option<CallId>) -> Option<Broken> {
        let (id, kind) = header?.stream()?;
        let before = self.outputs.insert(id, Output::new(kind, call));
        before.filter(|before| !before.ended).map(|_| {
            let what = format!("it announces stream {id}, which has not ended yet");
            ("stream-announced", what)
        })
    }

    fn item(&mut self, id: StreamId, item: &StreamItem) -> Option<Broken> {
        let Some(output) = self.outputs.get_mut(&id) else {
            let what = format!("it sends an item of stream {id}, which it has not announced");
            return Some(("stream-announced", what));
        };
        if output.ended {
            let what = format!("it sends an item of stream {id}, which has ended");
            return Some(("stream-announced", what));
        }
        output.sent += 1;
        if output.items.len() < KEPT {
            output.items.push(item.clone());
        }
        if let StreamItem::Items(_) = item {
            let what = format!(
                "it sends several items of stream {id} in one message, which the engine has not offered to take"
            );
            return Some(("stream-kind", what));
        }
        if item.kind() != output.kind {
            let words = match output.kind {
                StreamKind::List => "bytes in stream {id}, which is a list",
                StreamKind::Raw => "a list item in stream {id}, which is of bytes",
            };
            let what = format!("it sends {}", words.replace("{id}", &id.to_string()));
            return Some(("stream-kind", what));
        }
        let waiting = output.sent.saturating_sub(output.acked);
        (waiting > output.credit()).then(|| {
            let credit = output.credit();
            let what = format!(
                "{waiting} items of stream {id} wait to be acked; no more than {credit} may"
            );
            ("stream-credit", what)
        })
    }
}

impl Asked {
    pub(super) fn new(kind: Kind) -> Asked {
        Asked { kind, answer: None }
    }
}

fn judge_error(error: &LabeledError) -> Option<Broken> {
    if error.msg.trim().is_empty() {
        return Some(("errors-in-words", "its error has no message".to_owned()));
    }
    let bad = error.labels.iter().find(|it| it.span.end < it.span.start);
    if let Some(label) = bad {
        let span = label.span;
        let what = format!(
            "a label of its error goes from {} to {}: real engines crash on it",
            span.start, span.end
        );
        return Some(("spans-forward", what));
    }
    error.inner.iter().find_map(judge_error)
}

fn name(response: &Response) -> &'static str {
    match response {
        Response::Ok => "Ok",
        Response::Error(_) => "Error",
        Response::Metadata(_) => "Metadata",
        Response::Signature(_) => "Signature",
        Response::Ordering(_) => "Ordering",
        Response::Completions(_) => "CompletionItems",
        Response::Data(_) => "PipelineData",
    }
}
