//! Who is asked what is remembered: the running daemon, or, where none runs, the memory itself.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Uid, User};
use sysexits::ExitCode;

use crate::cli::{complain, shown};
use crate::clock;
use crate::config::Config;
use crate::control::{self, Reach};
use crate::mail::Address;
use crate::threads::local::{Damage, Local, OpenError};
use crate::threads::{Bookmark, Bounced, Count, Named, Story, Threads, Unavailable};

/// How long an index that must be made again is waited for: less than a daemon that starts waits for us. A longer
/// rebuild is the daemon's, which goes on from where this one stopped.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// Who knows what is remembered.
pub(super) enum Source {
    /// The running daemon.
    Daemon(control::Client),
    /// The memory, which this process holds for itself.
    Opened(Threads),
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NoSource {
    #[error(
        "a daemon may be running, but cannot be asked: {0}. Nothing was opened beside it; look at its log, or stop it and try again"
    )]
    Silent(String),
    #[error("{}: no installation has been here yet: {what}. Look at state_dir in the configuration", shown(path))]
    Nothing { path: PathBuf, what: &'static str },
    #[error(
        "{} belongs to the user {owner}: run this as {owner} (`sudo -u {owner} sincerely …`). What another user writes there, the daemon might not be able to read",
        shown(path)
    )]
    Foreign { path: PathBuf, owner: String },
    #[error("{} is in use by a process that cannot be asked: a daemon that is just starting or ending, or another command. Try again", shown(.0))]
    InUse(PathBuf),
    #[error(transparent)]
    Open(OpenError),
}

impl NoSource {
    /// The exit code that says what to do.
    pub(in crate::cli) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Silent(_) | Self::InUse(_) | Self::Open(_) => ExitCode::TempFail,
            Self::Nothing { .. } => ExitCode::NoInput,
            Self::Foreign { .. } => ExitCode::NoPerm,
        }
    }
}

impl Source {
    /// The daemon where one runs; else the memory is opened.
    ///
    /// # Errors
    /// When there is a daemon that does not answer, no installation, or one of another user.
    pub(super) async fn of(config: &Config) -> Result<Self, NoSource> {
        let client = control::Client::new(&config.state_dir);
        match client.reach().await {
            Reach::Alive => Ok(Self::Daemon(client)),
            Reach::Nobody => open(config).map(Self::Opened),
            Reach::Silent(why) => {
                // Whoever may not even reach the socket is told who may.
                let me = Uid::effective();
                own(&config.state_dir, me).or_else(|error| if me.is_root() { Ok(()) } else { Err(error) })?;
                Err(NoSource::Silent(why))
            }
        }
    }

    /// The threads of that name, the newest first.
    ///
    /// # Errors
    /// When the memory cannot answer.
    pub(super) async fn stories(&self, named: &Named) -> Result<Vec<Story>, Unavailable> {
        match self {
            Self::Daemon(client) => client.stories(named).await,
            Self::Opened(threads) => patiently(|| threads.stories(named.clone()), say_why).await,
        }
    }

    /// How much is remembered.
    ///
    /// # Errors
    /// When the memory cannot answer.
    pub(super) async fn count(&self) -> Result<Count, Unavailable> {
        match self {
            Self::Daemon(client) => client.count().await,
            Self::Opened(threads) => patiently(|| threads.count(), say_why).await,
        }
    }

    /// A page of the mail that has failed, the newest first, behind `before`; empty after the last.
    ///
    /// # Errors
    /// When the memory cannot answer.
    pub(super) async fn bounced(&self, before: Option<Bookmark>) -> Result<Vec<Bounced>, Unavailable> {
        match self {
            Self::Daemon(client) => client.bounced(before).await,
            Self::Opened(threads) => patiently(|| threads.bounced(before), say_why).await,
        }
    }

    /// Forgets a correspondent; false where nothing is remembered of them.
    ///
    /// # Errors
    /// When the memory cannot tell, or it could not be written.
    pub(super) async fn forget(&self, address: &Address) -> Result<bool, Unavailable> {
        match self {
            Self::Daemon(client) => client.forget(address).await,
            Self::Opened(threads) => threads.forget(address).await,
        }
    }

    /// Ends what was opened; what was written is on disk then.
    pub(super) async fn close(self) {
        match self {
            Self::Daemon(_) => {}
            Self::Opened(threads) => threads.close().await,
        }
    }
}

/// Opens the memory, where there is one, as its owner; nothing is made where there is none.
fn open(config: &Config) -> Result<Threads, NoSource> {
    let state_dir = &config.state_dir;
    own(state_dir, Uid::effective())?;
    if !state_dir.join("journal").is_dir() {
        return Err(NoSource::Nothing { path: state_dir.clone(), what: "it holds no journal" });
    }
    let opened = Local::visit(state_dir, config.threads.clone(), clock::now());
    let local = opened.map_err(|error| match error {
        OpenError::InUse(path) => NoSource::InUse(path),
        OpenError::Folder { .. } | OpenError::Thread(_) => NoSource::Open(error),
    })?;
    if let Some(damage) = local.damage() {
        complain(format_args!("warning: {}", describe(damage)));
    }
    Ok(Threads::Local(local))
}

/// What became of an index that could not be used.
fn describe(Damage { why, aside }: &Damage) -> String {
    let put = aside.as_ref().map_or_else(
        || "it could not be set aside either".to_owned(),
        |aside| format!("it was set aside in {}, and is made again from the journal", aside.display()),
    );
    format!("the thread index could not be used: {why}; {put}. Nothing that was learned is lost by that")
}

/// Whether the state directory is there and `me` is its owner.
pub(in crate::cli) fn own(state_dir: &Path, me: Uid) -> Result<(), NoSource> {
    let path = || state_dir.to_owned();
    let owner = match std::fs::metadata(state_dir) {
        Ok(found) => Uid::from_raw(found.uid()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(NoSource::Nothing { path: path(), what: "there is no such folder" });
        }
        Err(source) => return Err(NoSource::Open(OpenError::Folder { path: path(), source })),
    };
    if owner == me { Ok(()) } else { Err(NoSource::Foreign { path: path(), owner: name(owner) }) }
}

/// The user's name, or number where it has none.
fn name(user: Uid) -> String {
    let known = User::from_uid(user).ok().flatten();
    known.map_or_else(|| format!("#{user}"), |user| user.name)
}

fn say_why(why: &Unavailable) {
    complain(format_args!(
        "sincerely: {why}; waiting for it for {} seconds. A daemon rebuilds it when it starts, and can be asked then",
        PATIENCE.as_secs()
    ));
}

/// Asks until the index, which may have to be made again from the journal, is there; `tell`s once that it waits.
async fn patiently<T, F>(mut ask: impl FnMut() -> F, tell: impl FnOnce(&Unavailable)) -> Result<T, Unavailable>
where
    F: Future<Output = Result<T, Unavailable>>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut tell = Some(tell);
    loop {
        let answer = ask().await;
        let Err(why) = &answer else { return answer };
        if tokio::time::Instant::now() >= deadline {
            return answer;
        }
        if let Some(tell) = tell.take() {
            tell(why);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of somebody else's: the system's root folder, or, for root, one that was given away.
    fn foreign() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = if Uid::effective().is_root() {
            std::os::unix::fs::chown(folder.path(), Some(65_534), None).unwrap();
            folder.path().to_owned()
        } else {
            "/".into()
        };
        (folder, path)
    }

    #[test]
    fn only_the_owner_opens_the_memory() {
        let (_folder, path) = foreign();
        let error = own(&path, Uid::effective()).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::NoPerm);
        let owner = std::fs::metadata(&path).unwrap().uid();
        assert!(error.to_string().contains(&name(Uid::from_raw(owner))), "{error}");
        assert!(own(&path, Uid::from_raw(owner)).is_ok());
    }

    #[test]
    fn a_user_without_a_name_has_a_number() {
        assert_eq!(name(Uid::from_raw(4_294_967_290)), "#4294967290");
        assert_eq!(name(Uid::from_raw(0)), "root");
    }

    #[tokio::test(start_paused = true)]
    async fn an_index_that_is_being_made_is_waited_for_and_not_for_ever() {
        let (mut asked, mut told) = (0, 0);
        let answer = patiently(
            || {
                asked += 1;
                let answer = if asked == 3 { Ok(asked) } else { Err(Unavailable("not yet".into())) };
                async move { answer }
            },
            |_| told += 1,
        );
        assert_eq!(answer.await, Ok(3));
        assert_eq!(told, 1);
        let never = patiently(|| async { Err::<(), _>(Unavailable("not yet".into())) }, |_| ());
        assert_eq!(never.await, Err(Unavailable("not yet".into())));
    }
}
