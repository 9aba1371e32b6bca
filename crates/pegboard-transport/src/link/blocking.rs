//! A link over any blocking reader and writer, for systems on which pipes cannot be polled.
//!
//! Deadlines cannot be kept inside a blocking read: whoever needs one ends the other side's process, which ends the
//! read. Untested: Pegboard is tested on Linux, which does not use this.

use std::io::{self, Read, Write};
use std::time::Instant;

use super::{Hangup, Link, Sink, Source};

impl Link {
    /// A link over blocking streams. `hang_up` must end a blocked read, by ending the process behind it for instance.
    pub fn blocking(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        hang_up: impl Fn() + Send + Sync + 'static,
    ) -> Link {
        Link {
            source: Box::new(Reader(reader)),
            sink: Box::new(Writer(writer)),
            hangup: Hangup::new(hang_up),
        }
    }
}

struct Reader<T>(T);
struct Writer<T>(T);

impl<T: Read + Send> Source for Reader<T> {
    fn read(&mut self, buffer: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<T: Write + Send> Sink for Writer<T> {
    fn try_write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn write(&mut self, bytes: &[u8], _: Option<Instant>) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        self.0.flush()?;
        Ok(count)
    }
}
