//! What pipes, sockets and processes take by themselves: `bench_floor LINK MEASURE MILLISECONDS PROGRAM...`
//!
//! The other side is this program too, started with `--stdio`: it answers requests of a fixed size with as many bytes.
//! Any other program is only started, until it has written its first byte. `pipe:4096` writes blocks of that size.

#[path = "../src/bench/probe.rs"]
mod probe;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use probe::Failure;

/// A request and an answer: about as long as a small call.
const FRAME: usize = 64;
/// As much as a pipe holds.
const BLOCK: usize = 64 << 10;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["--stdio"] {
        return serve();
    }
    let (link, words) = match words.split_first() {
        Some((link, words)) => (link.as_str(), words),
        None => ("", words.as_slice()),
    };
    let (link, block) = match link.split_once(':') {
        Some((link, block)) => (link, block.parse()?),
        None => (link, BLOCK),
    };
    let link = match link {
        "pipe" => Link::Pipe,
        "socket" => Link::Socket,
        "octa" => Link::Octa,
        _ => return Err("the link is `pipe`, `socket` or `octa`".into()),
    };
    let line = probe::measure(words, || Ok(Host { link, block }))?;
    println!("{line}");
    Ok(())
}

/// The other side. It says that it is there with one byte.
fn serve() -> Result<(), Failure> {
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    output.write_all(b"!")?;
    let mut frame = [0; FRAME];
    while input.read_exact(&mut frame).is_ok() {
        let (kind, count) = read_request(&frame);
        match kind {
            OUT => write_blocks(&mut output, count, BLOCK)?,
            IN => {
                read_blocks(&mut input, count)?;
                output.write_all(&frame)?;
            }
            _ => output.write_all(&frame)?,
        }
    }
    Ok(())
}

const ECHO: u8 = 0;
const OUT: u8 = 1;
const IN: u8 = 2;

fn request(kind: u8, count: i64) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    frame[0] = kind;
    frame[1..9].copy_from_slice(&count.to_le_bytes());
    frame
}

fn read_request(frame: &[u8; FRAME]) -> (u8, i64) {
    let mut count = [0; 8];
    count.copy_from_slice(&frame[1..9]);
    (frame[0], i64::from_le_bytes(count))
}

fn write_blocks(output: &mut File, count: i64, size: usize) -> Result<(), Failure> {
    let block = vec![b'x'; size];
    let mut left = usize::try_from(count)?;
    while left > 0 {
        let length = left.min(size);
        output.write_all(&block[..length])?;
        left -= length;
    }
    Ok(())
}

fn read_blocks(input: &mut File, count: i64) -> Result<(), Failure> {
    let mut block = vec![0; BLOCK];
    let mut left = usize::try_from(count)?;
    while left > 0 {
        let most = left.min(BLOCK);
        match input.read(&mut block[..most])? {
            0 => return Err("the other side ended".into()),
            length => left -= length,
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Link {
    Pipe,
    Socket,
    /// The socket that a plugin of Octa's listens at.
    Octa,
}

struct Host {
    link: Link,
    /// How much is written at once.
    block: usize,
}

impl probe::Host for Host {
    type Plugin = Process;

    /// Nothing is slow here, but a second process is started too.
    fn first_beside(&self, program: &Path, slow: &Path) -> Result<Duration, Failure> {
        let begin = Instant::now();
        thread::scope(|scope| {
            let slow = scope.spawn(|| self.start(slow).map_err(|error| error.to_string()));
            let _process = self.start(program)?;
            let took = begin.elapsed();
            slow.join().map_err(|_| "the other start panicked")??;
            Ok(took)
        })
    }

    fn start(&self, program: &Path) -> Result<Process, Failure> {
        let mut command = Command::new(program);
        command.stderr(Stdio::null());
        if !matches!(self.link, Link::Octa) {
            command.arg("--stdio");
        }
        let (child, mut input, output) = match self.link {
            Link::Octa => return self.start_listener(command),
            Link::Pipe => {
                let mut child = command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()?;
                let to = OwnedFd::from(child.stdin.take().ok_or("no standard input")?);
                let from = OwnedFd::from(child.stdout.take().ok_or("no standard output")?);
                (child, File::from(from), File::from(to))
            }
            Link::Socket => {
                let (ours, theirs) = UnixStream::pair()?;
                let theirs = OwnedFd::from(theirs);
                let child = command.stdin(theirs.try_clone()?).stdout(theirs).spawn()?;
                let output = OwnedFd::from(ours.try_clone()?);
                (child, File::from(OwnedFd::from(ours)), File::from(output))
            }
        };
        // The command holds the other side's end of a socket until here.
        drop(command);
        input.read_exact(&mut [0])?;
        Ok(Process {
            child,
            input: Some(input),
            output: Some(output),
            block: self.block,
        })
    }
}

impl Host {
    /// Waits until the plugin takes a connection.
    fn start_listener(&self, mut command: Command) -> Result<Process, Failure> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench-{}-{number}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let nothing = || Stdio::null();
        command.arg("--socket-path").arg(&path);
        let mut process = Process {
            child: command.stdin(nothing()).stdout(nothing()).spawn()?,
            input: None,
            output: None,
            block: self.block,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        let stream = loop {
            match UnixStream::connect(&path) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) => thread::sleep(Duration::from_micros(200)),
            }
        };
        // The connection stays.
        std::fs::remove_file(&path)?;
        process.output = Some(File::from(OwnedFd::from(stream.try_clone()?)));
        process.input = Some(File::from(OwnedFd::from(stream)));
        Ok(process)
    }
}

struct Process {
    child: Child,
    input: Option<File>,
    output: Option<File>,
    block: usize,
}

impl Process {
    fn ask(&mut self, kind: u8, count: i64) -> Result<(), Failure> {
        let output = self.output.as_mut().ok_or("it has ended")?;
        Ok(output.write_all(&request(kind, count))?)
    }

    fn answer(&mut self) -> Result<i64, Failure> {
        let mut frame = [0; FRAME];
        let input = self.input.as_mut().ok_or("it has ended")?;
        input.read_exact(&mut frame)?;
        Ok(read_request(&frame).1)
    }
}

impl probe::Plugin for Process {
    /// The first byte came already.
    fn first(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn metadata(&mut self) -> Result<(), Failure> {
        self.echo(0).map(drop)
    }

    fn echo(&mut self, number: i64) -> Result<i64, Failure> {
        self.ask(ECHO, number)?;
        self.answer()
    }

    fn numbers_out(&mut self, _: i64) -> Result<i64, Failure> {
        Err("bytes have no items".into())
    }

    fn numbers_in(&mut self, _: i64) -> Result<i64, Failure> {
        Err("bytes have no items".into())
    }

    fn bytes_out(&mut self, count: i64) -> Result<i64, Failure> {
        self.ask(OUT, count)?;
        let input = self.input.as_mut().ok_or("it has ended")?;
        read_blocks(input, count)?;
        Ok(count)
    }

    fn bytes_in(&mut self, count: i64) -> Result<i64, Failure> {
        self.ask(IN, count)?;
        let output = self.output.as_mut().ok_or("it has ended")?;
        write_blocks(output, count, self.block)?;
        self.answer()
    }

    fn lines_out(&mut self, count: i64, length: usize) -> Result<i64, Failure> {
        let length = i64::try_from(length)?;
        Ok(self.bytes_out(count * length)? / length)
    }

    fn lines_err(&mut self, count: i64, length: usize) -> Result<i64, Failure> {
        self.lines_out(count, length)
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // At the end of its input it ends by itself; a plugin that was only started may not.
        (self.input, self.output) = (None, None);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
