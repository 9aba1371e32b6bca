//! Arguments from a command line: `pegboard-args`, with errors of this crate.

use pegboard_protocol::nu::{EvaluatedCall, Signature};
use pegboard_protocol::{Span, Spanned};

pub use pegboard_args::{Caller, Usage};

use crate::Error;

/// Reads the arguments behind a command's name by its signature. `head` is the place of the name.
///
/// Default values are not filled in: plugins do that. With `--help` among the flags nothing else is required, and the
/// call that comes back has the flag `help`, whatever the signature says and even if other words are wrong.
///
/// The error, of the kind [`crate::ErrorKind::Misuse`], has a label on the wrong word and the usage line as its help.
pub fn parse_arguments(
    signature: &Signature,
    head: Span,
    words: &[Spanned<String>],
    caller: &Caller<'_>,
) -> Result<EvaluatedCall, Error> {
    pegboard_args::parse_arguments(signature, head, words, caller).map_err(Error::misuse)
}
