//! Parts that several messages share, and the few places where the crates' ages differ.

use nu_plugin_protocol::{
    ByteStreamInfo, EvaluatedCall, Feature, ListStreamInfo, PipelineDataHeader, PluginCustomValue,
    ProtocolInfo,
};
use nu_protocol::engine::Closure;
use nu_protocol::{
    ByteStreamType, DataSource, LabeledError, PipelineMetadata, Record, Span, Spanned, Value,
};
use serde::de::DeserializeOwned;

pub fn local_socket() -> ProtocolInfo {
    ProtocolInfo {
        features: vec![Feature::LocalSocket],
        ..ProtocolInfo::default()
    }
}

pub fn span() -> Span {
    Span::new(10, 14)
}

pub fn spanned<T>(item: T) -> Spanned<T> {
    Spanned { item, span: span() }
}

pub fn int(n: i64) -> Value {
    Value::int(n, span())
}

pub fn text(text: &str) -> Value {
    Value::string(text, span())
}

/// Those of the candidates, given as JSON, that this version knows, with the text as their name.
pub fn known<T: DeserializeOwned>(candidates: &[&str]) -> Vec<(String, T)> {
    let parse = |text: &&str| Some((name(text), serde_json::from_str(text).ok()?));
    candidates.iter().filter_map(parse).collect()
}

/// A short name for a piece of JSON.
fn name(json: &str) -> String {
    let mut name: String = json
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    name.trim_matches('-').to_owned()
}

pub fn custom(notify_on_drop: bool) -> PluginCustomValue {
    PluginCustomValue::new("Cat".into(), vec![0, 127, 128, 255], notify_on_drop)
}

pub fn error() -> LabeledError {
    LabeledError::new("outer message")
        .with_code("my::code")
        .with_url("https://example.com/help")
        .with_help("try this")
        .with_label("first", span())
        .with_label("", Span::unknown())
        .with_inner(LabeledError::new("inner message").with_label("inside", span()))
}

pub fn record() -> Record {
    [("b".to_owned(), int(1)), ("a".to_owned(), text("x"))]
        .into_iter()
        .collect()
}

pub fn call() -> EvaluatedCall {
    let mut call = EvaluatedCall::new(span());
    call.add_positional(int(5));
    call.add_positional(text("x"));
    call.add_flag(spanned("verbose"));
    call.add_named(spanned("count"), int(-1));
    call
}

pub fn closure() -> Closure {
    closure_with(7, vec![(3, int(1)), (900, text("x"))])
}

#[cfg(feature = "since-099")]
pub fn closure_with(block: usize, captures: Vec<(usize, Value)>) -> Closure {
    Closure {
        block_id: nu_protocol::BlockId::new(block),
        captures: captures
            .into_iter()
            .map(|(id, v)| (nu_protocol::VarId::new(id), v))
            .collect(),
    }
}

#[cfg(not(feature = "since-099"))]
pub fn closure_with(block: usize, captures: Vec<(usize, Value)>) -> Closure {
    Closure {
        block_id: block,
        captures,
    }
}

#[cfg(feature = "since-099")]
pub fn decl(id: usize) -> nu_protocol::DeclId {
    nu_protocol::DeclId::new(id)
}

#[cfg(not(feature = "since-099"))]
pub fn decl(id: usize) -> nu_protocol::DeclId {
    id
}

/// Metadata with every field filled that this version has.
pub fn metadata() -> PipelineMetadata {
    #[allow(unused_mut, reason = "old versions have no fields to add")]
    let mut metadata = PipelineMetadata {
        data_source: DataSource::FilePath("/a/b c.csv".into()),
        content_type: Some("text/csv".into()),
        ..plain_metadata()
    };
    #[cfg(feature = "since-108")]
    {
        metadata.custom = record();
    }
    #[cfg(feature = "since-111")]
    {
        metadata.path_columns = vec!["name".into(), "file".into()];
    }
    metadata
}

pub fn plain_metadata() -> PipelineMetadata {
    PipelineMetadata::default()
}

pub fn headers() -> Vec<(String, PipelineDataHeader)> {
    let list = |metadata| {
        PipelineDataHeader::ListStream(ListStreamInfo {
            id: 2,
            span: span(),
            metadata,
        })
    };
    let bytes = |type_, metadata| {
        PipelineDataHeader::ByteStream(ByteStreamInfo {
            id: 300,
            span: span(),
            type_,
            metadata,
        })
    };
    let value = |metadata| PipelineDataHeader::Value(int(1), metadata);
    let mut headers = vec![
        ("empty".into(), PipelineDataHeader::Empty),
        ("value".into(), value(None)),
        ("value-metadata".into(), value(Some(metadata()))),
        ("list-stream".into(), list(None)),
        ("list-stream-metadata".into(), list(Some(metadata()))),
        (
            "byte-stream-binary".into(),
            bytes(ByteStreamType::Binary, None),
        ),
        (
            "byte-stream-string".into(),
            bytes(ByteStreamType::String, None),
        ),
        (
            "byte-stream-unknown".into(),
            bytes(ByteStreamType::Unknown, Some(metadata())),
        ),
    ];
    let sources = [
        r#""None""#,
        r#""Ls""#,
        r#""HtmlThemes""#,
        r#"{"FilePath":"/x"}"#,
    ];
    for (name, data_source) in known::<DataSource>(&sources) {
        let metadata = PipelineMetadata {
            data_source,
            ..plain_metadata()
        };
        headers.push((format!("value-source-{name}"), value(Some(metadata))));
    }
    headers
}
