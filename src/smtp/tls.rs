//! TLS at a listener (RFC 3207): the certificate that is shown, which may be renewed while sessions run,
//! and a connection that becomes encrypted.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Certificate;

/// Octets of replies that rustls may keep for a peer that does not read: one record.
const UNSENT: usize = 16 << 10;

/// What the sessions of a listener are encrypted with.
#[derive(Debug)]
pub struct Tls {
    certificate: RwLock<Arc<Certificate>>,
}

impl Tls {
    /// Shows `certificate`.
    pub fn new(certificate: Certificate) -> Arc<Self> {
        Arc::new(Self { certificate: RwLock::new(Arc::new(certificate)) })
    }

    /// Shows another certificate from the next handshake on.
    pub fn renew(&self, certificate: Certificate) {
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
    }

    /// What is shown now.
    pub fn certificate(&self) -> Arc<Certificate> {
        Arc::clone(&self.certificate.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a handshake agreed on, in the words of the TLS registries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) version: &'static str,
    pub(super) cipher: &'static str,
}

/// A connection, in plaintext until a handshake.
#[derive(Debug)]
pub(super) enum Stream<IO> {
    Plain(IO),
    /// On the heap: rustls keeps a KiB or more of each, and most sessions are in plaintext.
    Encrypted(Box<TlsStream<IO>>),
    /// A handshake took the connection and did not give it back.
    Lost,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream<IO> {
    /// The handshake. It owns the connection: where it fails, or nobody waits for it any more, the
    /// connection is closed, and nothing can be said in plaintext after it.
    pub(super) async fn encrypt(&mut self, tls: &Tls) -> io::Result<Agreed> {
        let Self::Plain(plain) = mem::replace(self, Self::Lost) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let acceptor = TlsAcceptor::from(tls.certificate().config());
        let encrypted = acceptor.accept_with(plain, |connection| connection.set_buffer_limit(Some(UNSENT))).await?;
        let (_, connection) = encrypted.get_ref();
        let agreed = Agreed {
            version: connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS"),
            cipher: connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown"),
        };
        *self = Self::Encrypted(Box::new(encrypted));
        Ok(agreed)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<IO> {
    /// In TLS, an end without close_notify is an error: somebody else may have made it.
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, read: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, read),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, read),
            Self::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<IO> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
            Self::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// In TLS, close_notify goes out first.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Lost => Poll::Ready(Ok(())),
        }
    }
}
