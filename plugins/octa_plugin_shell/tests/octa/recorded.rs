//! What real hosts have said, said to our plugin.

use std::collections::BTreeMap;
use std::io::Write;

use super::host::{Host, Plugin};

/// Lines of the host, and what is to be heard then.
#[derive(Default)]
struct Turn {
    said: Vec<String>,
    real: Vec<String>,
    reason: Option<String>,
    ours: Option<Vec<String>>,
}

#[test]
fn conversations_of_real_hosts() {
    let text = include_str!("recorded.txt");
    let sessions: Vec<_> = text.split("== ").skip(1).collect();
    assert_eq!(sessions.len(), 27);
    // Some of them have to wait for a second.
    std::thread::scope(|scope| {
        for session in sessions {
            scope.spawn(move || replay(session));
        }
    });
}

fn replay(session: &str) {
    let (name, text) = session.split_once('\n').expect("a name");
    let plugin = Plugin::start();
    let mut host = plugin.connect();
    for turn in turns(name, text) {
        for line in &turn.said {
            let line = line.replace("\\r", "\r");
            // The plugin may be gone, where that is what differs.
            let _ = host.stream.write_all(format!("{line}\n").as_bytes());
        }
        let expected = turn.ours.as_ref().unwrap_or(&turn.real);
        hear(&mut host, expected, &format!("{name}: {:?}", turn.said));
    }
    assert_eq!(host.hear(), "", "{name}: the end");
    assert!(plugin.end().success(), "{name}");
}

fn turns(name: &str, text: &str) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (mark, rest) = line.split_at(1);
        let rest = rest.trim_start().to_owned();
        match (mark, turns.last_mut()) {
            (">", Some(turn)) if turn.real.is_empty() => turn.said.push(rest),
            (">", _) => turns.push(Turn {
                said: vec![rest],
                ..Turn::default()
            }),
            ("<", Some(turn)) => turn.real.push(rest),
            ("#", Some(turn)) => turn.reason = Some(rest),
            ("=", Some(turn)) => turn
                .ours
                .get_or_insert_default()
                .extend(Some(rest).filter(|rest| !rest.is_empty())),
            _ => panic!("{name}: {line}"),
        }
    }
    for turn in &turns {
        assert_eq!(
            turn.ours.is_some(),
            turn.reason.is_some(),
            "{name}: {:?}",
            turn.said
        );
        assert_ne!(
            turn.ours.as_ref(),
            Some(&turn.real),
            "{name}: there is no difference"
        );
    }
    turns
}

/// The names of the conversations that are told here.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let sessions = include_str!("recorded.txt").split("== ").skip(1);
    sessions.filter_map(|session| session.lines().next())
}

/// Waits until all of this was said. What belongs to different executions and streams may come in any order.
pub(crate) fn hear(host: &mut Host, expected: &[String], what: &str) {
    let expected = summary(expected);
    let mut heard = Vec::new();
    while summary(&heard) != expected {
        let message = host.hear();
        assert!(
            !message.is_empty(),
            "{what}: {heard:?} instead of {expected:?}"
        );
        heard.push(message);
        let (now, end) = (summary(&heard), &expected);
        for (key, text) in &now {
            let fits = end.get(key).is_some_and(|all| all.starts_with(text));
            assert!(
                fits,
                "{what}: {key} is {text:?} in {heard:?} instead of {expected:?}"
            );
        }
    }
}

/// What was said of each kind for each execution. Of a complaint that belongs to none, only that it was there.
fn summary(lines: &[String]) -> BTreeMap<String, String> {
    let mut summary = BTreeMap::<String, String>::new();
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let (first, second) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let rest = words.next().unwrap_or_default();
        let (key, text) = match first {
            "Hello" | "Schema" | "Shutdown" => (first.to_owned(), line.clone()),
            "parse_error" | "protocol_error" => (format!("{first} {second}"), "!".to_owned()),
            _ => (
                format!("{first} {second}"),
                serde_json::from_str::<String>(rest).unwrap_or_else(|_| rest.to_owned()),
            ),
        };
        summary.entry(key).or_default().push_str(&text);
    }
    summary
}
