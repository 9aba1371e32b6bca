//! `cargo xtask`: everything CI does, runnable by hand.
fn main() {}
