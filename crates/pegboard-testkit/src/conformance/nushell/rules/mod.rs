//! The rules of Nushell's plugin protocol, as one table.

mod calls;
mod customs;
mod describe;
mod ends;
mod hostile;
mod inputs;
mod start;
mod streams;

use crate::conformance::rule::{Judge, Rule, Turn, table};

use Judge::{Plays, Watches};

table! {
    // Starting.
    Strict "help-without-engine" "Started by hand, without arguments, it ends by itself instead of waiting for an engine." Plays(start::by_hand);
    Strict "encoding" "Its first bytes are a length and the name of an encoding, json or msgpack." Plays(start::encoding);
    Strict "hello" "Its Hello has the protocol nu-plugin, a version such as 0.115.1, and a list of features." Plays(start::hello);
    Strict "hello-first" "It says nothing before its Hello." Watches;
    Strict "hello-once" "It says Hello once." Watches;
    Strict "engine-first" "It bears an engine that says Hello without waiting for the plugin's." Plays(start::engine_first);
    Hostile "unknown-features" "It ignores features and fields of the engine's Hello that it does not know." Plays(start::unknown_features);
    Hostile "other-version" "With an engine of another version it works, or ends when its Hello or standard error has said why." Plays(start::other_version);

    // The form of messages.
    Strict "only-messages" "It writes nothing but messages to the engine." Watches;
    Strict "whole-messages" "It does not end in the middle of a message." Watches;
    Strict "message-form" "Its messages have the form that real engines of its version read." Watches;
    Strict "json-lines" "A JSON message is a line of its own." Watches;
    Strict "message-size" "Its messages are not larger or deeper than engines bear; what is large is a stream." Watches;

    // What it is.
    Strict "metadata" "Asked for its metadata, it answers with them." Plays(describe::metadata);
    Strict "signature" "Asked for its commands, it names them." Plays(describe::signature);
    Strict "command-names" "Its commands have different names, made of words with one space between them." Plays(describe::command_names);
    Strict "argument-names" "The arguments of a command have different names." Plays(describe::argument_names);
    Strict "flags" "The flags of a command have different names, without dashes, and different short ones." Plays(describe::flags);
    Strict "examples" "Its examples use the command that they belong to." Plays(describe::examples);

    // Calls.
    Strict "response-known" "It answers only calls that were made." Watches;
    Strict "response-once" "It answers each call once." Watches;
    Strict "response-kind" "Its answers are of the kind that the call asks for." Watches;
    Strict "errors-in-words" "Its errors have a message." Watches;
    Strict "spans-forward" "The places that its errors point to do not end before they begin." Watches;
    Strict "commands-run" "Its commands answer, and the plugin goes on." Plays(calls::commands_run);
    Strict "examples-hold" "Its examples give what they promise." Plays(calls::examples_hold);
    Strict "call-numbers" "It answers calls whose numbers come in no order." Plays(calls::call_numbers);
    Strict "parallel-calls" "It answers calls that come all at once." Plays(calls::parallel_calls);
    Strict "parallel-runs" "It answers when a command is run several times at once." Plays(calls::parallel_runs);
    Hostile "unknown-command" "It answers the run of a command that it does not have with an error, and goes on." Plays(calls::unknown_command);
    Hostile "missing-argument" "It answers a run that lacks required arguments, and goes on." Plays(calls::missing_argument);
    Strict "completion" "It answers a request for candidates." Plays(calls::completion);

    // Engine calls.
    Strict "engine-call-context" "It makes engine calls only for calls that are under way." Watches;
    Hostile "engine-call-refused" "It answers a run whose engine calls are refused." Plays(calls::engine_call_refused);

    // Streams that it produces.
    Strict "stream-announced" "It announces a stream before its items, and sends none behind its end." Watches;
    Strict "stream-kind" "A list has list items, a stream of bytes has bytes." Watches;
    Strict "stream-ends-once" "It ends a stream once." Watches;
    Strict "stream-credit" "It sends at most 100 list items, or 50 chunks of bytes, that were not acked." Watches;
    Strict "stream-waits" "It waits for acks, goes on with them, and still answers meanwhile." Plays(streams::waits);
    Strict "stream-dropped" "It ends a stream that the engine drops." Plays(streams::dropped);

    // Streams that it consumes.
    Strict "input-known" "It acks and drops only streams that the engine has announced." Watches;
    Strict "ack-once" "It acks each item once." Watches;
    Strict "input-list" "It acks the items of an input list, or drops it." Plays(inputs::list);
    Strict "input-bytes" "It acks the chunks of an input of bytes, or drops it." Plays(inputs::bytes);
    Strict "input-unwanted" "It drops an input that it does not want, and bears what comes of it meanwhile." Plays(inputs::unwanted);
    Hostile "input-error" "It bears an input that breaks off with an error." Plays(inputs::error);

    // Custom values.
    Strict "custom-values" "Its custom values give a plain value when they are asked, and bear the end of the last copy." Plays(customs::customs);

    // Signals.
    Strict "interrupt" "An interrupt does not end it while it is idle." Plays(ends::interrupt);
    Strict "reset" "A reset, as it comes before every prompt, does not end it." Plays(ends::reset);

    // An engine that is odd, newer, or broken.
    Hostile "split-message" "It understands a message that comes byte by byte." Plays(hostile::split_message);
    Hostile "huge-argument" "It takes an argument of a megabyte." Plays(hostile::huge_argument);
    Hostile "deep-argument" "It takes an argument of 24 lists inside each other." Plays(hostile::deep_argument);
    Hostile "unknown-fields" "It ignores fields of a call that it does not know." Plays(hostile::unknown_fields);
    Hostile "unknown-call" "It answers a call of a kind that it does not know, or ends and says why." Plays(hostile::unknown_call);
    Hostile "unknown-message" "It ignores a message that it does not know, or ends and says why." Plays(hostile::unknown_message);
    Hostile "unknown-stream" "It ignores an item of a stream that was never announced, or ends and says why." Plays(hostile::unknown_stream);
    Hostile "stray-acks" "It ignores acks and drops of streams that it does not have, as they may cross with its end." Plays(hostile::stray_acks);
    Hostile "stray-reply" "It ignores the reply to an engine call that it has not made, or ends and says why." Plays(hostile::stray_reply);
    Hostile "invalid-bytes" "Bytes that are no message end it, with a word on standard error." Plays(hostile::invalid_bytes);

    // Ends.
    Strict "goodbye" "Goodbye ends it, with exit code 0." Plays(ends::goodbye);
    Strict "goodbye-twice" "A second Goodbye does no harm." Plays(ends::goodbye_twice);
    Strict "goodbye-finishes" "It answers the calls that came before Goodbye." Plays(ends::goodbye_finishes);
    Strict "input-closed" "The end of its input ends it." Plays(ends::input_closed);
    Strict "nothing-left" "When it has ended, nothing that it started still runs." Plays(ends::nothing_left);
    Strict "local-socket" "If it offers a local socket, it connects to it twice and works." Plays(ends::local_socket);
}
