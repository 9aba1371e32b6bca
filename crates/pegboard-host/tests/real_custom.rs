//! Custom values of every flavour of the reference plugin: their operations, and whose they are.

mod common;

use std::sync::{Arc, Mutex};

use common::custom::{base, custom, make};
use common::{NEWEST, PATIENCE, Reference, error, field, for_each_flavour, items, list, value};
use pegboard_host::protocol::nu::{Comparison, CustomValueOp, Math, Operator};
use pegboard_host::protocol::{Closure, Spanned};
use pegboard_host::{AppContext, Error, ErrorKind, Flow, Plugin, Span, Value};
use pegboard_testkit::peers::peer;
use pegboard_testkit::tree::wait_until;

const NOWHERE: Span = Span::UNKNOWN;

/// The same program under another name, so that it is another plugin of the same engine.
fn another(reference: &Reference) -> Plugin {
    let link = reference.rig.scratch.path().join("nu_plugin_other");
    std::os::unix::fs::symlink(reference.flavour.path(), &link).expect("a link");
    reference.rig.engine.load(link).expect("another plugin")
}

#[test]
fn custom_values_come_back_to_their_plugin_as_input_and_as_argument() {
    for_each_flavour(|reference| {
        let item = make(reference, "cat", 2);
        assert_eq!(
            value(reference.run("custom get").input(item.clone())),
            base("cat", 2, false)
        );
        assert_eq!(
            value(reference.run("custom get").argument(item.clone())),
            base("cat", 2, false)
        );
        let mut item = item;
        for _ in 0..40 {
            item = custom(value(reference.run("custom update").input(item)));
        }
        assert_eq!(
            value(reference.run("custom get").input(item.clone())),
            base("cat", 42, false)
        );
        // As the value of a flag, too.
        let got = value(
            reference
                .run("args")
                .argument(Value::int(1))
                .flag("any", item.clone()),
        );
        let back = field(&items(field(&got, "named"))[0], "value");
        assert_eq!(
            value(reference.run("custom get").input(back)),
            base("cat", 42, false)
        );
    });
}

#[test]
fn custom_values_travel_inside_other_values_and_streams() {
    for_each_flavour(|reference| {
        let engine = &reference.rig.engine;
        let all = value(reference.run("custom list").argument(Value::int(3)));
        let wanted = || (0..3).map(|n| base("item", n, false));
        assert_eq!(
            engine.to_base_value(all.clone()).expect("records"),
            Value::list(wanted())
        );
        let nested = Value::record([("deep", Value::list([Value::int(1), all.clone()]))]);
        let back = value(reference.run("echo").input(nested));
        let plain = engine.to_base_value(back).expect("records");
        assert_eq!(
            plain,
            Value::record([("deep", Value::list([Value::int(1), Value::list(wanted())]))])
        );

        let stream = list(reference.run("echo").input(Flow::list(items(all))));
        for (item, wanted) in stream.zip(wanted()) {
            let item = custom(item.expect("an item"));
            assert_eq!(engine.to_base_value(item).expect("a record"), wanted);
        }
        // Plain values are what they were.
        assert_eq!(
            engine.to_base_value(Value::int(1)).expect("a number"),
            Value::int(1)
        );
    });
}

#[test]
fn custom_values_go_through_closures() {
    for_each_flavour(|reference| {
        let context = Arc::new(AppContext::new());
        let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (engine, notes) = (reference.rig.engine.clone(), seen.clone());
        let closure = context.closure(move |arguments, input| {
            let input = input.into_value().map_err(Error::into_labeled)?;
            for item in [&arguments[0], &input] {
                let plain = engine
                    .to_base_value(item.clone())
                    .map_err(Error::into_labeled)?;
                notes.lock().expect("a list").push(plain);
            }
            Ok(input.into())
        });
        let run = reference
            .run("engine eval")
            .argument(closure)
            .argument(make(reference, "argument", 1));
        let back = value(run.input(make(reference, "input", 2)).context(context));
        assert_eq!(
            value(reference.run("custom get").input(back)),
            base("input", 2, false)
        );
        assert_eq!(
            *seen.lock().expect("a list"),
            [base("argument", 1, false), base("input", 2, false)]
        );
    });
}

#[test]
fn another_plugins_custom_values_are_refused_by_name() {
    for_each_flavour(|reference| {
        let other = another(reference);
        let item = make(reference, "cat", 2);
        let inside = Value::record([("list", Value::list([Value::int(1), item.clone()]))]);
        let closure = Closure {
            block_id: 1,
            captures: vec![(3, item.clone())],
        };
        let closure = Value::Closure(Box::new(closure), NOWHERE);
        let echo = || other.run("ref echo");
        let args = || other.run("ref args").argument(Value::int(1));
        for run in [
            echo().input(item.clone()),
            echo().input(inside.clone()),
            echo().argument(inside),
            args().argument(item.clone()),
            args().flag("any", item.clone()),
            args().flag("do", closure.clone()),
            args().input(closure),
        ] {
            let got = error(run);
            assert_eq!(got.kind(), ErrorKind::Refused);
            assert_eq!(
                got.labeled().code.as_deref(),
                Some("pegboard::foreign_custom_value")
            );
            for part in ["ReferenceItem", "plugin other"] {
                assert!(got.to_string().contains(part), "{got}");
            }
            assert_eq!(got.labeled().labels[0].text, "it belongs to reference");
        }
        // Nothing was said to it, and one item of a stream costs that item only.
        let items = items(value(echo().input(Flow::list([
            Value::int(1),
            item.clone(),
            Value::int(3),
        ]))));
        assert_eq!((&items[0], &items[2]), (&Value::int(1), &Value::int(3)));
        assert!(
            matches!(&items[1], Value::Error(error, _) if error.msg.contains("ReferenceItem")),
            "{items:?}"
        );
        assert!(
            other.status().active_calls == 0
                || wait_until(PATIENCE, || other.status().active_calls == 0)
        );

        // As plain values they may go anywhere.
        let plain = reference.rig.engine.to_base_value(item).expect("a record");
        assert_eq!(value(echo().input(plain)), base("cat", 2, false));
    });
}

#[test]
fn operations_do_not_take_another_plugins_values() {
    let reference = Reference::new(NEWEST);
    let other = another(&reference);
    let make = |plugin: &Plugin| {
        custom(value(
            plugin.run("ref custom make").argument(Value::string("x")),
        ))
    };
    let (ours, theirs) = (make(&reference.plugin), make(&other));
    let engine = &reference.rig.engine;
    let got = engine
        .custom_value_op(&ours, CustomValueOp::PartialCmp(theirs.clone()))
        .expect_err("a foreign value");
    assert_eq!(got.kind(), ErrorKind::Refused);
    let add = Spanned::new(Operator::Math(Math::Add), NOWHERE);
    let got = engine
        .custom_value_op(&theirs, CustomValueOp::Operation(add, ours))
        .expect_err("a foreign value");
    assert_eq!(got.kind(), ErrorKind::Refused);
    assert!(got.to_string().contains("plugin other"), "{got}");
}

#[test]
fn what_is_no_custom_value_or_nobodys_has_no_operations() {
    let reference = Reference::new(NEWEST);
    let engine = &reference.rig.engine;
    let got = engine
        .custom_value_op(&Value::int(1), CustomValueOp::ToBaseValue)
        .expect_err("a number");
    assert_eq!(got.kind(), ErrorKind::Misuse);
    let Value::Custom(mut item, span) = make(&reference, "cat", 1) else {
        panic!("no custom value")
    };
    item.owner = pegboard_host::protocol::Owner::NONE;
    let nobodys = Value::Custom(item, span);
    let got = engine
        .custom_value_op(&nobodys, CustomValueOp::ToBaseValue)
        .expect_err("nobody's value");
    assert_eq!(got.kind(), ErrorKind::Misuse);
    let got = error(reference.run("echo").input(nobodys));
    assert_eq!(got.kind(), ErrorKind::Refused);
    assert!(
        got.labeled().labels[0]
            .text
            .contains("not known which plugin"),
        "{got:?}"
    );
}

fn at(index: u64, optional: bool) -> CustomValueOp {
    CustomValueOp::FollowPathInt {
        index: Spanned::new(index, NOWHERE),
        optional,
    }
}

fn column(name: &str, optional: bool, insensitive: bool) -> CustomValueOp {
    CustomValueOp::FollowPathString {
        column: Spanned::new(name.to_owned(), NOWHERE),
        optional,
        insensitive,
    }
}

#[test]
fn paths_lead_into_custom_values() {
    for_each_flavour(|reference| {
        let item = make(reference, "cat", 2);
        let follow = |operation| {
            reference
                .rig
                .engine
                .custom_value_op(&item, operation)
                .and_then(Flow::into_value)
        };
        let code = |operation| {
            follow(operation)
                .expect_err("nothing there")
                .labeled()
                .code
                .clone()
                .unwrap_or_default()
        };
        assert_eq!(
            follow(at(0, false)).expect("the label"),
            Value::string("cat")
        );
        assert_eq!(follow(at(1, false)).expect("the count"), Value::int(2));
        assert_eq!(
            follow(column("label", false, false)).expect("the label"),
            Value::string("cat")
        );
        assert_eq!(
            follow(column("count", false, false)).expect("the count"),
            Value::int(2)
        );
        custom(follow(column("me", false, false)).expect("itself"));
        assert!(code(at(2, false)).contains("access_beyond_end"));
        assert!(code(column("nonsense", false, false)).contains("column_not_found"));
        assert!(code(column("LABEL", false, false)).contains("column_not_found"));
        if !reference.flavour.is_old() {
            assert_eq!(follow(at(2, true)).expect("nothing"), Value::nothing());
            assert_eq!(
                follow(column("nonsense", true, false)).expect("nothing"),
                Value::nothing()
            );
            assert_eq!(
                follow(column("LABEL", false, true)).expect("the label"),
                Value::string("cat")
            );
        }
    });
}

#[test]
fn custom_values_compare_and_have_operators() {
    for_each_flavour(|reference| {
        let engine = &reference.rig.engine;
        let (two, three) = (make(reference, "two", 2), make(reference, "three", 3));
        let compare = |other: &Value| {
            let flow = engine.custom_value_op(&two, CustomValueOp::PartialCmp(other.clone()));
            flow.and_then(Flow::into_value)
                .expect("an ordering or none")
        };
        assert_eq!(compare(&three), Value::int(-1));
        assert_eq!(compare(&two), Value::int(0));
        assert_eq!(compare(&Value::int(1)), Value::int(1));
        assert_eq!(compare(&Value::string("x")), Value::nothing());

        let apply = |operator, right: &Value| {
            let operator = Spanned::new(operator, NOWHERE);
            let operation = CustomValueOp::Operation(operator, right.clone());
            engine
                .custom_value_op(&two, operation)
                .and_then(Flow::into_value)
        };
        let plain = |value| engine.to_base_value(value).expect("a record");
        let sum = custom(apply(Operator::Math(Math::Add), &Value::int(5)).expect("a sum"));
        assert_eq!(plain(sum), base("two", 7, false));
        let joined = apply(Operator::Math(Math::Concatenate), &three).expect("joined");
        assert_eq!(plain(joined), base("twothree", 2, false));
        let joined = apply(Operator::Math(Math::Concatenate), &Value::string("!")).expect("joined");
        assert_eq!(plain(joined), base("two!", 2, false));
        for (operator, wanted) in [
            (Comparison::Equal, false),
            (Comparison::NotEqual, true),
            (Comparison::LessThan, true),
            (Comparison::GreaterThanOrEqual, false),
        ] {
            assert_eq!(
                apply(Operator::Comparison(operator), &three).expect("a truth"),
                Value::bool(wanted)
            );
        }
        let got = apply(Operator::Math(Math::Pow), &Value::int(2))
            .expect_err("there is no such operator");
        assert_eq!(got.kind(), ErrorKind::Plugin);
        assert!(got.to_string().contains("ReferenceItem has no"), "{got}");
    });
}

#[test]
fn custom_values_are_saved_by_plugins_that_can() {
    for_each_flavour(|reference| {
        let path = reference.rig.scratch.path().join("saved.txt");
        let save = |item: &Value| {
            let path = Spanned::new(path.display().to_string(), NOWHERE);
            reference.rig.engine.custom_value_op(
                item,
                CustomValueOp::Save {
                    path,
                    save_call_span: NOWHERE,
                },
            )
        };
        let item = make(reference, "cat", 2);
        if reference.flavour.is_old() {
            let got = save(&item).expect_err("it cannot");
            assert_eq!(got.kind(), ErrorKind::Refused);
            assert!(
                got.to_string().contains("0.105.1") && got.to_string().contains("0.108"),
                "{got}"
            );
            assert_eq!(reference.plugin.status().starts, 1);
            return;
        }
        assert!(matches!(save(&item).expect("saved"), Flow::Empty));
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "cat 2\n");
        let got = save(&make(reference, "unsaveable", 1)).expect_err("it refuses");
        assert_eq!(
            (got.kind(), got.to_string().as_str()),
            (ErrorKind::Plugin, "this item refuses to be saved")
        );
    });
}

#[test]
fn a_value_that_refuses_to_be_read_fails_where_it_is_asked() {
    for_each_flavour(|reference| {
        let item = Value::list([Value::int(1), make(reference, "unreadable", 1)]);
        let got = reference
            .rig
            .engine
            .to_base_value(item)
            .expect_err("it refuses");
        assert_eq!(
            (got.kind(), got.to_string().as_str()),
            (ErrorKind::Plugin, "this item cannot be read")
        );
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn a_plugin_that_knows_no_custom_values_gets_none() {
    let reference = Reference::new(NEWEST);
    let hand = reference
        .rig
        .engine
        .load(peer("nu_plugin_pyhand.py"))
        .expect("a plugin");
    let got = error(hand.run("py echo").input(make(&reference, "cat", 1)));
    assert_eq!(got.kind(), ErrorKind::Refused);
    let got = error(
        hand.run("py sum")
            .input(Flow::list([Value::int(1), make(&reference, "cat", 1)])),
    );
    assert_eq!(
        (got.kind(), got.to_string().as_str()),
        (ErrorKind::Plugin, "cannot add Error")
    );
    assert_eq!(hand.status().starts, 1);
}
