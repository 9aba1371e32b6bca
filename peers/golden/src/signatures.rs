//! Signatures: a full one, and one for each shape, type and category.

use nu_plugin_protocol::{PluginCallResponse, PluginOutput};
use nu_protocol::{Category, PluginExample, PluginSignature, Signature, SyntaxShape, Type};

use crate::Vectors;
use crate::sample::{int, known, text};

pub fn add(vectors: &mut Vectors) {
    let mut add = |name: String, signatures| {
        let response = PluginCallResponse::Signature(signatures);
        vectors.output(
            format!("signature-{name}"),
            PluginOutput::CallResponse(1, response),
        );
    };
    let plain = |signature| vec![PluginSignature::new(signature, vec![])];
    add("none".into(), vec![]);
    add("bare".into(), plain(Signature::new("bare")));
    add(
        "full".into(),
        vec![
            full(),
            PluginSignature::new(Signature::build("my other"), vec![]),
        ],
    );
    for (name, shape) in known::<SyntaxShape>(SHAPES) {
        let signature = Signature::build("cmd").required("arg", shape, "an argument");
        add(format!("shape-{name}"), plain(signature));
    }
    for (name, ty) in known::<Type>(TYPES) {
        let signature = Signature::build("cmd").input_output_type(ty, Type::Any);
        add(format!("type-{name}"), plain(signature));
    }
    for (name, category) in known::<Category>(CATEGORIES) {
        add(
            format!("category-{name}"),
            plain(Signature::build("cmd").category(category)),
        );
    }
    #[cfg(feature = "since-109")]
    completions(&mut add);
}

fn full() -> PluginSignature {
    let mut signature = Signature::build("my cmd")
        .description("What it does")
        .extra_description("More\nabout it")
        .search_terms(vec!["one".into(), "two".into()])
        .required("path", SyntaxShape::Filepath, "a path")
        .optional("count", SyntaxShape::Int, "a count")
        .rest("rest", SyntaxShape::Any, "the rest")
        .switch("switch", "a switch", Some('s'))
        .named("name", SyntaxShape::String, "a name", None)
        .required_named("level", SyntaxShape::Int, "must be given", Some('l'))
        .input_output_types(vec![
            (Type::Nothing, Type::Int),
            (Type::Any, Type::list(Type::Any)),
        ])
        .allow_variants_without_examples(true)
        .allows_unknown_args()
        .creates_scope()
        .filter()
        .category(Category::Filters);
    signature.optional_positional[0].default_value = Some(int(3));
    if let Some(flag) = signature.named.iter_mut().find(|flag| flag.long == "name") {
        flag.default_value = Some(text("x"));
    }
    let example = |result| PluginExample {
        example: "my cmd a.txt".into(),
        description: "Do it".into(),
        result,
    };
    PluginSignature::new(signature, vec![example(Some(int(1))), example(None)])
}

#[cfg(feature = "since-109")]
fn completions(add: &mut impl FnMut(String, Vec<PluginSignature>)) {
    use nu_protocol::{CommandWideCompleter, Completion};

    let candidates = [
        r#"{"List":["a","b"]}"#,
        r#"{"Command":12}"#,
        r#"{"Builtin":"EnvVar"}"#,
        r#"{"Builtin":{"Command":{"internal_only":true}}}"#,
    ];
    for (name, completion) in known::<Completion>(&candidates) {
        let mut signature = Signature::build("cmd")
            .required("arg", SyntaxShape::String, "")
            .named("flag", SyntaxShape::String, "", None);
        signature.required_positional[0].completion = Some(completion.clone());
        if let Some(flag) = signature.named.iter_mut().find(|flag| flag.long == "flag") {
            flag.completion = Some(completion);
        }
        add(
            format!("completion-{name}"),
            vec![PluginSignature::new(signature, vec![])],
        );
    }
    for (name, complete) in known::<CommandWideCompleter>(&[r#""External""#, r#"{"Command":12}"#]) {
        let mut signature = Signature::build("cmd");
        signature.complete = Some(complete);
        add(
            format!("complete-{name}"),
            vec![PluginSignature::new(signature, vec![])],
        );
    }
}

const SHAPES: &[&str] = &[
    r#""Any""#,
    r#""Binary""#,
    r#""Block""#,
    r#""Boolean""#,
    r#""CellPath""#,
    r#""DateTime""#,
    r#""Directory""#,
    r#""Duration""#,
    r#""Error""#,
    r#""Expression""#,
    r#""ExternalArgument""#,
    r#""Filepath""#,
    r#""Filesize""#,
    r#""Float""#,
    r#""FullCellPath""#,
    r#""GlobPattern""#,
    r#""Int""#,
    r#""ImportPattern""#,
    r#""MathExpression""#,
    r#""MatchBlock""#,
    r#""Nothing""#,
    r#""Number""#,
    r#""Operator""#,
    r#""Range""#,
    r#""RowCondition""#,
    r#""Signature""#,
    r#""ExternalSignature""#,
    r#""String""#,
    r#""VarWithOptType""#,
    r#"{"Closure":null}"#,
    r#"{"Closure":["Any","Int"]}"#,
    r#"{"CompleterWrapper":["String",5]}"#,
    r#"{"Keyword":[[105,110],"Any"]}"#,
    r#"{"List":"Int"}"#,
    r#"{"OneOf":["Int","String"]}"#,
    r#"{"Record":[]}"#,
    r#"{"Record":[["a","Int"],["b","Any"]]}"#,
    r#"{"Table":[["a",{"List":"Int"}]]}"#,
];

const TYPES: &[&str] = &[
    r#""Any""#,
    r#""Binary""#,
    r#""Block""#,
    r#""Bool""#,
    r#""CellPath""#,
    r#""Closure""#,
    r#""Date""#,
    r#""Duration""#,
    r#""Error""#,
    r#""Filesize""#,
    r#""Float""#,
    r#""Glob""#,
    r#""Int""#,
    r#""ListStream""#,
    r#""Nothing""#,
    r#""Number""#,
    r#""Range""#,
    r#""Signature""#,
    r#""String""#,
    r#"{"Custom":"my-type"}"#,
    r#"{"List":{"List":"Int"}}"#,
    r#"{"OneOf":["Int","String"]}"#,
    r#"{"Record":[]}"#,
    r#"{"Record":[["a","Int"],["b","Any"]]}"#,
    r#"{"Table":[["a","String"]]}"#,
];

const CATEGORIES: &[&str] = &[
    r#""Bits""#,
    r#""Bytes""#,
    r#""Chart""#,
    r#""Conversions""#,
    r#""Core""#,
    r#""Database""#,
    r#""Date""#,
    r#""Debug""#,
    r#""Default""#,
    r#""Deprecated""#,
    r#""Removed""#,
    r#""Env""#,
    r#""Experimental""#,
    r#""FileSystem""#,
    r#""Filters""#,
    r#""Formats""#,
    r#""Generators""#,
    r#""Hash""#,
    r#""History""#,
    r#""Math""#,
    r#""Misc""#,
    r#""Network""#,
    r#""Path""#,
    r#""Platform""#,
    r#""Plugin""#,
    r#""Random""#,
    r#""Shells""#,
    r#""Strings""#,
    r#""System""#,
    r#""Viewers""#,
    r#"{"Custom":"my category"}"#,
];
