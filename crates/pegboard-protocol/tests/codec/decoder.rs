//! Bytes arrive in any pieces: messages come out as soon as they are whole, and the work stays linear.

use pegboard_protocol::codec::{self, DecodeErrorKind, Decoder, Encoding, Limits, Sender};
use pegboard_protocol::nu::{Dialect, Message, StreamId, StreamItem};
use pegboard_protocol::{Span, Value};

use crate::common::{BOTH, encode};

fn decoder(encoding: Encoding) -> Decoder {
    Decoder::new(encoding, Sender::Plugin, Limits::default())
}

fn item(value: Value) -> Message {
    Message::Data(StreamId(1), StreamItem::List(value))
}

fn bytes(message: &Message, encoding: Encoding) -> Vec<u8> {
    encode(message, Sender::Plugin, encoding, Dialect::NEWEST).unwrap()
}

#[test]
fn a_message_acts_at_its_last_byte() {
    for encoding in BOTH {
        let messages = [
            item(Value::list([Value::string("\"\\é\n}"), Value::float(0.5)])),
            item(Value::record([("a", Value::binary([0, 200]))])),
            Message::End(StreamId(300)),
        ];
        for message in messages {
            let mut bytes = bytes(&message, encoding);
            if encoding == Encoding::Json {
                bytes.pop();
            }
            let mut decoder = decoder(encoding);
            let (last, rest) = bytes.split_last().unwrap();
            for byte in rest {
                decoder.feed(&[*byte]);
                assert_eq!(decoder.next().unwrap(), None);
                assert!(decoder.finish().is_err());
            }
            decoder.feed(&[*last]);
            let frame = decoder.next().unwrap().unwrap();
            assert_eq!(frame.message, message);
            assert_eq!(frame.size, bytes.len());
            decoder.finish().unwrap();
        }
    }
}

#[test]
fn a_word_acts_at_its_closing_quote() {
    let mut decoder = Decoder::new(Encoding::Json, Sender::Engine, Limits::default());
    for byte in b"\"Goodbye" {
        decoder.feed(&[*byte]);
        assert_eq!(decoder.next().unwrap(), None);
    }
    decoder.feed(b"\"");
    assert_eq!(decoder.next().unwrap().unwrap().message, Message::Goodbye);
}

#[test]
fn the_end_of_input_inside_a_message_is_named() {
    let mut decoder = decoder(Encoding::Json);
    decoder.feed(b" \r\n");
    assert_eq!(decoder.next().unwrap(), None);
    decoder.finish().unwrap();
    decoder.feed(b"{\"Data\":[0,{\"List\"");
    assert_eq!(decoder.next().unwrap(), None);
    let error = decoder.finish().unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Truncated);
    assert!(error.to_string().contains("18 bytes into it"), "{error}");
}

#[test]
fn errors_stay() {
    let mut decoder = decoder(Encoding::Json);
    decoder.feed(b"oops");
    let error = decoder.next().unwrap_err();
    decoder.feed(b"{\"End\":1}");
    assert_eq!(decoder.next().unwrap_err(), error);
    assert_eq!(decoder.finish().unwrap_err(), error);
}

#[test]
fn brackets_that_do_not_match() {
    let mut decoder = decoder(Encoding::Json);
    decoder.feed(b"{\"End\":1");
    assert_eq!(decoder.next().unwrap(), None);
    decoder.feed(b"]");
    assert_eq!(decoder.next().unwrap_err().kind(), DecodeErrorKind::Syntax);
    let mut decoder = self::decoder(Encoding::Json);
    decoder.feed(b"{\"More\":[1,[2");
    assert_eq!(decoder.next().unwrap(), None);
    decoder.feed(b"]}");
    assert_eq!(decoder.next().unwrap(), None);
}

/// 16 MiB in pieces of 4 KiB: every byte is looked at about twice, and the buffer is about as large as the message.
#[test]
fn large_messages_cost_linear_work_and_their_own_size() {
    let size: usize = 16 << 20;
    let values = [
        Value::string("x".repeat(size)),
        Value::list(vec![Value::string("x".repeat(4000)); size / 4000]),
        Value::binary(vec![1; size / 2]),
    ];
    for encoding in BOTH {
        for value in &values {
            let bytes = bytes(&item(value.clone()), encoding);
            let mut decoder = decoder(encoding);
            let mut largest = 0;
            let mut found = None;
            for piece in bytes.chunks(4096) {
                decoder.feed(piece);
                largest = largest.max(decoder.capacity());
                if let Some(frame) = decoder.next().unwrap() {
                    found = Some(frame);
                }
            }
            let frame = found.unwrap();
            assert!(frame.size + 1 >= bytes.len());
            assert!(largest <= bytes.len() * 3 / 2 + (1 << 20), "{largest}");
            let examined = decoder.examined() as usize;
            assert!(examined <= 2 * bytes.len() + 8192, "{examined}");
            assert_eq!(decoder.next().unwrap(), None);
            assert!(decoder.capacity() <= 1 << 20, "{}", decoder.capacity());
            decoder.finish().unwrap();
        }
    }
}

/// Many small messages in pieces that cut them anywhere: a bounded number of looks at each byte, a small buffer.
#[test]
fn small_messages_cost_linear_work() {
    for encoding in BOTH {
        let one = bytes(&item(Value::int(5).at(Span::new(10, 20))), encoding);
        let count = 20_000;
        let all = one.repeat(count);
        for piece in [1, 7, 4096, 1 << 16] {
            let mut decoder = decoder(encoding);
            let mut seen = 0;
            for piece in all.chunks(piece) {
                decoder.feed(piece);
                while decoder.next().unwrap().is_some() {
                    seen += 1;
                }
            }
            assert_eq!(seen, count);
            assert!(decoder.examined() as usize <= 3 * all.len());
            assert!(decoder.capacity() <= 1 << 18);
        }
    }
}

#[test]
fn announcements() {
    for encoding in BOTH {
        let bytes = encoding.announcement();
        for cut in 0..bytes.len() {
            assert_eq!(codec::parse_announcement(&bytes[..cut]), Ok(None));
        }
        let with_more = [bytes, b"{"].concat();
        let parsed = codec::parse_announcement(&with_more).unwrap();
        assert_eq!(parsed, Some((encoding, bytes.len())));
    }
    let cases: [(&[u8], &str); 6] = [
        (b"hello world\n", "it wrote: hello world"),
        (b"Usage: tool [OPTIONS]", "it wrote: Usage: tool [OPTIONS]"),
        (b"{\"Hello\":", "it wrote: {\"Hello\":"),
        (b"\n\nWelcome", "it wrote: Welcome"),
        (
            b"\x04yaml",
            "`yaml`, which is not known: use `json` or `msgpack`",
        ),
        (b"\0", "does not announce an encoding"),
    ];
    for (bytes, expected) in cases {
        let error = codec::parse_announcement(bytes).unwrap_err();
        assert_eq!(error.kind(), DecodeErrorKind::Announcement);
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(codec::parse_announcement(b"\x04ya"), Ok(None));
}

#[test]
fn numbers_take_the_fewest_bytes_and_come_back() {
    let rows: [(&[i64], usize); 5] = [
        (&[0, 127, -1, -32], 1),
        (&[128, 255, -33, -128], 2),
        (&[256, 65_535, -129, -32_768], 3),
        (&[65_536, 4_294_967_295, -32_769, -2_147_483_648], 5),
        (&[4_294_967_296, i64::MAX, -2_147_483_649, i64::MIN], 9),
    ];
    let smallest = bytes(&item(Value::int(0)), Encoding::MsgPack).len();
    for (numbers, width) in rows {
        for &number in numbers {
            let span = Span {
                start: number.unsigned_abs(),
                end: u64::MAX,
            };
            let plain = item(Value::int(number));
            let written = bytes(&plain, Encoding::MsgPack);
            assert_eq!(written.len(), smallest - 1 + width, "{number}");
            for message in [
                plain,
                item(Value::filesize(number).at(span)),
                item(Value::duration(number).at(span)),
                Message::Data(
                    StreamId(u64::MAX),
                    StreamItem::Items(vec![Value::int(number).at(span)]),
                ),
            ] {
                let mut decoder = decoder(Encoding::MsgPack);
                decoder.feed(&bytes(&message, Encoding::MsgPack));
                assert_eq!(
                    decoder.next().unwrap().map(|frame| frame.message),
                    Some(message)
                );
            }
        }
    }
}
