//! Values of one stream that wait to be sent in one message, where the other side has agreed to that.

use pegboard_protocol::Value;
use pegboard_protocol::nu::{StreamId, StreamItem};
use pegboard_protocol::session::{Role, SendError};

use super::State;
/// So many bytes make a message that is long enough.
const LONG: usize = 16 << 10;

/// The values, of a stream that has credit for one message.
pub(super) struct Batch {
    stream: StreamId,
    // bounded by: what the session puts into one message, and LONG bytes or one value
    values: Vec<Value>,
    /// About as many bytes as they take.
    weight: usize,
}

impl<R: Role> State<R> {
    /// Sends an item; a value may wait for others of its stream, until [`State::close_batch`].
    pub(super) fn put(&mut self, stream: StreamId, item: StreamItem) -> Result<(), SendError> {
        let most = self.session.items_per_message();
        let value = match item {
            StreamItem::List(value) if most > 1 => value,
            item => {
                self.close_batch();
                return self.session.send(stream, item);
            }
        };
        if self
            .batch
            .as_ref()
            .is_none_or(|batch| batch.stream != stream)
        {
            self.close_batch();
            if !self.session.is_writable(stream) {
                return self.session.send(stream, StreamItem::List(value));
            }
            self.batch = Some(Batch {
                stream,
                values: Vec::new(),
                weight: 0,
            });
        }
        let Some(batch) = &mut self.batch else {
            return Ok(());
        };
        batch.weight += weight(&value, LONG);
        batch.values.push(value);
        if batch.values.len() >= most || batch.weight >= LONG {
            self.close_batch();
        }
        Ok(())
    }

    /// Hands the values that wait to the session.
    pub(super) fn close_batch(&mut self) {
        if let Some(Batch { stream, values, .. }) = self.batch.take() {
            // There was credit when it was begun, and nothing else uses it. A stream that is over needs no more.
            let sent = self.session.send(stream, StreamItem::Items(values));
            debug_assert!(!matches!(sent, Err(SendError::Full(_))));
        }
    }

    /// About how many bytes wait to be written.
    pub(super) fn gathered(&self) -> usize {
        self.outbox.len() + self.batch.as_ref().map_or(0, |batch| batch.weight)
    }
}

/// About how many bytes a value takes; looked at no further when it is more than `enough`.
fn weight(value: &Value, enough: usize) -> usize {
    const PLAIN: usize = 32;
    let mut sum = PLAIN;
    let mut add = |value: &Value| {
        if sum < enough {
            sum += weight(value, enough - sum);
        }
    };
    match value {
        Value::String(text, _) => sum += text.len(),
        Value::Binary(bytes, _) => sum += bytes.len(),
        Value::List(values, _) => values.iter().for_each(add),
        Value::Record(record, _) => record.iter().for_each(|(_, value)| add(value)),
        Value::Bool(..) | Value::Int(..) | Value::Float(..) | Value::Nothing(_) => {}
        // Seldom and of any size.
        _ => sum += 256,
    }
    sum
}
