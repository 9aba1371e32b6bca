//! What is written is read back, for a type that uses most of what serde offers.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Meters, Shape, Tagged};
use crate::value::convert::{from_value, to_json, to_value};

/// A type that uses most of what serde's derive offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    number: i64,
    float: f64,
    letter: char,
    text: String,
    bytes: Vec<u8>,
    maybe: Option<Box<Everything>>,
    pair: (u8, f32),
    shapes: Vec<Shape>,
    tagged: Tagged,
    by_number: BTreeMap<i16, Meters>,
    by_name: BTreeMap<String, Option<u32>>,
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Unit),
        any::<i32>().prop_map(Shape::Newtype),
        any::<(i8, String)>().prop_map(|(a, b)| Shape::Tuple(a, b)),
        any::<bool>().prop_map(|wide| Shape::Struct { wide }),
    ]
}

fn everything() -> impl Strategy<Value = Everything> {
    let float = -1e300_f64..1e300;
    let leaf = (
        any::<(bool, i64, char, String, Vec<u8>, u8)>(),
        (float.clone(), -1e30_f32..1e30),
        prop::collection::vec(shape(), 0..4),
        prop_oneof![
            Just(Tagged::Empty),
            any::<(Vec<u8>, Option<u32>)>().prop_map(|(data, size)| Tagged::Blob { data, size }),
        ],
        prop::collection::btree_map(any::<i16>(), float.prop_map(Meters), 0..4),
        any::<BTreeMap<String, Option<u32>>>(),
    )
        .prop_map(|(plain, floats, shapes, tagged, by_number, by_name)| {
            let (flag, number, letter, text, bytes, small) = plain;
            Everything {
                flag,
                number,
                float: floats.0,
                letter,
                text,
                bytes,
                maybe: None,
                pair: (small, floats.1),
                shapes,
                tagged,
                by_number,
                by_name,
            }
        })
        .boxed();
    (leaf.clone(), prop::option::of(leaf)).prop_map(|(outer, inner)| Everything {
        maybe: inner.map(Box::new),
        ..outer
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_is_read_back(everything in everything()) {
        let value = to_value(&everything).unwrap();
        prop_assert_eq!(from_value::<Everything>(value).unwrap(), everything);
    }

    #[test]
    fn conversion_agrees_with_serde_json(everything in everything()) {
        let through_value = to_json(&to_value(&everything).unwrap()).unwrap();
        let read: Everything = serde_json::from_value(through_value).unwrap();
        prop_assert_eq!(read, everything);
    }
}
