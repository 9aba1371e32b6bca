//! Commands that were cancelled: one thread ends them all, with everything that they have started.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::ending::{MARK, Running};

/// How long a command may take to end by itself. The plugin has 0.8 s.
const GRACE: Duration = Duration::from_millis(500);
/// How long killed processes may take to vanish.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long to wait before looking again for what is left.
const LOOK: Duration = Duration::from_millis(2);

static STATE: Mutex<State> = Mutex::new(State {
    commands: Vec::new(),
    has_thread: false,
});
static CHANGED: Condvar = Condvar::new();

struct State {
    // bounded by: the executions that run
    commands: Vec<Command>,
    has_thread: bool,
}

struct Command {
    running: Arc<Running>,
    /// When it is killed. None before it was asked to end.
    until: Option<Instant>,
}

/// Has a command ended.
pub(crate) fn end(running: Arc<Running>) {
    let mut state = lock();
    let until = None;
    state.commands.push(Command { running, until });
    if !state.has_thread {
        let spawned = std::thread::Builder::new().name("end".into()).spawn(run);
        state.has_thread = spawned.is_ok();
    }
    if !state.has_thread {
        // Without a thread for it there is no time to leave.
        state.commands.drain(..).for_each(|command| {
            let _ = kill_process_group(command.running.pid(), Signal::KILL);
        });
    }
    CHANGED.notify_all();
}

/// A command may have ended that was cancelled.
pub(crate) fn changed() {
    drop(lock());
    CHANGED.notify_all();
}

/// Waits until nothing is left of a command that has ended. After that its number may be somebody else's.
pub(crate) fn wait_for_rest(running: &Running) {
    let deadline = Instant::now() + PATIENCE;
    let mut state = lock();
    let is_it = |command: &Command| std::ptr::eq(&*command.running, running);
    while state.commands.iter().any(is_it) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            state.commands.retain(|command| !is_it(command));
            return;
        }
        let waited = CHANGED.wait_timeout(state, left);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn run() {
    loop {
        // Before the lock is taken: it takes its time, and whoever comes meanwhile is found by the next look.
        let marked = marked();
        let mut state = lock();
        let now = Instant::now();
        state
            .commands
            .retain_mut(|command| command.go_on(&marked, now));
        CHANGED.notify_all();
        let Some(wait) = state.commands.iter().map(|command| command.wait(now)).min() else {
            state.has_thread = false;
            return;
        };
        drop(CHANGED.wait_timeout(state, wait));
    }
}

impl Command {
    /// Does what is due. False if nothing is left of it.
    fn go_on(&mut self, marked: &HashMap<String, Vec<Pid>>, now: Instant) -> bool {
        let rest = marked
            .get(self.running.mark())
            .map_or(&[][..], Vec::as_slice);
        let over = self.running.is_over();
        let signal = match self.until {
            Some(until) if over || now >= until => Signal::KILL,
            Some(_) => return true,
            None => Signal::TERM,
        };
        let asked = self.until.is_some();
        self.until.get_or_insert(now + GRACE);
        // The group is there as long as nobody has asked how its leader ended, though all in it may have ended.
        let _ = kill_process_group(self.running.pid(), signal);
        for pid in rest {
            // It may just have ended.
            let _ = kill_process(*pid, signal);
        }
        !(asked && over && rest.is_empty())
    }

    /// How long nothing is due, unless something changes.
    fn wait(&self, now: Instant) -> Duration {
        match self.until {
            Some(until) if !self.running.is_over() && until > now => until - now,
            _ => LOOK,
        }
    }
}

/// The processes of this plugin's commands that run, by their marks.
fn marked() -> HashMap<String, Vec<Pid>> {
    let ours = format!("{MARK}={}.", std::process::id());
    let start = MARK.len() + 1;
    let mut marked = HashMap::<String, Vec<Pid>>::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name
            .to_str()
            .and_then(|name| Pid::from_raw(name.parse().ok()?))
        else {
            continue;
        };
        // One that has ended has no environment any more.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        if let Some(found) = variables.find(|it| it.starts_with(ours.as_bytes())) {
            let mark = String::from_utf8_lossy(&found[start..]).into_owned();
            marked.entry(mark).or_default().push(pid);
        }
    }
    marked
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
