//! A running daemon: its state opened, its listeners bound, its sessions served; and its end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sysexits::ExitCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Listen, Role};
use crate::control;
use crate::flow::House;
use crate::flow::copies::Copies;
use crate::flow::inbound::Inbound;
use crate::flow::outbound::Outbound;
use crate::smtp::service::Service;
use crate::smtp::settings::Settings;
use crate::smtp::{Gate, Listener, Server};

use super::house::{self, HouseError};

/// How long sessions and messages in progress may take to end: under the 90 seconds after which
/// service managers kill.
const GRACE: Duration = Duration::from_secs(80);

/// A daemon whose listeners accept.
pub(super) struct Daemon {
    /// The parts that it works with.
    pub house: Arc<House>,
    /// Where it listens, in the order of the configuration.
    pub listening: Vec<(Role, SocketAddr)>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// There is nothing to do.
    #[error("the configuration has no [[listen]]: add one for role \"inbound\" and one for role \"outbound\"")]
    NoListener,
    /// Its state cannot be used.
    #[error(transparent)]
    House(#[from] HouseError),
    /// A listener cannot be bound.
    #[error("cannot listen on {address}: {source}; is another process there? `ss -ltnp` tells")]
    Bind {
        /// `listen.address`.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The control socket cannot be made.
    #[error("cannot make the control socket in the state directory: {0}")]
    Control(std::io::Error),
}

impl StartError {
    /// The exit code that tells a service manager what is wrong.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoListener => ExitCode::Config,
            Self::House(error) => error.exit_code(),
            Self::Bind { .. } => ExitCode::Unavailable,
            Self::Control(_) => ExitCode::CantCreat,
        }
    }
}

impl Daemon {
    /// Opens the state, binds everything, then begins to accept: nothing is served by half a daemon.
    ///
    /// # Errors
    /// When any part cannot be had; then nothing is left running.
    pub(super) async fn start(config: &Config) -> Result<Self, StartError> {
        if config.listen.is_empty() {
            return Err(StartError::NoListener);
        }
        let house = Arc::new(house::open(config)?);
        let control = control::bind(&config.state_dir).map_err(StartError::Control)?;
        let bound: Vec<(&Listen, Listener)> = config.listen.iter().map(bind).collect::<Result<_, _>>()?;

        let daemon = Self {
            listening: bound.iter().map(|(listen, listener)| (listen.role, listener.local_addr())).collect(),
            house,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let gate = Gate::new(&config.limits);
        for (listen, listener) in bound {
            daemon.tasks.spawn(daemon.server(config, listen, listener, &gate));
        }
        let commands = control::serve(control, daemon.house.clone(), daemon.shutdown.clone());
        daemon.tasks.spawn(report("the control socket", commands));
        Ok(daemon)
    }

    fn server(&self, config: &Config, listen: &Listen, listener: Listener, gate: &Arc<Gate>) -> Running {
        let settings = Settings {
            hostname: config.hostname.to_string(),
            protocol: listen.protocol,
            allow: listen.allow.clone(),
            limits: config.limits.clone(),
        };
        match listen.role {
            Role::Inbound => self.running(Inbound(self.house.clone()), settings, listener, gate),
            Role::Outbound => self.running(Outbound(self.house.clone()), settings, listener, gate),
            Role::Copies => self.running(Copies(self.house.clone()), settings, listener, gate),
        }
    }

    fn running<S: Service>(&self, service: S, settings: Settings, listener: Listener, gate: &Arc<Gate>) -> Running {
        let server = Server::new(Arc::new(service), settings, gate.clone(), self.tasks.clone());
        Box::pin(report("a listener", server.run(listener, self.shutdown.clone())))
    }

    /// Accepts no more, lets transactions in progress end (bounded), and brings the memory to disk.
    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("some sessions did not end in {} s and are cut off", GRACE.as_secs());
        }
        // Whoever was cut off still holds the house; then it ends, and is brought to disk, with them.
        if let Some(house) = Arc::into_inner(self.house) {
            house.threads.close().await;
        }
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

fn bind(listen: &Listen) -> Result<(&Listen, Listener), StartError> {
    let address = listen.address;
    Ok((listen, Listener::bind(address).map_err(|source| StartError::Bind { address, source })?))
}

async fn report(what: &'static str, work: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = work.await {
        crate::events::alarm(what, &error);
    }
}
