//! Whatever an Octa plugin does, its callers learn of it in time, its neighbours are not harmed more than they must be, and
//! nothing is left.

#![cfg(unix)]

mod hostile_common;

use std::time::{Duration, Instant};

use pegboard_host::{Config, Error, ErrorKind, Flow, Plugin, PluginConfig, Protocol, Run, State};
use pegboard_testkit::hostile::octa::{MODES, Mode};
use pegboard_testkit::tree::wait_until;

use hostile_common::{PATIENCE, Rig, SHORT};

/// What is expected of a mode.
enum Expected {
    /// It works all the same.
    Text(&'static str),
    /// The call fails, and the plugin goes on.
    Fails(ErrorKind, &'static str),
    /// The call fails with the plugin, whose next run has a new process.
    Ends(ErrorKind, &'static str),
    /// It does not start.
    NoStart(&'static str),
    /// The test of this name looks at it.
    Elsewhere,
}

use Expected::{Elsewhere, Ends, Fails, NoStart, Text};

fn expected(mode: Mode) -> Expected {
    use ErrorKind::{Gone, Plugin, Protocol};
    match mode {
        Mode::ExitAtStart => {
            NoStart("did not listen on the socket that it was given before it ended")
        }
        Mode::NeverListens => {
            NoStart("did not listen on the socket that it was given within 600ms")
        }
        Mode::NeverAccepts | Mode::Silent | Mode::UnfinishedHello => {
            NoStart("did not send its Hello within 600ms")
        }
        Mode::ClosesAtOnce => NoStart("closed the connection before it sent its Hello"),
        Mode::GarbageHello => NoStart("broke off at something that is no message"),
        Mode::RefusesHello => NoStart("the plugin refused: not with you"),
        Mode::WrongHello => NoStart("expected `Hello`, got `Started`"),
        Mode::BadRequirement => NoStart("`not-a-version`, which is not a requirement"),
        Mode::UnmetRequirement => NoStart("requires the host's version to be `>=9.0.0`"),
        Mode::EmptyKey => NoStart("the plugin's key is empty"),
        Mode::NoSchema => NoStart("did not send its Schema within 600ms"),
        Mode::ExitsAfterHello => NoStart("closed the connection before it sent its Schema"),
        Mode::HelloWithoutFeatures
        | Mode::BadLine
        | Mode::UnknownMessage
        | Mode::UnknownExecution
        | Mode::LateOutput
        | Mode::TwoEnds
        | Mode::StartedTwice
        | Mode::Glued
        | Mode::SlowDrip
        | Mode::Prints
        | Mode::FloodsStderr
        | Mode::IgnoresShutdown
        | Mode::IgnoresSigterm
        | Mode::StrictArguments
        | Mode::HelloAlone
        | Mode::ReleasedForm
        | Mode::LaterForm
        | Mode::DiesOfDry
        | Mode::OneAtATime
        | Mode::StrictLineEnds
        | Mode::HalfLines
        | Mode::SmallReader
        | Mode::StrictFields
        | Mode::TakesMissingText
        | Mode::DiesOfBadLines
        | Mode::DiesOfUnknown
        | Mode::DiesOfSecondHello
        | Mode::DiesOfShutdown
        | Mode::DiesOfLaterShutdown
        | Mode::LeavesSocket
        | Mode::LeavesChild
        | Mode::BearsSigint
        | Mode::BearsSigterm
        | Mode::StaysWithoutHost => Text("done\n"),
        Mode::StrictHello => NoStart("(exit code 42)"),
        Mode::NeverStarts => Ends(Gone, "did not begin with an execution within 600ms"),
        Mode::OutputBeforeStarted => Ends(Gone, "`Stdout` where `Started` must come first"),
        Mode::RefusesExecution => Fails(Plugin, "too hard"),
        Mode::DiesBeforeStarted => Ends(Gone, "went away while answering `hostile` (exit code 42)"),
        Mode::DiesInExecution => Ends(
            Gone,
            "last on its standard error: hostile: dead in the middle",
        ),
        Mode::ClosesInExecution => Ends(Gone, "went away before its output was complete"),
        Mode::HalfALine => Ends(Gone, "broke off"),
        Mode::ShutsDownInExecution => Ends(Gone, "went away before its output was complete"),
        Mode::BadUtf8 => Ends(Gone, "not UTF-8"),
        Mode::HugeCode | Mode::MissingField => Fails(Protocol, "`ExitStatus`"),
        Mode::MissingLine => Fails(Protocol, "`Stderr`"),
        Mode::EndlessLine => Ends(Gone, "which is the limit (line)"),
        Mode::Forks => Ends(Gone, "(exit code 42)"),
        Mode::Floods | Mode::NeverEnds | Mode::StopsReading | Mode::Works => Elsewhere,
    }
}

fn rig() -> Rig {
    Rig::with(small)
}

/// A line may not be long, so that one without end ends soon.
fn small(config: &mut Config) {
    config.limits.frame = 4 << 20;
}

fn load(rig: &Rig, mode: Mode) -> Plugin {
    let config = PluginConfig {
        protocol: Some(Protocol::Octa),
        ..PluginConfig::default()
    };
    rig.hostile_with(mode.name(), &[("HOSTILE", mode.name())], config)
}

fn run(plugin: &Plugin, text: &str) -> Run {
    plugin.run("hostile").argument(text)
}

fn text(run: Run) -> Result<String, Error> {
    run.call().and_then(Flow::into_text)
}

#[test]
fn every_mode_ends_as_it_should() {
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..4)
            .map(|lane| {
                scope.spawn(move || {
                    MODES
                        .iter()
                        .skip(lane)
                        .step_by(4)
                        .for_each(|mode| check(*mode))
                })
            })
            .collect();
        lanes.into_iter().for_each(|lane| lane.join().unwrap());
    });
}

fn check(mode: Mode) {
    let expected = expected(mode);
    if matches!(expected, Elsewhere) {
        return;
    }
    let rig = rig();
    let plugin = load(&rig, mode);
    let began = Instant::now();
    let result = text(run(&plugin, "misbehave"));
    // The sum of all deadlines, on a busy machine.
    assert!(began.elapsed() < PATIENCE, "{mode}: {:?}", began.elapsed());
    let starts = match expected {
        Text(expected) => {
            let said = result.unwrap_or_else(|error| panic!("{mode}: {error}"));
            let fine = ["misbehave\n", expected];
            assert!(fine.contains(&said.as_str()), "{mode}: {said}");
            1
        }
        Fails(kind, message) | Ends(kind, message) => {
            let error = result.expect_err(mode.name());
            assert_eq!(error.kind(), kind, "{mode}: {error}");
            assert!(error.to_string().contains(message), "{mode}: {error}");
            if kind == ErrorKind::Gone { 2 } else { 1 }
        }
        NoStart(message) => {
            let error = result.expect_err(mode.name());
            assert_eq!(error.kind(), ErrorKind::Start, "{mode}: {error}");
            assert!(error.to_string().contains(message), "{mode}: {error}");
            return rig.end();
        }
        Elsewhere => unreachable!("looked at elsewhere"),
    };
    // Whoever comes next is served.
    assert_eq!(text(run(&plugin, "next")).unwrap(), "next\n", "{mode}");
    assert_eq!(plugin.status().starts, starts, "{mode}");
    rig.end();
}

/// A neighbour of an execution that breaks a rule which concerns it alone hears nothing of it.
#[test]
fn what_concerns_one_execution_harms_no_other() {
    for mode in [Mode::HugeCode, Mode::MissingField, Mode::RefusesExecution] {
        let rig = rig();
        let plugin = load(&rig, mode);
        let waiting = run(&plugin, "wait").call().unwrap();
        text(run(&plugin, "misbehave")).unwrap_err();
        let only_it = wait_until(PATIENCE, || plugin.status().active_calls == 1);
        assert!(only_it, "{mode}: {:?}", plugin.status());
        assert_eq!(text(run(&plugin, "next")).unwrap(), "next\n");
        drop(waiting);
        rig.end();
    }
}

/// When the plugin goes, everybody who waits for it hears why.
#[test]
fn a_death_is_told_to_everybody() {
    let rig = rig();
    let plugin = load(&rig, Mode::DiesInExecution);
    let waiting: Vec<_> = (0..5)
        .map(|_| run(&plugin, "wait").call().unwrap())
        .collect();
    text(run(&plugin, "misbehave")).unwrap_err();
    for waiting in waiting {
        let error = waiting.into_text().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gone);
        assert!(error.to_string().contains("exit code 42"), "{error}");
    }
    rig.end();
}

/// What floods waits at the plugin: the host takes no more than a few megabytes ahead of who reads.
#[test]
fn a_flood_stands_still_and_ends_when_nobody_reads_on() {
    let rig = rig();
    let plugin = load(&rig, Mode::Floods);
    let Ok(Flow::Bytes(mut stream)) = run(&plugin, "misbehave").call() else {
        panic!("no stream");
    };
    let before = memory();
    let mut taken = 0;
    while taken < 64 << 20 {
        taken += stream.next().unwrap().unwrap().len();
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
    drop(stream);
    assert!(wait_until(PATIENCE, || plugin.status().state == State::Stopped));
    rig.end();
}

/// A plugin that says nothing has until the caller's own deadline, or until he cancels.
#[test]
fn silence_ends_with_the_patience_of_the_caller() {
    for mode in [Mode::NeverEnds, Mode::StopsReading] {
        let rig = rig();
        let plugin = load(&rig, mode);
        let token = pegboard_host::CancelToken::new();
        let flow = run(&plugin, "misbehave").cancel(&token).call().unwrap();
        let reading = std::thread::spawn(move || flow.into_text());
        token.cancel();
        let error = reading.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{mode}: {error}");
        assert_eq!(text(run(&plugin, "next")).unwrap(), "next\n", "{mode}");
        rig.end();
    }
}

#[test]
fn crashes_are_followed_by_a_pause() {
    let rig = Rig::with(|config| {
        config.restarts.allowed = 2;
        config.restarts.pause = Duration::from_secs(3600);
    });
    let plugin = load(&rig, Mode::DiesBeforeStarted);
    for _ in 0..3 {
        let error = text(run(&plugin, "misbehave")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    }
    let error = text(run(&plugin, "next")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(plugin.status().state, State::Paused);
    rig.end();
}

#[test]
fn a_plugin_that_ignores_everything_is_killed_in_time() {
    for mode in [Mode::IgnoresShutdown, Mode::IgnoresSigterm] {
        let rig = rig();
        let plugin = load(&rig, mode);
        assert_eq!(text(run(&plugin, "next")).unwrap(), "next\n");
        let began = Instant::now();
        plugin.stop();
        let steps = SHORT.goodbye + SHORT.close;
        assert!(began.elapsed() >= steps, "{:?}", began.elapsed());
        assert!(rig.processes().is_empty(), "{mode}");
        rig.end();
    }
}

/// Whatever ends a plugin, the commands that it runs for its executions end with it, in groups of their own or not.
#[test]
fn children_of_executions_end_with_the_plugin() {
    let rig = rig();
    let plugin = load(&rig, Mode::Works);
    let running = || run(&plugin, "misbehave").call().unwrap();
    let (one, two) = (running(), running());
    assert!(wait_until(PATIENCE, || rig.processes().len() == 3));
    drop((one, two));
    assert!(wait_until(PATIENCE, || rig.processes().is_empty()));
    let three = running();
    plugin.stop();
    assert!(rig.processes().is_empty());
    three.into_text().unwrap_err();
    rig.end();
}

/// Memory that this process has resident.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next());
    kilobytes.unwrap().parse::<u64>().unwrap() << 10
}
