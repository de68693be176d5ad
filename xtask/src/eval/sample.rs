//! The samples of an eval run, and which of the planned ones are missing. Pure.

use std::fmt;

use anyhow::Context;
use execution_history::{
    chunking::{ChunkCount, PlanProtocol, RenderId},
    time_spent::TimeSpent,
};
use render_verdict::{Comparison, audio::residual::Residual, decibels::Level};
use serde::{Deserialize, Serialize};

use crate::{
    eval::{
        prepare::{Leg, Round, Turn},
        scaling::observation::Observation,
    },
    report::row::{RenderKey, ResultRow},
};

/// The identity of an execution within an eval run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleId {
    pub fixture: String,
    /// The requested chunk count and plan protocol.
    #[serde(flatten)]
    pub render: RenderId,
    pub iteration: u32,
}

impl From<SampleId> for RenderKey {
    fn from(SampleId { fixture, render, iteration }: SampleId) -> Self {
        Self { fixture: Some(fixture), id: render, iteration: Some(iteration) }
    }
}

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        RenderKey::from(self.clone()).fmt(f)
    }
}

/// One execution on Lambda.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "LambdaSampleFields")]
pub struct LambdaSample {
    #[serde(flatten)]
    pub id: SampleId,
    /// The measurements, or why it failed.
    #[serde(flatten)]
    pub outcome: Outcome<Execution>,
}

/// An execution that succeeded.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Whether functions had to be started for it.
    pub start: Start,
    /// Everything that was measured, as in a smoke run.
    pub render: ResultRow,
    /// Compared with the local render of the same iteration; null when none is kept.
    pub against_local: Option<Likeness>,
    /// The most memory that one of its calls used, MB, as Lambda's log reports it; on AWS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_mb: Option<u32>,
    /// Its contribution to the scaling model.
    #[serde(skip)]
    pub observation: Option<Observation>,
    /// The ids of its successful calls.
    #[serde(skip)]
    pub requests: Vec<String>,
}

/// One render on this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "LocalSampleFields")]
pub struct LocalSample {
    pub fixture: String,
    pub iteration: u32,
    /// The measurements, or why it failed.
    #[serde(flatten)]
    pub outcome: Outcome<LocalRender>,
}

/// A local render that succeeded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalRender {
    /// From the start of the renderer's process to its end, ms.
    pub wall_ms: u64,
    /// The time of the renderer within that process, ms; null when it does not report it.
    pub renderer_ms: Option<u64>,
    /// The video, relative to the artifact folder; null when it is not kept.
    pub output: Option<String>,
    /// Compared with the baseline; null when the video is not kept.
    pub against_baseline: Option<Likeness>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Outcome<T> {
    Done(Box<T>),
    Failed { failure: String },
}

impl<T> Outcome<T> {
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(done) => Some(done),
            Self::Failed { .. } => None,
        }
    }

    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Done(_) => None,
            Self::Failed { failure } => Some(failure),
        }
    }
}

/// A [`LambdaSample`] in JSON: flat, so that an error has a line number.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaSampleFields {
    fixture: String,
    protocol: PlanProtocol,
    chunk_count: ChunkCount,
    memory_mb: Option<u32>,
    iteration: u32,
    failure: Option<String>,
    start: Option<Start>,
    render: Option<ResultRow>,
    against_local: Option<Likeness>,
    memory_used_mb: Option<u32>,
}

impl TryFrom<LambdaSampleFields> for LambdaSample {
    type Error = anyhow::Error;

    fn try_from(fields: LambdaSampleFields) -> anyhow::Result<Self> {
        let LambdaSampleFields { protocol, chunk_count, memory_mb, .. } = fields;
        let render = RenderId { protocol, chunk_count, memory_mb };
        let id = SampleId { fixture: fields.fixture, render, iteration: fields.iteration };
        if let Some(failure) = fields.failure {
            return Ok(Self { id, outcome: Outcome::Failed { failure } });
        }
        let what = |part| format!("the Lambda sample {id} has neither a failure nor a {part}");
        let execution = Execution {
            start: fields.start.with_context(|| what("start"))?,
            render: fields.render.with_context(|| what("render"))?,
            against_local: fields.against_local,
            memory_used_mb: fields.memory_used_mb,
            observation: None,
            requests: Vec::new(),
        };
        Ok(Self { outcome: Outcome::Done(Box::new(execution)), id })
    }
}

/// A [`LocalSample`] in JSON.
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
            (None, None) => Outcome::Failed { failure: "results.json does not contain the reason".to_owned() },
        };
        Self { fixture: fields.fixture, iteration: fields.iteration, outcome }
    }
}

/// Whether functions had to be started for an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// For at least one call.
    Cold,
    /// For none.
    Warm,
    /// Its history does not show it.
    Unknown,
}

impl Start {
    /// Derived from the overheads of the calls.
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

/// How similar two renders are, in comparisons without a verdict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Likeness {
    /// How their shapes differ; when they do, nothing else was compared.
    pub differences: Vec<String>,
    /// Mean of the frames' PSNR, dB, where an identical frame counts as 100.
    pub psnr_avg_db: Option<f64>,
    pub worst_frame_db: Option<Level>,
    /// Frames that are identical to the bit.
    pub identical_frames: u64,
    pub frames: u64,
    /// The residual of each audio track, dBFS.
    pub audio_residual_dbfs: Vec<Residual>,
}

impl Likeness {
    pub(crate) fn of(comparison: &Comparison) -> Self {
        match comparison {
            Comparison::Unlike(differences) => {
                Self { differences: differences.iter().map(ToString::to_string).collect(), ..Self::default() }
            }
            Comparison::Exact(frames) => {
                Self { identical_frames: frames.identical_frames(), frames: frames.frames(), ..Self::default() }
            }
            Comparison::Alike { picture, audio } => Self {
                differences: Vec::new(),
                psnr_avg_db: Some(picture.psnr.mean_db),
                worst_frame_db: Some(picture.psnr.worst),
                identical_frames: picture.psnr.identical_frames,
                frames: picture.psnr.frames,
                audio_residual_dbfs: audio.iter().map(|sound| sound.whole).collect(),
            },
        }
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.psnr_avg_db, self.worst_frame_db) {
            _ if !self.differences.is_empty() => write!(f, "differs in {}", self.differences.join(", ")),
            _ if self.identical_frames == self.frames => write!(f, "every frame identical"),
            (Some(mean), Some(worst)) => {
                write!(
                    f,
                    "PSNR {mean:.2} dB, worst frame {worst} dB, {} of {} identical",
                    self.identical_frames, self.frames
                )
            }
            _ => write!(f, "{} of {} frames identical", self.identical_frames, self.frames),
        }
    }
}

impl Turn {
    /// Which sample is taken, if it is one of a measured execution of the `fixture`.
    pub(crate) fn id(&self, fixture: &str) -> Option<SampleId> {
        let (Leg::Lambda(render), Round::Measured(iteration)) = (self.leg, self.round) else { return None };
        Some(SampleId { fixture: fixture.to_owned(), render, iteration })
    }
}

/// The measured executions in the schedule; the fixtures have these names.
pub(crate) fn executions(turns: &[Turn], fixtures: &[&str]) -> Vec<SampleId> {
    turns.iter().filter_map(|turn| turn.id(fixtures[turn.fixture])).collect()
}

/// The scheduled local renders that are missing, a line each, with the cause when it is known.
pub(crate) fn missing_local_renders(turns: &[Turn], fixtures: &[&str], samples: &[LocalSample]) -> Vec<String> {
    let missing = |turn: &Turn| {
        let (Leg::Local, Round::Measured(iteration)) = (turn.leg, turn.round) else { return None };
        let fixture = fixtures[turn.fixture];
        let sample = samples.iter().find(|sample| sample.fixture == fixture && sample.iteration == iteration);
        match sample.map(|sample| sample.outcome.failure()) {
            Some(None) => None,
            Some(Some(failure)) => Some(format!("the local render of {fixture} #{iteration} failed: {failure}")),
            None => Some(format!("{fixture} #{iteration} was not rendered locally")),
        }
    };
    turns.iter().filter_map(missing).collect()
}

#[cfg(test)]
#[path = "sample_tests.rs"]
pub(crate) mod sample_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{
        prepare::{Scope, schedule},
        sample::sample_tests::{local, render_id},
    };

    fn turns(local: bool) -> Vec<Turn> {
        schedule(&Scope { renders: vec![vec![render_id(1), render_id(4)]; 2], local, warm: false }, 1, 2)
    }

    #[test]
    fn every_measured_execution_is_required_and_warm_ups_are_not() {
        let ids: Vec<String> = executions(&turns(true), &["f", "g"]).iter().map(ToString::to_string).collect();
        let expected = ["g N=4 #1", "g N=1 #1", "f N=4 #1", "f N=1 #1", "f N=1 #2", "f N=4 #2", "g N=1 #2", "g N=4 #2"];
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_local_render_that_failed_or_was_not_started_is_missing() {
        let failure = "no such browser".to_owned();
        let failed = LocalSample { outcome: Outcome::Failed { failure }, ..local(2, 0) };
        let missing = missing_local_renders(&turns(true), &["f", "g"], &[local(1, 900), failed]);
        assert_eq!(
            missing,
            [
                "g #1 was not rendered locally",
                "the local render of f #2 failed: no such browser",
                "g #2 was not rendered locally",
            ]
        );
        assert!(missing_local_renders(&turns(false), &["f", "g"], &[]).is_empty());
    }
}
