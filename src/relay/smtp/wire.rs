//! The socket below lettre, with a second handle of ours.
//!
//! lettre hears replies through it a line at a time. That keeps what lettre does not: the lines of a
//! refusal, and those of EHLO; and since it never gets more than it asks for, the lines kept up to the
//! end of a reply are that reply's. Lines are made readable on the way: a next hop's 250 holds,
//! whatever text stands beside it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Octets that we read to find the end of a reply line; RFC 5321 §4.5.3.1.5 allows 512.
const LONGEST_LINE: usize = 4096;

/// Octets of a reply line that are kept: lettre refuses a reply with a line above 1000.
const LONGEST_HEARD: usize = 990;

/// One socket; each clone is a handle to it. Only one task uses them at a time, so the lock is free.
#[derive(Debug, Clone)]
pub(super) struct Wire(Arc<Mutex<Socket>>);

#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    // From the stream, not yet cut into lines.
    unread: BytesMut,
    // The line that lettre is reading.
    line: Bytes,
    // The lines given to lettre since they were last taken, without their ends.
    heard: Vec<String>,
}

impl Wire {
    /// Connects to `server`, host and port; every address of a host name is tried.
    pub(super) async fn connect(server: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        // Every write of ours is whole and waits for an answer: holding it back only costs time.
        stream.set_nodelay(true)?;
        let socket = Socket { stream, unread: BytesMut::new(), line: Bytes::new(), heard: Vec::new() };
        Ok(Self(Arc::new(Mutex::new(socket))))
    }

    /// The lines heard since the last call.
    pub(super) fn take_heard(&self) -> Vec<String> {
        std::mem::take(&mut self.socket().heard)
    }

    /// Whether there is nothing to read, not even the end of the connection.
    pub(super) fn is_quiet(&self) -> bool {
        let socket = self.socket();
        let would_block = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        socket.unread.is_empty() && socket.stream.try_read(&mut [0]).is_err_and(would_block)
    }

    fn socket(&self) -> MutexGuard<'_, Socket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Socket {
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
        let line = readable(&self.unread.split_to(newline + 1));
        self.line = Bytes::from(format!("{line}\r\n"));
        self.heard.push(line);
        Ok(true)
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; 1024];
        let mut read = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        if read.filled().is_empty() {
            let closed = "the next hop closed the connection";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, closed)));
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

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().stream.peer_addr()
    }
}
