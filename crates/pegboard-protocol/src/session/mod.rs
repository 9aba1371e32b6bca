//! session, being written.
