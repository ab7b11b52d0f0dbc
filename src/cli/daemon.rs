//! A running daemon: its state opened, its listeners bound, its sessions served; and its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sysexits::ExitCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;
use crate::config::{Config, Listen, Role};
use crate::control;
use crate::flow::House;
use crate::flow::copies::Copies;
use crate::flow::inbound::Inbound;
use crate::flow::outbound::Outbound;
use crate::kept::KeptError;
use crate::smtp::service::Service;
use crate::smtp::settings::{Endpoint, Settings};
use crate::smtp::{BindError, Gate, Listener, Passed, Place, Server};

use super::certificates::Certificates;
use super::front::Front;
use super::house::{self, HouseError};

/// How long sessions and messages in progress may take to end: under the 90 seconds after which
/// service managers kill.
const GRACE: Duration = Duration::from_secs(80);

/// A daemon whose listeners accept.
pub(super) struct Daemon {
    /// The parts that it works with.
    pub house: Arc<House>,
    /// Where it listens, in the order of the configuration.
    pub listening: Vec<(Role, Place)>,
    /// What its listeners show.
    pub certificates: Arc<Certificates>,
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
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// `listen.address`.
        address: Endpoint,
        /// The reason.
        source: BindError,
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
            Self::Bind { source, .. } if source.is_permanent() => ExitCode::Config,
            Self::Bind { .. } => ExitCode::Unavailable,
            Self::Control(_) => ExitCode::CantCreat,
        }
    }
}

impl Daemon {
    /// Opens the state, binds everything, then begins to accept: nothing is served by half a daemon. Listeners
    /// show `certificates`, and take from `passed` what the service manager holds for them.
    ///
    /// # Errors
    /// When any part cannot be had; then nothing is left running.
    pub(super) async fn start(
        config: &Config,
        certificates: Certificates,
        mut passed: Passed,
    ) -> Result<Self, StartError> {
        if config.listen.is_empty() {
            return Err(StartError::NoListener);
        }
        let house = Arc::new(house::open(config)?);
        let control = control::bind(&config.state_dir).map_err(StartError::Control)?;
        let bound = bind(&config.listen, &mut passed)?;
        for name in passed.names() {
            tracing::warn!(
                "nobody serves the socket {name:?} that the service manager passed: add a [[listen]] with address \"systemd:{name}\""
            );
        }

        let daemon = Self {
            listening: bound.iter().map(|(listen, listener)| (listen.role, listener.place().clone())).collect(),
            certificates: Arc::new(certificates),
            house,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let gate = Gate::new(&config.limits);
        for (listen, listener) in bound {
            daemon.tasks.spawn(daemon.server(config, listen, listener, &gate));
        }
        daemon.greet_next_hop();
        if !daemon.certificates.is_empty() {
            let (certificates, shutdown) = (daemon.certificates.clone(), daemon.shutdown.clone());
            daemon.tasks.spawn(async move { certificates.watch(shutdown).await });
        }
        let sweeping = daemon.shutdown.clone().run_until_cancelled_owned(sweep(daemon.house.clone()));
        daemon.tasks.spawn(sweeping);
        let front = Front::new(config, &daemon.house, &daemon.listening);
        let commands = control::serve(control, Arc::new(front), daemon.shutdown.clone());
        daemon.tasks.spawn(report("the control socket", commands));
        Ok(daemon)
    }

    /// In the background: what a listener for automated mail offers depends on what the next hop does, and the
    /// first peers shall be told.
    fn greet_next_hop(&self) {
        if self.listening.iter().any(|(role, _)| *role == Role::Outbound) {
            let relay = self.house.outbound.relay.clone();
            let greeting = async move {
                if let Err(failure) = relay.greet().await {
                    tracing::debug!(%failure, "the next hop could not be greeted");
                }
            };
            self.tasks.spawn(self.shutdown.clone().run_until_cancelled_owned(greeting));
        }
    }

    fn server(&self, config: &Config, listen: &Listen, listener: Listener, gate: &Arc<Gate>) -> Running {
        let settings = Settings {
            hostname: config.hostname.to_string(),
            protocol: listen.protocol,
            allow: listen.allow.clone(),
            xforward: listen.xforward.clone(),
            proxy: listen.proxy.clone(),
            tls: self.certificates.of(listen),
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

/// Removes what is past keeping of forwarded mail: now, and every hour.
async fn sweep(house: Arc<House>) {
    let failed = |error: &KeptError| crate::events::alarm("old copies of forwarded mail could not be removed", error);
    house.kept.sweep_every_hour(clock::now, failed).await;
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A listener of the configuration may have several sockets, where they are passed.
fn bind<'c>(listeners: &'c [Listen], passed: &mut Passed) -> Result<Vec<(&'c Listen, Listener)>, StartError> {
    let mut bound = Vec::new();
    for listen in listeners {
        let refused = |source| StartError::Bind { address: listen.address.clone(), source };
        let sockets = Listener::bind(&listen.address, passed).map_err(refused)?;
        bound.extend(sockets.into_iter().map(|socket| (listen, socket)));
    }
    Ok(bound)
}

async fn report(what: &'static str, work: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = work.await {
        crate::events::alarm(what, &error);
    }
}
