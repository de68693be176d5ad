//! One measured render with all that its files tell. Pure.

use anyhow::Context;
use serde_json::Value;

use super::{
    Files,
    series::{FrameSample, SoundSample},
};
use crate::{
    artifacts::ResultRow,
    benchmark::{Likeness, Start},
    history::{Failed, Timeline, failed, timeline},
    measure::gates::Limits,
};

/// One measured render.
#[derive(Debug, Clone)]
pub struct RenderReport {
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
    pub gate: Option<Limits>,
    /// Of eval: against the local render of the same iteration, where one was kept.
    pub against_local: Option<Likeness>,
    /// What the execution did when; `None` where its history is not there or does not tell.
    pub timeline: Option<Timeline>,
    /// Every frame; empty where the shapes differ, or of a render to frames.
    pub frames: Vec<FrameSample>,
    /// The sound's level, track by track; empty where it was not kept.
    pub sound: Vec<SoundSample>,
}

impl RenderReport {
    pub(super) fn of(
        files: &Files,
        label: String,
        (fixture, iteration): (String, Option<u32>),
        gate: Option<Limits>,
        mut row: ResultRow,
        gaps: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        row.worst_frame_images.take_if(|images| !images.files().iter().all(|name| files.has(name)));
        let frames = match row.frames.as_deref() {
            Some(name) => csv(files, name, FrameSample::parse, gaps)?,
            None => Vec::new(),
        };
        let sound = match row.audio_levels.as_deref() {
            Some(name) => csv(files, name, SoundSample::parse, gaps)?,
            None => Vec::new(),
        };
        let timeline = timeline_of(files, &row.history, gaps);
        let start = Start::of(row.time_spent.as_ref());
        let against_local = None;
        Ok(Self { label, fixture, iteration, start, row, gate, against_local, timeline, frames, sound })
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

/// An execution that did not succeed.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedExecution {
    /// What the names of its files begin with, with their folder: `renders/N4`.
    pub file_stem: String,
    /// What it did when; `None` where its history does not tell.
    pub timeline: Option<Timeline>,
    /// Which state failed, and why, likewise.
    pub failure: Option<Failed>,
}

impl FailedExecution {
    /// Every execution whose description was kept, which is only done when it fails.
    pub(super) fn all(files: &Files) -> Vec<Self> {
        let stems = files.names().filter_map(|name| name.strip_suffix("-execution.json"));
        let of_stem = |stem: &str| {
            let history: Option<Value> = files.json(&format!("{stem}-history.json")).ok().flatten();
            Self {
                file_stem: stem.to_owned(),
                timeline: history.as_ref().and_then(|history| timeline(history).ok()),
                failure: history.as_ref().and_then(failed),
            }
        };
        stems.filter(|stem| stem.starts_with("renders/")).map(of_stem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_execution_tells_by_its_history() {
        let path = format!("{}/tests/data/histories/failed-chunk.json", env!("CARGO_MANIFEST_DIR"));
        let mut files = Files::default();
        files.add("renders/N2-execution.json", Some("{}".to_owned()));
        files.add("renders/N2-history.json", Some(std::fs::read_to_string(path).unwrap()));
        files.add("renders/N4-execution.json", Some("{}".to_owned()));
        let found = FailedExecution::all(&files);
        assert_eq!(found.iter().map(|one| one.file_stem.as_str()).collect::<Vec<_>>(), ["renders/N2", "renders/N4"]);
        assert_eq!(found[0].failure.as_ref().unwrap().error, "TypeError");
        assert!(found[0].timeline.as_ref().unwrap().attempts.iter().any(|attempt| attempt.error.is_some()));
        assert_eq!((&found[1].timeline, &found[1].failure), (&None, &None));
    }
}
