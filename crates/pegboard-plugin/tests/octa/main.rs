//! The SDK against an Octa host in the same process: what handlers are promised, without starting a program.

#![cfg(unix)]

mod commands;
mod executions;
mod extensions;
mod host;
mod nushell;
#[cfg(feature = "tokio")]
mod tasks;
