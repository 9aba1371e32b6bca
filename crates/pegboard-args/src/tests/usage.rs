//! Help texts.

use pegboard_protocol::Value;
use pegboard_protocol::nu::{Example, Flag, PluginSignature, PositionalArg, SyntaxShape, Type};

use super::demo;
use crate::Usage;

fn signature() -> PluginSignature {
    let mut sig = demo();
    sig.description = "Counts things\u{1b}[31m.".to_owned();
    sig.extra_description =
        "This text is long enough that it has to be broken into lines, with care.".to_owned();
    sig.search_terms = vec!["number".to_owned(), "tally".to_owned()];
    sig.input_output_types = vec![
        (Type::String, Type::List(Box::new(Type::Int))),
        (
            Type::Nothing,
            Type::Table(vec![("a".to_owned(), Type::Custom("Thing".to_owned()))]),
        ),
    ];
    sig.required_positional[0].desc =
        "How many things there are to be counted by the command.".to_owned();
    sig.optional_positional[0] = PositionalArg {
        default_value: Some(Value::string("anyone")),
        ..sig.optional_positional[0].clone()
    };
    sig.named[2] = Flag {
        required: true,
        desc: "How deep.".to_owned(),
        ..sig.named[2].clone()
    };
    sig.named.push(Flag {
        long: "an-option-with-a-very-long-name".to_owned(),
        arg: Some(SyntaxShape::OneOf(vec![
            SyntaxShape::Int,
            SyntaxShape::List(Box::new(SyntaxShape::String)),
        ])),
        desc: "Stands alone.".to_owned(),
        ..Flag::default()
    });
    let example = |result| Example {
        example: "demo 5 |\nfirst".to_owned(),
        description: "Counts to five.".to_owned(),
        result,
    };
    let result = Value::list([
        Value::int(1),
        Value::filesize(2000),
        Value::record([("a b", Value::float(1.0))]),
    ]);
    PluginSignature {
        sig,
        examples: vec![example(Some(result)), example(None)],
    }
}

const TEXT: &str = r#"Counts things␛[31m.

This text is long enough that it has to be broken
into lines, with care.

Usage:
  demo --level <int> [flags] <count> [name] [paths]...

Arguments:
  <count> (int)      How many things there are to
                     be counted by the command.
  [name] (string)    (default: "anyone")
  [paths]... (path)

Flags:
  -a, --all
  -b, --brief
  -l, --level <int>      (required) How deep.
      --text <string>
  -z
  -h, --help
      --an-option-with-a-very-long-name <oneof<int, list<string>>>
                         Stands alone.

Input and output:
  string -> list<int>
  nothing -> table<a: Thing>

Search terms:
  number, tally

Examples:
  Counts to five.
  > demo 5 |
    first
  [1, 2kb, {"a b": 1.0}]
  Counts to five.
  > demo 5 |
    first
"#;

#[test]
fn the_whole_page() {
    let signature = signature();
    assert_eq!(Usage::new(&signature).width(50).to_string(), TEXT);
}

#[test]
fn an_empty_signature_has_a_page_too() {
    let signature = PluginSignature::default();
    assert_eq!(Usage::new(&signature).to_string(), "Usage:\n  \n");
}
