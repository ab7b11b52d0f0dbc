//! STUB (relay helper)
use super::Mail;
use crate::mail::{Address, Failure, Reply};
use bytes::Bytes;
/// stub
pub struct MaildirRelay;
/// stub
pub struct MaildirTransaction;
impl MaildirRelay {
    /// stub
    pub async fn hand_over(&self, _: &Mail, _: &Address, _: &[Bytes]) -> Result<Reply, Failure> {
        todo!()
    }
}
impl MaildirRelay {
    /// stub
    pub fn new(_: std::path::PathBuf) -> Self {
        Self
    }
    /// stub
    pub fn begin(&self, _: &Mail) -> MaildirTransaction {
        todo!()
    }
}
impl MaildirTransaction {
    /// stub
    pub fn recipient(&mut self, _: &Address) -> Reply {
        todo!()
    }
    /// stub
    pub async fn data(self, _: &[Bytes]) -> Result<Reply, Failure> {
        todo!()
    }
}
