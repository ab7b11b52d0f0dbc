//! `sincerely serve`: the daemon in the foreground.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sd_notify::NotifyState;
use sysexits::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock;
use crate::config::{Config, Relays};
use crate::smtp::{Passed, prepare_descriptors};
use crate::telemetry;

use super::certificates::Certificates;
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
    let (certificates, found) = Certificates::read(&config.listen, clock::now());
    let missing: Vec<_> = found.mistakes.iter().chain(&found.forbidden).collect();
    if !missing.is_empty() {
        missing.into_iter().for_each(super::complain);
        return Ok(ExitCode::Config);
    }
    let passed = match Passed::from_environment() {
        Ok(passed) => passed,
        Err(malformed) => {
            super::complain(format_args!("sincerely: {malformed}"));
            return Ok(ExitCode::Config);
        }
    };
    telemetry::start(config.log.format);
    warnings.iter().chain(&found.warnings).for_each(|warning| tracing::warn!("{warning}"));
    prepare_descriptors(&config.limits);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let code = runtime.block_on(serve(&config, certificates, passed));
    // Sessions that were cut off end with it, and the memory is brought to disk with the last one.
    runtime.shutdown_timeout(LAST_WORK);
    code
}

async fn serve(config: &Config, certificates: Certificates, passed: Passed) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::handle()?;
    let daemon = match Daemon::start(config, certificates, passed).await {
        Ok(daemon) => daemon,
        Err(error) => {
            super::complain(format_args!("sincerely: {error}"));
            return Ok(error.exit_code());
        }
    };
    for (role, address) in &daemon.listening {
        tracing::info!(%address, %role, "listening");
    }
    tell(&[NotifyState::Ready, NotifyState::Status(&status(config, &daemon))]);
    let name = signals.end(|| renew(&daemon.certificates)).await;
    tell(&[NotifyState::Stopping, NotifyState::Status("ending: transactions in progress may finish")]);
    tracing::info!("{name}: ending");
    tokio::select! {
        () = daemon.stop() => tracing::info!("ended"),
        // Its peers were told nothing yet: they come again. It is the end that was asked for: 0.
        name = signals.end(|| tracing::warn!("SIGHUP: the end has begun, and nothing is read anew")) => tracing::warn!("{name} again: ending at once, sessions are cut off"),
    }
    Ok(ExitCode::Ok)
}

/// SIGHUP: elsewhere it means "read the configuration again". Here it is for certificates, which programs renew
/// while nobody looks.
fn renew(certificates: &Certificates) {
    if certificates.is_empty() {
        tracing::warn!("SIGHUP: only certificates are read anew, and no listener has one; restart to apply changes");
        return;
    }
    tracing::info!("SIGHUP: the certificates are read anew, and nothing else; restart to apply other changes");
    certificates.renew(clock::now());
}

/// Tells the service manager, where there is one (sd_notify(3)).
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told: NOTIFY_SOCKET");
    }
}

/// What `systemctl status` shows.
fn status(config: &Config, daemon: &Daemon) -> String {
    let listeners = match daemon.listening.len() {
        1 => "1 listener".into(),
        count => format!("{count} listeners"),
    };
    let Relays { inbound, outbound } = &config.relay;
    let (inbound, outbound) = (inbound.to_string(), outbound.to_string());
    if inbound == outbound {
        return format!("{listeners}, next hop {inbound}");
    }
    format!("{listeners}, next hop {inbound} inbound and {outbound} outbound")
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

    /// Waits until one asks for the end; its name. SIGHUP does not: `hung_up` is called.
    async fn end(&mut self, hung_up: impl Fn()) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => hung_up(),
            }
        }
    }
}
