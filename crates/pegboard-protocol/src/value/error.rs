//! Errors that travel: what went wrong, where, and what to do.

use super::Span;

/// An error with labels on the source text, as one side tells it to the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabeledError {
    /// What went wrong, in one sentence.
    pub msg: String,
    /// Places in the source text, each with a remark.
    pub labels: Vec<ErrorLabel>,
    /// A name for the kind of error that programs can compare, such as `my_plugin::not_found`.
    pub code: Option<String>,
    /// Where to read more.
    pub url: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Errors that led to this one.
    pub inner: Vec<LabeledError>,
}

/// A remark on a place in the source text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorLabel {
    /// The remark.
    pub text: String,
    /// The place.
    pub span: Span,
}

impl LabeledError {
    /// An error with a message and nothing more.
    pub fn new(msg: impl Into<String>) -> LabeledError {
        LabeledError {
            msg: msg.into(),
            ..LabeledError::default()
        }
    }

    /// Adds a remark on a place.
    #[must_use]
    pub fn with_label(mut self, text: impl Into<String>, span: Span) -> LabeledError {
        self.labels.push(ErrorLabel {
            text: text.into(),
            span,
        });
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> LabeledError {
        self.help = Some(help.into());
        self
    }

    /// Sets the name of the kind of error.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> LabeledError {
        self.code = Some(code.into());
        self
    }

    /// Says where to read more.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> LabeledError {
        self.url = Some(url.into());
        self
    }

    /// Adds an error that led to this one.
    #[must_use]
    pub fn with_inner(mut self, inner: LabeledError) -> LabeledError {
        self.inner.push(inner);
        self
    }
}

impl std::fmt::Display for LabeledError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.msg)
    }
}

impl std::error::Error for LabeledError {}

impl From<String> for LabeledError {
    fn from(msg: String) -> LabeledError {
        LabeledError::new(msg)
    }
}

impl From<&str> for LabeledError {
    fn from(msg: &str) -> LabeledError {
        LabeledError::new(msg)
    }
}
