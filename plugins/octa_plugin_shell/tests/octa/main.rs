//! The plugin as a program, with hosts that say what Octa's say, and worse.

#![cfg(unix)]

mod endings;
mod host;
mod hostile;
mod recorded;
mod replayed;
mod running;
