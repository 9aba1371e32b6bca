//! Shapes and types in words, and as the short names that signatures show.

use pegboard_protocol::nu::{SyntaxShape, Type};

use super::problem::list;

/// What a shape takes, with an article: `an integer`.
pub(super) fn noun(shape: &SyntaxShape) -> String {
    let fixed = match shape {
        SyntaxShape::Any | SyntaxShape::Unknown(_) => "any value",
        SyntaxShape::Binary => "bytes",
        SyntaxShape::Block => "a block",
        SyntaxShape::Boolean => "true or false",
        SyntaxShape::CellPath | SyntaxShape::FullCellPath => "a cell path",
        SyntaxShape::Closure(_) => "a closure",
        SyntaxShape::DateTime => "a date",
        SyntaxShape::Directory => "a directory",
        SyntaxShape::Duration => "a duration",
        SyntaxShape::Error => "an error",
        SyntaxShape::Expression => "an expression",
        SyntaxShape::ExternalArgument | SyntaxShape::String => "text",
        SyntaxShape::ExternalSignature | SyntaxShape::Signature => "a signature",
        SyntaxShape::Filepath => "a path",
        SyntaxShape::Filesize => "a size",
        SyntaxShape::Float | SyntaxShape::Number => "a number",
        SyntaxShape::GlobPattern => "a file name pattern",
        SyntaxShape::ImportPattern => "an import pattern",
        SyntaxShape::Int => "an integer",
        SyntaxShape::List(_) => "a list",
        SyntaxShape::MatchBlock => "a match block",
        SyntaxShape::MathExpression => "a math expression",
        SyntaxShape::Nothing => "null",
        SyntaxShape::Operator => "an operator",
        SyntaxShape::Range => "a range",
        SyntaxShape::Record(_) => "a record",
        SyntaxShape::RowCondition => "a row condition",
        SyntaxShape::Table(_) => "a table",
        SyntaxShape::VarWithOptType => "a variable with a type",
        SyntaxShape::OneOf(shapes) => return list(&distinct(shapes, noun), "or"),
        SyntaxShape::CompleterWrapper(inner, _) => return noun(inner),
        SyntaxShape::Keyword(keyword, inner) => {
            return format!(
                "the word `{}` and {}",
                String::from_utf8_lossy(keyword),
                noun(inner)
            );
        }
    };
    fixed.to_owned()
}

/// What a shape takes, with examples of how to write it.
pub(super) fn expected(shape: &SyntaxShape) -> String {
    let example = match shape {
        SyntaxShape::Binary => "0x[ff 00]",
        SyntaxShape::CellPath | SyntaxShape::FullCellPath => "a.0.b",
        SyntaxShape::DateTime => "2024-01-02 or 2024-01-02T03:04:05Z",
        SyntaxShape::Duration => "5sec, 1.5hr or 250ms",
        SyntaxShape::Filesize => "10kb or 1.5MiB",
        SyntaxShape::Float | SyntaxShape::Number => "1.5",
        SyntaxShape::Int => "5 or 0x1f",
        SyntaxShape::Range => "1..5, 1..<5 or 1..3..9",
        SyntaxShape::List(_) => "[1, 2]",
        SyntaxShape::Record(_) => r#"{"a": 1}"#,
        SyntaxShape::Table(_) => r#"[{"a": 1}]"#,
        SyntaxShape::OneOf(shapes) => {
            return format!("expected {}", list(&distinct(shapes, with_example), "or"));
        }
        _ => return format!("expected {}", noun(shape)),
    };
    let json = match shape {
        SyntaxShape::List(_) | SyntaxShape::Record(_) | SyntaxShape::Table(_) => " as JSON",
        _ => "",
    };
    format!("expected {}{json}, such as {example}", noun(shape))
}

fn with_example(shape: &SyntaxShape) -> String {
    let expected = expected(shape);
    let what = expected.strip_prefix("expected ").unwrap_or(&expected);
    match what.split_once(", such as ") {
        Some((noun, example)) => format!("{noun} ({example})"),
        None => what.to_owned(),
    }
}

fn distinct(shapes: &[SyntaxShape], describe: impl Fn(&SyntaxShape) -> String) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in shapes.iter().map(describe) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The name of a shape in a signature, such as `list<int>`.
pub(super) fn shape_name(shape: &SyntaxShape) -> String {
    let fixed = match shape {
        SyntaxShape::Any => "any",
        SyntaxShape::Binary => "binary",
        SyntaxShape::Block => "block",
        SyntaxShape::Boolean => "bool",
        SyntaxShape::CellPath | SyntaxShape::FullCellPath => "cell-path",
        SyntaxShape::Closure(_) => "closure",
        SyntaxShape::DateTime => "datetime",
        SyntaxShape::Directory => "directory",
        SyntaxShape::Duration => "duration",
        SyntaxShape::Error => "error",
        SyntaxShape::Expression => "expression",
        SyntaxShape::ExternalArgument => "external-argument",
        SyntaxShape::ExternalSignature => "external-signature",
        SyntaxShape::Filepath => "path",
        SyntaxShape::Filesize => "filesize",
        SyntaxShape::Float => "float",
        SyntaxShape::GlobPattern => "glob",
        SyntaxShape::ImportPattern => "import",
        SyntaxShape::Int => "int",
        SyntaxShape::MatchBlock => "match-block",
        SyntaxShape::MathExpression => "math",
        SyntaxShape::Nothing => "nothing",
        SyntaxShape::Number => "number",
        SyntaxShape::Operator => "operator",
        SyntaxShape::Range => "range",
        SyntaxShape::RowCondition => "condition",
        SyntaxShape::Signature => "signature",
        SyntaxShape::String => "string",
        SyntaxShape::VarWithOptType => "variable",
        SyntaxShape::Unknown(name) => name,
        SyntaxShape::List(inner) => return format!("list<{}>", shape_name(inner)),
        SyntaxShape::Record(fields) => return with_fields("record", fields, shape_name),
        SyntaxShape::Table(fields) => return with_fields("table", fields, shape_name),
        SyntaxShape::OneOf(shapes) => {
            return format!("oneof<{}>", distinct(shapes, shape_name).join(", "));
        }
        SyntaxShape::CompleterWrapper(inner, _) => return shape_name(inner),
        SyntaxShape::Keyword(keyword, inner) => {
            return format!("{} {}", String::from_utf8_lossy(keyword), shape_name(inner));
        }
    };
    fixed.to_owned()
}

/// The name of a type in a signature, such as `table<a: int>`.
pub(super) fn type_name(of: &Type) -> String {
    let fixed = match of {
        Type::Any => "any",
        Type::Binary => "binary",
        Type::Block => "block",
        Type::Bool => "bool",
        Type::CellPath => "cell-path",
        Type::Closure => "closure",
        Type::Date => "datetime",
        Type::Duration => "duration",
        Type::Error => "error",
        Type::Filesize => "filesize",
        Type::Float => "float",
        Type::Glob => "glob",
        Type::Int => "int",
        Type::ListStream => "list-stream",
        Type::Nothing => "nothing",
        Type::Number => "number",
        Type::Range => "range",
        Type::Signature => "signature",
        Type::String => "string",
        Type::Custom(name) | Type::Unknown(name) => name,
        Type::List(inner) => return format!("list<{}>", type_name(inner)),
        Type::Record(fields) => return with_fields("record", fields, type_name),
        Type::Table(fields) => return with_fields("table", fields, type_name),
        Type::OneOf(types) => {
            let names: Vec<_> = types.iter().map(type_name).collect();
            return format!("oneof<{}>", names.join(", "));
        }
    };
    fixed.to_owned()
}

fn with_fields<T>(name: &str, fields: &[(String, T)], of: impl Fn(&T) -> String) -> String {
    if fields.is_empty() {
        return name.to_owned();
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(field, inner)| format!("{field}: {}", of(inner)))
        .collect();
    format!("{name}<{}>", fields.join(", "))
}
