//! Octa's key `tpl`: renders a template.

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::Key;

fn main() -> std::process::ExitCode {
    let tpl =
        Key::new("tpl", "Renders a template with the task's variables").execute(|execution| {
            let text = octa_plugin_tpl::text(&execution)?;
            execution.stdout().whole(&text)?;
            Ok(())
        });
    Plugin::new("tpl", env!("CARGO_PKG_VERSION"))
        .octa(tpl)
        .serve()
}
