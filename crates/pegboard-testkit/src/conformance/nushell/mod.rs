//! The rules of Nushell's plugin protocol.

mod commands;
mod conversation;
mod form;
mod replies;
mod rules;
mod stage;
mod tree;
mod turns;
mod watch;

pub(super) use rules::TABLE;
pub(super) use stage::Stage;
