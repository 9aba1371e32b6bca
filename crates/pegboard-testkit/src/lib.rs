//! What tests of Pegboard's hosts and plugins share.
//!
//! - [`hostile`] names the ways in which the program `pegboard-hostile` misbehaves.
//! - [`peers`] finds that program, and the real plugins and shells that tests run against.
//! - [`tree`] looks for processes that were left behind.

pub mod hostile;
pub mod peers;
pub mod tree;
