//! The engine's writing side: a thread of its own, so that a plugin that does not read cannot stop the runner.

use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use pegboard_transport::Sink;

/// As many pieces may wait to be written; a plugin that reads never lets so many gather.
const WAITING: usize = 1024;

/// Writes pieces of bytes, each with a write of its own. The plugin's input is closed when this is dropped.
#[derive(Debug)]
pub(super) struct Writer(SyncSender<Vec<u8>>);

impl Writer {
    /// Gives up on a plugin that has not taken anything for this long.
    pub(super) fn start(mut sink: Box<dyn Sink>, patience: Duration) -> io::Result<Writer> {
        let (sender, pieces) = sync_channel::<Vec<u8>>(WAITING);
        std::thread::Builder::new()
            .name("conformance writer".into())
            .stack_size(256 << 10)
            .spawn(move || {
                for piece in pieces {
                    if write(&mut *sink, &piece, patience).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Writer(sender))
    }

    /// Has bytes written. False if too many wait, which means that nobody reads. That the plugin has gone is seen by
    /// whoever reads.
    pub(super) fn write(&self, bytes: Vec<u8>) -> bool {
        !matches!(self.0.try_send(bytes), Err(TrySendError::Full(_)))
    }
}

fn write(sink: &mut dyn Sink, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = sink.write(bytes, Some(Instant::now() + patience))?;
        bytes = &bytes[count..];
    }
    Ok(())
}
