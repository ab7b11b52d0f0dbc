//! Real mail through the running daemon.

use std::collections::BTreeMap;
use std::path::Path;

use crate::files::{corpus, mail_files, tell, with_crlf};
use crate::support::{self, Client, Daemon, NextHop, wait_until};

#[test]
fn every_message_of_the_corpus_is_relayed_with_equal_bytes_or_held_or_refused() {
    let Some(folder) = corpus() else { return };
    let files = mail_files(&folder);
    assert!(!files.is_empty(), "no mail below {}", folder.display());
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        *counts.entry(send(&daemon, &hop, file)).or_default() += 1;
    }
    let held = held(&daemon);
    tell(&format!("{} messages: {counts:?}; held: {held:?}", files.len()));
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
        tell(&format!("{}: {reply}", file.display()));
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
