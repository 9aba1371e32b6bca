//! The text of a task made into what it stands for: environment variables first, then the template.

mod expand;
mod template;

pub use expand::expand;
pub use template::render;

use pegboard_plugin::octa::{Error, Execution};

/// An execution's text with the values of environment variables, those of the task before the plugin's own, and rendered
/// with the execution's variables.
pub fn text(execution: &Execution) -> Result<String, Error> {
    let expanded = expand(execution.text(), |name| {
        let own = || Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        execution.envs().get(name).cloned().or_else(own)
    });
    render(&expanded, execution.vars())
}
