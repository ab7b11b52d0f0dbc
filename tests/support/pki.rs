//! Certificates made for a test, in files of its own, and clients that trust one of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::client::ClientConfig;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{DEFAULT_VERSIONS, RootCertStore};

/// A certificate for the daemon of [`super::daemon::configuration`], and its key.
pub struct Pki {
    der: CertificateDer<'static>,
    certificate: String,
    key: String,
}

/// Every certificate of a test is valid then.
const NEW_YEAR_2005: Duration = Duration::from_secs(1_104_537_600);

#[derive(Debug)]
struct In2005;

impl TimeProvider for In2005 {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(NEW_YEAR_2005))
    }
}

impl Pki {
    pub fn new() -> Self {
        Self::valid_until(4096)
    }

    /// Valid from 2000 to the first day of a year.
    pub fn valid_until(year: i32) -> Self {
        let mut params = CertificateParams::new(["sincerely.acme.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { der: certificate.der().clone(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Writes both files into a folder: `certificate.pem` and `key.pem`.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let paths = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&paths.0, &self.certificate).unwrap();
        std::fs::write(&paths.1, &self.key).unwrap();
        paths
    }

    /// A client that trusts this certificate alone, and lives in 2005.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_details(provider, Arc::new(In2005));
        let builder = builder.with_protocol_versions(DEFAULT_VERSIONS).unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }
}
