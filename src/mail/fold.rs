//! A text as it is compared: what differs only in case, accents or the way it is encoded is one text.
//!
//! People write `Zoë` as `Zoe`, as `ZOË`, and in several sequences of code points. So compatible
//! characters are one (Unicode Standard Annex #15, NFKD), and the marks of Latin, Greek, Cyrillic, Hebrew
//! and Arabic letters are left out. Those of Japanese stay: there they make other sounds.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// Folds a text.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let kept = decomposed.chars().filter(|c| !is_mark(*c));
    let folded: String = kept.flat_map(char::to_lowercase).filter(|c| !is_mark(*c)).map(plain).collect();
    let folded = folded.replace('ß', "ss").replace('æ', "ae").replace('œ', "oe");
    ComposingNormalizerBorrowed::new_nfc().normalize(&folded).into_owned()
}

/// Whether it is a mark on a letter, or not seen at all.
pub fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'                                               // accents
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' // Hebrew points
        | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'                     // Arabic vowels, and what stretches a word
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The letter that stands for one that has no decomposition.
fn plain(c: char) -> char {
    match c {
        'ł' => 'l',
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ı' => 'i',
        'ς' => 'σ',
        '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{60}' | '\u{b4}' => '\'',
        '\u{2010}' | '\u{2011}' => '-',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Zoë", "zoe")]
    #[case("ZOE\u{308}", "zoe")]
    #[case("ＳＯＰＨＩＥ：", "sophie:")]
    #[case("İLKNUR Işık", "ilknur isik")]
    #[case("Łukasz", "lukasz")]
    #[case("Søren Großmann", "soren grossmann")]
    #[case("Σοφίας", "σοφιασ")]
    #[case("ΣΟΦΊΑΣ", "σοφιασ")]
    #[case("Андрей", "андреи")]
    #[case("ﾍﾞﾝ", "ベン")]
    #[case("ベン", "ベン")]
    #[case("ヘン", "ヘン")]
    #[case("소피님", "소피님")]
    #[case("소피님", "소피님")]
    #[case("شُكْرًا", "شكرا")]
    #[case("שָׁלוֹם", "שלום")]
    #[case("So\u{ad}phie\u{200b}", "sophie")]
    #[case("I’m", "i'm")]
    fn what_reads_alike_is_one_text(#[case] text: &str, #[case] expect: &str) {
        assert_eq!(fold(text), expect);
    }

    proptest! {
        #[test]
        fn what_is_folded_stays_as_it_is(text in any::<String>()) {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }
    }
}
