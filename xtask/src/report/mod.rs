//! What people read of a run: its table, its page, and the phrases said while it goes on.

pub mod columns;
mod headline;
mod page;
mod svg;
pub mod tables;

pub use headline::headline;
pub use page::{Pictures, page};
