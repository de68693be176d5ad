//! The figures of a sound render, kept beside the fixture. Pure.
//!
//! Mild damage (a slight blur, half the resolution scaled up) stays above any
//! sensible threshold; it does not stay where a sound render was.

use std::collections::BTreeMap;

use execution_history::chunking::{ChunkCount, ChunkSize, PlanProtocol, RenderId};
use serde::{Deserialize, Serialize};

use crate::{Comparison, decibels::Level, finding::Finding, gates::RECORD};

/// The content of a fixture's `expected.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// The version of this shape: [`Expected::SCHEMA_VERSION`], or 1 where frames were hashed by MD5.
    pub schema_version: u32,
    /// The composition, what its meta.json asks of a render, and the baseline that the figures belong to.
    pub fixture_sha256: String,
    /// The renders that are known to be sound.
    pub renders: Vec<Recorded>,
}

/// One sound render.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// What made it.
    pub made_by: MadeBy,
    /// Its figures.
    pub figures: Figures,
    /// One hash over all its decoded frames.
    pub frames_sha256: String,
}

/// Everything that a render's frames depend on, beside the fixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeBy {
    /// The versions of what rendered it.
    pub toolchain: Toolchain,
    /// Where it was rendered.
    pub machine: Machine,
    /// How the plan went to the chunks.
    pub protocol: PlanProtocol,
    /// Chunks asked for.
    pub chunk_count: ChunkCount,
    /// Frames a chunk.
    pub chunk_size: ChunkSize,
}

/// Where the function ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Machine {
    /// On AWS.
    Aws,
    /// On an emulator on this machine, where renders repeat to the byte. The
    /// encoder splits its work by the number of processors, and the rasterizer
    /// computes by what they can.
    Emulator {
        /// Processors.
        cpus: usize,
        /// Their model.
        cpu: String,
    },
}

/// A render's figures against its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Mean PSNR over all planes, dB.
    pub psnr_avg_db: f64,
    /// Mean PSNR of each plane, dB.
    pub psnr_planes_db: BTreeMap<char, f64>,
    /// The worst frame's PSNR, dB, 100 when it is identical.
    pub worst_frame_db: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// The residual of each audio track, dBFS, -200 for perfect cancellation.
    pub audio_residual_dbfs: Vec<f64>,
}

/// How far from its record a mean PSNR may be, dB, where renders need not repeat to the byte.
pub const PSNR_BAND_DB: f64 = 0.5;

/// The same for the worst frame's PSNR, dB.
pub const WORST_FRAME_BAND_DB: f64 = 1.5;

/// The same for the mean SSIM.
pub const SSIM_BAND: f64 = 0.002;

/// How much louder than recorded an audio residual may be, dB.
pub const AUDIO_BAND_DB: f64 = 3.0;

/// Below this level two audio residuals are the same, dBFS.
const INAUDIBLE_DBFS: f64 = -80.0;

/// How a render stands to what is recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The record is of other content.
    Stale,
    /// It was made alike, but the record's frames were hashed another way.
    HashedOtherwise,
    /// There is none of a render split like this.
    NoRecord,
    /// Every frame is the recorded one, and no figure beyond the band.
    Same,
    /// It was made as the recorded one was, which repeats to the byte, but its frames differ, or
    /// what else is recorded.
    Changed(Vec<Finding>),
    /// It was made by the same versions elsewhere: what is beyond the band.
    Near(Vec<Finding>),
    /// It was made by other versions: what is beyond the band.
    OtherToolchain(Vec<Finding>),
}

impl Figures {
    /// The figures of a comparison; `None` when the shapes differ.
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

    /// Everything that is further from `recorded` than its band.
    fn beyond(&self, recorded: &Self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut hold = |what: String, value: f64, recorded: f64, band: f64, unit: &str, digits: usize| {
            // Written so that what is not in the record, or NaN, is beyond it.
            let within = (value - recorded).abs() <= band;
            if !within {
                let recorded = format!("{recorded:.digits$} ± {band}{unit}");
                found.push(left(&what, format!("{value:.digits$}{unit}"), recorded));
            }
        };
        hold("mean PSNR".into(), self.psnr_avg_db, recorded.psnr_avg_db, PSNR_BAND_DB, " dB", 2);
        for (plane, value) in &self.psnr_planes_db {
            let of_record = recorded.psnr_planes_db.get(plane).copied().unwrap_or(f64::NAN);
            hold(format!("mean PSNR of plane {plane}"), *value, of_record, PSNR_BAND_DB, " dB", 2);
        }
        hold(
            "PSNR of the worst frame".into(),
            self.worst_frame_db,
            recorded.worst_frame_db,
            WORST_FRAME_BAND_DB,
            " dB",
            2,
        );
        hold("mean SSIM".into(), self.ssim, recorded.ssim, SSIM_BAND, "", 4);
        for (track, value) in self.audio_residual_dbfs.iter().enumerate() {
            let recorded = recorded.audio_residual_dbfs.get(track).copied().unwrap_or(-200.0).max(INAUDIBLE_DBFS);
            if *value > recorded + AUDIO_BAND_DB {
                let most = format!("at most {:.1} dBFS", recorded + AUDIO_BAND_DB);
                found.push(left(&format!("residual of audio track {track}"), format!("{value:.1} dBFS"), most));
            }
        }
        found
    }
}

fn left(what: &str, value: String, recorded: String) -> Finding {
    let message = format!("{what} is {value}, recorded is {recorded}");
    RECORD.finding(value, recorded, message)
}

fn not_recorded(why: &str) -> Finding {
    let message = format!("the fixture's record {why}; lambda-smoke --update-expected writes it");
    RECORD.finding(format!("the record {why}"), "a record", message)
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

impl Recorded {
    /// A render to hold against a record, or to record.
    pub fn of(made_by: MadeBy, comparison: &Comparison) -> Option<Self> {
        let figures = Figures::of(comparison)?;
        let frames_sha256 = comparison.picture()?.hashes.sha256();
        Some(Self { made_by, figures, frames_sha256 })
    }

    /// Which of the plan's renders it is.
    pub fn render(&self) -> RenderId {
        RenderId { protocol: self.made_by.protocol, chunk_count: self.made_by.chunk_count }
    }

    fn change(&self, render: &Self) -> Standing {
        // The hash says nothing of the sound.
        let beyond = render.figures.beyond(&self.figures);
        let other_frames = (self.frames_sha256 != render.frames_sha256).then(|| {
            let short = |hash: &str| hash.chars().take(12).collect::<String>();
            let known = format!("{} (made by the same versions on a machine like this)", short(&self.frames_sha256));
            left("the hash of all decoded frames", short(&render.frames_sha256), known)
        });
        let found: Vec<Finding> = other_frames.into_iter().chain(beyond).collect();
        if found.is_empty() { Standing::Same } else { Standing::Changed(found) }
    }
}

impl Expected {
    /// Where frames are hashed as they are now.
    pub const SCHEMA_VERSION: u32 = 2;

    /// Where a render stands that was made from `fixture_sha256`.
    pub fn standing(&self, render: &Recorded, fixture_sha256: &str) -> Standing {
        if self.fixture_sha256 != fixture_sha256 {
            return Standing::Stale;
        }
        let same_split = |known: &&Recorded| {
            let (a, b) = (&known.made_by, &render.made_by);
            (a.protocol, a.chunk_count, a.chunk_size) == (b.protocol, b.chunk_count, b.chunk_size)
        };
        let known: Vec<&Recorded> = self.renders.iter().filter(same_split).collect();
        let exact = known.iter().find(|known| known.made_by == render.made_by);
        if let (Some(exact), Machine::Emulator { .. }) = (exact, &render.made_by.machine) {
            return match self.schema_version {
                Self::SCHEMA_VERSION => exact.change(render),
                _ => Standing::HashedOtherwise,
            };
        }
        let same_versions = known.iter().find(|known| known.made_by.toolchain == render.made_by.toolchain);
        match (exact.or(same_versions), known.last()) {
            (Some(near), _) => Standing::Near(render.figures.beyond(&near.figures)),
            (None, Some(other)) => Standing::OtherToolchain(render.figures.beyond(&other.figures)),
            (None, None) => Standing::NoRecord,
        }
    }

    /// This record with `renders` in it; what changes is told, a line each.
    #[must_use]
    pub fn updated(previous: Option<Self>, fixture_sha256: &str, renders: &[Recorded]) -> (Self, Vec<String>) {
        let mut changes = Vec::new();
        let kept = match previous {
            Some(previous) if previous.schema_version != Self::SCHEMA_VERSION => {
                changes.push("the old record's frames were hashed another way, and it is dropped".to_owned());
                Vec::new()
            }
            Some(previous) if previous.fixture_sha256 == fixture_sha256 => previous.renders,
            Some(_) => {
                changes.push("the old record was of another composition or baseline, and is dropped".to_owned());
                Vec::new()
            }
            None => Vec::new(),
        };
        let mut all = kept;
        for render in renders {
            let id = render.render();
            let avg = render.figures.psnr_avg_db;
            match all.iter_mut().find(|known| known.made_by == render.made_by) {
                Some(known) if known == render => changes.push(format!("{id}: as recorded")),
                Some(known) => {
                    let frames =
                        if known.frames_sha256 == render.frames_sha256 { "same frames" } else { "other frames" };
                    changes.push(format!("{id}: mean PSNR {:.2} -> {avg:.2} dB, {frames}", known.figures.psnr_avg_db));
                    *known = render.clone();
                }
                None => {
                    changes.push(format!("{id}: new, mean PSNR {avg:.2} dB"));
                    all.push(render.clone());
                }
            }
        }
        let fixture_sha256 = fixture_sha256.to_owned();
        (Self { schema_version: Self::SCHEMA_VERSION, fixture_sha256, renders: all }, changes)
    }
}

impl Standing {
    /// What of it fails a render, and what is only said. With `strict` nothing is only said.
    pub fn findings(self, render: &MadeBy, strict: bool) -> (Vec<Finding>, Vec<String>) {
        let local = matches!(render.machine, Machine::Emulator { .. });
        let (found, fails) = match self {
            Self::Same => (Vec::new(), false),
            Self::Changed(found) => (found, true),
            Self::Near(found) => (found, local || strict),
            Self::OtherToolchain(found) => (found, strict),
            Self::Stale => (vec![not_recorded("is of another composition or baseline")], local || strict),
            Self::HashedOtherwise => {
                (vec![not_recorded("is of a time when frames were hashed another way")], local || strict)
            }
            Self::NoRecord => (vec![not_recorded("has no render that is split like this one")], strict),
        };
        match fails {
            true => (found, Vec::new()),
            false => (Vec::new(), found.iter().map(ToString::to_string).collect()),
        }
    }
}

// The versions behind a picture. Another ffmpeg alone can cost several dB.

/// What rendered and encoded a video; `None` where nobody told.
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
    /// Takes versions as the programs print them: `ffmpeg version n8.1.2 Copyright …`,
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

    /// What is known of both and differs, a phrase each: `ffmpeg n8.1.2, baseline 7.0`.
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
#[path = "expected_tests.rs"]
mod expected_tests;

#[cfg(test)]
mod toolchain_tests {
    use super::*;

    #[test]
    fn versions_are_taken_from_what_programs_print() {
        let printed = "ffmpeg version n8.1.2 Copyright (c) 2000-2026 the FFmpeg developers";
        let found = Toolchain::new(Some("0.8.31"), Some(printed), Some("Chromium 148.0.7778.0"));
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!((&found.ffmpeg, &found.chromium), (&expected("n8.1.2"), &expected("148")));
        assert_eq!(Toolchain::new(None, Some("7.0.2-static"), Some("148.0.0")).chromium, expected("148"));
        assert_eq!(Toolchain::new(None, Some(""), Some("")), Toolchain::default());
    }

    #[test]
    fn only_what_both_tell_can_differ() {
        let of = |ffmpeg| Toolchain::new(Some("0.8.31"), ffmpeg, None);
        assert_eq!(of(Some("7.1")).differences(&of(Some("n8.1.2"))), ["ffmpeg 7.1, baseline n8.1.2"]);
        assert!(of(None).differences(&of(Some("n8.1.2"))).is_empty());
    }
}
