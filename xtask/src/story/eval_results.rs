//! results.json of an eval run as it is read. Pure.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{Files, RenderStory, RunFacts};
use crate::{
    artifacts::ResultRow,
    benchmark::{Case, Likeness, LocalRender, Start},
    chunking::{ChunkCount, PlanProtocol, RenderId},
    cost::Prices,
    scaling::Scaling,
};

/// The version of eval's results.json that this tool writes and reads.
const SCHEMA_VERSION: u32 = 1;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EvalResults {
    schema_version: u32,
    #[expect(dead_code, reason = "read so that a file without it is told; run.json has the same")]
    prices: Prices,
    pub cases: Vec<Case>,
    pub lambda_samples: Vec<LambdaSampleRecord>,
    pub local_samples: Vec<LocalSampleRecord>,
    pub scaling: BTreeMap<String, Value>,
    pub caveats: Vec<String>,
}

impl EvalResults {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let version = self.schema_version;
        ensure!(
            version == SCHEMA_VERSION,
            "results.json has schemaVersion {version}, this tool reads {SCHEMA_VERSION}"
        );
        Ok(())
    }
}

/// One execution, or why there is none. Flat, so that an error has its line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LambdaSampleRecord {
    fixture: String,
    protocol: PlanProtocol,
    chunk_count: ChunkCount,
    iteration: u32,
    failure: Option<String>,
    start: Option<Start>,
    render: Option<ResultRow>,
    against_local: Option<Likeness>,
}

impl LambdaSampleRecord {
    /// The render; `None` where it failed.
    pub(super) fn render(
        self,
        files: &Files,
        run: &RunFacts,
        gaps: &mut Vec<String>,
    ) -> anyhow::Result<Option<RenderStory>> {
        let id = RenderId { protocol: self.protocol, chunk_count: self.chunk_count };
        let label = format!("{} {id} #{}", self.fixture, self.iteration);
        if self.failure.is_some() {
            return Ok(None);
        }
        let what = || format!("results.json: the Lambda sample {label} has neither a failure nor");
        let row = self.render.with_context(|| format!("{} a render", what()))?;
        let start = self.start.with_context(|| format!("{} a start", what()))?;
        let gate = run.gate_of(&self.fixture);
        let story = RenderStory::of_eval(files, (self.fixture, self.iteration), gate, row, gaps)?;
        Ok(Some(RenderStory { start, against_local: self.against_local, ..story }))
    }
}

/// A render on the machine of the run, or why there is none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocalSampleRecord {
    fixture: String,
    iteration: u32,
    failure: Option<String>,
    #[serde(flatten)]
    render: Option<LocalRender>,
}

/// A render on the machine of the run.
#[derive(Debug, Clone)]
pub struct LocalStory {
    /// The fixture.
    pub fixture: String,
    /// From 1.
    pub iteration: u32,
    /// The render, or why there is none.
    pub outcome: Result<LocalRender, String>,
}

impl From<LocalSampleRecord> for LocalStory {
    fn from(record: LocalSampleRecord) -> Self {
        let untold = || "results.json does not tell why".to_owned();
        let outcome = record.render.ok_or_else(|| record.failure.unwrap_or_else(untold));
        Self { fixture: record.fixture, iteration: record.iteration, outcome }
    }
}

/// Each fixture's model, or the reason that stands in its place.
pub(super) fn scaling(records: BTreeMap<String, Value>) -> anyhow::Result<BTreeMap<String, Result<Scaling, String>>> {
    let model = |(fixture, record): (String, Value)| match record.get("reason").and_then(Value::as_str) {
        Some(reason) => Ok((fixture, Err(reason.to_owned()))),
        None => {
            let model = serde_json::from_value(record);
            let model = model.with_context(|| format!("results.json: scaling of {fixture}"))?;
            Ok((fixture, Ok(model)))
        }
    };
    records.into_iter().map(model).collect()
}
