//! Everything that a plugin can do, one command each. Tests run it in every Nushell; authors read it.

mod arguments;
mod engine;
mod errors;
mod streams;
mod tally;
#[cfg(test)]
mod tests;
mod values;

use std::process::ExitCode;

use pegboard_plugin::Plugin;

fn main() -> ExitCode {
    let mut plugin = plugin();
    if std::env::var_os("SHOWCASE_JSON").is_some() {
        // For those who want to read what is said.
        plugin = plugin.json();
    }
    plugin.serve()
}

fn plugin() -> Plugin {
    let plugin = Plugin::new("showcase", env!("CARGO_PKG_VERSION")).custom::<tally::Tally>();
    [
        values::commands(),
        arguments::commands(),
        streams::commands(),
        engine::commands(),
        errors::commands(),
        tally::commands(),
    ]
    .into_iter()
    .flatten()
    .fold(plugin, Plugin::command)
}
