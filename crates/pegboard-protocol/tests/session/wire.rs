//! What is under way between two sides: messages, or bytes that arrive cut anywhere.

use std::collections::VecDeque;

use pegboard_protocol::codec::{self, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Message};

/// What carries messages from one side to the other, in order.
pub(crate) enum Wire {
    Messages(VecDeque<Message>),
    Bytes {
        encoding: Encoding,
        sender: Sender,
        bytes: VecDeque<u8>,
        decoder: Box<Decoder>,
    },
}

impl Wire {
    pub(crate) fn new(encoding: Option<Encoding>, sender: Sender) -> Wire {
        match encoding {
            None => Wire::Messages(VecDeque::new()),
            Some(encoding) => Wire::Bytes {
                encoding,
                sender,
                bytes: VecDeque::new(),
                decoder: Box::new(Decoder::new(encoding, sender, Limits::default())),
            },
        }
    }

    pub(crate) fn put(&mut self, message: Message, dialect: Dialect) {
        match self {
            Wire::Messages(messages) => messages.push_back(message),
            Wire::Bytes {
                encoding,
                sender,
                bytes,
                ..
            } => {
                let mut out = Vec::new();
                codec::encode(&message, *sender, *encoding, dialect, &mut out).unwrap();
                bytes.extend(out);
            }
        }
    }

    pub(crate) fn take(&mut self, amount: usize) -> Vec<(Message, usize)> {
        match self {
            Wire::Messages(messages) => {
                let count = amount.min(messages.len());
                messages
                    .drain(..count)
                    .map(|message| (message, 40))
                    .collect()
            }
            Wire::Bytes { bytes, decoder, .. } => {
                let count = amount.min(bytes.len());
                decoder.feed(&bytes.drain(..count).collect::<Vec<_>>());
                let next = || {
                    decoder
                        .next()
                        .unwrap()
                        .map(|frame| (frame.message, frame.size))
                };
                std::iter::from_fn(next).collect()
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Wire::Messages(messages) => messages.is_empty(),
            Wire::Bytes { bytes, .. } => bytes.is_empty(),
        }
    }
}
