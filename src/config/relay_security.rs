//! TLS and the login of the next hops: that files can be used, and that no password goes where it can be read.
//!
//! Each key of `[relay.inbound]` and `[relay.outbound]` replaces that of `[relay]`, on its own. A login goes with
//! its host alone: one of `[relay]` is not told to another server.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::document::KeyPath;
use super::file;
use super::problems::Report;
use super::values::{As, Scalar};
use crate::relay::smtp::Security;
use crate::relay::smtp::login::Credentials;
use crate::relay::smtp::tls::{Authorities, Tls, name_of};

/// The permission bit of everybody who has a login.
const OTHERS_MAY_READ: u32 = 0o004;

/// `relay.tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// None.
    None,
    /// Where it is offered, and whatever the certificate is.
    Opportunistic,
    /// Always, with a certificate that proves the name.
    Required,
}

impl Scalar for TlsMode {
    const EXPECTED: &'static str = r#""none", "opportunistic" or "required""#;

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "opportunistic" => Some(Self::Opportunistic),
            "required" => Some(Self::Required),
            _ => None,
        }
    }
}

impl TlsMode {
    /// What holds where nothing is written.
    fn usual(server: &str) -> Self {
        if is_local(server) { Self::None } else { Self::Opportunistic }
    }
}

/// A value, and the key that it stands at.
type At<T> = (KeyPath, T);

/// What one table says, its files read.
#[derive(Debug, Default)]
pub(super) struct Said {
    tls: Option<At<TlsMode>>,
    authorities: Option<At<Authorities>>,
    login: Option<At<Credentials>>,
}

/// The keys of one table, as they are written.
struct Written<'a> {
    tls: Option<As<TlsMode>>,
    ca_file: Option<&'a As<PathBuf>>,
    credentials_file: Option<&'a As<PathBuf>>,
}

impl Said {
    /// What `[relay]`, at `at`, says.
    pub(super) fn read(written: &file::Relay, folder: &Path, at: &KeyPath, report: &mut Report<'_>) -> Self {
        let (ca_file, credentials_file) = (written.ca_file.as_ref(), written.credentials_file.as_ref());
        Written { tls: written.tls, ca_file, credentials_file }.read(folder, at, report)
    }

    /// What the table of a role, at `at`, says.
    pub(super) fn read_of(written: &file::RoleRelay, folder: &Path, at: &KeyPath, report: &mut Report<'_>) -> Self {
        let (ca_file, credentials_file) = (written.ca_file.as_ref(), written.credentials_file.as_ref());
        Written { tls: written.tls, ca_file, credentials_file }.read(folder, at, report)
    }

    fn keys(&self) -> impl Iterator<Item = &KeyPath> {
        let tls = self.tls.as_ref().map(|(key, _)| key);
        let authorities = self.authorities.as_ref().map(|(key, _)| key);
        tls.into_iter().chain(authorities).chain(self.login.as_ref().map(|(key, _)| key))
    }
}

impl Written<'_> {
    fn read(&self, folder: &Path, at: &KeyPath, report: &mut Report<'_>) -> Said {
        let authorities = self.ca_file.and_then(|As(path)| {
            let key = at.key("ca_file");
            noted(Authorities::read(&folder.join(path)), path, &key, report).map(|read| (key, read))
        });
        let login = self.credentials_file.and_then(|As(path)| {
            let key = at.key("credentials_file");
            warn_of_readers(&folder.join(path), &key, report);
            noted(Credentials::read(&folder.join(path)), path, &key, report).map(|read| (key, read))
        });
        Said { tls: self.tls.map(|As(mode)| (at.key("tls"), mode)), authorities, login }
    }
}

fn noted<T, E: std::fmt::Display>(
    read: Result<T, E>,
    path: &Path,
    key: &KeyPath,
    report: &mut Report<'_>,
) -> Option<T> {
    read.map_err(|error| report.mistake(key, format!("{} {error}", path.display()))).ok()
}

fn warn_of_readers(path: &Path, key: &KeyPath, report: &mut Report<'_>) {
    let mode = fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & OTHERS_MAY_READ != 0 {
        let message = format!("everybody on this machine can read the password: chmod o= {}", path.display());
        report.warn(key, message);
    }
}

/// Puts together what holds for each role.
pub(super) struct Judge<'a> {
    shared: &'a Said,
    shared_server: Option<&'a str>,
    used: Vec<KeyPath>,
    mistakes: Vec<At<String>>,
}

impl<'a> Judge<'a> {
    /// What `[relay]` says, and the mail server that it names, if any.
    pub(super) fn new(shared: &'a Said, shared_server: Option<&'a str>) -> Self {
        Self { shared, shared_server, used: Vec::new(), mistakes: Vec::new() }
    }

    /// What holds for a role with `own` keys and the mail server `server`, which stands at the key `at`.
    pub(super) fn security(&mut self, own: &Said, server: &str, at: &KeyPath) -> Security {
        let (key, mode) = match own.tls.as_ref().or(self.shared.tls.as_ref()) {
            Some((key, mode)) => (self.using(key), *mode),
            None => (at.clone(), TlsMode::usual(server)),
        };
        if mode != TlsMode::None && name_of(server).is_none() {
            let message = "is no name that a certificate can be for; write it in ASCII (xn--…), or tls = \"none\"";
            self.complain(at, message);
        }
        Security { login: self.login(own, server, mode), tls: self.tls(own, mode, &key) }
    }

    fn tls(&mut self, own: &Said, mode: TlsMode, key: &KeyPath) -> Tls {
        match mode {
            TlsMode::None => return Tls::None,
            TlsMode::Opportunistic => return Tls::Opportunistic,
            TlsMode::Required => {}
        }
        if let Some((key, authorities)) = own.authorities.as_ref().or(self.shared.authorities.as_ref()) {
            self.using(key);
            return Tls::Required(authorities.clone());
        }
        match Authorities::of_system() {
            Ok(authorities) => Tls::Required(authorities),
            Err(error) => {
                self.complain(key, error.to_string());
                Tls::None
            }
        }
    }

    fn login(&mut self, own: &Said, server: &str, mode: TlsMode) -> Option<Credentials> {
        let is_its = self.shared_server.is_some_and(|shared| host(shared).eq_ignore_ascii_case(host(server)));
        let (key, login) = own.login.as_ref().or_else(|| self.shared.login.as_ref().filter(|_| is_its))?;
        let key = self.using(key);
        if mode != TlsMode::Required && !is_local(server) {
            let message = format!(
                "the password could be read on the way to {server}, or by whoever answers there: write tls = \"required\""
            );
            self.complain(&key, message);
        }
        Some(login.clone())
    }

    /// Notes a mistake, once where it is so for both roles.
    fn complain(&mut self, key: &KeyPath, message: impl Into<String>) {
        let mistake = (key.clone(), message.into());
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    fn using(&mut self, key: &KeyPath) -> KeyPath {
        self.used.push(key.clone());
        key.clone()
    }

    /// Says what is wrong, and what is written for nothing.
    pub(super) fn finish<'s>(self, said: impl IntoIterator<Item = &'s Said>, report: &mut Report<'_>) {
        self.mistakes.iter().for_each(|(key, message)| report.mistake(key, message.clone()));
        let keys: Vec<&KeyPath> = said.into_iter().flat_map(Said::keys).collect();
        for key in keys.into_iter().filter(|key| !self.used.contains(key)) {
            let why = match key.names().next_back() {
                Some("ca_file") => "certificates are verified where tls is \"required\" alone",
                Some("credentials_file") => "it is told to the host of the same table's smtp alone",
                Some(_) | None => "no mail server goes with it",
            };
            report.warn(key, format!("has no effect: {why}"));
        }
    }
}

/// Whether a connection to `server` stays on this machine, as far as can be told without DNS.
fn is_local(server: &str) -> bool {
    match server.parse().map(|address: SocketAddr| address.ip()) {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host(server).eq_ignore_ascii_case("localhost"),
    }
}

fn host(server: &str) -> &str {
    server.rsplit_once(':').map_or(server, |(host, _port)| host)
}
