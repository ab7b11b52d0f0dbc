//! Programs that hand mail to a server and that nobody here wrote: swaks, msmtp, curl, Python's smtplib
//! and lettre. Each is given the same: a door, an envelope and the octets of a message.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use lettre::address::Envelope;
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};

use crate::process;

/// The name that every program gives itself.
pub(crate) const NAME: &str = "client.example";

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Swaks,
    /// With `--pipeline`.
    SwaksInOneGo,
    Msmtp,
    Curl,
    /// With `--mail-rcpt-allowfails`.
    CurlGoingOn,
    Smtplib,
    Lettre,
}

/// Where a program knocks.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    Smtp(SocketAddr),
    Lmtp(SocketAddr),
    /// LMTP at a unix socket.
    Socket(PathBuf),
}

/// What became of a mail, as the program tells it.
#[derive(Debug)]
pub(crate) struct Told {
    /// Its exit code is zero.
    pub(crate) done: bool,
    /// All that it printed.
    pub(crate) text: String,
}

impl Program {
    /// Lets it send a message, which ends in CRLF.
    pub(crate) fn send(self, door: &Door, from: &str, to: &[&str], mail: &[u8]) -> Told {
        self.deliver(door, None, from, to, mail)
    }

    /// The same by TLS, to nobody who has no certificate that is trusted by this file.
    pub(crate) fn send_encrypted(self, door: &Door, trust: &Path, from: &str, to: &[&str], mail: &[u8]) -> Told {
        self.deliver(door, Some(trust), from, to, mail)
    }

    fn deliver(self, door: &Door, trust: Option<&Path>, from: &str, to: &[&str], mail: &[u8]) -> Told {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mail");
        fs::write(&file, mail).unwrap();
        let mut command = match self {
            Self::Swaks | Self::SwaksInOneGo => swaks(door, from, to, &file),
            Self::Msmtp => msmtp(door, from, to),
            Self::Curl | Self::CurlGoingOn => curl(door, from, to, &file),
            Self::Smtplib => smtplib(door, from, to),
            Self::Lettre => {
                assert!(trust.is_none(), "lettre's TLS is not built in");
                return lettre(door, from, to, mail);
            }
        };
        match self {
            Self::SwaksInOneGo => drop(command.arg("--pipeline")),
            Self::CurlGoingOn => drop(command.arg("--mail-rcpt-allowfails")),
            Self::Swaks | Self::Msmtp | Self::Curl | Self::Smtplib | Self::Lettre => {}
        }
        if let Some(trust) = trust {
            self.encrypt(&mut command, &trust.display().to_string());
        }
        let output = process::output(&mut command, mail);
        Told { done: output.status.success(), text: process::said(&output) }
    }

    fn encrypt(self, command: &mut Command, trust: &str) {
        match self {
            Self::Swaks | Self::SwaksInOneGo => command.args(["--tls", "--tls-verify", "--tls-ca-path", trust]),
            Self::Msmtp => command.args(["--tls=on", "--tls-starttls=on", &format!("--tls-trust-file={trust}")]),
            Self::Curl | Self::CurlGoingOn => command.args(["--ssl-reqd", "--cacert", trust]),
            Self::Smtplib => command.env("TRUST", trust),
            Self::Lettre => unreachable!("it is no command"),
        };
    }
}

/// Swaks and lettre end every message with a line end of their own.
fn without_last_line_end(mail: &[u8]) -> &[u8] {
    mail.strip_suffix(b"\r\n").expect("a message ends in CRLF")
}

fn swaks(door: &Door, from: &str, to: &[&str], file: &Path) -> Command {
    let mail = fs::read(file).unwrap();
    fs::write(file, without_last_line_end(&mail)).unwrap();
    let mut command = Command::new("swaks");
    match door {
        Door::Smtp(address) | Door::Lmtp(address) => {
            command.args(["--server", &address.ip().to_string(), "--port", &address.port().to_string()])
        }
        Door::Socket(path) => command.arg("--socket").arg(path),
    };
    if !matches!(door, Door::Smtp(_)) {
        command.args(["--protocol", "LMTP"]);
    }
    let from = if from.is_empty() { "<>" } else { from };
    command.args(["--helo", NAME, "--from", from, "--to", &to.join(","), "--suppress-data", "--data"]);
    command.arg(format!("@{}", file.display()));
    command
}

fn msmtp(door: &Door, from: &str, to: &[&str]) -> Command {
    let mut command = Command::new("msmtp");
    // With --host it reads no configuration file.
    match door {
        Door::Smtp(address) | Door::Lmtp(address) => {
            command.args([format!("--host={}", address.ip()), format!("--port={}", address.port())])
        }
        Door::Socket(path) => {
            command.args(["--host=localhost".into(), "--port=24".into(), format!("--socket={}", path.display())])
        }
    };
    if !matches!(door, Door::Smtp(_)) {
        command.arg("--protocol=lmtp");
    }
    command.args([&format!("--domain={NAME}"), &format!("--from={from}"), "--debug"]).args(to);
    command
}

fn curl(door: &Door, from: &str, to: &[&str], file: &Path) -> Command {
    let Door::Smtp(address) = door else { panic!("curl speaks no LMTP") };
    let mut command = Command::new("curl");
    command.args(["--disable", "--noproxy", "*", "--silent", "--show-error", "--verbose"]);
    command.arg(format!("smtp://{address}/{NAME}")).args(["--mail-from", from]);
    command.args(to.iter().flat_map(|to| ["--mail-rcpt", to])).arg("--upload-file").arg(file);
    command
}

fn smtplib(door: &Door, from: &str, to: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/smtplib_client.py"));
    match door {
        Door::Smtp(address) => command.arg("smtp").arg(address.to_string()),
        Door::Lmtp(address) => command.arg("lmtp").arg(address.to_string()),
        Door::Socket(path) => command.arg("lmtp").arg(path),
    };
    command.args([NAME, from]).args(to);
    command
}

fn lettre(door: &Door, from: &str, to: &[&str], mail: &[u8]) -> Told {
    let Door::Smtp(address) = door else { panic!("lettre speaks no LMTP") };
    let transport = SmtpTransport::builder_dangerous(address.ip().to_string())
        .port(address.port())
        .hello_name(ClientId::Domain(NAME.into()))
        .build();
    let from = Some(from).filter(|from| !from.is_empty()).map(|from| from.parse().unwrap());
    let envelope = Envelope::new(from, to.iter().map(|to| to.parse().unwrap()).collect()).unwrap();
    match transport.send_raw(&envelope, without_last_line_end(mail)) {
        Ok(response) => Told { done: true, text: format!("{response:?}") },
        Err(error) => Told { done: false, text: error.to_string() },
    }
}
