//! Arguments and errors of a call.

use pegboard_plugin::protocol::nu::{
    Call as WireCall, CompletionCall, CompletionTarget, EvaluatedCall, PluginMetadata, Response,
    Suggestion,
};
use pegboard_plugin::protocol::{Opaque, Spanned, to_value};
use pegboard_plugin::{Call, Command, Input, LabeledError, Plugin, Span, SyntaxShape, Value};
use serde::{Deserialize, Serialize};

use super::bench::{Bench, Did, NEWEST, args, check, none};

#[derive(Debug, Deserialize, Serialize)]
struct Arguments {
    name: String,
    times: i64,
    note: Option<String>,
    more: Vec<i64>,
    dry_run: bool,
    level: Option<f64>,
}

fn shaped(name: &str) -> Command {
    Command::new(name, "Takes arguments")
        .required("name", SyntaxShape::String, "A name")
        .optional("times", SyntaxShape::Int, "How often")
        .optional("note", SyntaxShape::String, "A note")
        .rest("more", SyntaxShape::Int, "More")
        .switch("dry-run", 'd', "Only say so")
        .flag("level", 'l', SyntaxShape::Float, "How high")
        .default("times", Value::int(3))
}

fn plugin() -> Plugin {
    Plugin::new("test", "1.2.3")
        .command(shaped("by struct").run(|call| {
            let arguments: Arguments = call.arguments()?;
            to_value(&arguments).map_err(LabeledError::from)
        }))
        .command(shaped("by name").run(|call| {
            let arguments = Arguments {
                name: call.need("name")?,
                times: call.need("times")?,
                note: call.get("note")?,
                more: call.rest()?,
                dry_run: call.has("dry-run"),
                level: call.get("level")?,
            };
            assert_eq!(
                call.get::<bool>("dry-run")?.unwrap_or_default(),
                arguments.dry_run
            );
            to_value(&arguments).map_err(LabeledError::from)
        }))
        .command(
            Command::new("fail", "Fails").run(|call| {
                Err::<Value, _>(LabeledError::new("no").with_label("here", call.head()))
            }),
        )
        .command(
            Command::new("panic", "Panics")
                .run(|_| -> Result<Value, LabeledError> { panic!("as the case asks for") }),
        )
        .command(Command::new("panic late", "Panics in its output").run(|_| {
            let items = (0..3).map(|number| {
                assert!(number < 2, "late");
                Value::int(number)
            });
            Ok(Input::list(items))
        }))
        .command(Command::new("idle", "Has no code"))
        .command(
            shaped("complete")
                .complete("name", |engine| {
                    let here = engine.current_dir().ok()?;
                    Some(vec![Suggestion {
                        value: here.display().to_string(),
                        ..Suggestion::default()
                    }])
                })
                .complete("level", |_| None)
                .complete("more", |_| panic!("in a completer")),
        )
}

#[test]
fn arguments_by_name_and_by_struct() {
    let [one, two, three] = [1, 2, 3].map(Value::int);
    let text = Value::string;
    let cases: [(EvaluatedCall, &str); 6] = [
        (
            args([text("a")]).call(),
            r#"{"name":"a","times":3,"note":null,"more":[],"dry_run":false,"level":null}"#,
        ),
        (
            args([text("a"), one.clone(), text("n"), two.clone(), three]).call(),
            r#"{"name":"a","times":1,"note":"n","more":[2,3],"dry_run":false,"level":null}"#,
        ),
        (
            args([text("a")])
                .flag("dry-run", None)
                .flag("level", Value::float(1.5))
                .call(),
            r#"{"name":"a","times":3,"note":null,"more":[],"dry_run":true,"level":1.5}"#,
        ),
        (
            args([text("a")]).flag("dry-run", Value::bool(false)).call(),
            r#"{"name":"a","times":3,"note":null,"more":[],"dry_run":false,"level":null}"#,
        ),
        // The last one counts.
        (
            args([text("a")])
                .flag("level", one.clone())
                .flag("level", two)
                .call(),
            r#"{"name":"a","times":3,"note":null,"more":[],"dry_run":false,"level":2.0}"#,
        ),
        // Null is given.
        (
            args([text("a"), one, Value::nothing()]).call(),
            r#"{"name":"a","times":1,"note":null,"more":[],"dry_run":false,"level":null}"#,
        ),
    ];
    check(plugin, |bench| {
        for (arguments, expected) in &cases {
            for name in ["by name", "by struct"] {
                let value = bench
                    .value(name, arguments.clone(), Input::Empty)
                    .expect(name);
                let json = pegboard_plugin::protocol::to_json(&value);
                let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
                assert_eq!(json.unwrap(), expected, "{name}");
            }
        }
    });
}

#[test]
fn wrong_arguments_are_errors_that_name_them() {
    check(plugin, |bench| {
        let wrong = Value::string("many").at(Span::new(3, 7));
        for name in ["by name", "by struct"] {
            let arguments = args([Value::string("a"), wrong.clone()]).call();
            let error = bench.value(name, arguments, Input::Empty).unwrap_err();
            assert_eq!(error.msg, "`times`: expected int, found string");
            assert_eq!(error.labels[0].span, Span::new(3, 7), "{name}: {error:?}");
        }
        for name in ["by name", "by struct"] {
            let error = bench
                .value(name, args([]).call(), Input::Empty)
                .unwrap_err();
            assert_eq!(error.msg, "`name` is missing");
            assert_eq!(error.labels[0].span, Span::new(10, 20), "{name}: {error:?}");
        }
        let mut arguments = args([Value::string("a")]).call();
        let level = Spanned::new("level".to_owned(), Span::UNKNOWN);
        let high = Value::string("high").at(Span::new(4, 8));
        arguments.named.push((level, Some(high)));
        for name in ["by name", "by struct"] {
            let error = bench
                .value(name, arguments.clone(), Input::Empty)
                .unwrap_err();
            assert_eq!(error.msg, "`level`: expected float, found string");
        }
    });
}

/// Commands that ask for an argument that their signature does not have.
fn mistaken() -> Plugin {
    #[derive(Deserialize)]
    struct Mistyped {
        #[expect(dead_code, reason = "it cannot be read")]
        nmae: String,
    }
    fn asking<O: Into<Value>>(
        name: &str,
        ask: impl Fn(&Call) -> Result<O, LabeledError> + Send + Sync + 'static,
    ) -> Command {
        shaped(name).run(move |call| ask(&call).map(Into::into))
    }
    [
        asking("need", |call| call.need::<String>("nmae")),
        asking("get", |call| {
            call.get::<String>("nmae").map(Option::unwrap_or_default)
        }),
        asking("has", |call| Ok(call.has("nmae"))),
        asking("value", |call| Ok(call.value("nmae").is_some())),
        asking("path", |call| call.path("nmae").map(|_| true)),
        asking("closure", |call| call.closure("nmae").map(|_| true)),
        asking("arguments", |call| {
            call.arguments::<Mistyped>().map(|_| true)
        }),
        asking("more", |call| call.need::<Vec<i64>>("more").map(|_| true)),
    ]
    .into_iter()
    .fold(Plugin::new("test", "1"), Plugin::command)
}

#[test]
fn an_authors_mistake_is_not_blamed_on_the_user() {
    check(mistaken, |bench| {
        for name in [
            "need",
            "get",
            "has",
            "value",
            "path",
            "closure",
            "arguments",
        ] {
            let arguments = args([Value::string("a")]).call();
            let error = bench.value(name, arguments, Input::Empty).unwrap_err();
            let expected = format!("`{name}` has no argument or flag `nmae`");
            assert!(error.msg.ends_with(&expected), "{error:?}");
            let help = error.help.expect("what to do");
            assert!(help.contains("a mistake in the plugin"), "{help}");
            assert_eq!(error.labels[0].span, Span::new(10, 20));
        }
        let arguments = args([Value::string("a")]).call();
        let error = bench.value("more", arguments, Input::Empty).unwrap_err();
        assert!(error.help.unwrap().contains("Call::rest"));
    });
}

#[test]
fn paths_start_where_the_caller_is() {
    fn paths() -> Plugin {
        Plugin::new("test", "1").command(
            Command::new("path", "Gives a path")
                .required("file", SyntaxShape::Filepath, "A file")
                .run(|call| Ok(call.path("file")?.display().to_string())),
        )
    }
    check(paths, |bench| {
        for (given, expected) in [
            ("lib", "/here/lib"),
            ("./a/../b", "/here/b"),
            ("../x", "/x"),
            (".", "/here"),
            ("/usr/lib", "/usr/lib"),
            ("~", "/home/me"),
            ("~/x", "/home/me/x"),
            ("~x", "/here/~x"),
        ] {
            let arguments = args([Value::string(given)]).call();
            let path = bench.value("path", arguments, Input::Empty);
            assert_eq!(path, Ok(Value::string(expected)), "{given}");
        }
        let asked = |did: &Did| matches!(did, Did::Asked(name) if name == "GetCurrentDir");
        assert_eq!(bench.did().iter().filter(|did| asked(did)).count(), 5);
    });
}

#[test]
fn mistakes_in_definitions() {
    let run = |command: Command| command.run(|_| Ok(1));
    let plugin = [
        run(shaped("fine")).complete("more", |_| None),
        run(Command::new("fine", "Again")),
        run(Command::new("two  spaces", "Spaced")),
        Command::new("idle", "Has no code"),
        run(Command::new("odd", "Has odd flags")
            .switch("x y", 'h', "A name of two words")
            .flag("level", None, SyntaxShape::Int, "A level")
            .switch("level", None, "Another one")),
        run(Command::new("more", "Says more than there is")
            .required("needed", SyntaxShape::Int, "It has no default")
            .default("needed", 1)
            .default("nope", 1)
            .candidates("nope", ["a"])
            .complete("nope", |_| None)),
    ]
    .into_iter()
    .fold(Plugin::new("test", "1"), Plugin::command);
    assert_eq!(
        plugin.mistakes(),
        [
            "the command `fine` is there twice",
            "the command `two  spaces` has a name whose words are not separated by single spaces",
            "the command `idle` does nothing: it has no `run`",
            "the command `odd` has an argument or flag `x y`, which is no word that can be typed",
            "the command `odd` has the argument or flag `level` twice",
            "the command `odd` has the flag `-h` twice",
            "the command `more` has a default for `needed`, which is no optional argument or flag before it",
            "the command `more` has a default for `nope`, which is no optional argument or flag before it",
            "the command `more` has candidates for `nope`, which is no argument or flag before it",
            "the command `more` completes `nope`, which is no argument or flag",
        ]
    );
}

#[test]
fn errors_and_panics_cost_one_call() {
    check(plugin, |bench| {
        let cases = [
            ("fail", "no"),
            ("panic", "the plugin's code panicked: as the case asks for"),
            ("idle", "the command `idle` does nothing yet"),
            ("no such", "this plugin has no command `no such`"),
        ];
        for (name, expected) in cases {
            let error = bench
                .value(name, args([]).call(), Input::Empty)
                .unwrap_err();
            assert_eq!(error.msg, expected);
            assert_eq!(error.labels[0].span, Span::new(10, 20), "{name}");
        }
        let items = bench
            .run("panic late", args([]).call(), Input::Empty)
            .unwrap();
        let items: Vec<_> = items.into_items().map(Result::unwrap).collect();
        assert_eq!(items[..2], [0, 1].map(Value::int));
        let Value::Error(error, _) = &items[2] else {
            panic!("{items:?}")
        };
        assert_eq!(error.msg, "the plugin's code panicked: late");
        assert_eq!(error.labels[0].span, Span::new(10, 20));
        assert!(error.help.is_some());
        let arguments = args([Value::string("a")]).call();
        bench
            .value("by name", arguments, Input::Empty)
            .expect("the plugin goes on");
    });
}

#[test]
fn what_a_plugin_says_of_itself() {
    check(plugin, |bench| {
        let (metadata, _) = bench.call(WireCall::Metadata);
        let version = Some("1.2.3".to_owned());
        assert_eq!(metadata, Response::Metadata(PluginMetadata { version }));
        let (signatures, _) = bench.call(WireCall::Signature);
        let Response::Signature(signatures) = signatures else {
            panic!("{signatures:?}")
        };
        assert_eq!(signatures, plugin().signatures());
    });
}

/// Asks for candidates as an engine does.
fn complete(bench: &Bench, target: CompletionTarget) -> Response {
    let call = CompletionCall {
        name: "complete".to_owned(),
        target,
        call: Opaque::from(serde_json::json!({"decl_id": 1})),
        strip: false,
        pos: 0,
    };
    bench.call(WireCall::Completion(Box::new(call))).0
}

#[test]
fn completion() {
    check(plugin, |bench| {
        let Response::Completions(Some(words)) = complete(bench, CompletionTarget::Positional(0))
        else {
            panic!("no candidates")
        };
        assert_eq!(words[0].value, "/here");
        let nothing = Response::Completions(None);
        let level = CompletionTarget::Flag("level".to_owned());
        assert_eq!(complete(bench, level), nothing);
        assert_eq!(complete(bench, CompletionTarget::Positional(1)), nothing);
        let rest = complete(bench, CompletionTarget::Positional(5));
        assert!(matches!(rest, Response::Error(_)), "{rest:?}");
    });
}

#[test]
fn fifty_calls_at_once_run_side_by_side() {
    use std::sync::{Arc, Barrier};
    let all = Arc::new(Barrier::new(50));
    let plugin = Plugin::new("test", "1").command(
        Command::new("meet", "Waits for the others").run(move |call| {
            all.wait();
            Ok(call.input())
        }),
    );
    let bench = Bench::new(plugin, NEWEST);
    let calls: Vec<_> = (0..50)
        .map(|number| bench.start_run("meet", none(), Value::int(number)))
        .collect();
    for (number, call) in (0..).zip(calls) {
        let value = super::bench::output(&call).and_then(Input::into_value);
        assert_eq!(value.unwrap(), Value::int(number));
    }
    bench.end();
}
