//! Everything a plugin says to an engine, except signatures.

use std::cmp::Ordering;

use nu_plugin_protocol::{
    EngineCall, EvaluatedCall, Ordering as WireOrdering, PipelineDataHeader, PluginCallResponse,
    PluginOption, PluginOutput, ProtocolInfo, StreamData,
};
use nu_protocol::{LabeledError, PluginMetadata, Span};

use crate::Vectors;
use crate::sample::{
    call, closure, closure_with, decl, error, headers, int, local_socket, span, spanned, text,
};

pub fn add(vectors: &mut Vectors) {
    vectors.output("hello", PluginOutput::Hello(ProtocolInfo::default()));
    vectors.output("hello-local-socket", PluginOutput::Hello(local_socket()));
    for disabled in [true, false] {
        let option = PluginOption::GcDisabled(disabled);
        vectors.output(
            format!("option-gc-disabled-{disabled}"),
            PluginOutput::Option(option),
        );
    }
    vectors.output("data-list", PluginOutput::Data(1, StreamData::List(int(1))));
    vectors.output(
        "data-raw",
        PluginOutput::Data(0, StreamData::Raw(Ok(vec![0, 1, 200]))),
    );
    vectors.output(
        "data-raw-error",
        PluginOutput::Data(1, StreamData::Raw(Err(error()))),
    );
    vectors.output("end", PluginOutput::End(127));
    vectors.output("drop", PluginOutput::Drop(128));
    vectors.output("ack", PluginOutput::Ack(65_536));
    responses(vectors);
    engine_calls(vectors);
}

fn responses(vectors: &mut Vectors) {
    let mut add = |name: &str, response| {
        vectors.output(
            format!("response-{name}"),
            PluginOutput::CallResponse(3, response),
        );
    };
    add("error", PluginCallResponse::Error(error().into()));
    add(
        "error-plain",
        PluginCallResponse::Error(LabeledError::new("only this").into()),
    );
    add(
        "metadata-empty",
        PluginCallResponse::Metadata(PluginMetadata::new()),
    );
    let metadata = PluginMetadata::new().with_version("1.2.3");
    add("metadata", PluginCallResponse::Metadata(metadata));
    for ordering in [Ordering::Less, Ordering::Equal, Ordering::Greater] {
        let response = PluginCallResponse::Ordering(Some(WireOrdering::from(ordering)));
        add(&format!("ordering-{ordering:?}"), response);
    }
    add("ordering-none", PluginCallResponse::Ordering(None));
    for (name, header) in headers() {
        add(
            &format!("pipeline-data-{name}"),
            PluginCallResponse::PipelineData(header),
        );
    }
    #[cfg(feature = "since-108")]
    add("ok", PluginCallResponse::Ok);
    #[cfg(feature = "since-109")]
    completions(&mut add);
}

#[cfg(feature = "since-109")]
fn completions(add: &mut impl FnMut(&str, PluginCallResponse<PipelineDataHeader>)) {
    use crate::sample::known;
    use nu_protocol::{DynamicSuggestion, SuggestionKind};

    add("completion-none", PluginCallResponse::CompletionItems(None));
    add(
        "completion-empty",
        PluginCallResponse::CompletionItems(Some(vec![])),
    );
    let plain = DynamicSuggestion {
        value: "cat".into(),
        ..Default::default()
    };
    let full = DynamicSuggestion {
        value: "dog".into(),
        #[cfg(feature = "since-115")] // somewhere after 0.109
        display_override: Some("Dog".into()),
        description: Some("barks".into()),
        extra: Some(vec!["good".into()]),
        append_whitespace: false,
        match_indices: Some(vec![0, 2]),
        span: Some(span()),
        kind: None,
    };
    add(
        "completion-items",
        PluginCallResponse::CompletionItems(Some(vec![plain, full])),
    );
    let kinds = [
        r#""CellPath""#,
        r#""Directory""#,
        r#""File""#,
        r#""Flag""#,
        r#""Module""#,
        r#""Operator""#,
        r#""Variable""#,
        r#"{"Value":"Int"}"#,
        r#"{"Command":["Builtin",5]}"#,
        r#"{"Command":["Plugin",null]}"#,
        r#"{"Command":["Custom",null]}"#,
        r#"{"Command":["External",null]}"#,
        r#"{"Command":["Keyword",null]}"#,
        r#"{"Command":["Alias",null]}"#,
    ];
    for (name, kind) in known::<SuggestionKind>(&kinds) {
        let item = DynamicSuggestion {
            value: "x".into(),
            kind: Some(kind),
            ..Default::default()
        };
        let response = PluginCallResponse::CompletionItems(Some(vec![item]));
        add(&format!("completion-kind-{name}"), response);
    }
}

fn engine_calls(vectors: &mut Vectors) {
    let mut add = |name: &str, call| {
        let message = PluginOutput::EngineCall {
            context: 2,
            id: 300,
            call,
        };
        vectors.output(format!("engine-call-{name}"), message);
    };
    add("get-config", EngineCall::GetConfig);
    add("get-plugin-config", EngineCall::GetPluginConfig);
    add("get-env-var", EngineCall::GetEnvVar("FOO".into()));
    add("get-env-vars", EngineCall::GetEnvVars);
    add("get-current-dir", EngineCall::GetCurrentDir);
    add(
        "add-env-var",
        EngineCall::AddEnvVar("FOO".into(), text("bar")),
    );
    add("get-help", EngineCall::GetHelp);
    add("enter-foreground", EngineCall::EnterForeground);
    add("leave-foreground", EngineCall::LeaveForeground);
    add(
        "get-span-contents",
        EngineCall::GetSpanContents(Span::new(0, 100_000)),
    );
    add("find-decl", EngineCall::FindDecl("str upcase".into()));
    #[cfg(feature = "since-110")]
    add(
        "get-block-ir",
        EngineCall::GetBlockIR(nu_protocol::BlockId::new(7)),
    );
    for (name, input) in headers() {
        let call = EngineCall::EvalClosure {
            closure: spanned(closure()),
            positional: vec![int(1), text("x")],
            input,
            redirect_stdout: true,
            redirect_stderr: false,
        };
        add(&format!("eval-closure-{name}"), call);
    }
    let bare = EngineCall::EvalClosure {
        closure: spanned(closure_with(0, vec![])),
        positional: vec![],
        input: PipelineDataHeader::Empty,
        redirect_stdout: false,
        redirect_stderr: true,
    };
    add("eval-closure-bare", bare);
    for (name, call) in [("", call()), ("-bare", EvaluatedCall::new(span()))] {
        let call = EngineCall::CallDecl {
            decl_id: decl(231),
            call,
            input: PipelineDataHeader::Value(text("x"), None),
            redirect_stdout: true,
            redirect_stderr: false,
        };
        add(&format!("call-decl{name}"), call);
    }
}
