//! Handlers that await, on a runtime of tokio's. None of its types shows outside.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use pegboard_transport::panic_message;
use tokio::runtime::{Builder, Handle, Runtime};

use super::key::{Done, Start};
use super::{Error, Execution, ExitStatus, Writer};

/// Makes a handler that awaits one that is started.
pub(super) fn start<F, S>(handler: impl Fn(Execution) -> F + Send + Sync + 'static) -> Arc<Start>
where
    F: Future<Output = Result<S, Error>> + Send + 'static,
    S: Into<ExitStatus>,
{
    let handler = Arc::new(handler);
    let tasks = Tasks::default();
    Arc::new(move |execution, done| {
        let runtime = match tasks.runtime() {
            Ok(runtime) => runtime.handle(),
            Err(error) => {
                return done.end(Err(format!("no runtime could be started: {error}").into()));
            }
        };
        let handler = handler.clone();
        let work = runtime.spawn(async move {
            let result: Result<S, Error> = handler(execution).await;
            result.map(Into::into)
        });
        runtime.spawn(see_to(runtime.clone(), work, done));
    })
}

async fn see_to(
    runtime: Handle,
    work: tokio::task::JoinHandle<Result<ExitStatus, Error>>,
    done: Done,
) {
    let result = work.await;
    // The last output may have to wait for whoever reads.
    runtime.spawn_blocking(move || match result {
        Ok(result) => done.end(result),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => done.panicked(panic_message(&*panic)),
            Err(_) => drop(done),
        },
    });
}

/// A runtime that starts when it is needed.
#[derive(Default)]
struct Tasks(OnceLock<io::Result<Running>>);

struct Running(Option<Runtime>);

impl Tasks {
    fn runtime(&self) -> Result<&Runtime, &io::Error> {
        let begin = || {
            let runtime = Builder::new_multi_thread()
                .enable_all()
                .thread_name("task")
                .build();
            runtime.map(|runtime| Running(Some(runtime)))
        };
        match self.0.get_or_init(begin) {
            Ok(Running(Some(runtime))) => Ok(runtime),
            Ok(Running(None)) => unreachable!("it is taken out only when it is dropped"),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Running {
    /// Waits for no task: the plugin ends.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Writer {
    /// Writes and flushes from a handler that awaits: a host that reads slowly makes this wait, and nothing else.
    pub async fn send(&self, bytes: impl AsRef<[u8]> + Send + 'static) -> io::Result<()> {
        use io::Write;
        let mut writer = self.clone();
        let write = move || {
            writer.write_all(bytes.as_ref())?;
            writer.flush()
        };
        let written = tokio::task::spawn_blocking(move || catch_unwind(AssertUnwindSafe(write)));
        match written.await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
