//! What a program wrote to its standard error.

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A socket that a program writes to, and what came through it.
///
/// Whoever asks reads what is there first: a line that was written before a reply was sent is told, however busy the
/// machine is.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Kept>>);

struct Kept {
    socket: UnixStream,
    octets: Vec<u8>,
}

impl Log {
    /// The log, and what its program gets as standard error.
    pub fn new() -> (Self, Stdio) {
        let (socket, theirs) = UnixStream::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        let log = Self(Arc::new(Mutex::new(Kept { socket, octets: Vec::new() })));
        log.keep_reading();
        (log, Stdio::from(std::os::fd::OwnedFd::from(theirs)))
    }

    /// All that was written so far.
    pub fn text(&self) -> String {
        let mut kept = self.0.lock().unwrap();
        kept.read();
        String::from_utf8_lossy(&kept.octets).into_owned()
    }

    /// A socket that is full would stop the program.
    fn keep_reading(&self) {
        let kept = Arc::downgrade(&self.0);
        std::thread::spawn(move || {
            while kept.upgrade().is_some_and(|kept| kept.lock().unwrap().read()) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    }
}

impl Kept {
    /// Reads what is there; false once there will be no more.
    fn read(&mut self) -> bool {
        let mut piece = [0; 1 << 16];
        loop {
            match self.socket.read(&mut piece) {
                Ok(0) => return false,
                Ok(octets) => self.octets.extend(&piece[..octets]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }
}
