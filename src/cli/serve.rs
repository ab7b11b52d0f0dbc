//! `sincerely serve`: the daemon in the foreground.

use std::path::Path;

use anyhow::Context;
use sysexits::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::telemetry;

use super::daemon::Daemon;

/// Serves until SIGTERM or SIGINT, then lets what is in progress end.
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
    runtime.block_on(serve(&config))
}

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    let daemon = match Daemon::start(config).await {
        Ok(daemon) => daemon,
        Err(error) => {
            anstream::eprintln!("sincerely: {error}");
            return Ok(error.exit_code());
        }
    };
    for (role, address) in &daemon.listening {
        tracing::info!(%address, %role, "listening");
    }
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
        _ = interrupt.recv() => tracing::info!("SIGINT: ending"),
    }
    daemon.stop().await;
    tracing::info!("ended");
    Ok(ExitCode::Ok)
}
