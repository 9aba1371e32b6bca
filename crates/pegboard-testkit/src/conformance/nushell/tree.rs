//! Messages as plain trees, whatever their encoding: to look at what was really written, and to write what no codec would.

use pegboard_protocol::codec::Encoding;
use serde_json::{Map, Number, Value as Tree};

/// How deep a tree may be; deeper ones are not looked at.
const DEPTH: usize = 200;

/// The tree that bytes stand for. None for bytes that are not one message, and for what has no form in a tree.
pub(super) fn read(bytes: &[u8], encoding: Encoding) -> Option<Tree> {
    match encoding {
        Encoding::Json => serde_json::from_slice(bytes).ok(),
        Encoding::MsgPack => {
            let mut reader = Reader { bytes };
            let tree = reader.tree(DEPTH)?;
            reader.bytes.is_empty().then_some(tree)
        }
    }
}

/// The bytes of a tree, as real engines write them.
pub(super) fn write(tree: &Tree, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    match encoding {
        Encoding::Json => out.extend_from_slice(format!("{tree}\n").as_bytes()),
        Encoding::MsgPack => msgpack(tree, &mut out),
    }
    out
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn tree(&mut self, depth: usize) -> Option<Tree> {
        let depth = depth.checked_sub(1)?;
        let first = self.unsigned(1)?;
        Some(match first {
            0x00..=0x7f => Tree::from(first),
            0xe0..=0xff => Tree::from(first as i64 - 256),
            0x80..=0x8f => self.map(first & 15, depth)?,
            0x90..=0x9f => self.list(first & 15, depth)?,
            0xa0..=0xbf => self.text(first & 31)?,
            0xc0 => Tree::Null,
            0xc2 => Tree::Bool(false),
            0xc3 => Tree::Bool(true),
            0xc4..=0xc6 => {
                let length = self.unsigned(1 << (first - 0xc4))?;
                self.take(length)?.iter().copied().collect()
            }
            0xca => float(f32::from_bits(self.unsigned(4)? as u32).into()),
            0xcb => float(f64::from_bits(self.unsigned(8)?)),
            0xcc..=0xcf => Tree::from(self.unsigned(1 << (first - 0xcc))?),
            0xd0 => Tree::from(self.unsigned(1)? as i8),
            0xd1 => Tree::from(self.unsigned(2)? as i16),
            0xd2 => Tree::from(self.unsigned(4)? as i32),
            0xd3 => Tree::from(self.unsigned(8)? as i64),
            0xd9..=0xdb => {
                let length = self.unsigned(1 << (first - 0xd9))?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let length = self.unsigned(2 << (first - 0xdc))?;
                self.list(length, depth)?
            }
            0xde | 0xdf => {
                let length = self.unsigned(2 << (first - 0xde))?;
                self.map(length, depth)?
            }
            _ => return None,
        })
    }

    fn unsigned(&mut self, size: u64) -> Option<u64> {
        let bytes = self.take(size)?;
        Some(
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    fn take(&mut self, length: u64) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length.try_into().ok()?)?;
        self.bytes = rest;
        Some(taken)
    }

    fn text(&mut self, length: u64) -> Option<Tree> {
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        Some(Tree::from(text))
    }

    fn list(&mut self, length: u64, depth: usize) -> Option<Tree> {
        (0..length).map(|_| self.tree(depth)).collect()
    }

    fn map(&mut self, length: u64, depth: usize) -> Option<Tree> {
        let mut map = Map::new();
        for _ in 0..length {
            let Tree::String(key) = self.tree(depth)? else {
                return None;
            };
            map.insert(key, self.tree(depth)?);
        }
        Some(Tree::Object(map))
    }
}

fn float(number: f64) -> Tree {
    // What JSON cannot express is as good as any other number here: only its kind is looked at.
    Number::from_f64(number).map_or_else(|| Tree::from(0.0), Tree::Number)
}

fn msgpack(tree: &Tree, out: &mut Vec<u8>) {
    match tree {
        Tree::Null => out.push(0xc0),
        Tree::Bool(value) => out.push(0xc2 + u8::from(*value)),
        Tree::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => {
                out.push(0xcf);
                out.extend(number.to_be_bytes());
            }
            (None, Some(number)) => {
                out.push(0xd3);
                out.extend(number.to_be_bytes());
            }
            (None, None) => {
                out.push(0xcb);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Tree::String(text) => {
            length(0xdb, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Tree::Array(items) => {
            length(0xdd, items.len(), out);
            items.iter().for_each(|item| msgpack(item, out));
        }
        Tree::Object(map) => {
            length(0xdf, map.len(), out);
            for (key, value) in map {
                length(0xdb, key.len(), out);
                out.extend_from_slice(key.as_bytes());
                msgpack(value, out);
            }
        }
    }
}

fn length(marker: u8, length: usize, out: &mut Vec<u8>) {
    out.push(marker);
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tree_is_the_same_in_both_encodings() {
        let tree = json!({"a": [1, -2, 1.5, null, true, "x"], "b": {"c": u64::MAX, "d": i64::MIN}});
        for encoding in [Encoding::Json, Encoding::MsgPack] {
            let bytes = write(&tree, encoding);
            assert_eq!(read(&bytes, encoding), Some(tree.clone()));
            assert_eq!(read(&bytes[..bytes.len() - 2], encoding), None);
        }
    }

    #[test]
    fn every_width_of_msgpack_is_read() {
        for (bytes, tree) in [
            (&b"\xff"[..], json!(-1)),
            (b"\xd1\xff\xfe", json!(-2)),
            (b"\xcd\x01\x00", json!(256)),
            (
                b"\x81\xa1a\x92\x01\xc4\x02\x03\xff",
                json!({"a": [1, [3, 255]]}),
            ),
            (b"\xdc\x00\x01\xd9\x01z", json!(["z"])),
            (b"\xca\x3f\x80\x00\x00", json!(1.0)),
        ] {
            assert_eq!(read(bytes, Encoding::MsgPack), Some(tree));
        }
    }
}
