//! run.json: everything about a run except the measurements themselves.

use std::{collections::BTreeMap, fmt};

use anyhow::ensure;
use execution_history::{
    chunking::{ChunkCounts, ChunkSize},
    cost::Prices,
    failure::Failed,
};
use render_verdict::{
    gates::Limits,
    verdict::{Conclusion, Outcome},
};
use serde::{Deserialize, Serialize};

use crate::{
    aws::{access::Target, region::Region},
    context,
    project::names::{RunId, StackName},
    report::row::Swept,
    tools::{handler::HandlerZip, preflight::ToolVersions},
};

/// The version of run.json that this tool writes and reads.
const SCHEMA_VERSION: u32 = 1;

/// The most rounds that `--iterations` takes.
const MAX_ITERATIONS: u32 = 100;

/// The content of run.json, written by a run and read by the reports. A run saves it
/// at every stage, so that a killed run leaves it too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The version of this shape.
    pub schema_version: u32,
    /// The command, and what it was asked for.
    #[serde(flatten)]
    pub asked: Asked,
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
    /// The prices that costs are calculated from.
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
    pub verdict: Option<VerdictRecord>,
    /// What failed, where something did.
    pub failure: Option<String>,
    /// Why the execution failed, where one did.
    pub execution_failure: Option<Failed>,
    /// How the clean-up ended; null before it.
    pub teardown: Option<TeardownRecord>,
}

/// A command, and what it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all_fields = "camelCase")]
pub enum Asked {
    /// `lambda-smoke`.
    #[serde(rename = "lambda-smoke")]
    Smoke {
        /// The fixture.
        fixture: String,
        /// One render for each.
        chunk_counts: ChunkCounts,
        /// What the renders had to reach.
        gate: Limits,
    },
    /// `lambda-eval`.
    #[serde(rename = "lambda-eval")]
    Eval {
        /// The fixtures, and what the renders of each had to reach.
        fixtures: BTreeMap<String, Limits>,
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
    pub fn begun(run: &RunId, stack: &StackName, region: &Region, asked: Asked, prices: &Prices) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            asked,
            run_id: run.clone(),
            started_at: context::now_rfc3339(),
            ended_at: None,
            exit_code: None,
            target: None,
            account: None,
            region: region.clone(),
            stack: stack.clone(),
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

    /// Refuses what no run of this tool writes.
    ///
    /// # Errors
    /// When the version is another one, or there are more iterations than a run can have.
    pub fn check(&self) -> anyhow::Result<()> {
        let version = self.schema_version;
        ensure!(version == SCHEMA_VERSION, "run.json has schemaVersion {version}, this tool reads {SCHEMA_VERSION}");
        if let Asked::Eval { iterations, .. } = self.asked {
            // The reports list each of them, measured or not.
            ensure!(
                iterations <= MAX_ITERATIONS,
                "run.json has {iterations} iterations, a run has {MAX_ITERATIONS} at most"
            );
        }
        Ok(())
    }

    /// `lambda-smoke` or `lambda-eval`.
    pub fn command(&self) -> &'static str {
        if self.is_eval() { "lambda-eval" } else { "lambda-smoke" }
    }

    /// Whether the command was `lambda-eval`.
    pub fn is_eval(&self) -> bool {
        matches!(self.asked, Asked::Eval { .. })
    }

    /// The fixtures, in the order of run.json.
    pub fn fixtures(&self) -> Vec<&str> {
        match &self.asked {
            Asked::Smoke { fixture, .. } => vec![fixture],
            Asked::Eval { fixtures, .. } => fixtures.keys().map(String::as_str).collect(),
        }
    }

    /// The chunk counts that were asked for, in order.
    pub fn chunk_counts(&self) -> &ChunkCounts {
        match &self.asked {
            Asked::Smoke { chunk_counts, .. } | Asked::Eval { chunk_counts, .. } => chunk_counts,
        }
    }

    /// The limits of a fixture's renders; `None` when the run has no such fixture.
    pub fn gate_of(&self, fixture: &str) -> Option<Limits> {
        match &self.asked {
            Asked::Smoke { gate, .. } => Some(*gate),
            Asked::Eval { fixtures, .. } => fixtures.get(fixture).copied(),
        }
    }
}

/// The verdict as run.json has it. It proves nothing, unlike a [`Conclusion`], which only a verdict gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictRecord {
    /// pass, incomplete, unequal or contradictory.
    pub outcome: Outcome,
    /// Why it is not a pass, a line each.
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
    /// Why, where it is known.
    pub cause: Option<String>,
}

impl From<&Conclusion> for VerdictRecord {
    fn from(conclusion: &Conclusion) -> Self {
        let unmeasured = conclusion.unmeasured().iter();
        let record = |(render, cause): &(String, Option<String>)| UnmeasuredRecord {
            render: render.clone(),
            cause: cause.clone(),
        };
        Self {
            outcome: conclusion.outcome(),
            findings: conclusion.findings().to_vec(),
            measured: conclusion.measured(),
            unmeasured: Some(unmeasured.map(record).collect()),
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

// What readers should know about a run: gathered once, and printed by every report in the same order. Pure.

/// Something that readers should know and that fails nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// The sentence.
    pub text: String,
    /// The names of the renders that have it, in the order of measuring; empty when it is
    /// about the whole run, or about every render.
    pub about: Vec<String>,
}

/// What a note is about. Reports show the kinds in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// Single renders.
    Renders,
    /// What the figures can't show.
    Caveat,
    /// A file that is missing from the folder, or is of no use.
    Gap,
}

impl Note {
    /// A note about the whole run.
    pub fn about_the_run(kind: NoteKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), about: Vec::new() }
    }

    /// The notes of named renders: each sentence once, in the order of its first appearance.
    /// Samples of one case may share a name.
    pub fn about_renders<'a>(renders: impl IntoIterator<Item = (String, &'a [String])>) -> Vec<Self> {
        let mut notes: Vec<Self> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (name, texts) in renders {
            for text in texts {
                match notes.iter_mut().find(|note| note.text == *text) {
                    Some(note) if note.about.contains(&name) => {}
                    Some(note) => note.about.push(name.clone()),
                    None => notes.push(Self { kind: NoteKind::Renders, text: text.clone(), about: vec![name.clone()] }),
                }
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for note in notes.iter_mut().filter(|note| note.about.len() == names.len()) {
            note.about.clear();
        }
        notes
    }
}

/// The renders that it is about, unless those are all of them, and the sentence.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.about.is_empty() {
            true => f.write_str(&self.text),
            false => write!(f, "{}: {}", self.about.join(", "), self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_listed_once_with_its_renders_unless_all_have_it() {
        let notes = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (first, second) = (notes(&["old ffmpeg", "dark"]), notes(&["old ffmpeg"]));
        let renders = [("N=1", &first), ("N=1", &first), ("N=2", &second)];
        let found = Note::about_renders(renders.map(|(name, notes)| (name.to_owned(), notes.as_slice())));
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["old ffmpeg", "N=1: dark"]);
    }
}
