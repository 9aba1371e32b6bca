//! What tests of Pegboard's hosts and plugins share.
//!
//! - [`hostile`] names the ways in which the program `pegboard-hostile` misbehaves.
//! - [`peers`] finds that program, and the real plugins and shells that tests run against.
//! - [`PluginTest`] runs the commands of a plugin written with `pegboard-plugin` in an engine made of what the test
//!   says, and checks its documented examples; no process is needed.
//! - [`tree`] looks for processes that were left behind.
//! - `terminal`, with the feature of that name, runs programs on a terminal.
//! - `conformance`, with the feature of that name, plays the engine against any plugin, rule by rule.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod hostile;
pub mod peers;
#[cfg(all(unix, feature = "terminal"))]
pub mod terminal;
pub mod tree;

mod differ;
mod plugin_test;

pub use plugin_test::{Checked, Outcome, PluginTest, Run};
