//! What a run leaves: its folder, and the shapes of the files in it.

mod cleanup;
mod folder;
mod notes;
mod row;
mod run_json;

pub use cleanup::{Check, Proof, ResourceState, Swept};
pub use folder::{Artifacts, write_whole};
pub use notes::{Note, NoteKind};
pub use row::{PictureRecord, ResultRow, WorstFrameImages};
pub use run_json::{Asked, RunRecord, StageTiming, TeardownRecord, UnmeasuredRecord, VerdictRecord};
