//! The messages of the Nushell plugin protocol, both directions in one enum.

use std::fmt;

use super::{CompletionCall, Operator, PluginSignature, Suggestion};
use crate::{Closure, CustomValue, LabeledError, Opaque, Record, Span, Spanned, Value};

/// Everything that one side can say to the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The first message of either side.
    Hello(Hello),
    /// Engine to plugin: do something.
    Call(CallId, Call),
    /// Plugin to engine: what came of a call.
    CallResponse(CallId, Response),
    /// Plugin to engine: something is needed from the engine for a call that runs.
    EngineCall {
        /// The call that it is needed for.
        context: CallId,
        /// The plugin's number for this engine call.
        id: EngineCallId,
        /// What is needed.
        call: EngineCall,
    },
    /// Engine to plugin: what came of an engine call.
    EngineCallResponse(EngineCallId, EngineResponse),
    /// Producer to consumer: one item of a stream, or several at once.
    Data(StreamId, StreamItem),
    /// Producer to consumer: the stream has no more items.
    End(StreamId),
    /// Consumer to producer: no more items are wanted.
    Drop(StreamId),
    /// Consumer to producer: what one message of a stream brought was consumed.
    Ack(StreamId),
    /// Engine to plugin: an interrupt, or the end of one.
    Signal(Signal),
    /// Plugin to engine: a wish about how the engine treats the plugin.
    Option(PluginOption),
    /// Engine to plugin: no more calls will come.
    Goodbye,
    /// A message that no known version has; the name is its variant.
    Unknown(String),
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// The engine's number for a call.
    CallId
);
id!(
    /// The plugin's number for an engine call.
    EngineCallId
);
id!(
    /// A producer's number for a stream. Each side counts its own.
    StreamId
);
id!(
    /// The engine's number for a command.
    DeclId
);

/// What each side says about itself first.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// Always `nu-plugin`.
    pub protocol: String,
    /// The version of Nushell whose protocol is spoken, such as `0.115.1`.
    pub version: String,
    /// Abilities beyond the common protocol. Unknown ones are ignored.
    pub features: Vec<Feature>,
}

/// An ability beyond the common protocol.
///
/// Those that begin with `Pegboard` are extensions of our own peers. They are used only when both sides have offered
/// them; every known peer ignores the names of features that it does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feature {
    /// The side can talk over a local socket instead of its standard streams.
    LocalSocket,
    /// The side reads bytes in MessagePack's own form, whatever its version.
    PegboardBytes,
    /// The side reads several values of a list stream in one message: [`StreamItem::Items`].
    PegboardItems,
    /// Any other ability, by name.
    Other(String),
}

/// What the engine can ask of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The plugin's own version.
    Metadata,
    /// The signatures of the plugin's commands.
    Signature,
    /// Run a command.
    Run(Box<RunCall>),
    /// Candidates for an argument that is being typed.
    Completion(Box<CompletionCall>),
    /// An operation on a custom value that this plugin made.
    CustomValueOp(Box<Spanned<CustomValue>>, CustomValueOp),
    /// A call that no known version has; the name is its variant.
    Unknown(String),
}

/// One run of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCall {
    /// The command's full name.
    pub name: String,
    /// Its arguments.
    pub call: EvaluatedCall,
    /// Its input.
    pub input: Header,
}

/// The arguments of a command, evaluated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvaluatedCall {
    /// The place of the command's name.
    pub head: Span,
    /// Positional arguments in order.
    pub positional: Vec<Value>,
    /// Flags by their long name, in order; a switch has no value.
    pub named: Vec<(Spanned<String>, Option<Value>)>,
}

/// What flows into or out of a command: nothing, a value, or the announcement of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Header {
    /// Nothing.
    #[default]
    Empty,
    /// A single value.
    Value(Value, Option<Box<Metadata>>),
    /// A stream of values follows under this id.
    ListStream {
        /// The producer's number for the stream.
        id: StreamId,
        /// Where it came from.
        span: Span,
        /// What is known about the data.
        metadata: Option<Box<Metadata>>,
    },
    /// A stream of bytes follows under this id.
    ByteStream {
        /// The producer's number for the stream.
        id: StreamId,
        /// Where it came from.
        span: Span,
        /// Whether the bytes are text.
        kind: ByteStreamKind,
        /// What is known about the data.
        metadata: Option<Box<Metadata>>,
    },
}

/// Whether the bytes of a stream are text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteStreamKind {
    /// Bytes that are not text.
    Binary,
    /// UTF-8 text, cut anywhere.
    String,
    /// Not known; taken as text when it turns out to be UTF-8.
    #[default]
    Unknown,
}

/// What is known about data in a pipeline beside the data itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// Where the data came from.
    pub data_source: Origin,
    /// Columns that hold file paths.
    pub path_columns: Vec<String>,
    /// The media type, such as `text/csv`.
    pub content_type: Option<String>,
    /// Anything else, by name.
    pub custom: Record,
}

/// Where data came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Not known.
    #[default]
    None,
    /// The `ls` command; up to Nushell 0.112.
    Ls,
    /// The command that lists colour themes.
    HtmlThemes,
    /// A file.
    FilePath(String),
}

/// An operation on a custom value.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomValueOp {
    /// Turn it into a plain value.
    ToBaseValue,
    /// Take an item by its number.
    FollowPathInt {
        /// The index, from 0.
        index: Spanned<u64>,
        /// A missing item gives nothing.
        optional: bool,
    },
    /// Take a field by its name.
    FollowPathString {
        /// The field.
        column: Spanned<String>,
        /// A missing field gives nothing.
        optional: bool,
        /// Upper and lower case are the same.
        insensitive: bool,
    },
    /// Compare with another value, for sorting.
    PartialCmp(Value),
    /// Apply an operator with another value on the right.
    Operation(Spanned<Operator>, Value),
    /// Save to a file.
    Save {
        /// The absolute path.
        path: Spanned<String>,
        /// The place of the `save` command.
        save_call_span: Span,
    },
    /// The last copy of the value is gone.
    Dropped,
    /// An operation that no known version has; the name is its variant.
    Unknown(String),
}

/// What a plugin answers to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// Done, with nothing to give back.
    Ok,
    /// The plugin said no.
    Error(Box<LabeledError>),
    /// The plugin's own version.
    Metadata(PluginMetadata),
    /// The plugin's commands.
    Signature(Vec<PluginSignature>),
    /// How two values compare; none if they do not.
    Ordering(Option<Ordering>),
    /// Candidates; none to fall back to what the engine would offer.
    Completions(Option<Vec<Suggestion>>),
    /// The output of a command or of an operation.
    Data(Header),
}

/// How one value compares to another.
pub type Ordering = std::cmp::Ordering;

/// What a plugin says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginMetadata {
    /// The plugin's own version.
    pub version: Option<String>,
}

/// What a plugin can ask of the engine while a call runs.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineCall {
    /// The engine's whole configuration.
    GetConfig,
    /// The configuration that the user wrote for this plugin.
    GetPluginConfig,
    /// One environment variable.
    GetEnvVar(String),
    /// All environment variables.
    GetEnvVars,
    /// The caller's directory.
    GetCurrentDir,
    /// Set an environment variable for the caller.
    AddEnvVar(String, Value),
    /// The help text of the running command.
    GetHelp,
    /// Give the plugin the terminal.
    EnterForeground,
    /// Take the terminal back.
    LeaveForeground,
    /// The source text at a place.
    GetSpanContents(Span),
    /// Evaluate a closure.
    EvalClosure(Box<EvalClosure>),
    /// The number of the command with this name.
    FindDecl(String),
    /// Run a command by its number.
    CallDecl(Box<CallDecl>),
    /// The code of a block.
    GetBlockIr(u64),
    /// A call that no known version has; the name is its variant.
    Unknown(String),
}

/// A closure to be evaluated, and what with.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalClosure {
    /// The closure.
    pub closure: Spanned<Closure>,
    /// Its arguments.
    pub positional: Vec<Value>,
    /// Its input.
    pub input: Header,
    /// Standard output of external programs comes back as output.
    pub redirect_stdout: bool,
    /// Standard error of external programs comes back as output.
    pub redirect_stderr: bool,
}

/// A command to be run by the engine, and what with.
#[derive(Clone, Debug, PartialEq)]
pub struct CallDecl {
    /// The command.
    pub decl_id: DeclId,
    /// Its arguments.
    pub call: EvaluatedCall,
    /// Its input.
    pub input: Header,
    /// Standard output of external programs comes back as output.
    pub redirect_stdout: bool,
    /// Standard error of external programs comes back as output.
    pub redirect_stderr: bool,
}

/// What the engine answers to an engine call.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineResponse {
    /// The engine said no.
    Error(Box<LabeledError>),
    /// Data of any kind.
    Data(Header),
    /// The engine's whole configuration.
    Config(Box<Opaque>),
    /// Values by name.
    ValueMap(Vec<(String, Value)>),
    /// The number of a command.
    Identifier(DeclId),
    /// The code of a block.
    IrBlock(Box<Opaque>),
}

/// What one message of a stream carries.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamItem {
    /// A value of a list stream.
    List(Value),
    /// Several values of a list stream, at most [`StreamItem::MOST`] and at least one. They take one credit together, and
    /// are acknowledged together. Only between sides that have both offered [`Feature::PegboardItems`].
    Items(Vec<Value>),
    /// A chunk of a byte stream.
    Raw(Vec<u8>),
    /// A byte stream could not be read further.
    RawError(Box<LabeledError>),
}

/// What the items of a stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Values.
    List,
    /// Chunks of bytes.
    Raw,
}

/// What the engine tells every running plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The user wants what runs to stop.
    Interrupt,
    /// Forget an earlier interrupt.
    Reset,
}

/// A plugin's wish about how the engine treats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginOption {
    /// Do not stop the plugin when it is idle, or do so again.
    GcDisabled(bool),
}

impl Header {
    /// The stream that the header announces.
    pub fn stream(&self) -> Option<(StreamId, StreamKind)> {
        match self {
            Header::ListStream { id, .. } => Some((*id, StreamKind::List)),
            Header::ByteStream { id, .. } => Some((*id, StreamKind::Raw)),
            Header::Empty | Header::Value(..) => None,
        }
    }
}

impl Response {
    /// The header inside, if there is one.
    pub fn header(&self) -> Option<&Header> {
        match self {
            Response::Data(header) => Some(header),
            _ => None,
        }
    }
}

impl StreamItem {
    /// How many values one message may carry.
    pub const MOST: usize = 256;

    /// The kind of stream that it is of.
    pub fn kind(&self) -> StreamKind {
        match self {
            StreamItem::List(_) | StreamItem::Items(_) => StreamKind::List,
            StreamItem::Raw(_) | StreamItem::RawError(_) => StreamKind::Raw,
        }
    }
}

impl EngineCall {
    /// The name of the call on the wire.
    pub fn name(&self) -> &str {
        match self {
            EngineCall::GetConfig => "GetConfig",
            EngineCall::GetPluginConfig => "GetPluginConfig",
            EngineCall::GetEnvVar(_) => "GetEnvVar",
            EngineCall::GetEnvVars => "GetEnvVars",
            EngineCall::GetCurrentDir => "GetCurrentDir",
            EngineCall::AddEnvVar(..) => "AddEnvVar",
            EngineCall::GetHelp => "GetHelp",
            EngineCall::EnterForeground => "EnterForeground",
            EngineCall::LeaveForeground => "LeaveForeground",
            EngineCall::GetSpanContents(_) => "GetSpanContents",
            EngineCall::EvalClosure(_) => "EvalClosure",
            EngineCall::FindDecl(_) => "FindDecl",
            EngineCall::CallDecl(_) => "CallDecl",
            EngineCall::GetBlockIr(_) => "GetBlockIR",
            EngineCall::Unknown(name) => name,
        }
    }

    /// The input that a closure or command is to run with.
    pub fn input(&self) -> Option<&Header> {
        match self {
            EngineCall::EvalClosure(eval) => Some(&eval.input),
            EngineCall::CallDecl(call) => Some(&call.input),
            _ => None,
        }
    }
}

impl Feature {
    /// The extensions of our own peers.
    pub const EXTENSIONS: [Feature; 2] = [Feature::PegboardBytes, Feature::PegboardItems];

    /// What our own peers offer over standard streams: local sockets, and the extensions.
    pub fn offered() -> Vec<Feature> {
        let extensions = Feature::EXTENSIONS;
        std::iter::once(Feature::LocalSocket)
            .chain(extensions)
            .collect()
    }

    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Feature::LocalSocket => "LocalSocket",
            Feature::PegboardBytes => "PegboardBytes",
            Feature::PegboardItems => "PegboardItems",
            Feature::Other(name) => name,
        }
    }

    /// The feature of this name.
    pub fn named(name: &str) -> Feature {
        match name {
            "LocalSocket" => Feature::LocalSocket,
            "PegboardBytes" => Feature::PegboardBytes,
            "PegboardItems" => Feature::PegboardItems,
            other => Feature::Other(other.to_owned()),
        }
    }
}
