//! What sides agree on beyond the common protocol, where it meets the codec.

use std::time::Duration;

use pegboard_protocol::codec::{BytesForm, EncodeOptions, Encoding, Sender};
use pegboard_protocol::nu::{
    Call, EvaluatedCall, Feature, Header, Hello, Message, RunCall, StreamId, StreamItem, StreamKind,
};
use pegboard_protocol::session::{
    EngineHandshake, EnginePolicy, FlowLimits, Host, PluginMirror, Session,
};
use pegboard_protocol::{LabeledError, Span, Value};

/// A host that has offered `ours`, past its handshake with a plugin that has offered `theirs`.
fn host(version: &str, ours: &[Feature], theirs: &[Feature]) -> Session<Host> {
    let policy = EnginePolicy::Exactly(version.parse().unwrap());
    let limits = FlowLimits::default();
    let handshake = EngineHandshake::new(policy, ours.to_vec(), limits, Default::default());
    let mut host = handshake.receive(hello(version, theirs)).unwrap();
    // Nobody hears of extensions who has not offered them.
    let heard: Vec<_> = ours
        .iter()
        .filter(|one| theirs.contains(one))
        .cloned()
        .collect();
    let said = host.poll_message();
    assert_eq!(said, Some(hello(version, &heard)));
    host
}

fn hello(version: &str, features: &[Feature]) -> Message {
    Message::Hello(Hello {
        protocol: "nu-plugin".to_owned(),
        version: version.to_owned(),
        features: features.to_vec(),
    })
}

#[test]
fn bytes_have_the_form_that_the_other_side_reads() {
    let both = [Feature::PegboardBytes];
    for (version, ours, theirs, form) in [
        ("0.97.1", &[][..], &[][..], BytesForm::Integers),
        ("0.97.1", &both[..], &[][..], BytesForm::Integers),
        ("0.97.1", &[][..], &both[..], BytesForm::Integers),
        ("0.97.1", &both[..], &both[..], BytesForm::Native),
        ("0.98.0", &[][..], &[][..], BytesForm::Native),
        ("0.116.1", &[][..], &[][..], BytesForm::Native),
        ("1.0.0", &[][..], &[][..], BytesForm::Native),
    ] {
        let options = host(version, ours, theirs).encode_options(Encoding::MsgPack);
        assert_eq!(options.bytes, form, "{version} {ours:?} {theirs:?}");
        assert_eq!(options.sender, Sender::Engine);
    }
}

#[test]
fn nobody_is_told_of_extensions_who_has_not_spoken() {
    let limits = FlowLimits::default();
    let all = Feature::offered();
    let wait = Duration::from_secs(1);
    let version = semver::Version::new(0, 115, 1);
    let spoken = Some(hello("0.115.1", &[Feature::LocalSocket]));
    let policy = |wait| EnginePolicy::Mirror {
        wait,
        otherwise: version.clone(),
    };
    let mut engine = EngineHandshake::new(policy(wait), all.clone(), limits, Duration::ZERO);
    assert_eq!(engine.handle_timeout(wait), spoken);
    let mirror = PluginMirror::new(version.clone(), all.clone(), limits, wait, Duration::ZERO);
    assert_eq!(Some(mirror.speak().1), spoken);
    // A plugin that is known is not waited for.
    let mut engine = EngineHandshake::new(policy(Duration::ZERO), all.clone(), limits, wait);
    assert_eq!(engine.handle_timeout(wait), Some(hello("0.115.1", &all)));
}

#[test]
fn a_plugin_that_lets_the_engine_speak_first_agrees_too() {
    let limits = FlowLimits::default();
    let version = "0.115.1".parse().unwrap();
    let (wait, now) = Default::default();
    let mirror = PluginMirror::new(version, Feature::EXTENSIONS.to_vec(), limits, wait, now);
    let session = mirror
        .receive(hello("0.110.0", &Feature::EXTENSIONS))
        .unwrap();
    assert_eq!(session.items_per_message(), StreamItem::MOST);
    assert!(session.shares(&Feature::PegboardBytes));
    assert!(!session.shares(&Feature::LocalSocket));
}

/// What is sent in the place of items of which `spoilt` cannot be put into bytes.
fn instead(options: &EncodeOptions, items: &[Value]) -> Option<Message> {
    let all = &Feature::EXTENSIONS;
    let mut host = host("0.115.1", all, all);
    let id = host.open_stream(StreamKind::List);
    let (span, metadata) = (Span::UNKNOWN, None);
    let run = RunCall {
        name: "a".to_owned(),
        call: EvaluatedCall::default(),
        input: Header::ListStream { id, span, metadata },
    };
    host.call(Call::Run(Box::new(run))).unwrap();
    host.poll_message();
    host.send(id, StreamItem::Items(items.to_vec())).unwrap();
    let message = host.poll_message().unwrap();
    assert!(options.encode(&message, &mut Vec::new()).is_err());
    let instead = host.undeliverable(&message, options, LabeledError::new("no"));
    if let Some(message) = &instead {
        options.encode(message, &mut Vec::new()).unwrap();
    }
    instead
}

#[test]
fn among_several_items_only_those_are_replaced_that_cannot_be_said() {
    let span = Span { start: 3, end: 7 };
    let items = [
        Value::int(1),
        Value::float(f64::NAN).at(span),
        Value::float(0.5),
    ];
    let all = &Feature::EXTENSIONS;
    let options = host("0.115.1", all, all).encode_options(Encoding::Json);
    let Some(Message::Data(StreamId(0), StreamItem::Items(sent))) = instead(&options, &items)
    else {
        panic!("nothing is sent");
    };
    assert_eq!((&sent[0], &sent[2]), (&items[0], &items[2]));
    let Value::Error(error, place) = &sent[1] else {
        panic!("{:?}", sent[1]);
    };
    assert!(error.msg.contains("NaN"), "{error:?}");
    assert_eq!((*place, sent.len()), (span, 3));
}

#[test]
fn in_messagepack_nothing_is_replaced_that_only_json_lacks() {
    let deep = (0..100).fold(Value::int(1), |value, _| Value::list([value]));
    let items = [Value::float(f64::INFINITY), deep];
    let all = &Feature::EXTENSIONS;
    let options = host("0.115.1", all, all).encode_options(Encoding::MsgPack);
    let Some(Message::Data(_, StreamItem::Items(sent))) = instead(&options, &items) else {
        panic!("nothing is sent");
    };
    assert_eq!(sent[0], items[0]);
    assert!(matches!(&sent[1], Value::Error(error, _) if error.msg.contains("inside each other")));
}
