//! codec, being written.
