//! What TLS says to itself while nobody speaks: session tickets after the handshake, and new keys. The next hop
//! has threads of its own, as a real one has: what it sends is there whenever it likes.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::security::Company;
use super::*;
use crate::relay::smtp::tls::Tls;

/// A next hop with STARTTLS; counts the messages that it took through TLS, and its connections.
struct Busy {
    server: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    taken: AtomicUsize,
}

impl Busy {
    fn start(tls: Arc<ServerConfig>) -> Self {
        assert!(tls.send_tls13_tickets > 0, "it says something right after the handshake");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap().to_string();
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.connections.fetch_add(1, Ordering::Relaxed);
                let (tls, counts) = (Arc::clone(&tls), Arc::clone(&counted));
                std::thread::spawn(move || converse(stream?, tls, &counts));
            }
        });
        Self { server, counts }
    }

    fn counts(&self) -> (usize, usize) {
        (self.counts.connections.load(Ordering::Relaxed), self.counts.taken.load(Ordering::Relaxed))
    }
}

fn converse(mut plain: TcpStream, tls: Arc<ServerConfig>, counts: &Counts) -> io::Result<()> {
    plain.set_nodelay(true)?;
    plain.write_all(b"220 busy.example\r\n")?;
    line(&mut plain)?;
    plain.write_all(b"250-busy.example\r\n250 STARTTLS\r\n")?;
    if line(&mut plain)? != "STARTTLS\r\n" {
        return Ok(());
    }
    plain.write_all(b"220 go on\r\n")?;
    let mut stream = StreamOwned::new(ServerConnection::new(tls).map_err(io::Error::other)?, plain);
    // The tickets leave with the end of the handshake, before any command.
    stream.conn.complete_io(&mut stream.sock)?;
    loop {
        let answer: &[u8] = match line(&mut stream)?.get(..4) {
            Some("DATA") => b"354 go ahead\r\n",
            Some(_) | None => b"250 2.0.0 ok\r\n",
        };
        stream.write_all(answer)?;
        if answer.starts_with(b"354") {
            while line(&mut stream)? != ".\r\n" {}
            counts.taken.fetch_add(1, Ordering::Relaxed);
            stream.write_all(b"250 2.0.0 taken\r\n")?;
        }
        stream.conn.refresh_traffic_keys().map_err(io::Error::other)?;
        stream.flush()?;
    }
}

fn line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = String::new();
    while !line.ends_with('\n') {
        let mut octet = [0];
        stream.read_exact(&mut octet)?;
        line.push(octet[0].into());
    }
    Ok(line)
}

#[tokio::test(flavor = "multi_thread")]
async fn session_tickets_are_no_words_out_of_turn() {
    let company = Company::new(&["127.0.0.1"]);
    let busy = Busy::start(company.server.clone());
    for security in [company.required(), Security { tls: Tls::Opportunistic, login: None }] {
        for number in 0..40 {
            let relay = relay_with(&busy.server, Timeouts::default(), security.clone());
            assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 taken", "connection {number}");
        }
    }
    assert_eq!(busy.counts(), (80, 80), "none went on without TLS, on a second connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_on_a_kept_connection_are_no_end_of_it() {
    let company = Company::new(&["127.0.0.1"]);
    let busy = Busy::start(company.server.clone());
    let relay = relay_with(&busy.server, Timeouts::default(), company.required());
    for number in 0..40 {
        assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 taken", "message {number}");
    }
    assert_eq!(busy.counts(), (1, 40));
}
