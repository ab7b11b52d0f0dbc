//! The real binary, in a folder of its own.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::log::Log;
use super::wait_until;

/// The people and personas of most tests; the head of a configuration comes before it.
pub const COMPANY: &str = r#"
[people.sophie]
inbox = "sophie.martin@corp.example"
[people.tom]
inbox = "tom@corp.example"
[personas.sophie]
address = "Sophie from Acme <sophie@acme.example>"
aliases = ["hello@acme.example"]
answered_by = ["sophie"]
[personas.tom]
address = "Tom from Acme <tom@acme.example>"
aliases = ["hello@acme.example"]
answered_by = ["tom"]
"#;

/// A daemon that runs, or ran; killed when dropped.
pub struct Daemon {
    pub folder: tempfile::TempDir,
    /// The program with its environment; the arguments are added.
    program: Box<dyn Fn() -> Command + Send + Sync>,
    listeners: usize,
    child: Child,
    log: Log,
}

impl Daemon {
    /// Starts a daemon for [`COMPANY`] before a next hop.
    pub fn start(next_hop: SocketAddr) -> Self {
        Self::start_with(next_hop, "")
    }

    /// The same, with more of a configuration.
    pub fn start_with(next_hop: SocketAddr, more: &str) -> Self {
        Self::start_as(&configuration(next_hop, more), binary)
    }

    /// The same, with an inbound listener that speaks LMTP.
    pub fn start_lmtp(next_hop: SocketAddr, more: &str) -> Self {
        let smtp = "role = \"inbound\"\n";
        let text = configuration(next_hop, more).replace(smtp, &format!("{smtp}protocol = \"lmtp\"\n"));
        Self::start_as(&text, binary)
    }

    /// Starts a daemon for a configuration, by a program that becomes it.
    pub fn start_as(configuration: &str, program: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sincerely.toml"), configuration).unwrap();
        let listeners = configuration.matches("[[listen]]").count();
        let (child, log) = spawn(program(), folder.path());
        let daemon = Self { folder, program: Box::new(program), listeners, child, log };
        daemon.wait_for_listeners();
        daemon
    }

    /// Ends it at once, as a power button or the kernel would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it with SIGTERM; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.ended()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    /// Lets no file grow any more, or lets all grow again.
    pub fn fill_disk(&self, full: bool) {
        let limit = if full { "--fsize=0:" } else { "--fsize=unlimited:" };
        let done = Command::new("prlimit").args(["--pid", &self.child.id().to_string(), limit]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Starts it again on the same folder, after it ended.
    pub fn restart(&mut self) {
        let (child, log) = spawn((self.program)(), self.folder.path());
        self.child = child;
        self.log = log;
        self.wait_for_listeners();
    }

    fn wait_for_listeners(&self) {
        wait_until("every listener listens", || self.log().matches(" listening ").count() >= self.listeners);
    }

    /// What it logged since it was started.
    pub fn log(&self) -> String {
        self.log.text()
    }

    pub fn inbound(&self) -> SocketAddr {
        self.listener("inbound")
    }

    pub fn outbound(&self) -> SocketAddr {
        self.listener("outbound")
    }

    pub fn listener(&self, role: &str) -> SocketAddr {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(" listening ") && line.contains(role)).expect("it listens");
        let address =
            line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an address");
        address.parse().unwrap()
    }

    /// The addresses of all listeners, in the order of the configuration.
    pub fn listeners(&self) -> Vec<SocketAddr> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains(" listening "));
        let address = |line: &str| line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok();
        lines.map(|line| address(line).expect("an address")).collect()
    }

    /// A line of /proc/PID/status about memory, in KiB.
    pub fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok()).expect("a number of kB")
    }

    /// How many sockets it has open.
    pub fn sockets(&self) -> usize {
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let targets = descriptors.filter_map(|descriptor| std::fs::read_link(descriptor.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The messages held for a reason.
    pub fn held(&self, reason: &str) -> Vec<Vec<u8>> {
        let new = self.state().join("held").join(reason).join("new");
        let entries = std::fs::read_dir(new).into_iter().flatten();
        entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    /// Runs a command of the binary on the same configuration.
    pub fn command(&self, arguments: &[&str]) -> Output {
        command(&self.folder.path().join("sincerely.toml"), arguments)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A configuration with both listeners on ports that the system chooses.
pub fn configuration(next_hop: SocketAddr, more: &str) -> String {
    format!(
        "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"inbound\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"outbound\"\n\
         [relay]\nsmtp = \"{next_hop}\"\ntimeout = {{ command = \"2s\", data_end = \"2s\", total = \"20s\" }}\n\
         {COMPANY}\n{more}"
    )
}

/// A configuration with listeners of the test's own: the fields of each `[[listen]]`.
pub fn listening(next_hop: SocketAddr, listeners: &[&str]) -> String {
    let listeners = listeners.iter().map(|fields| format!("[[listen]]\n{fields}\n")).collect::<String>();
    format!(
        "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n{listeners}[relay]\nsmtp = \"{next_hop}\"\n{COMPANY}"
    )
}

/// The binary. What `fill_disk` does is an error of its write, as a full disk is, and not its end.
pub fn binary() -> Command {
    let mut binary = Command::new("sh");
    // Signs are ASCII, whatever the tests' own locale is.
    binary.env("LC_ALL", "C").args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_sincerely")]);
    binary
}

/// The binary, as a service manager starts it that holds one or two sockets for it: they are its
/// descriptors 3 and 4, and it knows their names (sd_listen_fds(3)).
pub fn activated(sockets: Vec<(&str, OwnedFd)>) -> Command {
    const BECOME: &str = "exec 3<&0 4<&1 0</dev/null 1>/dev/null; \
        export LISTEN_PID=$$ LISTEN_FDS=$1 LISTEN_FDNAMES=$2; shift 2; exec \"$@\"";
    let names = sockets.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(":");
    let mut bash = Command::new("bash");
    bash.args(["-c", BECOME, "bash", &sockets.len().to_string(), &names]).arg(env!("CARGO_BIN_EXE_sincerely"));
    let mut sockets = sockets.into_iter().map(|(_, socket)| Stdio::from(socket));
    bash.stdin(sockets.next().expect("one or two sockets")).stdout(sockets.next().unwrap_or_else(Stdio::null));
    assert!(sockets.next().is_none(), "one or two sockets");
    bash
}

/// Runs a command of the binary and waits for its end.
pub fn command(config: &Path, arguments: &[&str]) -> Output {
    binary().arg("--config").arg(config).args(arguments).output().unwrap()
}

fn spawn(mut program: Command, folder: &Path) -> (Child, Log) {
    let (log, stderr) = Log::new();
    let child =
        program.args(["--config", "sincerely.toml", "serve"]).current_dir(folder).stderr(stderr).spawn().unwrap();
    (child, log)
}
