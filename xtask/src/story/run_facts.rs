//! run.json as it is read: what [`crate::artifacts::RunRecord`] writes. Pure.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::{
    artifacts::{StageTiming, TeardownRecord},
    aws::Target,
    chunking::{ChunkCount, ChunkSize},
    cost::Prices,
    handler::HandlerZip,
    history::Failed,
    measure::{gate::Gate, verdict::Outcome},
    names::{Region, RunId, StackName},
    preflight::ToolVersions,
};

/// The version of run.json that this tool writes and reads.
const SCHEMA_VERSION: u32 = 1;

/// What `--iterations` takes at most.
const MOST_ITERATIONS: u32 = 100;

/// Everything about a run but the measurements.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFacts {
    /// The version of the file's shape.
    pub schema_version: u32,
    /// `lambda-smoke` or `lambda-eval`.
    pub command: String,
    /// The run.
    pub run_id: RunId,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended; `None` while it runs, or when it was killed.
    pub ended_at: Option<String>,
    /// The exit status; `None` likewise.
    pub exit_code: Option<u8>,
    /// Which AWS; `None` when the run did not get that far.
    pub target: Option<Target>,
    /// The account, likewise.
    pub account: Option<String>,
    /// The region.
    pub region: Region,
    /// The stack.
    pub stack: StackName,
    /// Chunk counts asked for, in order.
    pub chunk_counts: Vec<ChunkCount>,
    /// Of eval: frames a chunk, where asked for.
    pub chunk_size: Option<ChunkSize>,
    /// Of eval: measured rounds.
    pub iterations: Option<u32>,
    /// Of eval: rounds before them that are not measured.
    pub warmup: Option<u32>,
    /// Of eval: whether the in-process renderer was timed too.
    pub local_leg: Option<bool>,
    /// What costs are reckoned by.
    pub prices: Prices,
    /// The commit of the repository, with `-dirty` when it had changes.
    pub git_commit: Option<String>,
    /// Tool names and what each says of its version.
    pub tools: ToolVersions,
    /// The ZIP that was deployed.
    pub handler: Option<HandlerZip>,
    /// Every stage's duration, in order.
    pub stages: Vec<StageTiming>,
    /// The verdict; `None` when the run did not get that far.
    pub verdict: Option<VerdictRecord>,
    /// What failed, where something did.
    pub failure: Option<String>,
    /// Why the execution failed, where one did.
    pub execution_failure: Option<Failed>,
    /// How the clean-up ended; `None` before it.
    pub teardown: Option<TeardownRecord>,
    #[serde(rename = "fixture")]
    smoke_fixture: Option<String>,
    #[serde(rename = "gate")]
    smoke_gate: Option<Gate>,
    #[serde(rename = "fixtures")]
    eval_fixtures: Option<BTreeMap<String, Gate>>,
}

/// Which command a run was of, and what its renders had to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<'a> {
    /// `lambda-smoke`.
    Smoke {
        /// The fixture.
        fixture: &'a str,
        /// Its limits.
        gate: &'a Gate,
    },
    /// `lambda-eval`.
    Eval {
        /// The fixtures and the limits of each.
        fixtures: &'a BTreeMap<String, Gate>,
    },
}

/// The verdict as run.json has it. No proof of anything, unlike a
/// [`crate::measure::verdict::Conclusion`], which only a verdict gives.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictRecord {
    /// pass, incomplete, unequal or contradictory.
    pub outcome: Outcome,
    /// Why not pass, a line each.
    pub findings: Vec<String>,
    /// How many renders were measured.
    pub measured: usize,
}

impl RunFacts {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let version = self.schema_version;
        ensure!(version == SCHEMA_VERSION, "run.json has schemaVersion {version}, this tool reads {SCHEMA_VERSION}");
        // Each is told of, measured or not.
        let rounds = self.iterations.unwrap_or(1);
        ensure!(rounds <= MOST_ITERATIONS, "run.json has {rounds} iterations, a run has {MOST_ITERATIONS} at most");
        self.kind().map(drop)
    }

    /// Which command the run was of.
    ///
    /// # Errors
    /// When run.json has what neither command, or both, would write.
    pub fn kind(&self) -> anyhow::Result<Kind<'_>> {
        match self.command.as_str() {
            "lambda-smoke" => Ok(Kind::Smoke {
                fixture: self.smoke_fixture.as_deref().context("run.json of lambda-smoke has no fixture")?,
                gate: self.smoke_gate.as_ref().context("run.json of lambda-smoke has no gate")?,
            }),
            "lambda-eval" => Ok(Kind::Eval {
                fixtures: self.eval_fixtures.as_ref().context("run.json of lambda-eval has no fixtures")?,
            }),
            other => bail!("run.json has the command {other:?}; there are reports of lambda-smoke and lambda-eval"),
        }
    }

    /// The fixtures, in the order of run.json.
    pub fn fixtures(&self) -> Vec<&str> {
        match (&self.smoke_fixture, &self.eval_fixtures) {
            (Some(fixture), _) => vec![fixture],
            (None, Some(fixtures)) => fixtures.keys().map(String::as_str).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// What the renders of a fixture had to reach.
    pub fn gate_of(&self, fixture: &str) -> Option<Gate> {
        self.smoke_gate.or_else(|| self.eval_fixtures.as_ref()?.get(fixture).copied())
    }

    /// Whether the run was of `lambda-eval`.
    pub fn is_eval(&self) -> bool {
        self.eval_fixtures.is_some()
    }
}
