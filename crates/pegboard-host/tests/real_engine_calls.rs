//! What every flavour of the reference plugin asks of the application: environment, directory, configuration, help,
//! source text, commands; and that what is not provided is refused by name.

mod common;

use std::sync::{Arc, Mutex};

use common::{
    FLAVOURS, NEWEST, PATIENCE, Reference, bytes, error, field, for_each_flavour, headed, int,
    ints, items, list, shared, text, value,
};
use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::protocol::{Closure, Spanned};
use pegboard_host::{
    AppContext, Context, ErrorKind, Flow, LabeledError, PluginConfig, Sources, Span, Value,
};
use pegboard_testkit::peers::peer;
use pegboard_testkit::tree::wait_until;

fn word(word: &str) -> Value {
    Value::string(word)
}

fn environment() -> AppContext {
    AppContext::new().with_environment([
        ("FIRST".into(), "one".into()),
        ("SECOND".into(), "zwölf".into()),
    ])
}

#[test]
fn the_environment_is_the_contexts() {
    for_each_flavour(|reference| {
        let context = shared(environment());
        let ask = |command: &str| reference.run(command).context(context.clone());
        assert_eq!(
            value(ask("engine env").argument(word("SECOND"))),
            word("zwölf")
        );
        assert_eq!(
            value(ask("engine env").argument(word("PATH"))),
            Value::nothing()
        );
        assert_eq!(
            value(ask("engine envs")),
            Value::record([("FIRST", word("one")), ("SECOND", word("zwölf"))])
        );
    });
}

#[test]
fn a_variable_that_a_plugin_sets_is_the_callers() {
    for_each_flavour(|reference| {
        let context = Arc::new(environment());
        let values = [
            word("new"),
            Value::int(7),
            Value::list([word("a"), Value::bool(true)]),
        ];
        for sent in values {
            let run = reference
                .run("engine add-env")
                .argument(word("FIRST"))
                .argument(sent.clone());
            assert_eq!(value(run.context(context.clone())), Value::nothing());
            assert_eq!(context.current_environment()["FIRST"], sent);
            let run = reference.run("engine env").argument(word("FIRST"));
            assert_eq!(value(run.context(context.clone())), sent);
        }
        assert_eq!(context.current_environment().len(), 2);
    });
}

#[test]
fn the_directory_is_the_contexts_and_not_the_plugins_own() {
    for_each_flavour(|reference| {
        let context = shared(AppContext::new().with_directory("/some/where/ä"));
        assert_eq!(
            value(reference.run("engine cwd").context(context)),
            word("/some/where/ä")
        );
        let state = reference.value("state");
        let path = reference.flavour.path().canonicalize().expect("a program");
        assert_eq!(
            text(&field(&state, "cwd")),
            path.parent().expect("a folder").display().to_string()
        );
        assert_eq!(
            text(&field(&state, "pwd")),
            reference.rig.scratch.path().display().to_string()
        );
    });
}

#[test]
fn the_whole_configuration_is_that_of_the_plugins_version() {
    for_each_flavour(|reference| {
        // The plugin decodes it strictly, as the type of its own version.
        let got = value(
            reference
                .run("engine config")
                .context(shared(AppContext::new())),
        );
        assert_eq!(int(&field(&got, "float_precision")), 2);
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn a_plugins_own_configuration_comes_from_its_settings_or_the_context() {
    for flavour in FLAVOURS {
        let settings = Value::record([("from", word("settings"))]);
        let context =
            shared(AppContext::new().with_plugin_config("reference", word("from the context")));
        let ask = |reference: &Reference, context: Option<&Arc<dyn Context>>| {
            let run = reference.run("engine plugin-config");
            value(match context {
                Some(context) => run.context(context.clone()),
                None => run,
            })
        };
        let plain = Reference::new(flavour);
        assert_eq!(ask(&plain, None), Value::nothing());
        assert_eq!(ask(&plain, Some(&context)), word("from the context"));
        let config = PluginConfig {
            settings: Some(settings.clone()),
            ..PluginConfig::default()
        };
        let set = Reference::with(flavour, config, |_| {});
        assert_eq!(ask(&set, None), settings);
        assert_eq!(ask(&set, Some(&context)), settings);
    }
}

#[test]
fn help_is_made_of_the_commands_signature() {
    for_each_flavour(|reference| {
        let got = text(&reference.value("engine help"));
        for part in [
            "GetHelp: the help text of this command",
            "ref engine help",
            "--help",
        ] {
            assert!(got.contains(part), "{got}");
        }
    });
}

#[test]
fn source_text_is_found_by_its_place() {
    for_each_flavour(|reference| {
        let sources = Arc::new(Sources::new());
        sources.add("before", "something else");
        let line = sources.add("line", "ref engine span-contents 'grüße'");
        let context = shared(AppContext::new().with_sources(sources));
        let ask = |span: Span| {
            let run = reference
                .run("engine span-contents")
                .argument(Value::int(1).at(span));
            value(run.context(context.clone()))
        };
        let quoted = Span::new(line.start + 25, line.end);
        assert_eq!(ask(quoted), Value::binary("'grüße'"));
        assert_eq!(ask(line), Value::binary("ref engine span-contents 'grüße'"));
        assert_eq!(ask(Span::new(1 << 40, (1 << 40) + 5)), Value::binary(""));
        assert_eq!(ask(Span::new(line.end, line.start)), Value::binary(""));
    });
}

#[test]
fn what_no_context_provides_is_refused_by_name_and_the_plugin_goes_on() {
    for_each_flavour(|reference| {
        let pid = reference.pid();
        let closure = || {
            Value::Closure(
                Box::new(Closure {
                    block_id: 3,
                    captures: Vec::new(),
                }),
                Span::UNKNOWN,
            )
        };
        let mut all = vec![
            ("engine env", vec![word("HOME")], "GetEnvVar"),
            ("engine envs", vec![], "GetEnvVars"),
            ("engine add-env", vec![word("A"), word("b")], "AddEnvVar"),
            ("engine cwd", vec![], "GetCurrentDir"),
            ("engine eval", vec![closure()], "EvalClosure"),
            ("engine eval-value", vec![closure()], "EvalClosure"),
            ("engine foreground", vec![], "EnterForeground"),
        ];
        if !reference.flavour.is_old() {
            all.push(("engine block-ir", vec![closure()], "GetBlockIR"));
        }
        for (command, arguments, name) in all {
            let got = error(
                reference
                    .run(command)
                    .arguments(headed(Span::UNKNOWN, arguments)),
            );
            assert_eq!(got.kind(), ErrorKind::Plugin);
            let told = got.to_string().contains(&format!("{name}: "));
            assert!(told, "{command}: {got}");
        }
        // What can be answered without one, is.
        let span = reference.run("engine span-contents");
        let span = value(span.argument(Value::int(1)));
        assert_eq!(span, Value::binary(""));
        assert_eq!(reference.value("engine plugin-config"), Value::nothing());
        let find = reference.run("engine find-decl").argument(word("nonsense"));
        assert_eq!(value(find), Value::nothing());
        assert_eq!(
            int(&field(&reference.value("engine config"), "float_precision")),
            2
        );
        assert_eq!(reference.pid(), pid);
    });
}

#[test]
fn a_context_provides_what_was_put_into_it_and_nothing_more() {
    for_each_flavour(|reference| {
        let context = shared(AppContext::new());
        for (command, name) in [
            ("engine cwd", "GetCurrentDir"),
            ("engine foreground", "EnterForeground"),
        ] {
            let got = error(reference.run(command).context(context.clone()));
            assert!(got.to_string().contains(name), "{got}");
        }
        assert_eq!(
            value(reference.run("engine envs").context(context)),
            Value::record::<String>([])
        );
    });
}

#[test]
fn a_terminal_that_is_not_there_cannot_be_given() {
    if std::fs::File::open("/dev/tty").is_ok() {
        // Somebody watches: their terminal is left alone.
        return;
    }
    for_each_flavour(|reference| {
        let context = shared(AppContext::new().with_foreground());
        let got = error(reference.run("engine foreground").context(context.clone()));
        assert!(
            got.to_string()
                .contains("EnterForeground: there is no terminal to give"),
            "{got}"
        );
        let again = error(reference.run("engine foreground").context(context));
        assert!(
            again.to_string().contains("there is no terminal to give"),
            "{again}"
        );
    });
}

#[test]
fn questions_are_answered_while_the_answer_streams() {
    for_each_flavour(|reference| {
        let context = Arc::new(environment());
        let run = reference
            .run("late-engine-call")
            .argument(word("FIRST"))
            .flag("count", Value::int(500));
        let mut stream = list(run.context(context.clone()));
        assert_eq!(stream.next().and_then(Result::ok), Some(word("one")));
        // What the answer is depends on when it is asked for.
        context
            .set_environment_variable("FIRST", word("later"))
            .expect("this context can");
        let rest: Vec<_> = stream.map(|item| text(&item.expect("an item"))).collect();
        assert_eq!(rest.len(), 499);
        assert_eq!(rest[498], "later");
        reference.rests();

        let run = reference.run("late-engine-call").argument(word("FIRST"));
        let refused = items(value(run));
        assert_eq!(refused.len(), 3);
        for item in refused {
            assert!(
                matches!(&item, Value::Error(error, _) if error.msg.contains("GetEnvVar")),
                "{item:?}"
            );
        }
        reference.rests();
    });
}

#[test]
fn many_streams_ask_at_once() {
    let reference = Reference::new(NEWEST);
    let context = shared(environment());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let run = reference.run("late-engine-call").argument(word("SECOND"));
                let got = value(run.flag("count", Value::int(50)).context(context.clone()));
                assert_eq!(items(got), vec![word("zwölf"); 50]);
            });
        }
    });
    reference.rests();
}

/// Commands of the application's own.
fn commands() -> AppContext {
    AppContext::new()
        .with_command("app args", |call, input| {
            let named = call.named.into_iter().map(|(name, value)| {
                Value::list([word(&name.item), value.unwrap_or_else(Value::nothing)])
            });
            let input = input
                .into_value()
                .map_err(pegboard_host::Error::into_labeled)?;
            let all = [Value::list(call.positional), Value::list(named), input];
            Ok(Value::list(all).into())
        })
        .with_command("app double", |_, input| {
            let Flow::List(stream) = input else {
                return Err("a stream is needed".into());
            };
            let double = |item| match item {
                Ok(Value::Int(number, span)) => Ok(Value::Int(number * 2, span)),
                other => other,
            };
            Ok(Flow::List(pegboard_host::ListStream::new(
                stream.map(double),
            )))
        })
        .with_command("app fail", |call, _| {
            Err(LabeledError::new("the application says no")
                .with_code("app::no")
                .with_label("here", call.head))
        })
}

#[test]
fn commands_are_found_by_name() {
    for_each_flavour(|reference| {
        let inc = reference.rig.load("nu_plugin_inc");
        let context = shared(commands());
        let find = |name: &str| {
            value(
                reference
                    .run("engine find-decl")
                    .argument(word(name))
                    .context(context.clone()),
            )
        };
        let all = ["ref echo", "inc", "app double"].map(|name| int(&find(name)));
        assert!(
            all[0] != all[1] && all[1] != all[2] && all[0] != all[2],
            "{all:?}"
        );
        // The number stays the same.
        assert_eq!(
            ["ref echo", "inc", "app double"].map(|name| int(&find(name))),
            all
        );
        for name in ["", "ref", "nonsense", "app"] {
            assert_eq!(find(name), Value::nothing(), "{name}");
        }
        assert_eq!(inc.status().starts, 1);
    });
}

#[test]
fn a_plugin_calls_its_own_commands_and_those_of_others() {
    for_each_flavour(|reference| {
        let _inc = reference.rig.load("nu_plugin_inc");
        let call = |name: &str| reference.run("engine call-decl").argument(word(name));
        assert_eq!(value(call("ref echo").input(word("same"))), word("same"));
        let streamed = call("ref seq").argument(Value::int(1_000));
        assert_eq!(items(value(streamed)), ints(0..1_000).collect::<Vec<_>>());
        assert_eq!(
            value(call("ref sum").input(Flow::list(ints(0..1_000)))),
            Value::int(499_500)
        );
        let text = call("ref echo").input(Flow::bytes(&b"abc"[..], ByteStreamKind::String));
        assert_eq!(value(text), word("abc"));

        let flags = Value::record([("major", Value::nothing())]);
        assert_eq!(
            value(call("inc").flag("flags", flags).input(word("1.2.3"))),
            word("2.0.0")
        );

        let failed = error(call("ref error"));
        assert_eq!(failed.kind(), ErrorKind::Plugin);
        assert_eq!(failed.to_string(), "reference error");
        let missing = error(call("nonsense"));
        assert_eq!(missing.to_string(), "no command `nonsense`");
    });
}

#[test]
fn a_plugin_calls_the_applications_commands() {
    for_each_flavour(|reference| {
        let context = shared(commands());
        let call = |name: &str| {
            reference
                .run("engine call-decl")
                .argument(word(name))
                .context(context.clone())
        };
        let flags = Value::record([("switch", Value::nothing()), ("count", Value::int(3))]);
        let got = value(
            call("app args")
                .argument(Value::int(1))
                .argument(word("b"))
                .flag("flags", flags)
                .input(word("in")),
        );
        let pair = |name: &str, value| Value::list([word(name), value]);
        let named = Value::list([
            pair("switch", Value::nothing()),
            pair("count", Value::int(3)),
        ]);
        assert_eq!(
            got,
            Value::list([Value::list([Value::int(1), word("b")]), named, word("in")])
        );

        let doubled = value(call("app double").input(Flow::list(ints(0..1_000))));
        assert_eq!(
            items(doubled),
            ints(0..1_000)
                .map(|n| Value::int(int(&n) * 2))
                .collect::<Vec<_>>()
        );

        let failed = error(call("app fail"));
        assert_eq!(failed.kind(), ErrorKind::Plugin);
        assert!(
            failed.to_string().contains("the application says no"),
            "{failed:?}"
        );
        assert_eq!(failed.labeled().code.as_deref(), Some("app::no"));
    });
}

#[test]
fn a_chain_of_commands_in_several_plugins_streams_lazily() {
    let all: Vec<_> = FLAVOURS.into_iter().map(Reference::new).collect();
    for reference in &all {
        // The input goes to the plugin, from there to its own command, from there through the plugin back to us.
        let call = reference.run("engine call-decl").argument(word("ref echo"));
        let mut stream = list(call.input(Flow::list(ints(0..i64::MAX))));
        for wanted in 0..300 {
            assert_eq!(stream.next().and_then(Result::ok), Some(Value::int(wanted)));
        }
        drop(stream);
        reference.rests();
        let call = reference.run("engine call-decl").argument(word("ref echo"));
        let bytes = bytes(call.input(common::byte_flow(300_000, ByteStreamKind::Binary)));
        common::check_pattern(bytes, 300_000, 251);
        reference.rests();
    }
}

/// A context that writes down what it was asked.
#[derive(Default)]
struct Noted(Mutex<Vec<String>>);

impl Context for Noted {
    fn plugin_config(&self, plugin: &str) -> Result<Option<Value>, LabeledError> {
        self.0
            .lock()
            .expect("a list")
            .push(format!("config of {plugin}"));
        Err("no config today".into())
    }

    fn config(&self, minor: u64) -> Result<Option<serde_json::Value>, LabeledError> {
        self.0
            .lock()
            .expect("a list")
            .push(format!("config for 0.{minor}"));
        Err("no config at all".into())
    }

    fn evaluate(
        &self,
        closure: &Closure,
        arguments: Vec<Value>,
        input: Flow,
    ) -> Result<Flow, LabeledError> {
        let input = input
            .into_value()
            .map_err(pegboard_host::Error::into_labeled)?;
        let note = format!(
            "{} {:?} {arguments:?} {input:?}",
            closure.block_id, closure.captures
        );
        self.0.lock().expect("a list").push(note);
        Ok(Flow::Empty)
    }
}

#[test]
fn a_contexts_own_answers_and_errors_are_passed_on() {
    for_each_flavour(|reference| {
        let context = Arc::new(Noted::default());
        let ask = |command: &str| reference.run(command).context(context.clone());
        let got = error(ask("engine plugin-config"));
        assert!(got.to_string().contains("no config today"), "{got}");
        let got = error(ask("engine config"));
        assert!(got.to_string().contains("no config at all"), "{got}");
        let captures = vec![(5, word("five")), (1, Value::list([Value::int(1)]))];
        let closure = Value::Closure(
            Box::new(Closure {
                block_id: 77,
                captures: captures.clone(),
            }),
            Span::UNKNOWN,
        );
        let run = ask("engine eval-value")
            .argument(closure)
            .argument(word("argument"))
            .input(word("input"));
        assert_eq!(value(run), Value::nothing());
        let minor = if reference.flavour.is_old() { 105 } else { 115 };
        let wanted = [
            "config of reference".to_owned(),
            format!("config for 0.{minor}"),
            format!(
                "77 {captures:?} {:?} {:?}",
                [word("argument")],
                word("input")
            ),
        ];
        assert_eq!(*context.0.lock().expect("a list"), wanted);
    });
}

#[test]
fn hand_written_plugins_ask_too() {
    let rig = common::Rig::new();
    let context = shared(environment().with_directory("/some/where"));
    for (file, name) in [
        ("nu_plugin_pyhand.py", "py"),
        ("nu_plugin_nodehand.js", "node"),
    ] {
        let plugin = rig.engine.load(peer(file)).expect("a plugin");
        let run = |command: &str| {
            plugin
                .run(format!("{name} {command}"))
                .context(context.clone())
        };
        assert_eq!(value(run("env").argument(word("SECOND"))), word("zwölf"));
        assert_eq!(value(run("env").argument(word("HOME"))), Value::nothing());
        assert_eq!(value(run("cwd")), word("/some/where"));
        // Refused, it goes on.
        assert_eq!(value(plugin.run(format!("{name} cwd"))), Value::nothing());
        assert!(wait_until(PATIENCE, || plugin.status().active_calls == 0));
        assert_eq!(plugin.status().starts, 1);
        let named = Spanned::new("unknown".to_owned(), Span::UNKNOWN);
        let mut call = headed(Span::UNKNOWN, []);
        call.named.push((named, None));
        assert_eq!(
            value(
                plugin
                    .run(format!("{name} echo"))
                    .arguments(call)
                    .input(word("x"))
            ),
            word("x")
        );
    }
}
