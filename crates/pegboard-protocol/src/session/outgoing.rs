//! What waits to be sent. Acknowledgements of one stream that follow one another are counted, not kept.

use std::collections::VecDeque;

use crate::nu::{Message, StreamId};

/// Messages in the order in which they are to be sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    // bounded by: the streams' credit, and what the application asks for; acknowledgements by what was received
    queue: VecDeque<Said>,
}

#[derive(Debug)]
enum Said {
    Message(Message),
    /// At least one.
    Acks(StreamId, usize),
}

impl Outgoing {
    pub(super) fn push(&mut self, message: Message) {
        match message {
            Message::Ack(stream) => self.acknowledge(stream, 1),
            message => self.queue.push_back(Said::Message(message)),
        }
    }

    /// Adds so many acknowledgements.
    pub(super) fn acknowledge(&mut self, stream: StreamId, count: usize) {
        match self.queue.back_mut() {
            _ if count == 0 => {}
            Some(Said::Acks(last, waiting)) if *last == stream => *waiting += count,
            _ => self.queue.push_back(Said::Acks(stream, count)),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        if let Some(Said::Acks(stream, count @ 2..)) = self.queue.front_mut() {
            *count -= 1;
            return Some(Message::Ack(*stream));
        }
        Some(match self.queue.pop_front()? {
            Said::Message(message) => message,
            Said::Acks(stream, _) => Message::Ack(stream),
        })
    }

    /// The acknowledgements that are next; none if something else is.
    pub(super) fn pop_acks(&mut self) -> Option<(StreamId, usize)> {
        let Some(&Said::Acks(stream, count)) = self.queue.front() else {
            return None;
        };
        self.queue.pop_front();
        Some((stream, count))
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Forgets what was to be sent of a stream.
    pub(super) fn retract(&mut self, stream: StreamId) {
        self.queue.retain(|said| {
            !matches!(
                said,
                Said::Message(Message::Data(id, _) | Message::End(id)) if *id == stream
            )
        });
    }
}

impl Extend<Message> for Outgoing {
    fn extend<T: IntoIterator<Item = Message>>(&mut self, messages: T) {
        messages.into_iter().for_each(|message| self.push(message));
    }
}

impl FromIterator<Message> for Outgoing {
    fn from_iter<T: IntoIterator<Item = Message>>(messages: T) -> Outgoing {
        let mut outgoing = Outgoing::default();
        outgoing.extend(messages);
        outgoing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: StreamId = StreamId(1);
    const TWO: StreamId = StreamId(2);

    fn said() -> Outgoing {
        let mut outgoing = Outgoing::default();
        outgoing.acknowledge(ONE, 0);
        outgoing.push(Message::Ack(ONE));
        outgoing.acknowledge(ONE, 2);
        outgoing.push(Message::Ack(TWO));
        outgoing.push(Message::End(ONE));
        outgoing.push(Message::Ack(TWO));
        outgoing
    }

    #[test]
    fn acknowledgements_keep_their_place_and_number() {
        let mut outgoing = said();
        let all: Vec<Message> = std::iter::from_fn(|| outgoing.pop()).collect();
        let expected = [
            Message::Ack(ONE),
            Message::Ack(ONE),
            Message::Ack(ONE),
            Message::Ack(TWO),
            Message::End(ONE),
            Message::Ack(TWO),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn acknowledgements_are_taken_together() {
        let mut outgoing = said();
        assert_eq!(outgoing.pop(), Some(Message::Ack(ONE)));
        assert_eq!(outgoing.pop_acks(), Some((ONE, 2)));
        assert_eq!(outgoing.pop_acks(), Some((TWO, 1)));
        assert_eq!(outgoing.pop_acks(), None);
        outgoing.retract(ONE);
        assert_eq!(outgoing.pop_acks(), Some((TWO, 1)));
        assert_eq!(outgoing.pop(), None);
    }
}
