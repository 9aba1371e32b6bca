//! Custom values: every operation, by handle.

use std::path::Path;
use std::sync::Mutex;

use pegboard_plugin::protocol::nu::{
    Call as WireCall, Comparison, CustomValueOp, Header, Math, Operator, Ordering, Response,
};
use pegboard_plugin::protocol::{CustomValue, Owner, Spanned};
use pegboard_plugin::{
    Command, CustomType, Engine, Input, LabeledError, Plugin, Span, SyntaxShape, Value,
};
use serde::{Deserialize, Serialize};

use super::bench::{Bench, args, check};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Counter {
    count: i64,
}

static DROPPED: Mutex<Vec<i64>> = Mutex::new(Vec::new());

impl CustomType for Counter {
    const NAME: &'static str = "Counter";
    const NOTIFY_ON_DROP: bool = true;

    fn to_base_value(&self, span: Span) -> Result<Value, LabeledError> {
        Ok(Value::int(self.count).at(span))
    }

    fn follow_index(&self, index: u64, at: Span, optional: bool) -> Result<Value, LabeledError> {
        match index {
            0 => Ok(Value::int(self.count)),
            _ if optional => Ok(Value::nothing()),
            _ => Err(LabeledError::new("no such item").with_label("this", at)),
        }
    }

    fn follow_field(
        &self,
        name: &str,
        at: Span,
        _: bool,
        insensitive: bool,
    ) -> Result<Value, LabeledError> {
        match name {
            "me" => Counter { count: self.count }.into_handle(at),
            "COUNT" if insensitive => Ok(Value::int(self.count)),
            _ => Err(LabeledError::new("no such field").with_label("this", at)),
        }
    }

    fn compare(&self, other: &Value) -> Option<Ordering> {
        match other {
            Value::Int(number, _) => Some(self.count.cmp(number)),
            _ => None,
        }
    }

    fn operate(&self, operator: Operator, right: &Value, at: Span) -> Result<Value, LabeledError> {
        match (operator, right) {
            (Operator::Math(Math::Add), Value::Int(number, _)) => Counter {
                count: self.count + number,
            }
            .into_handle(at),
            (Operator::Math(Math::Pow), _) => panic!("in an operation"),
            _ => Err(LabeledError::new("cannot").with_label("this", at)),
        }
    }

    fn save(&self, path: &Path, _: Span) -> Result<(), LabeledError> {
        assert_eq!(path, Path::new("/a/b"));
        Ok(())
    }

    fn dropped(self, _: &Engine) {
        DROPPED.lock().unwrap().push(self.count);
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Plain;

impl CustomType for Plain {
    const NAME: &'static str = "Plain";
    fn to_base_value(&self, _: Span) -> Result<Value, LabeledError> {
        Ok(Value::string("plain"))
    }
}

fn plugin() -> Plugin {
    let example = Value::list([Counter { count: 9 }.into_handle(Span::UNKNOWN).unwrap()]);
    Plugin::new("test", "1")
        .custom::<Counter>()
        .custom::<Plain>()
        .command(
            Command::new("make", "Makes one")
                .required("count", SyntaxShape::Int, "How many")
                .example("make 9", "Makes nine", example)
                .run(|call| {
                    let count = call.need("count")?;
                    Counter { count }.into_handle(call.head())
                }),
        )
        .command(
            Command::new("plain", "Makes a plain one").run(|call| Plain.into_handle(call.head())),
        )
        .command(
            Command::new("count", "Reads one")
                .required("counter", SyntaxShape::Any, "The counter")
                .run(|call| Ok(Value::int(call.custom::<Counter>("counter")?.count))),
        )
}

fn make(bench: &Bench, name: &str, count: i64) -> CustomValue {
    let made = bench.value(name, args([Value::int(count)]).call(), Input::Empty);
    match made.unwrap() {
        Value::Custom(custom, span) => {
            assert_eq!(span, Span::new(10, 20));
            *custom
        }
        other => panic!("not custom: {other:?}"),
    }
}

fn apply(
    bench: &Bench,
    custom: &CustomValue,
    operation: CustomValueOp,
) -> Result<Response, String> {
    let value = Box::new(Spanned::new(custom.clone(), Span::new(5, 6)));
    match bench.call(WireCall::CustomValueOp(value, operation)).0 {
        Response::Error(error) => Err(error.msg),
        other => Ok(other),
    }
}

fn value(value: Value) -> Result<Response, String> {
    Ok(Response::Data(Header::Value(value, None)))
}

fn index(index: u64, optional: bool) -> CustomValueOp {
    let index = Spanned::new(index, Span::UNKNOWN);
    CustomValueOp::FollowPathInt { index, optional }
}

fn field(name: &str, insensitive: bool) -> CustomValueOp {
    CustomValueOp::FollowPathString {
        column: Spanned::new(name.to_owned(), Span::UNKNOWN),
        optional: false,
        insensitive,
    }
}

fn operation(operator: Operator, right: Value) -> CustomValueOp {
    CustomValueOp::Operation(Spanned::new(operator, Span::UNKNOWN), right)
}

fn save() -> CustomValueOp {
    CustomValueOp::Save {
        path: Spanned::new("/a/b".to_owned(), Span::UNKNOWN),
        save_call_span: Span::UNKNOWN,
    }
}

#[test]
fn every_operation() {
    check(plugin, |bench| {
        let three = make(bench, "make", 3);
        assert_eq!(
            (three.name.as_str(), three.notify_on_drop),
            ("Counter", true)
        );
        let ops = |operation| apply(bench, &three, operation);
        assert_eq!(
            ops(CustomValueOp::ToBaseValue),
            value(Value::int(3).at(Span::new(5, 6)))
        );
        assert_eq!(ops(index(0, false)), value(Value::int(3)));
        assert_eq!(
            ops(index(1, true)),
            Ok(Response::Data(Header::Value(Value::nothing(), None)))
        );
        assert_eq!(ops(index(1, false)), Err("no such item".to_owned()));
        assert_eq!(ops(field("COUNT", true)), value(Value::int(3)));
        assert_eq!(ops(field("COUNT", false)), Err("no such field".to_owned()));
        let me = Value::Custom(Box::new(three.clone()), Span::UNKNOWN);
        assert_eq!(ops(field("me", false)), value(me.clone()));
        let less = Response::Ordering(Some(Ordering::Less));
        assert_eq!(ops(CustomValueOp::PartialCmp(Value::int(4))), Ok(less));
        let none = Response::Ordering(None);
        assert_eq!(ops(CustomValueOp::PartialCmp(Value::nothing())), Ok(none));
        assert_eq!(ops(save()), Ok(Response::Ok));
        let equal = Operator::Comparison(Comparison::Equal);
        assert_eq!(
            ops(operation(equal, Value::int(3))),
            Err("cannot".to_owned())
        );
        let Ok(Response::Data(Header::Value(Value::Custom(sum, _), _))) =
            ops(operation(Operator::Math(Math::Add), Value::int(4)))
        else {
            panic!("no sum")
        };
        assert_eq!(apply(bench, &sum, index(0, false)), value(Value::int(7)));
        let panicked = ops(operation(Operator::Math(Math::Pow), Value::int(4)));
        assert!(panicked.unwrap_err().contains("in an operation"));
        let count = bench.value("count", args([me]).call(), Input::Empty);
        assert_eq!(count, Ok(Value::int(3)));
        assert!(ops(CustomValueOp::Dropped).is_ok());
        assert!(DROPPED.lock().unwrap().pop() == Some(3));
    });
}

#[test]
fn operations_that_a_type_does_not_have_say_so() {
    check(plugin, |bench| {
        let plain = make(bench, "plain", 0);
        assert!(!plain.notify_on_drop);
        let cases = [
            (index(0, true), "a Plain has no items to be taken by number"),
            (
                field("a", true),
                "a Plain has no fields to be taken by name",
            ),
            (
                operation(Operator::Math(Math::Add), Value::int(1)),
                "a Plain knows no operators",
            ),
            (save(), "a Plain cannot be saved"),
        ];
        for (operation, expected) in cases {
            assert_eq!(apply(bench, &plain, operation), Err(expected.to_owned()));
        }
        let wrong = Value::Custom(Box::new(plain), Span::UNKNOWN);
        let error = bench.value("count", args([wrong]).call(), Input::Empty);
        assert_eq!(error.unwrap_err().msg, "a Counter is needed");
        let error = bench.value("count", args([Value::int(1)]).call(), Input::Empty);
        assert_eq!(error.unwrap_err().msg, "a Counter is needed");
    });
}

#[test]
fn handles_that_are_not_ours_are_errors() {
    check(plugin, |bench| {
        let handle = |name: &str, data: &[u8]| CustomValue {
            name: name.to_owned(),
            data: data.to_vec(),
            notify_on_drop: false,
            owner: Owner::NONE,
        };
        let error = apply(bench, &handle("Other", &[]), CustomValueOp::ToBaseValue);
        assert_eq!(
            error.unwrap_err(),
            "this plugin has no custom values named Other"
        );
        for data in [&[][..], &[0xc1], &[1, 2, 3]] {
            let error = apply(bench, &handle("Counter", data), CustomValueOp::ToBaseValue);
            assert!(error.as_ref().unwrap_err().contains("damaged"), "{error:?}");
        }
    });
}

#[test]
fn examples_show_custom_values_as_plain_data() {
    check(plugin, |bench| {
        let (Response::Signature(signatures), _) = bench.call(WireCall::Signature) else {
            panic!("no signatures")
        };
        let result = signatures[0].examples[0].result.clone();
        assert_eq!(result, Some(Value::list([Value::int(9)])));
    });
}
