//! A storm: five hundred peers at once, half of them hostile. Every honest message arrives once, and the
//! daemon's memory stays within its budget.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use support::{Behaviour, Client, Daemon, NextHop, body, stuffed, wait_until};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

const HONEST: usize = 250;
const HOSTILE: usize = 250;

const KIB: u64 = 1 << 10;
const BUDGET: u64 = 16 << 20;
const MESSAGE: u64 = 2 << 20;

/// What the daemon may take besides, in the worst case: for each connection its task, its buffers, and a
/// connection to the next hop; for reading a header section, on each of a few cores; and for the memory of threads.
const PER_CONNECTION: u64 = 64 * KIB;
const BESIDES: u64 = 24 << 20;

/// A storm takes half a minute where a build and other tests have the processors; one that lasts so long is stuck.
const LONGEST: Duration = Duration::from_secs(240);

const LISTENERS: [&str; 3] = [
    "address = \"127.0.0.1:0\"\nrole = \"inbound\"",
    "address = \"127.0.0.1:0\"\nrole = \"inbound\"\nprotocol = \"lmtp\"",
    "address = \"127.0.0.1:0\"\nrole = \"outbound\"",
];

#[test]
fn five_hundred_peers_at_once_and_every_honest_message_arrives_once() {
    // Five hundred peers, and as many connections to the next hop, here and in the daemon.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let hop = NextHop::start();
    hop.behave(Behaviour { takes_its_time: Some(Duration::from_millis(5)), ..Behaviour::default() });
    let daemon = start(&hop);
    let base = daemon.memory("VmHWM");

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let storm = async { tokio::time::timeout(LONGEST, storm(daemon.listeners())).await };
    let sent = runtime.block_on(storm).expect("every honest peer has its turn");

    let bound = base + (BUDGET + MESSAGE) / KIB + (HONEST + HOSTILE) as u64 * PER_CONNECTION / KIB + BESIDES / KIB;
    let peak = daemon.memory("VmHWM");
    tell(&format!("storm: {base} KiB before, {peak} KiB at most, {bound} KiB allowed; {} tries refused", sent.refused));
    assert!(peak <= bound, "{peak} KiB");
    arrived_once(&hop, sent.bodies);

    drop(runtime);
    wait_until("every connection is gone", || daemon.sockets() <= LISTENERS.len() + IDLE_SOCKETS);
    tell(&format!("storm: {} KiB afterwards", daemon.memory("VmRSS")));
    let mut client = Client::connect(daemon.inbound());
    let reply = client.send("ann@customer.example", &["sophie@acme.example"], &mail("after", 1000, "")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
}

/// On standard error itself: the numbers are for whoever reads the summary of a run in which all went well.
fn tell(numbers: &str) {
    let mut standard_error = std::io::stderr();
    standard_error.write_all(format!("\n{numbers}\n").as_bytes()).unwrap();
}

/// The control socket, and the connections to the next hop that are kept.
const IDLE_SOCKETS: usize = 40;

fn start(hop: &NextHop) -> Daemon {
    let limits = format!(
        "[limits]\nbytes_in_flight = {BUDGET}\nmessage_size = {MESSAGE}\nmemory_wait = \"12s\"\ncommand_timeout = \"5s\"\n\
         data_timeout = \"5s\"\nmessage_timeout = \"10s\"\n"
    );
    let text = support::daemon::listening(hop.address, &LISTENERS) + "\n" + &limits;
    Daemon::start_as(&text, support::daemon::binary)
}

/// What the honest ones handed in.
struct Sent {
    /// The body of each message, by its number.
    bodies: BTreeMap<usize, Vec<u8>>,
    /// How often they were told to come again.
    refused: usize,
}

async fn storm(listeners: Vec<SocketAddr>) -> Sent {
    let listeners = Arc::new(listeners);
    let refused = Arc::new(AtomicUsize::new(0));
    let hostile = Vec::from_iter((0..HOSTILE).map(|number| tokio::spawn(hostile(number, listeners.clone()))));
    let honest = Vec::from_iter((0..HONEST).map(|number| {
        let (listeners, refused) = (listeners.clone(), refused.clone());
        tokio::spawn(async move { (number, honest(number, &listeners, &refused).await) })
    }));
    let mut bodies = BTreeMap::new();
    for sender in honest {
        let (number, message) = sender.await.unwrap();
        bodies.insert(number, body(&message).to_vec());
    }
    hostile.iter().for_each(tokio::task::JoinHandle::abort);
    Sent { bodies, refused: refused.load(Ordering::SeqCst) }
}

/// Hands in one message, and comes again until it is taken.
async fn honest(number: usize, listeners: &[SocketAddr], refused: &AtomicUsize) -> Vec<u8> {
    let size = match number % 5 {
        0 if number.is_multiple_of(2) => 1_900_000,
        0 | 1 => 200_000,
        _ => 4_000,
    };
    let from = if number % 3 == 2 { "From: Sophie from Acme <sophie@acme.example>\r\n" } else { "" };
    let message = mail(&format!("n{number}"), size, from);
    for turn in 0_u64.. {
        if try_to_send(number, listeners[number % 3], &message).await.is_ok_and(|code| code == 250) {
            return message;
        }
        refused.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(50 + 10 * (number as u64 % 16) + 20 * turn.min(20))).await;
    }
    message
}

/// One try; the code that it ended with, or that the connection was lost.
async fn try_to_send(number: usize, listener: SocketAddr, message: &[u8]) -> std::io::Result<u16> {
    let mut peer = Peer::greeted(listener, number % 3 == 1).await?;
    let to = if number % 3 == 2 { format!("customer{number}@elsewhere.example") } else { "sophie@acme.example".into() };
    let size = if number.is_multiple_of(2) { format!(" SIZE={}", message.len()) } else { String::new() };
    for command in [format!("MAIL FROM:<ann@customer.example>{size}"), format!("RCPT TO:<{to}>"), "DATA".into()] {
        let code = peer.say(&command).await?;
        if code >= 400 {
            return Ok(code);
        }
    }
    peer.out.write_all(&stuffed(message)).await?;
    peer.reply().await
}

/// Does one of many kinds of harm, again and again.
async fn hostile(number: usize, listeners: Arc<Vec<SocketAddr>>) {
    let listener = listeners[number % 3];
    loop {
        // A peer that is cut off comes again.
        let _ = harm(number / 3 % HARMS, listener, number % 3 == 1).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

const HARMS: usize = 28;
const OPENED: &str = "MAIL FROM:<x@evil.example>\r\nRCPT TO:<sophie@acme.example>\r\nDATA\r\n";

async fn harm(kind: usize, listener: SocketAddr, lmtp: bool) -> std::io::Result<()> {
    if kind == 0 || kind > 18 {
        return silence(&mut TcpStream::connect(listener).await?).await;
    }
    let mut peer = Peer::greeted(listener, lmtp).await?;
    let out = &mut peer.out;
    let opened = OPENED.as_bytes();
    let declared = "MAIL FROM:<x@evil.example> SIZE=2000000\r\n";
    match kind {
        1 => out.write_all(declared.as_bytes()).await?,
        2 => out.write_all(&[declared.as_bytes(), b"RCPT TO:<sophie@acme.example>\r\nDATA\r\nhalf"].concat()).await?,
        3 => drip(out, b"NOOP NOOP NOOP").await?,
        4 => {
            out.write_all(opened).await?;
            drip(out, &[b'x'; 100]).await?;
        }
        5 => out.write_all(&[opened, b"\r\n", &lines(8 << 20), b".\r\n"].concat()).await?,
        6 => out.write_all(&noise(200_000)).await?,
        7 => out.write_all(&[b'x'; 1 << 20]).await?,
        8 => return out.write_all(b"MAIL FROM:<x@ev").await,
        9 => return out.write_all(&[opened, b"Subject: half\r\n\r\n", &lines(900_000)].concat()).await,
        10 => {
            let whole = [opened, b"From: <x@evil.example>\r\nSubject: gone\r\n\r\nbody\r\n.\r\n"].concat();
            return out.write_all(&whole).await;
        }
        11 => out.write_all("NOOP\r\nRSET\r\nVRFY x\r\n".repeat(5000).as_bytes()).await?,
        12 => {
            let recipients = "RCPT TO:<sophie+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@acme.example>\r\n".repeat(5000);
            out.write_all(&[declared.as_bytes(), recipients.as_bytes()].concat()).await?;
        }
        13 => {
            let fields = "a:\r\n".repeat(65_000);
            out.write_all(&[opened, b"Subject: gone\r\n", fields.as_bytes(), b"\r\n.\r\n"].concat()).await?;
        }
        14 => out.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await?,
        15 => out.write_all(&[opened, b"bare\nnewlines\r\n.\n\n.\r\r\n.\r\n"].concat()).await?,
        16 => out.write_all(&[opened, b"Subject: half\r\n\r\n", &lines(1_500_000)].concat()).await?,
        17 => out.write_all("\r\n".repeat(5000).as_bytes()).await?,
        _ => out.write_all(OPENED.repeat(300).as_bytes()).await?,
    }
    peer.hear_out().await
}

/// A peer that says nothing, until it is cut off.
async fn silence(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

async fn drip(out: &mut OwnedWriteHalf, octets: &[u8]) -> std::io::Result<()> {
    for octet in octets.chunks(1) {
        out.write_all(octet).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    Ok(())
}

/// A connection past its greeting.
struct Peer {
    lines: BufReader<OwnedReadHalf>,
    out: OwnedWriteHalf,
}

impl Peer {
    async fn greeted(listener: SocketAddr, lmtp: bool) -> std::io::Result<Self> {
        let stream = TcpStream::connect(listener).await?;
        stream.set_nodelay(true)?;
        let (read, out) = stream.into_split();
        let mut peer = Self { lines: BufReader::new(read), out };
        peer.reply().await?;
        peer.say(if lmtp { "LHLO peer.example" } else { "EHLO peer.example" }).await?;
        Ok(peer)
    }

    async fn say(&mut self, command: &str) -> std::io::Result<u16> {
        self.out.write_all(format!("{command}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn reply(&mut self) -> std::io::Result<u16> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default());
            }
        }
    }

    async fn hear_out(&mut self) -> std::io::Result<()> {
        self.lines.read_to_end(&mut Vec::new()).await.map(drop)
    }
}

/// Every honest message is there once, with its bytes. Of the hostile ones only those may be there that were whole.
fn arrived_once(hop: &NextHop, bodies: BTreeMap<usize, Vec<u8>>) {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    for taken in hop.taken() {
        let subject = support::field(&taken.bytes, "Subject").unwrap_or_default();
        let Some(number) = subject.strip_prefix('n').and_then(|number| number.parse().ok()) else {
            assert_eq!(subject, "gone");
            continue;
        };
        assert!(body(&taken.bytes) == bodies[&number], "message {number} was changed");
        *seen.entry(number).or_default() += 1;
    }
    let expected: BTreeMap<usize, usize> = bodies.keys().map(|number| (*number, 1)).collect();
    assert_eq!(seen, expected);
}

fn mail(subject: &str, octets: usize, from: &str) -> Vec<u8> {
    let from = if from.is_empty() { "From: Ann <ann@customer.example>\r\n" } else { from };
    let head =
        format!("{from}Message-ID: <{subject}@storm.example>\r\nSubject: {subject}\r\n\r\n{subject}\r\n.dot\r\n");
    [head.as_bytes(), &lines(octets)].concat()
}

/// So many octets in lines of a hundred, or a little fewer.
fn lines(octets: usize) -> Vec<u8> {
    format!("{}\r\n", "x".repeat(98)).repeat(octets / 100).into_bytes()
}

/// Octets of every kind, the same each time.
fn noise(octets: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..octets).map(next).collect()
}
