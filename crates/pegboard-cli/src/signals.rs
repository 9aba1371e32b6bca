//! Ctrl-C and its kin: the first interrupts the plugin, the second ends everything at once.

#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
#[cfg(unix)]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use pegboard_host::{CancelToken, Engine};

/// The first signal that came; 0 for none.
static RECEIVED: AtomicI32 = AtomicI32::new(0);
/// True while a plugin is asked to do something that it can be asked to stop.
static CALLING: AtomicBool = AtomicBool::new(false);

/// The signal that asks for the end, if one came.
pub(crate) fn received() -> Option<i32> {
    Some(RECEIVED.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

/// From now on a signal goes to the plugin first.
pub(crate) fn calling() {
    CALLING.store(true, Ordering::SeqCst);
}

/// Becomes readable with the first signal, and stays so.
#[cfg(unix)]
static WAKE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();

/// A descriptor that becomes readable with the first signal, if signals are listened to.
#[cfg(unix)]
pub(crate) fn wake() -> Option<BorrowedFd<'static>> {
    WAKE.get().map(|(reader, _)| reader.as_fd())
}

/// Starts to listen. A plugin that was interrupted has some time to end by itself before the call is cancelled.
#[cfg(unix)]
pub(crate) fn listen(engine: &Engine, cancel: &CancelToken) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let _ = WAKE.set(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?);
    let ignored = ignored();
    // `nohup` and the like have asked for some not to be heard.
    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter();
    let heard = heard.filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = signal_hook::iterator::Signals::new(heard)?;
    let (engine, cancel) = (engine.clone(), cancel.clone());
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || {
        for signal in signals.forever() {
            let first = RECEIVED.swap(signal, Ordering::SeqCst) == 0;
            if !first || !CALLING.load(Ordering::SeqCst) {
                // What guards the plugins ends them when this process is gone.
                end_by(signal);
            }
            if let Some((_, writer)) = WAKE.get() {
                let _ = rustix::io::write(writer, b"!");
            }
            let (engine, cancel) = (engine.clone(), cancel.clone());
            std::thread::spawn(move || escalate(&engine, &cancel, signal));
        }
    })?;
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn listen(_: &Engine, _: &CancelToken) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn escalate(engine: &Engine, cancel: &CancelToken, signal: i32) {
    use std::time::Duration;

    /// For the plugin to end its work by itself, in two parts: after the first, people are told what they can do.
    const GRACE: Duration = Duration::from_secs(1);
    /// For everything to end after the call was cancelled. A plugin that does not listen will not do so then.
    const LAST: Duration = Duration::from_millis(500);

    engine.interrupt();
    std::thread::sleep(GRACE);
    if signal == signal_hook::consts::SIGINT {
        crate::exit::print_error("waiting for the plugin to end; Ctrl-C again ends it at once\n");
    }
    std::thread::sleep(GRACE);
    cancel.cancel();
    std::thread::sleep(LAST);
    end_by(signal);
}

/// Ends the program as the signal would have done: a shell that waits for it must know, or its loops go on.
#[cfg(unix)]
pub(crate) fn end_by(signal: i32) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal);
}

#[cfg(not(unix))]
pub(crate) fn end_by(_: i32) {}

/// The signals that were ignored when the program started, a bit each from the lowest on, where that can be known.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .map(str::trim);
    bits.and_then(|bits| u64::from_str_radix(bits, 16).ok())
        .unwrap_or(0)
}
