//! Templates, with the variables of a task.

use std::error::Error as _;

use pegboard_plugin::octa::Error;
use tera::{Context, Map, Tera, Value};

/// Renders a template. Nothing is escaped: what comes out is no HTML.
///
/// The error says what is wrong and where, and no variable's value: they hold the environment of whoever runs the task.
pub fn render(template: &str, vars: &Map<String, Value>) -> Result<String, Error> {
    // Most texts have nothing to be rendered.
    if !["{{", "{%", "{#"]
        .iter()
        .any(|mark| template.contains(mark))
    {
        return Ok(template.to_owned());
    }
    let context = Context::from_value(Value::Object(vars.clone()))?;
    Tera::one_off(template, &context, false).map_err(|error| explain(&error).into())
}

/// The message and what led to it, without the name that Tera gives to a template that has none.
fn explain(error: &tera::Error) -> String {
    let mut reasons = Vec::new();
    let mut next: Option<&dyn std::error::Error> = error.source();
    while let Some(error) = next {
        reasons.push(error.to_string());
        next = error.source();
    }
    if reasons.is_empty() {
        reasons.push(error.to_string());
    }
    let reasons = reasons.join(": ");
    let reasons = reasons.replace(" while rendering '__tera_one_off'", "");
    format!(
        "the template cannot be rendered: {}",
        without_values(&reasons)
    )
}

/// Takes out the values of arguments that have a wrong type: Tera shows them.
fn without_values(text: &str) -> String {
    let (before, after) = ("got `", "` but expected");
    let Some((head, rest)) = text.split_once(before) else {
        return text.to_owned();
    };
    match rest.split_once(after) {
        Some((_, tail)) => format!(
            "{head}got something else, but expected{}",
            without_values(tail)
        ),
        None => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, vars: &str, expected: Result<&str, &str>) {
        let Value::Object(vars) = vars.parse().expect("JSON") else {
            panic!("variables are an object");
        };
        let rendered = render(template, &vars).map_err(|error| error.to_string());
        match (&rendered, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{template}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{template}: {error}"),
            _ => panic!("{template}: {rendered:?}"),
        }
    }

    #[test]
    fn templates_are_teras() {
        check("no {braces} here", "{}", Ok("no {braces} here"));
        check("I={{ v }}", r#"{"v": [1, 2]}"#, Ok("I=[1, 2]"));
        check(
            "{{ name | upper }}<b>",
            r#"{"name": "<you>"}"#,
            Ok("<YOU><b>"),
        );
        check(
            "{% for i in l %}{{ i }};{% endfor %}{# no #}",
            r#"{"l": [1, 2]}"#,
            Ok("1;2;"),
        );
        check("{{ a.b }}", r#"{"a": {"b": "c"}}"#, Ok("c"));
    }

    #[test]
    fn an_error_says_what_is_wrong_and_gives_nothing_away() {
        check("{{ nope }}", "{}", Err("Variable `nope` not found"));
        check("{{ oops", "{}", Err("expected"));
        check("{{ a | no }}", r#"{"a": 1}"#, Err("Filter 'no' not found"));
        let Value::Object(vars) = r#"{"TOKEN": "s3cret"}"#.parse().expect("JSON") else {
            panic!("variables are an object");
        };
        for template in [
            "{{ nope }}",
            "{{ TOKEN.x }}",
            "{{ TOKEN",
            "{{ TOKEN | round }}",
        ] {
            let error = render(template, &vars).expect_err(template).to_string();
            assert!(!error.contains("s3cret"), "{error}");
            assert!(!error.contains("__tera"), "{error}");
        }
    }
}
