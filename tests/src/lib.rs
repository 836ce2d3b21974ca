//! What verifies the whole workbook, and what its tests share.

pub mod memory;
pub mod page;
pub mod served;
pub mod suite;
pub mod transcripts;
