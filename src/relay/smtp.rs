//! STUB (relay helper)
use super::Mail;
use crate::mail::{Address, Failure, Reply};
use bytes::Bytes;
/// stub
pub struct SmtpRelay;
/// stub
pub struct SmtpTransaction;
impl SmtpRelay {
    /// stub
    pub async fn hand_over(&self, _: &Mail, _: &Address, _: &[Bytes]) -> Result<Reply, Failure> {
        todo!()
    }
}
impl SmtpRelay {
    /// stub
    pub fn new(_: String, _: &str, _: super::Timeouts) -> Self {
        Self
    }
    /// stub
    pub async fn begin(&self, _: &Mail) -> Result<SmtpTransaction, Failure> {
        todo!()
    }
}
impl SmtpTransaction {
    /// stub
    pub async fn recipient(&mut self, _: &Address) -> Result<Reply, Failure> {
        todo!()
    }
    /// stub
    pub async fn data(self, _: &[Bytes]) -> Result<Reply, Failure> {
        todo!()
    }
}
