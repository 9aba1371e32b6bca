//! What an execution writes.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_protocol::octa::Stream;
use serde_json::Value;

/// So much is held back at most while a line is not complete.
const HELD: usize = 8 << 10;

/// What carries the output of one execution to whoever asked for it.
pub(crate) trait Wire: Send + Sync {
    /// Waits until the bytes are taken. An error when nobody wants them any more.
    fn output(&self, stream: Stream, bytes: &[u8]) -> io::Result<()>;

    /// The same for bytes that belong together.
    fn whole(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        self.output(stream, bytes)
    }

    /// Says what the result is, beside the exit status.
    fn result(&self, value: Value) -> Result<(), super::Error>;
}

/// Takes what an execution writes to one of its streams. Copies write to the same one.
///
/// Lines are sent as they are complete, the rest when it is flushed, much, or the last. Whoever reads slowly makes a write
/// wait; when nobody reads any more it fails with [`io::ErrorKind::BrokenPipe`]. Bytes that are no text reach Pegboard's
/// own hosts as they are, and Octa's with a replacement character for each that does not fit.
#[derive(Clone)]
pub struct Writer(Arc<Shared>);

struct Shared {
    wire: Arc<dyn Wire>,
    stream: Stream,
    held: Mutex<Vec<u8>>,
}

impl Writer {
    pub(crate) fn new(wire: Arc<dyn Wire>, stream: Stream) -> Writer {
        Writer(Arc::new(Shared {
            wire,
            stream,
            held: Mutex::default(),
        }))
    }

    /// Writes a text that is to stay as it is.
    ///
    /// Octa takes white space off both ends of what it gets in one message, and gets a message for each line. This is one
    /// message whatever is in it, up to 1 MiB: lines keep their indentation, and empty ones are kept.
    pub fn whole(&self, text: &str) -> io::Result<()> {
        let mut held = self.held();
        if !held.is_empty() {
            self.pass_on(&mut held, &[])?;
        }
        self.0.wire.whole(self.0.stream, text.as_bytes())
    }

    fn held(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what is held and then the bytes, in one go.
    fn pass_on(&self, held: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
        if held.is_empty() {
            return self.0.wire.output(self.0.stream, bytes);
        }
        held.extend_from_slice(bytes);
        let all = std::mem::take(held);
        self.0.wire.output(self.0.stream, &all)
    }
}

impl Write for &Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.held();
        let end = bytes.iter().rposition(|&byte| byte == b'\n');
        let (now, later) = bytes.split_at(end.map_or(0, |at| at + 1));
        if !now.is_empty() {
            self.pass_on(&mut held, now)?;
        }
        if held.len() + later.len() > HELD {
            self.pass_on(&mut held, later)?;
        } else {
            held.extend_from_slice(later);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut held = self.held();
        match held.is_empty() {
            true => Ok(()),
            false => self.pass_on(&mut held, &[]),
        }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({:?})", self.0.stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Wire for Kept {
        fn output(&self, _: Stream, bytes: &[u8]) -> io::Result<()> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.lock().expect("not poisoned").push(text);
            Ok(())
        }

        fn result(&self, _: Value) -> Result<(), super::super::Error> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_sent_as_they_are_complete() -> io::Result<()> {
        let wire = Arc::new(Kept::default());
        let mut writer = Writer::new(wire.clone(), Stream::Stdout);
        let sent = || std::mem::take(&mut *wire.0.lock().expect("not poisoned"));

        write!(writer, "Hello, {}!", 1 + 1)?;
        assert_eq!(sent(), [""; 0]);
        writeln!(writer)?;
        assert_eq!(sent(), ["Hello, 2!\n"]);
        write!(writer.clone(), "a\nb\nrest")?;
        assert_eq!(sent(), ["a\nb\n"]);
        writer.flush()?;
        writer.flush()?;
        assert_eq!(sent(), ["rest"]);
        writer.write_all(&vec![b'x'; HELD + 1])?;
        assert_eq!(sent().concat().len(), HELD + 1);
        Ok(())
    }
}
