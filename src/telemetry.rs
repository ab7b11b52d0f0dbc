//! Logging: where the lines of [`crate::events`] and of the libraries go.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

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
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(is_terminal);
    // A second start (in tests) is no mistake: the first subscriber stays.
    let _ = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
}
