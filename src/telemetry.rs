//! Logging: where the lines of [`crate::events`] and of the libraries go.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged unless `SINCERELY_LOG` says otherwise. samotop and lettre log what peers send, so
/// they are off: bodies and addresses of strangers belong to no log.
const DEFAULT: &str = "sincerely=info,warn,samotop_core=off,lettre=off";

/// Starts logging to stderr; the first call in a process wins.
pub fn start(format: Format) {
    let filter = EnvFilter::try_from_env("SINCERELY_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    // Colours for people at a terminal, none in a file or the journal.
    let is_terminal = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A second start (in tests) is no mistake: the first subscriber stays.
    let _ = subscriber(format, filter, is_terminal, std::io::stderr).try_init();
}

fn subscriber<W>(format: Format, filter: EnvFilter, colours: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    // A log that cannot be written stops no mail; to say so on stderr would panic where that is full.
    let lines = lines.log_internal_errors(false);
    match format {
        Format::Text => Box::new(lines.finish()),
        // The list of spans has session and transaction; the current span would be its last one again.
        Format::Json => Box::new(lines.json().flatten_event(true).with_current_span(false).finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::events::{Summary, settled};
    use crate::mail::{FateName, Reply, ReversePath};

    #[test]
    fn a_json_line_has_numbers_and_each_span_once() {
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let kept = log.clone();
        let writer = move || Writer(kept.clone());
        tracing::subscriber::with_default(subscriber(Format::Json, EnvFilter::new("info"), false, writer), || {
            let _session = tracing::info_span!("session", session = "s1").entered();
            let _transaction = tracing::info_span!("transaction", transaction = "t1").entered();
            settled(&Summary {
                from: &ReversePath::Null,
                to: &"sophie@acme.example".parse().unwrap(),
                kind: "human",
                evidence: "seed",
                thread: None,
                rule: "default",
                fate: Some(FateName::Forward),
                destination: String::new(),
                reply: &Reply::new(250, 0, 0, "Ok"),
                took: Duration::from_millis(12),
            });
        });
        let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["ms"], 12);
        assert_eq!((&line["spans"][0]["session"], &line["spans"][1]["transaction"]), (&"s1".into(), &"t1".into()));
        assert_eq!(text.matches("\"t1\"").count(), 1, "{text}");
    }

    struct Writer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Writer {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
