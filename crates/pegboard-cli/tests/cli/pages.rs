//! `pegboard trace show --html`.

use std::path::Path;

use crate::support::{Cli, Folder};

/// The page of a trace, on standard output.
fn page(file: &Path) -> String {
    let cli = Cli::new(["trace", "show", "--html", "-"]).argument(file);
    cli.out()
}

/// The elements that a page may have.
const ELEMENTS: &[&str] = &[
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "svg", "line",
    "text", "a", "rect", "circle", "table", "thead", "tbody", "tr", "th", "td", "pre", "code",
];

/// Checks that every element is known and closed, and that no text can be taken for markup. Gives the text between tags.
fn checked(page: &str) -> String {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n<!-- pegboard trace -->\n");
    let mut open: Vec<&str> = Vec::new();
    let mut plain = String::new();
    while let Some((text, tag)) = rest.and_then(|rest| rest.split_once('<')) {
        if open.last() != Some(&"style") {
            assert!(!text.contains('>'), "{text}");
            plain.push_str(text);
        }
        let (tag, behind) = tag.split_once('>').expect("the end of a tag");
        rest = Some(behind);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{text}");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a name");
        assert!(ELEMENTS.contains(&name), "{tag}");
        for attribute in tag.split("=\"").collect::<Vec<_>>().windows(2) {
            let attribute = attribute[0].rsplit(['"', ' ']).next().expect("a name");
            assert!(!attribute.starts_with("on") && attribute != "src", "{tag}");
        }
        for reference in tag.split("href=\"").skip(1) {
            assert!(reference.starts_with("#l"), "{tag}");
        }
        if name != "meta" && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest == Some("\n"), "{open:?} {rest:?}");
    plain
}

#[test]
fn calls_streams_and_messages_are_on_one_page() {
    let folder = Folder::new("page");
    let file = folder.file("trace");
    let options = ["--trace", file.to_str().expect("a plain path")];
    Cli::run_with("nu_plugin_reference", &options, "ref late-engine-call HOME").out();
    let page = page(&file);
    let text = checked(&page);
    for wanted in [
        "Trace of reference#1, reference#2",
        "reference#2 1 Run `ref late-engine-call`",
        "output 0",
        "0 GetEnvVar `HOME`",
        "1 Run `ref late-engine-call`: the engine waited ",
        "EngineCallResponse 2 PipelineData",
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    assert!(page.contains("class=\"rest\"") && page.contains("<circle class=\"output\""));
    assert!(page.contains("prefers-color-scheme: dark"));
    // A part of it.
    let cli = Cli::new(["trace", "show", "--html", "-", "--call", "1"]).argument(&file);
    let part = checked(&cli.out());
    assert!(
        part.contains("a part of the trace") && !part.contains("Signature"),
        "{part}"
    );
}

#[test]
fn what_plugins_say_is_text() {
    let folder = Folder::new("hostile-page");
    let file = folder.file("trace");
    let bad = r#"</title></svg></style>--><script>alert(1)</script><img src=x onerror='alert(2)'>\" onload=\"alert(3) &lt; \u202e\u001b["#;
    let head = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n";
    let span = r#"{"start":0,"end":0}"#;
    let entry = |t: u8, rest: &str| format!("{{\"t\":{t},\"plugin\":\"{bad}\",{rest}}}\n");
    let message = |t: u8, from: &str, message: &str| {
        entry(t, &format!("\"from\":\"{from}\",\"message\":{message}"))
    };
    let run = format!(
        r#"{{"Call":[0,{{"Run":{{"name":"{bad}","call":{{"head":{span},"positional":[{{"String":{{"val":"{bad}","span":{span}}}}}],"named":[]}},"input":{{"ListStream":{{"id":0,"span":{span}}}}}}}}}]}}"#
    );
    let text = [
        head,
        &entry(0, &format!("\"note\":\"{bad}\",\"details\":\"{bad}\"")),
        &message(1, "engine", &run),
        &message(
            2,
            "engine",
            &format!(r#"{{"Data":[0,{{"List":{{"String":{{"val":"{bad}","span":{span}}}}}}}]}}"#),
        ),
        &message(
            3,
            "plugin",
            &format!(r#"{{"EngineCall":{{"context":0,"id":0,"call":{{"GetEnvVar":"{bad}"}}}}}}"#),
        ),
        &message(
            4,
            "plugin",
            &format!(r#"{{"CallResponse":[0,{{"Error":{{"msg":"{bad}"}}}}]}}"#),
        ),
    ];
    std::fs::write(&file, text.concat()).expect("a trace");
    let page = page(&file);
    let text = checked(&page);
    assert!(!page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{1b}'));
    assert!(
        text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{text}"
    );
    assert!(text.contains("onload=&quot;alert(3) &amp;lt; "), "{text}");
}

#[test]
fn a_long_trace_makes_no_long_page() {
    let folder = Folder::new("long-page");
    let file = folder.file("trace");
    let span = r#"{"start":0,"end":0}"#;
    let mut text = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n".to_owned();
    let mut add = |t: usize, message: String| {
        text.push_str(&format!(
            "{{\"t\":{}.{:06},\"plugin\":\"x\",\"from\":\"engine\",\"message\":{message}}}\n",
            t / 1_000_000,
            t % 1_000_000
        ));
    };
    for call in 0..700 {
        add(
            call,
            format!(
                r#"{{"Call":[{call},{{"Run":{{"name":"a","call":{{"head":{span},"positional":[],"named":[]}},"input":{{"ListStream":{{"id":{call},"span":{span}}}}}}}}}]}}"#
            ),
        );
    }
    for item in 0..40_000 {
        let stream = item % 700;
        let value = format!(r#"{{"Int":{{"val":{item},"span":{span}}}}}"#);
        add(
            700 + item,
            format!(r#"{{"Data":[{stream},{{"List":{value}}}]}}"#),
        );
    }
    std::fs::write(&file, text).expect("a trace");
    let page = page(&file);
    let plain = checked(&page);
    assert!(plain.contains("200 more calls are not shown; "), "no note");
    assert!(plain.contains("35700 messages are left out"), "no note");
    let dots = page.matches("<circle").count();
    assert!((1_000..20_000).contains(&dots), "{dots} dots");
    assert!(page.contains(" messages, the first is -&gt; Data "));
}

#[test]
fn a_page_costs_nobody_a_file() {
    let folder = Folder::new("page-file");
    let (file, page) = (folder.file("trace"), folder.file("page.html"));
    std::fs::write(&file, "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n").expect("a trace");
    let show = |page: &Path| {
        let cli = Cli::new(["trace", "show"]).argument(&file);
        cli.argument("--html").argument(page)
    };
    assert_eq!(show(&page).out(), "");
    let first = std::fs::read_to_string(&page).expect("the page");
    checked(&first);
    // Its own pages are overwritten, other files are not.
    assert_eq!(show(&page).out(), "");
    let error = show(&file).fails(2);
    assert!(error.contains("is not a page of a trace"), "{error}");
    let error = show(Path::new("/no/such/page")).fails(4);
    assert!(error.contains("/no/such/page cannot be written"), "{error}");
}
