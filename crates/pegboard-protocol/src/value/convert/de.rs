//! The deserializer that reads a [`Value`].

use std::slice;

use chrono::SecondsFormat;
use serde::de::value::{SeqDeserializer, U8Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::ConvertError;
use super::duration::{DURATION, NANOSECONDS};
use super::error::Step;
use super::key::Key;
use crate::{Record, Value};

/// Reads a value.
#[derive(Clone, Copy)]
pub(super) struct FromValue<'de>(pub(super) &'de Value);

type Result<T> = std::result::Result<T, ConvertError>;

impl<'de> FromValue<'de> {
    fn mismatch<T>(self, expected: &dyn Expected) -> Result<T> {
        Err(ConvertError::mismatch(expected.to_string(), self.0))
    }

    fn items<V: Visitor<'de>>(self, values: &'de [Value], visitor: V) -> Result<V::Value> {
        let mut items = Items {
            values: values.iter(),
            index: 0,
        };
        let result = visitor.visit_seq(&mut items)?;
        match items.values.len() {
            0 => Ok(result),
            rest => Err(ConvertError::new(format!(
                "expected a list of {}, found one of {}",
                values.len() - rest,
                values.len()
            ))),
        }
    }

    fn bytes<V: Visitor<'de>>(self, bytes: &'de [u8], visitor: V) -> Result<V::Value> {
        let mut items = Bytes(bytes.iter());
        let result = visitor.visit_seq(&mut items)?;
        match items.0.len() {
            0 => Ok(result),
            rest => Err(ConvertError::new(format!(
                "expected {} bytes, found {}",
                bytes.len() - rest,
                bytes.len()
            ))),
        }
    }

    fn fields<V: Visitor<'de>>(self, record: &'de Record, visitor: V) -> Result<V::Value> {
        visitor.visit_map(Fields {
            fields: record.iter(),
            next: None,
        })
    }

    /// Hands a duration over in the shape that the standard library's has.
    fn duration<V: Visitor<'de>>(self, nanoseconds: i64, visitor: V) -> Result<V::Value> {
        let negative = |_| ConvertError::new("must not be negative").at(self.0);
        let nanoseconds = u64::try_from(nanoseconds).map_err(negative)?;
        let parts = [nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS];
        visitor
            .visit_seq(SeqDeserializer::<_, ConvertError>::new(parts.into_iter()))
            .map_err(|e| e.at(self.0))
    }

    /// Hands the value over in the shape that it has.
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Bool(v, _) => visitor.visit_bool(*v),
            Value::Int(v, _) | Value::Filesize(v, _) | Value::Duration(v, _) => {
                visitor.visit_i64(*v)
            }
            Value::Float(v, _) => visitor.visit_f64(*v),
            Value::String(v, _) => visitor.visit_borrowed_str(v),
            Value::Glob(v, _) => visitor.visit_borrowed_str(&v.pattern),
            Value::Date(v, _) => {
                visitor.visit_string(v.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            Value::Range(v, _) => visitor.visit_string(v.to_string()),
            Value::CellPath(v, _) => visitor.visit_string(v.to_string()),
            Value::Record(v, _) => self.fields(v, visitor),
            Value::List(v, _) => self.items(v, visitor),
            // As numbers, because a type that takes anything seldom takes bytes, and byte buffers take numbers.
            Value::Binary(v, _) => self.bytes(v, visitor),
            Value::Nothing(_) => visitor.visit_unit(),
            Value::Closure(..) | Value::Error(..) | Value::Custom(..) => self.mismatch(&visitor),
        }
    }
}

macro_rules! visit_as_it_is {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for FromValue<'de> {
    type Error = ConvertError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.visit(visitor).map_err(|e| e.at(self.0))
    }

    visit_as_it_is! { deserialize_i128 deserialize_u128 }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 char str string unit unit_struct identifier
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Float(v, _) => visitor.visit_f64(*v),
            Value::Int(v, _) => visitor.visit_f64(*v as f64),
            _ => self.mismatch(&visitor),
        }
        .map_err(|e| e.at(self.0))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Binary(v, _) => visitor.visit_borrowed_bytes(v),
            _ => self.visit(visitor),
        }
        .map_err(|e: ConvertError| e.at(self.0))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Nothing(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|e| e.at(self.0))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self).map_err(|e| e.at(self.0))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::List(..) | Value::Binary(..) => self.deserialize_any(visitor),
            _ => self.mismatch(&"list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Record(..) => self.deserialize_any(visitor),
            _ => self.mismatch(&"record"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.0 {
            Value::Duration(nanoseconds, _) if (name, fields) == DURATION => {
                self.duration(*nanoseconds, visitor)
            }
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let variant = match self.0 {
            Value::String(variant, _) => Some((variant.as_str(), None)),
            Value::Glob(glob, _) => Some((glob.pattern.as_str(), None)),
            Value::Record(record, _) if record.len() == 1 => record
                .iter()
                .next()
                .map(|(name, value)| (name, Some(value))),
            _ => None,
        };
        match variant {
            Some((name, content)) => visitor
                .visit_enum(Variant { name, content })
                .map_err(|e| e.at(self.0)),
            None => Err(ConvertError::mismatch(
                format!("a variant of {name} (text, or a record with one field)"),
                self.0,
            )),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }
}

struct Items<'de> {
    values: slice::Iter<'de, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ConvertError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some(value) = self.values.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(FromValue(value))
            .map(Some)
            .map_err(|e| e.at(value).inside(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

struct Bytes<'de>(slice::Iter<'de, u8>);

impl<'de> SeqAccess<'de> for Bytes<'de> {
    type Error = ConvertError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let byte = self.0.next().copied();
        byte.map(|byte| {
            let byte: U8Deserializer<ConvertError> = byte.into_deserializer();
            seed.deserialize(byte)
        })
        .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Fields<'de, I> {
    fields: I,
    next: Option<(&'de str, &'de Value)>,
}

impl<'de, I: Iterator<Item = (&'de str, &'de Value)>> MapAccess<'de> for Fields<'de, I> {
    type Error = ConvertError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next = self.fields.next();
        self.next
            .map(|(name, value)| seed.deserialize(Key(name)).map_err(|e| e.at(value)))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let Some((name, value)) = self.next.take() else {
            return Err(ConvertError::new("a field's value was asked for twice"));
        };
        seed.deserialize(FromValue(value))
            .map_err(|e| e.at(value).in_field(name))
    }

    fn size_hint(&self) -> Option<usize> {
        self.fields.size_hint().1
    }
}

struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ConvertError;
    type Variant = Variant<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Variant<'de>)> {
        Ok((seed.deserialize(Key(self.name))?, self))
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<FromValue<'de>> {
        self.content.map(FromValue).ok_or_else(|| {
            ConvertError::new(format!(
                "the variant `{}` needs content: a record with the field `{0}`",
                self.name
            ))
        })
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ConvertError;

    fn unit_variant(self) -> Result<()> {
        match self.content {
            None | Some(Value::Nothing(_)) => Ok(()),
            Some(other) => Err(ConvertError::mismatch("nothing", other).in_field(self.name)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        let content = self.content()?;
        seed.deserialize(content)
            .map_err(|e| e.at(content.0).in_field(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.content()?
            .deserialize_tuple(len, visitor)
            .map_err(|e| e.in_field(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.content()?
            .deserialize_map(visitor)
            .map_err(|e| e.in_field(self.name))
    }
}
