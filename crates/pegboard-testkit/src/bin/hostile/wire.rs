//! Raw output: bytes as they are, messages whole or in pieces.

use std::io::Write;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pegboard_testkit::hostile::Mode;
use serde_json::Value;

use crate::codec;
use crate::settings::{Encoding, Settings};

/// How many bytes `split-writes` writes at once.
const PIECE: usize = 13;

/// Where the plugin writes to. Copies share the place.
#[derive(Clone)]
pub(crate) struct Wire {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
    pub(crate) encoding: Encoding,
    split: bool,
    /// Nothing stands between messages.
    glued: bool,
    /// Goes on when nobody reads.
    stubborn: bool,
}

impl Wire {
    pub(crate) fn new(out: Box<dyn Write + Send>, settings: &Settings) -> Wire {
        Wire {
            out: Arc::new(Mutex::new(out)),
            encoding: settings.encoding,
            split: settings.has(Mode::SplitWrites),
            glued: settings.has(Mode::GluedWrites),
            stubborn: settings.has(Mode::IgnoresGoodbyeAndEof),
        }
    }

    /// Writes a message.
    pub(crate) fn send(&self, message: &Value) {
        self.bytes(&self.encode(message));
    }

    /// Writes several messages at once.
    pub(crate) fn send_together(&self, messages: &[Value]) {
        let bytes: Vec<u8> = messages.iter().flat_map(|it| self.encode(it)).collect();
        self.bytes(&bytes);
    }

    /// A message with what follows it on this wire.
    pub(crate) fn encode(&self, message: &Value) -> Vec<u8> {
        let mut bytes = codec::encode(self.encoding, message);
        if self.encoding == Encoding::Json && !self.glued {
            bytes.push(b'\n');
        }
        bytes
    }

    /// Writes bytes, all at once unless the mode says otherwise.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        if self.split {
            self.pieces(bytes, PIECE, Duration::from_millis(1));
        } else {
            self.pieces(bytes, bytes.len().max(1), Duration::ZERO);
        }
    }

    /// Writes bytes in pieces of this size with a pause after each. Other writers wait until all are out.
    pub(crate) fn pieces(&self, bytes: &[u8], size: usize, pause: Duration) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.chunks(size) {
            if out.write_all(piece).and_then(|()| out.flush()).is_err() {
                self.nobody_reads();
            }
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
    }

    /// Writes the same bytes for as long as somebody reads.
    pub(crate) fn forever(&self, bytes: &[u8]) -> ! {
        loop {
            self.bytes(bytes);
        }
    }

    fn nobody_reads(&self) -> ! {
        if self.stubborn {
            loop {
                thread::park();
            }
        }
        process::exit(0)
    }
}
