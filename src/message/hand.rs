//! What shows that a person wrote a message, and wrote it now: nothing of it is in what somebody prepared for a program to send.
//!
//! A text that was prepared knows neither who reads it nor on what it is written. So it greets nobody by name, and no
//! phone and no mail program signs it. None of it is a proof: a service that knows its users greets them, too.

use super::own_text::OwnLines;
use super::{Message, Mime};
use crate::mail::fold::fold;

/// A salutation has no more words.
const LONGEST_SALUTATION: usize = 4;
/// So many characters of a line are looked at, which is enough for one.
const CHARACTERS: usize = 120;

impl Message {
    /// Whether a person's hand shows.
    pub(super) fn is_by_hand(&self, mime: Mime) -> bool {
        self.is_by_program_for_people() || self.shows_hand(&self.own_lines(mime, 1, CHARACTERS))
    }

    /// The same, of a text that is read already.
    pub(super) fn shows_hand_in(&self, own: &OwnLines) -> bool {
        self.is_by_program_for_people() || self.shows_hand(own)
    }

    fn shows_hand(&self, own: &OwnLines) -> bool {
        own.sent_from || own.lines.first().is_some_and(|line| self.greets_reader(line))
    }

    /// What people write with says its name; what answers by itself on a server has another, or none.
    fn is_by_program_for_people(&self) -> bool {
        let mut programs = ["X-Mailer", "User-Agent"].into_iter().flat_map(|name| self.values(name));
        programs.any(|program| {
            let folded = fold(&program);
            PROGRAMS.iter().any(|known| folded.trim_start().starts_with(known))
        })
    }

    /// `Hi Sophie,` where it is addressed to a Sophie; and with the honorific of a name.
    fn greets_reader(&self, line: &str) -> bool {
        let beginning: String = line.chars().take(CHARACTERS).collect();
        let ends = [',', '!', ':', '.', ';', '，', '！', '、', '。', '：', '–', '\u{3000}'];
        let folded = fold(&beginning);
        let mut pieces = folded.trim_start().split(ends).filter(|piece| !piece.trim().is_empty());
        let first = pieces.next().unwrap_or_default();
        // `Hello, Sophie!`
        let second = pieces.next().filter(|_| words(first).count() == 1).unwrap_or_default();
        let salutation = format!("{first} {second}");
        let salutation = salutation.trim_end();
        let words: Vec<&str> = words(salutation).collect();
        let is_short = !words.is_empty() && words.len() <= LONGEST_SALUTATION;
        is_short && (names_somebody(first) || self.reader().iter().any(|name| words.contains(&name.as_str())))
    }

    /// The names in To, folded: of the display name, and of a local part that is one.
    fn reader(&self) -> Vec<String> {
        let shown = self.texts("To").take(3).collect::<Vec<_>>();
        let of_display = shown.iter().flat_map(|to| to.split(['<', '@']).next()).flat_map(|name| {
            let is_name = |word: &&str| word.starts_with(|c: char| !c.is_lowercase());
            words(name).filter(is_name).map(fold).collect::<Vec<_>>()
        });
        let addressees = self.addressees();
        let of_local =
            addressees.iter().take(3).flat_map(|address| words(address.local()).map(fold).collect::<Vec<_>>());
        let is_somebody = |name: &String| {
            let least = if name.is_ascii() { 3 } else { 2 };
            name.chars().count() >= least && !NOBODY.contains(&name.as_str())
        };
        of_display.chain(of_local).filter(is_somebody).collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// A name with the honorific that Japanese and Korean put behind it.
fn names_somebody(salutation: &str) -> bool {
    let bare = salutation.trim_end();
    let is_name = ["様", "さん", "님"].iter().any(|honorific| bare.ends_with(honorific) && bare != *honorific);
    is_name && !EVERYBODY.iter().any(|word| bare.contains(word))
}

/// Whom a prepared text greets so, folded.
const EVERYBODY: [&str; 11] = ["お客", "皆", "みな", "各位", "関係", "担当", "取引", "得意", "고객", "여러분", "담당"];

/// What an address is called that is nobody's name, and what greetings and notices say themselves, folded.
const NOBODY: [&str; 40] = [
    "hello", "hallo", "hola", "bonjour", "ciao", "hey", "moin", "salut", "ola", "hej", "info", "office", "contact",
    "kontakt", "mail", "email", "post", "support", "service", "help", "sales", "team", "admin", "reply", "replies",
    "noreply", "away", "the", "and", "out", "from", "customer", "kunde", "client", "sender", "holiday", "vacation",
    "leave", "urlaub", "dear",
];

/// How the names of programs begin that people write with, folded. Not those that also answer by themselves for their user:
/// Notes, GroupWise, Foxmail, QQ.
const PROGRAMS: [&str; 41] = [
    "apple mail",
    "iphone mail",
    "ipad mail",
    "ipod mail",
    "ios mail",
    "microsoft outlook",
    "microsoft office outlook",
    "microsoft-macoutlook",
    "microsoft windows mail",
    "microsoft windows live mail",
    "mozilla thunderbird",
    "mozilla/5.0",
    "thunderbird",
    "betterbird",
    "roundcube",
    "squirrelmail",
    "horde application framework",
    "internet messaging program",
    "evolution",
    "kmail",
    "mutt",
    "neomutt",
    "the bat!",
    "em client",
    "emclient",
    "mailmate",
    "airmail",
    "spark",
    "claws mail",
    "sylpheed",
    "becky!",
    "k-9 mail",
    "fairemail",
    "gnus",
    "alpine",
    "postbox",
    "mailspring",
    "geary",
    "opera mail",
    "aerc",
    "open-xchange mailer",
];

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    const TO: &str = "To: Sophie from Acme <sophie@acme.example>";

    fn is_by_hand(head: &str, text: &str) -> bool {
        Message::read(Bytes::from(format!("{head}\r\n\r\n{text}\r\n"))).is_by_hand(Mime::default())
    }

    #[rstest]
    #[case("Hi Sophie,")]
    #[case("Good morning Sophie! I am away.")]
    #[case("Sophie, I am away.")]
    #[case("Здравствуйте, Sophie!")]
    #[case("Dear Acme team,")]
    #[case("ソフィー様")]
    #[case("소피님, 안녕하세요")]
    #[case("I am away.\r\n\r\nSent from my iPhone")]
    #[case("Ich bin weg.\r\n\r\n-- \r\nVon meinem Handy gesendet")]
    fn what_a_person_writes(#[case] text: &str) {
        assert!(is_by_hand(TO, text), "{text}");
    }

    #[rstest]
    #[case("Hi,")]
    #[case("Dear sender,")]
    #[case("I am away from Acme until Monday.")]
    #[case("Thank you for writing to Sophie from Acme.")]
    #[case("お客様")]
    #[case("各位")]
    #[case("고객님")]
    #[case("Sent with the next delivery.")]
    #[case("Away.\r\n\r\n> Sent from my iPhone")]
    #[case("")]
    fn what_a_program_may_send(#[case] text: &str) {
        assert!(!is_by_hand(TO, text), "{text}");
    }

    #[rstest]
    #[case("X-Mailer: Microsoft Outlook 16.0", true)]
    #[case("User-Agent: Mozilla Thunderbird", true)]
    #[case("X-Mailer: iPhone Mail (23A341)", true)]
    #[case("X-Mailer: vacation 1.2", false)]
    #[case("X-Mailer: Lotus Notes Release 9", false)]
    #[case("To: hello@acme.example", false)]
    #[case("To: info@acme.example", false)]
    fn what_it_was_written_with(#[case] head: &str, #[case] expect: bool) {
        assert_eq!(is_by_hand(head, "Hello,\r\n\r\nI am away."), expect, "{head}");
    }
}
