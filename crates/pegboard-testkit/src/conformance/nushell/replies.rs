//! What a plugin gets when it asks the engine for something.

use std::path::{Path, PathBuf};

use pegboard_protocol::nu::{EngineCall, EngineResponse, Header};
use pegboard_protocol::{LabeledError, Value};

/// How engine calls are replied to in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    /// As by an engine in this directory without any variables and settings. What needs more than that is refused.
    Plain(PathBuf),
    /// All are refused.
    Refusals,
}

impl Replies {
    /// The reply to an engine call.
    pub(super) fn to(&self, call: &EngineCall) -> EngineResponse {
        let known = match self {
            Replies::Plain(directory) => plain(call, directory),
            Replies::Refusals => None,
        };
        known.unwrap_or_else(|| {
            let error = LabeledError::new("this engine does not answer such engine calls");
            EngineResponse::Error(Box::new(error))
        })
    }
}

fn plain(call: &EngineCall, directory: &Path) -> Option<EngineResponse> {
    match call {
        EngineCall::GetCurrentDir => {
            let directory = Value::string(directory.to_str()?);
            Some(EngineResponse::Data(Header::Value(directory, None)))
        }
        EngineCall::GetEnvVar(_) | EngineCall::GetPluginConfig | EngineCall::AddEnvVar(..) => {
            Some(EngineResponse::Data(Header::Empty))
        }
        EngineCall::GetEnvVars => Some(EngineResponse::ValueMap(Vec::new())),
        _ => None,
    }
}
