//! The messages and values that come by the thousands, in the forms that real peers and our own give them, read in one go.
//!
//! Whatever is different in any way, or wrong, is left to the general code, which then begins where this began.

use crate::codec::Sender;
use crate::codec::copy::to_vec;
use crate::nu::{
    Call, CallId, EvaluatedCall, Header, Message, Response, RunCall, StreamId, StreamItem,
};
use crate::{Span, Value};

/// So many arrays and maps are inside each other in a plain value, with its span.
pub(super) const VALUE_DEPTH: usize = 3;
/// And around the values in a message, at most: an argument of a call is the deepest.
pub(super) const MESSAGE_DEPTH: usize = 6;

/// What has not been read yet.
pub(super) struct Quick<'a>(pub(super) &'a [u8]);

impl Quick<'_> {
    /// The most entries of an array or map that are read here.
    pub(super) const MOST: usize = 15;

    /// A message of a stream, an acknowledgement, or a call or response with plain values.
    pub(super) fn message(&mut self, sender: Sender) -> Option<Message> {
        let name = match self.0 {
            [0x81, length @ (0xa3..=0xac), rest @ ..] => {
                let (name, rest) = rest.split_at_checked(usize::from(length & 15))?;
                self.0 = rest;
                name
            }
            _ => return None,
        };
        if name == b"Ack" {
            return self.unsigned().map(|id| Message::Ack(StreamId(id)));
        }
        self.eat(b"\x92")?;
        let id = self.unsigned()?;
        match (name, sender) {
            (b"Data", _) => {
                let item = self.item()?;
                Some(Message::Data(StreamId(id), item))
            }
            (b"Call", Sender::Engine) => {
                let run = self.run()?;
                Some(Message::Call(CallId(id), Call::Run(run)))
            }
            (b"CallResponse", Sender::Plugin) => {
                self.eat(b"\x81\xacPipelineData")?;
                let header = self.header()?;
                Some(Message::CallResponse(CallId(id), Response::Data(header)))
            }
            _ => None,
        }
    }

    #[inline]
    fn item(&mut self) -> Option<StreamItem> {
        match self.0 {
            [0x81, 0xa4, b'L', b'i', b's', b't', rest @ ..] => {
                self.0 = rest;
                self.value().map(StreamItem::List)
            }
            [
                0x81,
                0xa3,
                b'R',
                b'a',
                b'w',
                0x81,
                0xa2,
                b'O',
                b'k',
                rest @ ..,
            ] => {
                self.0 = rest;
                self.bytes().map(StreamItem::Raw)
            }
            _ => None,
        }
    }

    /// A run without flags.
    fn run(&mut self) -> Option<Box<RunCall>> {
        self.eat(b"\x81\xa3Run\x83\xa4name")?;
        let name = self.text()?;
        self.eat(b"\xa4call\x83\xa4head")?;
        let head = self.span()?;
        self.eat(b"\xaapositional")?;
        let count = match self.byte()? {
            few @ 0x90..=0x9f => usize::from(few & 15),
            _ => return None,
        };
        let mut positional = Vec::with_capacity(count);
        for _ in 0..count {
            positional.push(self.value()?);
        }
        self.eat(b"\xa5named\x90\xa5input")?;
        let input = self.header()?;
        let named = Vec::new();
        let call = EvaluatedCall {
            head,
            positional,
            named,
        };
        Some(Box::new(RunCall { name, call, input }))
    }

    /// Nothing, or a plain value without metadata.
    fn header(&mut self) -> Option<Header> {
        match self.0 {
            [0xa5, b'E', b'm', b'p', b't', b'y', rest @ ..] => {
                self.0 = rest;
                Some(Header::Empty)
            }
            [0x81, 0xa5, b'V', b'a', b'l', b'u', b'e', 0x92, rest @ ..] => {
                self.0 = rest;
                let value = self.value()?;
                self.eat(b"\xc0")?;
                Some(Header::Value(value, None))
            }
            _ => None,
        }
    }

    /// A value that holds no other.
    #[inline]
    pub(super) fn value(&mut self) -> Option<Value> {
        match self.0 {
            [0x81, 0xa3, b'I', b'n', b't', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::signed, Value::Int)
            }
            [0x81, 0xa6, b'S', b't', b'r', b'i', b'n', b'g', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::text, Value::String)
            }
            [0x81, 0xa4, b'B', b'o', b'o', b'l', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::bool, Value::Bool)
            }
            [0x81, 0xa5, b'F', b'l', b'o', b'a', b't', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::float, Value::Float)
            }
            [
                0x81,
                0xa8,
                b'F',
                b'i',
                b'l',
                b'e',
                b's',
                b'i',
                b'z',
                b'e',
                rest @ ..,
            ] => {
                self.0 = rest;
                self.body(Quick::signed, Value::Filesize)
            }
            [
                0x81,
                0xa8,
                b'D',
                b'u',
                b'r',
                b'a',
                b't',
                b'i',
                b'o',
                b'n',
                rest @ ..,
            ] => {
                self.0 = rest;
                self.body(Quick::signed, Value::Duration)
            }
            [0x81, 0xa6, b'B', b'i', b'n', b'a', b'r', b'y', rest @ ..] => {
                self.0 = rest;
                self.body(Quick::bytes, Value::Binary)
            }
            [
                0x81,
                0xa7,
                b'N',
                b'o',
                b't',
                b'h',
                b'i',
                b'n',
                b'g',
                rest @ ..,
            ] => {
                self.0 = rest;
                match self.byte()? {
                    0x81 => self.eat(b"\xa4span")?,
                    0x91 => {}
                    _ => return None,
                }
                self.span().map(Value::Nothing)
            }
            _ => None,
        }
    }

    #[inline]
    fn body<T>(
        &mut self,
        read: fn(&mut Self) -> Option<T>,
        make: fn(T, Span) -> Value,
    ) -> Option<Value> {
        let content = match self.byte()? {
            0x92 => read(self)?,
            0x82 => {
                self.eat(b"\xa3val")?;
                let content = read(self)?;
                self.eat(b"\xa4span")?;
                content
            }
            _ => return None,
        };
        Some(make(content, self.span()?))
    }

    #[inline]
    pub(super) fn span(&mut self) -> Option<Span> {
        match self.byte()? {
            0x92 => {
                let (start, end) = (self.unsigned()?, self.unsigned()?);
                Some(Span { start, end })
            }
            0x82 => {
                self.eat(b"\xa5start")?;
                let start = self.unsigned()?;
                self.eat(b"\xa3end")?;
                let end = self.unsigned()?;
                Some(Span { start, end })
            }
            _ => None,
        }
    }

    #[inline]
    fn eat(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline]
    fn unsigned(&mut self) -> Option<u64> {
        Some(match self.byte()? {
            small @ 0x00..=0x7f => u64::from(small),
            0xcc => u64::from(self.byte()?),
            0xcd => u64::from(u16::from_be_bytes(self.array()?)),
            0xce => u64::from(u32::from_be_bytes(self.array()?)),
            0xcf => u64::from_be_bytes(self.array()?),
            _ => return None,
        })
    }

    #[inline]
    fn signed(&mut self) -> Option<i64> {
        let before = self.0;
        Some(match self.byte()? {
            small @ 0xe0..=0xff => i64::from(small as i8),
            0xd0 => i64::from(self.byte()? as i8),
            0xd1 => i64::from(i16::from_be_bytes(self.array()?)),
            0xd2 => i64::from(i32::from_be_bytes(self.array()?)),
            0xd3 => i64::from_be_bytes(self.array()?),
            _ => {
                self.0 = before;
                return i64::try_from(self.unsigned()?).ok();
            }
        })
    }

    #[inline]
    fn bool(&mut self) -> Option<bool> {
        match self.byte()? {
            0xc2 => Some(false),
            0xc3 => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn float(&mut self) -> Option<f64> {
        match self.byte()? {
            0xcb => Some(f64::from_be_bytes(self.array()?)),
            _ => None,
        }
    }

    #[inline]
    fn text(&mut self) -> Option<String> {
        let length = match self.byte()? {
            short @ 0xa0..=0xbf => usize::from(short & 31),
            0xd9 => usize::from(self.byte()?),
            0xda => usize::from(u16::from_be_bytes(self.array()?)),
            0xdb => u32::from_be_bytes(self.array()?) as usize,
            _ => return None,
        };
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        Some(text.to_owned())
    }

    /// Bytes as such; arrays of integers are for the general code.
    #[inline]
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = match self.byte()? {
            0xc4 => usize::from(self.byte()?),
            0xc5 => usize::from(u16::from_be_bytes(self.array()?)),
            0xc6 => u32::from_be_bytes(self.array()?) as usize,
            _ => return None,
        };
        self.take(length).map(to_vec)
    }
}
