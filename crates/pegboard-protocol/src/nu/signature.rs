//! What a command takes and gives: signatures, shapes, types and categories.

use super::DeclId;
use crate::{Opaque, Value};

/// A command of a plugin: its signature and examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginSignature {
    /// The signature.
    pub sig: Signature,
    /// Examples for the help text.
    pub examples: Vec<Example>,
}

/// What a command is called, takes and gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signature {
    /// The full name; words are separated by single spaces.
    pub name: String,
    /// One sentence for lists of commands.
    pub description: String,
    /// More text for the help page.
    pub extra_description: String,
    /// Other words under which the command is found.
    pub search_terms: Vec<String>,
    /// Arguments that must be given, in order.
    pub required_positional: Vec<PositionalArg>,
    /// Arguments that may be given, in order, behind the required ones.
    pub optional_positional: Vec<PositionalArg>,
    /// Where all further arguments go.
    pub rest_positional: Option<PositionalArg>,
    /// Flags.
    pub named: Vec<Flag>,
    /// Pairs of an input type and the output type it leads to; none means any to any.
    pub input_output_types: Vec<(Type, Type)>,
    /// Not every pair of types needs an example.
    pub allow_variants_without_examples: bool,
    /// The command is meant to be used in the middle of a pipeline.
    pub is_filter: bool,
    /// The command opens a scope of its own.
    pub creates_scope: bool,
    /// Unknown flags are passed on rather than refused.
    pub allows_unknown_args: bool,
    /// Who completes the arguments of the whole command.
    pub complete: Option<SignatureComplete>,
    /// The chapter of the help in which the command is listed.
    pub category: Category,
}

/// Who completes the arguments of a whole command, since Nushell 0.108.
#[derive(Clone, Debug, PartialEq)]
pub enum SignatureComplete {
    /// The user's external completer.
    External,
    /// A command, by the engine's number.
    Command(DeclId),
}

/// A positional argument.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PositionalArg {
    /// The name shown to people.
    pub name: String,
    /// What it is for.
    pub desc: String,
    /// What can be written there.
    pub shape: SyntaxShape,
    /// Candidates for it, since Nushell 0.108.
    pub completion: Option<Completion>,
    /// The engine's number for its variable; plugins leave it out.
    pub var_id: Option<u64>,
    /// What is taken when it is not given.
    pub default_value: Option<Value>,
}

/// A flag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flag {
    /// The long name, without dashes.
    pub long: String,
    /// The short name.
    pub short: Option<char>,
    /// What its value may be; a switch has none.
    pub arg: Option<SyntaxShape>,
    /// The flag must be given.
    pub required: bool,
    /// What it is for.
    pub desc: String,
    /// Candidates for its value, since Nushell 0.108.
    pub completion: Option<Completion>,
    /// The engine's number for its variable; plugins leave it out.
    pub var_id: Option<u64>,
    /// What is taken when it is not given.
    pub default_value: Option<Value>,
}

/// Candidates for an argument that the signature itself names.
#[derive(Clone, Debug, PartialEq)]
pub enum Completion {
    /// These words.
    List(Vec<String>),
    /// Whatever this command of the engine gives.
    Command(DeclId),
    /// Something built into the engine.
    Builtin(Opaque),
}

/// An example for the help text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    /// A line to type.
    pub example: String,
    /// What it shows.
    pub description: String,
    /// What it gives; none if that cannot be told beforehand.
    pub result: Option<Value>,
}

/// What can be written as an argument.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    missing_docs,
    reason = "each name says it; they are Nushell's own words"
)]
pub enum SyntaxShape {
    #[default]
    Any,
    Binary,
    Block,
    Boolean,
    CellPath,
    /// Takes arguments of these shapes; none means it was not said.
    Closure(Option<Vec<SyntaxShape>>),
    DateTime,
    Directory,
    Duration,
    Error,
    Expression,
    ExternalArgument,
    ExternalSignature,
    Filepath,
    Filesize,
    Float,
    FullCellPath,
    GlobPattern,
    ImportPattern,
    Int,
    /// A fixed word and what follows it.
    Keyword(Vec<u8>, Box<SyntaxShape>),
    List(Box<SyntaxShape>),
    MatchBlock,
    MathExpression,
    Nothing,
    Number,
    OneOf(Vec<SyntaxShape>),
    Operator,
    Range,
    Record(Vec<(String, SyntaxShape)>),
    RowCondition,
    Signature,
    String,
    Table(Vec<(String, SyntaxShape)>),
    VarWithOptType,
    /// A shape with a completer, up to Nushell 0.106.
    CompleterWrapper(Box<SyntaxShape>, DeclId),
    /// A shape that no known version has; the name is its variant. Taken as any.
    Unknown(String),
}

/// The type of a value.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    missing_docs,
    reason = "each name says it; they are Nushell's own words"
)]
pub enum Type {
    #[default]
    Any,
    Binary,
    Block,
    Bool,
    CellPath,
    Closure,
    /// A custom value of this name.
    Custom(String),
    Date,
    Duration,
    Error,
    Filesize,
    Float,
    Glob,
    Int,
    List(Box<Type>),
    /// A stream of values; up to Nushell 0.100.
    ListStream,
    Nothing,
    Number,
    OneOf(Vec<Type>),
    Range,
    Record(Vec<(String, Type)>),
    /// A signature; up to Nushell 0.101.
    Signature,
    String,
    Table(Vec<(String, Type)>),
    /// A type that no known version has; the name is its variant. Taken as any.
    Unknown(String),
}

macro_rules! categories {
    ($($variant:ident),* $(,)?) => {
        /// The chapter of the help in which a command is listed.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each name says it; they are Nushell's own words")]
        pub enum Category {
            #[default]
            Default,
            $($variant,)*
            /// A chapter of the plugin's own.
            Custom(String),
        }

        impl Category {
            /// Every chapter that has a fixed name.
            pub const ALL: &[Category] = &[Category::Default, $(Category::$variant,)*];

            /// The name of the chapter on the wire.
            pub fn name(&self) -> &str {
                match self {
                    Category::Default => "Default",
                    $(Category::$variant => stringify!($variant),)*
                    Category::Custom(name) => name,
                }
            }
        }
    };
}

categories!(
    Bits,
    Bytes,
    Chart,
    Conversions,
    Core,
    Database,
    Date,
    Debug,
    Deprecated,
    Removed,
    Env,
    Experimental,
    FileSystem,
    Filters,
    Formats,
    Generators,
    Hash,
    History,
    Math,
    Misc,
    Network,
    Path,
    Platform,
    Plugin,
    Random,
    Shells,
    Strings,
    System,
    Viewers,
);
