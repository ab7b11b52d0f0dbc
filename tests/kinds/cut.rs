//! A message that is cut anywhere gets an answer, and none that is cut in its body becomes a person's whose header
//! section says that a machine wrote it.

use sincerely::mail::Kind;

use super::cases::CASES;
use super::office::{Office, read};

/// A prime: cuts fall on every part of a field.
const STEP: usize = 53;

/// What no text can change: it is decided by fields alone.
const BY_FIELDS: [&str; 4] = ["auto-replied", "autoreply-field", "autoreply-precedence", "list-field"];

#[test]
fn a_cut_message_gets_an_answer() {
    let office = Office::open();
    for (fixture, _, _, signals) in CASES {
        let bytes = read(fixture);
        let whole = office.decide(&bytes);
        let body = bytes.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap() + 4;
        let by_fields = whole.kind != Kind::Human && signals.split(' ').any(|signal| BY_FIELDS.contains(&signal));
        for at in (0..bytes.len()).step_by(STEP) {
            let cut = office.decide(&bytes[..at]);
            let stays_machine = !by_fields || at < body || cut.kind != Kind::Human;
            assert!(stays_machine, "{fixture}, cut at {at}: {cut:?}");
        }
    }
}
