//! The serializer that builds a [`Value`].

use std::cell::Cell;

use serde::ser::{Serialize, Serializer};

use super::ConvertError;
use super::compound::{Fields, Items, VariantFields, VariantItems};
use crate::{Record, Span, Value};

/// Builds a value.
#[derive(Default)]
pub(super) struct ToValue<'a> {
    /// Set when what is serialized is a plain `u8`. Serde has no other way to tell bytes from a list of numbers.
    byte: Option<&'a Cell<Option<u8>>>,
}

impl<'a> ToValue<'a> {
    pub(super) fn noticing_bytes(byte: &'a Cell<Option<u8>>) -> ToValue<'a> {
        ToValue { byte: Some(byte) }
    }
}

/// A record with one field, which is how a variant with content is written.
pub(super) fn tagged(variant: &str, content: Value) -> Value {
    Value::Record(
        Record::from_unique(vec![(variant.to_owned(), content)]),
        Span::UNKNOWN,
    )
}

fn int<N: Copy + std::fmt::Display + TryInto<i64>>(number: N) -> Result<Value, ConvertError> {
    number.try_into().map(Value::int).map_err(|_| {
        ConvertError::new(format!(
            "the number {number} does not fit into a signed 64-bit integer"
        ))
    })
}

impl Serializer for ToValue<'_> {
    type Ok = Value;
    type Error = ConvertError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = VariantItems;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = VariantFields;

    fn serialize_bool(self, v: bool) -> Result<Value, ConvertError> {
        Ok(Value::bool(v))
    }

    fn serialize_i8(self, v: i8) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_i16(self, v: i16) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_i32(self, v: i32) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_i64(self, v: i64) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_i128(self, v: i128) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_u8(self, v: u8) -> Result<Value, ConvertError> {
        if let Some(byte) = self.byte {
            byte.set(Some(v));
        }
        int(v)
    }

    fn serialize_u16(self, v: u16) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_u32(self, v: u32) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_u64(self, v: u64) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_u128(self, v: u128) -> Result<Value, ConvertError> {
        int(v)
    }

    fn serialize_f32(self, v: f32) -> Result<Value, ConvertError> {
        Ok(Value::float(v.into()))
    }

    fn serialize_f64(self, v: f64) -> Result<Value, ConvertError> {
        Ok(Value::float(v))
    }

    fn serialize_char(self, v: char) -> Result<Value, ConvertError> {
        Ok(Value::string(v))
    }

    fn serialize_str(self, v: &str) -> Result<Value, ConvertError> {
        Ok(Value::string(v))
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Value, ConvertError> {
        Ok(Value::binary(v))
    }

    fn serialize_none(self) -> Result<Value, ConvertError> {
        Ok(Value::nothing())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ConvertError> {
        value.serialize(ToValue::default())
    }

    fn serialize_unit(self) -> Result<Value, ConvertError> {
        Ok(Value::nothing())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ConvertError> {
        Ok(Value::nothing())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, ConvertError> {
        Ok(Value::string(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, ConvertError> {
        value.serialize(ToValue::default())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ConvertError> {
        let content = value
            .serialize(ToValue::default())
            .map_err(|e| e.in_field(variant))?;
        Ok(tagged(variant, content))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, ConvertError> {
        Ok(Items::sequence(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, ConvertError> {
        Ok(Items::tuple(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, ConvertError> {
        Ok(Items::tuple(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<VariantItems, ConvertError> {
        Ok(VariantItems {
            variant,
            items: Items::tuple(len),
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Fields, ConvertError> {
        Ok(Fields::new(len.unwrap_or(0)))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields, ConvertError> {
        Ok(Fields::of(name, len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<VariantFields, ConvertError> {
        Ok(VariantFields {
            variant,
            fields: Fields::new(len),
        })
    }
}
