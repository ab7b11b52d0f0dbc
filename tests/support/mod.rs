//! What the end-to-end tests share: the real binary, a next hop that counts, and a client that says
//! exactly what a test wants. Ports are chosen by the system; everything waits for a condition.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    reason = "a module of each test binary, which uses its own part"
)]

pub mod client;
pub mod daemon;
pub mod log;
pub mod next_hop;
pub mod pki;

pub use client::{Client, stuffed};
pub use daemon::Daemon;
pub use next_hop::{Behaviour, NextHop, Twist};
pub use pki::Pki;

use std::time::{Duration, Instant};

/// Waits until `condition` holds; fails the test if it never does.
#[expect(clippy::disallowed_methods, reason = "a deadline of the test itself")]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A message from LF text, as it travels.
pub fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// The body of a message: what stands after the first empty line.
pub fn body(message: &[u8]) -> &[u8] {
    if message.starts_with(b"\r\n") {
        return &message[2..];
    }
    let at = message.windows(4).position(|four| four == b"\r\n\r\n").expect("a message has an empty line");
    &message[at + 4..]
}

/// The value of the first field of that name, unfolded.
pub fn field(message: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(message).replace("\r\n\t", " ").replace("\r\n ", " ");
    let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
    let prefix = format!("{}:", name.to_lowercase());
    head.lines()
        .find(|line| line.to_lowercase().starts_with(&prefix))
        .map(|line| line[prefix.len()..].trim().to_owned())
}
