//! What comes before the first MAIL on a connection: greeting, EHLO, TLS, login.

use lettre::transport::smtp::extension::ClientId;

use super::connection::Connection;
use super::login::Credentials;
use super::reply::completed;
use super::tls::{Shield, Tls};
use crate::mail::Failure;
use crate::relay::Timeouts;

/// How the next hop is spoken to, beside where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// How much TLS is wanted.
    pub tls: Tls,
    /// The login, where there is one. Goes nowhere but through required TLS, or to this machine: the
    /// configuration sees to that.
    pub login: Option<Credentials>,
}

/// Makes connections on which MAIL may be said.
pub(super) struct Introduction {
    server: String,
    hello: ClientId,
    timeouts: Timeouts,
    shield: Option<Shield>,
    login: Option<Credentials>,
}

impl Introduction {
    /// To `server`, host and port; `hostname` is what EHLO says.
    pub(super) fn new(server: String, hostname: &str, timeouts: Timeouts, security: Security) -> Self {
        let shield = Shield::new(&security.tls, &server);
        Self { server, hello: ClientId::Domain(hostname.into()), timeouts, shield, login: security.login }
    }

    /// A fresh connection.
    ///
    /// # Errors
    /// When the next hop cannot be reached, refuses us, or is not as the configuration wants it.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        let mut connection = match &self.shield {
            None => self.greet().await?,
            Some(shield) if shield.is_required => self.encrypted(shield).await?,
            Some(shield) => self.encrypted_at_best(shield).await?,
        };
        if let Some(login) = &self.login {
            login.log_in(&mut connection).await?;
        }
        Ok(connection)
    }

    async fn greet(&self) -> Result<Connection, Failure> {
        Connection::greet(&self.server, &self.hello, self.timeouts).await
    }

    async fn encrypted(&self, shield: &Shield) -> Result<Connection, Failure> {
        let connection = self.greet().await?;
        if !connection.offers().starttls {
            return Err(Failure::Unfit("it does not offer STARTTLS, and relay.tls is \"required\"".into()));
        }
        self.encrypt(connection, shield).await
    }

    /// RFC 7435 §3: where TLS does not work, mail goes without it, since it would have gone without it to a
    /// next hop that offers none. Nothing of what failed is used: the connection is a fresh one.
    async fn encrypted_at_best(&self, shield: &Shield) -> Result<Connection, Failure> {
        let connection = self.greet().await?;
        if !connection.offers().starttls {
            return Ok(connection);
        }
        match self.encrypt(connection, shield).await {
            Ok(connection) => Ok(connection),
            Err(failure) => {
                let server = &self.server;
                tracing::warn!(server, %failure, "going on without TLS, which the next hop offers and which fails");
                self.greet().await
            }
        }
    }

    async fn encrypt(&self, mut connection: Connection, shield: &Shield) -> Result<Connection, Failure> {
        let refused = |reply| Failure::Unfit(format!("it offers STARTTLS and refuses it: {reply}"));
        completed(connection.ask("STARTTLS\r\n").await?, refused)?;
        connection.encrypt(shield).await?;
        connection.hello(&self.hello).await?;
        Ok(connection)
    }
}
