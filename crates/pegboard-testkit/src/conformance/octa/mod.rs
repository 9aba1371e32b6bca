//! The rules of Octa's plugin protocol: what a plugin owes the hosts that there are, and what makes it a good one.

mod conversation;
mod form;
mod rules;
mod stage;
mod watch;

pub(super) use rules::TABLE;
pub(super) use stage::Stage;
