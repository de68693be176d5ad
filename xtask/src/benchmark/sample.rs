//! What one iteration gave.

use std::fmt;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::likeness::Likeness;
use crate::{
    artifacts::ResultRow,
    chunking::{ChunkCount, PlanProtocol, RenderId},
    history::TimeSpent,
    scaling::Observation,
};

/// What tells one execution of an eval run from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleId {
    /// The fixture.
    pub fixture: String,
    /// Chunks and protocol asked for.
    #[serde(flatten)]
    pub render: RenderId,
    /// From 1.
    pub iteration: u32,
}

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} #{}", self.fixture, self.render, self.iteration)
    }
}

/// One execution on Lambda.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "LambdaSampleFields")]
pub struct LambdaSample {
    /// Which one.
    #[serde(flatten)]
    pub id: SampleId,
    /// What it gave, or why it failed.
    #[serde(flatten)]
    pub outcome: Outcome<Execution>,
}

/// An execution that gave a video.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Whether functions had to be started for it.
    pub start: Start,
    /// Everything that was measured, as in a smoke run.
    pub render: ResultRow,
    /// Against the fresh local render of the same iteration; null where none is kept.
    pub against_local: Option<Likeness>,
    /// What the model of scaling learns from it.
    #[serde(skip)]
    pub observation: Option<Observation>,
}

/// One render on this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "LocalSampleFields")]
pub struct LocalSample {
    /// The fixture.
    pub fixture: String,
    /// From 1.
    pub iteration: u32,
    /// What it gave, or why it failed.
    #[serde(flatten)]
    pub outcome: Outcome<LocalRender>,
}

/// A local render that was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalRender {
    /// From the start of the renderer's process to its end, ms.
    pub wall_ms: u64,
    /// The renderer's own share of it, ms; null where it does not tell.
    pub renderer_ms: Option<u64>,
    /// The video, relative to the artifact folder; null where it is not kept.
    pub output: Option<String>,
    /// Against the baseline; null where it is not kept.
    pub against_baseline: Option<Likeness>,
}

/// Done, or why not.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Outcome<T> {
    /// What it gave.
    Done(Box<T>),
    /// It failed.
    Failed {
        /// Why.
        failure: String,
    },
}

impl<T> Outcome<T> {
    /// What it gave, unless it failed.
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(done) => Some(done),
            Self::Failed { .. } => None,
        }
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Done(_) => None,
            Self::Failed { failure } => Some(failure),
        }
    }
}

/// A [`LambdaSample`] as JSON has it: flat, so that an error has its line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaSampleFields {
    fixture: String,
    protocol: PlanProtocol,
    chunk_count: ChunkCount,
    iteration: u32,
    failure: Option<String>,
    start: Option<Start>,
    render: Option<ResultRow>,
    against_local: Option<Likeness>,
}

impl TryFrom<LambdaSampleFields> for LambdaSample {
    type Error = anyhow::Error;

    fn try_from(fields: LambdaSampleFields) -> anyhow::Result<Self> {
        let render = RenderId { protocol: fields.protocol, chunk_count: fields.chunk_count };
        let id = SampleId { fixture: fields.fixture, render, iteration: fields.iteration };
        if let Some(failure) = fields.failure {
            return Ok(Self { id, outcome: Outcome::Failed { failure } });
        }
        let what = |part| format!("the Lambda sample {id} has neither a failure nor a {part}");
        let execution = Execution {
            start: fields.start.with_context(|| what("start"))?,
            render: fields.render.with_context(|| what("render"))?,
            against_local: fields.against_local,
            observation: None,
        };
        Ok(Self { outcome: Outcome::Done(Box::new(execution)), id })
    }
}

/// A [`LocalSample`] as JSON has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocalSampleFields {
    fixture: String,
    iteration: u32,
    failure: Option<String>,
    #[serde(flatten)]
    render: Option<LocalRender>,
}

impl From<LocalSampleFields> for LocalSample {
    fn from(fields: LocalSampleFields) -> Self {
        let outcome = match (fields.render, fields.failure) {
            (Some(render), _) => Outcome::Done(Box::new(render)),
            (None, Some(failure)) => Outcome::Failed { failure },
            (None, None) => Outcome::Failed { failure: "results.json has no reason".to_owned() },
        };
        Self { fixture: fields.fixture, iteration: fields.iteration, outcome }
    }
}

/// Whether functions had to be started for an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// For one call at least.
    Cold,
    /// For none.
    Warm,
    /// Its history does not tell.
    Unknown,
}

impl Start {
    /// By the calls' overheads.
    pub fn of(spent: Option<&TimeSpent>) -> Self {
        match spent.and_then(|spent| spent.cold_starts) {
            Some(0) => Self::Warm,
            Some(_) => Self::Cold,
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Unknown => "start unknown",
        })
    }
}

#[cfg(test)]
#[path = "sample_tests.rs"]
pub(crate) mod tests;
