//! TLS to the next hop (RFC 3207): how much of it is wanted, and whose certificates are believed.
//!
//! Opportunistic TLS (RFC 7435) keeps out those who merely listen: it takes any certificate. Where TLS is
//! required, the certificate must be for the name, or the IP address, that the configuration has.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How much TLS is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tls {
    /// None.
    #[default]
    None,
    /// Where it is offered and works; nothing is verified.
    Opportunistic,
    /// Always, and with a certificate that one of these signed.
    Required(Authorities),
}

/// The certificates of those who may vouch for the next hop; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities(Arc<[CertificateDer<'static>]>);

/// Why there are no authorities.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    File(#[from] io::Error),
    /// What stands in it is not PEM.
    #[error("is not PEM: {0}")]
    NotPem(&'static str),
    /// It is PEM, or nothing, without a certificate.
    #[error("holds no certificate: expected at least one between BEGIN CERTIFICATE and END CERTIFICATE")]
    Empty,
    /// A certificate in it cannot be read.
    #[error("its certificate {number} cannot be used: {source}")]
    Certificate {
        /// Its place in the file, from 1.
        number: usize,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The system has none.
    #[error("this system has no certificates of authorities{0}; install them (ca-certificates), or write ca_file")]
    System(String),
}

impl Authorities {
    /// The certificates of a PEM file. What stands beside them is passed over: bundles tell in text whose each
    /// one is.
    ///
    /// # Errors
    /// Where it cannot be read, has a section that is cut off or a certificate that cannot be used, or holds no
    /// certificate.
    pub fn read(path: &Path) -> Result<Self, AuthoritiesError> {
        let text = std::fs::read(path)?;
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|error| not_pem(&error))?;
        if certificates.is_empty() {
            return Err(AuthoritiesError::Empty);
        }
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            let unusable = |source| AuthoritiesError::Certificate { number: index + 1, source };
            roots.add(certificate.clone()).map_err(unusable)?;
        }
        Ok(Self(certificates.into()))
    }

    /// Those that the system trusts.
    ///
    /// # Errors
    /// Where it has none.
    pub fn of_system() -> Result<Self, AuthoritiesError> {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            return Err(AuthoritiesError::System(why));
        }
        Ok(Self(found.certs.into()))
    }

    /// Some of a system's certificates may be of a kind that is not understood; the others serve.
    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.0.iter().cloned());
        roots
    }
}

/// The errors of the reader show octets as numbers, which help nobody.
fn not_pem(error: &pem::Error) -> AuthoritiesError {
    AuthoritiesError::NotPem(if matches!(error, pem::Error::MissingSectionEnd { .. }) {
        "a section is cut off: its END line is missing"
    } else if matches!(error, pem::Error::IllegalSectionStart { .. }) {
        "a BEGIN line does not end in five hyphens"
    } else if matches!(error, pem::Error::Base64Decode(_)) {
        "what stands between BEGIN and END is not base64"
    } else {
        "it cannot be made sense of"
    })
}

/// TLS as one relay wants it.
pub(super) struct Shield {
    connector: TlsConnector,
    // None where no certificate can be for such a name.
    name: Option<ServerName<'static>>,
    /// Whether a connection without it is none.
    pub(super) is_required: bool,
}

impl Shield {
    /// What `tls` asks for at `server`, host and port; nothing where it asks for none.
    pub(super) fn new(tls: &Tls, server: &str) -> Option<Self> {
        let (config, is_required) = match tls {
            Tls::None => return None,
            Tls::Opportunistic => {
                let any = Arc::new(AnyCertificate(Arc::new(ring::default_provider())));
                (client().dangerous().with_custom_certificate_verifier(any), false)
            }
            Tls::Required(authorities) => (client().with_root_certificates(authorities.roots()), true),
        };
        let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
        Some(Self { connector, name: name_of(server), is_required })
    }

    /// Encrypts a connection; an error says what is wrong, and what to do about it.
    pub(super) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = self.name.clone().ok_or_else(|| io::Error::other("no certificate can be for its name"))?;
        self.connector.connect(name, stream).await.map_err(|error| explained(&error))
    }
}

/// The name, or IP address, in `server` (host and port) that a certificate must be for.
pub fn name_of(server: &str) -> Option<ServerName<'static>> {
    let (host, _port) = server.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned()).ok()
}

fn client() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
}

/// A failed handshake, with what somebody can do about it.
fn explained(error: &io::Error) -> io::Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let advice = match tls {
        Some(rustls::Error::InvalidCertificate(why)) => advice(why),
        Some(_) | None => "",
    };
    io::Error::new(error.kind(), format!("TLS failed: {error}{advice}"))
}

fn advice(why: &CertificateError) -> &'static str {
    use CertificateError as Why;
    // webpki's name for an authority's own certificate in the place of a server's.
    const AUTHORITY: &str = "CaUsedAsEndEntity";
    if matches!(why, Why::Expired | Why::ExpiredContext { .. }) {
        "; its certificate must be renewed"
    } else if matches!(why, Why::NotValidYet | Why::NotValidYetContext { .. }) {
        "; look at the clocks of both machines"
    } else if matches!(why, Why::NotValidForName | Why::NotValidForNameContext { .. }) {
        "; write relay.smtp with a name that its certificate has"
    } else if matches!(why, Why::UnknownIssuer | Why::BadSignature) {
        "; nobody trusted here signed its certificate: if a private authority did, name that in relay.ca_file"
    } else if format!("{why:?}").contains(AUTHORITY) {
        "; its certificate is an authority's: it must be one with basicConstraints CA:FALSE"
    } else {
        ""
    }
}

/// Takes any certificate. That the next hop has the key to it is verified all the same.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
