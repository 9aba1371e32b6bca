//! Runs a script: what one side is told and receives. Gives the script with what that side sends and reports.
//!
//! ```text
//! small                    before one of the next two: with small limits
//! host FEATURE..           our side is the host; `host 0.2.0 FEATURE..` claims another version
//! plugin KEY FEATURE..     our side is the plugin; `plugin KEY ">=9" FEATURE..` has another requirement
//! < {..}                   a line arrives
//! <| {..}                  the same, but without its line feed
//! <x ff0a                  bytes arrive
//! do ..                    our side is told to do something
//! > {..}                   what our side sends
//! ! ..                     what it reports
//! = ..                     what it answers to `do`
//! ```

use std::collections::HashMap;
use std::fmt::Write as _;

use pegboard_protocol::octa::{
    Decoder, Execute, ExecutionId, Feature, Features, Form, Frame, FromHost, FromPlugin,
    HandshakeError, Host, HostConfig, HostEvent, HostHello, HostSchema, Incoming, Limits, Outcome,
    Outgoing, Plugin, PluginConfig, PluginEvent, PluginHello, PluginSchema, Refusal, Stream,
    encode,
};
use serde_json::{Value, json};

/// What scripts can reach.
const SMALL: Limits = Limits {
    line: 1 << 20,
    depth: 12,
    executions: 3,
    buffered: 64,
    window: 16,
};

/// Runs the steps; lines that begin with `>`, `!` or `=` are made anew.
pub(crate) fn run(steps: &str) -> String {
    let mut runner = Runner {
        side: Side::None,
        limits: Limits::default(),
        ids: HashMap::new(),
        out: String::new(),
    };
    for line in steps.lines() {
        if line.starts_with(['>', '!', '=']) {
            continue;
        }
        writeln!(runner.out, "{line}").unwrap();
        match line.split_once(' ') {
            Some(("<", text)) => runner.feed(format!("{text}\n").as_bytes()),
            Some(("<|", text)) => runner.feed(text.as_bytes()),
            Some(("<x", hex)) => runner.feed(&unhex(hex)),
            Some(("do", what)) => runner.act(what),
            Some(("host", rest)) => runner.host(rest),
            Some(("plugin", rest)) => runner.plugin(rest),
            _ if line == "host" => runner.host(""),
            _ if line == "small" => runner.limits = SMALL,
            _ => assert!(
                line.is_empty() || line.starts_with('#'),
                "no such step: {line}"
            ),
        }
        runner.poll();
    }
    runner.out
}

enum Side {
    None,
    Over,
    HostHello(Decoder<FromPlugin>, HostHello),
    HostSchema(Decoder<FromPlugin>, HostSchema),
    Host(Decoder<FromPlugin>, Box<Host>),
    PluginHello(Decoder<FromHost>, PluginHello),
    PluginSchema(Decoder<FromHost>, PluginSchema),
    Plugin(Decoder<FromHost>, Box<Plugin>),
}

struct Runner {
    side: Side,
    limits: Limits,
    /// The executions by their numbers.
    ids: HashMap<String, ExecutionId>,
    out: String,
}

impl Runner {
    fn host(&mut self, rest: &str) {
        let mut config = HostConfig {
            features: Features::NONE,
            limits: self.limits,
            ..HostConfig::default()
        };
        for word in rest.split(' ').filter(|word| !word.is_empty()) {
            match word.parse() {
                Ok(version) => config.version = version,
                Err(_) => config.features = with(config.features, word),
            }
        }
        let (host, hello) = HostHello::new(config);
        self.side = Side::HostHello(Decoder::new(self.limits), host);
        self.sent(&hello, Form::Every);
    }

    fn plugin(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let mut config = PluginConfig {
            features: Features::NONE,
            limits: self.limits,
            ..PluginConfig::new(words.next().unwrap())
        };
        for word in words {
            match serde_json::from_str::<String>(word) {
                Ok(requirement) => config.requirement = requirement.parse().unwrap(),
                Err(_) => config.features = with(config.features, word),
            }
        }
        self.side = Side::PluginHello(Decoder::new(self.limits), PluginHello::new(config));
    }

    fn feed(&mut self, bytes: &[u8]) {
        match &mut self.side {
            Side::None | Side::Over => {}
            Side::HostHello(decoder, _) | Side::HostSchema(decoder, _) | Side::Host(decoder, _) => {
                decoder.feed(bytes);
            }
            Side::PluginHello(decoder, _)
            | Side::PluginSchema(decoder, _)
            | Side::Plugin(decoder, _) => {
                decoder.feed(bytes);
            }
        }
        while self.step() {
            self.poll();
        }
    }

    /// Takes one frame; false if there is none.
    fn step(&mut self) -> bool {
        let side = std::mem::replace(&mut self.side, Side::Over);
        match side {
            Side::None | Side::Over => return false,
            Side::HostHello(mut decoder, host) => match frame(&mut decoder) {
                None => self.side = Side::HostHello(decoder, host),
                Some(frame) => match host.receive(frame.content) {
                    Ok((next, message)) => {
                        self.sent(&message, Form::Every);
                        self.side = Side::HostSchema(decoder, next);
                        return true;
                    }
                    Err(error) => self.refused(&error),
                },
            },
            Side::HostSchema(mut decoder, host) => match frame(&mut decoder) {
                None => self.side = Side::HostSchema(decoder, host),
                Some(frame) => match host.receive(frame.content) {
                    Ok(host) => {
                        let agreed = names(host.features());
                        writeln!(self.out, "! key {}{agreed}", host.key()).unwrap();
                        self.side = Side::Host(decoder, Box::new(host));
                        return true;
                    }
                    Err(error) => self.refused(&error),
                },
            },
            Side::Host(mut decoder, mut host) => {
                let frame = frame(&mut decoder);
                let more = frame.is_some() && !host.is_over();
                if let Some(frame) = frame {
                    host.receive(frame.content);
                }
                self.side = Side::Host(decoder, host);
                return more;
            }
            Side::PluginHello(mut decoder, plugin) => match frame(&mut decoder) {
                None => self.side = Side::PluginHello(decoder, plugin),
                Some(frame) => match plugin.receive(frame.content) {
                    Ok((next, message)) => {
                        self.sent(&message, Form::Every);
                        self.side = Side::PluginSchema(decoder, next);
                        return true;
                    }
                    Err(error) => self.said_no(&error),
                },
            },
            Side::PluginSchema(mut decoder, plugin) => match frame(&mut decoder) {
                None => self.side = Side::PluginSchema(decoder, plugin),
                Some(frame) => match plugin.receive(frame.content) {
                    Ok((plugin, message)) => {
                        self.sent(&message, Form::Every);
                        let agreed = names(plugin.features());
                        let host = if plugin.host_is_ours() {
                            "ours"
                        } else {
                            "real"
                        };
                        writeln!(self.out, "! host is {host}{agreed}").unwrap();
                        self.side = Side::Plugin(decoder, Box::new(plugin));
                        return true;
                    }
                    Err(error) => self.said_no(&error),
                },
            },
            Side::Plugin(mut decoder, mut plugin) => {
                let frame = frame(&mut decoder);
                let more = frame.is_some() && !plugin.is_over();
                if let Some(frame) = frame {
                    plugin.receive(frame.content);
                }
                self.side = Side::Plugin(decoder, plugin);
                return more;
            }
        }
        false
    }

    fn act(&mut self, what: &str) {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        if verb != "close" && !matches!(self.side, Side::Host(..) | Side::Plugin(..)) {
            writeln!(self.out, "= there is no session").unwrap();
            return;
        }
        let side = std::mem::replace(&mut self.side, Side::Over);
        let answer = match side {
            Side::HostHello(_, host) => {
                self.refused(&host.closed());
                return;
            }
            Side::HostSchema(_, host) => {
                self.refused(&host.closed());
                return;
            }
            Side::PluginHello(_, plugin) => {
                self.refused(&plugin.closed());
                return;
            }
            Side::PluginSchema(_, plugin) => {
                self.refused(&plugin.closed());
                return;
            }
            Side::Host(mut decoder, mut host) => {
                let answer = match verb {
                    "close" => {
                        match decoder.finish() {
                            Ok(()) => host.closed(),
                            Err(error) => host.receive(Err(error)),
                        }
                        None
                    }
                    _ => self.host_does(&mut host, verb, rest),
                };
                self.side = Side::Host(decoder, host);
                answer
            }
            Side::Plugin(decoder, mut plugin) => {
                let answer = self.plugin_does(&mut plugin, verb, rest);
                self.side = Side::Plugin(decoder, plugin);
                answer
            }
            Side::None | Side::Over => None,
        };
        if let Some(answer) = answer {
            writeln!(self.out, "= {answer}").unwrap();
        }
    }

    fn host_does(&mut self, host: &mut Host, verb: &str, rest: &str) -> Option<String> {
        if verb == "execute" {
            return Some(match host.execute(execute(rest)) {
                Ok(id) => {
                    self.ids.insert(id.to_string(), id);
                    format!("execution {id}")
                }
                Err(refusal) => format!("refused: {refusal}"),
            });
        }
        let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let id = || self.ids[id];
        match verb {
            "cancel" => return host.cancel(id()).err().map(refused),
            "input" => {
                return Some(match host.input(id(), &text(rest)) {
                    Ok(count) => format!("took {count}"),
                    Err(error) => error.to_string(),
                });
            }
            "end" => host.end_input(id()),
            "consume" => host.consumed(id(), rest.parse().unwrap()),
            "shutdown" => host.shut_down(),
            "count" => {
                return Some(format!("{} open, {} bytes", host.open(), host.buffered()));
            }
            _ => panic!("a host does not {verb}"),
        }
        None
    }

    fn plugin_does(&mut self, plugin: &mut Plugin, verb: &str, rest: &str) -> Option<String> {
        let (first, last) = rest.split_once(' ').unwrap_or((rest, ""));
        let id = || self.ids[first];
        let output = |plugin: &mut Plugin, stream| {
            let bytes = text(last);
            match plugin.output(id(), stream, &bytes) {
                Ok(count) if count == bytes.len() => None,
                Ok(count) => Some(format!("took {count}")),
                Err(error) => Some(error.to_string()),
            }
        };
        let result = match verb {
            "out" => return output(plugin, Stream::Stdout),
            "err" => return output(plugin, Stream::Stderr),
            "whole" => {
                let sent = plugin.whole(id(), Stream::Stdout, &text(last));
                return sent.err().map(|error| error.to_string());
            }
            "result" => plugin.result(id(), serde_json::from_str(last).unwrap()),
            "exit" => plugin.exit(id(), last.parse().unwrap()),
            "error" => plugin.error(id(), last),
            "consume" => {
                plugin.consumed(id(), last.parse().unwrap());
                Ok(())
            }
            "goodbye" => {
                plugin.goodbye(rest);
                Ok(())
            }
            "close" => {
                plugin.closed();
                Ok(())
            }
            "count" => return Some(format!("{} open", plugin.open())),
            _ => panic!("a plugin does not {verb}"),
        };
        result.err().map(refused)
    }

    fn poll(&mut self) {
        let mut side = std::mem::replace(&mut self.side, Side::Over);
        match &mut side {
            Side::Host(_, host) => {
                while let Some(message) = host.poll_message() {
                    self.sent(&message, host.form());
                }
                while let Some(event) = host.poll_event() {
                    writeln!(self.out, "! {}", host_event(&event)).unwrap();
                }
            }
            Side::Plugin(_, plugin) => {
                while let Some(message) = plugin.poll_message() {
                    self.sent(&message, plugin.form());
                }
                while let Some(event) = plugin.poll_event() {
                    if let PluginEvent::Execute { id, .. } = &event {
                        self.ids.insert(id.to_string(), *id);
                    }
                    writeln!(self.out, "! {}", plugin_event(&event)).unwrap();
                }
            }
            _ => {}
        }
        self.side = side;
    }

    fn sent<M: Outgoing>(&mut self, message: &M, form: Form) {
        let mut bytes = Vec::new();
        encode(message, form, &mut bytes);
        write!(self.out, "> {}", String::from_utf8(bytes).unwrap()).unwrap();
    }

    fn said_no(&mut self, error: &HandshakeError) {
        if let Some(reply) = error.reply() {
            self.sent(&reply, Form::Every);
        }
        self.refused(error);
    }

    fn refused(&mut self, error: &HandshakeError) {
        writeln!(self.out, "! no handshake: {error}").unwrap();
    }
}

fn frame<M: Incoming>(decoder: &mut Decoder<M>) -> Option<Frame<M>> {
    decoder.next()
}

fn refused(refusal: Refusal) -> String {
    format!("refused: {refusal}")
}

fn host_event(event: &HostEvent) -> String {
    match event {
        HostEvent::Started { id } => format!("{id} started"),
        HostEvent::Output { id, stream, bytes } => format!("{id} {stream:?} {}", shown(bytes)),
        HostEvent::Result { id, value } => format!("{id} result {value}"),
        HostEvent::InputWritable { id } => format!("{id} takes input"),
        HostEvent::Ended { id, outcome } => match outcome {
            Outcome::Exit(code) => format!("{id} exit {code}"),
            Outcome::Error(message) => format!("{id} error: {message}"),
            Outcome::Refused(message) => format!("{id} refused: {message}"),
            Outcome::Failed(failure) => {
                format!("{id} failed, {:?}: {failure}", failure.kind)
            }
        },
        HostEvent::Ignored(ignored) => format!("ignored: {ignored}"),
        HostEvent::ShutDown { message } => format!("shut down {message:?}"),
        HostEvent::Failed(failure) => format!("failed, {:?}: {failure}", failure.kind),
    }
}

fn plugin_event(event: &PluginEvent) -> String {
    match event {
        PluginEvent::Execute { id, execute } => {
            let mut vars = execute.vars.clone();
            // Recorded hosts send their whole environment.
            if vars.len() > 3 {
                vars = json!({"and": vars.len()}).as_object().unwrap().clone();
            }
            format!(
                "{id} execute {:?} {:?} in {:?} {:?} {}{}{}",
                execute.text,
                execute.args,
                execute.dir,
                execute.envs,
                Value::Object(vars),
                if execute.dry { " dry" } else { "" },
                if execute.input { " with input" } else { "" },
            )
        }
        PluginEvent::Cancel { id } => format!("{id} cancel"),
        PluginEvent::Input { id, bytes } => format!("{id} input {}", shown(bytes)),
        PluginEvent::InputEnded { id } => format!("{id} input ended"),
        PluginEvent::Writable { id } => format!("{id} takes output"),
        PluginEvent::ShutDown => "shut down".to_owned(),
        PluginEvent::Failed(failure) => format!("failed, {:?}: {failure}", failure.kind),
    }
}

fn execute(json: &str) -> Execute {
    let value: Value = serde_json::from_str(json).unwrap();
    let mut decoder = Decoder::<FromHost>::new(Limits::default());
    decoder.feed(
        json!({"type": "Execute", "dir": "/", "payload": value})
            .to_string()
            .as_bytes(),
    );
    match decoder.next().unwrap().content.unwrap() {
        FromHost::Execute(execute) => *execute,
        _ => unreachable!(),
    }
}

/// A JSON string, or bytes in hexadecimal.
fn text(written: &str) -> Vec<u8> {
    match serde_json::from_str::<String>(written) {
        Ok(text) => text.into_bytes(),
        Err(_) => unhex(written),
    }
}

fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text).to_string(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn with(features: Features, word: &str) -> Features {
    match word {
        "all" => Features::ALL,
        word => {
            let name = format!("pegboard-{word}");
            let feature = Features::from_names([name.as_str()]);
            let feature = feature.iter().next();
            features.with(feature.unwrap_or_else(|| panic!("no feature {word}")))
        }
    }
}

fn names(features: Features) -> String {
    let names = features.iter().map(Feature::name);
    names.fold(String::new(), |names, name| names + " " + name)
}
