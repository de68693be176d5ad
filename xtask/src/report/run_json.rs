//! run.json: everything about a run but the measurements themselves.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    aws::Target,
    handler::HandlerZip,
    history::Failed,
    measure::{gate::Gate, verdict::Outcome},
    names::{Region, RunId, StackName},
    plan::ChunkCounts,
    teardown::Swept,
};

/// The content of run.json. Saved at every stage, so that a killed run leaves it too.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The version of this shape.
    pub schema_version: u32,
    /// The run.
    pub run_id: RunId,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended; null while it runs, or when it was killed.
    pub ended_at: Option<String>,
    /// The exit status; null likewise.
    pub exit_code: Option<u8>,
    /// Which AWS.
    pub target: Option<Target>,
    /// The account.
    pub account: Option<String>,
    /// The region.
    pub region: Region,
    /// The stack.
    pub stack: StackName,
    /// The fixture.
    pub fixture: String,
    /// The chunk counts that were asked for.
    pub chunk_counts: ChunkCounts,
    /// What the renders had to reach.
    pub gate: Option<Gate>,
    /// The commit of this repository, with `-dirty` when it has changes.
    pub git_commit: Option<String>,
    /// The versions of the tools.
    pub tools: ToolVersions,
    /// The ZIP that was deployed.
    pub handler: Option<HandlerZip>,
    /// Every stage's duration, in order.
    pub stages: Vec<StageTiming>,
    /// The verdict; null when the run did not get that far.
    pub verdict: Option<VerdictRecord>,
    /// What failed, where something did.
    pub failure: Option<String>,
    /// Why the execution failed, where one did.
    pub execution_failure: Option<Failed>,
    /// How the clean-up ended; null before it.
    pub teardown: Option<TeardownRecord>,
}

/// Tool names and what each says of its version.
pub type ToolVersions = BTreeMap<String, String>;

/// How long a stage took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageTiming {
    /// Its name.
    pub stage: String,
    /// Its duration, ms.
    pub ms: u64,
}

/// The verdict, for reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictRecord {
    /// pass, incomplete, unequal or contradictory.
    pub outcome: Outcome,
    /// Why not pass, a line each.
    pub findings: Vec<String>,
}

/// How the clean-up ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "outcome")]
pub enum TeardownRecord {
    /// Everything is proved gone.
    Clean {
        /// What was done.
        swept: Vec<Swept>,
        /// How many resources were looked for and not found.
        resources_verified: usize,
    },
    /// Something is there, or can't be proved gone.
    Leaked {
        /// What.
        leaks: Vec<String>,
        /// The command that finishes the clean-up.
        recovery: String,
    },
    /// The stack stays on request.
    Kept {
        /// The command that removes it.
        recovery: String,
    },
    /// Nothing had been created.
    NothingCreated,
}
