//! Rules about calls and their answers.

use pegboard_protocol::Value;
use pegboard_protocol::nu::{
    Call, CallId, Change, Dialect, EvaluatedCall, Header, Message, Response, RunCall, StreamItem,
    StreamKind,
};
use serde_json::json;

use crate::conformance::nushell::commands::difference;
use crate::conformance::nushell::conversation::Conversation;
use crate::conformance::nushell::replies::Replies;
use crate::conformance::nushell::stage::Stage;
use crate::conformance::nushell::watch::{Asked, Kind};
use crate::conformance::play::{Played, Stop, broken};

/// A command that no plugin has.
pub(super) const NOBODYS: &str = "pegboard has no such command";
/// How many calls are made at once.
const MANY: u64 = 32;

pub(super) fn commands_run(stage: &mut Stage) -> Played {
    for command in stage.runnable()? {
        stage.talk(|it| {
            let id = it.run(&command);
            it.answer(id)?;
            it.finish(id)?;
            it.goes_on()
        })?;
    }
    Ok(())
}

pub(super) fn examples_hold(stage: &mut Stage) -> Played {
    let runnable = stage.commands()?;
    let (mut compared, mut refused) = (false, None);
    for command in runnable {
        let Some(promised) = &command.promised else {
            continue;
        };
        compared |= stage.talk(|it| {
            let id = it.run(&command);
            let held = holds(it, id, &command.line, promised);
            if it.refused {
                refused = Some(command.line.clone());
                return Ok(false);
            }
            held
        })?;
    }
    match refused {
        _ if compared => Ok(()),
        Some(line) => Err(Stop::NotChecked(format!(
            "the example `{line}` makes engine calls that were refused"
        ))),
        None => Err(Stop::NotApplicable(
            "no example that was run has a result to compare with".to_owned(),
        )),
    }
}

/// Compares the output of a call with what an example promises; false if it cannot be compared.
fn holds(it: &mut Conversation, id: CallId, line: &str, promised: &Value) -> Played<bool> {
    let given = match output(it, id) {
        Ok(Some(given)) => given,
        Ok(None) => return Ok(false),
        Err(Stop::Broken(what)) => return broken(format!("the example `{line}`: {what}")),
        Err(stop) => return Err(stop),
    };
    match difference(promised, &given) {
        None => Ok(true),
        Some(difference) => broken(format!(
            "the example `{line}` gives something else than it promises: {difference}"
        )),
    }
}

/// The output of a call as one value; none if it has no such form.
fn output(it: &mut Conversation, id: CallId) -> Played<Option<Value>> {
    let response = it.answer(id)?;
    it.finish(id)?;
    Ok(match response {
        Response::Error(error) => return broken(format!("it answers with an error: {error}")),
        Response::Data(Header::Empty) => Some(Value::nothing()),
        Response::Data(Header::Value(Value::Custom(..), _)) => None,
        Response::Data(Header::Value(value, _)) => Some(value),
        Response::Data(Header::ListStream { .. }) => {
            let (_, output) = it.watch.output_of(id).ok_or_else(nothing)?;
            let all = output.sent == output.items.len() as u64;
            let items = output.items.iter().filter_map(|item| match item {
                StreamItem::List(value) => Some(value.clone()),
                StreamItem::Items(_) | StreamItem::Raw(_) | StreamItem::RawError(_) => None,
            });
            all.then(|| Value::list(items))
        }
        _ => None,
    })
}

fn nothing() -> Stop {
    Stop::Broken("its stream is not there".to_owned())
}

pub(super) fn call_numbers(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        for number in [7, 3, 1 << 40, 0] {
            let id = CallId(number);
            it.say(&Message::Call(id, Call::Signature));
            it.answer(id)?;
        }
        Ok(())
    })
}

pub(super) fn parallel_calls(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        let call = |number| match number % 2 {
            0 => Call::Signature,
            _ => Call::Run(Box::new(RunCall {
                name: NOBODYS.to_owned(),
                call: EvaluatedCall::default(),
                input: Header::Empty,
            })),
        };
        let calls = (0..MANY).map(|number| Message::Call(CallId(number), call(number)));
        it.say_together(&calls.collect::<Vec<_>>());
        for number in 0..MANY {
            it.answer(CallId(number))?;
        }
        Ok(())
    })
}

pub(super) fn parallel_runs(stage: &mut Stage) -> Played {
    for command in stage.commands()? {
        stage.talk(|it| {
            let ids: Vec<CallId> = (0..4).map(|_| it.run(&command)).collect();
            for id in &ids {
                it.answer(*id)?;
            }
            ids.into_iter().try_for_each(|id| it.finish(id))
        })?;
    }
    Ok(())
}

pub(super) fn unknown_command(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        let id = it.run_with(NOBODYS, EvaluatedCall::default(), Header::Empty);
        match it.answer(id)? {
            Response::Error(_) => it.goes_on(),
            _ => broken("it answers as if it had the command"),
        }
    })
}

pub(super) fn missing_argument(stage: &mut Stage) -> Played {
    let needy = |sig: &pegboard_protocol::nu::Signature| {
        !sig.required_positional.is_empty() || sig.named.iter().any(|flag| flag.required)
    };
    let mut commands = stage.commands()?;
    commands.retain(|command| needy(&command.signature));
    if commands.is_empty() {
        let why = "no command that may be run has required arguments";
        return Err(Stop::NotApplicable(why.to_owned()));
    }
    for command in commands {
        stage.talk(|it| {
            let id = it.run_with(&command.name, EvaluatedCall::default(), Header::Empty);
            it.answer(id)?;
            it.finish(id)?;
            it.goes_on()
        })?;
    }
    Ok(())
}

pub(super) fn completion(stage: &mut Stage) -> Played {
    if !stage.dialect()?.has(Change::DynamicCompletion) {
        let since = Dialect::since(Change::DynamicCompletion);
        let why = format!("its version has no such call; {since} has");
        return Err(Stop::NotApplicable(why));
    }
    let command = stage.signatures()?.first();
    let name = command
        .map_or(NOBODYS, |command| &command.sig.name)
        .to_owned();
    let span = json!({"start": 0, "end": 0});
    stage.talk(|it| {
        let id = it.new_call();
        it.watch.calls.insert(id, Asked::new(Kind::Completions));
        let call = json!({"decl_id": 0, "head": span, "arguments": [], "parser_info": {}});
        it.say_tree(&json!({"Call": [id.0, {"GetCompletion": {
            "name": name,
            "arg_type": {"Positional": 0},
            "call": {"call": call, "strip": false, "pos": 0},
        }}]}));
        it.answer(id)?;
        it.goes_on()
    })
}

pub(super) fn engine_call_refused(stage: &mut Stage) -> Played {
    let mut asked = false;
    for command in stage.runnable()? {
        asked |= stage.talk(|it| {
            it.replies = Replies::Refusals;
            let id = it.run(&command);
            let answered = it.answer(id).and_then(|_| it.finish(id));
            match it.watch.engine_calls {
                // Then what is wrong is for other rules.
                0 => Ok(false),
                _ => answered.map(|()| true),
            }
        })?;
    }
    if asked {
        return Ok(());
    }
    let why = "no command that may be run makes engine calls";
    Err(Stop::NotApplicable(why.to_owned()))
}

/// Whether a command takes streams of a kind; the reason for the verdict if none does.
pub(super) fn takes_streams(stage: &mut Stage, kind: StreamKind) -> Played {
    let takes =
        |command: &crate::conformance::nushell::commands::Runnable| command.item(kind).is_some();
    if stage.commands()?.iter().any(takes) {
        return Ok(());
    }
    let why = "no command that may be run takes such an input";
    Err(Stop::NotApplicable(why.to_owned()))
}
