//! A run's report: what its artifact folder contains, and the tables, pages and files made from it.

pub mod artifacts;
pub(crate) mod columns;
pub mod compare;
pub(crate) mod evidence;
pub mod files;
mod gates;
pub(crate) mod history;
pub mod junit;
pub mod markdown;
pub(crate) mod notes;
pub mod page;
pub(crate) mod render;
pub(crate) mod row;
pub(crate) mod run_record;
pub(crate) mod tables;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::Context;
use execution_history::chunking::{ChunkCount, PlanProtocol, PlanProtocols, RenderId};
use render_verdict::{finding::Finding, known_good::Toolchain, protocols::SemanticComparison};
use serde::Serialize;

use crate::{
    console::text::counted,
    eval::{
        case::Case,
        results::EvalResults,
        sample::{LambdaSample, LocalSample, Outcome},
        scaling::Scaling,
        tuning::Tuning,
    },
    exit::ExitCode,
    report::{
        artifacts::{RUN_JSON, missing_run_json},
        compare::SideBySide,
        files::Files,
        notes::{Note, NoteKind},
        render::{FailedExecution, RenderReport},
        row::{Proof, RenderKey, ResultRow},
        run_record::{Asked, RunRecord, TeardownRecord, UnmeasuredRecord},
    },
};

/// A run as its artifact folder describes it: what every report is made from.
///
/// Smoke and eval runs become the same report. What a failed or killed run did not write is
/// `None` or empty, and is listed in [`RunReport::notes`]; a file that can't be understood is
/// an error.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// What was run, where, with which tools, how long each stage took, and how it ended.
    pub run: RunRecord,
    /// Every render that was measured, in the order of measurement.
    pub renders: Vec<RenderReport>,
    /// Every render on Lambda that should have been measured and was not.
    pub unmeasured: Vec<Unmeasured>,
    /// Every execution that did not succeed, read from its files.
    pub failed: Vec<FailedExecution>,
    /// Eval only: one for each fixture and chunk count.
    pub cases: Vec<Case>,
    /// Eval only: every render on the machine that ran it.
    pub local: Vec<LocalSample>,
    /// Eval with several chunk counts only: the model of each fixture, or why there is none; in a sweep of memory of each
    /// size.
    pub scaling: BTreeMap<String, Result<Scaling, String>>,
    /// Eval with several sizes of memory only: what to choose for each fixture.
    pub tuning: BTreeMap<String, Tuning>,
    /// Smoke with both plan protocols only: how their renders compare.
    pub semantic: Vec<SemanticComparison>,
    /// What readers should know: notes on renders, then on what the figures can't show,
    /// then on files that are missing from the folder.
    pub notes: Vec<Note>,
    /// What was checked after the clean-up; `None` when the run did not get that far.
    pub proof: Option<Proof>,
    /// How it differs from an earlier run, where it was compared with one.
    pub compared: Option<SideBySide>,
    /// Every file in the folder, relative to it, sorted.
    pub files: Vec<String>,
}

/// A render to repeat: its fixture, the memory of its functions in MB in a sweep of memory, and its chunk count.
pub type Repeated = (String, Option<u32>, ChunkCount);

/// A render on Lambda that was requested and not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmeasured {
    /// Which render.
    pub key: RenderKey,
    /// Why, as far as is known.
    pub cause: String,
    /// Whether it was not even run.
    pub not_run: bool,
}

impl Unmeasured {
    /// What became of it, in two words.
    pub fn state(&self) -> &'static str {
        if self.not_run { "not run" } else { "not measured" }
    }
}

impl RunReport {
    /// Assembles the report.
    ///
    /// # Errors
    /// When there is no run.json, or a file is malformed; the error names the file, and
    /// the line of the field.
    pub fn of(files: &Files) -> anyhow::Result<Self> {
        let run: RunRecord = files.json(RUN_JSON)?.with_context(missing_run_json)?;
        run.check()?;
        let (mut caveats, mut gaps) = (Vec::new(), Vec::new());
        let mut report = Self {
            renders: Vec::new(),
            unmeasured: Vec::new(),
            failed: FailedExecution::all(files),
            cases: Vec::new(),
            local: Vec::new(),
            scaling: BTreeMap::new(),
            tuning: BTreeMap::new(),
            semantic: files.json("semantic-comparisons.json")?.unwrap_or_default(),
            notes: Vec::new(),
            proof: files.json("cleanup-verification.json")?,
            compared: None,
            files: files.names().map(str::to_owned).collect(),
            run,
        };
        if !files.has("results.json") {
            let what = if report.run.is_eval() { "nothing" } else { "no render" };
            gaps.push(format!("results.json is missing: {what} was measured"));
        } else if report.run.is_eval() {
            caveats = report.add_eval_results(files, &mut gaps)?;
        } else {
            report.add_smoke_results(files, &mut gaps)?;
        }
        report.unmeasured = report.find_unmeasured()?;
        report.notes = Note::about_renders(report.renders.iter().map(|r| (r.label.clone(), r.row.notes.as_slice())));
        report.notes.extend(caveats.into_iter().map(|text| Note::about_the_run(NoteKind::Caveat, text)));
        report.notes.extend(gaps.into_iter().map(|text| Note::about_the_run(NoteKind::Gap, text)));
        Ok(report)
    }

    fn add_smoke_results(&mut self, files: &Files, gaps: &mut Vec<String>) -> anyhow::Result<()> {
        let rows: Vec<ResultRow> = files.json("results.json")?.unwrap_or_default();
        for row in rows {
            let key = row.key();
            let fixture = self.fixture_of(&key);
            let gate = self.run.gate_of(&fixture);
            self.renders.push(RenderReport::of(files, key, fixture, gate, row, gaps)?);
        }
        Ok(())
    }

    /// The fixture of a render, whose key does not name the only one.
    pub(crate) fn fixture_of(&self, key: &RenderKey) -> String {
        key.fixture.clone().unwrap_or_else(|| self.run.fixtures().concat())
    }

    /// Returns what the figures can't show.
    fn add_eval_results(&mut self, files: &Files, gaps: &mut Vec<String>) -> anyhow::Result<Vec<String>> {
        let Some(results) = files.json::<EvalResults>("results.json")? else { return Ok(Vec::new()) };
        results.check()?;
        for LambdaSample { id, outcome } in results.lambda_samples {
            let Outcome::Done(execution) = outcome else { continue };
            let (fixture, gate) = (id.fixture.clone(), self.run.gate_of(&id.fixture));
            let render = RenderReport::of(files, id.into(), fixture, gate, execution.render, gaps)?;
            let (start, against_local) = (execution.start, execution.against_local);
            self.renders.push(RenderReport { start, against_local, ..render });
        }
        (self.cases, self.local, self.scaling) = (results.cases, results.local_samples, results.scaling);
        self.tuning = results.tuning;
        Ok(results.caveats)
    }

    /// The unmeasured renders that the verdict names; without a verdict, all that were requested and not measured.
    ///
    /// # Errors
    /// When the verdict names a render that was not requested.
    fn find_unmeasured(&self) -> anyhow::Result<Vec<Unmeasured>> {
        let unmeasured = |key: RenderKey, cause: Option<String>, not_run| {
            let cause = cause.or_else(|| self.run.failure.clone()).unwrap_or_else(|| "the run ended first".to_owned());
            Unmeasured { key, cause, not_run }
        };
        let requested = self.requested();
        let with = |protocol, key: &RenderKey| RenderKey { id: RenderId { protocol, ..key.id }, ..key.clone() };
        if let Some(named) = self.run.verdict.as_ref().and_then(|verdict| verdict.unmeasured.clone()) {
            let keys: Vec<_> = PlanProtocols::Both
                .each()
                .iter()
                .flat_map(|protocol| requested.iter().map(|key| with(*protocol, key)))
                .collect();
            let of = |one: UnmeasuredRecord| {
                let key = keys.iter().find(|key| key.to_string() == one.render);
                let key = key.with_context(|| format!("{RUN_JSON}: {:?} is not a render of the run", one.render))?;
                Ok(unmeasured(key.clone(), one.cause, one.not_run))
            };
            return named.into_iter().map(of).collect();
        }
        let is_measured = |key: &RenderKey| {
            let mut measured = self.renders.iter().map(|render| with(key.id.protocol, &render.key));
            measured.any(|measured| measured == *key)
        };
        let missing = requested.into_iter().filter(|key| !is_measured(key));
        Ok(missing.map(|key| unmeasured(key, None, false)).collect())
    }

    /// The renders that did not pass, or were not measured; all chunk counts of a fixture that could not be rendered
    /// locally. All plan protocols of them are meant, as they are compared with each other.
    pub fn to_repeat(&self) -> Vec<Repeated> {
        let failed = self.renders.iter().filter(|render| !render.row.passed);
        let failed = failed.map(|render| (render.fixture.clone(), render.key.id));
        let unmeasured = self.unmeasured.iter().map(|missing| (self.fixture_of(&missing.key), missing.key.id));
        let renders = failed.chain(unmeasured);
        let mut found: Vec<_> = renders.map(|(fixture, id)| (fixture, id.memory_mb, id.chunk_count)).collect();
        for LocalSample { fixture, .. } in self.local.iter().filter(|sample| sample.outcome.failure().is_some()) {
            found.extend(self.run.chunk_counts().iter().map(|count| (fixture.clone(), None, *count)));
        }
        found.sort();
        found.dedup();
        found
    }

    /// The requested renders, with the default protocol, as run.json does not contain the requested one.
    fn requested(&self) -> Vec<RenderKey> {
        let iterations = match self.run.asked {
            Asked::Smoke { .. } => vec![None],
            Asked::Eval { iterations, .. } => (1..=iterations).map(Some).collect(),
        };
        let mut requested = Vec::new();
        for iteration in iterations {
            for (fixture, memory_mb) in self.groups() {
                let fixture = self.run.names_fixtures().then(|| fixture.to_owned());
                let id = |chunk_count| RenderId { protocol: PlanProtocol::V2, chunk_count, memory_mb };
                let key = |count: &ChunkCount| RenderKey { fixture: fixture.clone(), id: id(*count), iteration };
                requested.extend(self.run.chunk_counts().iter().map(key));
            }
        }
        requested
    }

    /// The fixtures, each with every size of memory that was measured, MB; without one where it is the deployed one.
    pub(crate) fn groups(&self) -> Vec<(&str, Option<u32>)> {
        let sizes: Vec<Option<u32>> = match self.run.memories() {
            [] => vec![None],
            several => several.iter().copied().map(Some).collect(),
        };
        let of = |fixture| sizes.iter().map(move |memory_mb| (fixture, *memory_mb)).collect::<Vec<_>>();
        self.run.fixtures().into_iter().flat_map(of).collect()
    }

    /// The renders of one fixture at one chunk count and protocol.
    pub fn renders_of<'a>(&'a self, fixture: &'a str, id: RenderId) -> impl Iterator<Item = &'a RenderReport> {
        self.renders.iter().filter(move |render| render.fixture == fixture && render.row.id == id)
    }

    /// The notes of one kind.
    pub fn notes_of(&self, kind: NoteKind) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(move |note| note.kind == kind)
    }

    /// The cost of all measured executions without S3 and logs, USD; `None` when no cost is known.
    pub fn total_usd(&self) -> Option<f64> {
        let costs: Vec<f64> = self.renders.iter().filter_map(|render| Some(render.row.cost.as_ref()?.usd)).collect();
        (!costs.is_empty()).then(|| costs.iter().sum())
    }

    /// Each toolchain that rendered, once: its known versions.
    pub fn toolchains(&self) -> BTreeSet<String> {
        let known = |toolchain: &Toolchain| {
            let Toolchain { producer, ffmpeg, chromium } = toolchain;
            let parts = [("HyperFrames", producer), ("ffmpeg", ffmpeg), ("Chromium", chromium)];
            let known = parts.iter().filter_map(|(name, version)| Some(format!("{name} {}", version.as_ref()?)));
            known.collect::<Vec<_>>().join(", ")
        };
        let all = self.renders.iter().map(|render| known(&render.row.toolchain));
        all.filter(|toolchain| !toolchain.is_empty()).collect()
    }

    /// How the run ended, and why.
    pub fn ending(&self) -> Ending {
        Ending::of(self)
    }
}

/// How a run ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// One word.
    pub word: Word,
    /// One sentence.
    pub text: String,
    /// Why the run does not pass, a line each.
    pub reasons: Vec<String>,
}

/// The word that a run's last line begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Word {
    /// Every requested render was measured and matches its baseline, and nothing is left behind.
    Pass,
    /// A render failed or differs too much, or the run failed.
    Fail,
    /// The renders pass, but something may be left behind.
    Leak,
    /// A signal ended the run.
    Stopped,
    /// The run is still going on, or was killed: there is no exit code.
    Unfinished,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Leak => "LEAK",
            Self::Stopped => "STOPPED",
            Self::Unfinished => "UNFINISHED",
        })
    }
}

impl Ending {
    pub(crate) fn of(report: &RunReport) -> Self {
        let (run, leak) = (&report.run, ExitCode::Leak.status());
        let count = report.renders.len();
        let measured = counted(count, "render");
        let (word, text) = match run.exit_code {
            None => (Word::Unfinished, format!("the run has not ended, or was killed; {measured} measured so far")),
            Some(0) => (Word::Pass, format!("{count} of {count} renders match the baseline")),
            Some(code) if code == leak => {
                (Word::Leak, "the renders pass, but something may be left behind (exit 7)".to_owned())
            }
            Some(code @ 129..) => (Word::Stopped, format!("by signal {}; {measured} measured", code - 128)),
            Some(code) => (Word::Fail, format!("{} (exit {code})", why(report))),
        };
        let verdict = run.verdict.iter().flat_map(|verdict| verdict.findings.iter().cloned());
        let reasons = run.failure.iter().cloned().chain(verdict).chain(leaks(run));
        Self { word, text, reasons: distinct(reasons) }
    }
}

fn why(report: &RunReport) -> Cow<'static, str> {
    let verdict = report.run.verdict.as_ref().filter(|_| report.run.failure.is_none());
    let is_unequal = |render: &&RenderReport| !render.row.findings.iter().all(Finding::is_contradiction);
    let unequal = report.renders.iter().filter(is_unequal).count();
    let reason = verdict.and_then(|verdict| verdict.outcome.reason(unequal, report.renders.len()));
    reason.unwrap_or(Cow::Borrowed("the run failed"))
}

fn leaks(run: &RunRecord) -> Vec<String> {
    match &run.teardown {
        Some(TeardownRecord::Leaked { leaks, recovery }) => {
            let lines = leaks.iter().map(|leak| format!("left behind: {leak}"));
            lines.chain([format!("the command that completes the clean-up: {recovery}")]).collect()
        }
        _ => Vec::new(),
    }
}

/// Each item once, in the order of first appearance.
pub(crate) fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for item in items {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

#[cfg(test)]
pub(crate) mod tests;
