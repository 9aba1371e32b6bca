//! The examples in the help do what they say, and commands work on input of every form.

use pegboard_plugin::protocol::nu::ByteStreamKind;
use pegboard_plugin::{Input, LabeledError, Value};
use pegboard_testkit::{Outcome, PluginTest};

use super::plugin;

#[test]
fn examples() {
    for version in ["0.98.0", "0.115.1"] {
        for test in [PluginTest::new(plugin()), PluginTest::new(plugin()).json()] {
            let test = test.version(version);
            test.check();
            let unchecked =
                test.examples()
                    .into_iter()
                    .filter_map(|checked| match checked.outcome {
                        Outcome::Unchecked(why) => Some(why),
                        _ => None,
                    });
            // Files are not read here.
            let open = "there is no command `open`";
            assert_eq!(unchecked.collect::<Vec<_>>(), [open, open]);
        }
    }
}

#[test]
fn input_of_every_form() -> Result<(), LabeledError> {
    let test = PluginTest::new(plugin());
    let upper = |input: Input| test.run("words upper").input(input).value();
    let items = || ["one", "zwö"].map(Value::string);
    assert_eq!(upper("zwö".into())?, Value::string("ZWÖ"));
    assert_eq!(upper(Input::list(items()))?, Value::string("ONE\nZWÖ\n"));
    // A character that is cut in two by the chunks of a stream.
    let chunks = [b"zw\xc3".to_vec(), b"\xb6".to_vec()];
    let chunks = Input::try_bytes(chunks.map(Ok), ByteStreamKind::String);
    assert_eq!(upper(chunks)?, Value::string("ZWÖ"));
    let error = upper(5.into()).expect_err("a number has no capitals");
    assert!(!error.labels.is_empty(), "{error:?}");
    Ok(())
}
