//! The certificates of the listeners: tried by `check`, read at start, read anew at SIGHUP, and watched while the
//! daemon runs.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use crate::config::{self, Listen, Remark};
use crate::smtp::{Certificate, Files, Part, Tls, Unusable};
use crate::{clock, events};

/// How often an operator is told that a certificate is not valid.
const DAY: Duration = Duration::from_hours(24);

/// What the alarms are about.
const SUBJECT: &str = "a listener's certificate";

/// The certificates of all listeners, each pair of files once.
#[derive(Debug, Default)]
pub(super) struct Certificates(Vec<Served>);

/// A certificate that is shown, and where it comes from.
#[derive(Debug)]
struct Served {
    written: config::Tls,
    tls: Arc<Tls>,
}

/// What was found out about the files, as remarks about the keys that name them.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The daemon cannot start.
    pub mistakes: Vec<Remark>,
    /// This user may not read a file. The daemon's user perhaps may.
    pub forbidden: Vec<Remark>,
    /// It serves, but not everybody comes.
    pub warnings: Vec<Remark>,
}

impl Certificates {
    /// Reads the certificates of all listeners, and says everything that is wrong.
    pub(super) fn read(listeners: &[Listen], now: Timestamp) -> (Self, Findings) {
        let (mut certificates, mut findings) = (Self::default(), Findings::default());
        let mut tried: Vec<Files> = Vec::new();
        for written in listeners.iter().filter_map(|listen| listen.tls.as_ref()) {
            let files = files(written);
            if tried.contains(&files) {
                continue;
            }
            match Certificate::read(&files) {
                Ok(certificate) => {
                    findings.warnings.extend(doubt(&certificate, written, now));
                    certificates.0.push(Served { written: written.clone(), tls: Tls::new(certificate) });
                }
                Err(unusable) => unusable.iter().for_each(|unusable| findings.add(unusable, written)),
            }
            tried.push(files);
        }
        (certificates, findings)
    }

    /// What a listener shows, if it offers STARTTLS.
    pub(super) fn of(&self, listen: &Listen) -> Option<Arc<Tls>> {
        let files = files(listen.tls.as_ref()?);
        self.0.iter().find(|served| self::files(&served.written) == files).map(|served| served.tls.clone())
    }

    /// Reads all files anew: sessions to come get what is in them, and those that cannot be used change nothing.
    pub(super) fn renew(&self, now: Timestamp) {
        for Served { written, tls } in &self.0 {
            match Certificate::read(&files(written)) {
                Ok(certificate) => {
                    alarm_of(doubt(&certificate, written, now));
                    tls.renew(certificate);
                    tracing::info!(certificate = %written.certificate.path.display(), "new sessions get it");
                }
                Err(unusable) => unusable.iter().for_each(|unusable| {
                    events::alarm("the old certificate stays", &remark(unusable.part, unusable, written));
                }),
            }
        }
    }

    /// Once a day, raises an alarm for each certificate that is not valid then.
    pub(super) async fn watch(&self, shutdown: CancellationToken) {
        let watching = async {
            let mut days = interval_at(Instant::now() + DAY, DAY);
            loop {
                days.tick().await;
                let now = clock::now();
                self.0.iter().for_each(|served| alarm_of(doubt(&served.tls.certificate(), &served.written, now)));
            }
        };
        shutdown.run_until_cancelled(watching).await;
    }

    /// Whether no listener offers STARTTLS.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Findings {
    fn add(&mut self, unusable: &Unusable, written: &config::Tls) {
        let remark = remark(unusable.part, unusable, written);
        if unusable.is_forbidden() { self.forbidden.push(remark) } else { self.mistakes.push(remark) }
    }
}

fn files(written: &config::Tls) -> Files {
    Files { certificate: written.certificate.path.clone(), key: written.key.path.clone() }
}

/// What the dates say against a certificate. Mail servers in front rarely verify it, so it is shown all the same.
fn doubt(certificate: &Certificate, written: &config::Tls, now: Timestamp) -> Option<Remark> {
    let outdated = certificate.outdated(now)?;
    let path = written.certificate.path.display();
    let message = format!("{path} {outdated}: peers that verify it do not hand in mail; renew it, then send SIGHUP");
    Some(remark(Part::Certificate, &message, written))
}

fn alarm_of(doubt: Option<Remark>) {
    doubt.iter().for_each(|remark| events::alarm(SUBJECT, remark));
}

fn remark(part: Part, message: &impl ToString, written: &config::Tls) -> Remark {
    let place = match part {
        Part::Certificate => &written.certificate,
        Part::Key => &written.key,
    };
    let key = format!("listen.tls.{part}");
    Remark { file: place.file.clone(), line: Some(place.line), key, message: message.to_string() }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;
    use std::sync::Mutex;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::config::Config;

    /// What is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The listeners of a configuration in `folder`, two of which have the same certificate, valid in the year 2000.
    fn listeners(folder: &Path) -> Vec<Listen> {
        let mut params = CertificateParams::new(["here.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
        let key = KeyPair::generate().unwrap();
        std::fs::write(folder.join("c.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(folder.join("k.pem"), key.serialize_pem()).unwrap();
        let listen = "[[listen]]\naddress = '[::1]:0'\nrole = 'inbound'\n";
        let encrypted = format!("{listen}tls = {{ certificate = 'c.pem', key = 'k.pem' }}\n");
        let text = include_str!("../../examples/minimal.toml").to_owned() + &encrypted + &encrypted;
        Config::parse(&text, &folder.join("sincerely.toml")).unwrap().0.listen
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_certificate_raises_an_alarm_each_day() {
        let folder = tempfile::tempdir().unwrap();
        let listeners = listeners(folder.path());
        let in_2000 = "2000-06-01T00:00:00Z".parse().unwrap();
        let (certificates, found) = Certificates::read(&listeners, in_2000);
        assert!(found.mistakes.is_empty() && found.forbidden.is_empty() && found.warnings.is_empty(), "{found:?}");
        let offering = listeners.iter().filter(|listen| certificates.of(listen).is_some()).count();
        assert_eq!((offering, certificates.0.len()), (2, 1), "one certificate for both");

        let log = Log::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let _logging = tracing::subscriber::set_default(lines);
        let watching = certificates.watch(CancellationToken::new());
        tokio::time::timeout(DAY * 2 + Duration::from_secs(1), watching).await.unwrap_err();
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let alarms: Vec<&str> = log.lines().filter(|line| line.contains("expired on 2001-01-01")).collect();
        assert_eq!(alarms.len(), 2, "{log}");
        assert!(alarms[0].contains("event=\"alarm\"") && alarms[0].contains("listen.tls.certificate"), "{log}");
    }
}
