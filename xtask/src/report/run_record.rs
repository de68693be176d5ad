//! run.json: everything about a run except its measurements.

use std::collections::BTreeMap;

use anyhow::ensure;
use execution_history::{
    chunking::{ChunkCounts, ChunkSize},
    cost::Prices,
    failure::Failed,
};
use render_verdict::{
    gates::Limits,
    verdict::{Conclusion, Missing, Outcome},
};
use serde::{Deserialize, Serialize};

use crate::{
    aws::{access::Target, region::Region},
    cli::eval::Prepares,
    context,
    project::names::{RunId, StackName},
    report::{
        row::Deletions,
        tables::{EMULATED, EMULATED_SWEEP},
    },
    tools::{handler::HandlerZip, preflight::ToolVersions},
};

/// The version of run.json that this tool writes and reads.
const SCHEMA_VERSION: u32 = 1;

/// The highest value of `--iterations`.
const MAX_ITERATIONS: u32 = 100;

/// The content of run.json, written by a run and read by the reports. A run saves it
/// in every stage, so that a killed run has one too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    pub schema_version: u32,
    #[serde(flatten)]
    pub asked: Asked,
    pub run_id: RunId,
    /// The run whose renders it repeats that did not pass or were not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<RunId>,
    /// The run that created the stack and kept it, where this one ran on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuses: Option<RunId>,
    /// Which side of an A/B comparison it is, and what that differs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended; null while it runs, or when it was killed.
    pub ended_at: Option<String>,
    /// The exit code; null while it runs, or when it was killed.
    pub exit_code: Option<u8>,
    /// Which AWS: an account, an emulator, or the embedded AWS.
    pub target: Option<Target>,
    pub account: Option<String>,
    pub region: Region,
    pub stack: StackName,
    /// The parameters of the template that the run set, without secrets.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    pub prices: Prices,
    /// The commit of this repository, with `-dirty` when it has changes, and `-unchecked` when that was not looked for.
    pub git_commit: Option<String>,
    pub tools: ToolVersions,
    /// The handler ZIP that was deployed.
    pub handler: Option<HandlerZip>,
    /// Every stage's duration, in order.
    pub stages: Vec<StageTiming>,
    /// The verdict; null when the run did not get that far.
    pub verdict: Option<VerdictRecord>,
    /// What failed, if anything did.
    pub failure: Option<String>,
    /// Why the execution failed, if one did.
    pub execution_failure: Option<Failed>,
    /// How the clean-up ended; null before it.
    pub teardown: Option<TeardownRecord>,
}

/// A command and its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all_fields = "camelCase")]
pub enum Asked {
    #[serde(rename = "lambda-smoke")]
    Smoke {
        #[serde(flatten)]
        fixtures: SmokeFixtures,
        /// One render of each fixture for each of them.
        chunk_counts: ChunkCounts,
    },
    #[serde(rename = "lambda-eval")]
    Eval {
        /// The fixtures, and the limits that their renders had to meet.
        fixtures: BTreeMap<String, Limits>,
        /// One execution for each of them, in each iteration.
        chunk_counts: ChunkCounts,
        /// The sizes of memory that were measured, MB; empty where it is the deployed one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        memory_mb: Vec<u32>,
        /// The requested frames per chunk; null when renders differ in that.
        chunk_size: Option<ChunkSize>,
        /// Measured rounds.
        iterations: u32,
        /// Rounds before them that are not measured.
        warmup: u32,
        /// How the functions were prepared for the measured renders.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prepares: Option<Prepares>,
        /// How many measured executions ran at the same time, at most.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        jobs: usize,
        /// Whether the in-process renderer was timed too.
        local_leg: bool,
    },
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(jobs: &usize) -> bool {
    *jobs == 1
}

/// The fixtures of a smoke run, and the limits that their renders had to meet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SmokeFixtures {
    One {
        fixture: String,
        gate: Limits,
    },
    /// Several, by their names.
    Several {
        fixtures: BTreeMap<String, Limits>,
    },
}

impl RunRecord {
    /// The record of a run that begins now.
    pub fn begun(run: &RunId, stack: &StackName, region: &Region, asked: Asked, prices: &Prices) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            asked,
            run_id: run.clone(),
            repeats: None,
            reuses: None,
            side: None,
            started_at: context::now_rfc3339(),
            ended_at: None,
            exit_code: None,
            target: None,
            account: None,
            region: region.clone(),
            stack: stack.clone(),
            parameters: BTreeMap::new(),
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

    /// Refuses content that no run of this tool writes.
    ///
    /// # Errors
    /// When the version differs, or there are more iterations than a run can have.
    pub fn check(&self) -> anyhow::Result<()> {
        let version = self.schema_version;
        ensure!(
            version == SCHEMA_VERSION,
            "run.json has schemaVersion {version}, but this tool reads {SCHEMA_VERSION}"
        );
        if let Asked::Eval { iterations, .. } = self.asked {
            // The reports list every iteration, measured or not.
            ensure!(
                iterations <= MAX_ITERATIONS,
                "run.json has {iterations} iterations, but a run has at most {MAX_ITERATIONS}"
            );
        }
        Ok(())
    }

    /// `lambda-smoke` or `lambda-eval`.
    pub fn command(&self) -> &'static str {
        if self.is_eval() { "lambda-eval" } else { "lambda-smoke" }
    }

    /// What to know before one reads the times of an eval: that they are an emulator's.
    pub(crate) fn emulated(&self) -> Option<&'static str> {
        let is_emulator = self.target.as_ref().is_some_and(|target| target.endpoint().is_some());
        let text = if self.memories().is_empty() { EMULATED } else { EMULATED_SWEEP };
        (self.is_eval() && is_emulator).then_some(text)
    }

    /// The sizes of memory that an eval measured, MB; empty where it was the deployed one.
    pub fn memories(&self) -> &[u32] {
        match &self.asked {
            Asked::Smoke { .. } => &[],
            Asked::Eval { memory_mb, .. } => memory_mb,
        }
    }

    pub fn is_eval(&self) -> bool {
        matches!(self.asked, Asked::Eval { .. })
    }

    /// The fixtures, in the order of run.json.
    pub fn fixtures(&self) -> Vec<&str> {
        match &self.asked {
            Asked::Smoke { fixtures: SmokeFixtures::One { fixture, .. }, .. } => vec![fixture],
            Asked::Smoke { fixtures: SmokeFixtures::Several { fixtures }, .. } | Asked::Eval { fixtures, .. } => {
                fixtures.keys().map(String::as_str).collect()
            }
        }
    }

    /// Whether the names of renders begin with their fixture's, as a run may have several.
    pub fn names_fixtures(&self) -> bool {
        !matches!(self.asked, Asked::Smoke { fixtures: SmokeFixtures::One { .. }, .. })
    }

    pub fn chunk_counts(&self) -> &ChunkCounts {
        match &self.asked {
            Asked::Smoke { chunk_counts, .. } | Asked::Eval { chunk_counts, .. } => chunk_counts,
        }
    }

    /// The flag because of which a stack is kept.
    pub(crate) fn keeps_by(&self) -> &'static str {
        if self.reuses.is_some() { "--reuse-stack" } else { "--keep-stack" }
    }

    pub fn target_name(&self) -> String {
        match (&self.target, &self.account) {
            (Some(Target::Account { .. }), Some(account)) => format!("AWS account {account}"),
            (Some(Target::Account { .. }), None) => "AWS".to_owned(),
            (Some(Target::Endpoint { url, .. }), _) => format!("an emulator at {url}"),
            (Some(Target::Embedded { .. }), _) => "the embedded AWS on the machine that ran it".to_owned(),
            (None, _) => "none was reached".to_owned(),
        }
    }

    /// The limits for the renders of a fixture; `None` when the run has no such fixture.
    pub fn gate_of(&self, fixture: &str) -> Option<Limits> {
        match &self.asked {
            Asked::Smoke { fixtures: SmokeFixtures::One { gate, .. }, .. } => Some(*gate),
            Asked::Smoke { fixtures: SmokeFixtures::Several { fixtures }, .. } | Asked::Eval { fixtures, .. } => {
                fixtures.get(fixture).copied()
            }
        }
    }
}

/// The verdict in run.json. It proves nothing, unlike a [`Conclusion`], which only a verdict returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictRecord {
    /// pass, incomplete, unequal or contradictory.
    pub outcome: Outcome,
    /// Why the run does not pass, a line each.
    pub findings: Vec<String>,
    /// How many renders were measured.
    pub measured: usize,
    /// The renders that were planned and not measured; `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<Vec<UnmeasuredRecord>>,
}

/// A render that was planned and not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnmeasuredRecord {
    /// Which render: `N=4`, in eval `many-cuts N=4 #2`.
    pub render: String,
    /// Why, when it is known.
    pub cause: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_run: bool,
}

impl From<&Conclusion> for VerdictRecord {
    fn from(conclusion: &Conclusion) -> Self {
        let unmeasured = conclusion.unmeasured().iter();
        let record = |(render, missing): &(String, Missing)| UnmeasuredRecord {
            render: render.clone(),
            cause: match missing {
                Missing::Unknown => None,
                Missing::Failed(cause) | Missing::NotRun(cause) => Some(cause.clone()),
            },
            not_run: matches!(missing, Missing::NotRun(_)),
        };
        Self {
            outcome: conclusion.outcome(),
            findings: conclusion.findings().to_vec(),
            measured: conclusion.measured(),
            unmeasured: Some(unmeasured.map(record).collect()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageTiming {
    pub stage: String,
    pub ms: u64,
}

/// How the clean-up ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "outcome")]
pub enum TeardownRecord {
    /// Everything is proved gone.
    Clean {
        #[serde(rename = "swept")]
        deleted: Vec<Deletions>,
        /// How many resources were checked and are gone.
        resources_verified: usize,
    },
    /// Something exists, or can't be proved to be gone.
    Leaked {
        leaks: Vec<String>,
        /// The command that completes the clean-up.
        recovery: String,
    },
    /// The stack stays on request.
    Kept {
        /// The command that removes it.
        recovery: String,
    },
    NothingCreated,
}
