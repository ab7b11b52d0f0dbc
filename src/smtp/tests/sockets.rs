//! Real sockets: binding, accepting, turning away.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::stage::Stage;
use crate::smtp::service::Protocol;
use crate::smtp::settings::{Endpoint, Limits, Settings};
use crate::smtp::{BindError, Gate, Listener, Passed, Place, Server};

/// Starts the stage's server on a free port.
fn listen(stage: &Stage) -> SocketAddr {
    serve(stage, Arc::clone(&stage.server))
}

fn serve(stage: &Stage, server: Arc<Server<super::stage::Stub>>) -> SocketAddr {
    let listener = tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = address(&listener);
    stage.tasks.spawn(server.run(listener, stage.shutdown.clone()));
    address
}

fn tcp(address: SocketAddr) -> Result<Listener, BindError> {
    Listener::bind(&Endpoint::Ip(address), &mut Passed::default()).map(|mut one| one.remove(0))
}

fn address(listener: &Listener) -> SocketAddr {
    let Place::Ip(address) = listener.place() else { panic!("{}", listener.place()) };
    *address
}

async fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    BufReader::new(TcpStream::connect(address).await.unwrap())
}

async fn line(client: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).await.unwrap();
    line
}

#[tokio::test]
async fn a_session_over_tcp() {
    let stage = Stage::smtp();
    let mut client = connect(listen(&stage)).await;
    client
        .write_all(b"HELO there.example\r\nMAIL FROM:<>\r\nRCPT TO:<sophie@here.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
        .await
        .unwrap();
    for expect in ["220 ", "250 ", "250 2.1.0", "250 2.1.5", "354 ", "250 2.0.0", "221 2.0.0", ""] {
        assert!(line(&mut client).await.starts_with(expect), "{expect}");
    }
    stage.shutdown.cancel();
    assert_eq!(stage.end().await.len(), 1);
}

#[tokio::test]
async fn one_connection_too_many_is_sent_away_and_a_place_is_free_again() {
    let stage = Stage::new(Protocol::Smtp, Limits { connections: 1, ..Limits::default() });
    let address = listen(&stage);
    let mut first = connect(address).await;
    assert!(line(&mut first).await.starts_with("220 "));
    let mut second = connect(address).await;
    assert_eq!(line(&mut second).await, "421 4.7.0 too many connections; try again later\r\n");
    assert_eq!(line(&mut second).await, "");
    drop(first);
    while !line(&mut connect(address).await).await.starts_with("220 ") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let stage = Stage::smtp();
    let limits = Limits::default();
    let gate = Gate::new(&limits);
    let allow = vec!["192.0.2.0/24".parse().unwrap()];
    let settings = Settings { hostname: "here.example".into(), protocol: Protocol::Smtp, allow, tls: None, limits };
    let server = Server::new(Arc::clone(&stage.service), settings, gate, stage.tasks.clone());
    let mut client = connect(serve(&stage, server)).await;
    assert_eq!(line(&mut client).await, "554 5.7.1 no service for your address\r\n");
    assert_eq!(line(&mut client).await, "");
}

#[tokio::test]
async fn after_shutdown_nobody_is_let_in() {
    let stage = Stage::smtp();
    let address = listen(&stage);
    let mut client = connect(address).await;
    assert!(line(&mut client).await.starts_with("220 "));
    stage.shutdown.cancel();
    assert!(line(&mut client).await.starts_with("421 4.3.2 "));
    stage.end().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[test]
fn a_port_in_use_is_an_error() {
    let first = tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let Err(BindError::Tcp(error)) = tcp(address(&first)) else { panic!("both were bound") };
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
