//! STUB
use crate::mail::*;
use bytes::Bytes;
pub struct Held;
pub struct About<'a> {
    pub transaction: &'a TransactionId,
    pub reverse_path: &'a ReversePath,
    pub recipient: &'a Address,
}
impl Held {
    pub async fn keep(
        &self,
        _: HoldReason,
        _: &About<'_>,
        _: &[Bytes],
        _: jiff::Timestamp,
    ) -> Result<std::path::PathBuf, std::io::Error> {
        todo!()
    }
}
