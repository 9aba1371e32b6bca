//! The serializers of lists and records, which take their parts one by one.

use std::cell::Cell;
use std::collections::HashSet;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::ConvertError;
use super::duration::{self, DURATION};
use super::error::Step;
use super::key::KeyText;
use super::ser::{ToValue, tagged};
use crate::{Record, Span, Value};

/// The most items or fields that are made room for on the word of a `Serialize` implementation.
const TRUSTED_LEN: usize = 4096;

/// Collects a list, or bytes when every item of a sequence is a `u8`.
pub(super) struct Items {
    values: Vec<Value>,
    /// The items so far, in place of `values`, while all of them are bytes.
    bytes: Option<Vec<u8>>,
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
    /// It may be a duration.
    is_duration: bool,
}

/// Collects the record inside a struct variant.
pub(super) struct VariantFields {
    pub(super) variant: &'static str,
    pub(super) fields: Fields,
}

impl Items {
    pub(super) fn sequence(len: Option<usize>) -> Items {
        Items {
            values: Vec::new(),
            bytes: Some(Vec::with_capacity(len.unwrap_or(0).min(TRUSTED_LEN))),
        }
    }

    pub(super) fn tuple(len: usize) -> Items {
        Items {
            values: Vec::with_capacity(len.min(TRUSTED_LEN)),
            bytes: None,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ConvertError> {
        let index = self.values.len() + self.bytes.as_ref().map_or(0, Vec::len);
        let byte = Cell::new(None);
        let value = item
            .serialize(ToValue::noticing_bytes(&byte))
            .map_err(|e| e.inside(Step::Index(index)))?;
        match (&mut self.bytes, byte.get()) {
            (Some(bytes), Some(byte)) => bytes.push(byte),
            _ => {
                self.spread();
                self.values.push(value);
            }
        }
        Ok(())
    }

    /// Gives up on bytes: something else has come.
    fn spread(&mut self) {
        if let Some(bytes) = self.bytes.take() {
            let numbers = bytes.into_iter().map(|byte| Value::int(byte.into()));
            self.values.extend(numbers);
        }
    }

    fn finish(self) -> Value {
        match self.bytes {
            Some(bytes) if !bytes.is_empty() => Value::binary(bytes),
            _ => Value::list(self.values),
        }
    }
}

impl Fields {
    pub(super) fn new(len: usize) -> Fields {
        Fields {
            fields: Vec::with_capacity(len.min(TRUSTED_LEN)),
            key: String::new(),
            is_duration: false,
        }
    }

    /// Those of a struct with a name.
    pub(super) fn of(name: &str, len: usize) -> Fields {
        Fields {
            is_duration: name == DURATION.0 && len == DURATION.1.len(),
            ..Fields::new(len)
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
        match duration::of_fields(&self.fields) {
            Some(duration) if self.is_duration => duration,
            _ => Ok(self.finish()),
        }
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
