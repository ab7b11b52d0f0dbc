//! Ports of this machine that nobody uses, chosen by the system and kept for us.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, Socket, Type};

/// Sockets that are bound and do not listen: the system gives their ports to nobody, but lets a server
/// bind one that asks for it by number (SO_REUSEADDR, as all servers here do).
static KEPT: Mutex<Vec<Socket>> = Mutex::new(Vec::new());

/// A port of 127.0.0.1 for a server of this test run.
pub(crate) fn free() -> u16 {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
    port
}
