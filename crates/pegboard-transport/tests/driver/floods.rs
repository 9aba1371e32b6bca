//! Peers that talk and do not listen: what waits here for them stays bounded.

use std::io;
use std::sync::Arc;

use pegboard_protocol::nu::Call;
use pegboard_protocol::session::{Failure, FailureKind, FlowLimits};
use pegboard_transport::{Link, Sink, Source};

use super::pair::{
    HostSide, PATIENCE, engine_settings, output_of, start_host_with, try_call, within,
};

/// Starts a host, makes a call, and lets the peer say one thing over and over until the host has had enough of it.
fn check(
    flow: FlowLimits,
    first: &'static str,
    again: &'static str,
    during: impl FnOnce(&Arc<HostSide>, std::sync::mpsc::Receiver<super::pair::Outcome>)
    + Send
    + 'static,
) -> Failure {
    within(PATIENCE, move || {
        let (one, two) = Link::memory();
        let Link {
            source,
            mut sink,
            hangup: _hangup,
        } = two;
        say(&mut sink, b"\x04json").unwrap();
        let hello = r#"{"Hello":{"protocol":"nu-plugin","version":"0.115.1","features":[]}}"#;
        say(&mut sink, hello.as_bytes()).unwrap();
        let (host, side) = start_host_with(
            one,
            pegboard_transport::EngineSettings {
                flow,
                ..engine_settings()
            },
        );
        let call = try_call(&host, &side, Call::Signature).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // It is there, but nobody reads from it.
                let _source: Box<dyn Source> = source;
                say(&mut sink, first.as_bytes()).unwrap();
                let many = again.repeat(1_000);
                while say(&mut sink, many.as_bytes()).is_ok() {}
            });
            during(&side, call);
            side.ended()
        })
    })
}

fn say(sink: &mut Box<dyn Sink>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = sink.write(bytes, None)?;
        bytes = &bytes[count..];
    }
    Ok(())
}

#[test]
fn acknowledgements_that_nobody_reads() {
    // They piled up without bound.
    let flow = FlowLimits {
        beyond_credit: 1 << 20,
        ..FlowLimits::default()
    };
    let failure = check(
        flow,
        r#"{"CallResponse":[0,{"PipelineData":{"ListStream":{"id":0,"span":{"start":0,"end":0}}}}]}"#,
        r#"{"Data":[0,{"List":{"Nothing":{"span":{"start":0,"end":0}}}}]}"#,
        |_, call| {
            let mut output = output_of(&call);
            while let Some(Ok(_)) = output.next_item(None) {}
        },
    );
    assert_eq!(failure.kind, FailureKind::Limit);
    assert!(failure.message.contains("without waiting"), "{failure}");
}

#[test]
fn answers_that_nobody_reads() {
    // They piled up without bound.
    let failure = check(
        FlowLimits::default(),
        "",
        r#"{"EngineCall":{"context":0,"id":0,"call":{"GetEnvVar":"A_RATHER_LONG_NAME_AND_SO_AN_ANSWER"}}}"#,
        |_, _| {},
    );
    assert_eq!(failure.kind, FailureKind::Limit);
    assert!(failure.message.contains("without reading"), "{failure}");
}

#[test]
fn items_that_nobody_consumes() {
    let flow = FlowLimits {
        beyond_credit: 1 << 20,
        ..FlowLimits::default()
    };
    let failure = check(
        flow,
        r#"{"CallResponse":[0,{"PipelineData":{"ListStream":{"id":0,"span":{"start":0,"end":0}}}}]}"#,
        r#"{"Data":[0,{"List":{"Nothing":{"span":{"start":0,"end":0}}}}]}"#,
        |side, call| {
            let output = output_of(&call);
            side.ended();
            drop(output);
        },
    );
    assert_eq!(failure.kind, FailureKind::Limit);
}
