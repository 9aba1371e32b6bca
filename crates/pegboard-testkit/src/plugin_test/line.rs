//! Pipelines written as text, run by the engine's side.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use pegboard_args::Caller;
use pegboard_args::line::{self, Pipeline, Resolved, Scope};
use pegboard_plugin::{Input, LabeledError, Output};
use pegboard_protocol::Closure;
use pegboard_protocol::nu::Signature;

use super::engine::{Block, EngineSide, SOURCE, lock};

/// The first minor version that hands paths over as they were typed.
const LEAVES_PATHS_AS_THEY_ARE: u64 = 106;

impl EngineSide {
    /// Takes a line apart and keeps its text for those who ask for places in it.
    pub(super) fn read(&self, text: &str) -> Result<Pipeline, LabeledError> {
        let mut state = lock(&self.state);
        let start = SOURCE + state.source.len();
        state.source.push_str(text);
        drop(state);
        line::read(text, start as u64)
    }

    /// Runs a pipeline. Nothing runs before all of its stages have been understood.
    pub(super) fn evaluate(
        self: &Arc<Self>,
        pipeline: &Pipeline,
        input: Input,
        end: Option<Instant>,
    ) -> Result<Output, LabeledError> {
        let mut flow = input;
        for stage in self.resolve(pipeline)? {
            flow = match stage {
                Resolved::Value(value) => value.into(),
                Resolved::Call { name, call } => self.run(&name, call, flow, end)?,
            };
        }
        Ok(flow)
    }

    /// Whether the version makes paths that are arguments absolute, as Nushell did up to 0.105.
    fn makes_paths_absolute(&self) -> bool {
        self.connected().is_ok_and(|host| {
            host.ask(|session| session.dialect().minor()) < LEAVES_PATHS_AS_THEY_ARE
        })
    }

    pub(super) fn resolve(
        self: &Arc<Self>,
        pipeline: &Pipeline,
    ) -> Result<Vec<Resolved>, LabeledError> {
        let commands = Commands::new(self);
        let directory = match self.makes_paths_absolute() {
            true => lock(&self.state).directory.clone(),
            false => Some(PathBuf::new()),
        };
        let directory = directory.unwrap_or_else(|| PathBuf::from("/"));
        let caller = Caller {
            directory: Path::new(&directory),
            home: None,
        };
        let stages = pipeline.stages.iter();
        stages
            .map(|stage| line::resolve(stage, &commands, &caller))
            .collect()
    }
}

/// The commands that there are, the plugin's and the engine's.
struct Commands<'a> {
    side: &'a EngineSide,
    own: Vec<Signature>,
}

impl Commands<'_> {
    fn new(side: &EngineSide) -> Commands<'_> {
        let state = lock(&side.state);
        let own = state.commands.iter().map(|(name, _)| Signature {
            name: name.clone(),
            allows_unknown_args: true,
            ..Signature::default()
        });
        let own = own.collect();
        drop(state);
        Commands { side, own }
    }

    fn all(&self) -> impl Iterator<Item = &Signature> {
        let plugins = self.side.signatures.iter().map(|signature| &signature.sig);
        self.own.iter().chain(plugins)
    }
}

impl Scope for Commands<'_> {
    fn signature(&self, name: &str) -> Option<&Signature> {
        self.all().find(|known| known.name == name)
    }

    fn names(&self) -> Vec<&str> {
        self.all().map(|known| known.name.as_str()).collect()
    }

    fn closure(&self, block: &line::Block) -> Result<Closure, LabeledError> {
        Ok(self.side.keep(Block::Written(Arc::new(block.clone()))))
    }
}
