//! Every way to misbehave, in one table: what the caller does, what comes of it, and what is left of it.

mod hostile_common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use hostile_common::{MARK, PATIENCE, Rig, SHORT};
use pegboard_host::ErrorKind::{Gone, Plugin as SaidNo, Protocol, Start, TimedOut};
use pegboard_host::{Deadlines, Error, ErrorKind, Flow, Plugin, State, Value};
use pegboard_testkit::hostile::{MODES, Mode};
use pegboard_testkit::tree;

/// What the caller does with the plugin's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Calls it without input and takes all of the output.
    Call,
    /// Calls it with this many items of input.
    Feed(i64),
    /// Calls it and takes so many items or chunks of the output.
    Take(usize),
    /// Asks for the plugin's signatures.
    Signatures,
}

/// What comes of it.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Text(&'static str),
    /// A text with this in it.
    Within(&'static str),
    Int(i64),
    Items(usize),
    /// An error of this kind, which says all of this.
    Error(ErrorKind, &'static [&'static str]),
}

/// What has become of the plugin's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// It goes on.
    Runs,
    /// It is gone, and the next use starts another one.
    Gone,
}

use Act::{Call, Feed, Signatures, Take};
use After::{Gone as IsGone, Runs};
use Outcome::{Error as Fails, Int, Items, Text, Within};

struct Case {
    mode: Mode,
    act: Act,
    outcome: Outcome,
    after: After,
    /// By when the caller must have it, beside what a busy machine takes.
    within: Duration,
}

const fn case(mode: Mode, act: Act, outcome: Outcome, after: After) -> Case {
    let within = Duration::from_millis(match outcome {
        // The deadlines of the test's engine and calls are 600 ms, and one more step may follow.
        Fails(TimedOut | Start, _) => 1500,
        _ => 1000,
    });
    Case {
        mode,
        act,
        outcome,
        after,
        within,
    }
}

/// What a caller waits for an answer.
const DEADLINE: Duration = Duration::from_millis(600);
/// What a busy machine may take in addition.
const BUSY: Duration = Duration::from_secs(10);

const NAME: &str = "plugin subject: ";
const RULES: &str = "it broke the rules and was stopped while answering `hostile`: ";
const LEFT: &str = "it went away while answering `hostile`";

#[rustfmt::skip]
const CASES: &[Case] = &[
    // Before and around Hello.
    case(Mode::ExitBeforeEncoding, Call, Fails(Start, &[NAME, "before it sent its encoding", "exit code 42", "hostile: exiting before the encoding"]), IsGone),
    case(Mode::ExitBeforeHello, Call, Fails(Start, &[NAME, "before it sent its Hello", "exit code 42", "hostile: exiting before Hello"]), IsGone),
    case(Mode::ExitAfterHello, Call, Fails(Gone, &[NAME, "it went away", "exit code 42", "hostile: exiting after Hello"]), IsGone),
    case(Mode::CrashLoop, Call, Fails(Gone, &[NAME, "it went away", "exit code 42", "hostile: exiting as on every start"]), IsGone),
    case(Mode::Silent, Call, Fails(Start, &[NAME, "did not send its encoding within 600ms"]), IsGone),
    case(Mode::EncodingThenSilent, Call, Fails(Start, &[NAME, "did not send its Hello within 600ms"]), IsGone),
    case(Mode::UnknownEncoding, Call, Fails(Start, &[NAME, "encoding `yaml`", "`json` or `msgpack`"]), IsGone),
    case(Mode::PrintsTextFirst, Call, Fails(Start, &[NAME, "not a plugin", "Hello! This is an ordinary program."]), IsGone),
    case(Mode::WrongProtocol, Call, Fails(Start, &[NAME, "`not-nu-plugin`, not `nu-plugin`"]), IsGone),
    case(Mode::WrongVersion, Call, Fails(Start, &[NAME, "0.0.0", "0.94"]), IsGone),
    case(Mode::StrictVersion, Call, Text("hostile"), Runs),
    case(Mode::ReadsFirst, Call, Text("hostile"), Runs),
    case(Mode::BadHelloJson, Call, Fails(Start, &[NAME, "Hello makes no sense"]), IsGone),
    case(Mode::HelloTwice, Call, Text("hostile"), Runs),
    case(Mode::MessageBeforeHello, Call, Fails(Start, &[NAME, "first message was `Option`", "must be `Hello`"]), IsGone),
    case(Mode::GcDisabled, Call, Text("hostile"), Runs),
    case(Mode::OptionUnknown, Call, Fails(Gone, &[NAME, "broke the rules", "unknown kind `Option.Coffee`"]), IsGone),
    case(Mode::UnknownMessage, Call, Fails(Gone, &[NAME, "broke the rules", "unknown kind `Coffee`"]), IsGone),

    // Responses.
    case(Mode::NeverReplies, Call, Fails(TimedOut, &[NAME, "answering `hostile` took longer than 600ms"]), Runs),
    case(Mode::NeverRepliesSignature, Signatures, Fails(TimedOut, &[NAME, "sending its signatures took longer than 600ms"]), Runs),
    case(Mode::WrongResponseKind, Call, Fails(Protocol, &[NAME, "broke the rules", "wrong kind, `Ordering`", "answering `hostile`"]), Runs),
    case(Mode::ResponseTwice, Call, Text("hostile"), IsGone),
    case(Mode::ResponseUnknownId, Call, Fails(Gone, &[NAME, RULES, "it answered call 9999"]), IsGone),
    case(Mode::InvalidSpanLabels, Call, Fails(SaidNo, &["the labels are wrong"]), Runs),
    case(Mode::ErrorWithoutLabelsNull, Call, Fails(SaidNo, &["the labels are null"]), Runs),
    case(Mode::PrintsToStdout, Call, Fails(Gone, &[NAME, RULES, "no message", "standard output"]), IsGone),

    // The form of the bytes.
    case(Mode::HugeFrame, Call, Fails(Gone, &[NAME, RULES, "1048576 bytes, which is the limit (frame)"]), IsGone),
    case(Mode::HugeCollectionClaim, Call, Fails(Gone, &[NAME, RULES, "10000 entries", "which is the limit (collection)"]), IsGone),
    case(Mode::DeepNesting, Call, Fails(Gone, &[NAME, RULES, "256 arrays and maps", "which is the limit (depth)"]), IsGone),
    case(Mode::BadUtf8String, Call, Fails(Gone, &[NAME, RULES, "not UTF-8"]), IsGone),
    case(Mode::SlowDrip, Call, Text("hostile"), Runs),
    case(Mode::SplitWrites, Feed(20), Int(20), Runs),
    case(Mode::GluedWrites, Call, Items(3), Runs),

    // Streams that it produces.
    case(Mode::FloodsStream, Take(5), Items(5), Runs),
    case(Mode::FloodsBytes, Take(3), Items(3), Runs),
    case(Mode::FloodsUnknownStream, Call, Fails(Gone, &[NAME, RULES, "stream 9999, which was never announced"]), IsGone),
    case(Mode::DiesMidStream, Call, Fails(Gone, &[NAME, "it went away before its output was complete", "exit code 42", "hostile: exiting in the middle of a stream"]), IsGone),
    case(Mode::LateDataAfterDrop, Take(5), Items(5), Runs),
    case(Mode::DataAfterEnd, Call, Items(3), IsGone),
    case(Mode::ListItemInByteStream, Call, Fails(Protocol, &[NAME, "broke the rules", "item of the wrong kind"]), Runs),
    case(Mode::RawInListStream, Call, Fails(Protocol, &[NAME, "broke the rules", "item of the wrong kind"]), Runs),
    case(Mode::EndWithoutStart, Call, Fails(Gone, &[NAME, RULES, "ended stream 9999, which was never announced"]), IsGone),
    case(Mode::NeverEnds, Take(3), Items(3), Runs),

    // Streams that it consumes.
    case(Mode::SlowReader, Call, Text("hostile"), Runs),
    case(Mode::StopsReading, Feed(300), Fails(TimedOut, &[NAME, "answering `hostile` took longer than 600ms"]), Runs),
    case(Mode::StopsReadingMidInput, Feed(300), Fails(TimedOut, &[NAME, "answering `hostile` took longer than 600ms"]), Runs),
    case(Mode::NoAck, Feed(300), Int(100), Runs),
    case(Mode::ExtraAcks, Feed(300), Int(300), Runs),
    case(Mode::AckUnknown, Feed(300), Int(300), Runs),
    case(Mode::DropInputEarly, Feed(300), Int(1), Runs),

    // Engine calls.
    case(Mode::FloodsEngineCalls, Call, Fails(Gone, &[NAME, RULES, "has 16 engine calls waiting", "which is the limit (engine_calls)"]), IsGone),
    case(Mode::EngineCallUnknown, Call, Within("MakeCoffee: this engine does not know this engine call"), Runs),
    case(Mode::EngineCallBadContext, Call, Fails(Gone, &[NAME, RULES, "GetCurrentDir for call 9999, which is not running"]), IsGone),
    case(Mode::TakesForeground, Call, Within("EnterForeground: this application does not give its terminal to plugins"), Runs),
    case(Mode::EngineCallAfterResponse, Call, Text("hostile"), IsGone),

    // Deaths.
    case(Mode::DiesOnRun, Call, Fails(Gone, &[NAME, LEFT, "exit code 42", "hostile: exiting on Run"]), IsGone),
    case(Mode::DiesMidMessage, Call, Fails(Gone, &[NAME, LEFT, "broke off", "ended inside a message", "exit code 42", "hostile: exiting in the middle of a message"]), IsGone),
    case(Mode::AbortsOnRun, Call, Fails(Gone, &[NAME, LEFT, "killed by signal 6 (SIGABRT)"]), IsGone),

    // Ends, which the end of the engine is to see to.
    case(Mode::IgnoresGoodbye, Call, Text("hostile"), Runs),
    case(Mode::IgnoresGoodbyeAndEof, Call, Text("hostile"), Runs),
    case(Mode::IgnoresSigterm, Call, Text("hostile"), Runs),
    case(Mode::Forks, Call, Text("hostile"), Runs),
    case(Mode::ForksHoldingStdout, Call, Text("hostile"), Runs),
    case(Mode::NoisyStderr, Call, Text("hostile"), Runs),
    case(Mode::NonUtf8Stderr, Call, Text("hostile"), Runs),

    // Local sockets.
    case(Mode::LocalSocket, Feed(300), Int(300), Runs),
    case(Mode::LocalSocketRefuse, Feed(300), Int(300), Runs),
    case(Mode::LocalSocketNeverConnects, Feed(300), Int(300), Runs),
    case(Mode::SocketConnectsOnce, Feed(300), Int(300), Runs),

    // Small faults in what it answers.
    case(Mode::EmptyError, Call, Fails(SaidNo, &[]), Runs),
    case(Mode::CustomValue, Call, Within("CustomValue { name: \"riddle\""), Runs),
    case(Mode::EndsTwice, Call, Items(3), IsGone),
    case(Mode::IgnoresDrop, Take(5), Items(5), Runs),
    case(Mode::HangsOnRefusal, Call, Fails(TimedOut, &[NAME, "answering `hostile` took longer than 600ms"]), Runs),

    // What it says that it is.
    case(Mode::SameCommandTwice, Call, Text("hostile"), Runs),
    case(Mode::SameArgumentTwice, Call, Text("hostile"), Runs),
    case(Mode::SameFlagTwice, Call, Text("hostile"), Runs),
    case(Mode::ForeignExample, Call, Text("hostile"), Runs),
    case(Mode::FalseExample, Call, Text("hostile"), Runs),

    // Less than it has to understand.
    case(Mode::WaitsWithoutArguments, Call, Text("hostile"), Runs),
    case(Mode::ExpectsSilence, Call, Text("hostile"), Runs),
    case(Mode::RefusesUnknownFeatures, Call, Text("hostile"), Runs),
    case(Mode::HangsOnOtherVersion, Call, Text("hostile"), Runs),
    case(Mode::SmallCallNumbers, Call, Text("hostile"), Runs),
    case(Mode::TiresOfCalls, Call, Text("hostile"), Runs),
    case(Mode::RunsOnce, Call, Text("hostile"), Runs),
    case(Mode::DiesWithoutArgument, Call, Fails(Gone, &[NAME, LEFT, "exit code 42", "hostile: exiting without an argument"]), IsGone),
    case(Mode::SmallReader, Call, Text("hostile"), Runs),
    case(Mode::ShallowReader, Call, Text("hostile"), Runs),
    case(Mode::HalfMessages, Call, Text("hostile"), Runs),
    case(Mode::StrictFields, Call, Text("hostile"), Runs),
    case(Mode::HangsOnUnknown, Call, Text("hostile"), Runs),
    case(Mode::HangsOnStrays, Call, Text("hostile"), Runs),
    case(Mode::BearsInvalidBytes, Call, Text("hostile"), Runs),
    case(Mode::StressInternalsLike, Call, Within("local_socket_path: None"), Runs),
];

#[test]
fn the_table_has_every_mode() {
    let listed: Vec<Mode> = CASES.iter().map(|case| case.mode).collect();
    assert_eq!(listed, MODES);
}

#[test]
fn in_json() {
    check_all(&[("HOSTILE_ENCODING", "json")]);
}

#[test]
fn in_messagepack() {
    check_all(&[("HOSTILE_ENCODING", "msgpack")]);
}

#[test]
fn over_a_local_socket() {
    check_all(&[("HOSTILE", "local-socket,")]);
}

/// Runs the table, a few cases at a time, with these variables. The variable `HOSTILE` is put before the mode.
fn check_all(variables: &[(&str, &str)]) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(case, variables);
                }
            });
        }
    });
}

fn check(case: &Case, variables: &[(&str, &str)]) {
    let mode = case.mode;
    let rig = Rig::with(|config| {
        if !waits_for_the_engine(mode) {
            config.deadlines = Deadlines {
                goodbye: SHORT.goodbye,
                close: SHORT.close,
                terminate: SHORT.terminate,
                ..Deadlines::default()
            };
        }
        config.limits.frame = 1 << 20;
        config.limits.collection = 10_000;
        config.flow.engine_calls = 16;
        config.flow.beyond_credit = 64 << 10;
    });
    let before = variables.iter().find(|(name, _)| *name == "HOSTILE");
    let modes = before.map_or("", |(_, modes)| modes).to_owned() + mode.name();
    // Of one mode that waits, the pause must not pass on a slow machine; of the other, there are many.
    let pause = if mode == Mode::NoAck { "1000" } else { "5" };
    let others = variables.iter().filter(|(name, _)| *name != "HOSTILE");
    let variables: Vec<_> = others
        .copied()
        .chain([("HOSTILE", modes.as_str()), ("HOSTILE_PAUSE_MS", pause)])
        .collect();
    let subject = rig.hostile("subject", &variables);
    let good = rig.hostile("good", &[]);
    good.start().expect("the good plugin");

    let (stay, done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let neighbour = scope.spawn(|| count_until(&good, done));
        let began = Instant::now();
        let result = act(&subject, case);
        let took = began.elapsed();
        let limit = case.within + BUSY;
        assert!(took < limit, "{mode}: took {took:?}: {result:?}");
        compare(case, &result);
        look_after(case, &subject);
        drop(stay);
        neighbour.join().expect("the neighbour");
    });
    assert_eq!(
        good.status().starts,
        1,
        "{mode}: the neighbour was disturbed"
    );
    let began = Instant::now();
    rig.end();
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(2) + BUSY,
        "{mode}: the end took {took:?}"
    );
}

/// Feeds one call to the good plugin as long as the case lasts.
fn count_until(good: &Plugin, done: Receiver<()>) {
    /// Between two items, so that it does not take the machine from the case.
    const PAUSE: Duration = Duration::from_millis(10);
    let fed = Arc::new(AtomicI64::new(0));
    let counter = fed.clone();
    let items = std::iter::from_fn(move || {
        let over = done.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected);
        (!over).then(|| Value::int(counter.fetch_add(1, Ordering::Relaxed)))
    });
    let output = good.run("hostile").input(Flow::list(items)).call();
    let answer = output
        .and_then(Flow::into_value)
        .expect("the neighbour's answer");
    let fed = fed.load(Ordering::Relaxed);
    assert_eq!(plain(&answer), fed.to_string());
}

/// True for the ways to keep an engine waiting, which only its deadlines end.
fn waits_for_the_engine(mode: Mode) -> bool {
    matches!(
        mode,
        Mode::Silent
            | Mode::EncodingThenSilent
            | Mode::NeverRepliesSignature
            | Mode::LocalSocketNeverConnects
            | Mode::SocketConnectsOnce
    )
}

fn act(plugin: &Plugin, case: &Case) -> Result<Value, Error> {
    let deadline = match case.outcome {
        Fails(TimedOut, _) => DEADLINE,
        _ => PATIENCE,
    };
    let mut run = plugin.run("hostile").deadline(deadline);
    match case.act {
        Signatures => return plugin.signatures().map(|all| Value::int(all.len() as i64)),
        Feed(count) => run = run.input(Flow::list((0..count).map(Value::int))),
        Call | Take(_) => {}
    }
    match (run.call()?, case.act) {
        (Flow::List(items), Take(count)) => {
            let items: Result<Vec<_>, _> = items.take(count).collect();
            items.map(Value::list)
        }
        (Flow::Bytes(chunks), Take(count)) => {
            let chunks = chunks.take(count).map(|chunk| chunk.map(Value::binary));
            let chunks: Result<Vec<_>, _> = chunks.collect();
            chunks.map(Value::list)
        }
        (output, _) => output.into_value(),
    }
}

fn compare(case: &Case, result: &Result<Value, Error>) {
    let mode = case.mode;
    match (case.outcome, result) {
        (Fails(kind, words), Err(error)) => {
            assert_eq!(error.kind(), kind, "{mode}: {error}");
            let help = error.labeled().help.clone().unwrap_or_default();
            let text = format!("{error}\n{help}");
            for word in words {
                assert!(text.contains(word), "{mode}: no `{word}` in: {text}");
            }
            assert_eq!(error.plugin(), Some("subject"), "{mode}: {error}");
        }
        (Text(text), Ok(value)) => assert_eq!(plain(value), text, "{mode}"),
        (Within(part), Ok(value)) => {
            assert!(plain(value).contains(part), "{mode}: {value:?}");
        }
        (Int(number), Ok(value)) => assert_eq!(plain(value), number.to_string(), "{mode}"),
        (Items(count), Ok(Value::List(items, _))) => assert_eq!(items.len(), count, "{mode}"),
        (outcome, result) => panic!("{mode}: {outcome:?} was due, not {result:?}"),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text, _) => text.clone(),
        Value::Int(number, _) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// A plugin that goes on is the same one at its next use; another one is started in the place of one that is gone.
fn look_after(case: &Case, plugin: &Plugin) {
    let mode = case.mode;
    let starts = plugin.status().starts;
    // One that floods may have gone beyond its credit before it hears that nobody reads on; then it was cut off.
    let floods = matches!(mode, Mode::FloodsStream | Mode::FloodsBytes);
    match case.after {
        Runs if floods => {}
        Runs => assert_eq!(plugin.status().state, State::Running, "{mode}"),
        IsGone => {
            let gone = || plugin.status().state == State::Stopped;
            assert!(tree::wait_until(PATIENCE, gone), "{mode}: it goes on");
        }
    }
    // Its outcome depends on what the plugin has left lying around; only who it was matters.
    let _ = act(plugin, case);
    let expected = starts + u64::from(case.after == IsGone);
    let now = plugin.status().starts;
    assert!(
        now == expected || (floods && now <= starts + 1),
        "{mode}: {now} starts, not {expected}"
    );
}

#[test]
fn a_plugin_that_dies_with_children_is_noticed_and_its_children_end_with_it() {
    for modes in [
        "forks,dies-on-run",
        "forks-holding-stdout,dies-on-run",
        "forks-holding-stdout,exit-before-encoding",
    ] {
        let rig = Rig::with(|config| config.deadlines = pegboard_host::Deadlines::default());
        let plugin = rig.hostile("subject", &[("HOSTILE", modes)]);
        let began = Instant::now();
        let error = plugin.run("hostile").call().expect_err("an error");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{modes}: {:?}",
            began.elapsed()
        );
        assert!(
            error.to_string().contains("exit code 42"),
            "{modes}: {error}"
        );
        let all_gone = || tree::processes_with_env(MARK, &rig.mark).is_empty();
        assert!(
            tree::wait_until(PATIENCE, all_gone),
            "{modes}: children were left"
        );
        rig.end();
    }
}

#[test]
fn a_plugin_for_another_version_is_spoken_to_in_its_own_or_says_what_it_wants() {
    let rig = Rig::new();
    let other = rig.hostile("other", &[("HOSTILE_VERSION", "0.110.0")]);
    other
        .run("hostile")
        .call()
        .expect("any version is spoken to");
    assert_eq!(other.status().protocol_version.as_deref(), Some("0.110.0"));
    // It waits for us to say the version and does not say its own.
    let strict = rig.hostile(
        "strict",
        &[
            ("HOSTILE", "strict-version"),
            ("HOSTILE_VERSION", "0.110.0"),
        ],
    );
    let error = strict.run("hostile").call().expect_err("an error");
    assert_eq!(error.kind(), Start);
    for word in ["plugin strict", "exit code 1", "\"0.110.0\"", "\"0.115.1\""] {
        assert!(error.to_string().contains(word), "no `{word}` in: {error}");
    }
    rig.end();
}
