//! What people read of a run: its table, its page, and the phrases said while it goes on.

mod headline;
mod page;
mod svg;
mod table;

pub use headline::headline;
pub use page::{Pictures, page};
pub use table::table;
