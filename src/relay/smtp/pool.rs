//! Connections kept for the next transaction.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use crate::mail::Failure;

/// How long an idle connection is kept. Mail servers close theirs after 300 s by default, under load
/// after 10 s (Postfix), and each one occupies a process there: long enough for a stream of mail,
/// short enough not to be in the way.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// How long a connection is used again, however busy it is. A mail server keeps the settings that it
/// had when the connection was opened: without an end, a steady stream of mail would never see what
/// `postfix reload` changes. Postfix does the same as a client (smtp_connection_reuse_time_limit).
const REUSED_FOR: Duration = Duration::from_secs(300);

/// How many idle connections are kept: mail servers commonly allow one client 50 (Postfix) or 20
/// (Exim) at a time, and those in use come on top.
const MOST_KEPT: usize = 20;

/// The idle connections to one next hop.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    // The one used last is the last, and the first to be used again: the others grow old.
    kept: Vec<Kept>,
    // A task closes those that are too old; it ends when there are none.
    sweeping: bool,
}

struct Kept {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// A kept connection that shows no sign of having been closed.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(Kept { connection, since }) = idle.kept.pop() {
            if since.elapsed() < KEPT_FOR && connection.is_usable() {
                return Some(connection);
            }
        }
        None
    }

    /// Decides over a connection by the end of its transaction: it is kept after a message was taken,
    /// reset and kept after a refusal, closed after anything else.
    pub(super) fn settle<T>(self: &Arc<Self>, connection: Connection, result: &Result<T, Failure>) {
        match result {
            Ok(_) => self.keep(connection),
            Err(Failure::Us(_) | Failure::Recipient(_) | Failure::Unsupported(_)) => self.reset(connection),
            Err(Failure::Unfit(_) | Failure::Unreachable(_) | Failure::Uncertain(_)) => drop(connection),
        }
    }

    /// Abandons the transaction of a connection, in the background: nobody waits for it.
    pub(super) fn reset(self: &Arc<Self>, mut connection: Connection) {
        // A transaction may be dropped while the runtime ends; its connection then just closes.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let pool = Arc::clone(self);
        runtime.spawn(async move {
            if connection.reset().await.is_ok() {
                pool.keep(connection);
            }
        });
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        if !connection.is_usable() {
            return;
        }
        if connection.age() >= REUSED_FOR {
            tokio::spawn(connection.quit());
            return;
        }
        let mut idle = self.idle();
        if idle.kept.len() < MOST_KEPT {
            idle.kept.push(Kept { connection, since: Instant::now() });
        }
        if !std::mem::replace(&mut idle.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Takes out what was kept for too long; None when nothing is left.
    fn expired(&self) -> Option<Vec<Kept>> {
        let mut idle = self.idle();
        let old: Vec<Kept> = idle.kept.extract_if(.., |kept| kept.since.elapsed() >= KEPT_FOR).collect();
        idle.sweeping = !(idle.kept.is_empty() && old.is_empty());
        idle.sweeping.then_some(old)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes leave of connections that nobody used, until there are none.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(KEPT_FOR).await;
        let Some(old) = pool.upgrade().and_then(|pool| pool.expired()) else { return };
        for kept in old {
            tokio::spawn(kept.connection.quit());
        }
    }
}
