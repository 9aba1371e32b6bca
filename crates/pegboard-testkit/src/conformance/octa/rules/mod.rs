//! The rules of Octa's plugin protocol, as one table.

mod ends;
mod executions;
mod hostile;
mod start;

use crate::conformance::rule::{Judge, Rule, Turn, table};

use Judge::{PlaysOcta, Watches};

table! {
    // Starting.
    Strict "listen" "It listens on the socket that --socket-path names." PlaysOcta(start::listen);
    Hostile "unknown-arguments" "It ignores arguments that it does not know." PlaysOcta(start::unknown_arguments);
    Strict "hello" "It answers Hello with a requirement that takes the versions 0.2.0 and 0.2.1." PlaysOcta(start::hello);
    Strict "key" "Its key is what its file is called behind octa_plugin_." PlaysOcta(start::key);
    Strict "released-octa" "It understands Octa 0.2.0, and is understood by it." PlaysOcta(start::released);
    Strict "later-octa" "It understands Octa 0.2.1, and is understood by it." PlaysOcta(start::later);
    Hostile "unknown-features" "It ignores features and fields of the host's Hello that it does not know." PlaysOcta(start::unknown_features);
    Hostile "pipelined" "It understands Hello, Schema and Execute that come all at once." PlaysOcta(start::pipelined);

    // The form of messages.
    Strict "only-messages" "It says nothing but messages, and new kinds of them only while an execution runs." Watches;
    Strict "message-form" "Its messages have the fields that hosts need, of the right kind." Watches;
    Strict "lines" "Each of its messages is a line of its own." Watches;
    Strict "unicode" "Its lines are UTF-8." Watches;

    // Executions.
    Strict "execution" "Its executions start and end." PlaysOcta(executions::execution);
    Strict "dry" "A dry execution starts and ends as any other." PlaysOcta(executions::dry);
    Strict "side-by-side" "It bears executions that come all at once." PlaysOcta(executions::side_by_side);
    Strict "started-first" "Its first word on an execution is Started." Watches;
    Strict "started-once" "It says Started once for each Execute, with an id that it has not used before." Watches;
    Strict "known-execution" "It speaks only of executions that it has started." Watches;
    Strict "last-word" "ExitStatus or Error is its last word on an execution." Watches;

    // A host that is odd, newer, or broken.
    Hostile "carriage-returns" "It understands lines that end in a carriage return and a line feed." PlaysOcta(hostile::carriage_returns);
    Hostile "split-line" "It understands a line that comes byte by byte." PlaysOcta(hostile::split_line);
    Hostile "large-text" "It takes a text of a megabyte." PlaysOcta(hostile::large_text);
    Hostile "unknown-fields" "It ignores fields of Execute that it does not know." PlaysOcta(hostile::unknown_fields);
    Hostile "missing-text" "It answers an Execute without a text with a parse_error that names the field, and goes on." PlaysOcta(hostile::missing_text);
    Hostile "malformed-line" "It answers a line that is no message with a parse_error, and goes on." PlaysOcta(hostile::malformed_line);
    Hostile "unknown-message" "It answers a message that it does not know with an error, and goes on." PlaysOcta(hostile::unknown_message);
    Hostile "second-hello" "It answers a second Hello with a protocol_error on a line of its own, and goes on." PlaysOcta(hostile::second_hello);

    // Ends.
    Strict "shutdown" "It answers Shutdown, and ends with exit code 0 within a second." PlaysOcta(ends::shutdown);
    Strict "shutdown-running" "It does so too while an execution runs." PlaysOcta(ends::shutdown_running);
    Strict "socket-removed" "When it has been shut down, its socket is gone." PlaysOcta(ends::socket_removed);
    Strict "nothing-left" "When it has been shut down, nothing that it started still runs." PlaysOcta(ends::nothing_left);
    Strict "interrupt" "SIGINT ends it, and its socket is gone." PlaysOcta(ends::interrupt);
    Hostile "terminate" "SIGTERM ends it, and its socket is gone." PlaysOcta(ends::terminate);
    Hostile "connection-closed" "The end of the connection ends it." PlaysOcta(ends::connection_closed);
}
