//! The driver for Octa: both roles joined, over memory and over a socket, and against peers of scripted bytes.

mod endings;
mod executions;
mod floods;
mod pair;
#[cfg(unix)]
mod socket;
mod starts;
