//! The program `pegboard`.
fn main() {}
