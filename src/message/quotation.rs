//! What in a text is not its author's own: quotations, what announces them, and signatures.
//!
//! Mail programs write it in the language of their user, so there are lists; a line of one of them is taken
//! for what it looks like, and whatever else stands in a text is its author's.

use crate::mail::fold::fold;

/// What a line says about itself and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The author's own text.
    Own,
    /// A line of a quotation.
    Quoted,
    /// So many lines that announce a quotation. Lines with a mark may follow, else all the rest is quoted.
    Announces(usize),
    /// Nothing below is the author's own text.
    End,
    /// What somebody between the author and us wrote over the text.
    Banner,
}

/// Reads the first of these lines.
pub(super) fn mark(lines: &[&str]) -> Mark {
    let Some(line) = lines.first().map(|line| line.trim()) else { return Mark::Own };
    let folded = fold(line);
    if is_quoted(line) {
        Mark::Quoted
    } else if ends_own_text(line, &folded) || begins_header(lines) {
        Mark::End
    } else if BANNERS.iter().any(|banner| folded.starts_with(banner)) {
        Mark::Banner
    } else {
        announcement(lines, &folded).map_or(Mark::Own, Mark::Announces)
    }
}

/// Whether these lines begin with a quotation, or with what announces one.
pub(super) fn begins_quotation(lines: &[&str]) -> bool {
    let Some(line) = lines.first().map(|line| line.trim()) else { return false };
    is_quoted(line) || begins_header(lines) || announcement(lines, &fold(line)).is_some()
}

/// `> …`, `| …`, and with initials, as The Bat writes: `SM> …`.
fn is_quoted(line: &str) -> bool {
    let initials: usize = line.chars().take_while(|c| c.is_alphanumeric()).take(4).map(char::len_utf8).sum();
    line.starts_with("| ") || line == "|" || line.get(initials..).is_some_and(|rest| rest.starts_with('>'))
}

/// A signature (RFC 3676 §4.3), or a line between an answer and what it answers.
fn ends_own_text(line: &str, folded: &str) -> bool {
    let is_of = |c: char| move |other: char| other == c;
    line == "--"
        || line == "—"
        || (line.len() >= 5 && line.chars().all(is_of('_')))
        || (line.starts_with("---") && line.ends_with("---") && line.chars().any(char::is_alphabetic))
        || line.starts_with("##-")
        || ENDS.iter().chain(&SENT_FROM).any(|end| folded.starts_with(end))
}

/// `Sent from my iPhone`: nobody writes it into what a program answers for them.
pub(super) fn is_sent_from(line: &str) -> bool {
    /// Longer ones are sentences.
    const LONGEST: usize = 80;
    let folded = fold(line);
    let names_device = || DEVICES.iter().any(|device| folded.contains(device));
    folded.len() <= LONGEST && SENT_FROM.iter().any(|begin| folded.trim_start().starts_with(begin)) && names_device()
}

/// Above which a desk asks to write: `##- Please type your reply above this line -##`.
pub(super) fn is_desks_divider(line: &str) -> bool {
    line.trim().starts_with("##-") || fold(line).contains("above this line")
}

/// `From: …`, `Sent: …`, `To: …`: the header section of what is answered, in the words of the reader.
fn begins_header(lines: &[&str]) -> bool {
    let labels: Vec<Option<String>> = lines.iter().take(5).map(|line| label(line)).collect();
    let is_of = |index: usize, list: &[&str]| {
        labels.get(index).is_some_and(|label| label.as_deref().is_some_and(|label| list.contains(&label)))
    };
    let is_by_author = is_of(0, &FROM) && labels.iter().flatten().count() >= 3;
    // Seen in practice: GMX and Web.de write the date first.
    is_by_author || (is_of(0, &SENT) && is_of(1, &FROM))
}

fn label(line: &str) -> Option<String> {
    let (label, rest) = line.trim().trim_start_matches('*').split_once([':', '：'])?;
    let label = fold(label.trim().trim_end_matches('*'));
    (label.chars().count() <= 20 && !rest.is_empty()).then_some(label)
}

/// How many lines announce a quotation: `On … wrote:`, which may be broken. Seen in practice: by one line, and by two.
fn announcement(lines: &[&str], folded: &str) -> Option<usize> {
    let first = folded.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty())?;
    let may_be_broken = OPENERS.contains(&first) || first.starts_with(|c: char| c.is_ascii_digit());
    let most = if may_be_broken { 3 } else { 1 };
    (1..=most).find(|count| {
        let part = lines.get(..*count).unwrap_or_default();
        part.len() == *count && !part.iter().any(|line| line.trim().is_empty()) && announces(&fold(&part.join(" ")))
    })
}

fn announces(folded: &str) -> bool {
    let folded = folded.trim_end();
    let has_digit = || folded.contains(|c: char| c.is_ascii_digit());
    let says_so = || WROTE.iter().any(|wrote| folded.contains(wrote)) || (folded.contains('@') && has_digit());
    folded.ends_with(':') && (says_so() || is_dated_first(folded))
}

/// `12 жовтня 2026, 12:00:00, від Sophie:`, which says nothing else: a day, a time, and the author last.
fn is_dated_first(folded: &str) -> bool {
    let Some((before, _)) = folded.rsplit_once(", від ") else { return false };
    let is_time = |part: &str| part.contains(':') && part.trim().chars().all(|c| c.is_ascii_digit() || c == ':');
    before.starts_with(|c: char| c.is_ascii_digit()) && before.split(',').any(is_time)
}

/// With what an announcement begins that may be longer than a line, folded.
const OPENERS: [&str; 19] = [
    "on", "am", "le", "el", "em", "il", "op", "den", "dne", "dnia", "w", "a", "pe", "la", "stis", "στισ", "у", "в", "ב",
];

/// What an announcement says, folded.
const WROTE: [&str; 46] = [
    " wrote",
    " writes",
    "schrieb",
    " a ecrit",
    " ecrit ",
    "escribio",
    "escreveu",
    "ha scritto",
    " scrive:",
    "schreef",
    " skrev",
    "kirjoitti",
    "napisal",
    " pisze",
    "napsal",
    "ezt irta",
    " irta:",
    " a scris",
    "εγραψε",
    " yazdi",
    " sunu yazdi",
    "написал",
    "пишет",
    "пише:",
    "написав",
    "のメール:",
    "は書きました",
    "書きました",
    "からのメッセージ",
    "写道",
    "寫道",
    "写到",
    "작성:",
    "작성했습니다",
    "쓴 글",
    "كتب",
    "כתב",
    "napisao",
    "napisala",
    "kirjutas",
    "rakstija",
    "parase",
    "viet:",
    "da viet",
    "menulis",
    "เขียน",
];

/// With what the rest of a text begins that is a mail program's, folded.
const ENDS: [&str; 9] = [
    "begin forwarded message",
    "anfang der weitergeleiteten",
    "debut du message",
    "inizio messaggio inoltrato",
    "inicio del mensaje reenviado",
    "-----original",
    "----- original",
    "---- on ",
    "*from:* ",
];

/// What mail programs write below a text, and phones first of all, folded.
const SENT_FROM: [&str; 44] = [
    "sent from my ",
    "sent from outlook",
    "sent from mail for",
    "sent from yahoo",
    "sent from proton",
    "sent via ",
    "sent with ",
    "get outlook for",
    "get bluemail",
    "von meinem ",
    "gesendet mit",
    "gesendet von",
    "gesendet aus",
    "diese nachricht wurde von meinem",
    "holen sie sich outlook",
    "envoye de mon",
    "envoye depuis",
    "envoye a partir",
    "telechargez outlook",
    "obtenir outlook",
    "enviado desde",
    "enviado do ",
    "enviado de ",
    "enviado a partir",
    "obtener outlook",
    "inviato da",
    "ottieni outlook",
    "verzonden vanaf",
    "verstuurd vanaf",
    "verzonden met",
    "skickat fran",
    "sendt fra",
    "sendt via",
    "lahetetty ",
    "wyslane z",
    "wyslano z",
    "odeslano z",
    "trimis de pe",
    "отправлено с",
    "отправлено из",
    "надислано з",
    "iphoneから送信",
    "发自我的",
    "나의 iphone에서 보냄",
];

/// What such a line names, folded: `sent with` begins a sentence, too.
const DEVICES: [&str; 28] = [
    "iphone",
    "ipad",
    "ipod",
    "apple",
    "android",
    "galaxy",
    "samsung",
    "huawei",
    "xiaomi",
    "pixel",
    "oneplus",
    "phone",
    "mobil",
    "handy",
    "smartphone",
    "telefon",
    "telefoon",
    "tablet",
    "blackberry",
    "outlook",
    "windows",
    "proton",
    "yahoo",
    "bluemail",
    "thunderbird",
    "gmx",
    "web.de",
    "k-9",
];

/// What servers write over a text that came from outside, folded.
const BANNERS: [&str; 12] = [
    "caution:",
    "[caution",
    "[external",
    "external email",
    "external sender",
    "this email originated from outside",
    "warning: external",
    "warning: this email",
    "you don't often get email from",
    "some people who received this message",
    "achtung: externe",
    "[extern]",
];

/// How the header section of what is answered begins, folded.
const FROM: [&str; 22] = [
    "from",
    "von",
    "de",
    "da",
    "van",
    "fran",
    "fra",
    "lahettaja",
    "od",
    "felado",
    "de la",
    "απο",
    "kimden",
    "gonderen",
    "от",
    "від",
    "差出人",
    "发件人",
    "寄件者",
    "보낸 사람",
    "من",
    "מאת",
];

/// The date in it, where that comes first, folded.
const SENT: [&str; 9] = ["sent", "date", "gesendet", "datum", "envoye", "enviado", "inviato", "verzonden", "skickat"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_written_as_they_are_compared() {
        let lists = [OPENERS.as_slice(), &WROTE, &ENDS, &SENT_FROM, &DEVICES, &BANNERS, &FROM, &SENT];
        let wrong: Vec<_> = lists.into_iter().flatten().filter(|text| fold(text) != **text).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
