//! What is measured in which order, and what all samples come to. Pure.

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
    report::row::ResultRow,
};

// What one iteration gave.

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

// How alike two renders are, for the comparisons that judge nothing. Pure.

/// How alike two renders are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Likeness {
    /// How their shapes differ; where they do, nothing else was compared.
    pub differences: Vec<String>,
    /// Mean of the frames' PSNR, dB, where an identical frame counts as 100.
    pub psnr_avg_db: Option<f64>,
    /// The worst frame's PSNR, dB.
    pub worst_frame_db: Option<Level>,
    /// Frames that are equal to the bit.
    pub identical_frames: u64,
    /// Frames compared.
    pub frames: u64,
    /// The residual of each audio track, dBFS.
    pub audio_residual_dbfs: Vec<Residual>,
}

impl Likeness {
    /// What a comparison came to.
    pub(crate) fn of(comparison: &Comparison) -> Self {
        let mut likeness = Self {
            differences: Vec::new(),
            psnr_avg_db: None,
            worst_frame_db: None,
            identical_frames: 0,
            frames: 0,
            audio_residual_dbfs: Vec::new(),
        };
        match comparison {
            Comparison::Unlike(differences) => {
                likeness.differences = differences.iter().map(ToString::to_string).collect();
            }
            Comparison::Exact(frames) => {
                likeness.identical_frames = frames.identical_frames();
                likeness.frames = frames.frames();
            }
            Comparison::Alike { picture, audio } => {
                likeness.psnr_avg_db = Some(picture.psnr.mean_db);
                likeness.worst_frame_db = Some(picture.psnr.worst);
                likeness.identical_frames = picture.psnr.identical_frames;
                likeness.frames = picture.psnr.frames;
                likeness.audio_residual_dbfs = audio.iter().map(|sound| sound.whole).collect();
            }
        }
        likeness
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

// What there must be for a verdict, and what of it is missing. Pure.

/// The executions that there must be, of fixtures with these names.
pub(crate) fn executions(turns: &[Turn], fixtures: &[&str]) -> Vec<SampleId> {
    let planned = |turn: &Turn| match (turn.leg, turn.round) {
        (Leg::Lambda(render), Round::Measured(iteration)) => {
            Some(SampleId { fixture: fixtures[turn.fixture].to_owned(), render, iteration })
        }
        _ => None,
    };
    turns.iter().filter_map(planned).collect()
}

/// The local renders that there must be and are not, each with its cause where it is known.
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
mod required_tests {
    use super::*;
    use crate::eval::{
        prepare::{Scope, schedule},
        sample::sample_tests::{local, render_id},
    };

    fn turns(local: bool) -> Vec<Turn> {
        schedule(&Scope { fixtures: 2, renders: vec![render_id(1), render_id(4)], local }, 1, 2)
    }

    #[test]
    fn every_measured_execution_is_required_and_no_warm_up() {
        let told: Vec<String> = executions(&turns(true), &["f", "g"]).iter().map(ToString::to_string).collect();
        let expected = ["g N=4 #1", "g N=1 #1", "f N=4 #1", "f N=1 #1", "f N=1 #2", "f N=4 #2", "g N=1 #2", "g N=4 #2"];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_local_render_that_failed_or_was_not_done_is_missing() {
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
