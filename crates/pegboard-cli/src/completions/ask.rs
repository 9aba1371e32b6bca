//! Asking a plugin for values that only it knows.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pegboard_host::store::{Freshness, Snapshot, Store};
use pegboard_host::{AppContext, Config, Deadlines, Engine, Error};

use super::answer::{Answer, Question, Whom};
use crate::installed;

/// How long somebody who pressed a key waits for candidates, the start of the plugin included.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long the plugin may take for each step of its end. It was asked for nothing that could be lost.
const PARTING: Duration = Duration::from_millis(100);

/// An engine for plugins that are asked something and ended.
pub(super) fn engine() -> Result<Engine, Error> {
    let mut config = Config::new(directory(), env::vars_os());
    config.deadlines = Deadlines {
        goodbye: PARTING,
        close: PARTING,
        terminate: PARTING,
        ..Deadlines::default()
    };
    Engine::new(config)
}

/// Adds the plugin's candidates. Nothing is said about errors. What the plugin answers takes the place of the names of files.
pub(super) fn ask(store: &Store, snapshot: &Snapshot, question: &Question, answer: &mut Answer) {
    let asked = || -> Result<_, Error> {
        let engine = engine()?;
        let loaded = match &question.plugin {
            Whom::Given(path) => engine.load(path)?,
            Whom::Installed(name) => {
                let Some(plugin) = snapshot.index().plugin(name) else {
                    return Ok(None);
                };
                if Freshness::of(plugin.path(), plugin.file()) == Freshness::Gone {
                    return Ok(None);
                }
                engine.load_with(plugin.path(), installed::config(store, plugin))?
            }
        };
        let context = AppContext::new()
            .with_environment(env::vars_os())
            .with_directory(directory());
        let target = question.target.clone();
        loaded.complete(&question.command, target, Arc::new(context), PATIENCE)
    };
    if let Ok(Some(suggestions)) = asked() {
        answer.files = None;
        for suggestion in suggestions {
            let about = suggestion.description.unwrap_or_default();
            answer.offer(suggestion.value, about);
        }
    }
}

fn directory() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| "/".into())
}
