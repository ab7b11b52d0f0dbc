//! Unix sockets, sockets that a service manager passes, what it is told, and a next hop for each flow.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use support::daemon::{COMPANY, activated, binary, command, listening};
use support::{Client, Daemon, NextHop, crlf, field, wait_until};

const INBOUND: &str = "address = \"unix:in.sock\"\nrole = \"inbound\"";
const NOBODY: &str = "127.0.0.1:9";

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!(
        "From: Ann <ann@customer.example>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"
    ))
}

fn nobody() -> SocketAddr {
    NOBODY.parse().unwrap()
}

fn deliver(client: &mut Client, subject: &str) -> String {
    client.send("ann@customer.example", &["sophie@acme.example"], &mail(subject)).unwrap()
}

fn connect(socket: &Path) -> Client {
    Client::greet(UnixStream::connect(socket).unwrap(), "EHLO client.example").unwrap()
}

/// Runs `serve` on a configuration to its end, by a program that becomes it; the exit code and what it said.
fn serve(folder: &Path, text: &str, mut program: Command) -> (Option<i32>, String) {
    std::fs::write(folder.join("sincerely.toml"), text).unwrap();
    let Output { status, stderr, .. } =
        program.args(["--config", "sincerely.toml", "serve"]).current_dir(folder).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn mail_comes_in_over_unix_sockets_by_smtp_and_lmtp() {
    let hop = NextHop::start();
    let lmtp = "address = \"unix:lmtp.sock\"\nrole = \"inbound\"\nprotocol = \"lmtp\"";
    let mut daemon = Daemon::start_as(&listening(hop.address, &[INBOUND, lmtp]), binary);
    let socket = |name: &str| daemon.folder.path().join(name);
    let (smtp, lmtp) = (socket("in.sock"), socket("lmtp.sock"));

    assert!(deliver(&mut connect(&smtp), "smtp").starts_with("250"));
    assert_eq!(hop.taken()[0].to, ["sophie.martin@corp.example"]);
    let received = field(&hop.taken()[0].bytes, "Received").unwrap();
    assert!(received.starts_with("from client.example (unix) by sincerely.acme.example"), "{received}");

    let mut client = Client::greet(UnixStream::connect(&lmtp).unwrap(), "LHLO [127.0.0.1]").unwrap();
    let both = ["sophie@acme.example", "tom@acme.example"];
    assert_eq!(client.begin("ann@customer.example", &both).unwrap(), None);
    let replies = [client.finish(&mail("lmtp")).unwrap(), client.reply().unwrap()];
    assert!(replies.iter().all(|reply| reply.starts_with("250")), "one for each recipient: {replies:?}");
    let reached: Vec<_> = hop.taken()[1..].iter().flat_map(|taken| taken.to.clone()).collect();
    assert_eq!(reached, ["sophie.martin@corp.example", "tom@corp.example"]);
    let received = field(&hop.taken()[1].bytes, "Received").unwrap();
    assert!(received.starts_with("from localhost (unix) by"), "an address literal needs an address: {received}");

    assert_eq!(daemon.terminate(), Some(0));
    assert!(!smtp.exists() && !lmtp.exists(), "they are gone with their daemon");
}

#[test]
fn peers_at_a_unix_socket_count_together_only() {
    let hop = NextHop::start();
    let text = listening(hop.address, &[INBOUND]) + "[limits]\nconnections = 3\nconnections_per_address = 1\n";
    let daemon = Daemon::start_as(&text, binary);
    let socket = daemon.folder.path().join("in.sock");
    let three = [(); 3].map(|()| connect(&socket));
    let mut fourth = String::new();
    std::io::Read::read_to_string(&mut UnixStream::connect(&socket).unwrap(), &mut fourth).unwrap();
    assert_eq!(fourth, "421 4.7.0 too many connections; try again later\r\n");
    drop(three);
}

/// A group that the socket can be given to: for root any, else the own one.
fn group() -> (String, u32) {
    let ask = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let name = if ask("id", &["-u"]) == "0" { "daemon".into() } else { ask("id", &["-gn"]) };
    let entry = ask("getent", &["group", &name]);
    (name, entry.split(':').nth(2).unwrap().parse().unwrap())
}

#[test]
fn mode_and_group_are_those_of_the_configuration() {
    let (name, id) = group();
    let own = format!("{INBOUND}\ngroup = \"{name}\"");
    // More than a usual umask would leave.
    let open = "address = \"unix:open.sock\"\nrole = \"inbound\"\nmode = \"0666\"";
    let daemon = Daemon::start_as(&listening(nobody(), &[&own, open]), binary);
    let stat = |name: &str| std::fs::symlink_metadata(daemon.folder.path().join(name)).unwrap();
    assert_eq!((stat("in.sock").mode() & 0o7777, stat("in.sock").gid()), (0o660, id));
    assert_eq!(stat("open.sock").mode() & 0o7777, 0o666);
    assert!(stat("open.sock").file_type().is_socket());
    let left: Vec<_> =
        std::fs::read_dir(daemon.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "the configuration, the state and two sockets: {left:?}");
}

#[test]
fn the_socket_of_a_daemon_that_was_killed_is_replaced() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start_as(&listening(hop.address, &[INBOUND]), binary);
    let socket = daemon.folder.path().join("in.sock");
    daemon.kill();
    assert!(socket.exists() && UnixStream::connect(&socket).is_err(), "nobody answers");
    daemon.restart();
    assert!(deliver(&mut connect(&socket), "again").starts_with("250"));
}

#[test]
fn the_socket_of_another_daemon_is_left_to_it() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start_as(&listening(hop.address, &[INBOUND]), binary);
    let socket = daemon.folder.path().join("in.sock");
    let other = listening(nobody(), &[&INBOUND.replace("in.sock", socket.to_str().unwrap())]);
    let folder = tempfile::tempdir().unwrap();
    let (code, errors) = serve(folder.path(), &other, binary());
    assert_eq!(code, Some(69), "EX_UNAVAILABLE: {errors}");
    assert!(errors.contains(socket.to_str().unwrap()) && errors.contains("another process answers"), "{errors}");
    assert!(deliver(&mut connect(&socket), "still there").starts_with("250"));

    // What somebody else has put there meanwhile is not removed.
    std::fs::remove_file(&socket).unwrap();
    let _other = UnixListener::bind(&socket).unwrap();
    assert_eq!(daemon.terminate(), Some(0));
    assert!(UnixStream::connect(&socket).is_ok());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("in.sock");
    std::fs::write(&precious, "precious").unwrap();
    let text = listening(nobody(), &[INBOUND]);
    let (code, errors) = serve(folder.path(), &text, binary());
    assert_eq!(code, Some(78), "{errors}");
    assert!(errors.contains("unix:in.sock: what is there is no socket"), "{errors}");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");

    std::fs::remove_file(&precious).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &precious).unwrap();
    assert_eq!(serve(folder.path(), &text, binary()).0, Some(78), "nor is a link followed");
}

#[test]
fn a_group_or_a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let group = format!("{INBOUND}\ngroup = \"no-such-group\"");
    let (code, errors) = serve(folder.path(), &listening(nobody(), &[&group]), binary());
    assert_eq!(code, Some(78), "{errors}");
    assert!(errors.contains("there is no group \"no-such-group\"") && errors.contains("listen.group"), "{errors}");

    let nowhere = INBOUND.replace("in.sock", "no/such/in.sock");
    let (code, errors) = serve(folder.path(), &listening(nobody(), &[&nowhere]), binary());
    assert_eq!(code, Some(69), "{errors}");
    assert!(errors.contains("unix:no/such/in.sock") && errors.contains("the folder must be there"), "{errors}");
}

/// What a service manager holds: a TCP socket and a unix socket.
struct Held {
    folder: tempfile::TempDir,
    tcp: TcpListener,
    unix: UnixListener,
}

impl Held {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let unix = UnixListener::bind(folder.path().join("held.sock")).unwrap();
        Self { tcp: TcpListener::bind("127.0.0.1:0").unwrap(), unix, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("held.sock")
    }

    fn address(&self) -> SocketAddr {
        self.tcp.local_addr().unwrap()
    }

    /// The daemon, started with both under these names.
    fn program(&self, tcp: &'static str, unix: &'static str) -> impl Fn() -> Command + use<> {
        let sockets = (self.tcp.try_clone().unwrap(), self.unix.try_clone().unwrap());
        move || {
            let (of_tcp, of_unix) = (sockets.0.try_clone().unwrap(), sockets.1.try_clone().unwrap());
            activated(vec![(tcp, of_tcp.into()), (unix, of_unix.into())])
        }
    }
}

const PASSED: &str = "address = \"systemd:inbound\"\nrole = \"inbound\"";

#[test]
fn a_restart_refuses_no_connection() {
    let hop = NextHop::start();
    let held = Held::new();
    let outbound = "address = \"systemd:outbound\"\nrole = \"outbound\"";
    let text = listening(hop.address, &[PASSED, outbound]);
    let mut daemon = Daemon::start_as(&text, held.program("inbound", "outbound"));
    assert!(deliver(&mut Client::connect(held.address()), "before").starts_with("250"));
    assert_eq!(daemon.terminate(), Some(0));
    assert!(held.path().exists(), "the service manager's own");

    let inbound = TcpStream::connect(held.address()).expect("nobody runs, and nobody is refused");
    let outbound = UnixStream::connect(held.path()).expect("nobody runs, and nobody is refused");
    daemon.restart();
    let mut inbound = Client::greet(inbound, "EHLO client.example").unwrap();
    assert!(deliver(&mut inbound, "between").starts_with("250"));
    let mut outbound = Client::greet(outbound, "EHLO client.example").unwrap();
    let automated = crlf("From: Sophie from Acme <sophie@acme.example>\nMessage-ID: <1@app.example>\n\nhi\n");
    assert!(outbound.send("app@acme.example", &["ann@customer.example"], &automated).unwrap().starts_with("250"));
    assert_eq!(hop.taken().iter().map(|taken| taken.to.len()).sum::<usize>(), 3);

    daemon.kill();
    let stays = TcpStream::connect(held.address()).expect("a crash refuses nobody either");
    daemon.restart();
    assert!(deliver(&mut Client::greet(stays, "EHLO client.example").unwrap(), "after").starts_with("250"));
}

/// A mail server that is told 421 keeps its mail for minutes: no peer is to notice a restart at all.
#[test]
fn restarts_amid_mail_are_not_noticed() {
    const MAILS: usize = 60;
    let hop = NextHop::start();
    let held = Held::new();
    let mut daemon = Daemon::start_as(&listening(hop.address, &[PASSED]), held.program("inbound", "inbound"));
    let peer = |number: usize| {
        let (address, path) = (held.address(), held.path());
        move || {
            for mail in 0..MAILS {
                let mut client = if mail % 2 == 0 { Client::connect(address) } else { connect(&path) };
                let reply = deliver(&mut client, &format!("{number}.{mail}"));
                assert!(reply.starts_with("250"), "mail {mail} of peer {number}: {reply}");
            }
        }
    };
    let peers: Vec<_> = (0..3).map(|number| std::thread::spawn(peer(number))).collect();
    for round in 1..4 {
        wait_until("mail flows", || hop.count() > round * MAILS / 2);
        assert_eq!(daemon.terminate(), Some(0));
        daemon.restart();
    }
    peers.into_iter().for_each(|peer| peer.join().unwrap());
    assert_eq!(hop.count(), 3 * MAILS);
}

#[test]
fn every_socket_of_a_name_is_served() {
    let hop = NextHop::start();
    let held = Held::new();
    let program = held.program("inbound", "inbound");
    let daemon = Daemon::start_as(&listening(hop.address, &[PASSED]), program);
    wait_until("both listen", || daemon.log().matches(" listening ").count() == 2);
    assert!(deliver(&mut Client::connect(held.address()), "tcp").starts_with("250"));
    assert!(deliver(&mut connect(&held.path()), "unix").starts_with("250"));
    assert_eq!(hop.count(), 2);
}

#[test]
fn who_may_connect_counts_for_passed_tcp_sockets() {
    let held = Held::new();
    let text = listening(nobody(), &[&format!("{PASSED}\nallow = [\"192.0.2.1\"]")]);
    let _daemon = Daemon::start_as(&text, held.program("inbound", "other"));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut TcpStream::connect(held.address()).unwrap(), &mut said).unwrap();
    assert_eq!(said, "554 5.7.1 no service for your address\r\n");
}

#[test]
fn a_passed_socket_that_nobody_serves_is_told() {
    let held = Held::new();
    let daemon = Daemon::start_as(&listening(nobody(), &[PASSED]), held.program("inbound", "spare"));
    let log = daemon.log();
    assert!(log.contains("WARN") && log.contains("\"spare\"") && log.contains("systemd:spare"), "{log}");
}

#[test]
fn a_name_that_was_not_passed_is_told_with_those_that_were() {
    let held = Held::new();
    let folder = tempfile::tempdir().unwrap();
    let text = listening(nobody(), &[PASSED]);
    let (code, errors) = serve(folder.path(), &text, held.program("in", "out")());
    assert_eq!(code, Some(78), "{errors}");
    assert!(errors.contains("systemd:inbound: the service manager passed only \"in\", \"out\""), "{errors}");
    let (code, errors) = serve(folder.path(), &text, binary());
    assert_eq!(code, Some(78), "{errors}");
    assert!(errors.contains("the service manager passed no socket at all"), "{errors}");
}

#[test]
fn a_passed_socket_that_takes_no_connections_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (one, _other) = UnixStream::pair().unwrap();
    let file = std::fs::File::create(folder.path().join("file")).unwrap();
    let unfit: [(OwnedFd, &str); 3] = [
        (UdpSocket::bind("127.0.0.1:0").unwrap().into(), "no stream socket: write ListenStream="),
        (one.into(), "is not listening: write Accept=no"),
        (file.into(), "no stream socket"),
    ];
    for (socket, why) in unfit {
        let (code, errors) =
            serve(folder.path(), &listening(nobody(), &[PASSED]), activated(vec![("inbound", socket)]));
        assert_eq!(code, Some(78), "{errors}");
        assert!(errors.contains("systemd:inbound") && errors.contains(why), "{errors}");
    }
}

#[test]
fn sockets_for_another_process_are_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = binary();
    program.envs([("LISTEN_PID", "1"), ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "inbound")]);
    let (code, errors) = serve(folder.path(), &listening(nobody(), &[PASSED]), program);
    assert_eq!((code, errors.contains("passed no socket at all")), (Some(78), true), "{errors}");

    let mut program = binary();
    program.envs([("LISTEN_PID", "me"), ("LISTEN_FDS", "1")]);
    let (code, errors) = serve(folder.path(), &listening(nobody(), &[PASSED]), program);
    assert_eq!((code, errors.contains("LISTEN_PID")), (Some(78), true), "{errors}");
}

#[test]
fn the_service_manager_is_told_of_the_start_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let told = || {
        let mut buffer = [0; 4096];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let program = move || {
        let mut binary = binary();
        binary.env("NOTIFY_SOCKET", &path);
        binary
    };
    let mut daemon = Daemon::start_as(&listening(nobody(), &[INBOUND]), program);
    assert_eq!(told(), format!("READY=1\nSTATUS=1 listener, next hop smtp {NOBODY}\n"));
    connect(&daemon.folder.path().join("in.sock"));
    daemon.signal("TERM");
    assert!(told().starts_with("STOPPING=1\n"));
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn a_service_manager_that_is_gone_is_no_reason_to_stop() {
    let hop = NextHop::start();
    let program = || {
        let mut binary = binary();
        binary.env("NOTIFY_SOCKET", "/nowhere/notify");
        binary
    };
    let mut daemon = Daemon::start_as(&listening(hop.address, &[INBOUND]), program);
    assert!(deliver(&mut connect(&daemon.folder.path().join("in.sock")), "all the same").starts_with("250"));
    assert_eq!(daemon.terminate(), Some(0));
    wait_until("it is logged", || daemon.log().contains("NOTIFY_SOCKET"));
}

#[test]
fn each_flow_has_its_next_hop() {
    let (people, customers) = (NextHop::start(), NextHop::start());
    let text = format!(
        "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"inbound\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"outbound\"\n\
         [relay.inbound]\nsmtp = \"{}\"\n[relay.outbound]\nsmtp = \"{}\"\n{COMPANY}",
        people.address, customers.address
    );
    let daemon = Daemon::start_as(&text, binary);
    assert!(deliver(&mut Client::connect(daemon.inbound()), "in").starts_with("250"));
    let automated = crlf("From: Sophie from Acme <sophie@acme.example>\nMessage-ID: <1@app.example>\n\nhi\n");
    let mut application = Client::connect(daemon.outbound());
    assert!(application.send("app@acme.example", &["ann@customer.example"], &automated).unwrap().starts_with("250"));
    assert_eq!(people.only().to, ["sophie.martin@corp.example"]);
    assert_eq!(customers.only().to, ["ann@customer.example"]);

    let told = command(&daemon.folder.path().join("sincerely.toml"), &["check"]);
    let told = String::from_utf8(told.stdout).unwrap();
    for (role, hop) in [("inbound", &people), ("outbound", &customers)] {
        assert!(told.contains(&format!("{role}: smtp {}", hop.address)), "{told}");
    }
}
