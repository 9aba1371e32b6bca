//! The examples in the help do what they say.

use pegboard_plugin::LabeledError;
use pegboard_plugin::Value;
use pegboard_testkit::{Outcome, PluginTest};

use super::plugin;

#[test]
fn examples() {
    for version in ["0.98.0", "0.115.1"] {
        for test in [PluginTest::new(plugin()), PluginTest::new(plugin()).json()] {
            let test = test.version(version);
            test.check();
            let passed = |outcome: &Outcome| matches!(outcome, Outcome::Passed);
            let passed = test
                .examples()
                .iter()
                .filter(|checked| passed(&checked.outcome))
                .count();
            assert!(passed >= 6, "only {passed} could be checked");
        }
    }
}

#[test]
fn closures_in_a_line() -> Result<(), LabeledError> {
    let test = PluginTest::new(plugin());
    assert_eq!(
        test.line("[1 2] | showcase each { showcase double }")?,
        Value::from([[2], [4]])
    );
    assert_eq!(
        test.line("[1 2] | showcase eval { showcase sum }")?,
        Value::int(3)
    );
    Ok(())
}
