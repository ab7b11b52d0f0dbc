//! Real mail through the running daemon: `SINCERELY_CORPUS=FOLDER cargo test --test corpus -- --nocapture`.
//!
//! Every file of the folder is sent to Sophie: it is relayed with equal bytes, or held, or refused
//! with a reason; the counts are printed. Without a folder there is nothing to do: real mail belongs
//! to its writers and is not part of the project.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use support::{Client, Daemon, NextHop, wait_until};

#[test]
fn every_message_is_relayed_with_equal_bytes_or_held_or_refused() {
    let Some(folder) = std::env::var_os("SINCERELY_CORPUS") else {
        println!("no SINCERELY_CORPUS: nothing to send");
        return;
    };
    let files = mail_files(Path::new(&folder));
    assert!(!files.is_empty(), "no mail below {}", folder.display());
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        *counts.entry(send(&daemon, &hop, file)).or_default() += 1;
    }
    let held = held(&daemon);
    println!("{} messages: {counts:?}; held: {held:?}", files.len());
    assert_eq!(counts.values().sum::<usize>(), files.len());
    assert_eq!(counts.get("held").copied().unwrap_or_default(), held.values().sum::<usize>());
}

/// Sends one file on a connection of its own; what became of it.
fn send(daemon: &Daemon, hop: &NextHop, file: &Path) -> String {
    let message = with_crlf(&std::fs::read(file).unwrap());
    let from = if is_null(&message) { "" } else { "writer@elsewhere.example" };
    let (relayed, kept) = (hop.count(), held(daemon).values().sum::<usize>());
    let reply = Client::connect(daemon.inbound()).send(from, &["sophie@acme.example"], &message).unwrap();
    if !reply.starts_with("250") {
        println!("{}: {reply}", file.display());
        assert!(reply.starts_with("55"), "{}: {reply}", file.display());
        assert_eq!(hop.count(), relayed);
        return format!("refused {}", reply.get(..9).unwrap_or(&reply));
    }
    if hop.count() > relayed {
        let taken = hop.taken().pop().unwrap();
        assert!(taken.bytes.ends_with(&message), "{}: the bytes differ", file.display());
        return "relayed".into();
    }
    wait_until("it is held", || held(daemon).values().sum::<usize>() > kept || is_suppressed(daemon));
    if held(daemon).values().sum::<usize>() > kept {
        "held".into()
    } else {
        "suppressed: the same mail was there before".into()
    }
}

fn is_suppressed(daemon: &Daemon) -> bool {
    daemon.log().lines().rfind(|line| line.contains("settled")).is_some_and(|line| line.contains("suppressed"))
}

fn held(daemon: &Daemon) -> BTreeMap<String, usize> {
    let reasons = std::fs::read_dir(daemon.state().join("held")).into_iter().flatten().flatten();
    let count = |reason: std::fs::DirEntry| {
        let name = reason.file_name().to_string_lossy().into_owned();
        let messages = daemon.held(&name).len();
        (name, messages)
    };
    reasons.map(count).collect()
}

fn is_null(message: &[u8]) -> bool {
    support::field(message, "Return-Path").is_some_and(|path| path == "<>")
}

/// Line ends as they travel; one `From ` line above the message is a mail program's, not the writer's.
fn with_crlf(file: &[u8]) -> Vec<u8> {
    let text = if file.starts_with(b"From ") {
        file.splitn(2, |octet| *octet == b'\n').nth(1).unwrap_or_default()
    } else {
        file
    };
    let mut out = Vec::new();
    let mut octets = text.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' => {
                octets.next_if_eq(&b'\n');
                out.extend(b"\r\n");
            }
            b'\n' => out.extend(b"\r\n"),
            other => out.push(other),
        }
    }
    if !out.ends_with(b"\r\n") {
        out.extend(b"\r\n");
    }
    out
}

/// Every file below a folder but lists and notes about it.
fn mail_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(mail_files(&path));
        } else if !path.extension().is_some_and(|extension| extension == "csv" || extension == "md") {
            files.push(path);
        }
    }
    files.sort();
    files
}
