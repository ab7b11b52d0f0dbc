//! What is known of a regular expression without compiling it: how large it will be, and the texts of which one must
//! stand in whatever fits. To compile takes a hundred times as long as to read, and of thousands, few are ever asked.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};
use regex_syntax::utf8::{Utf8Sequence, Utf8Sequences};
use regex_syntax::{Error, ParserBuilder};

use super::shortlist::coarse;

/// Texts of which one must stand in whatever fits.
pub(super) type Choice = Vec<String>;

/// More texts than these find nothing sooner.
const MOST: usize = 64;

/// No letter has more cases than these.
const CASES: usize = 4;

/// Octets of one state of an automaton, at most.
const STATE: usize = 64;

/// A regular expression, read and not compiled.
pub(super) struct Expression(Hir);

impl Expression {
    /// Reads a case-blind expression.
    ///
    /// # Errors
    /// For what is none.
    pub(super) fn read(text: &str) -> Result<Self, Box<Error>> {
        ParserBuilder::new().case_insensitive(true).build().parse(text).map(Self).map_err(Box::new)
    }

    /// Octets of it when it is compiled: more rather than fewer.
    pub(super) fn size(&self) -> usize {
        size(&self.0)
    }

    /// The choices of texts: of each, one text must stand in whatever fits. All of them are folded.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices = choices(&self.0);
        choices.retain(|choice| choice.len() <= MOST);
        choices
    }
}

fn size(hir: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(size).fold(STATE, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE,
        HirKind::Literal(literal) => literal.0.len().saturating_mul(STATE),
        HirKind::Class(Class::Unicode(class)) => class.iter().map(octets).sum::<usize>().saturating_mul(STATE),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len().saturating_mul(STATE),
        HirKind::Repetition(repetition) => size(&repetition.sub).saturating_mul(times(repetition)),
        HirKind::Capture(capture) => size(&capture.sub).saturating_add(2 * STATE),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
    }
}

/// The ranges of octets that a range of characters is, one after the other and side by side.
fn octets(range: &ClassUnicodeRange) -> usize {
    if range.end().is_ascii() {
        return 1;
    }
    Utf8Sequences::new(range.start(), range.end()).map(|sequence: Utf8Sequence| sequence.len()).sum()
}

/// How often what is repeated stands in the automaton.
fn times(repetition: &Repetition) -> usize {
    let most = repetition.max.unwrap_or(repetition.min.saturating_add(1));
    usize::try_from(most).unwrap_or(usize::MAX).saturating_add(1)
}

fn choices(hir: &Hir) -> Vec<Choice> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Literal(_) | HirKind::Class(_) => letters(hir).map(|text| vec![text]).into_iter().collect(),
        HirKind::Repetition(repetition) if repetition.min > 0 => choices(&repetition.sub),
        HirKind::Repetition(_) => Vec::new(),
        HirKind::Capture(capture) => choices(&capture.sub),
        HirKind::Concat(parts) => in_a_row(parts),
        HirKind::Alternation(parts) => {
            let longest = |part: &Hir| choices(part).into_iter().max_by_key(shortest);
            let each: Option<Vec<Choice>> = parts.iter().map(longest).collect();
            each.map(|each| each.concat()).into_iter().collect()
        }
    }
}

fn shortest(choice: &Choice) -> usize {
    choice.iter().map(String::len).min().unwrap_or_default()
}

/// The texts of letters that follow each other, and the choices of what stands between them.
fn in_a_row(parts: &[Hir]) -> Vec<Choice> {
    let (mut all, mut row) = (Vec::new(), String::new());
    for part in parts {
        if let Some(letters) = letters(part) {
            row.push_str(&letters);
            continue;
        }
        all.push(vec![std::mem::take(&mut row)]);
        all.extend(choices(part));
    }
    all.push(vec![row]);
    all.retain(|choice| !choice.iter().any(String::is_empty));
    all
}

/// What stands there whatever fits, folded: nothing where it is a place between letters; `None` where there are
/// several letters to choose from.
fn letters(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(String::new()),
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(coarse),
        HirKind::Class(Class::Unicode(class)) => one_letter(class),
        HirKind::Class(Class::Bytes(_)) | HirKind::Repetition(_) => None,
        HirKind::Capture(_) | HirKind::Concat(_) | HirKind::Alternation(_) => None,
    }
}

/// The letter of which a class has the cases alone, folded.
fn one_letter(class: &ClassUnicode) -> Option<String> {
    let is_small = class.iter().map(ClassUnicodeRange::len).sum::<usize>() <= CASES;
    let mut folded = class.iter().filter(|_| is_small).flat_map(|range| range.start()..=range.end());
    let first = coarse(&folded.next()?.to_string());
    folded.all(|letter| coarse(&letter.to_string()) == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r"\bref\s*#12\b", "ref + #12")]
    #[case("Kiss", "kiss")]
    #[case(r"^(re|aw):\s+\w+ order[- ]?7$", "re|aw + : +  order + 7")]
    #[case("(?-i)Straße", "strasse")]
    #[case("a+b?c{2}", "a + c")]
    #[case("(ab)+(cd)*", "ab")]
    #[case("invoice|rechnung nr", "invoice|rechnung nr")]
    #[case("invoice|.*", "")]
    #[case(r"\d{4,}", "")]
    #[case("[ab]c|d", "c|d")]
    #[case("[[ab]&&[aB]]", "")]
    #[case("", "")]
    fn what_stands_in_all_that_fits(#[case] text: &str, #[case] expected: &str) {
        let choices = Expression::read(text).unwrap().choices();
        let told: Vec<String> = choices.iter().map(|choice| choice.join("|")).collect();
        assert_eq!(told.join(" + "), expected);
    }
}
