//! STARTTLS: nothing said before the handshake survives it, and nothing is said in plaintext after it.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::pki::Pki;
use super::stage::{Client, Stage, Taken, dialogue};
use crate::smtp::driver::WELCOME;
use crate::smtp::service::Protocol;
use crate::smtp::settings::Limits;
use crate::smtp::tls::Tls;

const HELLO: &str = "C: EHLO there.example
    S: 250-here.example
    S: 250-PIPELINING
    S: 250-SIZE *
    S: 250-STARTTLS
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250-CHUNKING
    S: 250 SMTPUTF8
";

const HELLO_IN_TLS: &str = "C: EHLO there.example
    S: 250-here.example
    S: 250-PIPELINING
    S: 250-SIZE *
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250-CHUNKING
    S: 250 SMTPUTF8
";

const READY: &str = "C: STARTTLS
    S: 220 2.0.0 ready to start TLS
";

fn stage(pki: &Pki) -> Stage {
    Stage::encrypting(Protocol::Smtp, Limits::default(), Tls::new(pki.certificate()))
}

/// A client that has heard that TLS may begin, over a pipe of that many octets.
async fn ready(stage: &Stage, capacity: usize) -> Client {
    let mut client = stage.connect(capacity);
    client.follow(&format!("S: 220 *\n{HELLO}{READY}")).await;
    client
}

/// A client in TLS.
async fn encrypted(stage: &Stage, pki: &Pki) -> Client<TlsStream<DuplexStream>> {
    ready(stage, 1 << 16).await.encrypt(&pki.connector(&TLS13)).await
}

#[rstest]
#[tokio::test]
async fn a_session_in_tls(#[values(&TLS12, &TLS13)] version: &'static SupportedProtocolVersion) {
    // Not octet by octet: while a side of rustls has something of the handshake to send, it does not read.
    for capacity in [1 << 16, 16] {
        let pki = Pki::new();
        let stage = stage(&pki);
        let mut client = ready(&stage, capacity).await.encrypt(&pki.connector(version)).await;
        client
            .follow(&format!(
                "C: MAIL FROM:<ann@there.example>
                 S: 503 5.5.1 say hello first
                 {HELLO_IN_TLS}
                 C: STARTTLS
                 S: 503 5.5.1 TLS is active already
                 C: MAIL FROM:<ann@there.example>
                 C: RCPT TO:<sophie@here.example>
                 C: DATA
                 S: 250 2.1.0 *
                 S: 250 2.1.5 *
                 S: 354 *
                 C: Subject: secret
                 C: .
                 C: MAIL FROM:<>
                 C: RCPT TO:<sophie@here.example>
                 C: DATA
                 C: .
                 C: QUIT
                 S: 250 2.0.0 *
                 S: 250 2.1.0 *
                 S: 250 2.1.5 *
                 S: 354 *
                 S: 250 2.0.0 *
                 S: 221 *
                 S."
            ))
            .await;
        let taken = stage.end().await;
        assert_eq!(taken.iter().map(Taken::text).collect::<Vec<_>>(), ["Subject: secret\r\n", ""]);
        assert!(taken.iter().all(|taken| taken.encrypted && taken.helo == "there.example"));
    }
}

#[tokio::test]
async fn a_session_in_tls_over_lmtp() {
    let pki = Pki::new();
    let stage = Stage::encrypting(Protocol::Lmtp, Limits::default(), Tls::new(pki.certificate()));
    let mut client = stage.connect(1 << 16);
    client.follow(&format!("S: 220 *\n{}{READY}", HELLO.replace("EHLO", "LHLO"))).await;
    let mut client = client.encrypt(&pki.connector(&TLS13)).await;
    client
        .follow(&format!(
            "C: EHLO there.example
             S: 500 5.5.1 *
             {}
             C: MAIL FROM:<ann@there.example>
             C: RCPT TO:<sophie@here.example>
             C: RCPT TO:<tom@here.example>
             C: DATA
             C: .
             C: QUIT
             S: 250 2.1.0 *
             S: 250 2.1.5 *
             S: 250 2.1.5 *
             S: 354 *
             S: 250 2.0.0 taken for sophie@here.example
             S: 250 2.0.0 taken for tom@here.example
             S: 221 *
             S.",
            HELLO_IN_TLS.replace("EHLO", "LHLO")
        ))
        .await;
    assert!(stage.end().await[0].encrypted);
}

#[tokio::test]
async fn when_starttls_is_refused() {
    dialogue(&format!("{HELLO_IN_TLS}C: STARTTLS\nS: 502 5.5.1 command not offered\nC: QUIT\nS: 221 *\nS.")).await;
    let pki = Pki::new();
    let stage = stage(&pki);
    let mut client = stage.connect(1 << 16);
    client
        .follow(&format!(
            "S: 220 *
             C: STARTTLS
             S: 503 5.5.1 say hello first
             {HELLO}
             C: STARTTLS now
             S: 501 5.5.4 *
             C: MAIL FROM:<ann@there.example>
             C: STARTTLS
             C: RCPT TO:<sophie@here.example>
             C: DATA
             C: .
             S: 250 2.1.0 *
             S: 503 5.5.1 no STARTTLS inside a transaction
             S: 250 2.1.5 *
             S: 354 *
             S: 250 2.0.0 *
             C: QUIT
             S: 221 *
             S."
        ))
        .await;
    assert!(!stage.end().await[0].encrypted);
}

/// CVE-2011-0411: commands in plaintext behind STARTTLS were run as if they had come in TLS.
#[tokio::test]
async fn what_stands_behind_starttls_is_never_obeyed() {
    let pki = Pki::new();
    let injected = "C: EHLO evil.example
         C: MAIL FROM:<eve@evil.example>
         C: RCPT TO:<sophie@here.example>
         C: DATA
         C: .";
    let stage = stage(&pki);
    let mut client = stage.connect(1 << 16);
    client.follow(&format!("S: 220 *\n{HELLO}")).await;
    client
        .follow(&format!(
            "C: STARTTLS\n{injected}\nS: 421 4.5.1 nothing may follow STARTTLS before its reply; closing\nS."
        ))
        .await;
    // A single octet of a ClientHello is as wrong.
    let mut client = stage.connect(1 << 16);
    client.follow(&format!("S: 220 *\n{HELLO}")).await;
    client.follow("C| STARTTLS\\r\\n\\x16\nS: 421 4.5.1 *\nS.").await;
    assert_eq!(stage.end().await, []);
}

#[tokio::test]
async fn what_is_no_client_hello_ends_the_session_without_a_word() {
    let pki = Pki::new();
    for said in [
        "EHLO evil.example\r\nMAIL FROM:<eve@evil.example>\r\nRCPT TO:<sophie@here.example>\r\nDATA\r\n.\r\n",
        "GET / HTTP/1.1\r\nHost: here.example\r\n\r\n",
        "\0\0\0\0\0\0\0\0",
        "\x16\x03\x01\x7f\x7f",
        "\x16\x03\x01\0\x05\x01\0\0\x01\0",
        "",
    ] {
        let stage = stage(&pki);
        let mut client = ready(&stage, 1 << 16).await;
        client.send(said.as_bytes()).await;
        client.leave().await;
        let rest = client.rest().await.unwrap();
        // Nothing, or an alert (RFC 8446 §6).
        assert!(matches!(rest[..], [] | [0x15, 3, _, 0, 2, 2, _]), "{said:?}: {rest:?}");
        assert_eq!(stage.end().await, [], "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_handshake_is_bounded() {
    let pki = Pki::new();
    let stage = stage(&pki);
    let mut client = ready(&stage, 1 << 16).await;
    let begun = Instant::now();
    client.follow("S.").await;
    assert_eq!(begun.elapsed(), Limits::default().command_timeout);
    // A slow drip is no better.
    let mut client = ready(&stage, 1 << 16).await;
    let begun = Instant::now();
    while client.try_send(b"\x16\x03\x01\x10\0\x01").await.is_ok() && begun.elapsed() < Duration::from_secs(1000) {
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert!(begun.elapsed() <= Duration::from_secs(400), "{:?}", begun.elapsed());
    assert_eq!(stage.end().await, []);
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_a_handshake() {
    let pki = Pki::new();
    let stage = stage(&pki);
    let mut client = ready(&stage, 1 << 16).await;
    tokio::time::sleep(WELCOME).await;
    let begun = Instant::now();
    stage.shutdown.cancel();
    client.follow("S.").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn farewells_come_in_tls() {
    let pki = Pki::new();
    let stage = stage(&pki);
    encrypted(&stage, &pki).await.follow("S: 421 4.4.2 timed out\nS.").await;
    let mut client = encrypted(&stage, &pki).await;
    tokio::time::sleep(WELCOME).await;
    stage.shutdown.cancel();
    client.follow("S: 421 4.3.2 *\nS.").await;
}

#[tokio::test]
async fn a_large_message_comes_through_as_it_was() {
    let pki = Pki::new();
    let stage = stage(&pki);
    let mut client = encrypted(&stage, &pki).await;
    let script = "C: MAIL FROM:<>\nC: RCPT TO:<sophie@here.example>\nC: DATA\nS: 250 *\nS: 250 *\nS: 354 *";
    client.follow(&format!("{HELLO_IN_TLS}{script}")).await;
    let line = |number: u32| format!("{number:08x}\u{e9}{}\r\n", "x".repeat(60)).into_bytes();
    let message: Vec<u8> = (0..140_000).flat_map(line).collect();
    assert!(message.len() > 10_000_000, "{}", message.len());
    client.send(&[&b"Subject: large\r\n\r\n"[..], &message, b".\r\n"].concat()).await;
    client.follow("S: 250 2.0.0 *\nC: QUIT\nS: 221 *\nS.").await;
    let taken = stage.end().await;
    assert!(taken[0].bytes[..] == [&b"Subject: large\r\n\r\n"[..], &message].concat());
}

/// Whoever can cut the connection must not be able to end a message.
#[tokio::test]
async fn a_connection_lost_in_the_middle_of_data_delivers_nothing() {
    let pki = Pki::new();
    for half in ["Subject: half\r\n\r\nand then\r\n", "whole, but for the last octet\r\n.\r"] {
        for says_goodbye in [true, false] {
            let stage = stage(&pki);
            let mut client = encrypted(&stage, &pki).await;
            let script = "C: MAIL FROM:<>\nC: RCPT TO:<sophie@here.example>\nC: DATA\nS: 250 *\nS: 250 *\nS: 354 *";
            client.follow(&format!("{HELLO_IN_TLS}{script}")).await;
            client.send(half.as_bytes()).await;
            if says_goodbye {
                client.leave().await;
                assert_eq!(client.rest().await.unwrap(), b"");
            } else {
                drop(client.into_stream().into_inner().0);
            }
            assert_eq!(stage.end().await, [], "{half:?}, close_notify: {says_goodbye}");
        }
    }
}

#[tokio::test]
async fn a_handshake_washes_nobody() {
    let pki = Pki::new();
    let limited = |limits| Stage::encrypting(Protocol::Smtp, limits, Tls::new(pki.certificate()));
    let stage = limited(Limits { errors: 3, ..Limits::default() });
    let mut client = stage.connect(1 << 16);
    client.follow(&format!("S: 220 *\nC: X\nC: X\nS: 500 *\nS: 500 *\n{HELLO}{READY}")).await;
    let mut client = client.encrypt(&pki.connector(&TLS13)).await;
    client.follow("C: X\nS: 500 *\nS: 421 4.7.0 too many errors\nS.").await;

    let stage = limited(Limits { commands: 4, ..Limits::default() });
    let mut client = stage.connect(1 << 16);
    client.follow(&format!("S: 220 *\nC: NOOP\nS: 250 *\n{HELLO}{READY}")).await;
    let mut client = client.encrypt(&pki.connector(&TLS13)).await;
    client.follow("C: NOOP\nC: NOOP\nS: 250 *\nS: 421 4.7.0 too many commands *\nS.").await;
}

#[tokio::test]
async fn a_renewed_certificate_is_for_sessions_to_come() {
    let (old, new) = (Pki::new(), Pki::new());
    let tls = Tls::new(old.certificate());
    let stage = Stage::encrypting(Protocol::Smtp, Limits::default(), Arc::clone(&tls));
    let mut before = encrypted(&stage, &old).await;
    tls.renew(new.certificate());
    let mut after = encrypted(&stage, &new).await;
    for client in [&mut before, &mut after] {
        client.follow(&format!("{HELLO_IN_TLS}C: QUIT\nS: 221 *\nS.")).await;
    }
}
