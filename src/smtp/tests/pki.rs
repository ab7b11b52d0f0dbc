//! Certificates made for a test, in files, and clients that trust them.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;

use crate::smtp::{Certificate, Files};

/// A certificate for `here.example`, and its key.
pub(super) struct Pki {
    /// Holds `certificate` and `key`, both in PEM.
    pub(super) folder: TempDir,
    pub(super) files: Files,
    der: CertificateDer<'static>,
}

impl Pki {
    pub(super) fn new() -> Self {
        Self::valid(1975, 4096)
    }

    /// Valid from the first day of a year to that of another.
    pub(super) fn valid(from: i32, until: i32) -> Self {
        let mut params = CertificateParams::new(["here.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = Files { certificate: folder.path().join("certificate"), key: folder.path().join("key") };
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        Self { folder, files, der: certificate.der().clone() }
    }

    pub(super) fn certificate(&self) -> Certificate {
        Certificate::read(&self.files).unwrap()
    }

    /// A client that trusts it alone, and speaks one version of TLS.
    pub(super) fn connector(&self, version: &'static SupportedProtocolVersion) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}
