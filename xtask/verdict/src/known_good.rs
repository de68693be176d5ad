//! Known-good metrics: the figures of renders that are known to be good, stored with their fixture.
//!
//! Mild damage (a slight blur, half the resolution scaled up) stays above any sensible threshold, but
//! it moves the figures away from those of a known-good render.

use std::collections::{BTreeMap, BTreeSet};

use execution_history::chunking::{ChunkCount, ChunkSize, PlanProtocol, RenderId};
use serde::{Deserialize, Serialize};

use crate::{Comparison, decibels::Level, finding::Finding, gates::RECORD};

/// The content of a fixture's `known-good.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownGood {
    /// [`KnownGood::SCHEMA_VERSION`], or 1 if frames were hashed with MD5.
    pub schema_version: u32,
    /// The hash of the fixture that the figures belong to: its composition, render settings, and baseline.
    pub fixture_sha256: String,
    /// The hash of each file in it, so that what has changed since can be named; empty in older metrics.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fixture_files: BTreeMap<String, String>,
    /// The renders that are known to be good.
    pub renders: Vec<RenderMetrics>,
}

/// What a fixture's figures depend on, as hashes in hex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixtureHashes {
    /// Over all of it.
    pub sha256: String,
    /// Over each file, by its name in the fixture's folder.
    pub files: BTreeMap<String, String>,
}

/// The metrics of one render.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderMetrics {
    /// What rendered it.
    pub made_by: MadeBy,
    /// Its distance from the baseline.
    pub figures: Figures,
    /// One hash over all its decoded frames.
    pub frames_sha256: String,
}

/// Everything that a render's frames depend on, apart from the fixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeBy {
    /// The versions of the renderer and its programs.
    pub toolchain: Toolchain,
    /// Where it was rendered.
    pub machine: Machine,
    /// The plan protocol.
    pub protocol: PlanProtocol,
    /// The requested number of chunks.
    pub chunk_count: ChunkCount,
    /// Frames per chunk.
    pub chunk_size: ChunkSize,
}

/// Where the function ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Machine {
    /// On AWS.
    Aws,
    /// In an emulator, mostly on this machine, where renders are reproducible to the byte on the same kind of
    /// machine: the encoder splits its work by the number of processors, and the rasterizer's
    /// arithmetic depends on their instruction set.
    Emulator {
        /// The number of processors; 0 where that is not known.
        cpus: usize,
        /// Their model.
        cpu: String,
    },
}

/// A render's distance from its baseline, in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Mean PSNR over all planes, dB.
    pub psnr_avg_db: f64,
    /// Mean PSNR of each plane, dB.
    pub psnr_planes_db: BTreeMap<char, f64>,
    /// The worst frame's PSNR, dB; 100 if it is identical.
    pub worst_frame_db: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// The residual of each audio track, dBFS; -200 for perfect cancellation.
    pub audio_residual_dbfs: Vec<f64>,
}

/// How far a mean PSNR may be from the known-good one, dB, if renders need not be reproducible to the byte.
pub const PSNR_BAND_DB: f64 = 0.5;

/// The same for the worst frame's PSNR, dB.
pub const WORST_FRAME_BAND_DB: f64 = 1.5;

/// The same for the mean SSIM.
pub const SSIM_BAND: f64 = 0.002;

/// How much louder than the known-good one an audio residual may be, dB.
pub const AUDIO_BAND_DB: f64 = 3.0;

/// Audio residuals below this level count as equal, dBFS.
const INAUDIBLE_DBFS: f64 = -80.0;

/// How a render compares with the known-good metrics.
#[derive(Debug, Clone, PartialEq)]
pub enum Deviation {
    /// The metrics belong to another composition or baseline: these files differ, as far as the metrics know them.
    OtherFixture(Vec<String>),
    /// The same versions on the same machine made a known-good render, but its frames were hashed differently.
    OlderFrameHash,
    /// No known-good render was split into the same chunks.
    NoSuchRender,
    /// Every frame is the known-good one, and every figure is within its band.
    None,
    /// The same versions on the same machine should have reproduced the known-good render, but the
    /// frames or figures differ.
    Changed(Vec<Finding>),
    /// The same versions rendered on another machine: what exceeds its band.
    Near(Vec<Finding>),
    /// Other versions rendered: what exceeds its band.
    OtherToolchain(Vec<Finding>),
}

impl Figures {
    /// The figures of a comparison; `None` if the shapes differ.
    pub fn of(comparison: &Comparison) -> Option<Self> {
        let Comparison::Alike { picture, audio } = comparison else { return None };
        let psnr = &picture.psnr;
        Some(Self {
            psnr_avg_db: round(psnr.mean_db, 3),
            psnr_planes_db: psnr.planes.iter().map(|plane| (plane.plane, round(plane.mean_db, 3))).collect(),
            worst_frame_db: match psnr.worst {
                Level::Db(db) => round(db, 3),
                Level::Identical => crate::picture::psnr::BEST_DB,
            },
            ssim: round(picture.ssim.mean, 6),
            audio_residual_dbfs: audio.iter().map(|sound| round(sound.whole.db().max(-200.0), 1)).collect(),
        })
    }

    /// Every figure that is further from the known-good one than its band.
    fn beyond(&self, known: &Self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut check = |what: &str, value: f64, known: f64, band: f64, unit: &str, digits: usize| {
            // Written so that NaN, which also stands for an unknown figure, exceeds the band.
            let within = (value - known).abs() <= band;
            if !within {
                let known = format!("{known:.digits$} ± {band}{unit}");
                found.push(deviates(what, format!("{value:.digits$}{unit}"), known));
            }
        };
        check("mean PSNR", self.psnr_avg_db, known.psnr_avg_db, PSNR_BAND_DB, " dB", 2);
        for (plane, value) in &self.psnr_planes_db {
            let known = known.psnr_planes_db.get(plane).copied().unwrap_or(f64::NAN);
            check(&format!("mean PSNR of plane {plane}"), *value, known, PSNR_BAND_DB, " dB", 2);
        }
        check("PSNR of the worst frame", self.worst_frame_db, known.worst_frame_db, WORST_FRAME_BAND_DB, " dB", 2);
        check("mean SSIM", self.ssim, known.ssim, SSIM_BAND, "", 4);
        for (track, value) in self.audio_residual_dbfs.iter().enumerate() {
            let known = known.audio_residual_dbfs.get(track).copied().unwrap_or(-200.0).max(INAUDIBLE_DBFS);
            if *value > known + AUDIO_BAND_DB {
                let most = format!("at most {:.1} dBFS", known + AUDIO_BAND_DB);
                found.push(deviates(&format!("residual of audio track {track}"), format!("{value:.1} dBFS"), most));
            }
        }
        found
    }
}

fn deviates(what: &str, value: String, known: String) -> Finding {
    let message = format!("{what} is {value}, known good is {known}");
    RECORD.finding(value, known, message)
}

fn not_comparable(why: &str) -> Finding {
    let message =
        format!("the known-good metrics {why}; if all other gates pass, lambda-smoke --update-expected rewrites them");
    RECORD.finding(format!("the known-good metrics {why}"), "known-good metrics of this render", message)
}

const OTHER_FIXTURE: &str = "another composition or baseline";

/// Files that a message names at most.
const MOST_NAMED: usize = 5;

/// ` (a was changed, b is new)`, or nothing.
fn listed(files: &[String]) -> String {
    let named = files.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match files.len() {
        0 => String::new(),
        all if all > MOST_NAMED => format!(" ({named}, and {} more)", all - MOST_NAMED),
        _ => format!(" ({named})"),
    }
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

impl RenderMetrics {
    /// The metrics of a render; `None` if the shapes differ.
    pub fn of(made_by: MadeBy, comparison: &Comparison) -> Option<Self> {
        let figures = Figures::of(comparison)?;
        let frames_sha256 = comparison.picture()?.hashes.sha256();
        Some(Self { made_by, figures, frames_sha256 })
    }

    /// Which of the plan's renders it is.
    pub fn render(&self) -> RenderId {
        RenderId { protocol: self.made_by.protocol, chunk_count: self.made_by.chunk_count, memory_mb: None }
    }

    fn change(&self, render: &Self) -> Deviation {
        // The hash says nothing about the audio.
        let beyond = render.figures.beyond(&self.figures);
        let other_frames = (self.frames_sha256 != render.frames_sha256).then(|| {
            let short = |hash: &str| hash.chars().take(12).collect::<String>();
            let known = format!("{} (from the same versions on the same kind of machine)", short(&self.frames_sha256));
            deviates("the hash of all decoded frames", short(&render.frames_sha256), known)
        });
        let found: Vec<Finding> = other_frames.into_iter().chain(beyond).collect();
        if found.is_empty() { Deviation::None } else { Deviation::Changed(found) }
    }
}

impl KnownGood {
    /// The version in which frames are hashed as they are now.
    pub const SCHEMA_VERSION: u32 = 2;

    /// How a render of the fixture with these hashes compares with these metrics.
    pub fn deviation(&self, render: &RenderMetrics, fixture: &FixtureHashes) -> Deviation {
        if self.fixture_sha256 != fixture.sha256 {
            return Deviation::OtherFixture(self.changed_files(&fixture.files));
        }
        let same_split = |known: &&RenderMetrics| {
            let (a, b) = (&known.made_by, &render.made_by);
            (a.protocol, a.chunk_count, a.chunk_size) == (b.protocol, b.chunk_count, b.chunk_size)
        };
        let known: Vec<&RenderMetrics> = self.renders.iter().filter(same_split).collect();
        let exact = known.iter().find(|known| known.made_by == render.made_by);
        if let (Some(exact), Machine::Emulator { .. }) = (exact, &render.made_by.machine) {
            return match self.schema_version {
                Self::SCHEMA_VERSION => exact.change(render),
                _ => Deviation::OlderFrameHash,
            };
        }
        let same_versions = known.iter().find(|known| known.made_by.toolchain == render.made_by.toolchain);
        match (exact.or(same_versions), known.last()) {
            (Some(near), _) => Deviation::Near(render.figures.beyond(&near.figures)),
            (None, Some(other)) => Deviation::OtherToolchain(render.figures.beyond(&other.figures)),
            (None, None) => Deviation::NoSuchRender,
        }
    }

    /// What was changed, added, or removed since; nothing if these metrics name no files.
    fn changed_files(&self, now: &BTreeMap<String, String>) -> Vec<String> {
        let before = &self.fixture_files;
        if before.is_empty() {
            return Vec::new();
        }
        let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let change = |name: &&String| match (before.get(*name), now.get(*name)) {
            (Some(_), None) => Some(format!("{name} was removed")),
            (None, _) => Some(format!("{name} is new")),
            (old, new) => (old != new).then(|| format!("{name} was changed")),
        };
        names.iter().filter_map(change).collect()
    }

    /// The previous metrics with those of `renders` added or replaced, and a line for each change.
    #[must_use]
    pub fn updated(previous: Option<Self>, fixture: FixtureHashes, renders: &[RenderMetrics]) -> (Self, Vec<String>) {
        let mut changes = Vec::new();
        let mut all = match previous {
            Some(previous) if previous.schema_version != Self::SCHEMA_VERSION => {
                changes.push("the old metrics used another frame hash, and are dropped".to_owned());
                Vec::new()
            }
            Some(previous) if previous.fixture_sha256 == fixture.sha256 => previous.renders,
            Some(previous) => {
                let files = listed(&previous.changed_files(&fixture.files));
                changes.push(format!("the old metrics belonged to {OTHER_FIXTURE}{files}, and are dropped"));
                Vec::new()
            }
            None => Vec::new(),
        };
        for render in renders {
            let id = render.render();
            let avg = render.figures.psnr_avg_db;
            match all.iter_mut().find(|known| known.made_by == render.made_by) {
                Some(known) if known == render => changes.push(format!("{id}: unchanged")),
                Some(known) => {
                    let same = if known.frames_sha256 == render.frames_sha256 { "same" } else { "other" };
                    let (of_known, of_render) = (&known.figures, &render.figures);
                    changes.push(format!(
                        "{id}: mean PSNR {:.2} -> {avg:.2} dB, worst frame {:.2} -> {:.2} dB, mean SSIM {:.4} -> {:.4}, \
                         {same} frames",
                        of_known.psnr_avg_db,
                        of_known.worst_frame_db,
                        of_render.worst_frame_db,
                        of_known.ssim,
                        of_render.ssim
                    ));
                    *known = render.clone();
                }
                None => {
                    changes.push(format!("{id}: new, mean PSNR {avg:.2} dB"));
                    all.push(render.clone());
                }
            }
        }
        let FixtureHashes { sha256: fixture_sha256, files: fixture_files } = fixture;
        (Self { schema_version: Self::SCHEMA_VERSION, fixture_sha256, fixture_files, renders: all }, changes)
    }
}

impl Deviation {
    /// The findings that fail the render, and the notes that do not. With `strict` there are only findings.
    pub fn findings(self, render: &MadeBy, strict: bool) -> (Vec<Finding>, Vec<String>) {
        let in_emulator = matches!(render.machine, Machine::Emulator { .. });
        let (found, fails) = match self {
            Self::None => (Vec::new(), false),
            Self::Changed(found) => (found, true),
            Self::Near(found) => (found, in_emulator || strict),
            Self::OtherToolchain(found) => (found, strict),
            Self::OtherFixture(files) => {
                let why = format!("belong to {OTHER_FIXTURE}{}", listed(&files));
                (vec![not_comparable(&why)], in_emulator || strict)
            }
            Self::OlderFrameHash => (vec![not_comparable("use an older frame hash")], in_emulator || strict),
            Self::NoSuchRender => (vec![not_comparable("have no render that is split like this one")], strict),
        };
        match fails {
            true => (found, Vec::new()),
            false => (Vec::new(), found.iter().map(ToString::to_string).collect()),
        }
    }
}

/// The versions that rendered and encoded a video; `None` if unknown. Another ffmpeg alone can cost several dB.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Toolchain {
    /// The renderer's version, such as 0.8.31.
    pub producer: Option<String>,
    /// ffmpeg's version, such as n8.1.2.
    pub ffmpeg: Option<String>,
    /// Chromium's major version.
    pub chromium: Option<String>,
}

impl Toolchain {
    /// Parses versions as the programs print them: `ffmpeg version n8.1.2 Copyright …`,
    /// `Chromium 148.0.7778.0`.
    pub fn new(producer: Option<&str>, ffmpeg: Option<&str>, chromium: Option<&str>) -> Self {
        let version = |text: &str| {
            let text = text.strip_prefix("ffmpeg version ").unwrap_or(text);
            text.split_ascii_whitespace().next().map(str::to_owned)
        };
        let major = |text: &str| {
            let number = text.rsplit(' ').next().unwrap_or(text).trim_start_matches('v');
            number.split('.').next().filter(|major| !major.is_empty()).map(str::to_owned)
        };
        Self {
            producer: producer.map(str::to_owned),
            ffmpeg: ffmpeg.and_then(version),
            chromium: chromium.and_then(major),
        }
    }

    /// The versions that are known for both and differ, such as `ffmpeg n8.1.2, baseline 7.0`.
    pub fn differences(&self, baseline: &Self) -> Vec<String> {
        let parts = [
            ("HyperFrames", &self.producer, &baseline.producer),
            ("ffmpeg", &self.ffmpeg, &baseline.ffmpeg),
            ("Chromium", &self.chromium, &baseline.chromium),
        ];
        let differ = |(name, render, baseline): (&str, &Option<String>, &Option<String>)| {
            let (render, baseline) = (render.as_ref()?, baseline.as_ref()?);
            (render != baseline).then(|| format!("{name} {render}, baseline {baseline}"))
        };
        parts.into_iter().filter_map(differ).collect()
    }
}

#[cfg(test)]
#[path = "known_good_tests.rs"]
mod known_good_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_as_programs_print_them() {
        let printed = "ffmpeg version n8.1.2 Copyright (c) 2000-2026 the FFmpeg developers";
        let found = Toolchain::new(Some("0.8.31"), Some(printed), Some("Chromium 148.0.7778.0"));
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!((&found.ffmpeg, &found.chromium), (&expected("n8.1.2"), &expected("148")));
        assert_eq!(Toolchain::new(None, Some("7.0.2-static"), Some("148.0.0")).chromium, expected("148"));
        assert_eq!(Toolchain::new(None, Some(""), Some("")), Toolchain::default());
    }

    #[test]
    fn only_versions_that_both_know_can_differ() {
        let of = |ffmpeg| Toolchain::new(Some("0.8.31"), ffmpeg, None);
        assert_eq!(of(Some("7.1")).differences(&of(Some("n8.1.2"))), ["ffmpeg 7.1, baseline n8.1.2"]);
        assert!(of(None).differences(&of(Some("n8.1.2"))).is_empty());
    }
}
