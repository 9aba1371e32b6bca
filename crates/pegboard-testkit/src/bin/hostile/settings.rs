//! What the environment asks for.

use std::env;
use std::time::Duration;

use pegboard_testkit::hostile::Mode;

/// How messages are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Msgpack,
}

impl Encoding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Encoding::Json => "json",
            Encoding::Msgpack => "msgpack",
        }
    }
}

/// All that the environment asks for.
#[derive(Clone)]
pub(crate) struct Settings {
    modes: Vec<Mode>,
    pub(crate) version: String,
    pub(crate) encoding: Encoding,
    pub(crate) items: u64,
    pub(crate) pause: Duration,
    pub(crate) exit_code: i32,
    pub(crate) lifetime: Duration,
}

impl Settings {
    pub(crate) fn from_env() -> Result<Settings, String> {
        let modes = text("HOSTILE", "");
        let names = modes.split(',').map(str::trim).filter(|it| !it.is_empty());
        Ok(Settings {
            modes: names.map(str::parse).collect::<Result<_, _>>()?,
            version: text("HOSTILE_VERSION", "0.115.1"),
            encoding: match text("HOSTILE_ENCODING", "json").as_str() {
                "json" => Encoding::Json,
                "msgpack" => Encoding::Msgpack,
                other => return Err(format!("HOSTILE_ENCODING: unknown encoding `{other}`")),
            },
            items: number("HOSTILE_ITEMS", 3)?,
            pause: Duration::from_millis(number("HOSTILE_PAUSE_MS", 50)?),
            exit_code: i32::try_from(number("HOSTILE_EXIT_CODE", 42)?)
                .map_err(|_| "HOSTILE_EXIT_CODE: too large".to_owned())?,
            lifetime: Duration::from_millis(number("HOSTILE_LIFETIME_MS", 120_000)?),
        })
    }

    pub(crate) fn has(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }

    /// The modes in the order in which they were given.
    pub(crate) fn modes(&self) -> impl Iterator<Item = Mode> {
        self.modes.iter().copied()
    }

    /// True when the plugin offers to be started with a local socket.
    pub(crate) fn announces_socket(&self) -> bool {
        self.modes().any(|mode| {
            matches!(
                mode,
                Mode::LocalSocket
                    | Mode::LocalSocketRefuse
                    | Mode::LocalSocketNeverConnects
                    | Mode::SocketConnectsOnce
            )
        })
    }
}

fn text(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

pub(crate) fn number(name: &str, default: u64) -> Result<u64, String> {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{name}: not a number: {text}")),
        Err(_) => Ok(default),
    }
}
