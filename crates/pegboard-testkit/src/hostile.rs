//! The ways in which `pegboard-hostile` misbehaves.
//!
//! The program is a Nushell plugin with one command, `hostile`. Left alone it behaves: it gives `"hostile"` for no
//! input, a value back as it is, and the number of items (or bytes) for a stream. These variables change that:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `HOSTILE` | names of modes, separated by commas; they add up | none |
//! | `HOSTILE_VERSION` | the version in its Hello | `0.115.1` |
//! | `HOSTILE_ENCODING` | `json` or `msgpack` | `json` |
//! | `HOSTILE_ITEMS` | how many items it handles before it misbehaves in a stream | 3 |
//! | `HOSTILE_PAUSE_MS` | the pause of the modes that wait, in milliseconds | 50 |
//! | `HOSTILE_EXIT_CODE` | the exit code of the modes that exit | 42 |
//! | `HOSTILE_LIFETIME_MS` | it and its children end after this time whatever happens | 120000 |
//!
//! Started with `--socket-path`, it is a plugin of Octa's, with modes of its own: [`octa`].
//!
//! `pegboard-hostile --list` prints the modes.

use std::fmt;
use std::str::FromStr;

macro_rules! modes {
    ($($variant:ident $name:literal $sentence:literal)*) => {
        /// One way to misbehave.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mode {
            $(#[doc = $sentence] $variant,)*
        }

        /// Every mode, family by family.
        pub const MODES: &[Mode] = &[$(Mode::$variant,)*];

        impl Mode {
            /// What stands for it in the variable `HOSTILE`.
            pub const fn name(self) -> &'static str {
                match self { $(Mode::$variant => $name,)* }
            }

            /// What the plugin does.
            pub const fn sentence(self) -> &'static str {
                match self { $(Mode::$variant => $sentence,)* }
            }
        }

        impl fmt::Display for Mode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for Mode {
            type Err = String;

            fn from_str(name: &str) -> Result<Mode, String> {
                let found = MODES.iter().find(|mode| mode.name() == name).copied();
                found.ok_or_else(|| {
                    format!("there is no mode `{name}`; --list prints those that there are")
                })
            }
        }
    };
}

// Behind the macro, which it needs too.
pub mod octa;

modes! {
    // Before and around Hello.
    ExitBeforeEncoding "exit-before-encoding" "Exits before it has written a byte, with a last line on stderr."
    ExitBeforeHello "exit-before-hello" "Exits between the encoding and Hello."
    ExitAfterHello "exit-after-hello" "Exits right after its Hello, without waiting for the engine's."
    CrashLoop "crash-loop" "Exits on every start as soon as both Hellos have been exchanged."
    Silent "silent" "Never writes anything."
    EncodingThenSilent "encoding-then-silent" "Writes the encoding and nothing more."
    UnknownEncoding "unknown-encoding" "Announces the encoding `yaml`."
    PrintsTextFirst "prints-text-first" "Is an ordinary program that greets on stdout and waits for input."
    WrongProtocol "wrong-protocol" "Says in Hello that it speaks `not-nu-plugin`."
    WrongVersion "wrong-version" "Says in Hello that it is of version 0.0.0."
    StrictVersion "strict-version" "Waits for the engine's Hello and exits with 1 unless it has exactly its own version."
    ReadsFirst "reads-first" "Waits for the engine's Hello before it writes its own."
    BadHelloJson "bad-hello-json" "Writes a Hello that cannot be decoded."
    HelloTwice "hello-twice" "Writes its Hello twice."
    MessageBeforeHello "message-before-hello" "Writes an Option before its Hello."
    GcDisabled "gc-disabled" "Asks not to be stopped when it is idle."
    OptionUnknown "option-unknown" "Sends an Option that no version knows, after Hello."
    UnknownMessage "unknown-message" "Sends a message that no version knows, after Hello."

    // Responses.
    NeverReplies "never-replies" "Never answers Run."
    NeverRepliesSignature "never-replies-signature" "Never answers Signature."
    WrongResponseKind "wrong-response-kind" "Answers Run with an Ordering."
    ResponseTwice "response-twice" "Answers Run twice."
    ResponseUnknownId "response-unknown-id" "Answers a call that was never made before it answers Run."
    InvalidSpanLabels "invalid-span-labels" "Answers Run with an error whose labels end before they start or lie far outside."
    ErrorWithoutLabelsNull "error-without-labels-null" "Answers Run with an error whose labels are null."
    PrintsToStdout "prints-to-stdout" "Prints a line of text to stdout before it answers Run."

    // The form of the bytes.
    HugeFrame "huge-frame" "Answers Run with one string (JSON) or byte string (MessagePack, 4 GB claimed) that has no end."
    HugeCollectionClaim "huge-collection-claim" "Answers Run with a list that claims four billion items and then stops (MessagePack), or has no end (JSON)."
    DeepNesting "deep-nesting" "Answers Run with a hundred thousand lists inside each other."
    BadUtf8String "bad-utf8-string" "Answers Run with a string that is not UTF-8."
    SlowDrip "slow-drip" "Answers Run correctly, one byte at a time with a pause after each."
    SplitWrites "split-writes" "Writes every message in pieces of a few bytes."
    GluedWrites "glued-writes" "Writes the encoding and Hello at once, and answers Run with a whole list stream at once, without anything in between."

    // Streams that it produces.
    FloodsStream "floods-stream" "Answers Run with a list stream that has no end and waits for no ack; a Drop ends it."
    FloodsBytes "floods-bytes" "Answers Run with a byte stream that has no end and waits for no ack; a Drop ends it."
    FloodsUnknownStream "floods-unknown-stream" "On Run, sends items without end for a stream that was never announced."
    DiesMidStream "dies-mid-stream" "Answers Run with a list stream and exits after a few items, with a last line on stderr."
    LateDataAfterDrop "late-data-after-drop" "Answers Run with a list stream, within its credit, that sends more items after a Drop before it ends."
    DataAfterEnd "data-after-end" "Answers Run with a list stream that goes on after its End."
    ListItemInByteStream "list-item-in-byte-stream" "Answers Run with a byte stream that has a list item in it."
    RawInListStream "raw-in-list-stream" "Answers Run with a list stream that has a chunk of bytes in it."
    EndWithoutStart "end-without-start" "Ends a stream that was never announced before it answers Run."
    NeverEnds "never-ends" "Gives a short stream whose end it never says, unless it is dropped."

    // Streams that it consumes.
    SlowReader "slow-reader" "Pauses before it looks at each message."
    StopsReading "stops-reading" "Reads nothing after the engine's Hello."
    StopsReadingMidInput "stops-reading-mid-input" "Reads nothing more after a few items of an input stream."
    NoAck "no-ack" "Acks no input; answers with what came once nothing more has come for a pause."
    ExtraAcks "extra-acks" "Acks every item of an input stream three times."
    AckUnknown "ack-unknown" "Sends an Ack and a Drop for a stream that does not exist before it answers Run."
    DropInputEarly "drop-input-early" "Drops an input stream after its first item and answers."

    // Engine calls.
    FloodsEngineCalls "floods-engine-calls" "On Run, makes engine calls without end and without waiting for a reply."
    EngineCallUnknown "engine-call-unknown" "On Run, makes an engine call that no version knows, and answers with the reply's text."
    EngineCallBadContext "engine-call-bad-context" "On Run, makes an engine call for a call that was never made, and answers with the reply's text."
    TakesForeground "takes-foreground" "On Run, asks for the terminal and answers with the reply's text; then exits with `dies-on-run`, or says nothing with `never-replies`."
    EngineCallAfterResponse "engine-call-after-response" "Makes an engine call for a Run that it has answered."

    // Deaths.
    DiesOnRun "dies-on-run" "Exits on Run, with a last line on stderr."
    DiesMidMessage "dies-mid-message" "Exits on Run after half of the response."
    AbortsOnRun "aborts-on-run" "Is ended by a signal on Run."

    // Ends.
    IgnoresGoodbye "ignores-goodbye" "Does not exit on Goodbye, only when its input is closed."
    IgnoresGoodbyeAndEof "ignores-goodbye-and-eof" "Exits neither on Goodbye nor when its input is closed."
    IgnoresSigterm "ignores-sigterm" "Ignores SIGTERM."
    Forks "forks" "Starts two programs that sleep: one in a session of its own, one in its own process group."
    ForksHoldingStdout "forks-holding-stdout" "Starts a program that sleeps and keeps stdout open, in another process group."
    NoisyStderr "noisy-stderr" "Writes two megabytes to stderr before Hello, and again on Run."
    NonUtf8Stderr "non-utf8-stderr" "Writes a line to stderr that is not UTF-8, before Hello and on Run."

    // Local sockets.
    LocalSocket "local-socket" "Announces LocalSocket and works."
    LocalSocketRefuse "local-socket-refuse" "Announces LocalSocket and exits with 1 when it is started with one."
    LocalSocketNeverConnects "local-socket-never-connects" "Announces LocalSocket and does nothing when it is started with one."
    SocketConnectsOnce "socket-connects-once" "Announces LocalSocket and makes only the first of the two connections."
    // Small faults in what it answers.
    EmptyError "empty-error" "Answers Run with an error without a message."
    CustomValue "custom-value" "Answers Run with a custom value, about which it knows nothing more."
    EndsTwice "ends-twice" "Answers Run with a list stream that ends twice."
    IgnoresDrop "ignores-drop" "Answers Run with a list stream without end, within its credit, that a Drop does not end."
    HangsOnRefusal "hangs-on-refusal" "On Run, makes an engine call, and never answers if it is refused."

    // What it says that it is.
    SameCommandTwice "same-command-twice" "Names its command twice."
    SameArgumentTwice "same-argument-twice" "Has two arguments of one name."
    SameFlagTwice "same-flag-twice" "Has two flags of one short name."
    ForeignExample "foreign-example" "Has an example that is about another command."
    FalseExample "false-example" "Has an example that promises something else than the command gives."

    // Less than it has to understand.
    WaitsWithoutArguments "waits-without-arguments" "Started without arguments, it waits."
    ExpectsSilence "expects-silence" "Exits when the engine says something before the plugin's Hello, which takes a while."
    RefusesUnknownFeatures "refuses-unknown-features" "Exits on a Hello with a feature that it does not know."
    HangsOnOtherVersion "hangs-on-other-version" "Does nothing more after a Hello of another version."
    SmallCallNumbers "small-call-numbers" "Exits on a call whose number does not fit into 32 bits."
    TiresOfCalls "tires-of-calls" "Answers no call after the sixteenth."
    RunsOnce "runs-once" "Exits when its command is run a second time."
    DiesWithoutArgument "dies-without-argument" "Has a required argument, and exits when it is missing."
    SmallReader "small-reader" "Exits on a message of more than 64 KiB."
    ShallowReader "shallow-reader" "Exits on a message of more than 40 levels."
    HalfMessages "half-messages" "Exits on a short message that comes in pieces."
    StrictFields "strict-fields" "Exits on a Run with a field that it does not know."
    HangsOnUnknown "hangs-on-unknown" "Does nothing more after a message or call that it does not know."
    HangsOnStrays "hangs-on-strays" "Does nothing more after an item or a reply that it does not expect."
    BearsInvalidBytes "bears-invalid-bytes" "Reads nothing more after bytes that are no message, and stays."
    StressInternalsLike "stress-internals-like" "Behaves like Nushell's stress_internals: reads first, obeys the STRESS_ variables, exits on unknown messages."
}
