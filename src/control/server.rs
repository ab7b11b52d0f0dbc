//! The daemon's half of the control socket.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::absences::{Change, Register};
use crate::clock;
use crate::mail::{Address, PersonName};
use crate::people::People;
use crate::people::absence::Absences;
use crate::threads::{Bookmark, Named, Query, Threads, Unavailable};

use super::{ABSENCES, ALIVE, AWAY, BOUNCED, CHANGE, COUNT, Changed, FORGET, LOOK_UP, STATUS, STORIES, Tell, socket};

/// Binds the socket of a state directory, for its owner only; a stale one is replaced. Only for the process that holds
/// the directory's lock: nobody else can be listening.
///
/// # Errors
/// When the socket cannot be made.
pub fn bind(state_dir: &Path) -> io::Result<UnixListener> {
    let path = socket(state_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path)?;
    // A state directory that others may enter leaves only this between them and the memory.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers commands until `shutdown`, from the memory of `state`.
///
/// # Errors
/// When the socket fails for good.
pub async fn serve<S>(listener: UnixListener, state: Arc<S>, shutdown: CancellationToken) -> io::Result<()>
where
    S: AsRef<Threads> + AsRef<Register> + AsRef<People> + Tell + Send + Sync + 'static,
{
    let router = Router::new()
        .route(ALIVE, get(|| async { StatusCode::OK }))
        .route(LOOK_UP, post(look_up::<S>))
        .route(STORIES, post(stories::<S>))
        .route(COUNT, get(count::<S>))
        .route(BOUNCED, post(bounced::<S>))
        .route(FORGET, post(forget::<S>))
        .route(ABSENCES, get(absences::<S>))
        .route(AWAY, get(away::<S>))
        .route(CHANGE, post(change::<S>))
        .route(STATUS, get(status::<S>))
        .with_state(state);
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

type Refusal = (StatusCode, String);

async fn look_up<S: AsRef<Threads>>(State(state): State<Arc<S>>, body: Bytes) -> Result<Vec<u8>, Refusal> {
    let query: Query = read(&body)?;
    say(threads(&*state).look_up(query).await)
}

async fn stories<S: AsRef<Threads>>(State(state): State<Arc<S>>, body: Bytes) -> Result<Vec<u8>, Refusal> {
    let named: Named = read(&body)?;
    say(threads(&*state).stories(named).await)
}

async fn count<S: AsRef<Threads>>(State(state): State<Arc<S>>) -> Result<Vec<u8>, Refusal> {
    say(threads(&*state).count().await)
}

async fn bounced<S: AsRef<Threads>>(State(state): State<Arc<S>>, body: Bytes) -> Result<Vec<u8>, Refusal> {
    let before: Option<Bookmark> = read(&body)?;
    say(threads(&*state).bounced(before).await)
}

async fn forget<S: AsRef<Threads>>(State(state): State<Arc<S>>, body: Bytes) -> Result<Vec<u8>, Refusal> {
    let address: Address = read::<String>(&body)?.parse().map_err(refused)?;
    say(threads(&*state).forget(&address).await)
}

async fn absences<S: AsRef<Register>>(State(state): State<Arc<S>>) -> Result<Vec<u8>, Refusal> {
    say(Ok(&*register(&*state).snapshot()))
}

async fn away<S: Tell>(State(state): State<Arc<S>>) -> Result<Vec<u8>, Refusal> {
    say(Ok(state.away()))
}

/// Whoever types a name has another configuration before them than a daemon that was not restarted since: what that
/// does not know, it would not do. Writing takes a moment, in which nothing else is kept from going on.
async fn change<S>(State(state): State<Arc<S>>, body: Bytes) -> Result<Vec<u8>, Refusal>
where
    S: AsRef<Register> + AsRef<People> + Send + Sync + 'static,
{
    let change: Change = read(&body)?;
    let people: &People = (*state).as_ref();
    let is_there = |name: &&PersonName| people.person(name).is_some_and(|person| person.name == **name);
    if let Some(stranger) = change.names().find(|name| !is_there(name)) {
        let told = format!(
            "the running daemon knows no person {:?} who is there: its configuration is older than the file. Restart it, then say it again",
            stranger.0
        );
        return Err((StatusCode::CONFLICT, told));
    }
    let changing = move || register(&*state).change(&change, clock::now());
    let changed =
        tokio::task::spawn_blocking(changing).await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
    let (before, after) = changed.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    say(Ok(Changed { before: Absences::clone(&before), after: Absences::clone(&after) }))
}

async fn status<S: Tell>(State(state): State<Arc<S>>) -> Result<Vec<u8>, Refusal> {
    say(Ok(state.tell().await))
}

fn register<S: AsRef<Register>>(state: &S) -> &Register {
    state.as_ref()
}

fn threads<S: AsRef<Threads>>(state: &S) -> &Threads {
    state.as_ref()
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    postcard::from_bytes(body).map_err(refused)
}

fn refused(error: impl ToString) -> Refusal {
    (StatusCode::BAD_REQUEST, error.to_string())
}

fn say<T: Serialize>(answer: Result<T, Unavailable>) -> Result<Vec<u8>, Refusal> {
    let answer = answer.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.0))?;
    postcard::to_stdvec(&answer).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
