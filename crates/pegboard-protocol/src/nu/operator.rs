//! The operators that can be applied to custom values.

/// An operator, by its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Arithmetic.
    Math(Math),
    /// Comparison.
    Comparison(Comparison),
    /// Logic.
    Boolean(Boolean),
    /// Bits.
    Bits(Bits),
    /// Assignment.
    Assignment(Assignment),
}

macro_rules! family {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!("`", stringify!($variant), "`")] $variant,)*
        }

        impl $name {
            /// Every operator of the family.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The name on the wire since Nushell 0.103.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => stringify!($variant),)*
                }
            }
        }
    };
}

family!(
    /// Arithmetic operators.
    Math { Add, Subtract, Multiply, Divide, FloorDivide, Modulo, Pow, Concatenate }
);
family!(
    /// Comparison operators.
    Comparison {
        Equal, NotEqual, LessThan, GreaterThan, LessThanOrEqual, GreaterThanOrEqual, RegexMatch, NotRegexMatch, In,
        NotIn, Has, NotHas, StartsWith, NotStartsWith, EndsWith, NotEndsWith,
    }
);
family!(
    /// Logical operators.
    Boolean { Or, Xor, And }
);
family!(
    /// Operators on bits.
    Bits { BitOr, BitXor, BitAnd, ShiftLeft, ShiftRight }
);
family!(
    /// Assignment operators.
    Assignment { Assign, AddAssign, SubtractAssign, MultiplyAssign, DivideAssign, ConcatenateAssign }
);
