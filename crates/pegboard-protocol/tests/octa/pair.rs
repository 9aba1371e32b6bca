//! A host's session and a plugin's, joined by bytes, doing whatever they are told; after each step the rules are checked.

use std::collections::{BTreeMap, VecDeque};

use pegboard_protocol::octa::{
    Decoder, Execute, ExecutionId, Feature, Features, FromHost, FromPlugin, Host, HostConfig,
    HostEvent, HostHello, Incoming, Limits, Outcome, Outgoing, Plugin, PluginConfig, PluginEvent,
    PluginHello, Stream, encode,
};

use super::ops::Op;

const LIMITS: Limits = Limits {
    line: 64 << 10,
    depth: 20,
    executions: 5,
    buffered: 1 << 20,
    window: 100,
};

/// One execution, as both sides know it.
#[derive(Default)]
struct Known {
    plugin: Option<ExecutionId>,
    input: bool,
    started: bool,
    cancelled: bool,
    /// What the plugin did.
    done: Option<Outcome>,
    ended: Option<Outcome>,
    result: [bool; 2],
    out: Flow,
    fed: Flow,
    input_ended: [bool; 2],
}

/// Bytes one way.
#[derive(Default)]
struct Flow {
    sent: Vec<u8>,
    received: Vec<u8>,
    waiting: usize,
}

impl Flow {
    /// What is to arrive: a host that knows only text gets text, even if the last character is broken off.
    fn arrives(&self, features: Features) -> Vec<u8> {
        match features.has(Feature::Bytes) {
            true => self.sent.clone(),
            false => String::from_utf8_lossy(&self.sent)
                .into_owned()
                .into_bytes(),
        }
    }
}

pub(crate) struct Pair {
    features: Features,
    host: Host,
    plugin: Plugin,
    to_host: Wire<FromPlugin>,
    to_plugin: Wire<FromHost>,
    known: BTreeMap<ExecutionId, Known>,
    /// In the order in which the host sent them.
    order: VecDeque<ExecutionId>,
    by_plugin: BTreeMap<ExecutionId, ExecutionId>,
    /// Somebody closed or left early; not everything arrives then.
    cut: bool,
    shut: usize,
}

struct Wire<M> {
    bytes: VecDeque<u8>,
    decoder: Decoder<M>,
}

impl<M: Incoming> Wire<M> {
    fn new() -> Wire<M> {
        Wire {
            bytes: VecDeque::new(),
            decoder: Decoder::new(LIMITS),
        }
    }

    fn write(&mut self, message: &impl Outgoing, form: pegboard_protocol::octa::Form) {
        let mut bytes = Vec::new();
        encode(message, form, &mut bytes);
        self.bytes.extend(bytes);
    }

    /// The messages that are complete when `amount` bytes more have arrived.
    fn read(&mut self, amount: usize) -> Vec<M> {
        let bytes: Vec<u8> = self.bytes.drain(..amount.min(self.bytes.len())).collect();
        self.decoder.feed(&bytes);
        let mut messages = Vec::new();
        while let Some(frame) = self.decoder.next() {
            messages.push(frame.content.unwrap());
        }
        messages
    }
}

impl Pair {
    pub(crate) fn new(features: Features) -> Pair {
        let (host, hello) = HostHello::new(HostConfig {
            features,
            limits: LIMITS,
            ..HostConfig::default()
        });
        let plugin = PluginHello::new(PluginConfig {
            features,
            limits: LIMITS,
            ..PluginConfig::new("k")
        });
        let (plugin, hello) = plugin.receive(Ok(hello)).unwrap();
        let (host, schema) = host.receive(Ok(hello)).unwrap();
        let (plugin, schema) = plugin.receive(Ok(schema)).unwrap();
        let host = host.receive(Ok(schema)).unwrap();
        assert_eq!(
            host.features().without(Feature::PlainText),
            plugin.features().without(Feature::PlainText)
        );
        Pair {
            features: host.features(),
            host,
            plugin,
            to_host: Wire::new(),
            to_plugin: Wire::new(),
            known: BTreeMap::new(),
            order: VecDeque::new(),
            by_plugin: BTreeMap::new(),
            cut: false,
            shut: 0,
        }
    }

    /// Does all of these, brings everything to its end, and checks that nothing is left.
    pub(crate) fn run(mut self, ops: impl IntoIterator<Item = Op>) {
        for op in ops {
            self.act(op);
            self.poll();
        }
        self.finish();
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Execute { input } => {
                let number = self.known.len();
                let execute = Execute {
                    text: text(number),
                    dir: "/".to_owned(),
                    input: input && self.features.has(Feature::Input),
                    ..Execute::default()
                };
                let input = execute.input;
                if let Ok(id) = self.host.execute(execute) {
                    let known = Known {
                        input,
                        ..Known::default()
                    };
                    self.known.insert(id, known);
                    self.order.push_back(id);
                }
            }
            Op::Output { which, length } => {
                if let Some(id) = self.at_plugin(which) {
                    self.output(id, length);
                }
            }
            Op::Result { which } => {
                if let Some(id) = self.at_plugin(which) {
                    let plugin = self.known[&id].plugin.unwrap();
                    let known = self.known.get_mut(&id).unwrap();
                    if self
                        .plugin
                        .result(plugin, plugin.to_string().into())
                        .is_ok()
                    {
                        assert!(!known.result[0]);
                        known.result[0] = true;
                    }
                }
            }
            Op::Exit { which } => {
                if let Some(id) = self.at_plugin(which) {
                    self.exit(id, which as i32 - 100);
                }
            }
            Op::Error { which } => {
                if let Some(id) = self.at_plugin(which) {
                    let known = self.known.get_mut(&id).unwrap();
                    let plugin = known.plugin.unwrap();
                    self.plugin.error(plugin, "no").unwrap();
                    known.done = Some(Outcome::Error("no".to_owned()));
                    assert!(self.plugin.error(plugin, "again").is_err());
                }
            }
            Op::Cancel { which } => {
                if let Some(id) = self.at_host(which) {
                    let asked = self.host.cancel(id).is_ok();
                    let open = self.host.failure().is_none();
                    assert_eq!(asked, open && self.features.has(Feature::Cancel));
                }
            }
            Op::Input { which, length } => {
                if let Some(id) = self.at_host(which) {
                    self.input(id, length);
                }
            }
            Op::EndInput { which } => {
                if let Some(id) = self.at_host(which) {
                    self.host.end_input(id);
                    self.known.get_mut(&id).unwrap().input_ended[0] = true;
                }
            }
            Op::TakeOutput { amount } => self.take_output(amount),
            Op::TakeInput { amount } => self.take_input(amount),
            Op::ToHost { amount } => {
                for message in self.to_host.read(amount) {
                    self.host.receive(Ok(message));
                    self.poll();
                }
            }
            Op::ToPlugin { amount } => {
                for message in self.to_plugin.read(amount) {
                    self.plugin.receive(Ok(message));
                    self.poll();
                }
            }
            Op::Shutdown => {
                self.cut = true;
                self.host.shut_down();
            }
            Op::Goodbye => {
                self.cut = true;
                self.plugin.goodbye("bye");
            }
            Op::HostClosed => {
                self.cut = true;
                self.host.closed();
            }
            Op::PluginClosed => {
                self.cut = true;
                self.plugin.closed();
            }
        }
    }

    fn exit(&mut self, id: ExecutionId, code: i32) {
        let known = self.known.get_mut(&id).unwrap();
        let plugin = known.plugin.unwrap();
        self.plugin.exit(plugin, code).unwrap();
        known.done = Some(Outcome::Exit(code));
        assert!(self.plugin.exit(plugin, code).is_err());
    }

    fn output(&mut self, id: ExecutionId, length: usize) {
        let bytes = self.features.has(Feature::Bytes);
        let known = self.known.get_mut(&id).unwrap();
        let content = content(known.out.sent.len(), length, bytes);
        let taken = self
            .plugin
            .output(known.plugin.unwrap(), Stream::Stdout, &content)
            .unwrap_or(0);
        known.out.sent.extend(&content[..taken]);
        if !self.features.has(Feature::Credit) {
            assert_eq!(taken, length);
        }
    }

    fn input(&mut self, id: ExecutionId, length: usize) {
        let known = self.known.get_mut(&id).unwrap();
        let content = content(known.fed.sent.len(), length, true);
        if let Ok(taken) = self.host.input(id, &content) {
            assert!(known.input && !known.input_ended[0]);
            known.fed.sent.extend(&content[..taken]);
        }
    }

    fn take_output(&mut self, amount: usize) {
        for (id, known) in &mut self.known {
            let taken = amount.min(known.out.waiting);
            known.out.waiting -= taken;
            self.host.consumed(*id, taken);
        }
    }

    fn take_input(&mut self, amount: usize) {
        for known in self.known.values_mut() {
            let taken = amount.min(known.fed.waiting);
            known.fed.waiting -= taken;
            if let Some(id) = known.plugin {
                self.plugin.consumed(id, taken);
            }
        }
    }

    fn at_host(&self, which: usize) -> Option<ExecutionId> {
        let open = self.known.iter().filter(|(_, known)| known.ended.is_none());
        let open: Vec<_> = open.map(|(id, _)| *id).collect();
        (!open.is_empty()).then(|| open[which % open.len()])
    }

    fn at_plugin(&self, which: usize) -> Option<ExecutionId> {
        if self.plugin.is_over() {
            return None;
        }
        let open = self
            .known
            .iter()
            .filter(|(_, known)| known.plugin.is_some() && known.done.is_none());
        let open: Vec<_> = open.map(|(id, _)| *id).collect();
        assert_eq!(open.len(), self.plugin.open());
        (!open.is_empty()).then(|| open[which % open.len()])
    }

    fn poll(&mut self) {
        while let Some(message) = self.host.poll_message() {
            self.to_plugin.write(&message, self.host.form());
        }
        while let Some(message) = self.plugin.poll_message() {
            self.to_host.write(&message, self.plugin.form());
        }
        while let Some(event) = self.host.poll_event() {
            self.host_event(event);
        }
        while let Some(event) = self.plugin.poll_event() {
            self.plugin_event(event);
        }
    }

    fn host_event(&mut self, event: HostEvent) {
        match event {
            HostEvent::Started { id } => {
                let known = self.running(id);
                assert!(!known.started);
                known.started = true;
            }
            HostEvent::Output { id, bytes, .. } => {
                let features = self.features;
                let known = self.running(id);
                assert!(known.started);
                known.out.received.extend(&bytes);
                known.out.waiting += bytes.len();
                assert!(known.out.arrives(features).starts_with(&known.out.received));
                if features.has(Feature::Credit) {
                    assert!(known.out.waiting as u64 <= LIMITS.window);
                }
            }
            HostEvent::Result { id, .. } => {
                let known = self.running(id);
                assert!(known.result[0] && !known.result[1]);
                known.result[1] = true;
            }
            HostEvent::InputWritable { id } => {
                let known = self.running(id);
                assert!(known.started && known.input);
            }
            HostEvent::Ended { id, outcome } => {
                let cut = self.cut;
                let features = self.features;
                let known = self.running(id);
                if !cut {
                    assert_eq!(Some(&outcome), known.done.as_ref());
                    assert_eq!(known.out.arrives(features), known.out.received);
                    assert_eq!(known.result[0], known.result[1]);
                }
                known.ended = Some(outcome);
            }
            HostEvent::Ignored(ignored) => panic!("{ignored}"),
            HostEvent::ShutDown { .. } => self.shut += 1,
            HostEvent::Failed(failure) => assert!(self.cut, "{failure}"),
        }
    }

    /// An execution that the host has not been told the end of.
    fn running(&mut self, id: ExecutionId) -> &mut Known {
        let known = self.known.get_mut(&id).unwrap();
        assert_eq!(known.ended, None);
        known
    }

    fn plugin_event(&mut self, event: PluginEvent) {
        match event {
            PluginEvent::Execute { id, execute } => {
                let first = self.order.pop_front().unwrap();
                let number = self.by_plugin.len();
                assert_eq!(execute.text, text(number));
                let known = self.known.get_mut(&first).unwrap();
                assert_eq!(execute.input, known.input);
                known.plugin = Some(id);
                self.by_plugin.insert(id, first);
            }
            PluginEvent::Cancel { id } => {
                let known = self.at_the_plugin(id);
                assert!(known.done.is_none() && !known.cancelled);
                known.cancelled = true;
            }
            PluginEvent::Input { id, bytes } => {
                let known = self.at_the_plugin(id);
                assert!(!known.input_ended[1]);
                known.fed.received.extend(&bytes);
                known.fed.waiting += bytes.len();
                assert!(known.fed.sent.starts_with(&known.fed.received));
                assert!(known.fed.waiting as u64 <= LIMITS.window);
            }
            PluginEvent::InputEnded { id } => {
                let known = self.at_the_plugin(id);
                assert!(known.input_ended[0] && !known.input_ended[1]);
                assert_eq!(known.fed.sent, known.fed.received);
                known.input_ended[1] = true;
            }
            PluginEvent::Writable { id } => assert!(self.at_the_plugin(id).done.is_none()),
            PluginEvent::ShutDown => assert!(self.cut),
            PluginEvent::Failed(failure) => assert!(self.cut, "{failure}"),
        }
    }

    fn at_the_plugin(&mut self, id: ExecutionId) -> &mut Known {
        self.known.get_mut(&self.by_plugin[&id]).unwrap()
    }

    /// Brings everything that is under way to where it goes, and takes it there.
    fn settle(&mut self) {
        loop {
            self.act(Op::ToPlugin { amount: usize::MAX });
            self.act(Op::ToHost { amount: usize::MAX });
            self.take_output(usize::MAX);
            self.take_input(usize::MAX);
            self.poll();
            if self.to_host.bytes.is_empty() && self.to_plugin.bytes.is_empty() {
                return;
            }
        }
    }

    fn finish(mut self) {
        self.settle();
        // Whoever waits for room gets it once everything is taken.
        for id in self.known.keys().copied().collect::<Vec<_>>() {
            let known = &self.known[&id];
            if self.plugin.is_over() || known.plugin.is_none() || known.done.is_some() {
                continue;
            }
            if !self.cut {
                let before = known.out.sent.len();
                self.output(id, 7);
                assert_eq!(self.known[&id].out.sent.len(), before + 7);
            }
            self.poll();
            self.settle();
            self.exit(id, 0);
            self.poll();
        }
        self.settle();
        assert!(self.cut || self.host.open() == 0);
        self.cut = true;
        self.host.shut_down();
        self.poll();
        self.settle();
        self.plugin.goodbye("bye");
        self.poll();
        self.settle();
        if self.plugin.is_over() {
            self.host.closed();
            self.poll();
        }
        assert!(self.host.is_over());
        assert_eq!(self.host.open(), 0);
        assert_eq!(self.host.buffered(), 0);
        assert!(self.shut <= 1);
        assert_eq!(self.shut == 0, self.host.failure().is_some());
        for known in self.known.values() {
            assert!(known.ended.is_some());
        }
    }
}

/// With everything in it that a real host would spoil.
fn text(number: usize) -> String {
    format!("{number} \\n \"x\"\t\\")
}

/// The next bytes of a flow, whole lines if need be.
fn content(at: usize, length: usize, bytes: bool) -> Vec<u8> {
    let all = "héllo \u{1f600} wörld\n".as_bytes();
    if bytes {
        return (at..at + length)
            .map(|at| match at % 61 {
                0 => 0xff,
                _ => all[at % all.len()],
            })
            .collect();
    }
    (at..at + length).map(|at| all[at % all.len()]).collect()
}
