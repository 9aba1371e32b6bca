//! On a real terminal: tables, progress, Ctrl-C, and the terminal for the plugin.

use std::os::unix::process::ExitStatusExt;

use pegboard_testkit::peers::peer;
use pegboard_testkit::terminal::{Terminal, command};

use crate::support::Folder;

const REF: &str = "nu_plugin_reference";

/// The program on a terminal that is so wide, with a variable more.
fn on_terminal(columns: u16, arguments: &[&str], variable: (&str, &str)) -> Terminal {
    let mut command = command(env!("CARGO_BIN_EXE_pegboard"));
    command
        .args(arguments)
        .env("TERM", "xterm")
        .env("HOME", "/home/nobody")
        .env_remove("PEGBOARD_HOME")
        .env_remove("XDG_DATA_HOME")
        .env_remove("NO_COLOR")
        .env(variable.0, variable.1);
    Terminal::start(command, columns)
}

/// `pegboard run` with the reference plugin.
fn run(columns: u16, words: &[&str], variable: (&str, &str)) -> Terminal {
    let plugin = peer(REF).display().to_string();
    let arguments = [&["run", "--plugin", &plugin], words].concat();
    on_terminal(columns, &arguments, variable)
}

/// A good end, and what stood on the terminal.
fn shown(terminal: Terminal) -> String {
    let (status, text) = terminal.end();
    assert!(status.success(), "{status}: {text}");
    text
}

#[test]
fn rows_are_a_table() {
    let input = Folder::new("table");
    let file = input.file("rows.ndjson");
    std::fs::write(
        &file,
        "{\"name\":\"\u{65e5}\u{672c}\u{8a9e}\",\"size\":1,\"note\":\"short\"}\n\
         {\"name\":\"b\",\"size\":200,\"note\":\"a text that is longer than a narrow terminal is wide\\u001b[31m\"}\n",
    )
    .expect("a file");
    let file = file.display().to_string();
    let table = |columns, variable| {
        shown(run(columns, &["--input", &file, "ref", "echo"], variable)).replace("\r\n", "\n")
    };
    // The control character of the text is none on the terminal.
    let rule = |width| "\u{2500}".repeat(width);
    assert_eq!(
        table(80, ("NO_COLOR", "1")),
        format!(
            "name    size  note\n\
             {}  {}  {}\n\
             {}     1  short\n\
             b        200  a text that is longer than a narrow terminal is wide\u{241b}[31m\n",
            rule(6),
            rule(4),
            rule(57),
            "\u{65e5}\u{672c}\u{8a9e}"
        )
    );
    assert_eq!(
        table(30, ("TERM", "dumb")),
        "name    size  note\n\
         ------  ----  ----------------\n\
         \u{65e5}\u{672c}\u{8a9e}     1  short\n\
         b        200  a text that i...\n"
    );
    assert!(table(80, ("TERM", "xterm")).starts_with("\u{1b}[1mname    size  note\u{1b}[0m\n"));
}

#[test]
fn rows_of_an_endless_stream_show_at_once_and_ctrl_c_ends_it() {
    let mut terminal = run(80, &["ref", "endless"], ("NO_COLOR", "1"));
    terminal.expect("1\r\n2\r\n3\r\n");
    terminal.type_keys("\x03");
    let (status, _) = terminal.end();
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn a_second_ctrl_c_ends_a_plugin_that_does_not_listen() {
    let words = ["ref", "print", "begun", "|", "ref", "stubborn", "60000"];
    let mut terminal = run(80, &words, ("NO_COLOR", "1"));
    terminal.expect("begun");
    terminal.type_keys("\x03");
    terminal.expect("Ctrl-C");
    terminal.type_keys("\x03");
    let (status, _) = terminal.end();
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn long_work_says_how_far_it_has_come() {
    let home = Folder::new("progress");
    let store = home.file("store").display().to_string();
    let plugins = [peer("nu_plugin_inc"), peer(REF), "/nowhere".into()];
    let plugins = plugins
        .each_ref()
        .map(|path: &std::path::PathBuf| path.display().to_string());
    let arguments = ["add", &plugins[0], &plugins[1], &plugins[2]];
    let mut terminal = on_terminal(60, &arguments, ("PEGBOARD_HOME", &store));
    terminal.expect("\r\u{1b}[Kasking 1 of 3: ");
    terminal.expect("\r\u{1b}[Kasking 2 of 3: ");
    terminal.expect("\r\u{1b}[Kasking 3 of 3: /nowhere");
    // Nothing of it is left where something else is shown.
    terminal.expect("\r\u{1b}[K");
    terminal.expect("there is no file /nowhere");
    let (status, text) = terminal.end();
    assert_eq!(status.code(), Some(2));
    assert!(
        text.contains("\r\u{1b}[Kadded inc 0.115.1 with 1 command\r\n"),
        "{text:?}"
    );
    let dumb = on_terminal(60, &["list"], ("PEGBOARD_HOME", &store));
    assert!(!shown(dumb).contains("asking"));
}

#[test]
fn a_check_says_how_far_it_has_come() {
    let home = Folder::new("progress-test");
    let store = home.file("store").display().to_string();
    let plugin = peer("nu_plugin_inc").display().to_string();
    let variable = ("PEGBOARD_HOME", store.as_str());
    shown(on_terminal(60, &["add", &plugin], variable));
    // An installed plugin, by its name.
    let arguments = ["test", "inc", "--rule", "encoding", "--rule", "hello"];
    let mut terminal = on_terminal(60, &arguments, variable);
    terminal.expect("\r\u{1b}[Krule 1 of 2: encoding");
    terminal.expect("\r\u{1b}[Krule 2 of 2: hello");
    terminal.expect("\r\u{1b}[K");
    terminal.expect("rules: 2 kept");
    let (status, text) = terminal.end();
    assert!(status.success(), "{text}");
}

#[test]
fn a_plugin_has_the_terminal_while_it_wants_it() {
    let mut terminal = run(80, &["ref", "engine", "foreground"], ("NO_COLOR", "1"));
    terminal.expect("during");
    let (status, text) = terminal.end();
    assert!(status.success(), "{text}");
}

#[test]
fn errors_fit_narrow_terminals() {
    let (status, text) = run(24, &["ref", "args", "5x"], ("TERM", "dumb")).end();
    assert_eq!(status.code(), Some(2));
    assert!(text.contains("5x") && !text.contains('\u{1b}'), "{text:?}");
    let (_, text) = run(80, &["ref", "args", "5x"], ("TERM", "xterm")).end();
    assert!(text.contains("\u{1b}["), "{text:?}");
}

#[test]
fn text_and_bytes_do_nothing_to_the_terminal() {
    let input = Folder::new("harmless");
    let show = |options: &[&str], content: &[u8]| {
        let file = input.file("input");
        std::fs::write(&file, content).expect("a file");
        let file = file.display().to_string();
        let words = [&["--input", &file], options, &["ref", "echo"]].concat();
        shown(run(80, &words, ("NO_COLOR", "1")))
    };
    let escape = b"\x1b]0;title\x07\tx\n";
    let safe = "\u{241b}]0;title\u{2407}\tx\r\n";
    for from in ["text", "lines", "raw"] {
        assert_eq!(show(&["--from", from], escape), safe, "{from}");
    }
    let table = ["--from", "lines", "--to", "table"];
    assert_eq!(show(&table, escape), safe);
    let raw = ["--from", "raw", "--to", "raw"];
    assert_eq!(show(&raw, escape), "\u{1b}]0;title\u{7}\tx\r\n");
    let numbers = format!("00000000  00 1b 63 ff{}  ..c.\r\n", " ".repeat(36));
    assert_eq!(show(&["--from", "raw"], b"\0\x1bc\xff"), numbers);
    let packed = ["--from", "msgpack"];
    assert_eq!(show(&packed, b"\xc4\x04\0\x1bc\xff"), numbers);
}
