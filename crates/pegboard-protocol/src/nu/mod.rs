//! The Nushell plugin protocol: its messages, signatures, and what each version changed.

mod completion;
mod dialect;
mod message;
mod operator;
mod registry;
mod signature;

pub use completion::{CompletionCall, CompletionTarget, Suggestion, SuggestionKind};
pub use dialect::{Change, Dialect, UnsupportedVersion};
pub use message::{
    ByteStreamKind, Call, CallDecl, CallId, CustomValueOp, DeclId, EngineCall, EngineCallId,
    EngineResponse, EvalClosure, EvaluatedCall, Feature, Header, Hello, Message, Metadata,
    Ordering, Origin, PluginMetadata, PluginOption, Response, RunCall, Signal, StreamId,
    StreamItem, StreamKind,
};
pub use operator::{Assignment, Bits, Boolean, Comparison, Math, Operator};
pub use registry::{Registry, RegistryContent, RegistryItem};
pub use signature::{
    Category, Completion, Example, Flag, PluginSignature, PositionalArg, Signature,
    SignatureComplete, SyntaxShape, Type,
};
