//! Ways to fail, and attempts to disturb the conversation.

use std::io::Write;

use pegboard_plugin::{Command, LabeledError, Output, Span, SyntaxShape, Type, Value};

pub(crate) fn commands() -> Vec<Command> {
    vec![
        Command::new("showcase error", "Fails, and says why in every detail")
            .types(Type::Any, Type::Any)
            .optional("value", SyntaxShape::Any, "What to point at")
            .run(|call| {
                let at = call.value("value").map(Value::span);
                Err::<Value, _>(detailed(call.head(), at))
            }),
        Command::new("showcase error late", "Fails after three items")
            .types(Type::Nothing, Type::List(Box::new(Type::Any)))
            .run(|call| {
                let head = call.head();
                let items = (0..4).map(move |number| match number {
                    3 => Err(detailed(head, None)),
                    number => Ok(Value::int(number)),
                });
                Ok(Output::try_list(items))
            }),
        Command::new("showcase panic", "Panics")
            .types(Type::Any, Type::Any)
            .switch("late", 'l', "After three items")
            .run(|call| {
                assert!(call.has("late"), "as the user asked for");
                Ok(Output::list((0..4).map(|number| {
                    assert!(number < 3, "as the user asked for");
                    Value::int(number)
                })))
            }),
        Command::new("showcase print", "Prints to standard output in every way; gives 1")
            .details("What is printed goes to standard error, so that it cannot disturb the conversation with the engine.")
            .types(Type::Nothing, Type::Int)
            .run(|_| {
                println!("printed by the plugin");
                let child = std::process::Command::new("sh")
                    .args(["-c", "echo printed by its child; cat"])
                    .status();
                child.map_err(|error| LabeledError::new(format!("no shell: {error}")))?;
                std::io::stdout()
                    .flush()
                    .map_err(|error| LabeledError::new(format!("not printed: {error}")))?;
                Ok(Value::int(1))
            }),
    ]
}

fn detailed(head: Span, value: Option<Span>) -> LabeledError {
    let error = LabeledError::new("the showcase failed")
        .with_code("showcase::failed")
        .with_url("https://example.org/showcase")
        .with_help("it always does")
        .with_label("by this command", head)
        .with_inner(LabeledError::new("the cause").with_label("deep inside", head));
    match value {
        Some(span) => error.with_label("for this value", span),
        None => error,
    }
}
