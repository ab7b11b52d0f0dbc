//! A Postfix of one's own: Debian's stock files, and what `config/postfix/setup` makes of them.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use crate::shipped::{Shipped, shipped};
use crate::support::{Client, wait_until};
use crate::{ports, process};

/// The ports of one Postfix, and where it and the daemon find each other.
#[derive(Debug, Clone)]
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
    /// The daemon's listener for mail to personas: a socket's path, or an address and port for SMTP.
    pub(crate) inbound: String,
    /// The daemon's listener for automated mail.
    pub(crate) outbound: String,
    /// Where mailboxes are, by LMTP.
    pub(crate) mailboxes: u16,
}

impl Ports {
    /// New ones, before the mailboxes. Sockets lie in the folder.
    pub(crate) fn choose(mailboxes: u16, smtp: bool, folder: &Path) -> Self {
        let [local, outside, submission, replies, automated] = std::array::from_fn(|_| ports::free());
        let listener = |name: &str| match smtp {
            false => folder.join(name).display().to_string(),
            true => format!("127.0.0.1:{}", ports::free()),
        };
        let (inbound, outbound) = (listener("inbound.sock"), listener("outbound.sock"));
        Self { local, outside, submission, replies, automated, inbound, outbound, mailboxes }
    }
}

/// What a test wants to be different.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// The hand-over is SMTP, not LMTP.
    pub(crate) smtp: bool,
    /// `sincerely_reply_domain`.
    pub(crate) reply_domain: &'static str,
    /// `sincerely_internal_domain`.
    pub(crate) internal: &'static str,
    /// `acme.example` has no mailboxes: it stands in `virtual_alias_domains`.
    pub(crate) only_aliases: bool,
    /// `sincerely_inbox_checks`.
    pub(crate) inbox_checks: String,
    /// More lines of the file `personas`.
    pub(crate) personas: &'static str,
    /// Its port 25 as the rest of the world sees it, where others were told it already; else any.
    pub(crate) outside: u16,
    /// Lines of main.cf that were there before.
    pub(crate) main: String,
}

/// A Postfix. Stopped when dropped.
pub(crate) struct Postfix {
    pub(crate) config: PathBuf,
    folder: PathBuf,
    pub(crate) ports: Ports,
}

impl Postfix {
    /// Configures one as an administrator would, and starts it.
    pub(crate) fn start(folder: &Path, ports: Ports, mailboxes: &[&str], wishes: &Wishes) -> Self {
        let postfix = Self::configured(folder, ports, mailboxes, wishes);
        process::run(&mut postfix.setup());
        postfix.looks_settled();
        postfix.choose_ports_of_services();
        postfix.run();
        postfix
    }

    /// One that knows nothing of Sincerely yet, but has its folder.
    pub(crate) fn configured(folder: &Path, ports: Ports, mailboxes: &[&str], wishes: &Wishes) -> Self {
        let config = folder.join("etc");
        for (name, owner) in [("etc", "root"), ("queue", "root"), ("data", "postfix"), ("log", "postfix")] {
            fs::create_dir_all(folder.join(name)).unwrap();
            process::run(Command::new("chown").arg(owner).arg(folder.join(name)));
        }
        let postfix = Self { config, folder: folder.to_owned(), ports };
        Shipped::read("/usr/share/postfix/main.cf.debian")
            .and(&postfix.main(mailboxes, wishes))
            .write(&postfix.config.join("main.cf"));
        Shipped::read("/usr/share/postfix/master.cf.dist")
            .replace(
                "#submission inet n       -       y       -       -       smtpd\n",
                "submission inet n - y - - smtpd\n",
            )
            .write(&postfix.config.join("master.cf"));
        postfix.looks_settled();
        postfix.lay_out_ours(wishes);
        postfix
    }

    /// Postfix waits for a main.cf that was written a moment ago; here nobody writes it any more.
    fn looks_settled(&self) {
        let file = fs::File::options().append(true).open(self.config.join("main.cf")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 30)).unwrap();
    }

    /// What Debian's installer would ask for, where our mailboxes are, and haste.
    fn main(&self, mailboxes: &[&str], wishes: &Wishes) -> String {
        let folder = self.folder.display();
        let mailboxes: String =
            mailboxes.iter().map(|address| format!(" {{{} = there}}", address.trim_end_matches('!'))).collect();
        let classes = match wishes.only_aliases {
            false => "virtual_mailbox_domains = acme.example corp.example home.example customer.example",
            true => "virtual_alias_domains = acme.example\nvirtual_mailbox_domains = corp.example customer.example",
        };
        format!(
            "\nmyhostname = mx.acme.example\nmydestination = $myhostname, localhost\nmynetworks = 127.0.0.0/8\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nalias_maps =\nalias_database =\n\
             smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination\n\
             queue_directory = {folder}/queue\ndata_directory = {folder}/data\n\
             maillog_file = {folder}/log/mail\nmaillog_file_prefixes = {folder}\n\
             {classes}\n\
             virtual_mailbox_maps = inline:{{{mailboxes} }}\n\
             virtual_transport = lmtp:inet:127.0.0.1:{lmtp}\n\
             minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\naddress_verify_poll_delay = 1s\n{more}",
            lmtp = self.ports.mailboxes,
            more = wishes.main,
        )
    }

    /// The folder `config/postfix`, with this test's ports.
    fn lay_out_ours(&self, wishes: &Wishes) {
        let Ports { replies, automated, inbound, outbound, .. } = &self.ports;
        let ours = self.config.join("sincerely");
        fs::create_dir_all(&ours).unwrap();
        let by = |transport: &str, listener: &str| match wishes.smtp {
            false => format!("{transport}:unix:{listener}"),
            true => {
                let (address, port) = listener.split_once(':').unwrap();
                format!("sincerely-smtp:[{address}]:{port}")
            }
        };
        let (inbound, outbound) = (by("sincerely", inbound), by("sincerely-outbound", outbound));
        Shipped::read("config/postfix/main.cf")
            .replace("= sincerely:unix:/run/sincerely/inbound.sock", &format!("= {inbound}"))
            .replace("= sincerely-outbound:unix:/run/sincerely/outbound.sock", &format!("= {outbound}"))
            .replace("sincerely_reply_domain =\n", &format!("sincerely_reply_domain = {}\n", wishes.reply_domain))
            .replace("sincerely_internal_domain =\n", &format!("sincerely_internal_domain = {}\n", wishes.internal))
            .replace("sincerely_inbox_checks =\n", &format!("sincerely_inbox_checks = {}\n", wishes.inbox_checks))
            .write(&ours.join("main.cf"));
        Shipped::read("config/postfix/master.cf")
            .replace("\n127.0.0.1:10026 ", &format!("\n127.0.0.1:{replies} "))
            .replace("\n127.0.0.1:10027 ", &format!("\n127.0.0.1:{automated} "))
            .write(&ours.join("master.cf"));
        Shipped::read("config/postfix/applications.cidr")
            .replace("sincerely-outbound:unix:/run/sincerely/outbound.sock", &outbound)
            .write(&ours.join("applications.cidr"));
        Shipped::read("config/postfix/personas").and(wishes.personas).write(&ours.join("personas"));
        Shipped::read("config/postfix/common.sh").write(&ours.join("common.sh"));
        for name in ["setup", "bypass"] {
            process::install(&shipped(&format!("config/postfix/{name}")), &ours.join(name));
        }
    }

    /// Ports 25 and 587 belong to the machine; these are this test's. All of its clients come from
    /// 127.0.0.1, so those from outside have a port of their own, where that address means nothing.
    fn choose_ports_of_services(&self) {
        let Ports { local, outside, submission, .. } = &self.ports;
        let path = self.config.join("master.cf");
        Shipped::read(path.to_str().unwrap())
            .replace("\nsmtp      inet  n ", &format!("\n127.0.0.1:{local} inet n "))
            .replace("\nsubmission inet ", &format!("\n127.0.0.1:{submission} inet "))
            .and(&format!(
                "127.0.0.1:{outside} inet n - y - - smtpd\n  -o syslog_name=postfix/outside\n  \
                 -o mynetworks=192.0.2.0/24\n  -o sincerely_applications=\n  -o local_header_rewrite_clients=\n"
            ))
            .write(&path);
    }

    /// The command that sets Sincerely up.
    pub(crate) fn setup(&self) -> Command {
        self.ours("setup")
    }

    /// `bypass on`, `off` or `status`; what it says.
    pub(crate) fn bypass(&self, what: &str) -> String {
        process::run(self.ours("bypass").arg(what))
    }

    fn ours(&self, name: &str) -> Command {
        let mut command = Command::new(self.config.join("sincerely").join(name));
        command.arg("-c").arg(&self.config);
        command
    }

    /// One of Postfix's own commands.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(format!("/usr/sbin/{name}"));
        command.arg("-c").arg(&self.config);
        command
    }

    fn run(&self) {
        process::run(self.command("postfix").arg("start"));
        let Ports { local, outside, submission, replies, automated, .. } = self.ports;
        Self::wait_for(&[local, outside, submission, replies, automated]);
    }

    /// Starts one in which nobody has run `setup` yet.
    pub(crate) fn run_without_ours(&self) {
        self.looks_settled();
        self.choose_ports_of_services();
        self.looks_settled();
        process::run(self.command("postfix").arg("start"));
        self.wait_for_its_own_ports();
    }

    /// Waits until the services that it had before listen.
    pub(crate) fn wait_for_its_own_ports(&self) {
        Self::wait_for(&[self.ports.local, self.ports.outside, self.ports.submission]);
    }

    /// Waits until somebody answers at all of these ports.
    pub(crate) fn wait_for(ports: &[u16]) {
        let answers = |port: &u16| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *port))).is_ok();
        wait_until("Postfix listens", || ports.iter().all(answers));
    }

    /// Stops it, sessions and all, and starts it again.
    pub(crate) fn restart(&self) {
        let master = self.master().expect("it runs");
        process::signal("TERM", master);
        wait_until("Postfix has stopped", || !process::is_there(master));
        self.run();
        // A queue manager that nobody has called yet looks at the queue after five minutes.
        self.flush();
    }

    /// Makes it read its files again.
    pub(crate) fn reload(&self) {
        process::run(self.command("postfix").arg("reload"));
    }

    fn master(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.folder.join("queue/pid/master.pid")).ok()?;
        pid.trim().parse().ok().filter(|pid| process::is_there(*pid))
    }

    /// Submits as an application does by command.
    pub(crate) fn sendmail(&self, from: &str, to: &[&str], message: &[u8]) {
        self.sendmail_with(&[], from, to, message);
    }

    /// The same, with more options.
    pub(crate) fn sendmail_with(&self, options: &[&str], from: &str, to: &[&str], message: &[u8]) {
        let mut command = Command::new("/usr/sbin/sendmail");
        command.arg("-C").arg(&self.config).args(["-i", "-f", from]).args(options).args(to);
        let output: Output = process::output(&mut command, message);
        assert!(output.status.success(), "{command:?}: {}", process::said(&output));
    }

    /// An application at port 25.
    pub(crate) fn client_of_applications(&self) -> Client {
        Client::connect(SocketAddr::from(([127, 0, 0, 1], self.ports.local)))
    }

    /// A customer's server at port 25.
    pub(crate) fn client_from_outside(&self) -> Client {
        Client::connect(SocketAddr::from(([127, 0, 0, 1], self.ports.outside)))
    }

    /// A customer's server at port 25, from an address of its own: on this machine, all that begin with 127 are.
    pub(crate) fn client_from(&self, address: [u8; 4]) -> Client {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
        socket.connect(&SocketAddr::from(([127, 0, 0, 1], self.ports.outside)).into()).unwrap();
        Client::greet(TcpStream::from(socket), "EHLO mail.customer.example").unwrap()
    }

    /// What a customer's server hands over; the last reply.
    pub(crate) fn outside(&self, from: &str, to: &[&str], message: &[u8]) -> String {
        self.client_from_outside().send(from, to, message).unwrap()
    }

    /// What waits in the queue, as `postqueue -j` tells it.
    pub(crate) fn queue(&self) -> Vec<serde_json::Value> {
        let lines = process::run(self.command("postqueue").arg("-j"));
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many messages could not be handed on at once. (The queue itself does not tell: they are tried
    /// again and again.)
    pub(crate) fn deferred(&self) -> usize {
        let log = self.log();
        let tries = log.lines().filter(|line| line.contains("status=deferred"));
        // … postfix/lmtp[123]: QUEUEID: to=<…>, …
        tries.filter_map(|line| line.split("]: ").nth(1)?.split(": ").next()).collect::<BTreeSet<_>>().len()
    }

    /// Waits until all mail is delivered.
    pub(crate) fn wait_for_empty_queue(&self) {
        wait_until("Postfix's queue is empty", || self.queue().is_empty());
    }

    /// Tries again at once what waits.
    pub(crate) fn flush(&self) {
        process::run(self.command("postqueue").arg("-f"));
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log/mail")).unwrap_or_default()
    }

    /// The queue, for whoever reads a failure.
    pub(crate) fn queue_listing(&self) -> String {
        process::said(&process::output(self.command("postqueue").arg("-p"), b""))
    }

    /// What is not Postfix's default, for whoever reads a failure.
    pub(crate) fn settings(&self) -> String {
        process::said(&process::output(self.command("postconf").arg("-n"), b""))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if let Some(master) = self.master() {
            end(master);
        }
    }
}

/// Ends a Postfix by its first process. Called by drops, which must not panic: the test that failed would abort all others.
pub(crate) fn end(master: u32) {
    process::signal("TERM", master);
    for _ in 0..1000 {
        if !process::is_there(master) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    process::signal("KILL", master);
}
