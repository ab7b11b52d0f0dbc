//! An Exim of one's own: Debian's stock files with those of `config/exim` in their midst, or one
//! file that includes them.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::server::Server;
use crate::shipped::Shipped;
use crate::support::{Client, wait_until};
use crate::{ports, process};

/// Exim's package, unpacked: beside Postfix's it cannot be installed.
pub(crate) const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/exim");

/// How mail to personas is handed over: the values of `SINCERELY_HANDOVER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandOver {
    Lmtp,
    Smtp,
    Socket,
}

/// What Exim's configuration is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Debian's `conf.d`, collected by its own script.
    Split,
    /// `config/exim/exim4.conf`.
    Single,
}

/// The ports of one Exim, and of the daemon beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    /// Port 25 as applications on this machine see it.
    pub(crate) local: u16,
    /// Port 25 as the rest of the world sees it: whoever connects is no client of ours.
    pub(crate) outside: u16,
    /// Port 587, for people's mail programs.
    pub(crate) submission: u16,
    /// Where replies come back.
    pub(crate) replies: u16,
    /// Where automated mail comes back.
    pub(crate) automated: u16,
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
        let [local, outside, submission, replies, automated, inbound, outbound] =
            std::array::from_fn(|_| ports::free());
        Self { local, outside, submission, replies, automated, inbound, outbound, mailboxes }
    }

    fn own(&self) -> [u16; 5] {
        [self.local, self.outside, self.submission, self.replies, self.automated]
    }
}

/// An Exim. Stopped when dropped.
pub(crate) struct Exim {
    folder: PathBuf,
    pub(crate) ports: Ports,
    master: Option<Child>,
    // The ports for the daemon do not answer.
    closed: bool,
}

impl Exim {
    /// Configures one as an administrator would, and starts it.
    pub(crate) fn start(folder: &Path, ports: Ports, mailboxes: &[&str], style: Style, hand_over: HandOver) -> Self {
        let binary = Path::new(PACKAGE).join("usr/sbin/exim4");
        assert!(binary.exists(), "{} is missing: tests/run fetches Exim", binary.display());
        for name in ["etc", "spool", "log"] {
            fs::create_dir_all(folder.join(name)).unwrap();
            process::run(Command::new("chown").arg("Debian-exim").arg(folder.join(name)));
        }
        let mut exim = Self { folder: folder.to_owned(), ports, master: None, closed: false };
        let there = |address: &&str| format!("{}: there\n", address.trim_end_matches('!'));
        fs::write(exim.etc("mailboxes"), mailboxes.iter().map(there).collect::<String>()).unwrap();
        exim.lay_out_ours(hand_over);
        match style {
            Style::Split => exim.collect_split(),
            Style::Single => exim.write_single(),
        }
        exim.resume();
        exim
    }

    /// A file where Debian has `/etc/exim4`.
    pub(crate) fn etc(&self, name: &str) -> PathBuf {
        self.folder.join("etc").join(name)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("exim4.conf")
    }

    /// The path under which shipped files are written, in their place below `/etc/exim4`.
    fn moved(&self, file: Shipped) -> Shipped {
        file.replace("/etc/exim4/", &format!("{}/", self.folder.join("etc").display()))
    }

    /// The folder `config/exim`, with this test's ports and paths.
    fn lay_out_ours(&self, hand_over: HandOver) {
        let Ports { replies, automated, inbound, outbound, .. } = self.ports;
        for section in ["main", "acl", "router", "transport", "retry"] {
            fs::create_dir_all(self.etc("conf.d").join(section)).unwrap();
        }
        let transport = match hand_over {
            HandOver::Lmtp => "sincerely_lmtp",
            HandOver::Smtp => "sincerely_smtp",
            HandOver::Socket => "sincerely_socket",
        };
        let names = Shipped::read("config/exim/conf.d/main/000_sincerely")
            .replace("PORT   = 10025", &format!("PORT = {inbound}"))
            .replace("PORT  = 10028", &format!("PORT = {outbound}"))
            .replace("PORT   = 10026", &format!("PORT = {replies}"))
            .replace("PORT = 10027", &format!("PORT = {automated}"))
            // A tenth, for speed; `message_size` of the daemon too.
            .replace("{64M}{50M}", "{6400K}{5000K}")
            .replace("HANDOVER = sincerely_lmtp", &format!("HANDOVER = {transport}"))
            .replace("/run/sincerely/inbound.sock", &self.socket().display().to_string());
        let names = match hand_over {
            HandOver::Lmtp | HandOver::Socket => names,
            HandOver::Smtp => names.replace("CALLOUT  = sincerely_lmtp", "CALLOUT = sincerely_smtp"),
        };
        self.moved(names).write(&self.etc("conf.d/main/000_sincerely"));
        for name in [
            "conf.d/acl/50_sincerely",
            "conf.d/router/050_sincerely",
            "conf.d/transport/50_sincerely",
            "conf.d/retry/20_sincerely",
        ] {
            Shipped::read(&format!("config/exim/{name}")).write(&self.etc(name));
        }
        for name in ["sincerely.rcpt", "sincerely.personas"] {
            Shipped::read(&format!("config/exim/{name}")).write(&self.etc(name));
        }
    }

    /// Where the daemon listens for the hand-over by [`HandOver::Socket`].
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.with_file_name("inbound.sock")
    }

    /// Debian's stock files and ours, collected as Debian does.
    fn collect_split(&self) {
        let stock = Path::new(PACKAGE).join("etc/exim4/conf.d");
        process::run(Command::new("cp").args(["-r", "--no-clobber"]).arg(&stock).arg(self.folder.join("etc")));
        let program = format!("{PACKAGE}/usr/sbin/exim4");
        let names = self.etc("conf.d/main/01_exim4-config_listmacrosdefs");
        Shipped::read(names.to_str().unwrap()).replace("/usr/sbin/exim4", &program).write(&names);
        let rewriting = self.etc("conf.d/rewrite/31_exim4-config_rewriting");
        let addresses = format!("{PACKAGE}/etc/email-addresses");
        Shipped::read(rewriting.to_str().unwrap()).replace("/etc/email-addresses", &addresses).write(&rewriting);

        let folder = self.folder.display();
        let settings = format!(
            "CONFDIR = {folder}/etc\nSPOOLDIR = {folder}/spool\nDC_minimaldns = 1\n\
             MAIN_HARDCODE_PRIMARY_HOSTNAME = mx.acme.example\nMAIN_QUALIFY_DOMAIN = mx.acme.example\n\
             MAIN_RELAY_NETS = {}\nIGNORE_SMTP_LINE_LENGTH_LIMIT = 1\nNO_CHECK_DATA_VERIFY_HEADER_SYNTAX = 1\n\
             MAIN_LOG_SELECTOR = +pipelining\n{}",
            self.ours(),
            self.places()
        );
        fs::write(self.etc("conf.d/main/0000_test"), settings).unwrap();
        fs::write(self.etc("conf.d/router/060_mailboxes"), self.mailboxes_router()).unwrap();
        fs::write(self.etc("conf.d/transport/60_mailboxes"), self.mailboxes_transport()).unwrap();
        let answers = self.with_own_ports(Shipped::read("config/exim/README.md")).text();
        let answers: String =
            answers.lines().filter(|line| line.starts_with("dc_")).map(|line| format!("{line}\n")).collect();
        let answers = format!(
            "dc_eximconfig_configtype='internet'\n\
             dc_other_hostnames='acme.example:corp.example:home.example:customer.example'\n{answers}"
        );
        fs::write(self.etc("update-exim4.conf.conf"), answers).unwrap();
        let mut collect = Command::new("sh");
        collect.arg(format!("{PACKAGE}/usr/sbin/update-exim4.conf"));
        process::run(collect.arg("-d").arg(self.folder.join("etc")).arg("-o").arg(self.configuration()));
    }

    /// The single file, with this test's ports and paths.
    fn write_single(&self) {
        let places = format!(
            "exim_path = {PACKAGE}/usr/sbin/exim4\nspool_directory = {}\n{}",
            self.folder.join("spool").display(),
            self.places()
        );
        let router = "router/050_sincerely\n";
        let transport = "transport/50_sincerely\n";
        let file = self
            .with_own_ports(Shipped::read("config/exim/exim4.conf"))
            .replace("= @ : acme.example", "= @ : acme.example : corp.example : home.example : customer.example")
            .replace("= 127.0.0.1 : ::::1\n\n# (S) The daemon", &format!("= {}\n\n# (S) The daemon", self.ours()))
            .replace("\nkeep_environment     =\n", &format!("\nkeep_environment =\n{places}"))
            .replace(router, &format!("{router}\n{}", self.mailboxes_router()))
            .replace(transport, &format!("{transport}\n{}", self.mailboxes_transport()));
        self.moved(file).write(&self.configuration());
    }

    /// The ports of a shipped file are the machine's; these are this test's.
    fn with_own_ports(&self, file: Shipped) -> Shipped {
        let own = self.ports.own().map(|port| format!("127.0.0.1.{port}")).join(" ; ");
        file.replace("0.0.0.0.25 ; ::0.25 ; 0.0.0.0.587 ; ::0.587 ; 127.0.0.1.10026 ; 127.0.0.1.10027", &own)
    }

    /// Whose mail is relayed. All clients come from 127.0.0.1 here, so those from outside have a port
    /// of their own, where that address means nothing.
    fn ours(&self) -> String {
        format!("${{if eq{{$received_port}}{{{}}}{{}}{{127.0.0.1}}}}", self.ports.outside)
    }

    fn places(&self) -> String {
        let folder = self.folder.display();
        format!("log_file_path = {folder}/log/%slog\npid_file_path = {folder}/exim.pid\n")
    }

    /// Where the mailboxes of the company and of its customers are. One whose name is in the file
    /// `away` cannot be found for now, one in the file `aliases` leads somewhere else.
    fn mailboxes_router(&self) -> String {
        let etc = self.folder.join("etc").display().to_string();
        let known = |file: &str, found: &str| {
            format!(
                "${{if exists{{{etc}/{file}}}{{${{lookup{{$local_part@$domain}}lsearch{{{etc}/{file}}}{found}}}}}}}"
            )
        };
        format!(
            "away:\n  driver = redirect\n  allow_defer\n  data = {}\n\n\
             aliases_of_test:\n  driver = redirect\n  data = {}\n\n\
             mailboxes:\n  driver = manualroute\n  domains = acme.example : corp.example : home.example : customer.example\n  \
             condition = ${{lookup{{$local_part@$domain}}lsearch{{{etc}/mailboxes}}{{yes}}{{no}}}}\n  \
             route_list = * 127.0.0.1\n  self = send\n  transport = mailboxes\n",
            known("away", "{:defer: away}"),
            known("aliases", ""),
        )
    }

    fn mailboxes_transport(&self) -> String {
        format!(
            "mailboxes:\n  driver = smtp\n  protocol = lmtp\n  port = {}\n  allow_localhost\n",
            self.ports.mailboxes
        )
    }

    /// Starts it again after [`Self::stop`].
    pub(crate) fn resume(&mut self) {
        let child = self.command().arg("-bdf").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.master = Some(child.unwrap());
        wait_until("Exim listens", || {
            let ended = self.master.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "Exim ended:\n{}", self.log());
            let own = self.ports.own();
            let open = if self.closed { &own[..3] } else { &own[..] };
            open.iter().all(|port| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *port))).is_ok())
        });
    }

    /// Stops it: no port answers.
    pub(crate) fn stop(&mut self) {
        if let Some(mut master) = self.master.take() {
            process::signal("TERM", master.id());
            let _ = master.wait();
        }
    }

    /// Exim with this configuration.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(format!("{PACKAGE}/usr/sbin/exim4"));
        command.arg("-C").arg(self.configuration());
        command
    }

    /// `bypass on`, `off` or `status`; what it says.
    pub(crate) fn bypass(&self, what: &str) -> String {
        let exim = format!("{PACKAGE}/usr/sbin/exim4 -C {}", self.configuration().display());
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/exim/bypass"));
        process::run(command.arg(what).env("EXIM", exim).env("SINCERELY_BYPASS", self.etc("sincerely.bypass")))
    }

    /// Adds a line to a file where Debian has `/etc/exim4`.
    pub(crate) fn add(&self, name: &str, line: &str) {
        let before = fs::read_to_string(self.etc(name)).unwrap_or_default();
        fs::write(self.etc(name), before + line).unwrap();
    }

    /// Takes a file from there.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.etc(name)).unwrap();
    }

    /// Whether the ports for the daemon are closed, as they are after a slip in `local_interfaces`.
    pub(crate) fn accept_nothing_back(&mut self, closed: bool) {
        self.stop();
        let file = self.configuration();
        let elsewhere = |port: u16| (format!("127.0.0.1.{port}"), format!("127.0.0.9.{port}"));
        let mut text = Shipped::read(file.to_str().unwrap());
        for (here, there) in [self.ports.replies, self.ports.automated].map(elsewhere) {
            text = if closed { text.replace(&here, &there) } else { text.replace(&there, &here) };
        }
        text.write(&file);
        self.closed = closed;
        self.resume();
    }

    /// Makes it hand over by TLS only, to whom this file trusts.
    pub(crate) fn insist_on_tls(&mut self, trust: &Path) {
        self.stop();
        let file = self.configuration();
        let head =
            "\nsincerely_smtp:\n  debug_print = \"T: sincerely_smtp for $local_part@$domain\"\n  driver = smtp\n";
        let options = format!(
            "  hosts_require_tls = *\n  tls_verify_certificates = {}\n  tls_verify_hosts = *\n",
            trust.display()
        );
        Shipped::read(file.to_str().unwrap()).replace(head, &format!("{head}{options}")).write(&file);
        self.resume();
    }

    /// A client at one of the ports.
    pub(crate) fn client(port: u16) -> Client {
        Client::connect(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// The ids of the messages in the queue.
    pub(crate) fn queue(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join("spool/input")).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| Some(name.strip_suffix("-H")?.to_owned())).collect()
    }

    pub(crate) fn log(&self) -> String {
        ["mainlog", "paniclog"]
            .map(|name| fs::read_to_string(self.folder.join("log").join(name)).unwrap_or_default())
            .join("--- paniclog\n")
    }
}

impl Server for Exim {
    fn outside_port(&self) -> u16 {
        self.ports.outside
    }

    fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    fn sendmail(&self, from: &str, to: &[&str], message: &[u8]) {
        let mut command = self.command();
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
        let (queue, log) = (self.queue(), self.log());
        queue.len() == messages && queue.iter().all(|id| log.contains(&format!("{id} == ")))
    }

    /// As `exim -bp` tells it: those who are done are marked with a D.
    fn recipients_that_wait(&self) -> Vec<String> {
        let list = process::run(self.command().arg("-bp"));
        let recipients = list.lines().filter_map(|line| line.strip_prefix("          "));
        recipients.filter(|to| !to.starts_with("D ")).map(str::to_owned).collect()
    }

    fn flush(&self) {
        process::run(self.command().arg("-qff"));
    }

    /// What another process is busy with is passed over by a queue run, so there may be several.
    fn wait_for_empty_queue(&self) {
        wait_until("Exim's queue is empty", || {
            self.flush();
            self.queue().is_empty()
        });
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.stop();
    }
}
