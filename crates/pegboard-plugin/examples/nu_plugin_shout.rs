//! A plugin with its tests.

use pegboard_plugin::{Command, Plugin, SyntaxShape, Type, Value};

fn main() -> std::process::ExitCode {
    plugin().serve()
}

fn plugin() -> Plugin {
    Plugin::new("shout", env!("CARGO_PKG_VERSION")).command(
        Command::new("shout", "Makes its input loud")
            .types(Type::String, Type::String)
            .flag("times", 't', SyntaxShape::Int, "How many marks")
            .default("times", 1)
            .example("'fire' | shout -t 3", "An alarm", Value::string("FIRE!!!"))
            .run(|call| {
                let mark = match call.engine().env("SHOUT_MARK")? {
                    Some(Value::String(mark, _)) => mark,
                    _ => "!".to_owned(),
                };
                let marks = mark.repeat(call.need("times")?);
                let text = call.input().into_text()?;
                Ok(Value::string(text.trim_end().to_uppercase() + &marks))
            }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use pegboard_plugin::LabeledError;
    use pegboard_testkit::PluginTest;

    #[test]
    fn examples_do_what_they_say() {
        PluginTest::new(plugin()).check();
        PluginTest::new(plugin()).version("0.98.0").json().check();
    }

    #[test]
    fn the_mark_comes_from_the_environment() -> Result<(), LabeledError> {
        let test = PluginTest::new(plugin()).env("SHOUT_MARK", "?");
        let output = test.run("shout").flag("times", 2).input("what");
        assert_eq!(output.value()?, Value::string("WHAT??"));
        assert_eq!(test.line("'why' | shout")?, Value::string("WHY?"));
        Ok(())
    }

    #[test]
    fn numbers_are_refused() {
        let test = PluginTest::new(plugin());
        let error = test.run("shout").input(5).call().unwrap_err();
        assert_eq!(error.msg, "text is needed, not a value of type int");
    }
}
