//! The program as people use it, with real plugins.
#![cfg(unix)]

mod closing;
mod closures;
mod conformance;
mod doctor;
mod errors;
mod help;
mod inspect;
mod installed;
mod nushell;
mod octa;
mod pages;
mod pipes;
mod plugins;
mod registry;
mod replays;
mod replays_octa;
mod streams;
mod support;
mod tasks;
mod terminal;
mod traces;
