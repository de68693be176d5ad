//! One measured render with all that its files tell. Pure.

use anyhow::Context;

use super::{
    Files,
    series::{FrameSample, SoundSample},
};
use crate::{
    artifacts::ResultRow,
    benchmark::{Likeness, Start},
    history::{Timeline, timeline},
    measure::gate::Gate,
};

/// One measured render.
#[derive(Debug, Clone)]
pub struct RenderStory {
    /// What tells it from the others: `N=4`, in eval `many-cuts N=4 #2`.
    pub label: String,
    /// The fixture.
    pub fixture: String,
    /// Of eval: from 1.
    pub iteration: Option<u32>,
    /// Whether functions had to be started for it.
    pub start: Start,
    /// Everything that was measured.
    pub row: ResultRow,
    /// What it had to reach.
    pub gate: Option<Gate>,
    /// Of eval: against the local render of the same iteration, where one was kept.
    pub against_local: Option<Likeness>,
    /// What the execution did when; `None` where its history is not there or does not tell.
    pub timeline: Option<Timeline>,
    /// Every frame; empty where the shapes differ, or of a render to frames.
    pub frames: Vec<FrameSample>,
    /// The sound's level, track by track; empty where it was not kept.
    pub sound: Vec<SoundSample>,
    /// Pictures of the worst frame, where they were kept.
    pub worst_frame: Option<WorstFrameImages>,
}

/// Pictures of the worst frame, relative to the artifact folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstFrameImages {
    /// The baseline's.
    pub baseline: String,
    /// The render's.
    pub render: String,
    /// How they differ.
    pub difference: String,
}

impl RenderStory {
    pub(super) fn of_smoke(
        files: &Files,
        fixture: &str,
        gate: Gate,
        row: ResultRow,
        gaps: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        let label = row.id.to_string();
        Self::of(files, label, (fixture.to_owned(), None), Some(gate), row, gaps)
    }

    pub(super) fn of_eval(
        files: &Files,
        (fixture, iteration): (String, u32),
        gate: Option<Gate>,
        row: ResultRow,
        gaps: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        let label = format!("{fixture} {} #{iteration}", row.id);
        Self::of(files, label, (fixture, Some(iteration)), gate, row, gaps)
    }

    fn of(
        files: &Files,
        label: String,
        (fixture, iteration): (String, Option<u32>),
        gate: Option<Gate>,
        row: ResultRow,
        gaps: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        let frames = match row.frames.as_deref() {
            Some(name) => csv(files, name, FrameSample::parse, gaps)?,
            None => Vec::new(),
        };
        let stem = row.history.strip_suffix("-history.json").unwrap_or(&row.history).to_owned();
        let of_sound = format!("{stem}-audio.csv");
        let sound = if files.has(&of_sound) { csv(files, &of_sound, SoundSample::parse, gaps)? } else { Vec::new() };
        let timeline = timeline_of(files, &row.history, gaps);
        let worst_frame = WorstFrameImages::of(files, &stem);
        let start = Start::of(row.time_spent.as_ref());
        let against_local = None;
        Ok(Self { label, fixture, iteration, start, row, gate, against_local, timeline, frames, sound, worst_frame })
    }

    /// What the names of its files begin with, with their folder: `renders/N4`.
    pub fn file_stem(&self) -> &str {
        self.row.history.strip_suffix("-history.json").unwrap_or(&self.row.history)
    }

    /// The execution's wall-clock time, s.
    pub fn wall_clock_s(&self) -> f64 {
        self.row.wall_clock_ms as f64 / 1000.0
    }
}

impl WorstFrameImages {
    /// `None` unless all three are there.
    fn of(files: &Files, stem: &str) -> Option<Self> {
        let there = |part: &str| Some(format!("{stem}-worst-{part}.png")).filter(|name| files.has(name));
        Some(Self { baseline: there("baseline")?, render: there("render")?, difference: there("difference")? })
    }
}

fn csv<T>(
    files: &Files,
    name: &str,
    parse: impl Fn(&str) -> anyhow::Result<Vec<T>>,
    gaps: &mut Vec<String>,
) -> anyhow::Result<Vec<T>> {
    match files.text(name) {
        Some(text) => parse(text).with_context(|| name.to_owned()),
        None => {
            gaps.push(format!("{name} is not there"));
            Ok(Vec::new())
        }
    }
}

/// A history that tells no times does not fail a run either.
fn timeline_of(files: &Files, name: &str, gaps: &mut Vec<String>) -> Option<Timeline> {
    let read = files.json(name).and_then(|history| timeline(&history.context("it is not there")?));
    read.map_err(|error| gaps.push(format!("{name} tells no times: {error:#}"))).ok()
}
