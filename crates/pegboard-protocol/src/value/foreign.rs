//! Errors of Rust's own as errors that travel, so that `?` works in a handler.

use super::LabeledError;

/// What `?` does in a handler with an error of reading and writing. If the error carries a [`LabeledError`], as one of
/// reading a stream of bytes does, it is that one.
///
/// The system's words do not say which file it was. Where the user named it, a label at the argument is better.
impl From<std::io::Error> for LabeledError {
    fn from(error: std::io::Error) -> LabeledError {
        let carried = error.get_ref().and_then(|inner| inner.downcast_ref());
        match carried {
            Some(labeled) => LabeledError::clone(labeled),
            None => LabeledError::new(error.to_string()),
        }
    }
}

macro_rules! errors_without_more_than_a_message {
    ($($type:ty),* $(,)?) => {$(
        impl From<$type> for LabeledError {
            fn from(error: $type) -> LabeledError {
                LabeledError::new(error.to_string())
            }
        }
    )*};
}

errors_without_more_than_a_message!(
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::fmt::Error,
    Box<dyn std::error::Error + Send + Sync>,
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    fn number(text: &str) -> Result<u8, LabeledError> {
        Ok(text.parse::<u8>()?)
    }

    fn file(error: std::io::Error) -> Result<(), LabeledError> {
        Err(error)?
    }

    #[test]
    fn errors_say_what_they_said() {
        let expected = "x".parse::<u8>().unwrap_err().to_string();
        assert_eq!(number("x"), Err(LabeledError::new(expected)));
        let missing = std::io::ErrorKind::NotFound;
        let expected = std::io::Error::from(missing).to_string();
        assert_eq!(file(missing.into()), Err(LabeledError::new(expected)));
    }

    #[test]
    fn what_an_error_carries_is_not_lost() {
        let labeled = LabeledError::new("the source failed").with_label("here", Span::new(1, 2));
        assert_eq!(file(std::io::Error::other(labeled.clone())), Err(labeled));
    }
}
