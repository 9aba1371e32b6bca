//! Local sockets and standard streams, with what is started when; and the traces of what was said.

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use common::{
    FLAVOURS, NEWEST, PATIENCE, Reference, Rig, field, for_each_flavour, ints, items, list, set,
    shared, text, value,
};
use pegboard_host::protocol::codec::Sender;
use pegboard_host::protocol::nu::{Call, EngineCall, EngineResponse, Header, Message};
use pegboard_host::trace::{EntryKind, Trace};
use pegboard_host::{AppContext, Config, Flow, LinkChoice, PluginConfig, Recorder, Stderr, Value};
use pegboard_testkit::tree::wait_until;

/// A trace in memory.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("bytes").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("bytes").clone()).expect("text")
    }

    fn trace(&self) -> Trace {
        Trace::parse(&self.text()).expect("a trace")
    }

    /// The last but one argument of every process that was started, or the last if it is `--stdio`.
    fn starts(&self) -> Vec<String> {
        let trace = self.trace();
        let notes = trace.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Note { note, details } if note == "start" => details["argv"].as_array(),
            _ => None,
        });
        notes
            .map(|argv| {
                let words = argv.iter().filter_map(|word| word.as_str());
                words.filter(|word| word.starts_with("--")).collect()
            })
            .collect()
    }

    fn messages(&self) -> Vec<(Sender, Message)> {
        let messages = self
            .trace()
            .entries
            .into_iter()
            .filter_map(|entry| match entry.kind {
                EntryKind::Message { from, message, .. } => Some((from, *message)),
                EntryKind::Note { .. } | EntryKind::Octa { .. } => None,
            });
        messages.collect()
    }
}

fn recorded(flavour: common::Flavour, plugin: PluginConfig) -> (Reference, Written) {
    let written = Written::default();
    let recorder = Recorder::new(written.clone());
    let reference = Reference::with(flavour, plugin, |config| config.recorder = Some(recorder));
    (reference, written)
}

fn over(link: LinkChoice) -> PluginConfig {
    PluginConfig {
        link,
        ..PluginConfig::default()
    }
}

fn arguments(reference: &Reference) -> Vec<String> {
    items(field(&reference.value("state"), "argv"))
        .iter()
        .skip(1)
        .map(text)
        .collect()
}

#[test]
fn a_plugin_that_can_is_moved_to_a_local_socket_once() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let (reference, written) = recorded(flavour, PluginConfig::default());
        let words = arguments(&reference);
        let stdio = field(&reference.value("state"), "stdio");
        if flavour.has_socket() {
            assert_eq!((words[0].as_str(), words.len()), ("--local-socket", 2));
            assert_eq!(stdio, Value::bool(false));
            assert_eq!(written.starts(), ["--stdio", "--local-socket"]);
            // Only the second process stays.
            assert!(wait_until(PATIENCE, || reference.rig.processes() == [reference.pid()]));
            // It is known from then on.
            reference.plugin.stop();
            assert_eq!(arguments(&reference)[0], "--local-socket");
            assert_eq!(
                written.starts(),
                ["--stdio", "--local-socket", "--local-socket"]
            );
            assert_eq!(reference.plugin.status().starts, 2);
        } else {
            assert_eq!(words, ["--stdio"]);
            assert_eq!(stdio, Value::bool(true));
            assert_eq!(written.starts(), ["--stdio"]);
        }
    }
}

#[test]
fn a_link_can_be_chosen() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let (reference, written) = recorded(flavour, over(LinkChoice::Stdio));
        assert_eq!(arguments(&reference), ["--stdio"]);
        assert_eq!(written.starts(), ["--stdio"]);

        let (reference, written) = recorded(flavour, over(LinkChoice::LocalSocket));
        let words = arguments(&reference);
        if flavour.has_socket() {
            assert_eq!(words[0], "--local-socket");
            assert_eq!(written.starts(), ["--local-socket"]);
        } else {
            // Its program cannot, and it is started again as every plugin can be.
            assert_eq!(words, ["--stdio"]);
            assert_eq!(written.starts(), ["--local-socket", "--stdio"]);
            reference.plugin.stop();
            arguments(&reference);
            assert_eq!(written.starts(), ["--local-socket", "--stdio", "--stdio"]);
        }
    }
}

#[test]
fn sockets_are_in_the_runtime_directory_and_gone_once_connected() {
    let reference = Reference::new(NEWEST);
    let socket = PathBuf::from(&arguments(&reference)[1]);
    let runtime = reference.rig.scratch.path();
    assert!(
        socket.starts_with(runtime) && socket.parent() != Some(runtime),
        "{socket:?}"
    );
    assert!(wait_until(PATIENCE, || !socket.exists()));
}

#[test]
fn a_directory_for_sockets_that_cannot_be_had_costs_the_socket_only() {
    for choice in [LinkChoice::Auto, LinkChoice::LocalSocket] {
        let rig = Rig::with(|config: &mut Config| {
            set(config, "REF_ENCODING", "msgpack");
            config.runtime_directory = "/nowhere/at/all".into();
        });
        let plugin = rig
            .engine
            .load_with(NEWEST.path(), over(choice))
            .expect("a plugin");
        let state = value(plugin.run("ref state"));
        assert_eq!(field(&state, "stdio"), Value::bool(true), "{choice:?}");
        assert_eq!(plugin.status().starts, 1);
    }
}

#[test]
fn what_a_plugin_prints_does_not_disturb_what_it_says() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let printed: Arc<Mutex<Vec<u8>>> = Arc::default();
        let notes = printed.clone();
        let reference = Reference::with(flavour, PluginConfig::default(), |config| {
            config.stderr = Stderr::Forward(Arc::new(move |plugin, bytes| {
                assert_eq!(plugin, "reference");
                notes.lock().expect("bytes").extend_from_slice(bytes);
            }));
        });
        let run = reference
            .run("print")
            .argument(Value::string("a line ü"))
            .flag("lines", Value::int(1_000));
        value(run);
        let wanted = "a line ü\n".repeat(1_000);
        let told = || String::from_utf8_lossy(&printed.lock().expect("bytes")).into_owned();
        assert!(
            wait_until(PATIENCE, || told().contains(&wanted)),
            "{}",
            told().len()
        );
        // Over a socket, standard output is free for anything.
        if flavour.has_socket() {
            value(reference.run("print").switch("stdout"));
            assert_eq!(reference.value("count"), Value::int(0));
        }
        assert_eq!(reference.plugin.status().starts, 1);
    }
}

#[test]
fn a_trace_holds_the_conversation() {
    for flavour in FLAVOURS {
        println!("flavour: {flavour:?}");
        let (reference, written) = recorded(flavour, PluginConfig::default());
        let numbers = list(reference.run("echo").input(Flow::list(ints(0..5))));
        assert_eq!(numbers.count(), 5);
        value(reference.run("echo").input(Value::binary([0, 255])));
        reference.plugin.stop();
        let messages = written.messages();
        let count = |wanted: &dyn Fn(&(Sender, Message)) -> bool| {
            messages.iter().filter(|it| wanted(it)).count()
        };
        let starts = written.starts().len();
        assert_eq!(
            count(&|(_, message)| matches!(message, Message::Hello(_))),
            2 * starts
        );
        assert_eq!(
            count(
                &|(from, message)| *from == Sender::Engine && matches!(message, Message::Data(..))
            ),
            5
        );
        assert_eq!(
            count(
                &|(from, message)| *from == Sender::Plugin && matches!(message, Message::Data(..))
            ),
            5
        );
        let run = |message: &Message| matches!(message, Message::Call(_, Call::Run(run)) if run.name == "ref echo");
        assert_eq!(
            count(&|(from, message)| *from == Sender::Engine && run(message)),
            2
        );
        assert_eq!(
            count(&|(_, message)| matches!(message, Message::CallResponse(..))),
            2
        );
        assert_eq!(
            count(&|(_, message)| matches!(message, Message::Goodbye)),
            starts
        );
        let entries = written.trace().entries;
        assert!(entries.iter().all(|entry| entry.plugin == "reference"));
        let closed =
            |kind: &EntryKind| matches!(kind, EntryKind::Note { note, .. } if note == "closed");
        assert!(entries.iter().any(|entry| closed(&entry.kind)));
    }
}

#[test]
fn a_trace_hides_the_values_of_the_environment() {
    let secret = "a-secret-that-nobody-may-see";
    for_each_flavour(|plain| {
        for keep in [false, true] {
            let written = Written::default();
            let recorder = match keep {
                true => Recorder::with_environment(written.clone()),
                false => Recorder::new(written.clone()),
            };
            let reference = Reference::with(plain.flavour, PluginConfig::default(), |config| {
                set(config, "TOKEN", secret);
                config.recorder = Some(recorder);
            });
            let context =
                shared(AppContext::new().with_environment([("TOKEN".into(), secret.into())]));
            let ask = |command: &str| reference.run(command).context(context.clone());
            // The answer itself is data like any other, so the variable is only asked for, and the answer counted.
            let late = value(
                ask("late-engine-call")
                    .argument(Value::string("NOTHING"))
                    .flag("count", Value::int(1)),
            );
            assert_eq!(items(late).len(), 1);
            value(
                ask("engine add-env")
                    .argument(Value::string("OTHER"))
                    .argument(Value::int(12_345_678)),
            );
            let messages = written.messages();
            let asked = messages.iter().filter(|(_, message)| {
                matches!(
                    message,
                    Message::EngineCall {
                        call: EngineCall::GetEnvVar(_),
                        ..
                    }
                )
            });
            assert_eq!(asked.count(), 1);
            let set = messages.iter().find_map(|(_, message)| match message {
                Message::EngineCall {
                    call: EngineCall::AddEnvVar(name, value),
                    ..
                } => Some((name.clone(), value.clone())),
                _ => None,
            });
            let (name, given) = set.expect("a variable that was set");
            assert_eq!(name, "OTHER");
            assert_eq!(
                matches!(given, Value::Int(12_345_678, _)),
                keep,
                "{given:?}"
            );
            // The environment that the plugin was started with is in no trace.
            assert!(!written.text().contains(secret));

            value(ask("engine env").argument(Value::string("TOKEN")));
            value(ask("engine envs"));
            let (mut told, mut map) = (None, None);
            for (_, message) in written.messages() {
                match message {
                    Message::EngineCallResponse(
                        _,
                        EngineResponse::Data(Header::Value(value, _)),
                    ) => told = Some(value),
                    Message::EngineCallResponse(_, EngineResponse::ValueMap(values)) => {
                        map = Some(values)
                    }
                    _ => {}
                }
            }
            let told = told.expect("the variable");
            assert_eq!(told == Value::string(secret), keep, "{told:?}");
            let map = map.expect("the environment");
            assert_eq!(
                map.contains(&("TOKEN".to_owned(), Value::string(secret))),
                keep,
                "{map:?}"
            );
        }
    });
}
