//! The configuration as it is written: every key of the TOML files, with its meaning.
//!
//! Each key is read on its own: a value that cannot be read is noted and taken out, and the rest
//! is read again, until all mistakes are known. Whether the values fit together is not judged here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde::de::value::Error as NoValue;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::Role;
use super::document::{Document, KeyPath};
use super::problems::{MOST, Problems, Report};
use super::relay_security::TlsMode;
use super::rules::written::{Auth, Expect, Rule, Test, Then, Time, When};
use super::values::{
    As, Count, DurationOrOff, HostPort, ListenAddress, Mode, Octets, Separators, Several, Table, Tables,
};
use crate::flow::policy::Strangers;
use crate::mail::{Address, Domain, Mailbox};
use crate::people::Shared;
use crate::smtp::service::Protocol;
use crate::smtp::settings::{BareNewlines, PeerName};
use crate::telemetry::Format;

/// The whole main file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    /// Our name in greetings and trace fields.
    pub hostname: Option<As<Domain>>,
    /// The folder of threads, held mail and the secret.
    pub state_dir: Option<As<PathBuf>>,
    /// A domain of which every address belongs to the daemon.
    pub reply_domain: Option<As<Domain>>,
    /// The keys that sign tokens, one base64 key a line, newest first.
    pub secret_file: Option<As<PathBuf>>,
    /// Further files: paths, with wildcards.
    pub include: Several<PathBuf>,
    /// What is done with a message, in order.
    pub rule: Tables<Rule>,
    /// What `check` tries.
    pub test: Tables<Test>,
    /// Where mail comes in.
    pub listen: Tables<Listen>,
    /// The next hop.
    pub relay: Table<Relay>,
    /// The people, by name.
    pub people: Table<BTreeMap<String, Table<Person>>>,
    /// The personas, by name.
    pub personas: Table<BTreeMap<String, Table<Persona>>>,
    /// Mail from customers.
    pub inbound: Table<Inbound>,
    /// Automated mail.
    pub outbound: Table<Outbound>,
    /// What automated mail is marked with.
    pub stamp: Table<Stamp>,
    /// How messages are matched to threads.
    pub matching: Table<Matching>,
    /// The memory of threads.
    pub threads: Table<Threads>,
    /// What bounds a session.
    pub limits: Table<Limits>,
    /// What is logged.
    pub log: Table<Log>,
}

/// A file that the main file includes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Included {
    /// Further people.
    pub people: Table<BTreeMap<String, Table<Person>>>,
    /// Further personas.
    pub personas: Table<BTreeMap<String, Table<Persona>>>,
    /// Further rules, asked after those of the files before.
    pub rule: Tables<Rule>,
    /// Further tests.
    pub test: Tables<Test>,
}

/// `[[listen]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listen {
    /// An IP address and a port, a unix socket, or what the service manager passes.
    pub address: Option<As<ListenAddress>>,
    /// Whose mail comes in here.
    pub role: Option<As<Role>>,
    /// What is spoken.
    pub protocol: Option<As<Protocol>>,
    /// Who may connect over TCP.
    pub allow: Option<Several<IpNet>>,
    /// Who may say XFORWARD.
    pub xforward: Several<PeerName>,
    /// The proxies in front of a TCP port.
    pub proxy: Several<IpNet>,
    /// The permission bits of a unix socket.
    pub mode: Option<As<Mode>>,
    /// The group of a unix socket.
    pub group: Option<As<String>>,
    /// What STARTTLS encrypts with.
    pub tls: Option<Table<Tls>>,
}

/// `listen.tls`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tls {
    /// The certificate in PEM, with those between it and the root.
    pub certificate: Option<As<PathBuf>>,
    /// Its private key in PEM.
    pub key: Option<As<PathBuf>>,
}

/// `[relay]`: one of `smtp` and `maildir`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Relay {
    /// The mail server that takes messages over.
    pub smtp: Option<As<HostPort>>,
    /// A folder of Maildirs, one for each address, for trying things out.
    pub maildir: Option<As<PathBuf>>,
    /// How much TLS is wanted with the mail server.
    pub tls: Option<As<TlsMode>>,
    /// Whose certificates are believed, in the place of the system's.
    pub ca_file: Option<As<PathBuf>>,
    /// The login: a line with the user, a line with the password.
    pub credentials_file: Option<As<PathBuf>>,
    /// How long what was forwarded is kept, since it may bounce.
    pub keep_copies_for: Option<As<DurationOrOff>>,
    /// Octets of the disk that this may take.
    pub keep_bytes: Option<As<Octets>>,
    /// How long to wait for it.
    pub timeout: Table<Timeout>,
    /// What is different for mail to people.
    pub inbound: Table<RoleRelay>,
    /// What is different for automated mail.
    pub outbound: Table<RoleRelay>,
}

/// `[relay.inbound]`, `[relay.outbound]`: what is not written is as in `[relay]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RoleRelay {
    /// The mail server that takes the messages of this role over.
    pub smtp: Option<As<HostPort>>,
    /// A folder of Maildirs for them.
    pub maildir: Option<As<PathBuf>>,
    /// How much TLS is wanted with it.
    pub tls: Option<As<TlsMode>>,
    /// Whose certificates are believed there.
    pub ca_file: Option<As<PathBuf>>,
    /// The login there.
    pub credentials_file: Option<As<PathBuf>>,
    /// How long to wait for it.
    pub timeout: Table<Timeout>,
}

/// `relay.timeout`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Timeout {
    /// For the connection and its greeting.
    pub connect: Option<As<Duration>>,
    /// For the reply to any command but the final dot.
    pub command: Option<As<Duration>>,
    /// For the reply to the final dot.
    pub data_end: Option<As<Duration>>,
    /// For all legs of one message together.
    pub total: Option<As<Duration>>,
}

/// `[people.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Person {
    /// Where the person reads mail.
    pub inbox: Several<Address>,
    /// The person who has what was theirs, since they are not there any more.
    pub succeeded_by: Option<As<String>>,
}

/// `[personas.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Persona {
    /// What customers see: display name and address.
    pub address: Option<As<Mailbox>>,
    /// Further addresses of the persona.
    pub aliases: Several<Address>,
    /// The people behind it; several make a pool.
    pub answered_by: Several<String>,
    /// How a pool shares its mail.
    pub shared: Option<As<Shared>>,
    /// Where mail goes that an inbox refuses for good: a person, a persona or an address.
    pub fallback: Option<As<String>>,
    /// The names by which customers greet it.
    pub greeted_as: Option<Several<String>>,
    /// The persona that has what was its, since it is not there any more.
    pub succeeded_by: Option<As<String>>,
}

/// `[inbound]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Inbound {
    /// Further recipients: shared addresses.
    pub accept: Several<Address>,
    /// `hold` or a person: mail to a shared address that matches nothing.
    pub unmatched: Option<As<String>>,
    /// How long the same mail reaches an inbox only once.
    pub collapse: Option<As<DurationOrOff>>,
    /// Believe `X-Spam-Flag: YES`.
    pub hold_spam: Option<As<bool>>,
    /// Internal domains of the mail server, and the real one that each stands for.
    pub aliases: Table<BTreeMap<String, As<Domain>>>,
    /// Whose Authentication-Results to believe.
    pub authserv_id: Option<As<Domain>>,
    /// The company's own servers, as they name themselves in Received fields.
    pub servers: Several<Domain>,
}

/// `[outbound]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outbound {
    /// What becomes of mail that is from no persona.
    pub strangers: Option<As<Strangers>>,
}

/// `[stamp]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stamp {
    /// The seed, first in References.
    pub seed: Option<As<bool>>,
    /// A signed Reply-To.
    pub reply_to: Option<As<bool>>,
    /// A signed reverse path.
    pub return_path: Option<As<bool>>,
    /// The field that names the campaign.
    pub campaign_header: Option<As<String>>,
}

/// `[matching]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Matching {
    /// What divides a user from a detail in a subaddress.
    pub separators: Option<As<Separators>>,
    /// How long the subject of a thread is evidence.
    pub window: Option<As<Duration>>,
}

/// `[threads]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Threads {
    /// How long ids are remembered.
    pub keep: Option<As<Duration>>,
    /// Memory for the index.
    pub cache: Option<As<Octets>>,
}

/// `[limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Limits {
    /// Octets of one message.
    pub message_size: Option<As<Octets>>,
    /// Octets of all messages under way.
    pub bytes_in_flight: Option<As<Octets>>,
    /// How long a message waits for its share of them.
    pub memory_wait: Option<As<Duration>>,
    /// How long a peer may take for a command.
    pub command_timeout: Option<As<Duration>>,
    /// How long it may be silent in the middle of a message.
    pub data_timeout: Option<As<Duration>>,
    /// How long it may take for a message.
    pub message_timeout: Option<As<Duration>>,
    /// Connections of all listeners together.
    pub connections: Option<As<Count>>,
    /// Connections of one address.
    pub connections_per_address: Option<As<Count>>,
    /// RCPT commands in one transaction.
    pub recipients: Option<As<Count>>,
    /// Commands outside transactions.
    pub commands: Option<As<Count>>,
    /// Refused commands in one session.
    pub errors: Option<As<Count>>,
    /// Octets of one command line.
    pub line: Option<As<Octets>>,
    /// Octets of the header section.
    pub header_section: Option<As<Octets>>,
    /// What is done with CR and LF that stand alone.
    pub bare_newlines: Option<As<BareNewlines>>,
    /// MIME parts of one message that are looked at.
    pub mime_parts: Option<As<Count>>,
    /// How deep they may lie in one another to be looked at.
    pub mime_depth: Option<As<Count>>,
    /// Received fields of one message.
    pub hops: Option<As<Count>>,
}

/// `[log]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Log {
    /// For people or for machines.
    pub format: Option<As<Format>>,
}

impl File {
    /// Reads `text` as far as it can be read; what cannot is in the report.
    ///
    /// # Errors
    /// Where the text is not TOML, or hardly any value can be read: guesses about what it might mean
    /// would only be noise.
    pub(super) fn read<'t>(text: &'t str, path: &'t Path) -> Result<(Self, Report<'t>), Problems> {
        let (document, errors) = Document::parse(text);
        let mut report = Report::new(path, document);
        match read(Report::MAIN, &errors, unknown_key, &mut report) {
            Some(file) => Ok((file, report)),
            None => Err(report.into_problems()),
        }
    }
}

impl Included {
    /// Reads the text of an included file into the same report, and the number of the file there. `None`
    /// where [`File::read`] would be an error.
    pub(super) fn read<'t>(text: &'t str, path: &'t Path, report: &mut Report<'t>) -> Option<(Self, usize)> {
        let (document, errors) = Document::parse(text);
        let file = report.add(path, document);
        read(file, &errors, unknown_in_included, report).map(|included| (included, file))
    }
}

/// What is said of a key that is not known.
type Unknown = fn(&KeyPath, &Report<'_>) -> String;

fn read<T: for<'de> Deserialize<'de> + Default>(
    file: usize,
    errors: &[toml::de::Error],
    unknown: Unknown,
    report: &mut Report<'_>,
) -> Option<T> {
    let read = is_readable(file, errors, report).then(|| read_what_can_be_read(file, report)).flatten();
    let (value, unknown_keys): (T, Vec<KeyPath>) = read?;
    for key in unknown_keys {
        report.mistake(&key.clone().within(file), unknown(&key, report));
    }
    Some(value)
}

/// Notes what is not TOML. A key that is written twice leaves a document that can be read: of its values the
/// parser keeps the first, of its tables the keys of both.
fn is_readable(file: usize, errors: &[toml::de::Error], report: &mut Report<'_>) -> bool {
    let is_twice = |error: &toml::de::Error| error.message() == "duplicate key";
    for error in errors.iter().take(MOST) {
        let span = error.span().unwrap_or_default();
        let is_at_key = is_twice(error) || error.message().starts_with("cannot extend value");
        let key = if is_at_key { report.document(file).key_written_at(&span) } else { KeyPath::default() };
        let message = if is_twice(error) { "is written twice; keep one of the two" } else { error.message() };
        report.malformed(file, span.start, &key, message);
    }
    if errors.len() > MOST {
        report.and_more(file);
    }
    errors.len() <= MOST && errors.iter().all(is_twice)
}

/// Each round either succeeds or takes the value out that was in the way. `None` where too many were.
fn read_what_can_be_read<T: for<'de> Deserialize<'de> + Default>(
    file: usize,
    report: &mut Report<'_>,
) -> Option<(T, Vec<KeyPath>)> {
    for round in 0..=MOST {
        let error = match report.document(file).read() {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        if round == MOST {
            break;
        }
        let key = error.span().and_then(|span| report.document(file).find(&span));
        let Some(key) = key else {
            report.mistake(&KeyPath::default().within(file), error.message());
            return Some(Default::default());
        };
        report.reject(&key.within(file), error.message());
    }
    report.and_more(file);
    None
}

/// An included file has its own few keys; of the others, those that are known elsewhere are told apart.
fn unknown_in_included(key: &KeyPath, report: &Report<'_>) -> String {
    let names = key.names().collect::<Vec<_>>();
    if let [name] = names.as_slice()
        && keys_of::<File>().contains(name)
    {
        let main = report.file().display();
        return format!("belongs into {main}: an included file has {} alone", keys_of::<Included>().join(", "));
    }
    unknown_key(key, report)
}

fn unknown_key(key: &KeyPath, report: &Report<'_>) -> String {
    let names = key.names().collect::<Vec<_>>();
    let Some((name, table)) = names.split_last() else { return "unknown key".into() };
    let table = without_nesting(table);
    format!("unknown key{}", report.did_you_mean(name, keys_in(&table).iter().copied()))
}

/// The way to a table of conditions, its `not` and `any` left out: all of them have the same keys.
fn without_nesting<'k>(table: &[&'k str]) -> Vec<&'k str> {
    let is_nesting = |place: usize, name: &str| place > 1 && (name == "not" || name == "any");
    let is_when = table.starts_with(&["rule", "when"]);
    let names = table.iter().enumerate().filter(|(place, name)| !(is_when && is_nesting(*place, name)));
    names.map(|(_, name)| *name).collect()
}

type Keys = &'static [&'static str];

/// The keys that one table may hold.
struct Known {
    /// The names on the way to the table; `*` stands for any name.
    table: Keys,
    keys: fn() -> Keys,
}

const KNOWN: &[Known] = &[
    Known { table: &[], keys: keys_of::<File> },
    Known { table: &["listen"], keys: keys_of::<Listen> },
    Known { table: &["listen", "tls"], keys: keys_of::<Tls> },
    Known { table: &["relay"], keys: keys_of::<Relay> },
    Known { table: &["relay", "timeout"], keys: keys_of::<Timeout> },
    Known { table: &["relay", "inbound"], keys: keys_of::<RoleRelay> },
    Known { table: &["relay", "inbound", "timeout"], keys: keys_of::<Timeout> },
    Known { table: &["relay", "outbound"], keys: keys_of::<RoleRelay> },
    Known { table: &["relay", "outbound", "timeout"], keys: keys_of::<Timeout> },
    Known { table: &["rule"], keys: keys_of::<Rule> },
    Known { table: &["rule", "when"], keys: keys_of::<When> },
    Known { table: &["rule", "when", "auth"], keys: keys_of::<Auth> },
    Known { table: &["rule", "when", "time"], keys: keys_of::<Time> },
    Known { table: &["rule", "then"], keys: keys_of::<Then> },
    Known { table: &["test"], keys: keys_of::<Test> },
    Known { table: &["test", "expect"], keys: keys_of::<Expect> },
    Known { table: &["people", "*"], keys: keys_of::<Person> },
    Known { table: &["personas", "*"], keys: keys_of::<Persona> },
    Known { table: &["inbound"], keys: keys_of::<Inbound> },
    Known { table: &["outbound"], keys: keys_of::<Outbound> },
    Known { table: &["stamp"], keys: keys_of::<Stamp> },
    Known { table: &["matching"], keys: keys_of::<Matching> },
    Known { table: &["threads"], keys: keys_of::<Threads> },
    Known { table: &["limits"], keys: keys_of::<Limits> },
    Known { table: &["log"], keys: keys_of::<Log> },
];

/// The keys of a table; none of one that is not ours.
fn keys_in(table: &[&str]) -> Keys {
    let same = |known: &&Known| {
        known.table.len() == table.len()
            && known.table.iter().zip(table).all(|(part, name)| *part == "*" || part == name)
    };
    KNOWN.iter().find(same).map_or(&[], |known| (known.keys)())
}

/// The names of the fields of `T`: Serde tells them to whoever is asked for a struct.
fn keys_of<T: for<'de> Deserialize<'de>>() -> Keys {
    let mut keys: Keys = &[];
    // It never gives a value: the names are all that is wanted.
    let _no_value = T::deserialize(FieldNames(&mut keys));
    keys
}

struct FieldNames<'k>(&'k mut Keys);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = NoValue;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue::custom("only the names of fields are known"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Every key that the file may hold, dotted; `*` stands for a name. Tables are no keys of their own.
#[cfg(test)]
pub(super) fn every_key() -> Vec<String> {
    let is_table = |path: &[&str]| KNOWN.iter().any(|known| known.table.starts_with(path));
    let paths = |known: &'static Known| {
        let path = |key| known.table.iter().chain([key]).copied().collect::<Vec<_>>();
        (known.keys)().iter().map(path)
    };
    KNOWN.iter().flat_map(paths).filter(|path| !is_table(path)).map(|path| path.join(".")).collect()
}
