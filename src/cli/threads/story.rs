//! A thread's story, as text for a support colleague; `told` has it for programs.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;

use crate::cli::table::aligned;
use crate::mail::plain::plain;
use crate::mail::{Address, FateName, Kind, PersonName};
use crate::people::{Known, People, Persona};
use crate::threads::{Event, Report, Story, What};

use super::told::{Told, timestamp};

/// Correspondents of one thread that are shown to people, of a mailing to many.
const SHOWN: usize = 5;
/// The same in a line of the table, which stays within a terminal's width.
const SHOWN_IN_LINE: usize = 1;
/// Threads that are told in full; of more, the newest alone.
const IN_FULL: usize = 3;

/// What is needed to tell a story.
pub(super) struct Teller<'a> {
    /// Who answers for a persona now.
    pub(super) people: &'a People,
    /// Whose time people read.
    pub(super) zone: TimeZone,
}

impl<'a> Teller<'a> {
    /// The story on one line.
    ///
    /// # Errors
    /// Never, for the types of a story.
    pub(super) fn json(&self, story: &'a Story) -> serde_json::Result<String> {
        serde_json::to_string(&Told::of(story, self.answering(story)))
    }

    /// All stories for people: a few in full; of many, the newest in full and the others in a line each.
    pub(super) fn all(&self, stories: &[Story]) -> String {
        let in_full = if stories.len() <= IN_FULL { stories.len() } else { 1 };
        let (newest, older) = stories.split_at_checked(in_full).unwrap_or((stories, &[]));
        let mut text: String = newest.iter().map(|story| self.story(story)).collect::<Vec<_>>().join("\n");
        if !older.is_empty() {
            let or_more = if stories.iter().any(|story| story.is_of_many) { " or more" } else { "" };
            let _ = write!(
                text,
                "\n{}{or_more} older threads; `sincerely threads show THREAD` tells each\n\n",
                older.len()
            );
            text.extend(self.short(older).lines().map(|line| format!("  {line}\n")));
        }
        text
    }

    /// Threads in a line each.
    fn short(&self, stories: &[Story]) -> String {
        let head = ["THREAD", "PERSONA", "OPENED", "LAST MESSAGE", "MESSAGES"].map(String::from);
        let row = |story: &Story| {
            let last = story.events.iter().map(|event| event.at).max().unwrap_or(story.opened);
            let more_than = if story.is_cut { "more than " } else { "" };
            let messages = format!("{more_than}{}", story.events.len());
            [story.thread.to_string(), story.persona.to_string(), self.time(story.opened), self.time(last), messages]
        };
        aligned([head].into_iter().chain(stories.iter().map(row)))
    }

    /// One thread: whose it is, and a line for each message.
    fn story(&self, story: &Story) -> String {
        let strong = Style::new().bold();
        let mut text = format!("{strong}thread {}{strong:#}\n", story.thread);
        for (name, value) in [
            ("persona", self.persona(story)),
            ("answered by", self.answered_by(story)),
            ("with", some(&story.correspondents, story.correspondents.len(), SHOWN)),
            ("opened", self.opened(story)),
            ("ids healed", healed(story.healed)),
        ] {
            if !value.is_empty() {
                let _ = writeln!(text, "  {name:<12} {}", plain(&value));
            }
        }
        for report in newest(&story.reports) {
            let _ = writeln!(text, "  {:<12} {}", report.action, plain(&self.report(report)));
        }
        text.push('\n');
        text + &self.table(story)
    }

    /// A line for each message, and below it its id and one line for each further id that it brought: ids are too
    /// long for a column.
    fn table(&self, story: &Story) -> String {
        let dimmed = Style::new().dimmed();
        let head = Line { style: dimmed, row: HEAD.map(String::from), below: Vec::new() };
        let lines: Vec<Line> = [head].into_iter().chain(self.lines(story)).collect();
        let table = aligned(lines.iter().map(|line| line.row.clone()));
        let mut text = String::new();
        for (told, Line { style, below, .. }) in table.lines().zip(&lines) {
            let _ = writeln!(text, "  {style}{told}{style:#}");
            for id in below {
                let _ = writeln!(text, "  {:BELOW$}{dimmed}{id}{dimmed:#}", "");
            }
        }
        text
    }

    /// `ann@customer.example, 5.1.1, 2026-11-22 10:00:03`.
    fn report(&self, report: &Report) -> String {
        let whom = report.recipient.as_deref().unwrap_or("mail to somebody");
        let status = report.status.map_or_else(String::new, |status| format!("{status}, "));
        format!("{whom}, {status}{}", self.time(report.at))
    }

    fn persona(&self, story: &Story) -> String {
        let known = self.people.persona(&story.persona);
        match known.and_then(|persona| persona.display_name.as_ref()) {
            Some(display_name) => format!("{} ({display_name})", story.persona),
            None => story.persona.to_string(),
        }
    }

    fn answered_by(&self, story: &Story) -> String {
        match self.answering(story).as_slice() {
            [] => "nobody: the configuration has no such persona".into(),
            people => people.join(" or "),
        }
    }

    /// Who gets an answer in this thread now: whoever wrote into it last, or got its last message, while they answer
    /// for the persona; else the person with whom the pool keeps each of the customers, or anybody of a pool that
    /// takes turns.
    fn answering(&self, story: &Story) -> Vec<&'a str> {
        let Some(persona) = self.people.persona(&story.persona) else { return Vec::new() };
        let now = |name: &PersonName| self.people.person(name).map(|person| &person.name);
        let mut has_it = [&story.writer, &story.person].into_iter().flatten().filter_map(now);
        if let Some(name) = has_it.find(|name| persona.answered_by.contains(name)) {
            return vec![&name.0];
        }
        let customers = story.correspondents.iter().filter_map(|text| text.parse().ok());
        let theirs: Vec<_> = customers.filter_map(|customer| self.keeper(persona, &customer)).collect();
        let is_one = |name: &&PersonName| theirs.is_empty() || theirs.contains(name);
        persona.answered_by.iter().filter(is_one).map(|name| name.0.as_str()).collect()
    }

    /// The person with whom the pool keeps a customer.
    fn keeper(&self, persona: &Persona, customer: &Address) -> Option<&'a PersonName> {
        let known = Known { correspondent: Some(customer), ..Known::default() };
        let chosen = self.people.choose(persona, &persona.answered_by, &known)?;
        (!chosen.is_turn()).then_some(&chosen.person.name)
    }

    fn opened(&self, story: &Story) -> String {
        self.zoned(story.opened).strftime("%A, %-d %B %Y, %H:%M:%S %Z").to_string()
    }

    fn time(&self, at: i64) -> String {
        self.zoned(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn zoned(&self, at: i64) -> jiff::Zoned {
        timestamp(at).to_zoned(self.zone.clone())
    }

    fn lines(&self, story: &Story) -> Vec<Line> {
        let mut lines = Vec::new();
        let (gap, mut before) = (gap(story), None);
        for (place, event) in story.events.iter().enumerate() {
            if gap == Some(place) {
                lines.push(left_out());
                before = None;
            }
            let after = before.map_or_else(String::new, |before| lasted(event.at.saturating_sub(before)));
            before = Some(event.at);
            let [what, who, evidence, fate] = columns(&event.what, place == 0 && gap != Some(0));
            let row = [self.time(event.at), after, what, who, evidence, fate].map(|cell| plain(&cell).into_owned());
            lines.push(Line { style: style(&event.what), row, below: ids(event) });
        }
        if gap == Some(story.events.len()) {
            lines.push(left_out());
        }
        lines
    }
}

const HEAD: [&str; 6] = ["TIME", "AFTER", "WHAT", "WHO", "EVIDENCE", "FATE"];
type Row = [String; HEAD.len()];

/// A line of the table, and what stands below it.
struct Line {
    style: Style,
    row: Row,
    below: Vec<String>,
}

/// How far to the right ids stand: below the second column.
const BELOW: usize = "2026-11-22 10:00:03  ".len();

/// What, who, evidence, fate. The kind is in what people call it.
fn columns(what: &What, is_first: bool) -> [String; 4] {
    match what {
        What::Sent { writer, to, count } => {
            let what = writer.as_ref().map_or_else(|| "automated mail".into(), |writer| format!("{writer} wrote"));
            let to = some(to, usize::try_from(*count).unwrap_or(usize::MAX), SHOWN_IN_LINE);
            [what, if to.is_empty() { to } else { format!("to {to}") }, String::new(), String::new()]
        }
        What::Came { correspondent, kind, evidence, fate, person, healed: _ } => {
            let who = correspondent.clone().unwrap_or_else(|| "somebody".into());
            let to = person.as_ref().filter(|_| *fate == FateName::Forward);
            let fate = to.map_or_else(|| fate.to_string(), |person| format!("{fate} to {person}"));
            [name(*kind, is_first).into(), who, evidence.to_string(), fate]
        }
    }
}

/// What people call it.
fn name(kind: Kind, is_first: bool) -> &'static str {
    match kind {
        Kind::Human if is_first => "mail",
        Kind::Human => "reply",
        Kind::AutoReply => "vacation notice",
        Kind::AutoGenerated => "a machine's mail",
        Kind::Bounce => "bounce",
        Kind::List => "list mail",
        Kind::Report => "report",
        Kind::Challenge => "challenge",
    }
}

/// Ours in blue, what reached somebody in green, what did not in yellow.
fn style(what: &What) -> Style {
    let colour = match what {
        What::Sent { .. } => AnsiColor::Blue,
        What::Came { fate: FateName::Forward, .. } => AnsiColor::Green,
        What::Came { fate: FateName::Hold | FateName::Reject | FateName::Discard | FateName::Defer, .. } => {
            AnsiColor::Yellow
        }
    };
    Style::new().fg_color(Some(colour.into()))
}

/// Before which message others are left out: after the opening one, where that is still there.
fn gap(story: &Story) -> Option<usize> {
    let has_opening = story.events.first().is_some_and(|first| first.at <= story.opened);
    story.is_cut.then_some(usize::from(has_opening))
}

/// What stands in the place of what is not remembered.
fn left_out() -> Line {
    let mut row = Row::default();
    let [time, ..] = &mut row;
    *time = "… older left out".into();
    Line { style: Style::new().dimmed(), row, below: Vec::new() }
}

/// A message's id, and the further ids by which the thread is known since then.
fn ids(event: &Event) -> Vec<String> {
    let brought = match &event.what {
        What::Sent { .. } => &[],
        What::Came { healed, .. } => healed.as_slice(),
    };
    let own = event.message_id.iter().map(|id| plain(&id.to_string()).into_owned());
    own.chain(brought.iter().map(|id| format!("and {}", plain(&id.to_string())))).collect()
}

/// The first of `count` customers, `most` of them by name.
fn some(customers: &[String], count: usize, most: usize) -> String {
    let shown: Vec<&str> = customers.iter().take(most).map(String::as_str).collect();
    match (shown.as_slice(), count.saturating_sub(shown.len())) {
        (_, 0) => shown.join(", "),
        ([], 1) => "1 customer".into(),
        ([], count) => format!("{count} customers"),
        (_, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Some of what mail systems told, the newest first.
fn newest(reports: &[Report]) -> Vec<&Report> {
    let mut newest: Vec<&Report> = reports.iter().collect();
    newest.sort_by_key(|report| std::cmp::Reverse(report.at));
    newest.truncate(SHOWN);
    newest
}

fn healed(ids: u32) -> String {
    if ids == 0 { String::new() } else { format!("{ids}, brought by replies") }
}

/// `+2h 20m`: the two largest units.
fn lasted(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        parts.push((rest / unit, name));
        rest %= unit;
    }
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(UNITS.len() - 1);
    let shown = parts.iter().skip(first).take(2).enumerate();
    let shown = shown.filter(|(place, (count, _))| *place == 0 || *count > 0);
    let shown: Vec<String> = shown.map(|(_, (count, name))| format!("{count}{name}")).collect();
    format!("+{}", shown.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mail::{Evidence, MessageId, PersonaName, ThreadId};
    use crate::people::{Person, Shared};

    fn company() -> People {
        let names = |names: &[&str]| names.iter().map(|name| PersonName((*name).into())).collect::<Vec<_>>();
        let person = |name: PersonName| {
            let inboxes = vec![format!("{name}@corp.example").parse().unwrap()];
            Person { name, inboxes }
        };
        let persona = |name: &str, display_name: &str, answered_by: &[&str]| Persona {
            name: PersonaName(name.into()),
            display_name: Some(display_name.into()),
            addresses: vec![format!("{name}@acme.example").parse().unwrap()],
            answered_by: names(answered_by),
            shared: Shared::default(),
            fallback: Vec::new(),
            greeted_as: Vec::new(),
        };
        People::new(
            names(&["sophie", "tom", "ute"]).into_iter().map(person).collect(),
            vec![
                persona("sophie", "Sophie from Acme", &["sophie"]),
                persona("team", "The team", &["sophie", "tom", "ute"]),
            ],
        )
    }

    fn id(text: &str) -> Option<MessageId> {
        MessageId::new(text)
    }

    fn sent(at: i64, writer: Option<&str>) -> Event {
        let to = vec!["ann@customer.example".into()];
        let writer = writer.map(|name| PersonName(name.into()));
        Event { at, message_id: id(&format!("{at}@acme.example")), what: What::Sent { writer, to, count: 1 } }
    }

    fn came(at: i64, kind: Kind, fate: FateName, person: Option<&str>) -> Event {
        let what = What::Came {
            correspondent: Some("ann@customer.example".into()),
            kind,
            evidence: Evidence::MessageId,
            fate,
            person: person.map(|name| PersonName(name.into())),
            healed: Vec::new(),
        };
        Event { at, message_id: id(&format!("{at}@customer.example")), what }
    }

    fn story(persona: &str, events: Vec<Event>) -> Story {
        Story {
            thread: ThreadId([1, 2, 3, 4, 5, 6, 7, 8]),
            persona: PersonaName(persona.into()),
            opened: 1_795_338_003,
            correspondents: vec!["ann@customer.example".into()],
            writer: None,
            person: None,
            campaign: None,
            reports: Vec::new(),
            healed: 0,
            events,
            is_cut: false,
            is_of_many: false,
        }
    }

    /// A welcome, a reply that also brought the id that a server gave the welcome, a vacation notice, and Sophie.
    fn conversation() -> Story {
        const START: i64 = 1_795_338_003;
        let mut reply = came(START + 8_441, Kind::Human, FateName::Forward, Some("sophie"));
        if let What::Came { healed, evidence, .. } = &mut reply.what {
            (*healed, *evidence) = (vec![MessageId::new("0100@amazonses.example").unwrap()], Evidence::Seed);
        }
        let events = vec![
            sent(START, None),
            reply,
            came(START + 8_443, Kind::AutoReply, FateName::Hold, None),
            sent(START + 90_000, Some("sophie")),
            Event { message_id: None, ..came(START + 190_000, Kind::Bounce, FateName::Hold, None) },
        ];
        Story { healed: 2, writer: Some(PersonName("sophie".into())), ..story("sophie", events) }
    }

    /// As it stands in a file, where there are no colours.
    fn text(stories: &[Story]) -> String {
        let people = company();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let told = Teller { people: &people, zone }.all(stories);
        anstream::adapter::strip_str(&told).to_string()
    }

    fn read(story: &Story) -> serde_json::Value {
        let people = company();
        let line = Teller { people: &people, zone: TimeZone::UTC }.json(story).unwrap();
        assert!(!line.contains('\n'));
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn each_message_has_a_line() {
        insta::assert_snapshot!(text(&[conversation()]), @r"
        thread 1j0602n06s1j0
          persona      sophie (Sophie from Acme)
          answered by  sophie
          with         ann@customer.example
          opened       Sunday, 22 November 2026, 10:00:03 +01
          ids healed   2, brought by replies

          TIME                 AFTER     WHAT             WHO                      EVIDENCE    FATE
          2026-11-22 10:00:03            automated mail   to ann@customer.example
                               <1795338003@acme.example>
          2026-11-22 12:20:44  +2h 20m   reply            ann@customer.example     seed        forward to sophie
                               <1795346444@customer.example>
                               and <0100@amazonses.example>
          2026-11-22 12:20:46  +2s       vacation notice  ann@customer.example     message-id  hold
                               <1795346446@customer.example>
          2026-11-23 11:00:03  +22h 39m  sophie wrote     to ann@customer.example
                               <1795428003@acme.example>
          2026-11-24 14:46:43  +1d 3h    bounce           ann@customer.example     message-id  hold
        ");
    }

    #[test]
    fn what_is_not_remembered_is_said() {
        let events = vec![
            came(1_795_338_003, Kind::Human, FateName::Forward, Some("sophie")),
            came(1_795_400_003, Kind::Human, FateName::Discard, None),
            came(1_795_400_003, Kind::List, FateName::Reject, None),
        ];
        let cut = Story { is_cut: true, correspondents: Vec::new(), ..story("gone", events) };
        insta::assert_snapshot!(text(&[cut]), @r"
        thread 1j0602n06s1j0
          persona      gone
          answered by  nobody: the configuration has no such persona
          opened       Sunday, 22 November 2026, 10:00:03 +01

          TIME                 AFTER  WHAT       WHO                   EVIDENCE    FATE
          2026-11-22 10:00:03         mail       ann@customer.example  message-id  forward to sophie
                               <1795338003@customer.example>
          … older left out
          2026-11-23 03:13:23         reply      ann@customer.example  message-id  discard
                               <1795400003@customer.example>
          2026-11-23 03:13:23  +0s    list mail  ann@customer.example  message-id  reject
                               <1795400003@customer.example>
        ");
    }

    #[test]
    fn what_is_left_out_is_said_where_it_was() {
        let reply = |at| came(at, Kind::Human, FateName::Hold, None);
        let lines = |events| {
            let told = text(&[Story { is_cut: true, opened: 100, ..story("sophie", events) }]);
            let lines = told.lines().skip_while(|line| !line.contains("WHAT")).skip(1);
            let lines = lines.filter(|line| !line.trim_start().starts_with('<'));
            let what = |line: &str| {
                if line.contains("left out") { "…" } else { line.split_whitespace().nth(2).unwrap() }.to_owned()
            };
            lines.map(what).collect::<Vec<_>>()
        };
        assert_eq!(lines(vec![reply(100), reply(200)]), ["mail", "…", "reply"]);
        assert_eq!(lines(vec![reply(100)]), ["mail", "…"]);
        assert_eq!(lines(vec![reply(200)]), ["…", "reply"], "the opening one is past keeping");
    }

    #[test]
    fn of_many_threads_the_newest_is_told_in_full() {
        let threads = |count: u8| {
            let thread = |number| Story { thread: ThreadId([number; 8]), is_cut: number == 1, ..conversation() };
            (0..count).rev().map(thread).collect::<Vec<_>>()
        };
        assert_eq!(text(&threads(3)).matches("answered by").count(), 3);
        let of_many: Vec<Story> = threads(4).into_iter().map(|story| Story { is_of_many: true, ..story }).collect();
        assert!(text(&of_many).contains("\n3 or more older threads; "), "{}", text(&of_many));
        assert_eq!(read(&of_many[0])["is_of_many"], true);
        let told = text(&threads(4));
        assert_eq!(told.matches("answered by").count(), 1);
        insta::assert_snapshot!(told.split_once("\n3 older ").unwrap().1, @r"
        threads; `sincerely threads show THREAD` tells each

          THREAD         PERSONA  OPENED               LAST MESSAGE         MESSAGES
          2j0401802j040  sophie   2026-11-22 10:00:03  2026-11-24 14:46:43  5
          1802j04018020  sophie   2026-11-22 10:00:03  2026-11-24 14:46:43  more than 5
          0000000000000  sophie   2026-11-22 10:00:03  2026-11-24 14:46:43  5
        ");
    }

    #[test]
    fn json_has_one_shape() {
        let told = read(&conversation());
        let head = [("thread", "1j0602n06s1j0"), ("persona", "sophie"), ("opened", "2026-11-22T09:00:03Z")];
        for (key, value) in head {
            assert_eq!(told[key], value, "{key}");
        }
        assert_eq!(told["answered_by"], json!(["sophie"]));
        assert_eq!(told["correspondents"], json!(["ann@customer.example"]));
        assert_eq!((&told["healed"], &told["is_cut"]), (&json!(2), &json!(false)));
        assert_eq!(told["is_of_many"], false);
        assert_eq!(
            told["messages"][0],
            json!({
                "at": "2026-11-22T09:00:03Z", "message_id": "<1795338003@acme.example>", "what": "sent",
                "writer": null, "to": ["ann@customer.example"], "count": 1
            })
        );
        assert_eq!(
            told["messages"][1],
            json!({
                "at": "2026-11-22T11:20:44Z", "message_id": "<1795346444@customer.example>", "what": "came",
                "from": "ann@customer.example", "kind": "human", "evidence": "seed", "fate": "forward",
                "person": "sophie", "healed": ["<0100@amazonses.example>"]
            })
        );
        assert_eq!(
            (&told["messages"][3]["writer"], &told["messages"][4]["message_id"]),
            (&json!("sophie"), &json!(null))
        );
    }

    #[test]
    fn who_answers_is_who_wrote_last_else_the_customers_person_of_the_pool() {
        let answering = |story: Story| read(&story)["answered_by"].clone();
        let person = answering(story("team", Vec::new()));
        assert_eq!(person.as_array().map(Vec::len), Some(1), "{person}");
        let wrote = |name: &str| Story { writer: Some(PersonName(name.into())), ..story("team", Vec::new()) };
        assert_eq!(answering(wrote("ute")), json!(["ute"]));
        assert_eq!(answering(wrote("anna")), person, "who answers for the team no longer");
        let nobody_known = Story { correspondents: Vec::new(), ..story("team", Vec::new()) };
        assert_eq!(answering(nobody_known), json!(["sophie", "tom", "ute"]));
        assert_eq!(answering(story("gone", Vec::new())), json!([]));
    }

    #[test]
    fn a_strangers_text_begins_no_line_and_speaks_to_no_terminal() {
        let mut event = came(0, Kind::Human, FateName::Forward, None);
        event.message_id = id("a\u{202e}b@x");
        if let What::Came { correspondent, .. } = &mut event.what {
            *correspondent = Some("a\u{1b}[31m\nthread".into());
        }
        let told = text(&[story("sophie", vec![event])]);
        assert!(!told.contains(['\u{202e}', '\u{1b}']), "{told}");
        assert!(told.contains("a\\u{1b}[31m\\nthread") && told.contains("<a\\u{202e}b@x>"), "{told}");
    }

    #[test]
    fn a_mailing_names_some_of_its_customers() {
        let to: Vec<String> = (0..8).map(|number| format!("c{number}@x")).collect();
        assert_eq!(some(&to[..2], 2, 5), "c0@x, c1@x");
        assert_eq!(some(&to, 2000, 5), "c0@x, c1@x, c2@x, c3@x, c4@x and 1995 more");
        assert_eq!(
            (some(&[], 0, 5), some(&[], 1, 5), some(&[], 7, 5)),
            (String::new(), "1 customer".into(), "7 customers".into())
        );
    }

    #[test]
    fn a_time_between_is_told_in_two_units() {
        for (seconds, told) in [
            (-5, "+0s"),
            (0, "+0s"),
            (59, "+59s"),
            (60, "+1m"),
            (61, "+1m 1s"),
            (3_600, "+1h"),
            (3_659, "+1h"),
            (8_441, "+2h 20m"),
            (86_399, "+23h 59m"),
            (86_400, "+1d"),
            (400 * 86_400 + 3_600, "+400d 1h"),
        ] {
            assert_eq!(lasted(seconds), told, "{seconds}");
        }
    }
}
