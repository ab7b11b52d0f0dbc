//! A company, and mail servers elsewhere that it sends to and gets mail from.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::exim::{self, Exim};
use super::opensmtpd;
use super::postfix::{self, UnixMachine, User};
use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::opensmtpd::OpenSmtpd;
use crate::ports;
use crate::postfix::Wishes;
use crate::support::Daemon;

/// What a test wants of its world.
#[derive(Debug, Default)]
pub(crate) struct Setting {
    /// The company's `reply_domain`; more of the daemon's configuration.
    pub(crate) reply_domain: &'static str,
    pub(crate) daemon: &'static str,
    /// Users of the Unix machine, and more of its main.cf.
    pub(crate) users: &'static [User],
    pub(crate) unix: String,
    /// There is an OpenSMTPD too.
    pub(crate) opensmtpd: bool,
    /// Inboxes that are not at the company's own mailboxes, but there.
    pub(crate) inboxes: &'static [(&'static str, Place)],
}

/// Where an inbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Unix,
    Exim,
}

/// A company, and the others.
pub(crate) struct World {
    pub(crate) company: Company,
    pub(crate) unix: UnixMachine,
    pub(crate) exim: Exim,
    pub(crate) opensmtpd: Option<OpenSmtpd>,
    // The last field: dropped when all servers have stopped.
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn start(setting: &Setting) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Servers have users of their own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let outside = ports::free();
        let place = |name: &str| folder.path().join(name);
        let unix = UnixMachine::start(&place("unix"), outside, setting.users, &setting.unix);
        let exim = Exim::start(&place("exim"), outside);
        let opensmtpd = setting.opensmtpd.then(|| opensmtpd::start(&place("opensmtpd"), outside, unix.port));
        let mut routes = vec![(postfix::DOMAIN, unix.port), (exim::DOMAIN, exim.port)];
        routes.extend(opensmtpd.as_ref().map(|smtpd| (opensmtpd::DOMAIN, smtpd.ports.outside)));
        routes.extend(setting.inboxes.iter().map(|(inbox, place)| match place {
            Place::Unix => (*inbox, unix.port),
            Place::Exim => (*inbox, exim.port),
        }));
        let routes: String = routes.iter().map(|(to, port)| format!(" {{{to} = smtp:[127.0.0.1]:{port}}}")).collect();
        let wishes = Wishes {
            outside,
            main: format!("transport_maps = inline:{{{routes} }}\n"),
            reply_domain: setting.reply_domain,
            ..Wishes::default()
        };
        let company = Company::with(wishes, setting.daemon, &[SOPHIE, TOM, ANN]);
        Self { company, unix, exim, opensmtpd, _folder: folder }
    }

    /// Automated mail as Sophie, with her address as the sender's.
    pub(crate) fn welcome(&self, to: &str) {
        let mail = format!("From: Sophie from Acme <sophie@acme.example>\nTo: {to}\nSubject: Welcome {to}\n\nHello\n");
        self.company.postfix.sendmail("sophie@acme.example", &[to], mail.as_bytes());
    }
}

/// A line of the log: what came of a message for a recipient, by the names of the values.
pub(crate) type Settled = BTreeMap<String, String>;

/// All of them.
pub(crate) fn settled(daemon: &Daemon) -> Vec<Settled> {
    let values = |line: &str| {
        let pairs = line.split_whitespace().filter_map(|word| word.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    daemon.log().lines().filter(|line| line.contains("event=\"settled\"")).map(values).collect()
}

/// What came in, sorted: whose thread it is in, by which evidence, what it was taken for, and its fate.
pub(crate) fn came_back(daemon: &Daemon) -> Vec<[String; 4]> {
    let (sent, came): (Vec<Settled>, Vec<Settled>) = settled(daemon).into_iter().partition(|line| line["kind"] == "-");
    let customer = |thread: &str| match sent.iter().find(|line| line["thread"] == thread) {
        Some(line) => line["to"].clone(),
        None => thread.to_owned(),
    };
    let told = |line: &Settled| {
        [customer(&line["thread"]), line["evidence"].clone(), line["kind"].clone(), line["fate"].clone()]
    };
    let mut back: Vec<_> = came.iter().map(told).collect();
    back.sort();
    back
}
