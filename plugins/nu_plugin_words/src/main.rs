//! A plugin for text: counts, frequency tables, lines and capitals of input of any size.

mod count;
#[cfg(test)]
mod tests;
mod text;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pegboard_plugin::protocol::nu::{ByteStreamKind, Category};
use pegboard_plugin::{
    Call, Command, Input, LabeledError, Output, Plugin, SyntaxShape, Type, Value,
};

use count::{Counts, Frequencies};

fn main() -> ExitCode {
    plugin().serve()
}

fn plugin() -> Plugin {
    Plugin::new("words", env!("CARGO_PKG_VERSION"))
        .command(count())
        .command(freq())
        .command(lines())
        .command(upper())
}

/// A command on text of every form.
fn on_text(name: &str, description: &str, output: Type) -> Command {
    [
        Type::String,
        Type::Binary,
        Type::List(Box::new(Type::String)),
    ]
    .into_iter()
    .fold(Command::new(name, description), |command, input| {
        command.types(input, output.clone())
    })
    .category(Category::Strings)
}

fn count() -> Command {
    let int = |name: &str| (name.to_owned(), Type::Int);
    let fields = ["lines", "words", "chars", "bytes"].map(int).to_vec();
    on_text(
        "words count",
        "Count lines, words, characters and bytes of text",
        Type::Record(fields),
    )
    .details(
        "Words are separated by white space. Each item of a list is a line. Input that is not UTF-8 is counted with \
         each undecodable part as one character.",
    )
    .search_terms(["wc", "statistics", "length"])
    .example(
        "\"one two\\nthree\\n\" | words count",
        "Count a text",
        Value::record([
            ("lines", Value::int(2)),
            ("words", Value::int(3)),
            ("chars", Value::int(14)),
            ("bytes", Value::int(14)),
        ]),
    )
    .example("open --raw book.txt | words count", "Count a file", None)
    .run(|call| {
        let (mut counts, sizes) = (Counts::default(), Arc::new(AtomicUsize::new(0)));
        let (input, is_raw) = sized(call.input(), &sizes);
        for piece in text::pieces(input) {
            counts.add(&piece?);
        }
        if is_raw {
            counts.set_bytes(sizes.load(Ordering::Relaxed));
        }
        Ok(counts.into_value(call.head()))
    })
}

/// Counts raw bytes as they come by, before anything is replaced in them.
fn sized(input: Input, sizes: &Arc<AtomicUsize>) -> (Input, bool) {
    match input {
        Input::Bytes(chunks) => {
            let (kind, sizes) = (chunks.kind, sizes.clone());
            let counted = chunks.inspect(move |chunk| {
                let size = chunk.as_ref().map_or(0, Vec::len);
                sizes.fetch_add(size, Ordering::Relaxed);
            });
            (Input::try_bytes(counted, kind), true)
        }
        Input::Value(Value::Binary(bytes, span), metadata) => {
            sizes.store(bytes.len(), Ordering::Relaxed);
            (Input::Value(Value::Binary(bytes, span), metadata), true)
        }
        other => (other, false),
    }
}

fn freq() -> Command {
    let columns = vec![
        ("word".to_owned(), Type::String),
        ("count".to_owned(), Type::Int),
    ];
    let row = |word: &str, count| {
        Value::record([("word", Value::string(word)), ("count", Value::int(count))])
    };
    on_text(
        "words freq",
        "Count how often each word occurs",
        Type::Table(columns),
    )
    .details("Words are runs of letters and digits, also with an apostrophe inside. Frequent ones come first.")
    .search_terms(["histogram", "frequency", "uniq"])
    .flag("top", 't', SyntaxShape::Int, "Only so many of the most frequent words")
    .switch("ignore-case", 'i', "Take upper and lower case for the same")
    .example(
        "\"a rose is a rose\" | words freq --top 2",
        "The most frequent words",
        Value::list([row("a", 2), row("rose", 2)]),
    )
    .example(
        "\"No, no\" | words freq --ignore-case",
        "Upper and lower case as the same",
        Value::list([row("no", 2)]),
    )
    .run(|call| {
        let top = top(&call)?;
        let mut frequencies = Frequencies::new(call.has("ignore-case"));
        for piece in text::pieces(call.input()) {
            frequencies.add(&piece?);
        }
        Ok(frequencies.into_value(top, call.head()))
    })
}

fn top(call: &Call) -> Result<usize, LabeledError> {
    match call.value("top") {
        None => Ok(usize::MAX),
        Some(value) => call
            .need::<u64>("top")
            .map(|top| usize::try_from(top).unwrap_or(usize::MAX))
            .map_err(|_| {
                LabeledError::new("`--top` is a number of words")
                    .with_label("this is none", value.span())
            }),
    }
}

fn lines() -> Command {
    on_text(
        "words lines",
        "Split text into lines, lazily",
        Type::List(Box::new(Type::String)),
    )
    .details("Each line is given out as soon as it is complete, so that input of any size can be gone through.")
    .search_terms(["split", "rows"])
    .filter()
    .example(
        "\"one\\r\\ntwo\" | words lines",
        "Both kinds of line ends",
        Value::list(["one", "two"].map(Value::string)),
    )
    .example(
        "open --raw huge.log | words lines | first 3",
        "Only as much is read as is needed",
        None,
    )
    .run(|call| {
        let head = call.head();
        let lines = text::lines(text::pieces(call.input()));
        Ok(Output::try_list(
            lines.map(move |line| Ok(Value::string(line?).at(head))),
        ))
    })
}

fn upper() -> Command {
    on_text(
        "words upper",
        "Put text into capitals, while it flows",
        Type::String,
    )
    .search_terms(["uppercase", "capitals"])
    .filter()
    .example(
        "\"größe\" | words upper",
        "Any language",
        Value::string("GRÖSSE"),
    )
    .run(|call| {
        let head = call.head();
        match call.input() {
            Input::Value(Value::String(text, _), metadata) => Ok(Output::Value(
                Value::string(text.to_uppercase()).at(head),
                metadata,
            )),
            input => {
                let pieces = text::pieces(input);
                Ok(Output::try_bytes(
                    pieces.map(|piece| Ok(piece?.to_uppercase().into_bytes())),
                    ByteStreamKind::String,
                ))
            }
        }
    })
}
