//! Connections of both roles over links of every kind, each case in both encodings.

mod calls;
mod endings;
mod fds;
mod floods;
mod pair;
mod slow;
mod starts;
mod streams;
mod stress;
