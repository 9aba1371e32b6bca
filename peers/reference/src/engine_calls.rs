//! Engine calls: one subcommand for each, plus calls from inside a stream.

use nu_plugin::{EngineInterface, EvaluatedCall};
use nu_protocol::engine::Closure;
use nu_protocol::{
    IntoSpanned, LabeledError, ListStream, PipelineData, Record, Spanned, SyntaxShape, Type, Value,
    record,
};

use crate::command::{Command, value};
use crate::process::group;

pub const COMMANDS: &[Command] = &[
    Command {
        name: "ref engine config",
        description: "GetConfig: some settings, as a record",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::record()),
        run: |_, engine, call, _| {
            let config = engine.get_config()?;
            let settings = record! {
                "use_ansi_coloring" => Value::string(format!("{:?}", config.use_ansi_coloring), call.head),
                "float_precision" => Value::int(config.float_precision, call.head),
                "buffer_editor" => config.buffer_editor.clone(),
            };
            value(Value::record(settings, call.head))
        },
    },
    Command {
        name: "ref engine plugin-config",
        description: "GetPluginConfig: the plugin's own configuration, or nothing",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::Any),
        run: |_, engine, call, _| optional(call, engine.get_plugin_config()?),
    },
    Command {
        name: "ref engine env",
        description: "GetEnvVar: one environment variable, or nothing",
        signature: |sig| {
            sig.required("name", SyntaxShape::String, "variable")
                .input_output_type(Type::Nothing, Type::Any)
        },
        run: |_, engine, call, _| optional(call, engine.get_env_var(call.req::<String>(0)?)?),
    },
    Command {
        name: "ref engine envs",
        description: "GetEnvVars: the environment as a record, sorted by name",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::record()),
        run: |_, engine, call, _| {
            let mut envs: Vec<_> = engine.get_env_vars()?.into_iter().collect();
            envs.sort_by(|(a, _), (b, _)| a.cmp(b));
            value(Value::record(
                envs.into_iter().collect::<Record>(),
                call.head,
            ))
        },
    },
    Command {
        name: "ref engine cwd",
        description: "GetCurrentDir",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::String),
        run: |_, engine, call, _| value(Value::string(engine.get_current_dir()?, call.head)),
    },
    Command {
        name: "ref engine add-env",
        description: "AddEnvVar: sets a variable in the caller's scope",
        signature: |sig| {
            sig.required("name", SyntaxShape::String, "variable")
                .required("value", SyntaxShape::Any, "its value")
                .input_output_type(Type::Nothing, Type::Nothing)
        },
        run: |_, engine, call, _| {
            engine.add_env_var(call.req::<String>(0)?, call.req(1)?)?;
            value(Value::nothing(call.head))
        },
    },
    Command {
        name: "ref engine help",
        description: "GetHelp: the help text of this command",
        signature: |sig| sig.input_output_type(Type::Nothing, Type::String),
        run: |_, engine, call, _| value(Value::string(engine.get_help()?, call.head)),
    },
    Command {
        name: "ref engine foreground",
        description: "EnterForeground and LeaveForeground: the process group before, during, after",
        signature: |sig| {
            sig.switch(
                "twice",
                "enter a second time, which the engine must refuse",
                None,
            )
            .switch(
                "keep",
                "do not leave; the engine must do it after the call",
                None,
            )
            .input_output_type(Type::Nothing, Type::record())
        },
        run: |_, engine, call, _| foreground(engine, call),
    },
    Command {
        name: "ref engine span-contents",
        description: "GetSpanContents: the source text of its argument, as a binary",
        signature: |sig| {
            sig.required("value", SyntaxShape::Any, "the text of this argument")
                .input_output_type(Type::Nothing, Type::Binary)
        },
        run: |_, engine, call, _| {
            let span = call.req::<Value>(0)?.span();
            value(Value::binary(engine.get_span_contents(span)?, call.head))
        },
    },
    Command {
        name: "ref engine eval",
        description: "EvalClosure with the input as it is; returns what comes back as it is",
        signature: |sig| {
            sig.required("closure", SyntaxShape::Closure(None), "to evaluate")
                .rest("args", SyntaxShape::Any, "arguments of the closure")
                .input_output_type(Type::Any, Type::Any)
        },
        run: |_, engine, call, input| {
            let closure = call.req::<Spanned<Closure>>(0)?;
            Ok(engine.eval_closure_with_stream(&closure, call.rest(1)?, input, true, false)?)
        },
    },
    Command {
        name: "ref engine eval-value",
        description: "EvalClosure with the collected input; collects what comes back",
        signature: |sig| {
            sig.required("closure", SyntaxShape::Closure(None), "to evaluate")
                .rest("args", SyntaxShape::Any, "arguments of the closure")
                .input_output_type(Type::Any, Type::Any)
        },
        run: |_, engine, call, input| {
            let closure = call.req::<Spanned<Closure>>(0)?;
            let input = match input {
                PipelineData::Empty => None,
                other => Some(other.into_value(call.head)?),
            };
            value(engine.eval_closure(&closure, call.rest(1)?, input)?)
        },
    },
    Command {
        name: "ref engine find-decl",
        description: "FindDecl: the id of a command, or nothing",
        signature: |sig| {
            sig.required("name", SyntaxShape::String, "command")
                .input_output_type(Type::Nothing, Type::Any)
        },
        run: |_, engine, call, _| {
            let id = engine.find_decl(call.req::<String>(0)?)?;
            optional(call, id.map(|id| Value::int(id.get() as i64, call.head)))
        },
    },
    Command {
        name: "ref engine call-decl",
        description: "FindDecl and CallDecl, with the input as it is",
        signature: |sig| {
            sig.required("name", SyntaxShape::String, "command")
                .rest("args", SyntaxShape::Any, "its arguments")
                .named(
                    "flags",
                    SyntaxShape::Record(Default::default()),
                    "its flags",
                    None,
                )
                .input_output_type(Type::Any, Type::Any)
        },
        run: |_, engine, call, input| call_decl(engine, call, input),
    },
    #[cfg(feature = "since-110")]
    Command {
        name: "ref engine block-ir",
        description: "GetBlockIR: the size of a closure's compiled block",
        signature: |sig| {
            sig.required("closure", SyntaxShape::Closure(None), "to look at")
                .input_output_type(Type::Nothing, Type::record())
        },
        run: |_, engine, call, _| {
            let closure = call.req::<Closure>(0)?;
            let ir = engine.get_block_ir(closure.block_id)?;
            let count = |n: usize| Value::int(n as i64, call.head);
            let sizes = record! {
                "instructions" => count(ir.instructions.len()),
                "registers" => count(ir.register_count as usize),
                "data" => count(ir.data.len()),
            };
            value(Value::record(sizes, call.head))
        },
    },
    Command {
        name: "ref late-engine-call",
        description: "A stream whose items each make an engine call, after the response was sent",
        signature: |sig| {
            sig.required(
                "name",
                SyntaxShape::String,
                "environment variable to ask for",
            )
            .named("count", SyntaxShape::Int, "items (default 3)", None)
            .input_output_type(Type::Nothing, Type::list(Type::Any))
        },
        run: |_, engine, call, _| {
            let name = call.req::<String>(0)?;
            let count = call.get_flag::<i64>("count")?.unwrap_or(3);
            let (head, caller) = (call.head, engine.clone());
            let items = (0..count).map(move |_| match caller.get_env_var(name.clone()) {
                Ok(found) => found.unwrap_or_else(|| Value::nothing(head)),
                Err(error) => Value::error(error, head),
            });
            let stream = ListStream::new(items, head, engine.signals().clone());
            Ok(PipelineData::ListStream(stream, None))
        },
    },
    Command {
        name: "ref nested",
        description: "Streams its input through a closure, item by item",
        signature: |sig| {
            sig.required(
                "closure",
                SyntaxShape::Closure(Some(vec![SyntaxShape::Any])),
                "for each item",
            )
            .input_output_type(Type::list(Type::Any), Type::list(Type::Any))
        },
        run: |_, engine, call, input| {
            let closure = call.req::<Spanned<Closure>>(0)?;
            let (head, caller) = (call.head, engine.clone());
            let items = input.into_iter().map(move |item| {
                caller
                    .eval_closure(&closure, vec![item.clone()], Some(item))
                    .unwrap_or_else(|error| Value::error(error, head))
            });
            let stream = ListStream::new(items, head, engine.signals().clone());
            Ok(PipelineData::ListStream(stream, None))
        },
    },
];

fn optional(call: &EvaluatedCall, found: Option<Value>) -> Result<PipelineData, LabeledError> {
    value(found.unwrap_or_else(|| Value::nothing(call.head)))
}

fn foreground(
    engine: &EngineInterface,
    call: &EvaluatedCall,
) -> Result<PipelineData, LabeledError> {
    let before = group();
    let guard = engine.enter_foreground()?;
    let during = group();
    let second = match call.has_flag("twice")? {
        true => engine
            .enter_foreground()
            .err()
            .map(|error| error.to_string()),
        false => None,
    };
    match call.has_flag("keep")? {
        true => std::mem::forget(guard),
        false => guard.leave()?,
    }
    let number = |n| Value::int(n, call.head);
    let groups = record! {
        "before" => number(before),
        "during" => number(during),
        "after" => number(group()),
        "second" => second.map_or_else(|| Value::nothing(call.head), |e| Value::string(e, call.head)),
    };
    value(Value::record(groups, call.head))
}

fn call_decl(
    engine: &EngineInterface,
    call: &EvaluatedCall,
    input: PipelineData,
) -> Result<PipelineData, LabeledError> {
    let name = call.req::<String>(0)?;
    let decl = engine.find_decl(name.clone())?.ok_or_else(|| {
        LabeledError::new(format!("no command `{name}`")).with_label("asked for here", call.head)
    })?;
    let mut inner = EvaluatedCall::new(call.head);
    inner.positional = call.rest(1)?;
    let flags = call.get_flag::<Record>("flags")?.unwrap_or_default();
    for (name, given) in flags {
        let name = name.into_spanned(call.head);
        match given {
            Value::Nothing { .. } => inner.add_flag(name),
            given => inner.add_named(name, given),
        };
    }
    Ok(engine.call_decl(decl, inner, input, true, false)?)
}
