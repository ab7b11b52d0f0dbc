//! `sincerely serve`: the daemon in the foreground.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sysexits::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::telemetry;

use super::daemon::Daemon;

/// What the threads may take to put down their work, when nothing is waited for any more.
const LAST_WORK: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT, then lets what is in progress end; at the second one it ends at
/// once.
///
/// # Errors
/// When the runtime or the signal handlers cannot be had.
pub fn run(config: &Path) -> anyhow::Result<ExitCode> {
    let (config, warnings) = match super::load(config) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    telemetry::start(config.log.format);
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let code = runtime.block_on(serve(&config));
    // Sessions that were cut off end with it, and the memory is brought to disk with the last one.
    runtime.shutdown_timeout(LAST_WORK);
    code
}

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::handle()?;
    let daemon = match Daemon::start(config).await {
        Ok(daemon) => daemon,
        Err(error) => {
            super::complain(format_args!("sincerely: {error}"));
            return Ok(error.exit_code());
        }
    };
    for (role, address) in &daemon.listening {
        tracing::info!(%address, %role, "listening");
    }
    tracing::info!("{}: ending", signals.end().await);
    tokio::select! {
        () = daemon.stop() => tracing::info!("ended"),
        // Its peers were told nothing yet: they come again. It is the end that was asked for: 0.
        name = signals.end() => tracing::warn!("{name} again: ending at once, sessions are cut off"),
    }
    Ok(ExitCode::Ok)
}

/// The signals that a daemon is sent.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// From now on none of them kills the process.
    fn handle() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot handle SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot handle SIGINT")?,
            hangup: signal(SignalKind::hangup()).context("cannot handle SIGHUP")?,
        })
    }

    /// Waits until one asks for the end; its name.
    async fn end(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                // Elsewhere it means "read the configuration again".
                _ = self.hangup.recv() => tracing::warn!("SIGHUP: there is no reload yet; restart to apply changes"),
            }
        }
    }
}
