//! The death of the host, at random moments under load: whatever ends it, nothing of its plugins is left.

mod hostile_common;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hostile_common::{MARK, Scratch, describe, example, unique};
use pegboard_testkit::{peers, tree};

/// How long what is left of a host may live on.
const CLEAN: Duration = Duration::from_secs(10);
/// The steps of its load in which a host is ended.
const STEPS: u64 = 40;
/// How many hosts run at once.
const AT_ONCE: usize = 3;

/// How many hosts are killed; 200 unless the variable says otherwise.
fn kills() -> usize {
    let wanted = std::env::var("PEGBOARD_TEST_KILLS").ok();
    wanted.map_or(200, |count| count.parse().expect("a number of kills"))
}

#[test]
fn nothing_survives_a_host_that_is_killed() {
    let count = kills();
    let next = AtomicUsize::new(0);
    let slowest = Mutex::new(Duration::ZERO);
    let marks = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let seed = next.fetch_add(1, Ordering::Relaxed)
                    && seed < count
                {
                    let mut host = Host::start("run", None);
                    host.wait_for_steps(random(seed as u64) % STEPS);
                    host.child.kill().expect("the host runs");
                    let took = host.check_nothing_left(&format!("kill {seed}"));
                    let mut slowest = slowest.lock().unwrap_or_else(PoisonError::into_inner);
                    *slowest = took.max(*slowest);
                    let mut marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
                    marks.push(host.mark.clone());
                }
            });
        }
    });
    let marks = marks.into_inner().unwrap_or_else(PoisonError::into_inner);
    let left: Vec<u32> = marks
        .iter()
        .flat_map(|mark| tree::processes_with_env(MARK, mark))
        .collect();
    assert!(left.is_empty(), "came back: {}", describe(&left));
    let slowest = slowest.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{count} hosts killed, no survivors; the slowest end took {slowest:?}");
}

#[test]
fn nothing_survives_a_host_that_is_told_to_end() {
    for (seed, signal) in (1000..).zip(["TERM", "INT", "HUP"]) {
        let mut host = Host::start("run", None);
        host.wait_for_steps(random(seed) % STEPS);
        host.signal(signal);
        host.check_nothing_left(signal);
    }
}

#[test]
fn nothing_survives_a_host_that_ends_by_itself() {
    type Expected = fn(ExitStatus) -> bool;
    let endings: [(&str, Expected); 4] = [
        ("return", |status| status.code() == Some(0)),
        ("exit", |status| status.code() == Some(3)),
        ("panic", |status| status.code() == Some(101)),
        ("abort", |status| status.signal() == Some(6)),
    ];
    for (seed, (ending, expected)) in (2000..).zip(endings) {
        let mut host = Host::start(ending, Some(random(seed) % STEPS));
        host.wait_for_steps(u64::MAX);
        let status = host.child.wait().expect("a status");
        assert!(expected(status), "{ending}: {status}");
        host.check_nothing_left(ending);
    }
}

#[test]
fn an_engine_that_went_properly_leaves_nothing_for_its_guard() {
    let mut host = Host::start("return", Some(40));
    host.wait_for_steps(u64::MAX);
    assert!(host.child.wait().expect("a status").success());
    // Not even for a moment: the end of the engine has waited for all of it.
    let left = tree::processes_with_env(MARK, &host.mark);
    assert!(left.is_empty(), "left behind: {}", describe(&left));
    assert!(host.scratch.contents().is_empty());
}

#[test]
fn a_guard_that_was_killed_is_replaced() {
    let mut host = Host::start("run", None);
    host.wait_for_steps(30);
    let process = host.child.id();
    let guards = || guards(process);
    let first = guards();
    assert!(!first.is_empty(), "no guard");
    for guard in &first {
        kill("KILL", *guard);
    }
    let others = || guards().iter().any(|guard| !first.contains(guard));
    assert!(tree::wait_until(CLEAN, others), "no other guard has come");
    host.wait_for_steps(60);
    host.child.kill().expect("the host runs");
    host.check_nothing_left("after the guard");
}

#[test]
fn nothing_survives_a_host_whose_caller_has_no_path() {
    for (seed, path) in (3000..).zip(["", "/nowhere"]) {
        let mut host = Host::start_with("run", None, &[("PATH", path)]);
        host.wait_for_steps(20 + random(seed) % STEPS);
        host.child.kill().expect("the host runs");
        host.check_nothing_left(&format!("PATH={path}"));
    }
}

/// The guards of a host, which have none of its environment.
fn guards(host: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let own = format!("PEGBOARD_INSTANCE={host}.");
    pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        words.any(|word| word == b"pegboard-guard")
            && words.any(|word| word.starts_with(own.as_bytes()))
    })
    .collect()
}

/// The example `load`, running.
struct Host {
    child: Child,
    steps: BufReader<ChildStdout>,
    mark: String,
    scratch: Scratch,
}

impl Host {
    fn start(ending: &str, steps: Option<u64>) -> Host {
        Host::start_with(ending, steps, &[])
    }

    fn start_with(ending: &str, steps: Option<u64>, variables: &[(&str, &str)]) -> Host {
        let (mark, scratch) = (unique(), Scratch::new());
        let mut child = Command::new(example("load"))
            .arg(scratch.path())
            .arg(peers::peer("nu_plugin_reference"))
            .arg(peers::hostile())
            .arg(ending)
            .args(steps.map(|steps| steps.to_string()))
            .env(MARK, &mark)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the example runs");
        let steps = BufReader::new(child.stdout.take().expect("its output"));
        Host {
            child,
            steps,
            mark,
            scratch,
        }
    }

    /// Waits until the host has done so many steps more, or has ended.
    fn wait_for_steps(&mut self, count: u64) {
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            // What plugins have inherited of its output may outlive it.
            if self
                .steps
                .read_line(&mut line)
                .is_ok_and(|count| count == 0)
            {
                return;
            }
        }
    }

    fn signal(&self, name: &str) {
        kill(name, self.child.id());
    }

    /// Waits for the end of the host, and says how long everything that it has started lived on.
    fn check_nothing_left(&mut self, what: &str) -> Duration {
        self.child.wait().expect("a status");
        let (began, host) = (Instant::now(), self.child.id());
        let left = || tree::processes_with_env(MARK, &self.mark);
        let clean = tree::wait_until(CLEAN, || {
            left().is_empty() && self.scratch.contents().is_empty() && guards(host).is_empty()
        });
        assert!(
            clean,
            "{what}: left behind: {} {:?}",
            describe(&left()),
            self.scratch.contents()
        );
        let took = began.elapsed();
        // Nobody holds its output any more.
        let mut rest = Vec::new();
        self.steps
            .read_to_end(&mut rest)
            .expect("the end of its output");
        took
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill")
        .args([format!("-{signal}"), pid.to_string()])
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok(), "no program `kill`");
}

/// A number that looks random and is the same in every run (splitmix64).
fn random(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
