//! STUB (threads helper)
use super::{Count, Durability, Found, Query, Record, Unavailable};
/// stub
pub struct Local;
impl Local {
    /// stub
    pub async fn learn(&self, _: Vec<Record>, _: Durability) -> Result<(), Unavailable> {
        todo!()
    }
    /// stub
    pub async fn look_up(&self, _: Query) -> Result<Found, Unavailable> {
        todo!()
    }
    /// stub
    pub async fn count(&self) -> Result<Count, Unavailable> {
        todo!()
    }
}
