//! Asking a plugin for values that only it knows.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use pegboard_host::store::{Freshness, Snapshot, Store};
use pegboard_host::{AppContext, Config, Deadlines, Engine, Error};

use super::answer::{Answer, Question};
use crate::installed;

/// How long somebody who pressed a key waits for candidates, the start of the plugin included.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the plugin may take for each step of its end. It was asked for nothing that could be lost.
const PARTING: Duration = Duration::from_millis(100);

/// Adds the plugin's candidates. Nothing is said about errors. What the plugin answers takes the place of the names of files.
pub(super) fn ask(store: &Store, snapshot: &Snapshot, question: &Question, answer: &mut Answer) {
    let Some(plugin) = snapshot.index().plugin(&question.plugin) else {
        return;
    };
    if Freshness::of(plugin.path(), plugin.file()) == Freshness::Gone {
        return;
    }
    let asked = || -> Result<_, Error> {
        let directory = env::current_dir().unwrap_or_else(|_| "/".into());
        let mut config = Config::new(&directory, env::vars_os());
        config.deadlines = Deadlines {
            goodbye: PARTING,
            close: PARTING,
            terminate: PARTING,
            ..Deadlines::default()
        };
        let engine = Engine::new(config)?;
        let loaded = engine.load_with(plugin.path(), installed::config(store, plugin))?;
        let context = AppContext::new()
            .with_environment(env::vars_os())
            .with_directory(&directory);
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
