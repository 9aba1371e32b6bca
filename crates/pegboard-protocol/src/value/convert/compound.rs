//! The serializers of lists and records, which take their parts one by one.

use std::cell::Cell;
use std::collections::HashSet;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::ConvertError;
use super::error::Step;
use super::key::KeyText;
use super::ser::{ToValue, tagged};
use crate::{Record, Span, Value};

/// The most items or fields that are made room for on the word of a `Serialize` implementation.
const TRUSTED_LEN: usize = 4096;

/// Collects a list, or bytes when every item of a sequence is a `u8`.
pub(super) struct Items {
    values: Vec<Value>,
    all_bytes: bool,
}

/// Collects the list inside a tuple variant.
pub(super) struct VariantItems {
    pub(super) variant: &'static str,
    pub(super) items: Items,
}

/// Collects a record.
pub(super) struct Fields {
    fields: Vec<(String, Value)>,
    key: String,
}

/// Collects the record inside a struct variant.
pub(super) struct VariantFields {
    pub(super) variant: &'static str,
    pub(super) fields: Fields,
}

impl Items {
    pub(super) fn sequence(len: Option<usize>) -> Items {
        Items {
            all_bytes: true,
            ..Items::tuple(len.unwrap_or(0))
        }
    }

    pub(super) fn tuple(len: usize) -> Items {
        Items {
            values: Vec::with_capacity(len.min(TRUSTED_LEN)),
            all_bytes: false,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ConvertError> {
        let index = self.values.len();
        let is_byte = Cell::new(false);
        let value = item
            .serialize(ToValue::noticing_bytes(&is_byte))
            .map_err(|e| e.inside(Step::Index(index)))?;
        self.all_bytes &= is_byte.get();
        self.values.push(value);
        Ok(())
    }

    fn finish(self) -> Value {
        if !self.all_bytes || self.values.is_empty() {
            return Value::list(self.values);
        }
        let bytes: Option<Vec<u8>> = self.values.iter().map(byte).collect();
        bytes.map_or_else(|| Value::list(self.values), Value::binary)
    }
}

fn byte(value: &Value) -> Option<u8> {
    match value {
        Value::Int(number, _) => u8::try_from(*number).ok(),
        _ => None,
    }
}

impl Fields {
    pub(super) fn new(len: usize) -> Fields {
        Fields {
            fields: Vec::with_capacity(len.min(TRUSTED_LEN)),
            key: String::new(),
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, key: String, field: &T) -> Result<(), ConvertError> {
        let value = field
            .serialize(ToValue::default())
            .map_err(|e| e.in_field(&key))?;
        self.fields.push((key, value));
        Ok(())
    }

    fn finish(self) -> Value {
        let mut seen = HashSet::with_capacity(self.fields.len());
        let unique = self
            .fields
            .iter()
            .all(|(name, _)| seen.insert(name.as_str()));
        let record = if unique {
            Record::from_unique(self.fields)
        } else {
            self.fields.into_iter().collect()
        };
        Value::Record(record, Span::UNKNOWN)
    }
}

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ConvertError> {
        self.push(item)
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(self.finish())
    }
}

impl SerializeTuple for Items {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ConvertError> {
        self.push(item)
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(self.finish())
    }
}

impl SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ConvertError> {
        self.push(item)
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(self.finish())
    }
}

impl SerializeTupleVariant for VariantItems {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ConvertError> {
        self.items.push(item).map_err(|e| e.in_field(self.variant))
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(tagged(self.variant, self.items.finish()))
    }
}

impl SerializeMap for Fields {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ConvertError> {
        self.key = key.serialize(KeyText)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConvertError> {
        let key = std::mem::take(&mut self.key);
        self.push(key, value)
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(self.finish())
    }
}

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ConvertError> {
        self.push(key.to_owned(), value)
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(self.finish())
    }
}

impl SerializeStructVariant for VariantFields {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ConvertError> {
        self.fields
            .push(key.to_owned(), value)
            .map_err(|e| e.in_field(self.variant))
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(tagged(self.variant, self.fields.finish()))
    }
}
