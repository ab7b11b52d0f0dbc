//! What subjects begin with that machines write.

use super::super::Message;
use super::Signal;

/// What mail systems write over a failure, folded; a subject *begins* with it.
const FAILURE_SUBJECTS: [&str; 17] = [
    "undeliverable",
    "undelivered mail returned",
    "undelivered mail",
    "delivery status notification",
    "delivery failure",
    "delivery notification",
    "mail delivery failed",
    "mail delivery failure",
    "mail delivery system",
    "returned mail",
    "failure notice",
    "message delivery failure",
    "nicht zustellbar",
    "unzustellbar",
    "non remis",
    "mensaje no entregado",
    "warning: message",
];

/// What autoresponders write, folded; a subject *begins* with it. A person who quotes one writes a
/// reply prefix before it and so is not meant.
const AUTOREPLY_SUBJECTS: [&str; 27] = [
    "auto:",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "automatic reply",
    "automated reply",
    "autosvar",
    "automatisk svar",
    "automatisch antwoord",
    "automatische antwort",
    "abwesenheitsnotiz",
    "abwesend",
    "risposta automatica",
    "risposta non al computer",
    "fuori sede",
    "respuesta automática",
    "réponse automatique",
    "out of office",
    "out of the office",
    "frånvaro",
    "afwezig",
    "poissa",
    "автоответ",
    "自动回复",
    "自動応答",
    "不在通知",
];

/// What the subject says.
pub(super) fn read(message: &Message) -> Option<Signal> {
    let subject = message.subject()?.trim().to_lowercase();
    let begins = |list: &[&str]| list.iter().any(|phrase| subject.starts_with(phrase));
    if begins(&FAILURE_SUBJECTS) {
        Some(Signal::FailureSubject)
    } else {
        begins(&AUTOREPLY_SUBJECTS).then_some(Signal::AutoreplySubject)
    }
}
