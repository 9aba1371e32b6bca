//! Completion in real shells, and manual pages. `cargo xtask shells` installs the shells.
#![cfg(unix)]

mod bash;
mod elvish;
mod fish;
mod given;
mod many;
mod nushell;
mod pages;
mod support;
mod zsh;
