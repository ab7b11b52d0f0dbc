//! What of an HTML text its reader never sees.
//!
//! Newsletters begin with a text for the list of a mail program, hidden in the mail itself. Only styles that
//! stand in a tag count; classes are not looked up. Linear in the text: an element is followed by its name
//! alone, so one that is never closed hides all the rest.

/// Whether text is seen between the tags that it was told about.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// The elements that changed it and are open.
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    name: String,
    /// How many elements of that name are open since.
    depth: usize,
    shows: Shows,
}

/// What an element shows of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    All,
    /// Letters without a size; an element in it may give them one.
    NoSize,
    Nothing,
}

impl Sight {
    /// Whether text that comes now is seen.
    pub(super) fn is_seen(&self) -> bool {
        self.open.last().is_none_or(|open| open.shows == Shows::All)
    }

    /// Takes note of a tag: of an element of this name that it opens or closes.
    pub(super) fn passes(&mut self, tag: &str, name: &str, closes: bool) {
        let now = self.open.last().map_or(Shows::All, |open| open.shows);
        let change = shows(tag).filter(|shows| !closes && now != Shows::Nothing && *shows != now);
        match (self.open.last_mut(), change) {
            _ if VOID.contains(&name) => {}
            (_, Some(shows)) => self.open.push(Open { name: name.to_owned(), depth: 1, shows }),
            (Some(open), None) if open.name == name => {
                open.depth = if closes { open.depth - 1 } else { open.depth + 1 };
                if open.depth == 0 {
                    self.open.pop();
                }
            }
            _ => {}
        }
    }
}

/// What the style of a tag says about that; `None` where it says nothing.
fn shows(tag: &str) -> Option<Shows> {
    let style = style(&tag.to_ascii_lowercase())?;
    let mut found = None;
    for (property, value) in style.split(';').filter_map(|declaration| declaration.split_once(':')) {
        let value = value.trim().trim_end_matches("!important").trim_end();
        match (property.trim(), value) {
            ("display", "none") | ("mso-hide", "all") | ("visibility", "hidden") => return Some(Shows::Nothing),
            ("font-size", size) => found = Some(if is_zero(size) { Shows::NoSize } else { Shows::All }),
            _ => {}
        }
    }
    found
}

/// `0`, `0px`, `0.0em`.
fn is_zero(size: &str) -> bool {
    let number = size.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').trim_end();
    number.contains('0') && number.chars().all(|c| matches!(c, '0' | '.'))
}

/// The value of the attribute, in a tag without capitals.
fn style(tag: &str) -> Option<String> {
    let is_apart = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/');
    let values =
        tag.match_indices("style").filter(|(at, _)| tag.get(..*at).is_some_and(|before| before.ends_with(is_apart)));
    let mut values = values.filter_map(|(at, word)| tag.get(at + word.len()..)?.trim_start().strip_prefix('='));
    let value = values.next()?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let text = match quote {
        Some(quote) => value.get(1..)?.split(quote).next(),
        None => value.split(|c: char| c.is_whitespace() || c == '>').next(),
    };
    text.map(str::to_owned)
}

/// Elements without an end.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
