//! The smallest plugin for Octa: what a task says is greeted.

use std::io::Write;

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::Key;

fn main() -> std::process::ExitCode {
    let greet = Key::new("greet", "Greets people")
        .requires(">=0.2.0, <0.3.0")
        .execute(|execution| {
            execution.log().say("somebody is to be greeted");
            if execution.text().is_empty() {
                writeln!(execution.stderr(), "nobody to greet")?;
                return Ok(2);
            }
            writeln!(execution.stdout(), "Hello, {}!", execution.text())?;
            Ok(0)
        });
    Plugin::new("greet", env!("CARGO_PKG_VERSION"))
        .octa(greet)
        .serve()
}
