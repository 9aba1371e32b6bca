//! Part of Pegboard.
