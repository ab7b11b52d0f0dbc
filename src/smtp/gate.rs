//! What all listeners share, so that no peer can use up the machine: the count of connections, and the budget of
//! memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::budget::Budget;
use super::room;
use super::settings::Limits;

/// The connections of all listeners together, and the memory of their messages; share one among them.
#[derive(Debug)]
pub struct Gate {
    limit: usize,
    /// Loopback and unix sockets are exempt: the mail server lives there.
    limit_per_address: usize,
    open: Mutex<Open>,
    budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to hold one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
    address: Option<IpAddr>,
}

impl Gate {
    /// A gate that lets through as many connections as `limits` say, and as much mail.
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limit: limits.connections,
            limit_per_address: limits.connections_per_address,
            open: Mutex::new(Open::default()),
            budget: room::budget(limits),
        })
    }

    /// The memory of all messages.
    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Lets one connection through, if there is room. A peer at a unix socket has no address; whose connection a proxy
    /// hands on is known later: [`Pass::count_for`].
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Pass> {
        let mut open = self.open();
        if open.all >= self.limit
            || address.is_some_and(|address| !address.is_loopback() && self.is_full(&open, address))
        {
            return None;
        }
        open.all += 1;
        if let Some(address) = address {
            open.count(address);
        }
        Some(Pass { gate: Arc::clone(self), address })
    }

    fn is_full(&self, open: &Open, address: IpAddr) -> bool {
        let of_address = open.by_address.get(&address).copied().unwrap_or(0);
        of_address >= self.limit_per_address
    }

    fn leave(&self, address: Option<IpAddr>) {
        let mut open = self.open();
        open.all -= 1;
        let Some(address) = address else { return };
        if let Some(of_address) = open.by_address.get_mut(&address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&address);
            }
        }
    }

    /// The counts are whole at any moment, so a panic elsewhere does not spoil them.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn count(&mut self, address: IpAddr) {
        *self.by_address.entry(address).or_default() += 1;
    }
}

impl Pass {
    /// Counts a connection that has no address yet for the one that a proxy announces, if there is room. Loopback
    /// is not exempt: behind a proxy it is some machine's own.
    pub(super) fn count_for(&mut self, address: IpAddr) -> bool {
        let mut open = self.gate.open();
        let has_room = self.address.is_none() && !self.gate.is_full(&open, address);
        if has_room {
            open.count(address);
            self.address = Some(address);
        }
        has_room
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.leave(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(connections: usize, connections_per_address: usize) -> Arc<Gate> {
        Gate::new(&Limits { connections, connections_per_address, ..Limits::default() })
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_is_gone() {
        let gate = gate(1, 1);
        let pass = gate.admit(ip("192.0.2.1")).unwrap();
        assert!(gate.admit(ip("192.0.2.2")).is_none());
        drop(pass);
        assert!(gate.admit(ip("192.0.2.2")).is_some());
        assert!(gate.open().by_address.is_empty());
    }

    #[test]
    fn unix_sockets_are_bounded_by_the_total_alone() {
        let gate = gate(3, 1);
        let passes: Vec<_> = (0..4).map_while(|_| gate.admit(None)).collect();
        assert_eq!(passes.len(), 3);
        assert!(gate.admit(ip("127.0.0.1")).is_none(), "the total counts them");
        drop(passes);
        assert!(gate.admit(ip("127.0.0.1")).is_some());
        assert_eq!(gate.open().all, 0);
    }

    #[test]
    fn one_address_cannot_take_all_places_but_loopback_can() {
        let gate = gate(10, 1);
        let _first = gate.admit(ip("192.0.2.1")).unwrap();
        assert!(gate.admit(ip("192.0.2.1")).is_none());
        let local: Vec<_> = (0..9).map_while(|_| gate.admit(ip("127.0.0.1"))).collect();
        assert_eq!(local.len(), 9);
        assert!(gate.admit(ip("::1")).is_none());
    }

    #[test]
    fn what_a_proxy_announces_is_counted_and_loopback_too() {
        let gate = gate(10, 1);
        let mut passes: Vec<_> = (0..4).map_while(|_| gate.admit(None)).collect();
        let announced = ["192.0.2.1", "192.0.2.1", "127.0.0.1", "127.0.0.1"].map(|text| ip(text).unwrap());
        let counted: Vec<_> = passes.iter_mut().zip(announced).map(|(pass, address)| pass.count_for(address)).collect();
        assert_eq!(counted, [true, false, true, false]);
        assert!(gate.admit(ip("192.0.2.1")).is_none(), "whether by a proxy or not");
        drop(passes);
        assert!(gate.open().by_address.is_empty());
    }
}
