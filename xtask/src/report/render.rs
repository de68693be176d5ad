//! One measured render with everything that its files contain. Pure.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use execution_history::{
    failure::{Failed, failed},
    meaning::{self, Meaning},
    timeline::{Timeline, timeline},
};
use render_verdict::{audio::residual::Residual, decibels::Level, gates::Limits};
use serde_json::Value;

use crate::{
    console::text::excerpt,
    eval::sample::{Likeness, Start},
    report::{
        files::Files,
        row::{RenderKey, ResultRow},
    },
};

/// The name under which the baseline of a fixture is kept next to the renders.
pub(crate) fn kept_baseline(fixture: &str, extension: &str) -> String {
    format!("renders/baseline-{fixture}.{extension}")
}

#[derive(Debug, Clone)]
pub struct RenderReport {
    /// Which render of the run.
    pub key: RenderKey,
    /// How reports call it, unique within the run: its key, or the name of a file that is compared.
    pub label: String,
    pub fixture: String,
    /// Whether functions had to be started for it.
    pub start: Start,
    /// Everything that was measured.
    pub row: ResultRow,
    /// The limits that it had to meet.
    pub gate: Option<Limits>,
    /// Eval only: compared with the local render of the same iteration, when one was kept.
    pub against_local: Option<Likeness>,
    /// The calls of the execution over time; `None` when its history is missing or incomplete.
    pub timeline: Option<Timeline>,
    /// Every frame; empty when the shapes differ, and for PNG sequences.
    pub frames: Vec<FrameSample>,
    /// The level of the audio, track by track; empty when it was not kept.
    pub audio: Vec<AudioSample>,
}

impl RenderReport {
    pub(crate) fn of(
        files: &Files,
        key: RenderKey,
        fixture: String,
        gate: Option<Limits>,
        mut row: ResultRow,
        gaps: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        row.worst_frame_images.take_if(|images| !images.files().iter().all(|name| files.has(name)));
        let frames = match row.frames.as_deref() {
            Some(name) => csv(files, name, FrameSample::parse, gaps)?,
            None => Vec::new(),
        };
        let audio = match row.audio_levels.as_deref() {
            Some(name) => csv(files, name, AudioSample::parse, gaps)?,
            None => Vec::new(),
        };
        let timeline = timeline_of(files, &row.history, gaps);
        let start = Start::of(row.time_spent.as_ref());
        let against_local = None;
        Ok(Self { label: key.to_string(), key, fixture, start, row, gate, against_local, timeline, frames, audio })
    }

    /// The folder and the beginning of its file names: `renders/N4`.
    pub fn file_stem(&self) -> &str {
        self.row.history.strip_suffix("-history.json").unwrap_or(&self.row.history)
    }

    /// The name under which its baseline is kept, if it is.
    pub(crate) fn kept_baseline(&self) -> String {
        kept_baseline(&self.fixture, self.row.output.rsplit('.').next().unwrap_or_default())
    }

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
            gaps.push(format!("{name} is missing"));
            Ok(Vec::new())
        }
    }
}

/// A history without times does not make the report fail either.
fn timeline_of(files: &Files, name: &str, gaps: &mut Vec<String>) -> Option<Timeline> {
    let read = files.json(name).and_then(|history| timeline(&history.context("it is missing")?));
    read.map_err(|error| gaps.push(format!("{name} has no timeline: {error:#}"))).ok()
}

#[derive(Debug, Clone, PartialEq)]
pub struct FailedExecution {
    /// The folder and the beginning of its file names: `renders/N4`.
    pub file_stem: String,
    /// Its calls over time; `None` when its history does not contain them.
    pub timeline: Option<Timeline>,
    /// Which state failed, and why; `None` when its history does not contain that.
    pub failure: Option<Failed>,
}

/// What there is to know of a failed execution, each with its name: where, what, why, what that means, what to try.
pub fn facts(failed: &Failed) -> Vec<(&'static str, String)> {
    let state = failed.state.clone().unwrap_or_else(|| "none: the execution itself".to_owned());
    let chunk = failed.chunk.map(|index| format!(", chunk {index}")).unwrap_or_default();
    let known = meaning::meaning(&failed.error);
    let attempt = match failed.attempts {
        None => String::new(),
        Some(1) if known.is_some_and(|meaning| !meaning.is_retried) => {
            ", attempt 1 of 1: this error is not retried".to_owned()
        }
        Some(attempts) => format!(", attempt {attempts} of {attempts}"),
    };
    let unknown = Meaning {
        what: "This tool does not know this error. It comes from the handler's code or from an AWS service.",
        advice: "Read the cause and the log; run again to see whether it happens again.",
        is_retried: true,
    };
    let Meaning { what, advice, .. } = known.unwrap_or(unknown);
    vec![
        ("state", format!("{state}{chunk}{attempt}")),
        ("error", excerpt(&failed.error)),
        ("cause", excerpt(&failed.cause)),
        ("meaning", what.to_owned()),
        ("try", advice.to_owned()),
    ]
}

impl FailedExecution {
    /// Whether it is that of this render.
    pub fn is_of(&self, key: &RenderKey) -> bool {
        self.file_stem.strip_prefix("renders/") == Some(key.file_stem().as_str())
    }

    /// The log of its function, relative to the artifact folder.
    pub fn log(&self) -> String {
        format!("logs/{}-function.log", self.file_stem.trim_start_matches("renders/"))
    }

    /// Every execution whose description was kept, which happens only when it fails.
    pub(crate) fn all(files: &Files) -> Vec<Self> {
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

/// One frame compared with the baseline's: a line of frames.csv.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameSample {
    pub frame: u64,
    /// The time at which it is shown, s.
    pub time_s: f64,
    pub psnr: Level,
    /// The hash of the decoded frame; in a PNG sequence, the SHA-256 of its file.
    pub hash: String,
}

/// The audio of 100 ms: a line of audio.csv.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioSample {
    pub track: usize,
    /// The time at which it begins, s.
    pub at_s: f64,
    /// The level of the render's audio minus the baseline's, dBFS.
    pub residual: Residual,
    /// The baseline's own level, dBFS.
    pub baseline: Residual,
}

impl FrameSample {
    pub const HEADER: &str = "frame,timeS,psnrDb,hash";

    /// The first line in runs from before frames were hashed with XXH3.
    const FORMER_HEADER: &str = "frame,timeS,psnrDb,md5";

    /// Reads frames.csv.
    ///
    /// # Errors
    /// When the header differs, or a line does not match it; the error has the line number.
    pub fn parse(csv: &str) -> anyhow::Result<Vec<Self>> {
        lines(csv, &[Self::HEADER, Self::FORMER_HEADER], |[frame, time_s, psnr, hash]| {
            Ok(Self {
                frame: number("frame", frame)?,
                time_s: number("timeS", time_s)?,
                psnr: level(psnr)?,
                hash: hash.to_owned(),
            })
        })
    }
}

impl AudioSample {
    pub const HEADER: &str = "track,atS,residualDbfs,baselineDbfs";

    /// Reads audio.csv.
    ///
    /// # Errors
    /// See [`FrameSample::parse`].
    pub fn parse(csv: &str) -> anyhow::Result<Vec<Self>> {
        lines(csv, &[Self::HEADER], |[track, at_s, residual, baseline]| {
            Ok(Self {
                track: number("track", track)?,
                at_s: number("atS", at_s)?,
                residual: loudness("residualDbfs", residual)?,
                baseline: loudness("baselineDbfs", baseline)?,
            })
        })
    }
}

fn lines<T, const N: usize>(
    csv: &str,
    headers: &[&str],
    parse: impl Fn([&str; N]) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let mut lines = csv.lines();
    let found = lines.next().unwrap_or_default();
    ensure!(headers.contains(&found), "line 1 is {found:?}, not {:?}", headers[0]);
    let one = |(nth, line): (usize, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        let cells = <[&str; N]>::try_from(cells).ok().with_context(|| format!("{line:?} does not have {N} fields"));
        cells.and_then(&parse).with_context(|| format!("line {}", nth + 2))
    };
    lines.enumerate().map(one).collect()
}

fn number<T: FromStr>(field: &str, text: &str) -> anyhow::Result<T> {
    text.parse().ok().with_context(|| format!("{field} is {text:?}, which is not a number"))
}

fn level(text: &str) -> anyhow::Result<Level> {
    if text == "inf" {
        return Ok(Level::Identical);
    }
    match number::<f64>("psnrDb", text)? {
        db if db.is_finite() => Ok(Level::Db(db)),
        _ => bail!("psnrDb is {text:?}, which is not a level in dB"),
    }
}

fn loudness(field: &str, text: &str) -> anyhow::Result<Residual> {
    if text == "-inf" {
        return Ok(Residual::Silent);
    }
    match number::<f64>(field, text)? {
        db if db.is_finite() => Ok(Residual::DbFs(db)),
        _ => bail!("{field} is {text:?}, which is not a level in dBFS"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_failed_execution_is_described_by_its_history() {
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

    proptest! {
        #[test]
        fn written_levels_are_read_back(levels in proptest::collection::vec((0u32..10_000, any::<bool>()), 0..40)) {
            let level = |(db, is_inf): &(u32, bool)| if *is_inf { Level::Identical } else { Level::Db(f64::from(*db) / 100.0) };
            let line = |(frame, level): (usize, Level)| format!("{frame},{:.6},{level},ab\n", frame as f64 / 32.0);
            let written: Vec<Level> = levels.iter().map(level).collect();
            let csv: String = written.iter().copied().enumerate().map(line).collect();
            let read = FrameSample::parse(&format!("{}\n{csv}", FrameSample::HEADER)).unwrap();
            prop_assert_eq!(read.iter().map(|sample| sample.psnr).collect::<Vec<_>>(), written);
            prop_assert!(read.iter().enumerate().all(|(i, sample)| sample.frame == i as u64 && sample.time_s == i as f64 / 32.0));
            prop_assert_eq!(FrameSample::parse(&format!("{}\n{csv}", FrameSample::FORMER_HEADER)).unwrap(), read);
        }

        #[test]
        fn arbitrary_text_never_panics(text in "[0-9a-z,.\n-]{0,40}") {
            let _ = FrameSample::parse(&format!("{}\n{text}", FrameSample::HEADER));
            let _ = AudioSample::parse(&format!("{}\n{text}", AudioSample::HEADER));
        }
    }
}
