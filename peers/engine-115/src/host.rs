//! Nushell's engine as a host, to be measured: `bench_nushell MEASURE MILLISECONDS PLUGIN...`
//!
//! Calls go straight to the running plugin's interface. A real shell looks the command up, evaluates its arguments and
//! hands its settings to the plugin's keeper before each call, which comes on top.

#[path = "../../../xtask/src/bench/probe.rs"]
mod probe;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nu_plugin_engine::{PersistentPlugin, PluginExecutionCommandContext, PluginInterface};
use nu_plugin_protocol::{CallInfo, EvaluatedCall};
use nu_protocol::engine::{Call, EngineState, Stack};
use nu_protocol::{
    ByteStream, ByteStreamType, ListStream, PipelineData, PluginGcConfig, PluginIdentity, Signals,
    Span, Value,
};
use probe::Failure;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // Made once: it belongs to the shell, not to its plugins.
    let engine = Arc::new(EngineState::new());
    let line = probe::measure(&words, || {
        Ok(Host {
            engine: engine.clone(),
        })
    })?;
    println!("{line}");
    Ok(())
}

struct Host {
    engine: Arc<EngineState>,
}

impl probe::Host for Host {
    type Plugin = Plugin;

    fn start(&self, program: &Path) -> Result<Plugin, Failure> {
        let identity = PluginIdentity::new(program, None)
            .map_err(|_| format!("{} is no name of a plugin", program.display()))?;
        let keeper = Arc::new(PersistentPlugin::new(
            identity.clone(),
            PluginGcConfig::default(),
        ));
        let interface = keeper
            .clone()
            .get(|| Ok(std::env::vars().collect::<HashMap<_, _>>()))?;
        Ok(Plugin {
            engine: self.engine.clone(),
            identity: Arc::new(identity),
            pid: interface.pid().ok_or("the plugin has no process")?,
            running: Some((keeper, interface)),
        })
    }
}

struct Plugin {
    engine: Arc<EngineState>,
    identity: Arc<PluginIdentity>,
    pid: u32,
    /// None once it was told to end.
    running: Option<(Arc<PersistentPlugin>, PluginInterface)>,
}

impl Plugin {
    fn interface(&self) -> Result<&PluginInterface, Failure> {
        let running = self.running.as_ref().ok_or("it has ended")?;
        Ok(&running.1)
    }

    fn run(
        &self,
        name: &str,
        argument: Option<i64>,
        input: PipelineData,
    ) -> Result<PipelineData, Failure> {
        let span = Span::unknown();
        let call = Call::new(span);
        let mut stack = Stack::new();
        let mut context = PluginExecutionCommandContext::new(
            self.identity.clone(),
            &self.engine,
            &mut stack,
            &call,
        );
        let mut arguments = EvaluatedCall::new(span);
        arguments.positional = argument
            .map(|number| Value::int(number, span))
            .into_iter()
            .collect();
        let info = CallInfo {
            name: name.to_owned(),
            call: arguments,
            input,
        };
        Ok(self.interface()?.run(info, &mut context)?)
    }
}

impl probe::Plugin for Plugin {
    fn metadata(&mut self) -> Result<(), Failure> {
        self.interface()?.get_metadata()?;
        Ok(())
    }

    fn echo(&mut self, number: i64) -> Result<i64, Failure> {
        let input = PipelineData::value(Value::int(number, Span::unknown()), None);
        int(self.run("bench echo", None, input)?)
    }

    fn numbers_out(&mut self, count: i64) -> Result<i64, Failure> {
        let mut sum = 0_i64;
        for item in self.run("bench numbers", Some(count), PipelineData::empty())? {
            sum = sum.wrapping_add(item.as_int()?);
        }
        Ok(sum)
    }

    fn numbers_in(&mut self, count: i64) -> Result<i64, Failure> {
        let span = Span::unknown();
        let numbers = (0..count).map(move |number| Value::int(number, span));
        let stream = ListStream::new(numbers, span, Signals::empty());
        int(self.run("bench sum", None, PipelineData::list_stream(stream, None))?)
    }

    fn bytes_out(&mut self, count: i64) -> Result<i64, Failure> {
        let PipelineData::ByteStream(stream, _) =
            self.run("bench bytes", Some(count), PipelineData::empty())?
        else {
            return Err("no byte stream came".into());
        };
        let mut bytes = stream.reader().ok_or("a stream without a reader")?;
        Ok(i64::try_from(std::io::copy(
            &mut bytes,
            &mut std::io::sink(),
        )?)?)
    }

    fn bytes_in(&mut self, count: i64) -> Result<i64, Failure> {
        let bytes = std::io::repeat(b'x').take(u64::try_from(count)?);
        let stream = ByteStream::read(
            bytes,
            Span::unknown(),
            Signals::empty(),
            ByteStreamType::Binary,
        );
        int(self.run("bench size", None, PipelineData::byte_stream(stream, None))?)
    }

    fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for Plugin {
    /// Comes back when the process has ended, which would else take its time from what is measured next.
    fn drop(&mut self) {
        self.running = None;
        let process = PathBuf::from(format!("/proc/{}", self.pid));
        let deadline = Instant::now() + Duration::from_secs(5);
        while process.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn int(data: PipelineData) -> Result<i64, Failure> {
    Ok(data.into_value(Span::unknown())?.as_int()?)
}
