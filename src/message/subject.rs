//! The base subject: what mail programs and lists put around a subject, taken off (RFC 5256 §2.1).
//!
//! RFC 5256 knows `Re`, `Fw` and `Fwd`. Mail programs write them in the language of their user, and count them. A tag of a
//! list is taken off too, but for one with a digit: it may be the number of a case, and tell two threads apart.

/// No prefix has more characters, its counter included: so each character of a subject is looked at a few times only.
const LONGEST_PREFIX: usize = 40;

/// No more characters of a subject are looked at: what tells two apart stands at the beginning.
const LOOKED_AT: usize = 2000;

/// What is left of a subject, folded: nothing of one that is only prefixes.
pub fn base(subject: &str) -> String {
    let folded = folded(subject);
    let mut rest = folded.as_str();
    while let Some(shorter) = without_trailer(rest)
        .or_else(|| without_prefix(rest))
        .or_else(|| without_wrapper(rest))
        .or_else(|| without_tag(rest))
    {
        rest = shorter.trim();
    }
    rest.to_owned()
}

/// Whether a reply prefix, or one of something forwarded, stands before a subject; tags and white space may stand before it.
pub fn is_answer(subject: &str) -> bool {
    let folded = folded(subject);
    let mut rest = folded.as_str();
    while let Some(shorter) = without_tag(rest) {
        rest = shorter.trim();
    }
    without_prefix(rest).or_else(|| without_wrapper(rest)).is_some()
}

/// In lower case, with one space for any white space.
fn folded(subject: &str) -> String {
    // Seen in practice, in subjects from right to left: marks of direction around a prefix.
    let is_mark =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let visible: String = subject.chars().take(LOOKED_AT).filter(|c| !is_mark(*c)).collect();
    let spaced = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    // The lower case of a sigma depends on what stands around it, and that changes here.
    spaced.to_lowercase().replace('ς', "σ")
}

/// `(fwd)`, as elm and pine write it.
fn without_trailer(subject: &str) -> Option<&str> {
    subject.strip_suffix("(fwd)")
}

/// `re:`, `re[2]:`, `re :`, and with the wide colon of Chinese and Japanese.
fn without_prefix(subject: &str) -> Option<&str> {
    let is_colon = |(_, c): &(usize, char)| matches!(c, ':' | '：');
    let (at, colon) = subject.char_indices().take(LONGEST_PREFIX).find(is_colon)?;
    let (before, rest) = (subject.get(..at)?, subject.get(at + colon.len_utf8()..)?);
    is_prefix(without_counter(before.trim_end())).then_some(rest)
}

fn is_prefix(word: &str) -> bool {
    PREFIXES.iter().any(|(_, prefixes)| prefixes.contains(&word))
}

/// Seen in practice: how often it was answered, as in `Re[2]`, `Re(2)`, `Re^2`, `Re*2`.
fn without_counter(word: &str) -> &str {
    let closed = |open, close| word.strip_suffix(close).and_then(|rest: &str| rest.rsplit_once(open));
    let counted = closed('[', ']').or_else(|| closed('(', ')')).or_else(|| word.rsplit_once(['^', '*']));
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    counted.filter(|(_, counter)| is_number(counter)).map_or(word, |(word, _)| word.trim_end())
}

/// `[fwd: …]`, as Netscape wrote it, around the whole.
fn without_wrapper(subject: &str) -> Option<&str> {
    without_prefix(subject.strip_prefix('[')?.strip_suffix(']')?)
}

/// `[acme-list]`, where something is left behind it.
fn without_tag(subject: &str) -> Option<&str> {
    let (tag, rest) = subject.strip_prefix('[')?.split_once(']')?;
    let is_tag = !tag.contains(|c: char| c == '[' || c.is_numeric());
    (is_tag && !rest.is_empty()).then_some(rest)
}

/// What mail programs write before the subject of an answer or of something forwarded, folded, by language. Whole
/// words: a "Reklamation: …" is none.
const PREFIXES: [(&str, &[&str]); 32] = [
    ("anywhere", &["re", "fw", "fwd"]),
    ("Arabic", &["رد", "إعادة توجيه", "اعادة توجيه"]),
    ("Bulgarian", &["отг", "отговор", "прт"]),
    ("Catalan, Spanish", &["rv"]),
    ("Chinese, simplified", &["回复", "答复", "转发", "回覆"]),
    ("Chinese, traditional", &["回覆", "答覆", "轉寄", "轉發", "回復"]),
    ("Croatian, Serbian, Slovene", &["odg", "odgovor", "proslijedi", "proslijeđeno", "prosl", "одг"]),
    ("Czech, Slovak", &["odp", "odpověď", "odpoveď", "předat", "přeposlat"]),
    ("Danish, Norwegian, Swedish", &["sv", "vs", "vb"]),
    ("Dutch", &["antw", "antwoord", "doorst"]),
    ("Estonian", &["vs", "vast", "edasi"]),
    ("Finnish", &["vs", "vl"]),
    ("French", &["ré", "rép", "réf", "ref", "tr"]),
    ("German", &["aw", "antwort", "antw", "wg"]),
    ("Greek", &["απ", "σχετ", "πρθ"]),
    ("Hebrew", &["תשובה", "תגובה", "הועבר"]),
    ("Hungarian", &["vá", "válasz", "továbbítás"]),
    ("Icelandic", &["sv", "fs"]),
    ("Indonesian, Malay", &["bls", "trs", "hlm"]),
    ("Italian", &["r", "rif", "i"]),
    ("Japanese", &["返信", "転送"]),
    ("Korean", &["회신", "답장", "전달"]),
    ("Latvian", &["atb", "pārs"]),
    ("Lithuanian", &["ats", "pers"]),
    ("Persian", &["پاسخ", "ارسال"]),
    ("Polish", &["odp", "pd"]),
    ("Portuguese", &["res", "enc"]),
    ("Romanian", &["răsp", "răspuns"]),
    ("Russian, Ukrainian", &["на", "отв", "ответ", "пересл", "відп", "відповідь"]),
    // In Turkish an I with a dot; its lower case is two characters. Seen in practice without the dot.
    ("Turkish", &["ynt", "yanıt", "yanit", "i\u{307}lt", "ilt", "ılt"]),
    ("Vietnamese", &["trả lời", "chuyển tiếp"]),
    ("Welsh", &["atb", "yml"]),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("Welcome to Acme", "welcome to acme")]
    #[case::one("Re: Welcome", "welcome")]
    #[case::several("RE: Fwd : re:Welcome", "welcome")]
    #[case::of_two_languages("AW: WG: Re: SV: Welcome", "welcome")]
    #[case::counted("Re[2]: Re(3): Re^4: Re *5: Welcome", "welcome")]
    #[case::french("RE : TR : Réf. Bienvenue", "réf. bienvenue")]
    #[case::no_break_space("RE\u{a0}:\u{a0}Bienvenue", "bienvenue")]
    #[case::wide_colon("回复：Re：Welcome", "welcome")]
    #[case::turkish("YNT: İLT: ilt: Hoş geldiniz", "hoş geldiniz")]
    #[case::greek("ΑΠ: ΣΧΕΤ: ΠΡΘ: Καλώς ήρθατε", "καλώσ ήρθατε")]
    #[case::hebrew_with_marks("\u{200f}תשובה\u{200f}: ברוכים", "ברוכים")]
    #[case::tag("[acme-list] Welcome", "welcome")]
    #[case::tags_between("Re: [acme-list] Re: [list] Welcome", "welcome")]
    #[case::number_of_a_case("Re: [Ticket 4711] Welcome", "[ticket 4711] welcome")]
    #[case::only_a_tag("Re: [Welcome]", "[welcome]")]
    #[case::trailer("Welcome (fwd) (Fwd)", "welcome")]
    #[case::wrapper("[Fwd: Re: [Fwd: Welcome]]", "welcome")]
    #[case::white_space(" Re:  Welcome \t to\u{3000}Acme ", "welcome to acme")]
    #[case::only_prefixes("Re: AW: [Fwd:] (fwd)", "")]
    #[case::empty("", "")]
    fn what_stands_around_it_is_taken_off(#[case] subject: &str, #[case] expect: &str) {
        assert_eq!(base(subject), expect);
    }

    #[rstest]
    #[case("Reply: Welcome")]
    #[case("Reklamation: my order")]
    #[case("Is it: true")]
    #[case("Antwerp: a guide")]
    #[case("Re Welcome")]
    #[case("Re[x]: Welcome")]
    #[case("Re[]: Welcome")]
    #[case("Fwd")]
    #[case("Welcome (fwd) to Acme")]
    #[case("Welcome [acme]")]
    #[case("10:30 Re: lunch")]
    fn what_only_looks_so_stays(#[case] subject: &str) {
        assert_eq!(base(subject), subject.to_lowercase());
    }

    #[rstest]
    #[case("RE: Welcome", true)]
    #[case("[acme-list] Aw: Welcome", true)]
    #[case("[Fwd: Welcome]", true)]
    #[case("Welcome", false)]
    #[case("[acme-list] Welcome", false)]
    fn an_answer_has_a_prefix(#[case] subject: &str, #[case] expect: bool) {
        assert_eq!(is_answer(subject), expect);
    }

    #[test]
    fn the_table_is_folded() {
        for prefix in PREFIXES.iter().flat_map(|(_, prefixes)| *prefixes) {
            assert_eq!(folded(prefix), *prefix);
        }
    }

    /// Made for slow reading; the test ends, in a debug build, before anybody wonders.
    #[test]
    fn what_is_written_to_be_slow_is_read_over() {
        for piece in ["re:", "[a]", "[", "]", "[re:", "(fwd)", "re^1", "a "] {
            let long = piece.repeat((128 << 10) / piece.len());
            assert!(base(&long).len() <= long.len(), "{piece}");
        }
    }

    fn subject() -> impl Strategy<Value = String> {
        prop_oneof![
            r"(re|Fwd|SV|RE |ΑΠ|Σ|ς|İ|ILT|回复|:|：|\[|\]|\(|\)|\^2|\[2\]|\(fwd\)|\[list\]|\[fwd:|word| |\PC){0,12}",
            any::<String>()
        ]
    }

    proptest! {
        #[test]
        fn twice_is_once(subject in subject()) {
            let once = base(&subject);
            prop_assert_eq!(base(&once), once);
        }

        #[test]
        fn a_prefix_changes_nothing(subject in subject()) {
            for prefix in PREFIXES.iter().flat_map(|(_, prefixes)| *prefixes) {
                for written in [format!("{prefix}: {subject}"), format!("{} : {subject}", prefix.to_uppercase())] {
                    prop_assert_eq!(base(&written), base(&subject), "{:?}", written);
                }
            }
        }
    }
}
