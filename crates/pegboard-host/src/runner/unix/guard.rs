//! The guard: a small process that outlives this one when it is killed, and ends what it leaves behind.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::runner::MARK;

/// What the guard does, as a program for the shell. It reads which process groups come and go, and when its input ends
/// without a farewell, this process was killed: it then kills the groups and everything that carries the mark. It looks
/// three times in a row, since a process that is just becoming another program cannot be seen. Where there is no
/// `grep`, the shell looks by itself, which takes longer.
const PROGRAM: &str = r#"
trap '' HUP INT TERM QUIT PIPE TSTP TTIN TTOU
mark=$1 directory=$2 groups=
while read -r word group; do
    case $word in
    start) groups="$groups $group" ;;
    end) rest=; for one in $groups; do [ "$one" = "$group" ] || rest="$rest $one"; done; groups=$rest ;;
    bye) exit 0 ;;
    esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
if command -v grep >/dev/null; then
    marked() { grep -l -a -F "$mark" /proc/[0-9]*/environ; }
else
    marked() {
        for file in /proc/[0-9]*/environ; do
            while line=; read -r line || [ -n "$line" ]; do
                case $line in *"$mark"*) echo "$file"; break ;; esac
            done <"$file"
        done
    }
fi
round=0 quiet=0
while [ $round -lt 500 ] && [ $quiet -lt 3 ]; do
    quiet=$((quiet + 1)) round=$((round + 1))
    for file in $(marked 2>/dev/null); do
        process=${file#/proc/}
        kill -KILL "${process%/environ}" 2>/dev/null && quiet=0
    done
done
rm -rf -- "$directory"
"#;

/// Where the guard finds its tools, whatever the caller has in his PATH: where all systems have them, and NixOS.
const TOOLS: &str =
    "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/run/current-system/sw/bin";

/// How long a guard may take to see that it is not needed any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// Watches over the processes of one engine from outside. A guard that was killed is replaced.
#[derive(Debug)]
pub(crate) struct Guard {
    mark: String,
    directory: PathBuf,
    post: Mutex<Post>,
}

#[derive(Debug, Default)]
struct Post {
    shell: Option<Shell>,
    /// The process groups that the guard knows.
    groups: BTreeSet<u32>,
}

#[derive(Debug)]
struct Shell {
    child: Child,
    input: ChildStdin,
    /// Ready when the shell has ended.
    end: Option<Arc<OwnedFd>>,
}

impl Guard {
    /// A guard for all processes whose mark begins with `mark`, and for the directory of their sockets. Nothing is
    /// started yet.
    pub(crate) fn new(mark: &str, directory: PathBuf) -> Guard {
        Guard {
            mark: format!("{MARK}={mark}"),
            directory,
            post: Mutex::default(),
        }
    }

    /// Has the guard run: starts it unless it does.
    pub(crate) fn watch(&self) -> io::Result<()> {
        let mut post = self.lock();
        if post
            .shell
            .as_mut()
            .is_some_and(|shell| matches!(shell.child.try_wait(), Ok(None)))
        {
            return Ok(());
        }
        self.start(&mut post)
    }

    fn start(&self, post: &mut Post) -> io::Result<()> {
        if let Some(before) = post.shell.take() {
            before.end();
        }
        let mut child = Command::new("/bin/sh")
            .args(["-c", PROGRAM, "pegboard-guard", &self.mark])
            .arg(&self.directory)
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
        let end = super::end_of(Pid::from_child(&child)).map(Arc::new);
        let mut shell = Shell { child, input, end };
        let told = post
            .groups
            .iter()
            .try_for_each(|group| shell.tell("start", *group));
        match told {
            Ok(()) => post.shell = Some(shell),
            Err(_) => shell.end(),
        }
        told
    }

    /// Becomes ready when the guard ends, which calls for [`Guard::renew`].
    pub(super) fn end(&self) -> Option<Arc<OwnedFd>> {
        self.lock().shell.as_ref()?.end.clone()
    }

    /// Replaces a guard that has ended although it was needed.
    pub(crate) fn renew(&self) {
        let mut post = self.lock();
        let ended = |shell: &mut Shell| !matches!(shell.child.try_wait(), Ok(None));
        if post.shell.as_mut().is_some_and(ended) {
            // The next process to be started needs one again, and says so if there is none.
            let _ = self.start(&mut post);
        }
    }

    /// A process group has come.
    pub(super) fn started(&self, group: u32) {
        let mut post = self.lock();
        post.groups.insert(group);
        self.tell(&mut post, "start", group);
    }

    /// A process group is about to be gone; its number is still its own.
    pub(super) fn ended(&self, group: u32) {
        let mut post = self.lock();
        if post.groups.remove(&group) {
            self.tell(&mut post, "end", group);
        }
    }

    /// A guard that does not listen was killed; the next one is told everything.
    fn tell(&self, post: &mut Post, word: &str, group: u32) {
        let told = post
            .shell
            .as_mut()
            .is_some_and(|shell| shell.tell(word, group).is_ok());
        if !told && post.shell.is_some() {
            // The next process to be started needs one again, and says so if there is none.
            let _ = self.start(post);
        }
    }

    /// Lets the guard go: nothing is left to watch over.
    pub(crate) fn release(&self) {
        if let Some(mut shell) = self.lock().shell.take() {
            let _ = shell.input.write_all(b"bye\n");
            shell.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shell {
    /// The lines are far smaller than a pipe, and a guard that is gone breaks it.
    fn tell(&mut self, word: &str, group: u32) -> io::Result<()> {
        self.input.write_all(format!("{word} {group}\n").as_bytes())
    }

    /// Closes the input and waits for the end, which is forced if it does not come.
    fn end(mut self) {
        drop(self.input);
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::park_timeout(Duration::from_millis(1)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.release();
    }
}
