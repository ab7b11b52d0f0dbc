//! The files of a corpus.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder that was named.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("SINCERELY_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        tell("no SINCERELY_CORPUS: nothing to judge");
    }
    folder
}

/// Tells it also where the test succeeds: that is what somebody ran it for.
pub(crate) fn tell(text: &str) {
    let mut out = std::io::stdout();
    out.write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// Line ends as they travel; one `From ` line above the message is a mail program's, not the writer's.
pub(crate) fn with_crlf(file: &[u8]) -> Vec<u8> {
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
pub(crate) fn mail_files(folder: &Path) -> Vec<PathBuf> {
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
