//! The certificate that a listener shows: read from files in PEM, checked against its key, and with the
//! dates between which it is valid.
//!
//! What is wrong is said with the file and what to do. Nothing that a file holds is ever in such a text: it may
//! be a key.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, ServerConfig};
use x509_cert::der::Decode;
use x509_cert::time::Time;

/// A chain of certificates has a few KiB. What is longer is another file, or none that ends.
const LONGEST: u64 = 1 << 20;

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, then those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Part {
    /// [`Files::certificate`].
    Certificate,
    /// [`Files::key`].
    Key,
}

/// A certificate that can be shown, with its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    config: Arc<ServerConfig>,
    /// None where the dates could not be read.
    validity: Option<Validity>,
}

#[derive(Debug, Clone, Copy)]
struct Validity {
    from: Timestamp,
    until: Timestamp,
}

/// What the dates of a certificate say against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outdated {
    /// It is valid from then on.
    NotYet(Timestamp),
    /// It was valid until then.
    Expired(Timestamp),
    /// Its dates cannot be read.
    Unknown,
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet(from) => write!(f, "is not valid before {from}"),
            Self::Expired(until) => write!(f, "expired on {until}"),
            Self::Unknown => f.write_str("has dates that cannot be read"),
        }
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} {why}", path.display())]
pub struct Unusable {
    /// Which file it is.
    pub part: Part,
    /// Its path.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The path leads nowhere.
    #[error("is not there: write the path of a file in PEM")]
    NotThere,
    /// Another user may.
    #[error("may not be read by this user: the user that runs the daemon must be allowed to")]
    Forbidden,
    /// The system says no.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is no certificate and no key.
    #[error("is too long for a certificate or a key: write the path of a file in PEM")]
    TooLong,
    /// There is nothing in it.
    #[error("is empty: expected PEM, which begins with -----BEGIN")]
    Empty,
    /// It is something else, perhaps DER.
    #[error("is not PEM, which begins with -----BEGIN; `openssl x509` or `openssl pkey` with -inform DER converts")]
    NotPem,
    /// Cut off, or with other characters in it.
    #[error("is damaged: a section of its PEM cannot be read")]
    Damaged,
    /// It holds other things.
    #[error("has no certificate in it: expected -----BEGIN CERTIFICATE-----, the server's own first")]
    NoCertificate,
    /// It holds other things.
    #[error("has no private key in it: expected -----BEGIN PRIVATE KEY-----")]
    NoKey,
    /// Nobody is there to be asked for its passphrase.
    #[error("is encrypted with a passphrase: decrypt it with `openssl pkey -in FILE -out FILE`")]
    Encrypted,
    /// The first of its certificates has another form than RFC 5280's.
    #[error("begins with a certificate that cannot be read")]
    Illegible,
    /// It is damaged inside, or for algorithms that are not in use.
    #[error("has a key that cannot be used: expected RSA of 2048 bits or more, ECDSA of P-256 or P-384, or Ed25519")]
    UnknownKey,
    /// The key is another certificate's.
    #[error("is not the key of the first certificate in {}: write the two that were made together", .0.display())]
    OtherKey(PathBuf),
}

impl Unusable {
    /// Whether another user could perhaps use it.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.why, Why::Forbidden)
    }
}

impl Certificate {
    /// Reads the files, and tries whether they fit together.
    ///
    /// # Errors
    /// What is wrong with either file, or with both.
    pub fn read(files: &Files) -> Result<Self, Vec<Unusable>> {
        let (chain, key) = (chain(&files.certificate), key(&files.key));
        let unusable = |part: Part, why: Why| {
            let path = match part {
                Part::Certificate => files.certificate.clone(),
                Part::Key => files.key.clone(),
            };
            Unusable { part, path, why }
        };
        let (chain, key) = match (chain, key) {
            (Ok(chain), Ok(key)) => (chain, key),
            (chain, key) => {
                let of_chain = chain.err().map(|why| unusable(Part::Certificate, why));
                return Err(of_chain.into_iter().chain(key.err().map(|why| unusable(Part::Key, why))).collect());
            }
        };
        let validity = chain.first().and_then(validity);
        let config = config(chain, key, files).map_err(|(part, why)| vec![unusable(part, why)])?;
        Ok(Self { config: Arc::new(config), validity })
    }

    /// What its dates say against it at the time `now`.
    pub fn outdated(&self, now: Timestamp) -> Option<Outdated> {
        match self.validity {
            None => Some(Outdated::Unknown),
            Some(Validity { from, .. }) if now < from => Some(Outdated::NotYet(from)),
            Some(Validity { until, .. }) if now > until => Some(Outdated::Expired(until)),
            Some(_) => None,
        }
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Why> {
    let pem = pem(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Err(_) => Err(Why::Damaged),
        Ok(chain) if chain.is_empty() => Err(Why::NoCertificate),
        Ok(chain) => Ok(chain),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Why> {
    let pem = pem(path)?;
    match PrivateKeyDer::pem_slice_iter(&pem).next() {
        Some(key) => key.map_err(|_| Why::Damaged),
        None if memchr::memmem::find(&pem, b"-----BEGIN ENCRYPTED PRIVATE KEY-----").is_some() => Err(Why::Encrypted),
        None => Err(Why::NoKey),
    }
}

/// A file that looks like PEM.
fn pem(path: &Path) -> Result<Vec<u8>, Why> {
    let mut pem = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut pem));
    let length = read.map_err(unreadable)?;
    if pem.trim_ascii().is_empty() {
        Err(Why::Empty)
    } else if u64::try_from(length).is_ok_and(|length| length > LONGEST) {
        Err(Why::TooLong)
    } else if memchr::memmem::find(&pem, b"-----BEGIN").is_none() {
        Err(Why::NotPem)
    } else {
        Ok(pem)
    }
}

fn unreadable(error: io::Error) -> Why {
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound {
        Why::NotThere
    } else if kind == io::ErrorKind::PermissionDenied {
        Why::Forbidden
    } else {
        Why::Unreadable(error)
    }
}

/// TLS 1.2 and 1.3, no certificates of clients, tickets as rustls has them.
fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    files: &Files,
) -> Result<ServerConfig, (Part, Why)> {
    let provider = ring::default_provider();
    let certified = certified(chain, key, files, &provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions().expect("ring has suites for TLS 1.2 and 1.3");
    let shown = Arc::new(SingleCertAndKey::from(certified));
    Ok(builder.with_no_client_auth().with_cert_resolver(shown))
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    files: &Files,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, (Part, Why)> {
    let key = provider.key_provider.load_private_key(key).map_err(|_| (Part::Key, Why::UnknownKey))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Unknown: this kind of key does not tell its public half.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err((Part::Key, Why::OtherKey(files.certificate.clone()))),
        Err(_) => Err((Part::Certificate, Why::Illegible)),
    }
}

fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let parsed = x509_cert::Certificate::from_der(certificate).ok()?;
    let validity = parsed.tbs_certificate().validity();
    let moment = |time: Time| {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
        Timestamp::from_second(seconds).ok()
    };
    Some(Validity { from: moment(validity.not_before)?, until: moment(validity.not_after)? })
}
