//! What machines write as the subject.

use super::super::Message;
use super::super::subject;
use super::Signal;
use super::phrases::{all, autoreply, behind, challenges, receipts, says};
use crate::mail::fold::fold;

/// No more characters of a subject are looked at.
const LOOKED_AT: usize = 300;

/// What the subject says. A person who quotes what a machine wrote has a reply prefix before it, and is not meant.
pub(super) fn read(message: &Message) -> Vec<Signal> {
    let Some(subject) = message.subject() else { return Vec::new() };
    let folded = folded(subject);
    let bare = without_tags(&folded);
    let is_answer = subject::is_answer(subject) || subject::is_answer(bare);
    let begins = |list: &'static [&'static str]| behind(bare, list.iter().copied()).is_some();
    let found = if begins(&receipts::FAILURES) {
        Some(Signal::FailureSubject)
    } else if begins(&receipts::READ) {
        Some(Signal::ReceiptSubject)
    } else if is_autoreply(&folded, bare, is_answer) {
        Some(Signal::AutoreplySubject)
    } else if speaks_of_absence(&folded, bare, is_answer) {
        // Nobody's mail program answers so: a person who writes such a subject begins with it.
        Some(if message.refers() { Signal::AutoreplySubject } else { Signal::AbsenceSubject })
    } else {
        None
    };
    found.into_iter().chain(asks_to_confirm(&folded, is_answer)).collect()
}

/// Folded, in one line, with one space for any white space.
fn folded(subject: &str) -> String {
    let beginning: String = subject.chars().take(LOOKED_AT).collect();
    fold(&beginning).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without what servers on the way put before a subject: `[EXTERNAL]`, `***SPAM***`. A tag that says that a machine
/// answers is none of theirs.
fn without_tags(subject: &str) -> &str {
    let mut rest = subject.trim_start_matches(is_decoration);
    while let Some((tag, after)) = tag(rest) {
        if is_autoreply_phrase(tag) || after.trim().is_empty() {
            break;
        }
        rest = after.trim_start_matches(is_decoration);
    }
    rest
}

fn is_decoration(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '!' | '-' | '_' | '#' | '>' | '~' | '=')
}

/// A tag that a text begins with, and what is behind it: in brackets, between stars, or one of the words that servers write.
fn tag(text: &str) -> Option<(&str, &str)> {
    let pairs = [('[', ']'), ('{', '}'), ('(', ')'), ('<', '>'), ('【', '】')];
    if let Some((open, close)) = pairs.into_iter().find(|(open, _)| text.starts_with(*open)) {
        return text.strip_prefix(open)?.split_once(close);
    }
    let starred = text.trim_start_matches('*');
    if starred.len() < text.len() {
        return starred.split_once('*').map(|(tag, rest)| (tag, rest.trim_start_matches('*')));
    }
    let words = ["spam:", "ext:", "external:", "extern:"];
    words.into_iter().find_map(|word| text.strip_prefix(word).map(|rest| (word, rest)))
}

/// Whether only a program answers so: with its words before the subject, or, in brackets, around it.
fn is_autoreply(folded: &str, bare: &str, is_answer: bool) -> bool {
    if is_answer {
        return false;
    }
    let is_framed = behind(bare, all(&autoreply::PREFIXES)).is_some_and(|rest| ends_frame(rest) && !goes_on(rest));
    is_framed || answers_behind_absence(bare) || in_brackets(folded).any(is_autoreply_phrase) || is_of_notes(bare)
}

/// `Fuori sede: Re: Welcome`, `Out of office Re: Welcome`: people begin a subject with the first, but no answer goes on so.
fn answers_behind_absence(bare: &str) -> bool {
    let rest = behind(bare, all(&autoreply::ABSENCES)).map(str::trim_start);
    rest.is_some_and(|rest| subject::is_answer(rest.strip_prefix(':').unwrap_or(rest).trim_start()))
}

/// `AUTO: Ann Lee is out of the office (returning 2026-11-01)`, as Notes writes it.
fn is_of_notes(bare: &str) -> bool {
    bare.starts_with("auto:") && autoreply::SOMEBODY_IS_AWAY.iter().any(|phrase| says(bare, phrase))
}

fn is_autoreply_phrase(text: &str) -> bool {
    behind(text.trim(), all(&autoreply::PREFIXES)).is_some_and(ends_frame)
}

/// Whether what stands behind the words of a program shows that they are no part of a sentence.
fn ends_frame(rest: &str) -> bool {
    let rest = rest.trim_start();
    let is_sign = |c: char| {
        matches!(
            c,
            ':' | ';'
                | '-'
                | '–'
                | '—'
                | '|'
                | '/'
                | '.'
                | '!'
                | '('
                | ')'
                | '['
                | ']'
                | '"'
                | '\''
                | '】'
                | '」'
                | '>'
                | '<'
                | '…'
        )
    };
    let connects = || autoreply::CONNECTORS.iter().any(|word| is_word(rest, word));
    rest.is_empty() || rest.starts_with(is_sign) || connects()
}

/// Whether what stands behind the words of a program may be the rest of a person's sentence: `Automatic reply - please stop it`.
fn goes_on(rest: &str) -> bool {
    rest.trim_start().starts_with(['-', '–', '—', '.', '!', '/'])
}

/// What stands in brackets, without those inside of others.
fn in_brackets(text: &str) -> impl Iterator<Item = &str> {
    text.split(['[', '(', '【', '<']).skip(1).filter_map(|rest| rest.split([']', ')', '】', '>']).next())
}

fn speaks_of_absence(folded: &str, bare: &str, is_answer: bool) -> bool {
    // `[Request received] Welcome`
    let is_tag = |text: &str| behind(text.trim(), all(&autoreply::ABSENCES)) == Some("");
    let of_somebody = || autoreply::SOMEBODY_IS_AWAY.iter().any(|phrase| says(bare, phrase));
    // `Automatic reply from you`: a program's, or somebody's who got one.
    let names_writer = || {
        let rest = behind(bare, all(&autoreply::PREFIXES)).map(str::trim_start);
        rest.is_some_and(|rest| goes_on(rest) || autoreply::OF_WHOM.iter().any(|word| is_word(rest, word)))
    };
    !is_answer
        && (behind(bare, all(&autoreply::ABSENCES)).is_some()
            || of_somebody()
            || names_writer()
            || in_brackets(folded).any(is_tag))
}

fn is_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|behind| behind.starts_with([' ', ':']))
}

/// What asks to confirm something may stand behind a reply prefix: services answer the sender's subject.
fn asks_to_confirm(folded: &str, is_answer: bool) -> Option<Signal> {
    let has = |list: &[&str]| list.iter().any(|phrase| says(folded, phrase));
    if has(&challenges::SUBJECTS) {
        Some(Signal::ChallengeSubject)
    } else {
        (!is_answer && has(&challenges::CONFIRMATIONS)).then_some(Signal::ConfirmationSubject)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;
    use crate::message::words::encoded;

    fn signals(subject: &str) -> Vec<Signal> {
        read(&Message::read(Bytes::from(format!("Subject: {}\r\n\r\n", encoded(subject)))))
    }

    #[rstest]
    #[case("Automatic reply: Welcome")]
    #[case("Automatic reply: Re: Welcome")]
    #[case("[Auto-Reply] Welcome")]
    #[case("[EXTERNAL] Automatic reply: Welcome")]
    #[case("***SPAM*** Abwesenheitsnotiz: Willkommen")]
    #[case("Welcome (Auto Reply)")]
    #[case("Autosvar: Velkommen")]
    #[case("Réponse automatique : Bienvenue")]
    #[case("REPONSE AUTOMATIQUE")]
    #[case("Respuesta automática: Bienvenida")]
    #[case("自动回复：欢迎")]
    #[case("自動応答: ようこそ")]
    #[case("자동 회신: 환영합니다")]
    #[case("Автоматический ответ: Добро пожаловать")]
    #[case("Automatická odpověď: Vítejte")]
    #[case("Αυτόματη απάντηση: Καλώς ήρθατε")]
    #[case("Otomatik Yanıt: Hoş geldiniz")]
    #[case("תשובה אוטומטית: ברוכים הבאים")]
    #[case("رد تلقائي: مرحبا")]
    #[case("Auto-Response: VACATION")]
    #[case("Out of Office AutoReply: Welcome")]
    #[case("Fuori sede: Re: Benvenuto")]
    #[case("Out of office Re: Welcome")]
    #[case("Absence du bureau : RE: Bienvenue")]
    #[case("AUTO: Lee, Ann is out of the office. (returning 01/11/2026)")]
    fn what_only_programs_write(#[case] subject: &str) {
        assert_eq!(signals(subject), [Signal::AutoreplySubject], "{subject}");
    }

    #[rstest]
    #[case("Out of office until Monday")]
    #[case("Out of office: Welcome")]
    #[case("Ann Lee is out of the office")]
    #[case("Thank you for your message")]
    #[case("Automatic reply - please stop it")]
    #[case("Auto-reply! Make it stop")]
    #[case("Urlaub: Frage zu Bestellung 12")]
    #[case("Auto: a question")]
    #[case("Automatic reply from Ann")]
    #[case("[Request received] Welcome")]
    #[case("Automated message from you?")]
    #[case("Automatische Nachricht von Ihnen")]
    #[case("Message automatique de votre site")]
    #[case("Automatic message - please stop")]
    #[case("Absence du bureau - rendez-vous du 3")]
    #[case("Fuori sede: richiesta preventivo")]
    #[case("Vacation notice - closing our account for August")]
    #[case("Vielen Dank für Ihre Anfrage")]
    fn what_people_may_write_too(#[case] subject: &str) {
        assert_eq!(signals(subject), [Signal::AbsenceSubject], "{subject}");
    }

    #[rstest]
    #[case("Out of Office: Welcome", Some(Signal::AutoreplySubject))]
    #[case("Fravær: Velkommen", Some(Signal::AutoreplySubject))]
    #[case("Re: Out of Office: Welcome", None)]
    #[case("A new question", None)]
    fn what_answers_something(#[case] subject: &str, #[case] expect: Option<Signal>) {
        let head = format!("In-Reply-To: <1@acme.example>\r\nSubject: {}\r\n\r\n", encoded(subject));
        assert_eq!(read(&Message::read(Bytes::from(head))), Vec::from_iter(expect), "{subject}");
    }

    #[rstest]
    #[case("Re: Automatic reply: Welcome")]
    #[case("AW: Abwesenheitsnotiz")]
    #[case("[EXTERNAL] Re: Out of office")]
    #[case("Automatic reply does not work")]
    #[case("Autobahn: a question")]
    #[case("How do I set an automatic reply?")]
    #[case("自动回复怎么设置")]
    #[case("Auto reply settings are gone")]
    #[case("Fwd: Undelivered Mail Returned to Sender")]
    #[case("Re: Undeliverable: Welcome")]
    #[case("Please confirm my order")]
    #[case("")]
    fn what_is_a_persons(#[case] subject: &str) {
        assert_eq!(signals(subject), [], "{subject}");
    }

    #[rstest]
    #[case("Undelivered Mail Returned to Sender", Signal::FailureSubject)]
    #[case("[EXT] Undeliverable: Welcome", Signal::FailureSubject)]
    #[case("Échec de la remise : Bienvenue", Signal::FailureSubject)]
    #[case("Не доставлено: Добро пожаловать", Signal::FailureSubject)]
    #[case("Read: Welcome", Signal::ReceiptSubject)]
    #[case("Gelesen: Willkommen", Signal::ReceiptSubject)]
    #[case("開封済み: ようこそ", Signal::ReceiptSubject)]
    #[case("Re: Welcome [Please verify your message]", Signal::ChallengeSubject)]
    #[case("Acme Confirmation - Send Mail as sophie@acme.example", Signal::ConfirmationSubject)]
    fn what_other_machines_write(#[case] subject: &str, #[case] expect: Signal) {
        assert_eq!(signals(subject), [expect], "{subject}");
    }

    /// Made for slow reading; the test ends, in a debug build, before anybody wonders.
    #[test]
    fn what_is_written_to_be_slow_is_read_over() {
        for piece in ["[a]", "[", "re:", "auto reply ", "*", "[auto-reply"] {
            let long = piece.repeat((128 << 10) / piece.len());
            assert!(read(&Message::read(Bytes::from(format!("Subject: {long}\r\n\r\n")))).len() <= 2, "{piece}");
        }
    }
}
