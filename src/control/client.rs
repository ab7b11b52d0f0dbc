//! A command's half of the control socket.

use std::io;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::threads::{Found, Query, Unavailable};

use super::{ALIVE, LOOK_UP, socket};

/// Asks the daemon that runs on a state directory.
pub struct Client {
    socket: PathBuf,
}

/// Why the daemon did not answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("cannot reach the daemon at its control socket: {0}")]
    Socket(#[from] io::Error),
    #[error("the daemon's answer broke off: {0}")]
    Http(#[from] hyper::Error),
    #[error("the daemon said {0}: {1}")]
    Refused(StatusCode, String),
    #[error("the daemon is of another version: {0}")]
    Language(#[from] postcard::Error),
}

impl Client {
    /// A client for the daemon of a state directory; nothing is contacted yet.
    pub fn new(state_dir: &Path) -> Self {
        Self { socket: socket(state_dir) }
    }

    /// Whether a daemon answers.
    pub async fn is_alive(&self) -> bool {
        self.ask(Method::GET, ALIVE, Vec::new()).await.is_ok()
    }

    /// Asks the live index.
    ///
    /// # Errors
    /// When the daemon or its index cannot answer.
    pub async fn look_up(&self, query: &Query) -> Result<Found, Unavailable> {
        let answer = async {
            let body = self.ask(Method::POST, LOOK_UP, postcard::to_stdvec(query)?).await?;
            Ok::<_, Trouble>(postcard::from_bytes(&body)?)
        };
        answer.await.map_err(|trouble| Unavailable(trouble.to_string()))
    }

    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Bytes, Trouble> {
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
        } else {
            Err(Trouble::Refused(status, String::from_utf8_lossy(&body).into_owned()))
        }
    }
}
