//! A command's half of the control socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::absences::Change;
use crate::mail::Address;
use crate::people::absence::Absences;
use crate::threads::{Bookmark, Bounced, Count, Found, Named, Query, Story, Unavailable};

use super::{
    ABSENCES, ALIVE, AWAY, BOUNCED, CHANGE, COUNT, Changed, FORGET, Gone, LOOK_UP, STATUS, STORIES, Status, socket,
};

/// How long a daemon may take to answer: far longer than it does, and no longer than people wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for a question that all of the memory must be read for.
const LONG_PATIENCE: Duration = Duration::from_secs(300);

/// Asks the daemon that runs on a state directory.
pub struct Client {
    socket: PathBuf,
}

/// Whether there is a daemon to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It answers.
    Alive,
    /// No daemon runs on this state directory.
    Nobody,
    /// One may run, but does not answer or may not be asked: why.
    Silent(String),
}

/// Why it is not known that something was changed.
#[derive(Debug, thiserror::Error)]
pub enum Unchanged {
    /// It names somebody whom the daemon does not know.
    #[error("{0}")]
    Unknown(String),
    /// The daemon was told, and what it answered is not known.
    #[error("{0}")]
    Unheard(String),
    /// The daemon could not write it, or cannot be reached: nothing was changed.
    #[error("{0}")]
    Unavailable(String),
}

/// Why the daemon did not answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("cannot reach the daemon at its control socket: {0}")]
    Socket(#[from] io::Error),
    #[error("the daemon's answer broke off: {0}")]
    Http(#[from] hyper::Error),
    #[error("the daemon is of another version, and does not know {0}: restart it")]
    Path(String),
    #[error("the daemon said {0}: {1}")]
    Refused(StatusCode, String),
    #[error("the daemon is of another version, and its answer cannot be read ({0}): restart it")]
    Language(#[from] postcard::Error),
    #[error("the daemon did not answer within {} s", .0.as_secs())]
    Late(Duration),
}

impl Client {
    /// A client for the daemon of a state directory; nothing is contacted yet.
    pub fn new(state_dir: &Path) -> Self {
        Self { socket: socket(state_dir) }
    }

    /// Whether a daemon answers, and if none does, whether there is one.
    pub async fn reach(&self) -> Reach {
        match self.send(Method::GET, ALIVE, Vec::new(), PATIENCE).await {
            Ok(_) => Reach::Alive,
            Err(Trouble::Socket(error)) if is_nobody(&error) => Reach::Nobody,
            Err(trouble) => Reach::Silent(trouble.to_string()),
        }
    }

    /// Asks the live index; waits a few seconds at most.
    ///
    /// # Errors
    /// When the daemon or its index cannot answer.
    pub async fn look_up(&self, query: &Query) -> Result<Found, Unavailable> {
        self.ask(LOOK_UP, query, PATIENCE).await
    }

    /// The stories of the threads of that name; waits a few seconds at most.
    ///
    /// # Errors
    /// When the daemon or its index cannot answer.
    pub async fn stories(&self, named: &Named) -> Result<Vec<Story>, Unavailable> {
        self.ask(STORIES, named, PATIENCE).await
    }

    /// How much is remembered; waits some minutes at most, since all of it is read.
    ///
    /// # Errors
    /// When the daemon or its index cannot answer.
    pub async fn count(&self) -> Result<Count, Unavailable> {
        let answer = self.send(Method::GET, COUNT, Vec::new(), LONG_PATIENCE).await;
        answer.and_then(|body| Ok(postcard::from_bytes(&body)?)).map_err(unavailable)
    }

    /// A page of the mail that has failed, the newest first; waits some minutes at most, since all of it is read.
    ///
    /// # Errors
    /// When the daemon or its index cannot answer.
    pub async fn bounced(&self, before: Option<Bookmark>) -> Result<Vec<Bounced>, Unavailable> {
        self.ask(BOUNCED, &before, LONG_PATIENCE).await
    }

    /// Forgets a correspondent, and tells whether anything was known of them; waits some minutes at most, since all that is remembered is looked at.
    ///
    /// # Errors
    /// When the daemon could not write it.
    pub async fn forget(&self, address: &Address) -> Result<bool, Unavailable> {
        self.ask(FORGET, &address.to_string(), LONG_PATIENCE).await
    }

    /// What was said of people's absence.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub async fn absences(&self) -> Result<Absences, Unavailable> {
        let answer = self.send(Method::GET, ABSENCES, Vec::new(), PATIENCE).await;
        answer.and_then(|body| Ok(postcard::from_bytes(&body)?)).map_err(unavailable)
    }

    /// Who is away now, or will be, as the daemon sees it.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub async fn away(&self) -> Result<Vec<Gone>, Unavailable> {
        let answer = self.send(Method::GET, AWAY, Vec::new(), PATIENCE).await;
        answer.and_then(|body| Ok(postcard::from_bytes(&body)?)).map_err(unavailable)
    }

    /// Changes what was said; it is on disk then.
    ///
    /// # Errors
    /// When it names somebody whom the daemon does not know, or the daemon could not write it or does not answer.
    pub async fn change(&self, change: &Change) -> Result<Changed, Unchanged> {
        self.ask_for(CHANGE, change, PATIENCE).await.map_err(|trouble| match &trouble {
            Trouble::Refused(StatusCode::CONFLICT, told) => Unchanged::Unknown(told.clone()),
            Trouble::Language(_) => {
                Unchanged::Unheard(format!("it was probably done, but {trouble}, then look at `sincerely status`"))
            }
            Trouble::Http(_) | Trouble::Late(_) => {
                Unchanged::Unheard(format!("it may have been done, but {trouble}: look at `sincerely status`"))
            }
            Trouble::Refused(..) | Trouble::Path(_) | Trouble::Socket(_) => Unchanged::Unavailable(trouble.to_string()),
        })
    }

    /// How the daemon is.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<Status, Unavailable> {
        let answer = self.send(Method::GET, STATUS, Vec::new(), PATIENCE).await;
        answer.and_then(|body| Ok(postcard::from_bytes(&body)?)).map_err(unavailable)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
        patience: Duration,
    ) -> Result<T, Unavailable> {
        self.ask_for(path, question, patience).await.map_err(unavailable)
    }

    async fn ask_for<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
        patience: Duration,
    ) -> Result<T, Trouble> {
        let body = self.send(Method::POST, path, postcard::to_stdvec(question)?, patience).await?;
        Ok(postcard::from_bytes(&body)?)
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>, patience: Duration) -> Result<Bytes, Trouble> {
        let answer = tokio::time::timeout(patience, self.exchange(method, path, body)).await;
        answer.map_err(|_| Trouble::Late(patience))?
    }

    async fn exchange(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Bytes, Trouble> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends by itself with the connection, which ends with the sender.
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header("host", "sincerely");
        let request = request.body(Full::new(Bytes::from(body))).map_err(io::Error::other)?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status.is_success() {
            Ok(body)
        } else if status == StatusCode::NOT_FOUND {
            Err(Trouble::Path(path.to_owned()))
        } else {
            Err(Trouble::Refused(status, String::from_utf8_lossy(&body).into_owned()))
        }
    }
}

fn unavailable(trouble: Trouble) -> Unavailable {
    Unavailable(trouble.to_string())
}

/// No socket, or one that nobody listens at: its daemon was killed.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn without_a_listener_there_is_nobody() {
        let state_dir = tempfile::tempdir().unwrap();
        let client = Client::new(state_dir.path());
        assert_eq!(client.reach().await, Reach::Nobody);
        drop(UnixListener::bind(socket(state_dir.path())).unwrap());
        assert_eq!(client.reach().await, Reach::Nobody, "the socket of a daemon that was killed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_hangs_is_not_waited_for() {
        let state_dir = tempfile::tempdir().unwrap();
        // The system accepts for it, as for a daemon that was stopped.
        let _hanging = UnixListener::bind(socket(state_dir.path())).unwrap();
        let client = Client::new(state_dir.path());
        let late = "the daemon did not answer within 5 s";
        assert_eq!(client.reach().await, Reach::Silent(late.into()));
        assert_eq!(client.look_up(&Query::default()).await.unwrap_err().0, late);
    }

    /// A daemon that answers one request so.
    fn answering(state_dir: &Path, answer: &'static [u8]) {
        let listener = UnixListener::bind(socket(state_dir)).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 16]).unwrap();
            stream.write_all(answer).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            // Whoever asks may write until the answer is read.
            let _ = stream.read_to_end(&mut Vec::new());
        });
    }

    #[tokio::test]
    async fn a_daemon_of_another_version_may_have_done_it() {
        let change = Change::ComeBack(crate::mail::PersonName("sophie".into()), false);
        for (answer, expected) in [
            (
                &b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff"[..],
                "it was probably done, but the daemon is of another version",
            ),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\xff", "it may have been done"),
            (
                b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
                "the daemon is of another version, and does not know /absences/change: restart it",
            ),
        ] {
            let state_dir = tempfile::tempdir().unwrap();
            answering(state_dir.path(), answer);
            let why = Client::new(state_dir.path()).change(&change).await.unwrap_err();
            assert_eq!(matches!(why, Unchanged::Unheard(_)), expected.contains("done"), "{why}");
            assert!(why.to_string().starts_with(expected), "{why}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_not_nobody() {
        let state_dir = tempfile::tempdir().unwrap();
        // Whoever may do everything is refused nothing; a loop of links refuses everyone.
        std::os::unix::fs::symlink("control.sock", socket(state_dir.path())).unwrap();
        assert!(matches!(Client::new(state_dir.path()).reach().await, Reach::Silent(_)));
    }
}
