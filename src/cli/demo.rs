//! `sincerely demo`: the whole main job in a scratch folder.
//!
//! Nothing is played but the peers: the listeners, the memory, the keys and the next hop (Maildirs)
//! are those of `serve`, and what is printed of a message is read from where it lies afterwards.

mod scenes;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use strum::VariantArray;
use sysexits::ExitCode;

use crate::config::{Config, Role};
use crate::mail::{Address, Evidence, Failure, Reply, ReversePath};
use crate::message::Message;
use crate::relay::maildir::MaildirRelay;
use crate::smtp::{Passed, Place};

use super::certificates::Certificates;
use super::daemon::Daemon;
use super::mail_client::{MailClient, messages};

use scenes::{AUTOMATED, Automated, MARK};

const COMPANY: &str = include_str!("demo/company.toml");

/// Plays the demo.
///
/// # Errors
/// When the scratch folder or the listeners cannot be had.
pub fn run() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(play())
}

async fn play() -> anyhow::Result<ExitCode> {
    let stage = Stage::set()?;
    let daemon = Daemon::start(&stage.config, Certificates::default(), Passed::default()).await?;
    let client = |wanted: Role| {
        let port = |(role, place): &(Role, Place)| match place {
            Place::Ip(address) if *role == wanted => Some(MailClient::new(*address)),
            Place::Ip(_) | Place::Unix(_) => None,
        };
        daemon.listening.iter().find_map(port).ok_or_else(|| anyhow!("the demo has no {wanted} listener"))
    };
    let (application, customers) = (client(Role::Outbound)?, client(Role::Inbound)?);

    print("Automated mail goes out, signed by a person:\n")?;
    print(&automated(&stage, &application).await?)?;
    print("\nWhat comes back, and what became of it:\n")?;
    print(&incoming(&stage, &customers).await?)?;

    daemon.stop().await;
    print(&stage.farewell())?;
    Ok(ExitCode::Ok)
}

/// The scratch folder, with the configuration in it.
struct Stage {
    folder: PathBuf,
    config: Config,
    mail: MaildirRelay,
}

impl Stage {
    fn set() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("sincerely-demo-{}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let file = folder.join("sincerely.toml");
        std::fs::write(&file, COMPANY).with_context(|| format!("cannot write {}", file.display()))?;
        let (config, _) = Config::load(&file).map_err(|problems| anyhow!("{problems}"))?;
        Ok(Self { mail: MaildirRelay::new(folder.join("mail")), folder, config })
    }

    /// The messages in the Maildir of an address.
    fn mailbox(&self, address: &Address) -> anyhow::Result<Vec<Message>> {
        Ok(messages(&self.mail.folder(address))?)
    }

    /// Where the message of a scene lies now: below `mail` or below `state/held`.
    fn find(&self, scene: usize) -> anyhow::Result<Option<(String, Message)>> {
        for root in [self.folder.join("mail"), self.folder.join("state/held")] {
            for maildir in subfolders(&root)? {
                let name = maildir.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let mark = scene.to_string();
                let found = messages(&maildir)?.into_iter().find(|mail| mail.value(MARK).as_deref() == Some(&mark));
                if let Some(message) = found {
                    return Ok(Some((name, message)));
                }
            }
        }
        Ok(None)
    }

    fn farewell(&self) -> String {
        let folder = self.folder.display();
        format!(
            "\nLook around:\n  {folder}/mail            one Maildir for each address\n  \
             {folder}/state/held      what was held, by reason\n  {folder}/sincerely.toml  the company's configuration\nNothing else uses this folder: remove it when you like.\n"
        )
    }
}

async fn automated(stage: &Stage, application: &MailClient) -> anyhow::Result<String> {
    let mut text = String::new();
    for (number, mail) in AUTOMATED.iter().enumerate() {
        let to: Address = mail.to.parse()?;
        let from = ReversePath::Address("bounces@app.acme.example".parse()?);
        let said = application.send(from, &to, &mail.text(number)).await;
        let delivered = stage.mailbox(&to)?;
        let delivered = delivered.first().ok_or_else(|| anyhow!("nothing reached {to}: {}", code(&said)))?;
        let id = delivered.message_id().map(ToString::to_string).unwrap_or_default();
        let seed = delivered.references().first().map(|seed| shortened(&seed.to_string())).unwrap_or_default();
        writeln!(text, "  {} → {to}   {}", mail.from, code(&said))?;
        writeln!(text, "      Message-ID {id}, the seed in References {seed}")?;
    }
    Ok(text)
}

async fn incoming(stage: &Stage, customers: &MailClient) -> anyhow::Result<String> {
    let mut text = String::new();
    for (number, scene) in (1..).zip(&scenes::incoming(&delivered(stage)?)) {
        let from = if scene.from.is_empty() { ReversePath::Null } else { ReversePath::Address(scene.from.parse()?) };
        let said = customers.send(from, &scene.to.parse()?, &scene.text(number)).await;
        let (place, why) = became(stage, number, &said)?;
        writeln!(text, "  {:>2}. {}", number, scene.title)?;
        writeln!(text, "      {} → {place}   {}", scene.to, code(&said))?;
        writeln!(text, "      {why}")?;
    }
    Ok(text)
}

/// The automated mails as they reached the customers.
fn delivered(stage: &Stage) -> anyhow::Result<Vec<Message>> {
    let mut delivered = Vec::new();
    for Automated { to, .. } in &AUTOMATED {
        delivered.extend(stage.mailbox(&to.parse()?)?);
    }
    Ok(delivered)
}

/// Where a message went, and why: read from the message itself.
fn became(stage: &Stage, number: usize, said: &Result<Reply, Failure>) -> anyhow::Result<(String, String)> {
    let Some((place, message)) = stage.find(number)? else {
        let why = match said {
            Ok(reply) | Err(Failure::Recipient(reply) | Failure::Us(reply)) => reply.text.clone(),
            Err(failure) => failure.to_string(),
        };
        return Ok(("nowhere".into(), why));
    };
    if let Some(held) = message.value("X-Sincerely-Held") {
        return Ok((format!("held/{place}"), part(&held, "why=")));
    }
    let name = message.value("X-Sincerely").map(|field| part(&field, "evidence=")).unwrap_or_default();
    let evidence = Evidence::VARIANTS.iter().find(|evidence| evidence.to_string() == name);
    Ok((place, evidence.map_or(name, |evidence| format!("{evidence}: {}", evidence.meaning()))))
}

fn part(field: &str, name: &str) -> String {
    let parts = field.split(';').map(str::trim);
    parts.filter_map(|part| part.strip_prefix(name)).map(str::to_owned).next().unwrap_or_default()
}

fn code(said: &Result<Reply, Failure>) -> String {
    match said {
        Ok(reply) | Err(Failure::Recipient(reply) | Failure::Us(reply)) => {
            format!("{} {}", reply.code, reply.enhanced_text())
        }
        Err(failure) => failure.to_string(),
    }
}

fn shortened(id: &str) -> String {
    let (head, tail) = (id.chars().take(9).collect::<String>(), id.split_once('@').map_or("", |(_, domain)| domain));
    format!("{head}…@{tail}")
}

fn subfolders(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(root) else { return Ok(Vec::new()) };
    Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
}

fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    anstream::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
