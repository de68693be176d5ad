//! What a run leaves to read: results.json, run.json and the table.

mod artifacts;
mod headline;
mod page;
mod results;
mod run_json;
mod svg;
mod table;

pub use artifacts::{Artifacts, write_whole};
pub use headline::headline;
pub use page::{Pictures, page};
pub use results::{PictureRecord, ResultRow, WorstFrameImages};
pub use run_json::{Asked, RunRecord, StageTiming, TeardownRecord};
pub use table::table;
