//! Notices in many languages, and what of them can be read.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// A Sunday.
const TODAY: Date = jiff::civil::date(2026, 11, 22);

#[rstest]
// English.
#[case("I am out of the office until 1 December.", "2026-12-01")]
#[case("I'm away until Tuesday, December 1st, 2026 and will answer then.", "")]
#[case("I'm away until December 1st, 2026 and will answer then.", "2026-12-01")]
#[case("I will be back on 2026-12-01", "2026-12-01")]
#[case("I will be back in the office on the 1st of December.", "2026-12-01")]
#[case("Out of office through Nov 30", "2026-12-01")]
#[case("On leave from 20 November to 7 January", "2027-01-07")]
#[case("On leave 20–27 November.", "2026-11-27")]
#[case("Away 13/11/2026 - 25/11/2026", "2026-11-25")]
#[case("Returning: 12/31/2026", "2026-12-31")]
#[case("Available again from 2 December", "2026-12-02")]
// German.
#[case("Ich bin bis 1.12.2026 nicht im Büro.", "2026-12-01")]
#[case("Ich bin bis zum 1. Dezember abwesend.", "2026-12-01")]
#[case("Vom 20.11. bis einschließlich 30.11. bin ich im Urlaub", "2026-12-01")]
#[case("Ab dem 2.12. bin ich wieder für Sie da.", "2026-12-02")]
#[case("Ich bin am 01.12.26 zurück", "2026-12-01")]
// French.
#[case("Je suis absente jusqu'au 1er décembre.", "2026-12-01")]
#[case("De retour le 2 décembre 2026", "2026-12-02")]
#[case("En congés du 20 au 27 novembre", "2026-11-27")]
// Spanish.
#[case("Estaré fuera hasta el 1 de diciembre de 2026", "2026-12-01")]
#[case("De vacaciones del 20 al 27 de noviembre", "2026-11-27")]
// Italian.
#[case("Sarò assente fino al 1° dicembre", "2026-12-01")]
#[case("Rientro il 2 dicembre", "2026-12-02")]
// Dutch.
#[case("Ik ben afwezig t/m 30 november", "2026-12-01")]
#[case("Vanaf 2 december ben ik weer bereikbaar", "2026-12-02")]
#[case("Afwezig tot 1 december", "2026-12-01")]
// Portuguese.
#[case("Estarei ausente até 1 de dezembro", "2026-12-01")]
#[case("A partir do 1 de dezembro estou fora", "")]
// The north.
#[case("Jag är ledig till och med den 30 november", "2026-11-30")]
#[case("Jag är ledig t.o.m. 30 november", "2026-12-01")]
#[case("Jag är tillbaka den 1 december", "2026-12-01")]
#[case("Jeg er på ferie til 1. desember", "2026-12-01")]
#[case("Olen lomalla 1.12. asti", "2026-12-01")]
#[case("Olen lomalla 1. joulukuuta saakka", "2026-12-01")]
// The east.
#[case("Jestem nieobecna do 1 grudnia.", "2026-12-01")]
#[case("Jsem mimo kancelář do 1. prosince 2026", "2026-12-01")]
#[case("Я в отпуске до 1 декабря.", "2026-12-01")]
#[case("Я в отпуске с 20 по 30 ноября", "2026-12-01")]
#[case("Я у відпустці до 1 грудня", "2026-12-01")]
#[case("Szabadságon vagyok 2026. december 1-ig.", "2026-12-01")]
#[case("1 Aralık tarihine kadar ofis dışındayım", "2026-12-01")]
#[case("Θα λείπω έως 1 Δεκεμβρίου", "2026-12-01")]
// Asia.
#[case("12月1日まで不在にしております。", "2026-12-01")]
#[case("2026年12月1日（火）まで休暇をいただきます", "2026-12-01")]
#[case("我将于2026年12月2日返回办公室", "2026-12-02")]
#[case("休假至12月1日", "2026-12-01")]
#[case("12월 1일까지 휴가입니다", "2026-12-01")]
// What cannot be known.
#[case("", "")]
#[case("I am out of the office.", "")]
// A day of the week may be that of this week, of the next, or, on that very day, today.
#[case("I will be back on Monday.", "")]
#[case("Ab Montag bin ich wieder da.", "")]
#[case("Back soon, until then call +49 30 1234567", "")]
#[case("until 03/04/2027", "")]
#[case("until 3/3/2027", "2027-03-03")]
#[case("until 31 February", "")]
#[case("until 1 December or until 3 December", "")]
#[case("until 1 December, back on 2 December", "2026-12-02")]
#[case("until 21 November 2026", "")]
#[case("until 24 November 2027", "")]
#[case("until 22 November", "2026-11-22")]
#[case("until 21 November", "2027-11-21")]
#[case("The offer is from 1 December.", "")]
#[case("The fair is on 1 December.", "")]
#[case("until 18.30", "")]
#[case("I answer 24/7 until 99999999999999999999", "")]
#[case("I am away until 1 December.\nHoy fuera hasta el 1 de diciembre", "2026-12-01")]
fn the_day_of_return(#[case] text: &str, #[case] expected: &str) {
    let told = read(text, TODAY).map_or_else(String::new, |day| day.to_string());
    assert_eq!(told, expected, "{text}");
}

#[test]
fn words_are_as_texts_are_folded() {
    let lists = [ORDINALS, UNTIL, INCLUSIVE, RETURN, FROM, CONNECTORS, AFTER, words::RETURN_BEHIND];
    let lists = lists.into_iter().chain(MONTHS).chain([words::UNTIL_BEHIND, words::UNTIL_BEFORE]);
    for word in lists.flatten() {
        assert_eq!(*word, fold(word));
    }
}

proptest! {
    #[test]
    fn any_text_has_an_answer_within_a_year(text in "\\PC{0,200}", day in 0..40_000_i64) {
        within_a_year(&text, day)?;
    }

    #[test]
    fn texts_that_are_nearly_right_too(words in prop::collection::vec(
        prop::sample::select(vec!["until", "back on", "bis", "1", "31", "12", "2027", "99", ".", "-", "/", "december", "月", "日", "まで", "\n", "ig", "to", "from", " "]), 0..14), day in 0..40_000_i64,
    ) {
        within_a_year(&words.join(" "), day)?;
        within_a_year(&words.concat(), day)?;
    }
}

fn within_a_year(text: &str, day: i64) -> Result<(), TestCaseError> {
    let today = jiff::civil::date(1990, 1, 1) + Span::new().days(day);
    if let Some(back) = read(text, today) {
        prop_assert!(back >= today && back <= today + Span::new().days(367), "{text:?} {today} {back}");
    }
    Ok(())
}
