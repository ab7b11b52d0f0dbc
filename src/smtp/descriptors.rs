//! How many files and sockets the process may have open: as many as the system allows, and whether they do.
//!
//! A system commonly gives each process 1024, and lets it have far more if it asks (getrlimit(2)).

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::settings::Limits;

/// What is open beside connections: the journal, the index, sockets that listen, held mail that is being
/// written, idle connections to the next hop.
const BESIDE: u64 = 64;

/// What a connection needs: itself, and one to the next hop.
const EACH: u64 = 2;

/// Raises the number of descriptors to what the system allows, and tells in the log where that is too
/// small for `limits.connections`.
pub fn prepare(limits: &Limits) {
    match raise() {
        Ok(allowed) => {
            let enough = needed(limits);
            if allowed < enough {
                tracing::warn!(
                    allowed,
                    "limits.connections = {} may need {enough} open files: allow more (LimitNOFILE=, ulimit -n), or lower it to {}",
                    limits.connections,
                    affordable(allowed),
                );
            }
        }
        Err(error) => tracing::warn!(%error, "the number of open files could not be raised"),
    }
}

/// The soft limit, once it is the hard one.
fn raise() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

fn needed(limits: &Limits) -> u64 {
    u64::try_from(limits.connections).unwrap_or(u64::MAX).saturating_mul(EACH).saturating_add(BESIDE)
}

/// The connections for which `allowed` descriptors are enough; one at least, since less cannot be written.
fn affordable(allowed: u64) -> u64 {
    (allowed.saturating_sub(BESIDE) / EACH).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_affordable_is_enough() {
        for allowed in [66, 256, 1024, 4096] {
            let connections = usize::try_from(affordable(allowed)).unwrap();
            let needs = |connections| needed(&Limits { connections, ..Limits::default() });
            assert!(needs(connections) <= allowed && needs(connections + 1) > allowed, "{allowed}");
        }
        assert_eq!(affordable(10), 1);
    }
}
