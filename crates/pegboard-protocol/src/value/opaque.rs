//! Data that is carried without being understood.

/// A tree of plain data that this crate passes on as it is: Nushell's configuration, parsed expressions, block code.
///
/// Its shape changes with every Nushell release, so nobody here gives it types.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Opaque {
    /// Null.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits into 64 bits, with or without a sign.
    Int(i128),
    /// A floating point number.
    Float(f64),
    /// Text.
    String(String),
    /// Bytes; only MessagePack has a form of their own for them.
    Bytes(Vec<u8>),
    /// A sequence.
    Array(Vec<Opaque>),
    /// Named fields in order.
    Map(Vec<(String, Opaque)>),
}
