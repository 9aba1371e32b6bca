//! Values as JSON.

use pegboard_host::protocol::to_json;
use pegboard_host::{Error, LabeledError, Value};
use serde_json::Value as Json;

/// An indented document without a newline at the end.
pub(super) fn pretty(value: &Value) -> Result<String, Error> {
    serde_json::to_string_pretty(&json(value)?).map_err(|error| Error::misuse(error.to_string()))
}

/// A document on one line.
pub(super) fn line(value: &Value) -> Result<String, Error> {
    Ok(json(value)?.to_string())
}

fn json(value: &Value) -> Result<Json, Error> {
    to_json(value).map_err(|error| {
        let error = LabeledError::new(format!("the output has no form in JSON: {error}"));
        Error::misuse(error.with_help("try `--to text`"))
    })
}
