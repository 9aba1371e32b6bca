//! The ways in which `pegboard-hostile` misbehaves as a plugin of Octa's, with the key `hostile`.
//!
//! `HOSTILE` names one mode. The modes of a start always count; those of an execution count for the text `misbehave`.
//! To any other text it says that text, as one line on standard output, and exits with 0; to `wait` it says nothing but
//! `Started`, ever. With `HOSTILE_SCRIPT`, the path of a file, it plays what is recorded there: `< {..}` is what it says,
//! `>` waits for a line of its host.
//!
//! Without a mode it keeps every rule, for hosts of both of Octa's generations: it takes its socket away as soon as its
//! host is there, and answers what it does not understand with an error.

use std::fmt;
use std::str::FromStr;

modes! {
    // Before there is a session.
    ExitAtStart "exit-at-start" "Exits before it listens, with a last line on stderr."
    NeverListens "never-listens" "Lives and never listens."
    NeverAccepts "never-accepts" "Listens and never accepts."
    ClosesAtOnce "closes-at-once" "Accepts, closes, and stays alive."
    Silent "silent" "Accepts and never says anything."
    GarbageHello "garbage-hello" "Says a line of text instead of Hello."
    RefusesHello "refuses-hello" "Says an Error instead of Hello."
    WrongHello "wrong-hello" "Says Started instead of Hello."
    UnfinishedHello "unfinished-hello" "Says Hello without its last bracket."
    HelloWithoutFeatures "hello-without-features" "Leaves the features out of Hello."
    BadRequirement "bad-requirement" "Says that it requires `not-a-version`."
    UnmetRequirement "unmet-requirement" "Says that it requires `>=9.0.0`."
    EmptyKey "empty-key" "Has an empty key."
    NoSchema "no-schema" "Says Hello and never its key."
    ExitsAfterHello "exits-after-hello" "Says Hello and exits."

    StrictArguments "strict-arguments" "Exits on an argument that it does not know."
    StrictHello "strict-hello" "Exits on a Hello with a feature."
    HelloAlone "hello-alone" "Exits when something comes together with Hello."
    ReleasedForm "released-form" "Has its fields beside `type` only, as Octa 0.2.0 wants them."
    LaterForm "later-form" "Has its fields in `payload` only, as Octa 0.2.1 wants them."

    // Less than it has to understand.
    DiesOfDry "dies-of-dry" "Exits at a dry execution."
    OneAtATime "one-at-a-time" "Exits on two messages that come together."
    StrictLineEnds "strict-line-ends" "Exits on a line that ends in a carriage return."
    HalfLines "half-lines" "Exits on a short line that comes in pieces."
    SmallReader "small-reader" "Exits on a line of more than 64 KiB."
    StrictFields "strict-fields" "Exits on an Execute with a field that it does not know."
    TakesMissingText "takes-missing-text" "Takes an Execute without a text for one with an empty text."
    DiesOfBadLines "dies-of-bad-lines" "Exits on a line that is no message."
    DiesOfUnknown "dies-of-unknown" "Exits on a message that it does not know."
    DiesOfSecondHello "dies-of-second-hello" "Exits on a second Hello."

    // In an execution.
    NeverStarts "never-starts" "Never says Started."
    OutputBeforeStarted "output-before-started" "Says Stdout before Started."
    RefusesExecution "refuses-execution" "Says an Error in place of Started."
    DiesBeforeStarted "dies-before-started" "Exits before it says Started."
    DiesInExecution "dies-in-execution" "Exits behind Started and a line, with a last line on stderr."
    ClosesInExecution "closes-in-execution" "Closes the connection behind Started, and stays alive."
    HalfALine "half-a-line" "Exits in the middle of a message."
    ShutsDownInExecution "shuts-down-in-execution" "Says Shutdown behind Started, unasked."
    BadUtf8 "bad-utf8" "Says a line that is not UTF-8 behind Started."
    BadLine "bad-line" "Says a line that is no message behind Started, and goes on."
    UnknownMessage "unknown-message" "Says a message of no known kind behind Started, and goes on."
    UnknownExecution "unknown-execution" "Says something of an execution that never was, and goes on."
    LateOutput "late-output" "Goes on saying things of an execution behind its end."
    TwoEnds "two-ends" "Ends an execution twice."
    StartedTwice "started-twice" "Says Started twice for one execution."
    MissingLine "missing-line" "Says a Stderr without a line behind Started, and goes on."
    HugeCode "huge-code" "Ends with an exit code that does not fit into 32 bits."
    MissingField "missing-field" "Ends with an ExitStatus without a code."
    EndlessLine "endless-line" "Says a line that has no end."
    Floods "floods" "Says lines without end and without waiting."
    FloodsStderr "floods-stderr" "Says 64 MB of lines of standard error, or as many lines of a KiB as `HOSTILE_ITEMS` says, then exits with 0."
    NeverEnds "never-ends" "Says Started and nothing more."
    Glued "glued" "Says several messages on one line."
    SlowDrip "slow-drip" "Says its messages one byte at a time."
    Prints "prints" "Prints a megabyte on its own stdout and stderr before it goes on."
    StopsReading "stops-reading" "Reads nothing more behind Started."

    // At the end.
    Works "works" "Starts a child in a process group of its own for each execution, and waits for it."
    IgnoresShutdown "ignores-shutdown" "Does nothing at a Shutdown, nor when the connection ends."
    IgnoresSigterm "ignores-sigterm" "The same, and does not die of SIGTERM."
    DiesOfShutdown "dies-of-shutdown" "Exits with 42 at a Shutdown before any execution."
    DiesOfLaterShutdown "dies-of-later-shutdown" "Exits with 42 at a Shutdown behind an execution."
    LeavesSocket "leaves-socket" "Listens anew at a Shutdown, and leaves that socket behind."
    LeavesChild "leaves-child" "Starts a child in an execution that outlives it, and goes on."
    BearsSigint "bears-sigint" "Does not die of SIGINT."
    BearsSigterm "bears-sigterm" "Does not die of SIGTERM, but of everything else."
    StaysWithoutHost "stays-without-host" "Stays when the connection ends."
    Forks "forks" "Starts a child that holds its streams and outlives it, and exits in an execution."
}
