//! The login at the next hop (RFC 4954): AUTH PLAIN, or LOGIN where only that is offered.

use std::io;
use std::path::Path;

use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};

use super::connection::Connection;
use super::reply::completed;
use crate::mail::{Failure, Reply};

/// A user and a password.
#[derive(Debug, Clone)]
pub struct Credentials {
    user: String,
    password: SecretString,
}

/// What can be wrong with a credentials file. Says nothing of its content.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    File(#[from] io::Error),
    /// It has another shape.
    #[error("expected two lines: the user, and below it the password; nothing else")]
    Shape,
    /// It begins with a mark that some editors write, and that would be sent as a part of the user.
    #[error("begins with a byte order mark: write it as UTF-8 without one")]
    Mark,
    /// Octets that no login can hold.
    #[error("its user or password is not UTF-8, or holds a control character")]
    Octets,
}

impl Credentials {
    /// Reads a file of two lines.
    ///
    /// # Errors
    /// Where it cannot be read, or has other than two lines, neither of them empty.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let text: SecretString = String::from_utf8(std::fs::read(path)?).map_err(|_| CredentialsError::Octets)?.into();
        if text.expose_secret().starts_with('\u{feff}') {
            return Err(CredentialsError::Mark);
        }
        let mut lines = text.expose_secret().lines();
        let (Some(user), Some(password), None) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CredentialsError::Shape);
        };
        if user.is_empty() || password.is_empty() {
            return Err(CredentialsError::Shape);
        }
        // RFC 4616 §2: NUL divides the parts of a login; no other control character is meant either.
        if user.chars().chain(password.chars()).any(char::is_control) {
            return Err(CredentialsError::Octets);
        }
        Ok(Self { user: user.into(), password: password.into() })
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Logs in.
    ///
    /// # Errors
    /// [`Failure::Unfit`] where it offers no mechanism of ours, or refuses: whatever its code is, it speaks of a
    /// password and of no message.
    pub(super) async fn log_in(&self, connection: &mut Connection) -> Result<(), Failure> {
        let offers = connection.offers();
        let reply = if offers.auth_plain {
            self.plain(connection).await?
        } else if offers.auth_login {
            self.login(connection).await?
        } else {
            return Err(Failure::Unfit("it offers neither AUTH PLAIN nor AUTH LOGIN to log in with".into()));
        };
        if completed(reply.clone(), Failure::Us).is_err() {
            let user = &self.user;
            return Err(Failure::Unfit(format!("it refuses the login of relay.credentials_file as {user}: {reply}")));
        }
        Ok(())
    }

    /// RFC 4616: one message, with the command.
    async fn plain(&self, connection: &mut Connection) -> Result<Reply, Failure> {
        let login = SecretString::from(format!("\0{}\0{}", self.user, self.password.expose_secret()));
        let command = SecretString::from(format!("AUTH PLAIN {}\r\n", encoded(&login).expose_secret()));
        connection.ask(command.expose_secret()).await
    }

    /// As it is spoken everywhere, and never became an RFC: user and password are asked for, in this order
    /// whatever the words of the questions are.
    async fn login(&self, connection: &mut Connection) -> Result<Reply, Failure> {
        const QUESTION: u16 = 334;
        let user = SecretString::from(self.user.clone());
        let mut reply = connection.ask("AUTH LOGIN\r\n").await?;
        for part in [&user, &self.password] {
            if reply.code != QUESTION {
                break;
            }
            let answer = SecretString::from(format!("{}\r\n", encoded(part).expose_secret()));
            reply = connection.ask(answer.expose_secret()).await?;
        }
        Ok(reply)
    }
}

fn encoded(secret: &SecretString) -> SecretString {
    BASE64.encode(secret.expose_secret().as_bytes()).into()
}

impl PartialEq for Credentials {
    /// Tells two tables of one configuration apart; nobody can time it.
    fn eq(&self, other: &Self) -> bool {
        self.user == other.user && self.password.expose_secret() == other.password.expose_secret()
    }
}

impl Eq for Credentials {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Result<Credentials, CredentialsError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Credentials::read(file.path())
    }

    #[test]
    fn two_lines_are_a_login() {
        for text in ["sincerely\n pass:word \n", "sincerely\r\n pass:word ", "sincerely\r\n pass:word \r\n"] {
            let credentials = read(text).unwrap();
            assert_eq!((credentials.user(), credentials.password.expose_secret()), ("sincerely", " pass:word "));
            assert!(!format!("{credentials:?}").contains("pass:word"), "{credentials:?}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "\n", "user", "user\n", "user\n\n", "\npassword\n", "# the login\nuser\npassword\n", "a\nb\n\n"]
        {
            assert!(matches!(read(text), Err(CredentialsError::Shape)), "{text:?}");
        }
        for text in [&b"user\npass\0word\n"[..], b"us\ter\npassword\n", b"user\npass\xff\n"] {
            assert!(matches!(read(text), Err(CredentialsError::Octets)), "{text:?}");
        }
        assert!(matches!(read("\u{feff}user\npassword\n"), Err(CredentialsError::Mark)));
        assert!(matches!(Credentials::read("/nowhere".as_ref()), Err(CredentialsError::File(_))));
    }
}
