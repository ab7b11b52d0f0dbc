//! The socket below lettre, with a second handle of ours.
//!
//! lettre hears replies through it a line at a time. That keeps what lettre does not: the lines of a
//! refusal, and those of EHLO; and since it never gets more than it asks for, the lines kept up to the
//! end of a reply are that reply's. Lines are made readable on the way: a next hop's 250 holds,
//! whatever text stands beside it. TLS begins here too, below lettre, which does not hear of it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::tls::Shield;

/// Octets that we read to find the end of a reply line; RFC 5321 §4.5.3.1.5 allows 512.
const LONGEST_LINE: usize = 4096;

/// Octets of a reply line that are kept: lettre refuses a reply with a line above 1000.
const LONGEST_HEARD: usize = 990;

/// Lines that are heard in one go: a greeting and the answer to EHLO have some twenty. Without an end, a
/// reply of ever more lines would take memory for as long as its time-out allows.
const MOST_LINES: usize = 128;

/// One socket; each clone is a handle to it. Only one task uses them at a time, so the lock is free.
#[derive(Debug, Clone)]
pub(super) struct Wire(Arc<Mutex<Socket>>);

#[derive(Debug)]
struct Socket {
    stream: Stream,
    // From the stream, not yet cut into lines.
    unread: BytesMut,
    // The line that lettre is reading.
    line: Bytes,
    // The lines given to lettre since they were last taken, without their ends.
    heard: Vec<String>,
}

/// What the socket's bytes go through.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// TLS was begun; where it failed, nothing may be said here any more.
    Lost,
}

impl Wire {
    /// Connects to `server`, host and port; every address of a host name is tried.
    pub(super) async fn connect(server: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        // Every write of ours is whole and waits for an answer: holding it back only costs time.
        stream.set_nodelay(true)?;
        let stream = Stream::Plain(stream);
        let socket = Socket { stream, unread: BytesMut::new(), line: Bytes::new(), heard: Vec::new() };
        Ok(Self(Arc::new(Mutex::new(socket))))
    }

    /// Begins TLS. RFC 3207 §4.2: nothing said before survives it. What the next hop, or somebody on the way,
    /// said behind its 220 would be read as if it had come encrypted, so there must be nothing; what is still
    /// on its way is taken for a part of the handshake, and makes it fail.
    pub(super) async fn encrypt(&self, shield: &Shield) -> io::Result<()> {
        let plain = self.take_plain()?;
        let encrypted = shield.handshake(plain).await?;
        self.socket().stream = Stream::Tls(Box::new(encrypted));
        Ok(())
    }

    fn take_plain(&self) -> io::Result<TcpStream> {
        let mut socket = self.socket();
        if !(socket.unread.is_empty() && socket.line.is_empty()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "something was said between STARTTLS and TLS"));
        }
        match std::mem::replace(&mut socket.stream, Stream::Lost) {
            Stream::Plain(plain) => Ok(plain),
            Stream::Tls(_) | Stream::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The lines heard since the last call.
    pub(super) fn take_heard(&self) -> Vec<String> {
        std::mem::take(&mut self.socket().heard)
    }

    /// Whether there is nothing to read, not even the end of the connection. Nothing that was said is lost.
    pub(super) fn is_quiet(&self) -> bool {
        self.socket().is_quiet()
    }

    fn socket(&self) -> MutexGuard<'_, Socket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether TLS has no words for us, and no end. What it has to say to itself is no word of the next hop:
/// session tickets right after the handshake (RFC 8446 §4.6.1), or new keys at any time (§4.6.3).
fn is_quiet_within(stream: &mut TlsStream<TcpStream>) -> bool {
    let (socket, tls) = stream.get_mut();
    let mut arrived = Arrived(socket);
    loop {
        let is_read = |state: rustls::IoState| state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed();
        if !tls.process_new_packets().is_ok_and(is_read) {
            return false;
        }
        match tls.read_tls(&mut arrived) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

/// What has arrived, without waiting for more.
struct Arrived<'a>(&'a TcpStream);

impl io::Read for Arrived<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Socket {
    fn is_quiet(&mut self) -> bool {
        let silent = match &mut self.stream {
            Stream::Plain(stream) => {
                let read = stream.try_read_buf(&mut self.unread);
                read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }
            Stream::Tls(stream) => is_quiet_within(stream),
            Stream::Lost => false,
        };
        silent && self.unread.is_empty()
    }

    fn poll_line(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.line.is_empty() && !self.next_line()? {
            ready!(self.poll_more(cx))?;
        }
        let fits = buffer.remaining().min(self.line.len());
        buffer.put_slice(&self.line.split_to(fits));
        Poll::Ready(Ok(()))
    }

    /// Cuts the next line from what was read, if it is whole.
    fn next_line(&mut self) -> io::Result<bool> {
        let Some(newline) = memchr::memchr(b'\n', &self.unread) else {
            let endless = || io::Error::new(io::ErrorKind::InvalidData, "a reply line is too long");
            return if self.unread.len() > LONGEST_LINE { Err(endless()) } else { Ok(false) };
        };
        if self.heard.len() == MOST_LINES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a reply has too many lines"));
        }
        let line = readable(&self.unread.split_to(newline + 1));
        self.line = Bytes::from(format!("{line}\r\n"));
        self.heard.push(line);
        Ok(true)
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; 1024];
        let mut read = ReadBuf::new(&mut space);
        let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "the next hop closed the connection");
        // An end of TLS without a farewell is no other end; rustls tells it with the address of its manual.
        let is_end = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read));
        result.map_err(|error| if is_end(&error) { closed() } else { error })?;
        if read.filled().is_empty() {
            return Poll::Ready(Err(closed()));
        }
        self.unread.extend_from_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

/// A reply line as lettre can read it. RFC 5321 §4.2: what we do follows from the code alone, so no
/// text may hide it. Seen in practice: Latin-1 text, a code without text, bare LF, endless explanations.
fn readable(raw: &[u8]) -> String {
    let mut line = String::from_utf8_lossy(raw).trim_end_matches(['\r', '\n']).to_owned();
    line.truncate(line.floor_char_boundary(LONGEST_HEARD));
    if line.len() == 3 {
        line.push(' ');
    }
    line
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_line(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket().stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Lost => lost(),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Lost => lost(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Lost => lost(),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Lost => lost(),
        }
    }
}

fn lost<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.socket().stream {
            Stream::Plain(stream) => stream.peer_addr(),
            Stream::Tls(stream) => stream.get_ref().0.peer_addr(),
            Stream::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}
