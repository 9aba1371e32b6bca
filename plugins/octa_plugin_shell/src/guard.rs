//! The guard: a small process that outlives the plugin when it is killed, and ends the commands that it leaves behind.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::ending::MARK;

/// What the guard does. Nothing ever comes in; when its input ends, the plugin has gone, in whatever way. It then kills
/// everything that carries the mark, and looks three times in a row: a process that is just becoming another program
/// cannot be seen.
const PROGRAM: &str = r#"
trap '' HUP INT TERM QUIT PIPE TSTP TTIN TTOU
read -r nothing
round=0 quiet=0
while [ $round -lt 500 ] && [ $quiet -lt 3 ]; do
    quiet=$((quiet + 1)) round=$((round + 1))
    for file in $(grep -l -a -F "$1" /proc/[0-9]*/environ 2>/dev/null); do
        process=${file#/proc/}
        kill -KILL "${process%/environ}" 2>/dev/null && quiet=0
    done
done
"#;

/// Where the guard finds its tools, whatever the plugin has in its PATH.
const TOOLS: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin";

static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

struct Guard {
    child: Child,
    /// Is closed with the plugin, and not before.
    _input: ChildStdin,
}

/// Has a guard watch over this plugin's commands, unless one does.
pub(crate) fn watch() -> io::Result<()> {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    let watches = |guard: &mut Guard| matches!(guard.child.try_wait(), Ok(None));
    if guard.as_mut().is_some_and(watches) {
        return Ok(());
    }
    let mut child = Command::new("/bin/sh")
        .args(["-c", PROGRAM, "octa-plugin-shell-guard"])
        .arg(format!("{MARK}={}.", std::process::id()))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env_clear()
        .env("PATH", TOOLS)
        .env("LC_ALL", "C")
        .process_group(0)
        .spawn()?;
    let input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    *guard = Some(Guard {
        child,
        _input: input,
    });
    Ok(())
}
