//! Octa's protocol without sockets: transcripts, recorded conversations, random ones, and bytes of every kind.

mod recorded;
mod script;
mod transcripts;
