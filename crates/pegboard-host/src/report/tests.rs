//! Reports as they are printed.

use pegboard_protocol::{LabeledError, Span};

use crate::{Diagnosis, Error, ErrorKind, ReportStyle, Sources};

const LINE: &str = "demo --count abc d\u{e9}f";

/// The reports are for a command line, which has no name, and a script.
fn sources() -> (Sources, impl Fn(u64, u64) -> Span, Span) {
    let sources = Sources::new();
    let line = sources.add("", LINE);
    let script = sources.add("script.txt", "one\ntwo three\nfour\n");
    (
        sources,
        move |start, end| Span::new(line.start + start, line.start + end),
        script,
    )
}

fn check(error: &Error, expected: &str) {
    let (sources, ..) = sources();
    let report = error.report(Some(&sources), ReportStyle::default());
    assert_eq!(
        report,
        expected.strip_prefix('\n').unwrap_or(expected),
        "\n{report}"
    );
}

#[test]
fn a_wrong_word() {
    let (_, at, _) = sources();
    let error = LabeledError::new("the value of `--count` must be an integer")
        .with_code("pegboard::arguments::wrong_value")
        .with_label("expected an integer, such as 5 or 0x1f", at(13, 16))
        .with_help("usage: demo [flags]");
    check(
        &Error::misuse(error),
        "
error[pegboard::arguments::wrong_value]: the value of `--count` must be an integer
 |
 | demo --count abc d\u{e9}f
 |              ^^^ expected an integer, such as 5 or 0x1f
 |
 = help: usage: demo [flags]
",
    );
}

#[test]
fn everything_at_once() {
    let (_, at, script) = sources();
    let inner = LabeledError::new("no such\nline")
        .with_code("x::y")
        .with_label("", at(0, 4))
        .with_inner(LabeledError::new("it is night"));
    let error = LabeledError::new("it broke")
        .with_label("end\nof it", at(21, 21))
        .with_label("first", at(0, 4))
        .with_label("in a script", Span::new(script.start + 4, script.start + 7))
        .with_label("nowhere\nat all", Span::new(9999, 9))
        .with_label("unknown", Span::UNKNOWN)
        .with_url("https://example.com/\u{1b}]0;x\u{7}")
        .with_help("mend it\nand try again")
        .with_inner(inner);
    let error = Error::new(ErrorKind::Gone, error)
        .of("demo")
        .diagnosed(Diagnosis {
            exit: Some("exit code 3".to_owned()),
            stderr: vec!["line one".to_owned(), "line \u{1b}[31mtwo".to_owned()],
            plugin_version: Some("0.115.1".to_owned()),
            engine_version: Some("0.114.0".to_owned()),
        });
    check(
        &error,
        "
error: plugin demo: it broke
  |
  | demo --count abc d\u{e9}f
  | ^^^^ first          ^ end of it
  |
 ::: script.txt:2:1
  |
2 | two three
  | ^^^ in a script
  |
  = note: nowhere at all
  = note: unknown
  = note: its process ended: exit code 3
  = note: its last words on standard error:
          line one
          line ␛[31mtwo
  = note: it announced version 0.115.1 and was told 0.114.0
  = help: mend it
          and try again
  = help: see https://example.com/␛]0;x␇
caused by[x::y]: no such
                 line
  |
  | demo --count abc d\u{e9}f
  | ^^^^
caused by: it is night
",
    );
}

#[test]
fn few_columns_tell_what_a_gap_is_in_front_of() {
    let (sources, at, _) = sources();
    let error = LabeledError::new("no command")
        .with_label("one is missing", at(0, 0))
        .with_label("and here", at(21, 21));
    let style = ReportStyle {
        width: 50,
        ..ReportStyle::default()
    };
    assert_eq!(
        Error::misuse(error).report(Some(&sources), style),
        "error: no command\nin front of `demo --count abc d\u{e9}f`: one is missing\nat the end: and here\n"
    );
}

#[test]
fn few_columns_cut_nothing_off() {
    let (sources, at, script) = sources();
    let error = LabeledError::new("there is no directory /some/where")
        .with_code("pegboard::arguments")
        .with_label("this one", at(5, 12))
        .with_label("more is needed", at(21, 21))
        .with_label(
            "in a script",
            Span::new(script.start + 8, script.start + 13),
        )
        .with_help("usage: demo [flags]\nor nothing")
        .with_inner(LabeledError::new("it is night"));
    let error = Error::misuse(error);
    for (width, expected) in [
        (
            20,
            "\
error[pegboard::argu
ments]: there is no
directory
/some/where
at `--count`: this
one
at the end: more is
needed
at `three` in
script.txt, line 2:
in a script
help: usage: demo
[flags]
or nothing
caused by: it is
night
",
        ),
        (
            30,
            "\
error[pegboard::arguments]:
there is no directory
/some/where
at `--count`: this one
at the end: more is needed
at `three` in script.txt, line
2: in a script
help: usage: demo [flags]
or nothing
caused by: it is night
",
        ),
        (
            40,
            "\
error[pegboard::arguments]: there is no
directory /some/where
at `--count`: this one
at the end: more is needed
at `three` in script.txt, line 2: in a
script
help: usage: demo [flags]
or nothing
caused by: it is night
",
        ),
    ] {
        let style = ReportStyle {
            width,
            ..ReportStyle::default()
        };
        let report = error.report(Some(&sources), style);
        assert_eq!(report, expected, "{width} columns:\n{report}");
    }
}

#[test]
fn nothing_but_a_message() {
    check(&Error::misuse(LabeledError::new("no")), "error: no\n");
    check(
        &Error::misuse(LabeledError::new(" ")),
        "error: an error without a message\n",
    );
    let plugin = Error::new(ErrorKind::Plugin, LabeledError::new("no")).of("demo");
    check(&plugin, "error: no\n");
}

#[test]
fn an_error_value_without_its_source() {
    let (_, at, _) = sources();
    let error = LabeledError::new("no").with_label("here", at(0, 4));
    let report = ReportStyle::default().render(&error, None);
    assert_eq!(report, "error: no\n |\n = note: here\n");
}

#[test]
fn colour_comes_from_the_renderer_only() {
    let (sources, at, _) = sources();
    let error = LabeledError::new("\u{1b}[5mno")
        .with_label("\u{1b}[5mhere", at(0, 4))
        .with_help("\u{1b}[5mhelp");
    let style = ReportStyle {
        colour: true,
        width: 60,
        ..ReportStyle::default()
    };
    let report = style.render(&error, Some(&sources));
    assert!(
        report.contains("\u{1b}[1m") && !report.contains("\u{1b}[5m"),
        "{report:?}"
    );
    let plain = ReportStyle {
        colour: false,
        ..style
    }
    .render(&error, Some(&sources));
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
}

#[test]
fn a_flood_is_cut() {
    let (sources, at, _) = sources();
    let mut error = LabeledError::new("x".repeat(1_000_000));
    for _ in 0..1_000 {
        error = error.with_label("here", at(0, 4));
    }
    for _ in 0..10_000 {
        error = LabeledError::new("outer").with_inner(error);
    }
    let wide = (0..1_000).fold(error, |error, _| {
        error.with_inner(LabeledError::new("next"))
    });
    let report = ReportStyle::default().render(&wide, Some(&sources));
    assert!(report.len() < 20_000, "{} bytes", report.len());
    assert!(report.contains("further causes are not shown"), "{report}");
    // Dropping it would need as much stack as it is deep.
    std::mem::forget(wide);
}

/// Every pair of labels that starts in or near the texts, and some far from them.
#[test]
fn no_label_makes_it_panic() {
    let mut offsets: Vec<u64> = (0..46).collect();
    offsets.extend([u64::MAX - 1, u64::MAX]);
    let (sources, ..) = sources();
    let empty = sources.add("", "");
    offsets.push(empty.start);
    let spans: Vec<Span> = offsets
        .iter()
        .flat_map(|start| offsets.iter().map(|end| Span::new(*start, *end)))
        .collect();
    for (index, first) in spans.iter().enumerate() {
        // A step that shares no factor with the number of spans meets all kinds of neighbours.
        for step in [1, 37, 1013] {
            let second = spans[(index * step + step) % spans.len()];
            let error = LabeledError::new("x")
                .with_label("a", *first)
                .with_label("b", second);
            for width in [0, 60] {
                let style = ReportStyle {
                    width,
                    ..ReportStyle::default()
                };
                assert!(style.render(&error, Some(&sources)).starts_with("error: x"));
            }
        }
    }
}

/// Texts that are hard to lay out, each with every span.
#[test]
fn no_text_makes_it_panic() {
    for text in [
        "",
        "\n",
        "a\r\nb",
        "\t\u{1b}[0m\u{202e}",
        "e\u{301}\u{1f468}\u{200d}\u{1f469}",
        "漢字\n\n仮名\n",
    ] {
        let sources = Sources::new();
        let whole = sources.add("\u{1b}name", text);
        for start in whole.start..=whole.end {
            for end in start..=whole.end + 1 {
                let error = LabeledError::new("x").with_label("y", Span::new(start, end));
                for width in [0, 100] {
                    let style = ReportStyle {
                        width,
                        ..ReportStyle::default()
                    };
                    let report = style.render(&error, Some(&sources));
                    assert!(!report.contains(['\u{1b}', '\u{202e}', '\r']), "{report:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_known_already_is_left_out() {
    let diagnosis = Diagnosis {
        exit: Some("exit code 3".to_owned()),
        stderr: vec!["line one".to_owned()],
        plugin_version: Some("0.115.1".to_owned()),
        engine_version: Some("0.115.1".to_owned()),
    };
    let error = Error::new(ErrorKind::Gone, LabeledError::new("it broke")).diagnosed(diagnosis);
    let style = ReportStyle {
        last_words: false,
        ..ReportStyle::default()
    };
    assert_eq!(
        error.report(None, style),
        "error: it broke\n |\n = note: its process ended: exit code 3\n"
    );
}
