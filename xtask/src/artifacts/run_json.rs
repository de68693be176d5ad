//! run.json: everything about a run but the measurements themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Swept;
use crate::{
    aws::Target,
    chunking::{ChunkCounts, ChunkSize},
    clock,
    cost::Prices,
    handler::HandlerZip,
    history::Failed,
    measure::{gate::Gate, verdict::Conclusion},
    names::{Region, RunId, StackName},
    preflight::ToolVersions,
};

/// The content of run.json. Saved at every stage, so that a killed run leaves it too.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The version of this shape.
    pub schema_version: u32,
    /// The command.
    pub command: &'static str,
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
    /// What was asked for.
    #[serde(flatten)]
    pub asked: Asked,
    /// What costs are reckoned by.
    pub prices: Prices,
    /// The commit of this repository, with `-dirty` when it has changes.
    pub git_commit: Option<String>,
    /// The versions of the tools.
    pub tools: ToolVersions,
    /// The ZIP that was deployed.
    pub handler: Option<HandlerZip>,
    /// Every stage's duration, in order.
    pub stages: Vec<StageTiming>,
    /// The verdict; null when the run did not get that far.
    pub verdict: Option<Conclusion>,
    /// What failed, where something did.
    pub failure: Option<String>,
    /// Why the execution failed, where one did.
    pub execution_failure: Option<Failed>,
    /// How the clean-up ended; null before it.
    pub teardown: Option<TeardownRecord>,
}

/// What a command was asked for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Asked {
    /// By `lambda-smoke`.
    Smoke {
        /// The fixture.
        fixture: String,
        /// One render for each.
        chunk_counts: ChunkCounts,
        /// What the renders had to reach.
        gate: Gate,
    },
    /// By `lambda-eval`.
    Eval {
        /// The fixtures, and what the renders of each had to reach.
        fixtures: BTreeMap<String, Gate>,
        /// One execution for each, in each iteration.
        chunk_counts: ChunkCounts,
        /// Frames a chunk that were asked for; null where renders differ in that.
        chunk_size: Option<ChunkSize>,
        /// Measured rounds.
        iterations: u32,
        /// Rounds before them that are not measured.
        warmup: u32,
        /// Whether the in-process renderer was timed too.
        local_leg: bool,
    },
}

impl RunRecord {
    /// The record of a run that begins now.
    pub fn begun(
        command: &'static str,
        run: &RunId,
        stack: &StackName,
        region: &Region,
        asked: Asked,
        prices: &Prices,
    ) -> Self {
        Self {
            schema_version: 1,
            command,
            run_id: run.clone(),
            started_at: clock::now_rfc3339(),
            ended_at: None,
            exit_code: None,
            target: None,
            account: None,
            region: region.clone(),
            stack: stack.clone(),
            asked,
            prices: prices.clone(),
            git_commit: None,
            tools: ToolVersions::new(),
            handler: None,
            stages: Vec::new(),
            verdict: None,
            failure: None,
            execution_failure: None,
            teardown: None,
        }
    }
}

/// How long a stage took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageTiming {
    /// Its name.
    pub stage: String,
    /// Its duration, ms.
    pub ms: u64,
}

/// How the clean-up ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
