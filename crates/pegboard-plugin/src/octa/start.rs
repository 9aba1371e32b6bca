//! Serving a plugin to Octa, as its command line says.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use pegboard_protocol::LabeledError;
use pegboard_protocol::octa::PluginConfig;
use pegboard_transport::Link;

use super::key::{Start, Work};
use super::{Key, Log};
use crate::Plugin;
use crate::plugin::complain;

/// What Octa's arguments say. Those that are not known mean nothing.
pub(crate) struct Started {
    socket: PathBuf,
    log: Option<PathBuf>,
}

impl Started {
    /// None if it was not Octa that started this.
    pub(crate) fn by_octa(arguments: &[OsString]) -> Option<Started> {
        Some(Started {
            socket: value(arguments, "--socket-path")?.into(),
            log: value(arguments, "--log-dir").map(PathBuf::from),
        })
    }
}

/// The value of an option, behind it or behind a `=`.
fn value(arguments: &[OsString], option: &str) -> Option<OsString> {
    let place = arguments.iter().position(|argument| argument == option);
    if let Some(place) = place {
        return arguments.get(place + 1).cloned();
    }
    let start = format!("{option}=");
    arguments.iter().find_map(|argument| {
        let bytes = argument.as_encoded_bytes().strip_prefix(start.as_bytes())?;
        #[cfg(unix)]
        let value = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes);
        #[cfg(not(unix))]
        let value = OsStr::new(std::str::from_utf8(bytes).ok()?);
        Some(value.to_owned())
    })
}

impl Plugin {
    /// Says what the plugin is in Octa. In Nushell, a key with a handler of its own is a command of the same name, unless
    /// there is one already.
    pub fn octa(mut self, key: Key) -> Plugin {
        if let Work::Execute(start) = &key.work
            && self.definition.command(&key.name).is_none()
        {
            let command = super::command(&key.name, &key.description, start.clone());
            self = self.command(command);
        }
        self.key = Some(key);
        self
    }

    /// Serves Octa over a link until the host shuts the plugin down or is gone. For tests; programs call
    /// [`Plugin::serve`].
    #[cfg(unix)]
    pub fn serve_octa_on(self, link: Link) -> Result<(), LabeledError> {
        let name = self.definition.name.clone();
        let (config, start) = self.served()?;
        let served = super::serve::Served {
            name,
            config,
            start,
            log: Log::default(),
        };
        let result = super::serve::serve_link(served, link);
        result.map_err(|error| LabeledError::new(format!("the host: {error}")))
    }

    /// What is wrong with the key, a sentence each.
    pub(crate) fn key_mistakes(&self) -> Vec<String> {
        let Some(key) = &self.key else {
            return Vec::new();
        };
        let mut mistakes = Vec::new();
        let mut say = |mistake: &str| mistakes.push(format!("the key `{}` {mistake}", key.name));
        if key.name.is_empty() || key.name.contains(['/', '\0']) {
            say("is no part of a file's name, which it has to be for Octa to find the plugin");
        }
        if let Err(mistake) = key.requirement() {
            say(mistake);
        }
        match &key.work {
            Work::Nothing => say("does nothing: it has no `execute` and no `command`"),
            Work::Command(name) if self.definition.command(name).is_none() => {
                say(&format!("runs the command `{name}`, which is not there"));
            }
            Work::Command(_) | Work::Execute(_) => {}
        }
        mistakes
    }

    /// Serves Octa until it has enough, is gone, or a signal comes.
    pub(crate) fn serve_octa(self, started: &Started) -> ExitCode {
        let name = self.definition.name.clone();
        match self.try_serve_octa(started) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&format!("{name}: {error}"));
                ExitCode::FAILURE
            }
        }
    }

    #[cfg(unix)]
    fn try_serve_octa(self, started: &Started) -> Result<(), String> {
        let name = program().unwrap_or_else(|| self.definition.name.clone());
        let log = match &started.log {
            None => Log::default(),
            Some(directory) => Log::open(directory, &name).map_err(|error| {
                format!(
                    "the log in {} cannot be opened: {error}",
                    directory.display()
                )
            })?,
        };
        let (config, start) = self.served()?;
        let served = super::serve::Served {
            name,
            config,
            start,
            log,
        };
        super::serve::serve(served, &started.socket)
    }

    #[cfg(not(unix))]
    fn try_serve_octa(self, _: &Started) -> Result<(), String> {
        Err("plugins of Octa are not served on this system".to_owned())
    }

    /// What Octa is served: the key, or else the command that has the plugin's name, or the only one.
    fn served(mut self) -> Result<(PluginConfig, Arc<Start>), String> {
        if let Some(mistake) = self.key_mistakes().pop() {
            return Err(mistake);
        }
        let key = match self.key.take() {
            Some(key) => key,
            None => self.key_of_command()?,
        };
        let requirement = key.requirement()?.clone();
        let config = PluginConfig {
            requirement,
            ..PluginConfig::new(key.name)
        };
        let start = match key.work {
            Work::Execute(start) => start,
            Work::Command(command) => super::start_command(Arc::new(self.definition), command),
            Work::Nothing => return Err("the key does nothing".to_owned()),
        };
        Ok((config, start))
    }

    fn key_of_command(&self) -> Result<Key, String> {
        let definition = &self.definition;
        let command = match definition.command(&definition.name) {
            Some(command) => command,
            None => match definition.commands.as_slice() {
                [command] => command,
                _ => {
                    return Err(format!(
                        "it has no key for Octa, and no command `{}` that could be one; see `Plugin::octa`",
                        definition.name
                    ));
                }
            },
        };
        let sig = &command.signature.sig;
        Ok(Key::new(&definition.name, &sig.description).command(&sig.name))
    }
}

/// The name of the program, as Octa's log files are called.
fn program() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let stem = program.file_stem()?.to_string_lossy();
    Some(
        stem.strip_prefix("octa_plugin_")
            .unwrap_or(&stem)
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: Option<(&str, Option<&str>)>) {
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        let started = Started::by_octa(&arguments).map(|it| (it.socket, it.log));
        let expected = expected.map(|(socket, log)| (socket.into(), log.map(PathBuf::from)));
        assert_eq!(started, expected, "{arguments:?}");
    }

    #[test]
    fn octas_arguments() {
        check(&["--socket-path", "/s"], Some(("/s", None)));
        check(
            &["--socket-path=/s", "--log-dir=/l"],
            Some(("/s", Some("/l"))),
        );
        check(
            &["--log-dir", "/l", "--socket-path", "/s"],
            Some(("/s", Some("/l"))),
        );
        check(
            &["--what", "--socket-path", "/s", "is", "this"],
            Some(("/s", None)),
        );
        check(&["--socket-path"], None);
        check(&["--stdio"], None);
        check(&["--local-socket", "/s"], None);
    }

    #[test]
    fn mistakes_in_keys_are_said() {
        let plugin = || Plugin::new("p", "1.0.0");
        let key = || Key::new("k", "Does something");
        assert_eq!(
            plugin().octa(key()).mistakes(),
            ["the key `k` does nothing: it has no `execute` and no `command`"]
        );
        assert_eq!(
            plugin().octa(key().command("c")).mistakes(),
            ["the key `k` runs the command `c`, which is not there"]
        );
        let mistakes = plugin()
            .octa(key().requires("never").execute(|_| Ok(())))
            .mistakes();
        assert!(
            mistakes[0].contains("`never` of Octa, which is no requirement"),
            "{mistakes:?}"
        );
        assert!(
            plugin()
                .octa(key().execute(|_| Ok(())))
                .mistakes()
                .is_empty()
        );
    }
}
