//! An OpenSMTPD of one's own. Its spool, its socket, its users and its helpers have places that are compiled
//! in: each has a mount namespace (unshare(1)) in which folders of the test lie over them.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::server::Server;
use crate::support::{Client, wait_until};
use crate::{ports, process};

/// OpenSMTPD's package, unpacked: beside Postfix's it cannot be installed.
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/opensmtpd");

/// Lays the folders of `$1` and the helpers of the package `$2` over their places, for this process and its
/// children alone, and becomes the rest of the arguments.
const BECOME: &str = "set -e; own=$1 package=$2; shift 2
mount --bind \"$own/spool\" /var/spool
mount --bind \"$own/lib\" /var/lib
mount --bind \"$own/run\" /run
mount --bind \"$own/passwd\" /etc/passwd
mount --bind \"$own/group\" /etc/group
mount --bind \"$package/usr/libexec\" /usr/libexec
exec \"$@\"";

/// Its two users, which exist in its namespace only.
const USERS: [(&str, u32); 2] = [("opensmtpd", 64_101), ("opensmtpq", 64_102)];

/// By itself, it waits a second between two messages and some between two connections.
const HASTE: &str = "mta limit session-transaction-delay 0\nmta limit conn-delay-route 0\n\
                     mta limit reconn-delay-route 0\n";

/// How it hands mail to the daemon and to mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandOver {
    /// `relay host smtp://`.
    Smtp,
    /// `relay host lmtp://`.
    Lmtp,
    /// `relay host smtp+tls://`, whoever is there.
    Encrypted,
    /// `lmtp`: its program mail.lmtp, one run for each recipient.
    Program,
}

/// Its ports, and those of its neighbours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    /// Port 25 as applications see it, and port 587.
    pub(crate) local: u16,
    /// Port 25 as the rest of the world sees it.
    pub(crate) outside: u16,
    /// Where the daemon hands mail back.
    pub(crate) back: u16,
    /// The daemon's listener for mail to personas.
    pub(crate) inbound: u16,
    /// The daemon's listener for automated mail.
    pub(crate) outbound: u16,
    /// Where mailboxes are, by LMTP.
    pub(crate) mailboxes: u16,
}

impl Ports {
    /// New ones, before the mailboxes.
    pub(crate) fn choose(mailboxes: u16) -> Self {
        let [local, outside, back, inbound, outbound] = std::array::from_fn(|_| ports::free());
        Self { local, outside, back, inbound, outbound, mailboxes }
    }
}

/// An OpenSMTPD. Stopped when dropped.
pub(crate) struct OpenSmtpd {
    folder: PathBuf,
    pub(crate) ports: Ports,
    master: Child,
}

impl OpenSmtpd {
    /// Configures one and starts it.
    pub(crate) fn start(folder: &Path, ports: Ports, by: HandOver) -> Self {
        Self::with(folder, ports, &configuration(&ports, by))
    }

    /// Starts one with a configuration, in a hurry.
    pub(crate) fn with(folder: &Path, ports: Ports, configuration: &str) -> Self {
        let binary = Path::new(PACKAGE).join("usr/sbin/smtpd");
        assert!(binary.exists(), "{} is missing: tests/run fetches OpenSMTPD", binary.display());
        for name in ["spool", "run", "lib/opensmtpd/empty"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        for (file, line) in [("passwd", ":/var/lib/opensmtpd/empty:/usr/sbin/nologin"), ("group", "")] {
            let mut text = fs::read_to_string(Path::new("/etc").join(file)).unwrap();
            for (user, id) in USERS {
                let id = if file == "passwd" { format!("{id}:{id}:") } else { format!("{id}:") };
                text.push_str(&format!("{user}:x:{id}{line}\n"));
            }
            fs::write(folder.join(file), text).unwrap();
        }
        fs::write(folder.join("smtpd.conf"), format!("{HASTE}{configuration}")).unwrap();
        let mut command = inside(folder, "smtpd");
        // In the foreground, it logs to standard error.
        command.arg("-d").arg("-f").arg(folder.join("smtpd.conf"));
        let log = fs::File::create(folder.join("log")).unwrap();
        let master = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut smtpd = Self { folder: folder.to_owned(), ports, master };
        smtpd.wait_for_listeners();
        smtpd
    }

    fn wait_for_listeners(&mut self) {
        let ports = [self.ports.local, self.ports.outside, self.ports.back];
        wait_until("OpenSMTPD listens", || {
            let ended = self.master.try_wait().unwrap();
            assert!(ended.is_none(), "OpenSMTPD ended:\n{}", self.log());
            ports.iter().all(|port| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *port))).is_ok())
        });
    }

    /// One of its commands; what it says.
    fn control(&self, arguments: &[&str]) -> String {
        process::run(inside(&self.folder, "smtpctl").args(arguments))
    }

    /// What waits: the fields of `smtpctl show queue`.
    pub(crate) fn queue(&self) -> Vec<Vec<String>> {
        let queue = self.control(&["show", "queue"]);
        queue.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn client(port: u16) -> Client {
        Client::connect(SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

/// One of its programs, in its namespace. Its sendmail and smtpctl have a group.
fn inside(folder: &Path, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", BECOME, "sh"]).arg(folder).arg(PACKAGE);
    if program != "smtpd" {
        command.args(["setpriv", &format!("--regid={}", USERS[1].1), "--clear-groups"]);
    }
    command.arg(format!("{PACKAGE}/usr/sbin/{program}"));
    command
}

fn configuration(ports: &Ports, by: HandOver) -> String {
    let Ports { local, outside, back, inbound, outbound, mailboxes } = ports;
    let to = |port: &u16| match by {
        HandOver::Smtp => format!("relay host smtp://127.0.0.1:{port}"),
        HandOver::Lmtp => format!("relay host lmtp://127.0.0.1:{port}"),
        HandOver::Encrypted => format!("relay host smtp+tls://127.0.0.1:{port} tls no-verify"),
        HandOver::Program => format!("lmtp \"127.0.0.1:{port}\" rcpt-to virtual <everybody>"),
    };
    // Automated mail is for other people's domains: mail.lmtp is for one's own.
    let automated = match by {
        HandOver::Lmtp => format!("relay host lmtp://127.0.0.1:{outbound}"),
        HandOver::Smtp | HandOver::Encrypted | HandOver::Program => format!("relay host smtp://127.0.0.1:{outbound}"),
    };
    format!(
        "table everybody {{ \"@\" = nobody }}\n\
         listen on 127.0.0.1 port {local} tag LOCAL hostname mx.acme.example\n\
         listen on 127.0.0.1 port {outside} tag OUTSIDE hostname mx.acme.example\n\
         listen on 127.0.0.1 port {back} tag BACK hostname mx.acme.example\n\
         action to_personas {inbound}\n\
         action automated {automated}\n\
         action to_mailboxes relay host lmtp://127.0.0.1:{mailboxes}\n\
         match tag BACK from any for any action to_mailboxes\n\
         match tag OUTSIDE from any for domain \"acme.example\" action to_personas\n\
         match tag LOCAL from any for any action automated\n\
         match from local for domain \"customer.example\" action automated\n",
        inbound = to(inbound),
    )
}

impl Server for OpenSmtpd {
    fn outside_port(&self) -> u16 {
        self.ports.outside
    }

    fn submission_port(&self) -> u16 {
        self.ports.local
    }

    fn sendmail(&self, from: &str, to: &[&str], message: &[u8]) {
        let mut command = inside(&self.folder, "sendmail");
        command.args(["-i", "-f", from]).args(to);
        let output = process::output(&mut command, message);
        assert!(output.status.success(), "{command:?}: {}", process::said(&output));
    }

    fn application(&self, from: &str, to: &[&str], message: &[u8]) -> String {
        Self::client(self.ports.local).send(from, to, message).unwrap()
    }

    fn outside(&self, from: &str, to: &[&str], message: &[u8]) -> String {
        Self::client(self.ports.outside).send(from, to, message).unwrap()
    }

    fn all_wait(&self, messages: usize) -> bool {
        let queue = self.queue();
        let tried = queue.iter().all(|envelope| envelope[10] != "0" && envelope[11] == "pending");
        // An envelope's id begins with that of its message.
        let ids: std::collections::BTreeSet<_> = queue.iter().map(|envelope| envelope[0][..8].to_owned()).collect();
        tried && ids.len() == messages
    }

    fn recipients_that_wait(&self) -> Vec<String> {
        self.queue().iter().map(|envelope| envelope[5].clone()).collect()
    }

    fn flush(&self) {
        self.control(&["schedule", "all"]);
    }

    fn wait_for_empty_queue(&self) {
        wait_until("OpenSMTPD's queue is empty", || {
            self.flush();
            self.queue().is_empty()
        });
    }
}

impl Drop for OpenSmtpd {
    fn drop(&mut self) {
        process::signal("TERM", self.master.id());
        let _ = self.master.wait();
    }
}
