//! Both sides played to each other: one by what was recorded, the other by something that may differ.

use std::thread;
use std::time::Duration;

use super::*;

/// A conversation: `>` for the engine, `<` for the plugin.
fn trace(lines: &[&str]) -> Trace {
    let mut text = "{\"trace\":\"pegboard\",\"format\":1,\"began\":0}\n".to_owned();
    for line in lines {
        let (from, message) = line.split_at(1);
        let from = if from == ">" { "engine" } else { "plugin" };
        text.push_str(&format!(
            "{{\"t\":0,\"plugin\":\"x\",\"from\":\"{from}\",\"message\":{message}}}\n"
        ));
    }
    Trace::parse(&text).expect("a trace")
}

/// The plugin speaks at once.
fn settings() -> PlaySettings {
    PlaySettings {
        version_wait: None,
        patience: Duration::from_secs(20),
        ..PlaySettings::default()
    }
}

/// Plays the engine by one conversation and the plugin by another. Gives how it went for each.
fn play(engine: &[&str], plugin: &[&str], settings: &PlaySettings) -> (Played, Played) {
    let (engine, plugin) = (trace(engine), trace(plugin));
    let (ours, theirs) = Link::memory();
    let side = |trace: &Trace, side, link| {
        let conversation = &trace.conversations()[0];
        trace.play(conversation, side, link, settings)
    };
    thread::scope(|scope| {
        let playing = scope.spawn(|| side(&plugin, Sender::Plugin, theirs));
        let engine = side(&engine, Sender::Engine, ours);
        (engine, playing.join().expect("no panic"))
    })
}

fn same(engine: &[&str], plugin: &[&str]) {
    let (engine, plugin) = play(engine, plugin, &settings());
    for played in [engine, plugin] {
        assert!(played.difference.is_none(), "{played:?}");
    }
}

/// Where and how the plugin differs, as the engine hears it.
fn differs(engine: &[&str], plugin: &[&str]) -> (Option<usize>, String) {
    let (engine, _) = play(engine, plugin, &settings());
    let difference = engine.difference.expect("a difference");
    (difference.entry, difference.what)
}

const HELLO: [&str; 2] = [
    r#"<{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#,
    r#">{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[{"name":"LocalSocket"}]}}"#,
];
const GOODBYE: &str = r#">"Goodbye""#;

/// The rest of a conversation behind the Hellos, and the Goodbye.
fn whole<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    [&HELLO, lines, &[GOODBYE]].concat()
}

fn run(id: u64, name: &str, input: &str) -> String {
    format!(
        r#">{{"Call":[{id},{{"Run":{{"name":"{name}","call":{{"head":{{"start":0,"end":0}},"positional":[],"named":[]}},"input":{input}}}}}]}}"#
    )
}

fn answer(id: u64, value: i64) -> String {
    format!(
        r#"<{{"CallResponse":[{id},{{"PipelineData":{{"Value":[{{"Int":{{"val":{value},"span":{{"start":0,"end":0}}}}}},null]}}}}]}}"#
    )
}

fn list(stream: u64) -> String {
    format!(r#"{{"ListStream":{{"id":{stream},"span":{{"start":0,"end":0}}}}}}"#)
}

fn item(from: char, stream: u64, value: i64) -> String {
    format!(
        r#"{from}{{"Data":[{stream},{{"List":{{"Int":{{"val":{value},"span":{{"start":0,"end":0}}}}}}}}]}}"#
    )
}

fn streams(call: u64, header: &str) -> String {
    format!(r#"<{{"CallResponse":[{call},{{"PipelineData":{header}}}]}}"#)
}

const BYTES: &str = r#"{"ByteStream":{"id":1,"span":{"start":0,"end":0},"type":"Binary"}}"#;

fn refs(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

#[test]
fn what_was_recorded_is_said_again() {
    let a = run(0, "a", "\"Empty\"");
    let help = r#"<{"EngineCall":{"context":0,"id":4,"call":"GetHelp"}}"#;
    let text = r#">{"EngineCallResponse":[4,{"PipelineData":{"Value":[{"String":{"val":"text","span":{"start":0,"end":0}}},null]}}]}"#;
    let signal = r#">{"Signal":"Reset"}"#;
    let lines = [&a, help, text, signal, &answer(0, 1)];
    let lines = whole(&lines);
    same(&lines, &lines);
    // A recording that was cut off goes as far as it goes.
    same(&lines[..5], &lines[..5]);
}

#[test]
fn an_answer_that_changed_is_told_with_its_place() {
    let (a, old, new) = (run(0, "a", "\"Empty\""), answer(0, 1), answer(0, 2));
    let (entry, what) = differs(&whole(&[&a, &old]), &whole(&[&a, &new]));
    let path = "CallResponse.1.PipelineData.Value.0.Int.val";
    assert_eq!((entry, what), (Some(3), format!("{path} was 1 and is 2")));
    // Both wait for the other.
    let mut settings = settings();
    settings.patience = Duration::from_millis(100);
    let silent = [&HELLO[..], &[a.as_str()]].concat();
    let (engine, _) = play(&whole(&[&a, &old]), &silent, &settings);
    let difference = engine.difference.expect("a difference");
    assert_eq!((difference.entry, difference.now), (Some(3), None));
}

#[test]
fn calls_may_overtake_each_other() {
    let (a, b) = (run(0, "a", "\"Empty\""), run(1, "b", "\"Empty\""));
    let (one, two) = (answer(0, 1), answer(1, 2));
    same(&whole(&[&a, &b, &one, &two]), &whole(&[&a, &b, &two, &one]));
    // The engine may ask in another order too, with other numbers.
    let (early, late) = (run(7, "b", "\"Empty\""), run(9, "a", "\"Empty\""));
    let (first, second) = (answer(7, 2), answer(9, 1));
    same(
        &whole(&[&early, &late, &first, &second]),
        &whole(&[&a, &b, &one, &two]),
    );
}

#[test]
fn items_keep_their_order_and_number() {
    let a = run(0, "a", "\"Empty\"");
    let stream = |number: u64, values: &[i64]| {
        let mut lines = vec![a.clone(), streams(0, &list(number))];
        lines.extend(values.iter().map(|value| item('<', number, *value)));
        lines.push(format!("<{{\"End\":{number}}}"));
        lines
    };
    let old = whole_of(&stream(3, &[1, 2, 3]));
    same(&refs(&old), &refs(&whole_of(&stream(8, &[1, 2, 3]))));
    for (values, place, what) in [
        (&[1, 3, 2][..], 5, "Data.1.List.Int.val was 2 and is 3"),
        (&[1, 2], 6, "Data was [0,"),
        (&[1, 2, 3, 4], 7, "End was 0 and is nothing"),
    ] {
        let new = whole_of(&stream(3, values));
        let found = differs(&refs(&old), &refs(&new));
        assert_eq!(found.0, Some(place), "{values:?}: {found:?}");
        assert!(found.1.starts_with(what), "{found:?}");
    }
}

#[test]
fn items_that_came_together_may_come_one_by_one() {
    let items = |from: char, values: &[i64]| {
        let values: Vec<_> = values
            .iter()
            .map(|it| format!(r#"{{"Int":[{it},[0,0]]}}"#))
            .collect();
        format!(r#"{from}{{"Data":[3,{{"Items":[{}]}}]}}"#, values.join(","))
    };
    let ack = |from: char| format!(r#"{from}{{"Ack":3}}"#);
    let end = |from: char| format!(r#"{from}{{"End":3}}"#);
    let (a, b) = (run(0, "a", &list(3)), streams(0, &list(3)));
    let together = [
        a.clone(),
        items('>', &[1, 2]),
        ack('<'),
        item('>', 3, 3),
        ack('<'),
        end('>'),
        b.clone(),
        items('<', &[5, 6]),
        ack('>'),
        items('<', &[7]),
        ack('>'),
        end('<'),
    ];
    let mut apart = vec![a];
    for number in [1, 2, 3] {
        apart.extend([item('>', 3, number), ack('<')]);
    }
    apart.extend([end('>'), b]);
    for number in [5, 6, 7] {
        apart.extend([item('<', 3, number), ack('>')]);
    }
    apart.push(end('<'));
    same(&refs(&whole_of(&together)), &refs(&whole_of(&apart)));
    apart[11] = item('<', 3, 8);
    let (place, what) = differs(&refs(&whole_of(&together)), &refs(&whole_of(&apart)));
    assert_eq!(what, "Data.1.List.Int.val was 6 and is 8");
    assert_eq!(place, Some(9));
}

fn whole_of(lines: &[String]) -> Vec<String> {
    let lines = refs(lines);
    whole(&lines).into_iter().map(str::to_owned).collect()
}

#[test]
fn bytes_may_be_cut_elsewhere() {
    let a = run(0, "a", "\"Empty\"");
    let bytes = |chunks: &[&[u8]]| {
        let mut lines = vec![a.clone(), streams(0, BYTES)];
        for chunk in chunks {
            lines.push(format!(r#"<{{"Data":[1,{{"Raw":{{"Ok":{chunk:?}}}}}]}}"#));
            lines.push(r#">{"Ack":1}"#.to_owned());
        }
        lines.push(r#"<{"End":1}"#.to_owned());
        whole_of(&lines)
    };
    let old = bytes(&[&[1, 2, 3], &[], &[4, 5]]);
    for chunks in [
        &[&[1, 2][..], &[3, 4, 5]][..],
        &[&[1], &[2, 3], &[4], &[5], &[]],
    ] {
        same(&refs(&old), &refs(&bytes(chunks)));
    }
    let (_, what) = differs(&refs(&old), &refs(&bytes(&[&[1, 2, 9], &[4, 5]])));
    assert_eq!(what, "byte 2 of the chunk was 3 and is 9");
    for chunks in [&[&[1, 2, 3][..], &[4]][..], &[&[1, 2, 3], &[4, 5, 6]]] {
        differs(&refs(&old), &refs(&bytes(chunks)));
    }
    // More chunks than may be on the way: each is acknowledged.
    let many: Vec<Vec<u8>> = (0..200).map(|byte| vec![byte]).collect();
    let whole: Vec<u8> = (0..200).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    same(&refs(&bytes(&[&whole])), &refs(&bytes(&many)));
}

#[test]
fn a_producer_waits_for_its_credit() {
    let mut lines = vec![run(0, "a", &list(5))];
    lines.extend((0..300).map(|value| item('>', 5, value)));
    lines.push(">{\"End\":5}".to_owned());
    let sent = lines.clone();
    // Only the plugin's recording has the acknowledgements.
    let acked: Vec<String> = sent
        .iter()
        .flat_map(|line| {
            let is_item = line.contains("Data");
            let ack = is_item.then(|| "<{\"Ack\":5}".to_owned());
            std::iter::once(line.clone()).chain(ack)
        })
        .collect();
    let end = |mut lines: Vec<String>| {
        lines.push(answer(0, 1));
        whole_of(&lines)
    };
    same(&refs(&end(sent)), &refs(&end(acked)));
}

#[test]
fn what_is_acknowledged_late_does_not_hold_up_a_producer() {
    let a = run(0, "a", "\"Empty\"");
    let items = (0..150).map(|value| item('<', 3, value));
    let ack = ">{\"Ack\":3}".to_owned();
    let end = "<{\"End\":3}".to_owned();
    let begin = [a, streams(0, &list(3))];
    let mut late: Vec<String> = begin.iter().cloned().chain(items.clone()).collect();
    let mut early = begin.to_vec();
    early.extend(items.flat_map(|item| [item, ack.clone()]));
    late.push(end.clone());
    early.push(end);
    late.extend(std::iter::repeat_n(ack, 150));
    same(&refs(&whole_of(&late)), &refs(&whole_of(&early)));
    same(&refs(&whole_of(&early)), &refs(&whole_of(&late)));
}

#[test]
fn what_was_under_way_when_a_stream_was_dropped_does_not_count() {
    let a = run(0, "a", "\"Empty\"");
    let stream = |late: &[i64]| {
        let mut lines = vec![a.clone(), streams(0, &list(3)), item('<', 3, 1)];
        lines.push(r#">{"Drop":3}"#.to_owned());
        lines.extend(late.iter().map(|value| item('<', 3, *value)));
        lines.push("<{\"End\":3}".to_owned());
        whole_of(&lines)
    };
    let old = stream(&[2]);
    for late in [&[][..], &[2], &[2, 3, 4]] {
        same(&refs(&old), &refs(&stream(late)));
    }
}

#[test]
fn what_a_plugin_is_may_be_asked_at_any_time() {
    let (a, one) = (run(2, "a", "\"Empty\""), answer(2, 1));
    let ask = r#">{"Call":[0,"Metadata"]}"#;
    let is = r#"<{"CallResponse":[0,{"Metadata":{"version":null}}]}"#;
    same(&whole(&[ask, is, &a, &one]), &whole(&[&a, &one]));
    same(&whole(&[&a, &one]), &whole(&[ask, is, &a, &one]));
    // A plugin has to answer what it was asked.
    let version = is.replace("null", "\"1.2.3\"");
    let (_, what) = differs(&whole(&[ask, &version]), &whole(&[ask, is]));
    assert!(what.contains("1.2.3"), "{what}");
}

#[test]
fn another_version_is_a_difference_unless_it_may_be() {
    let old: Vec<String> = HELLO.iter().map(|line| (*line).to_owned()).collect();
    let new: Vec<String> = old
        .iter()
        .map(|line| line.replace("0.115.1", "0.110.0"))
        .collect();
    let mut at_once = settings();
    let (engine, _) = play(&refs(&old), &refs(&new), &at_once);
    let what = engine.difference.expect("a difference").what;
    assert!(
        what.contains("0.110.0") && what.contains("0.115.1"),
        "{what}"
    );
    at_once.any_version = true;
    let (engine, plugin) = play(&refs(&old), &refs(&new), &at_once);
    for played in [engine, plugin] {
        assert!(played.difference.is_none(), "{played:?}");
    }
}

#[test]
fn values_that_the_recording_lacks_come_from_the_environment() {
    let a = run(0, "a", "\"Empty\"");
    let asks = |name: &str, id: u64| {
        format!(r#"<{{"EngineCall":{{"context":0,"id":{id},"call":{{"GetEnvVar":"{name}"}}}}}}"#)
    };
    let hidden = |id: u64| {
        format!(
            r#">{{"EngineCallResponse":[{id},{{"PipelineData":{{"Value":[{{"String":{{"val":"[redacted]","span":{{"start":0,"end":0}}}}}},null]}}}}]}}"#
        )
    };
    let one = answer(0, 1);
    let lines = [a, asks("A", 0), hidden(0), asks("B", 1), hidden(1), one];
    let lines = whole_of(&lines);
    let mut settings = settings();
    settings.environment = vec![("A".to_owned(), "value".to_owned())];
    let (engine, plugin) = play(&refs(&lines), &refs(&lines), &settings);
    assert_eq!((engine.filled, engine.hidden), (1, 1));
    assert!(engine.difference.is_none() && plugin.difference.is_none());
}

#[test]
fn a_program_that_is_no_plugin() {
    let (ours, mut theirs) = Link::memory();
    let trace = trace(&whole(&[]));
    thread::scope(|scope| {
        scope.spawn(move || theirs.sink.write(b"hello, world\n", None));
        let conversation = &trace.conversations()[0];
        let played = trace.play(conversation, Sender::Engine, ours, &settings());
        let difference = played.difference.expect("a difference");
        assert_eq!((difference.entry, played.heard), (Some(0), 0));
        assert!(difference.what.contains("hello, world"), "{difference:?}");
    });
}

#[test]
fn a_flood_that_does_not_count_has_an_end() {
    let (ours, mut theirs) = Link::memory();
    let a = run(0, "a", "\"Empty\"");
    let lines = [
        a,
        streams(0, &list(3)),
        r#">{"Drop":3}"#.to_owned(),
        "<{\"End\":3}".to_owned(),
    ];
    let trace = trace(&refs(&whole_of(&lines)));
    let mut settings = settings();
    settings.patience = Duration::from_millis(200);
    thread::scope(|scope| {
        scope.spawn(move || {
            let hello = format!("\u{4}json{}\n", &HELLO[0][1..]);
            let written = theirs.sink.write(hello.as_bytes(), None);
            assert_eq!(written.ok(), Some(hello.len()));
            let (mut heard, mut buffer) = (Vec::new(), [0; 1024]);
            while !String::from_utf8_lossy(&heard).contains("Run") {
                let count = theirs.source.read(&mut buffer, None).expect("bytes");
                heard.extend_from_slice(&buffer[..count]);
            }
            let mut bytes = format!("{}\n", &lines[1][1..]).into_bytes();
            let flood = format!("{}\n", &item('<', 3, 1)[1..]).into_bytes();
            // Until it is hung up on.
            while let Ok(count) = theirs.sink.write(&bytes, None) {
                bytes.drain(..count);
                if bytes.is_empty() {
                    bytes.clone_from(&flood);
                }
            }
        });
        let conversation = &trace.conversations()[0];
        let played = trace.play(conversation, Sender::Engine, ours, &settings);
        let difference = played.difference.expect("a difference");
        assert_eq!(difference.what, "it did not say this within 200.0ms");
        assert_eq!(difference.entry, Some(5));
    });
}
