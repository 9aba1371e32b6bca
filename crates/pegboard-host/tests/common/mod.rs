//! What the tests with real plugins share: an engine of their own, the flavours of the reference plugin, and short ways
//! to look into values.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

pub mod custom;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pegboard_host::protocol::nu::{ByteStreamKind, EvaluatedCall};
use pegboard_host::{
    AppContext, Config, Context, Engine, Flow, ListStream, Plugin, PluginConfig, Run, Span, Value,
};
use pegboard_testkit::peers::{peer, peer_in};
use pegboard_testkit::tree::{processes_with_env, wait_until};

/// Long enough that only something that never happens takes longer.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One build of the reference plugin in one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flavour {
    pub folder: &'static str,
    pub encoding: &'static str,
}

const fn flavour(folder: &'static str, encoding: &'static str) -> Flavour {
    Flavour { folder, encoding }
}

/// The newest build, over a local socket, in MessagePack.
pub const NEWEST: Flavour = flavour("bin", "msgpack");
/// The oldest build, over a local socket, in MessagePack.
pub const OLDEST: Flavour = flavour("bin-105", "msgpack");

/// Every build in every encoding.
pub const FLAVOURS: [Flavour; 6] = [
    NEWEST,
    flavour("bin", "json"),
    flavour("bin-stdio", "msgpack"),
    flavour("bin-stdio", "json"),
    OLDEST,
    flavour("bin-105", "json"),
];

impl Flavour {
    /// Built with a version from before custom values could be saved, completed and so on.
    pub fn is_old(self) -> bool {
        self.folder == "bin-105"
    }

    pub fn is_json(self) -> bool {
        self.encoding == "json"
    }

    /// Announces local sockets.
    pub fn has_socket(self) -> bool {
        self.folder != "bin-stdio"
    }

    pub fn path(self) -> PathBuf {
        peer_in(self.folder, "nu_plugin_reference")
    }
}

/// A name that no other test has.
pub fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{}.{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A directory that goes away with its owner.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        let path = std::env::temp_dir().join(format!("pegboard-test.{}", unique()));
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The variable by which a test finds the processes that it has started.
pub const MARK: &str = "PEGBOARD_REAL_TEST";

/// An engine of its own, what marks its processes, and the directory of its sockets.
pub struct Rig {
    pub engine: Engine,
    pub mark: String,
    pub scratch: Scratch,
}

impl Rig {
    pub fn new() -> Rig {
        Rig::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Rig {
        let (mark, scratch) = (unique(), Scratch::new());
        let config = {
            let mut config = Config::new(scratch.path(), std::env::vars_os());
            config.runtime_directory = scratch.path().to_owned();
            set(&mut config, MARK, &mark);
            change(&mut config);
            config
        };
        Rig {
            engine: Engine::new(config).expect("an engine"),
            mark,
            scratch,
        }
    }

    pub fn load(&self, name: &str) -> Plugin {
        self.engine.load(peer(name)).expect("a real plugin")
    }

    /// Processes of this engine's plugins that run.
    pub fn processes(&self) -> Vec<u32> {
        processes_with_env(MARK, &self.mark)
    }
}

/// Sets a variable that plugins start with.
pub fn set(config: &mut Config, name: &str, value: &str) {
    config.environment.retain(|(known, _)| known != name);
    config
        .environment
        .push((OsString::from(name), OsString::from(value)));
}

/// Deadlines for plugins that do not end by themselves.
pub fn impatient(config: &mut Config) {
    config.deadlines.goodbye = Duration::from_millis(50);
    config.deadlines.close = Duration::from_millis(50);
    config.deadlines.terminate = Duration::from_millis(200);
}

/// A reference plugin of one flavour in an engine of its own.
pub struct Reference {
    pub plugin: Plugin,
    pub rig: Rig,
    pub flavour: Flavour,
}

impl Reference {
    pub fn new(flavour: Flavour) -> Reference {
        Reference::with(flavour, PluginConfig::default(), |_| {})
    }

    pub fn with(
        flavour: Flavour,
        plugin: PluginConfig,
        change: impl FnOnce(&mut Config),
    ) -> Reference {
        let rig = Rig::with(|config| {
            set(config, "REF_ENCODING", flavour.encoding);
            change(config);
        });
        let plugin = rig
            .engine
            .load_with(flavour.path(), plugin)
            .expect("the reference plugin");
        Reference {
            plugin,
            rig,
            flavour,
        }
    }

    /// A run of `ref NAME`.
    pub fn run(&self, command: &str) -> Run {
        self.plugin.run(format!("ref {command}"))
    }

    /// What a command gives without arguments and input, collected.
    pub fn value(&self, command: &str) -> Value {
        value(self.run(command))
    }

    pub fn pid(&self) -> u32 {
        u32::try_from(int(&field(&self.value("state"), "pid"))).expect("a process id")
    }

    /// Waits until no call is under way and no stream is open.
    pub fn rests(&self) {
        let rests = wait_until(PATIENCE, || self.plugin.status().active_calls == 0);
        assert!(rests, "{:?}: {:?}", self.flavour, self.plugin.status());
    }
}

/// Does the same with every flavour of the reference plugin.
pub fn for_each_flavour(check: impl Fn(&Reference)) {
    for flavour in FLAVOURS {
        // Shown when the test fails.
        println!("flavour: {flavour:?}");
        check(&Reference::new(flavour));
    }
}

/// What a run gives, collected.
pub fn value(run: Run) -> Value {
    match run.call().and_then(Flow::into_value) {
        Ok(value) => value,
        Err(error) => panic!("the call failed: {error}\n{error:?}"),
    }
}

/// The error that a run ends with.
pub fn error(run: Run) -> pegboard_host::Error {
    match run.call().and_then(Flow::into_value) {
        Ok(value) => panic!("the call gave {value:?}"),
        Err(error) => error,
    }
}

/// The list stream that a run gives.
pub fn list(run: Run) -> ListStream {
    match run.call() {
        Ok(Flow::List(stream)) => stream,
        other => panic!("no list stream but {other:?}"),
    }
}

/// The byte stream that a run gives.
pub fn bytes(run: Run) -> pegboard_host::ByteStream {
    match run.call() {
        Ok(Flow::Bytes(stream)) => stream,
        other => panic!("no byte stream but {other:?}"),
    }
}

/// A field of a record, by a path of names.
#[track_caller]
pub fn field(value: &Value, path: &str) -> Value {
    path.split('.')
        .fold(value.clone(), |value, name| match &value {
            Value::Record(record, _) => match record.get(name) {
                Some(field) => field.clone(),
                None => panic!("no field {name} in {record:?}"),
            },
            other => panic!("no record to take {name} from: {other:?}"),
        })
}

#[track_caller]
pub fn int(value: &Value) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        other => panic!("no integer: {other:?}"),
    }
}

#[track_caller]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text, _) => text.clone(),
        other => panic!("no string: {other:?}"),
    }
}

#[track_caller]
pub fn items(value: Value) -> Vec<Value> {
    match value {
        Value::List(values, _) => values,
        other => panic!("no list: {other:?}"),
    }
}

/// The integers of a range, as values.
pub fn ints(range: std::ops::Range<i64>) -> impl Iterator<Item = Value> + Send + 'static {
    range.map(Value::int)
}

/// Arguments with a head, which values that a plugin makes then have as their span.
pub fn headed(head: Span, positional: impl IntoIterator<Item = Value>) -> EvaluatedCall {
    EvaluatedCall {
        head,
        positional: positional.into_iter().collect(),
        named: Vec::new(),
    }
}

/// A stream of `count` bytes, from 0 to 250 over and over, so that pieces of any usual size differ.
pub fn pattern(count: usize) -> impl std::io::Read + Send + 'static {
    struct Pattern(usize, usize);
    impl std::io::Read for Pattern {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(self.1 - self.0);
            repeat(&mut buffer[..count], self.0, 251);
            self.0 += count;
            Ok(count)
        }
    }
    Pattern(0, count)
}

/// Reads to the end and checks each byte: `count` of them, from 0 to `period` - 1 over and over.
pub fn check_pattern(mut stream: impl std::io::Read, count: usize, period: usize) {
    let (mut buffer, mut wanted) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut place = 0;
    loop {
        let count = stream.read(&mut buffer).expect("bytes");
        if count == 0 {
            break;
        }
        repeat(&mut wanted[..count], place, period);
        assert!(
            buffer[..count] == wanted[..count],
            "wrong bytes behind {place}"
        );
        place += count;
    }
    assert_eq!(place, count);
}

/// Fills a buffer as [`pattern`] has it from a place on.
fn repeat(buffer: &mut [u8], place: usize, period: usize) {
    let first = period.min(buffer.len());
    for (offset, byte) in buffer[..first].iter_mut().enumerate() {
        *byte = ((place + offset) % period) as u8;
    }
    let mut done = first;
    while done < buffer.len() {
        // Whole periods, so that the copy goes on where the original did.
        let more = (done / period * period).min(buffer.len() - done);
        buffer.copy_within(..more, done);
        done += more;
    }
}

/// A byte stream of the kind, as a flow.
pub fn byte_flow(count: usize, kind: ByteStreamKind) -> Flow {
    Flow::bytes(pattern(count), kind)
}

/// The context as a run takes it.
pub fn shared(context: AppContext) -> Arc<dyn Context> {
    Arc::new(context)
}
