//! STUB (threads helper)
use super::{Count, Found, Query, Record, Unavailable};
/// stub
pub struct Memory;
impl Memory {
    /// stub
    pub fn learn(&self, _: Vec<Record>) -> Result<(), Unavailable> {
        todo!()
    }
    /// stub
    pub fn look_up(&self, _: &Query) -> Result<Found, Unavailable> {
        todo!()
    }
    /// stub
    pub fn count(&self) -> Result<Count, Unavailable> {
        todo!()
    }
}
