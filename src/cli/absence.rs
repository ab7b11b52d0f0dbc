//! What `away`, `back`, `check` and `status` share: who keeps what was said of absence, and how it is told.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::unistd::Uid;
use serde::Serialize;
use sysexits::ExitCode;

use crate::absences::{self, Change, Register};
use crate::clock;
use crate::config::{self, Config};
use crate::control::{self, Changed, Gone, Reach, Unchanged};
use crate::mail::PersonName;
use crate::mail::plain::plain;
use crate::people::absence::{Absences, Away, Instead, Presence, SaidBy};
use crate::people::{People, Person, Persona};
use crate::threads::local::{self, OpenError};

use super::table::aligned;
use super::threads::source::{NoSource, own};

/// What becomes of a file that is broken.
pub(super) const BROKEN: &str = "A daemon that starts sets it aside as absences.broken, and then nobody is away but by \
    the configuration: mend it, or delete it, before that";

/// Who keeps what was said.
pub(super) enum Keeper {
    /// The running daemon.
    Daemon(control::Client),
    /// This process, which holds the state directory meanwhile.
    Here(Box<Register>, #[expect(dead_code, reason = "held until the end")] File),
}

/// Why nothing can be said or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    NoSource(#[from] NoSource),
    #[error("what was said of absence cannot be read: {0}")]
    Unread(#[from] absences::Unread),
    #[error("it could not be kept: {0}")]
    Unkept(String),
    #[error("{0}")]
    Unheard(String),
    #[error("{0}")]
    Unknown(String),
}

impl Trouble {
    /// The exit code that says what to do.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoSource(error) => error.exit_code(),
            Self::Unread(absences::Unread::Malformed { .. }) => ExitCode::DataErr,
            Self::Unread(absences::Unread::File { .. }) => ExitCode::NoInput,
            Self::Unkept(_) | Self::Unheard(_) => ExitCode::TempFail,
            Self::Unknown(_) => ExitCode::NoUser,
        }
    }
}

impl Keeper {
    /// The daemon where one runs; else the file, as the owner of the state directory.
    pub(super) async fn of(config: &Config) -> Result<Self, Trouble> {
        let client = control::Client::new(&config.state_dir);
        match client.reach().await {
            Reach::Alive => return Ok(Self::Daemon(client)),
            Reach::Nobody => {}
            Reach::Silent(why) => {
                let me = Uid::effective();
                own(&config.state_dir, me).or_else(|error| if me.is_root() { Ok(()) } else { Err(error) })?;
                return Err(NoSource::Silent(why).into());
            }
        }
        own(&config.state_dir, Uid::effective())?;
        let lock = local::lock(&config.state_dir).map_err(|error| match error {
            OpenError::InUse(path) => NoSource::InUse(path),
            OpenError::Folder { .. } | OpenError::Thread(_) => NoSource::Open(error),
        })?;
        // A daemon sets aside what it cannot read, and says so in its log; here somebody looks on, and may mend it.
        absences::read(&config.state_dir)?;
        Ok(Self::Here(Box::new(Register::open(&config.state_dir).0), lock))
    }

    /// Changes what was said; it is on disk then.
    pub(super) async fn change(&self, change: &Change) -> Result<Changed, Trouble> {
        match self {
            Self::Daemon(client) => client.change(change).await.map_err(|error| match error {
                Unchanged::Unknown(told) => Trouble::Unknown(told),
                Unchanged::Unheard(why) => Trouble::Unheard(why),
                Unchanged::Unavailable(why) => Trouble::Unkept(why),
            }),
            Self::Here(register, _) => {
                let changed =
                    register.change(change, clock::now()).map_err(|error| Trouble::Unkept(error.to_string()))?;
                Ok(Changed { before: Absences::clone(&changed.0), after: Absences::clone(&changed.1) })
            }
        }
    }
}

/// What was said, for whoever only looks.
pub(super) async fn look(config: &Config) -> Result<Absences, Trouble> {
    let client = control::Client::new(&config.state_dir);
    match client.reach().await {
        Reach::Alive => client.absences().await.map_err(|error| NoSource::Silent(error.0).into()),
        Reach::Nobody => Ok(absences::read(&config.state_dir)?),
        Reach::Silent(why) => Err(NoSource::Silent(why).into()),
    }
}

/// Who is away, or will be: as the running daemon sees it, or, where none runs, by the files.
pub(super) async fn gone(config: &Config) -> Result<Vec<Gone>, Trouble> {
    let client = control::Client::new(&config.state_dir);
    match client.reach().await {
        Reach::Alive => client.away().await.map_err(|error| NoSource::Silent(error.0).into()),
        Reach::Nobody | Reach::Silent(_) => {
            let absences = look(config).await?;
            Ok(Teller::new(&config.policy.people, &absences, clock::now()).gone())
        }
    }
}

/// What is wrong with the files of a state directory: a sentence each. What this user may not read, the daemon
/// perhaps may.
pub(super) fn unread(config: &Config) -> impl Iterator<Item = String> {
    let (state_dir, read) = (&config.state_dir, absences::read(&config.state_dir));
    let strangers = read.as_ref().map_or_else(|_| Vec::new(), |absences| strangers(config, absences, clock::now()));
    let unread = read.err().filter(|unread| match unread {
        absences::Unread::File { source, .. } => source.kind() != ErrorKind::PermissionDenied,
        absences::Unread::Malformed { .. } => true,
    });
    let unread = unread.map(|why| format!("{why}. {}", BROKEN));
    unread.into_iter().chain(strangers).chain(set_aside(state_dir))
}

/// Whom the configuration does not know of those who are named in what was said: a sentence each.
pub(super) fn strangers(config: &Config, absences: &Absences, now: Timestamp) -> Vec<String> {
    let people = &config.policy.people;
    let told = |name: &PersonName| {
        let near = config::did_you_mean(&name.0, people.people().map(|person| person.name.0.as_str()));
        let file = config.state_dir.join("absences.toml");
        format!(
            "{}: there is no person \"{}\"{near}: what it says of them counts for nobody",
            file.display(),
            plain(&name.0)
        )
    };
    absences.names(now).into_iter().filter(|name| people.person(name).is_none()).map(told).collect()
}

/// What stays to be said again.
pub(super) fn set_aside(state_dir: &Path) -> Option<String> {
    let path = absences::set_aside(state_dir)?;
    Some(format!(
        "{}: could not be read, and what was said in it does not count: say it again with `sincerely away`, then delete the file",
        path.display()
    ))
}

/// Why a name is nobody's who is there.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotThere {
    #[error("there is no person \"{name}\"{near} (there are: {})", names.join(", "))]
    Nobody { name: String, near: String, names: Vec<String> },
    #[error("{name} has left, and {successor} has what was theirs: type `{command}`")]
    Left { name: PersonName, successor: PersonName, command: String },
}

impl NotThere {
    /// The exit code that says what to do.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Nobody { .. } => ExitCode::NoUser,
            Self::Left { .. } => ExitCode::Usage,
        }
    }
}

/// The person of that name who is there; `command` is what to type for a name instead.
pub(super) fn person<'c>(
    config: &'c Config,
    name: &str,
    command: impl Fn(&PersonName) -> String,
) -> Result<&'c Person, NotThere> {
    let people = &config.policy.people;
    let wanted = PersonName(name.to_owned());
    match people.person(&wanted) {
        Some(person) if person.name == wanted => Ok(person),
        Some(Person { name: successor, .. }) => {
            Err(NotThere::Left { name: wanted, successor: successor.clone(), command: command(successor) })
        }
        None => {
            let names: Vec<String> = people.people().map(|person| person.name.to_string()).collect();
            let near = config::did_you_mean(name, names.iter().map(String::as_str));
            Err(NotThere::Nobody { name: plain(name).into_owned(), near, names })
        }
    }
}

/// `2026-12-01 09:00 CET`; no time of day where it is midnight.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    let is_midnight = at.hour() == 0 && at.minute() == 0 && at.second() == 0;
    at.strftime(if is_midnight { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M %Z" }).to_string()
}

/// Tells of absence in words, with the clocks of the system's zone.
pub(super) struct Teller<'a> {
    people: &'a People,
    absences: &'a Absences,
    now: Timestamp,
    zone: TimeZone,
}

/// An absence, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    person: String,
    is_now: bool,
    from: Timestamp,
    until: Option<Timestamp>,
    /// Who was named.
    to: Option<String>,
    /// Who has the mail at its beginning, or now; empty: nobody but the person's own inbox.
    stands_in: Vec<String>,
    said_by: SaidBy,
}

impl From<&Gone> for Told {
    fn from(gone: &Gone) -> Self {
        let Gone { person, is_now, from, until, to, stands_in, said_by, words: _, is_missing: _ } = gone.clone();
        Self { person, is_now, from, until, to, stands_in, said_by }
    }
}

/// Absences as a table, by the clocks of the system's zone.
pub(super) fn table(gone: &[Gone]) -> String {
    let zone = TimeZone::system();
    let head = ["AWAY", "FROM", "UNTIL", "STANDS IN", "SAID BY"].map(String::from);
    let row = |gone: &Gone| {
        let stands_in = if gone.stands_in.is_empty() { "nobody".to_owned() } else { gone.stands_in.join(", ") };
        let until = gone.until.map_or_else(|| "open".to_owned(), |until| moment(until, &zone));
        [gone.person.clone(), moment(gone.from, &zone), until, stands_in, gone.said_by.to_string()]
    };
    aligned([head].into_iter().chain(gone.iter().map(row)))
}

/// Absences for programs, one a line.
pub(super) fn lines(gone: &[Gone]) -> String {
    gone.iter().filter_map(|gone| Some(serde_json::to_string(&Told::from(gone)).ok()? + "\n")).collect()
}

impl<'a> Teller<'a> {
    pub(super) fn new(people: &'a People, absences: &'a Absences, now: Timestamp) -> Self {
        Self { people, absences, now, zone: TimeZone::system() }
    }

    pub(super) fn presence(&self) -> Presence<'a> {
        Presence { people: self.people, absences: self.absences, now: self.now }
    }

    /// A moment by those clocks.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        moment(at, &self.zone)
    }

    /// The moment of return, or that it is open.
    pub(super) fn until(&self, until: Option<Timestamp>) -> String {
        until.map_or_else(|| "`sincerely back`".to_owned(), |until| self.moment(until))
    }

    /// Everybody who is away, or will be.
    pub(super) fn gone(&self) -> Vec<Gone> {
        let each = self.people.people().map(|person| &person.name);
        let of = |name: &'a PersonName| {
            let now = self.presence().away(name);
            now.into_iter().chain(self.presence().to_come(name)).map(move |away| self.one(name, &away))
        };
        each.flat_map(of).collect()
    }

    fn one(&self, name: &PersonName, away: &Away<'_>) -> Gone {
        let (sentences, is_missing) = self.who_gets_the_mail(name, away.from);
        Gone {
            person: name.to_string(),
            is_now: away.from <= self.now,
            from: away.from,
            until: away.until,
            to: away.to.map(ToString::to_string),
            stands_in: self.stand_ins(name, away.from),
            said_by: away.said_by,
            words: sentences.join(" "),
            is_missing,
        }
    }

    /// Who has a person's mail from a moment on, or now where that has passed.
    fn stand_ins(&self, name: &PersonName, from: Timestamp) -> Vec<String> {
        let presence = self.presence().at(from.max(self.now));
        match presence.instead_of(name) {
            Instead::By(other) => vec![other.to_string()],
            Instead::There => Vec::new(),
            Instead::Unnamed | Instead::InCircle => {
                let others = self.personas_of(name).flat_map(|persona| presence.there(&persona.answered_by));
                let mut others: Vec<String> = others.map(ToString::to_string).collect();
                others.sort();
                others.dedup();
                others
            }
        }
    }

    fn personas_of(&self, name: &PersonName) -> impl Iterator<Item = &'a Persona> {
        self.people.personas().filter(move |persona| persona.answered_by.contains(name))
    }

    /// Who has a person's mail from a moment on: sentences, each with a full stop; and whether somebody is missing.
    pub(super) fn who_gets_the_mail(&self, name: &PersonName, from: Timestamp) -> (Vec<String>, bool) {
        let presence = self.presence().at(from.max(self.now));
        match presence.instead_of(name) {
            Instead::There => (vec![format!("{name} gets mail as ever.")], false),
            Instead::By(other) => (vec![self.chain(presence, name, other)], false),
            Instead::InCircle => {
                let (others, is_missing) = self.others(presence, name);
                let back = "Whoever would stand in is away too, and it leads back.".to_owned();
                ([back].into_iter().chain(others).collect(), is_missing)
            }
            Instead::Unnamed => self.others(presence, name),
        }
    }

    /// `tom is away too, until …; ute stands in (ute@corp.example).`
    fn chain(&self, presence: Presence<'a>, name: &PersonName, last: &PersonName) -> String {
        let mut passed = Vec::new();
        let mut next = presence.away(name).and_then(|away| away.to);
        while let Some((name, away)) = next.and_then(|name| Some((name, presence.away(name)?))) {
            passed.push(format!("{name} is away too, until {}; ", self.until(away.until)));
            next = away.to;
        }
        let inboxes = self.people.person(last).map(|person| person.inboxes.as_slice()).unwrap_or_default();
        let inboxes: Vec<String> = inboxes.iter().map(ToString::to_string).collect();
        format!("{}{last} stands in ({}).", passed.concat(), inboxes.join(", "))
    }

    /// Nobody is named: of each persona, the others who are there.
    fn others(&self, presence: Presence<'a>, name: &PersonName) -> (Vec<String>, bool) {
        let mut sentences = Vec::new();
        let mut is_missing = self.personas_of(name).next().is_none();
        if is_missing {
            sentences.push(format!("Nobody stands in: mail goes to {name}'s own inbox."));
        }
        for persona in self.personas_of(name) {
            let others: Vec<String> = presence.there(&persona.answered_by).map(ToString::to_string).collect();
            sentences.push(if others.is_empty() {
                is_missing = true;
                format!("Nobody stands in for the persona {}: its mail goes to {name}'s own inbox.", persona.name)
            } else {
                format!("Mail of the persona {} goes to {}.", persona.name, others.join(" or "))
            });
        }
        (sentences, is_missing)
    }
}
