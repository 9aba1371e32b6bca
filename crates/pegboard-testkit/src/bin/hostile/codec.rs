//! JSON and MessagePack by hand, so that a mistake in Pegboard's own codec cannot hide here.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use pegboard_testkit::hostile::Mode;
use serde_json::{Map, Value};

use crate::endings::die;
use crate::settings::{Encoding, Settings};

/// As much is read at once: what engines write at once is shorter, or long enough not to be taken for a half.
const AT_ONCE: usize = 64 << 10;
/// What `half-messages` has of a message at once is a half if it is no longer than this, in bytes.
const HALF: usize = 1 << 10;

pub(crate) fn encode(encoding: Encoding, message: &Value) -> Vec<u8> {
    match encoding {
        Encoding::Json => message.to_string().into_bytes(),
        Encoding::Msgpack => {
            let mut out = Vec::new();
            pack(message, &mut out);
            out
        }
    }
}

/// Reads messages until the input ends, or until `each` returns false. An error says what could not be read.
pub(crate) fn decode(
    settings: &Settings,
    input: impl Read,
    mut each: impl FnMut(Value) -> bool,
) -> Result<(), String> {
    let mut input = BufReader::with_capacity(AT_ONCE, input);
    loop {
        if settings.has(Mode::HalfMessages) {
            look_for_half_a_message(settings, &mut input);
        }
        let message = match settings.encoding {
            Encoding::Json => line(&mut input),
            Encoding::Msgpack => unpack(&mut input),
        };
        let goes_on = match message {
            Ok(message) => each(message),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(error.to_string()),
            Err(_) => false,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// Exits if what one read gives of the next message is a short piece of it.
fn look_for_half_a_message(settings: &Settings, input: &mut impl BufRead) {
    let Ok(mut bytes @ [_, ..]) = input.fill_buf() else {
        return;
    };
    let is_short = bytes.len() <= HALF;
    let message = match settings.encoding {
        Encoding::Json if bytes.contains(&b'\n') => return,
        Encoding::Json => Err(ErrorKind::UnexpectedEof.into()),
        Encoding::Msgpack => unpack(&mut bytes),
    };
    if is_short && message.is_err_and(|error| error.kind() == ErrorKind::UnexpectedEof) {
        die(settings, "exiting on half a message");
    }
}

/// A message in JSON. Engines end each with a line feed.
fn line(input: &mut impl BufRead) -> io::Result<Value> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    match serde_json::from_slice(&line) {
        Err(error) if !error.is_eof() => Err(invalid(&error.to_string())),
        message => Ok(message?),
    }
}

fn pack(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(v) => out.push(0xc2 | u8::from(*v)),
        Value::Number(v) => match (v.as_u64(), v.as_i64()) {
            (Some(n @ 0..0x80), _) => out.push(n as u8),
            (Some(n), _) => sized(out, 0xcc, n),
            (None, Some(n @ -32..0)) => out.push(n as u8),
            (None, Some(n)) => {
                out.push(0xd3);
                out.extend(n.to_be_bytes());
            }
            (None, None) => {
                out.push(0xcb);
                out.extend(v.as_f64().unwrap_or(0.0).to_be_bytes());
            }
        },
        Value::String(v) => {
            match v.len() as u64 {
                len @ 0..32 => out.push(0xa0 | len as u8),
                len => sized(out, 0xd9, len),
            }
            out.extend(v.as_bytes());
        }
        Value::Array(items) => {
            match items.len() as u64 {
                len @ 0..16 => out.push(0x90 | len as u8),
                len => counted(out, 0xdc, len),
            }
            items.iter().for_each(|item| pack(item, out));
        }
        Value::Object(fields) => {
            match fields.len() as u64 {
                len @ 0..16 => out.push(0x80 | len as u8),
                len => counted(out, 0xde, len),
            }
            for (name, field) in fields {
                pack(&Value::from(name.as_str()), out);
                pack(field, out);
            }
        }
    }
}

fn sized(out: &mut Vec<u8>, tag: u8, n: u64) {
    let bytes = n.to_be_bytes();
    let (step, width) = match n {
        0..0x100 => (0, 1),
        0x100..0x1_0000 => (1, 2),
        0x1_0000..0x1_0000_0000 => (2, 4),
        _ => (3, 8),
    };
    out.push(tag + step);
    out.extend(&bytes[8 - width..]);
}

/// The length of an array or map, which has two bytes or four, never one.
fn counted(out: &mut Vec<u8>, tag: u8, len: u64) {
    if let Ok(len) = u16::try_from(len) {
        out.push(tag);
        out.extend(len.to_be_bytes());
    } else {
        sized(out, tag - 1, len);
    }
}

fn unpack(input: &mut impl Read) -> io::Result<Value> {
    let tag = bytes::<1>(input)?[0];
    Ok(match tag {
        0x00..=0x7f => tag.into(),
        0x80..=0x8f => map(input, (tag & 0x0f).into())?,
        0x90..=0x9f => array(input, (tag & 0x0f).into())?,
        0xa0..=0xbf => string(input, (tag & 0x1f).into())?,
        0xc0 => Value::Null,
        0xc2 | 0xc3 => (tag == 0xc3).into(),
        0xc4..=0xc6 => {
            let len = uint(input, 1 << (tag - 0xc4))?;
            blob(input, len)?.into()
        }
        0xca => f64::from(f32::from_be_bytes(bytes(input)?)).into(),
        0xcb => f64::from_be_bytes(bytes(input)?).into(),
        0xcc..=0xcf => uint(input, 1 << (tag - 0xcc))?.into(),
        0xd0..=0xd3 => {
            let bits = 8 << (tag - 0xd0);
            let unsigned = uint(input, bits / 8)?;
            let shift = 64 - bits as u32;
            ((unsigned << shift) as i64 >> shift).into()
        }
        0xd9..=0xdb => {
            let len = uint(input, 1 << (tag - 0xd9))?;
            string(input, len)?
        }
        0xdc | 0xdd => {
            let len = uint(input, 2 << (tag - 0xdc))?;
            array(input, len)?
        }
        0xde | 0xdf => {
            let len = uint(input, 2 << (tag - 0xde))?;
            map(input, len)?
        }
        0xe0..=0xff => (tag as i8).into(),
        _ => return Err(invalid(&format!("unexpected MessagePack byte {tag:#04x}"))),
    })
}

fn bytes<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn uint(input: &mut impl Read, width: usize) -> io::Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes[8 - width..])?;
    Ok(u64::from_be_bytes(bytes))
}

fn blob(input: &mut impl Read, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match input.take(len).read_to_end(&mut bytes)? as u64 == len {
        true => Ok(bytes),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn string(input: &mut impl Read, len: u64) -> io::Result<Value> {
    let text = String::from_utf8(blob(input, len)?);
    text.map(Value::from)
        .map_err(|_| invalid("a string that is not UTF-8"))
}

fn array(input: &mut impl Read, len: u64) -> io::Result<Value> {
    (0..len).map(|_| unpack(input)).collect()
}

fn map(input: &mut impl Read, len: u64) -> io::Result<Value> {
    let mut fields = Map::new();
    for _ in 0..len {
        match unpack(input)? {
            Value::String(name) => fields.insert(name, unpack(input)?),
            _ => return Err(invalid("a map key that is not text")),
        };
    }
    Ok(fields.into())
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}
