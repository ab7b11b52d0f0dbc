//! What mail systems write for people where they follow no standard.
//!
//! All of them write the same, whatever their words: a phrase, then the recipients, each with what the other server said,
//! then what is returned. So a text is read in that order. What says a phrase is a table (`phrases`); the
//! recipients stand at the beginning of lines below it (`recipient`); the codes, near them (`codes`). A line of a quotation is no
//! line of the author's, and what stands below the beginning of a returned message is that message's.

use super::phrases::{self, Phrases};
use super::{MOST, Parts, Writer, codes, recipient};
use crate::mail::fold::fold;
use crate::mail::{Action, Address, Delivery, Status};
use crate::message::mime::Part;
use crate::message::{Message, text_part};

/// How much of a text is read: what is returned may be long, what is said of it is not.
const LONGEST: usize = 32 << 10;

/// How far below the phrase a recipient may stand that is named in the middle of a line.
const NEAR: usize = 8;

/// The same, where it may be a person's who quotes one.
const AT_TOP: usize = 2;

/// Where what is returned begins: what a line has behind dashes and stars, folded.
const RETURNED: [&str; 41] = [
    "this is a copy of",
    "below this line is a copy",
    "below is a copy",
    "below is the header",
    "below is the message header",
    "enclosed is a copy",
    "here is a copy",
    "included is a copy",
    "a copy of your message",
    "a copy of the message",
    "a copy of the original",
    "copy of the original",
    "copy of your message",
    "original message follows",
    "original message headers",
    "original message header",
    "original mail as follows",
    "the original message follows",
    "original mail info",
    "message header follows",
    "message headers follow",
    "message headers:",
    "headers of the original message",
    "headers of message",
    "header of the original message",
    "the header of the original",
    "the headers of the original",
    "the original message headers",
    "returned message",
    "undelivered message",
    "unsent message follows",
    "no message was collected",
    "begin forwarded message",
    "forwarded message",
    "the attachment contains the original",
    "your original message",
    "en-tetes de message d'origine",
    "ursprungliche nachrichtenkopfzeilen",
    "kopfzeilen der ursprunglichen",
    "encabezados de mensajes originales",
    "intestazioni del messaggio originale",
];

/// The same, where it is all that the line has.
const RETURNED_ALONE: [&str; 8] = [
    "original message",
    "original mail",
    "original email",
    "ursprungliche nachricht",
    "message d'origine",
    "mensaje original",
    "元のメッセージ",
    "原始邮件",
];

/// The fields that a returned header section begins with.
const FIELDS: [&str; 8] = [
    "received:",
    "return-path:",
    "message-id:",
    "delivered-to:",
    "dkim-signature:",
    "x-original-to:",
    "mime-version:",
    "envelope-to:",
];

/// What is told of a recipient behind their address: whom the mail was for before an alias was expanded, folded.
const EXPANDED: [&str; 4] = ["(expanded from", "(generated from", "(ultimately generated from", "(forwarded from"];

/// What stands above the address of who sent the message, folded.
const SENDERS: [&str; 6] = ["sent by", "message from", "mail from", "from:", "sender is", "sender:"];

/// What a text tells, where a mail system may have written it.
pub(super) fn read(message: &Message, writer: &Writer, parts: &Parts<'_>) -> Vec<Delivery> {
    let texts: Vec<String> = texts(parts).collect();
    let said = texts.iter().find_map(|text| Said::read(text, writer));
    // No words that are known, below a subject that is.
    let said = said.or_else(|| texts.first().and_then(|text| Said::below_subject(text, writer)));
    let named = failed_recipients(message);
    match said {
        Some(said) => said.deliveries(message, &named, parts),
        None => named
            .iter()
            .map(|address| delivery(Some(address), writer.subject.unwrap_or(Action::Failed), None))
            .collect(),
    }
}

/// The texts that may tell: the plain ones as one, then each that is HTML, which often says the same again.
fn texts(parts: &Parts<'_>) -> impl Iterator<Item = String> {
    let is_returned = |part: &Part<'_>| part.is("message", "rfc822") || part.is("text", "rfc822-headers");
    let before: Vec<&Part<'_>> = parts.iter().take_while(|part| !is_returned(part)).collect();
    let is_html = |part: &&&Part<'_>| part.is("text", "html");
    let is_plain = |part: &&&Part<'_>| (part.is_text() || part.is_container()) && !is_html(part);
    let plain: Vec<String> = before.iter().filter(is_plain).map(|part| text_part::readable(part)).collect();
    let html: Vec<&Part<'_>> = before.iter().filter(is_html).copied().collect();
    std::iter::once(plain.join("\n")).chain(html.into_iter().map(text_part::readable).collect::<Vec<_>>())
}

/// What Exim and Gmail put into a field.
fn failed_recipients(message: &Message) -> Vec<Address> {
    let values = message.texts("X-Failed-Recipients").take(MOST).collect::<Vec<_>>();
    values.iter().flat_map(|value| recipient::all(value)).take(MOST).collect()
}

/// To whom the returned message was written, where that is one address alone.
fn returned_to(parts: &Parts<'_>) -> Option<Address> {
    let returned = parts.iter().find(|part| part.is("message", "rfc822") || part.is("text", "rfc822-headers"))?;
    sole_addressee(&text_part::readable(returned))
}

/// The one address in To and Cc of a header section.
fn sole_addressee(header: &str) -> Option<Address> {
    let section = header.trim_start().split("\n\n").next()?.split("\r\n\r\n").next()?;
    let section = section.get(..section.floor_char_boundary(section.len().min(LONGEST)))?;
    let message =
        Message::read(bytes::Bytes::from(format!("{}\r\n\r\n", section.replace("\r\n", "\n").replace('\n', "\r\n"))));
    match message.addressees().as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn delivery(recipient: Option<&Address>, action: Action, status: Option<Status>) -> Delivery {
    Delivery { recipient: recipient.map(Address::folded), action, status }
}

/// A text in which a phrase was found, up to what is returned.
struct Said {
    lines: Vec<Line>,
    /// What the phrases say from this line on.
    leads: Vec<(usize, Action)>,
    /// Whether somebody goes on trying for all of them.
    is_delayed: bool,
    /// What is returned in the text.
    returned: String,
    folded: String,
}

struct Line {
    text: String,
    folded: String,
}

/// A recipient, and the lines that are about them.
struct Block {
    address: Address,
    action: Action,
    told: String,
    /// Nothing is told: what stands below the next recipient holds for both.
    is_bare: bool,
}

impl Said {
    /// `None` where no phrase is found that the writer is heard for.
    fn read(text: &str, writer: &Writer) -> Option<Self> {
        let (lines, returned) = split(text);
        let (flat, starts) = flattened(&lines);
        let known = leads(&phrases::KNOWN, &flat, &starts);
        // Where only a subject speaks for a mail system, it begins with it: a person says first what happened.
        let near = if writer.is_heard() { NEAR } else { AT_TOP };
        let is_first = known.first().is_some_and(|(line, _)| of_substance(&lines, *line) < near);
        let needs_to_be_first = writer.is_unnamed() || !writer.is_heard();
        let is_heard = writer.is_heard() || writer.subject == Some(Action::Failed);
        let leads = match known {
            known if !known.is_empty() && is_heard && (is_first || !needs_to_be_first) => known,
            _ if writer.is_believed() => leads(&phrases::COMMON, &flat, &starts),
            _ => return None,
        };
        (!leads.is_empty()).then(|| Self::new(lines, returned, leads, &flat, writer))
    }

    /// What stands below a subject that says it all; `None` where that is not so.
    fn below_subject(text: &str, writer: &Writer) -> Option<Self> {
        let action = writer.subject.filter(|_| writer.is_believed())?;
        let (lines, returned) = split(text);
        let (flat, _) = flattened(&lines);
        Some(Self::new(lines, returned, vec![(0, action)], &flat, writer))
    }

    fn new(lines: Vec<Line>, returned: String, leads: Vec<(usize, Action)>, flat: &str, writer: &Writer) -> Self {
        let folded = lines.iter().map(|line| line.folded.as_str()).collect::<Vec<_>>().join("\n");
        let goes_on = phrases::GOES_ON.are_in(flat) || writer.subject == Some(Action::Delayed);
        let is_delayed = goes_on && !phrases::GIVEN_UP.are_in(flat);
        Self { lines, leads, is_delayed, returned, folded }
    }

    fn action(&self, line: usize) -> Action {
        let lead = self.leads.iter().rev().find(|(at, _)| *at <= line).or_else(|| self.leads.first());
        let action = lead.map_or(Action::Failed, |(_, action)| *action);
        if self.is_delayed && action == Action::Failed { Action::Delayed } else { action }
    }

    /// What the whole text tells of an address, or of nobody in particular.
    fn of(&self, address: Option<&Address>) -> Delivery {
        delivery(address, self.action(0), codes::read(&self.folded))
    }

    /// `named`: what a field says, where the text names nobody.
    fn deliveries(&self, message: &Message, named: &[Address], parts: &Parts<'_>) -> Vec<Delivery> {
        let others = correspondents(message);
        let blocks = self.blocks(&others);
        if !blocks.is_empty() {
            return self.of_blocks(&blocks);
        }
        if !named.is_empty() {
            return named.iter().map(|address| self.of(Some(address))).collect();
        }
        let address = self.transcribed().or_else(|| self.in_passing(&others));
        let returned = || self.returned_to().or_else(|| returned_to(parts)).filter(|_| !self.names_people());
        vec![self.of(address.or_else(returned).as_ref())]
    }

    /// What the lines about each say; what stands above all of them where none says anything.
    fn of_blocks(&self, blocks: &[Block]) -> Vec<Delivery> {
        let own: Vec<Option<Status>> = blocks.iter().map(|block| codes::read(&block.told)).collect();
        let general = if own.iter().all(Option::is_none) { codes::read(&self.folded) } else { None };
        let mut below = None;
        let mut told: Vec<Delivery> = Vec::new();
        for (block, own) in blocks.iter().zip(own).rev() {
            below = if block.is_bare { own.or(below) } else { own };
            told.push(delivery(Some(&block.address), block.action, below.or(general)));
        }
        told.reverse();
        told
    }

    /// The recipients that lines begin with, from the first phrase on.
    fn blocks(&self, others: &[String]) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let first = self.leads.first().map_or(0, |(line, _)| *line);
        let mut is_below_sender = false;
        for (at, line) in self.lines.iter().enumerate().skip(first) {
            let is_expanded = EXPANDED.iter().any(|words| line.folded.trim_start().starts_with(words));
            let is_lead = self.leads.iter().any(|(lead, _)| *lead == at);
            let in_lead = || recipient::all(&line.text).filter(|it| is_lead && !others.contains(&it.folded())).last();
            let address = recipient::leading(&line.text).or_else(in_lead).filter(|_| !is_below_sender);
            if !line.text.trim().is_empty() {
                is_below_sender = SENDERS.iter().any(|words| line.folded.trim_end().ends_with(words));
            }
            let is_full = blocks.len() >= MOST;
            match (blocks.last_mut(), address) {
                (Some(block), _) if is_expanded => block.is_for(recipient::all(&line.text).next()),
                (Some(block), Some(address)) if block.address.folded() == address.folded() => block.tell(line),
                (Some(block), None) => block.tell(line),
                (_, Some(address)) if !is_full => blocks.push(Block::new(address, self.action(at), line)),
                _ => {}
            }
        }
        blocks
    }

    /// `550 <ann@a.example>... User unknown`, `>>> RCPT TO:<ann@a.example>`, wherever it stands.
    fn transcribed(&self) -> Option<Address> {
        let is_told = |line: &&Line| {
            let bare = line.folded.trim_start_matches(['<', '>', ' ', '\t']);
            let figures = bare.bytes().take_while(u8::is_ascii_digit).count();
            bare.starts_with("rcpt to:")
                || line.folded.contains("rcpt to:<")
                || (figures == 3 && bare.starts_with(['4', '5']))
        };
        self.lines.iter().filter(is_told).find_map(|line| recipient::all(&line.text).next())
    }

    /// The first address near a phrase that is neither the reader's nor the writer's.
    fn in_passing(&self, others: &[String]) -> Option<Address> {
        let is_other = |address: &Address| !others.contains(&address.folded()) && address.local() != "postmaster";
        let first = self.leads.first().map_or(0, |(line, _)| *line);
        let near = self.lines.iter().skip(first.saturating_sub(2)).take(2 * NEAR);
        near.flat_map(|line| recipient::all(&line.text).collect::<Vec<_>>()).find(is_other)
    }

    /// Whether recipients are named, though not by their addresses: whom the mail was written to is somebody else then.
    fn names_people(&self) -> bool {
        self.folded.contains("did not reach the following recipient")
    }

    fn returned_to(&self) -> Option<Address> {
        if self.returned.is_empty() { None } else { sole_addressee(&self.returned) }
    }
}

impl Block {
    fn new(address: Address, action: Action, line: &Line) -> Self {
        /// Brackets and a colon.
        const AROUND: usize = 4;
        let is_bare = line.text.trim().len() <= address.to_string().len() + AROUND;
        Self { address, action, told: line.folded.clone(), is_bare }
    }

    /// Notes whom the mail was for before an alias was expanded.
    fn is_for(&mut self, address: Option<Address>) {
        if let Some(address) = address {
            self.address = address;
        }
    }

    fn tell(&mut self, line: &Line) {
        self.is_bare &= line.text.trim().is_empty();
        self.told.push('\n');
        self.told.push_str(&line.folded);
    }
}

/// Whom the message is addressed to, and who wrote it: neither is a recipient of the one that failed, as a rule.
fn correspondents(message: &Message) -> Vec<String> {
    let author = message.author().map(|author| author.address.folded());
    author.into_iter().chain(message.addressees().iter().take(MOST).map(Address::folded)).collect()
}

/// The lines of the author, and what is returned below them.
fn split(text: &str) -> (Vec<Line>, String) {
    let head = text.get(..text.floor_char_boundary(text.len().min(LONGEST))).unwrap_or_default();
    let mut lines = Vec::new();
    let mut rest = head;
    while let Some((line, below)) = rest.split_once('\n').or_else(|| (!rest.is_empty()).then_some((rest, ""))) {
        let folded = fold(line);
        if begins_returned(&folded) {
            let fields = if is_field(&folded) { rest } else { below };
            return (lines, fields.trim_start().to_owned());
        }
        rest = below;
        // A person's quotation; `>>>` is a server's talk.
        let is_quoted = folded.starts_with('>') && !folded.starts_with(">>>");
        if !is_quoted {
            lines.push(Line { text: line.to_owned(), folded });
        }
    }
    (lines, String::new())
}

fn begins_returned(folded: &str) -> bool {
    let bare = folded.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '=' | '*' | '|' | '_' | '+' | '#'));
    let alone = bare.trim_end_matches([':', '.']);
    is_field(folded) || RETURNED.iter().any(|begin| bare.starts_with(begin)) || RETURNED_ALONE.contains(&alone)
}

fn is_field(folded: &str) -> bool {
    FIELDS.iter().any(|name| folded.starts_with(name))
}

/// All lines as one, with one space for what stands between two words, and where in it each line begins.
fn flattened(lines: &[Line]) -> (String, Vec<usize>) {
    let (mut flat, mut starts) = (String::new(), Vec::new());
    for line in lines {
        starts.push(flat.len());
        for word in line.folded.split_whitespace() {
            flat.push_str(word);
            flat.push(' ');
        }
    }
    (flat, starts)
}

/// The line on which each phrase ends, and what it says.
fn leads(phrases: &Phrases, flat: &str, starts: &[usize]) -> Vec<(usize, Action)> {
    let line = |end: usize| starts.partition_point(|start| *start < end).saturating_sub(1);
    phrases.find(flat).into_iter().map(|hit| (line(hit.end), hit.action)).collect()
}

/// How many lines above this one say something.
fn of_substance(lines: &[Line], before: usize) -> usize {
    lines.iter().take(before).filter(|line| !line.text.trim().is_empty()).count()
}
