//! What a run leaves to read: results.json, run.json and the table.

mod artifacts;
mod counted;
mod results;
mod run_json;
mod table;

pub use artifacts::Artifacts;
pub use counted::counted;
pub use results::{PictureRecord, ResultRow};
pub use run_json::{Asked, RunRecord, StageTiming, TeardownRecord, ToolVersions};
pub use table::table;
