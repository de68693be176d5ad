//! The verdict: PASS only when every planned render was measured and is equal enough.

use std::fmt;

use serde::Serialize;

use super::{
    Decibels, Level,
    audio::{Lost, Residual, Sound},
    psnr::PsnrSummary,
    shape::Difference,
};
use crate::plan::{ChunkCount, ChunkCounts};

/// What a render must reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Least mean PSNR, dB.
    pub psnr_db: Decibels,
    /// Least PSNR of any single frame, dB.
    pub worst_frame_db: Decibels,
    /// Loudest residual of an audio track over its whole length, dBFS.
    pub audio_residual_dbfs: Decibels,
    /// Loudest tenth of a second of that residual, dBFS.
    pub audio_loudest_dbfs: Decibels,
}

impl Gate {
    /// How far below the mean's threshold a single frame may lie, in dB: 6 dB
    /// is four times the squared error, so a ruined frame can't hide in a mean.
    pub const WORST_FRAME_MARGIN_DB: f64 = 6.0;

    /// The residual that a gate allows when the fixture names none, in dBFS.
    pub const AUDIO_RESIDUAL_DBFS: f64 = -50.0;

    /// How far above the limit for the whole length a tenth of a second may
    /// be, in dB: four times the amplitude.
    pub const AUDIO_LOUDEST_MARGIN_DB: f64 = 12.0;
}

/// How one render compares with the baseline.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// The shapes differ, so PSNR would compare different things.
    Unlike(Vec<Difference>),
    /// The shapes agree, and the contents were measured.
    Alike {
        /// The picture.
        psnr: PsnrSummary,
        /// The sound, a track each, where there is sound.
        audio: Vec<Sound>,
    },
}

/// One render that was done and measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The chunk count that was asked for.
    pub chunk_count: ChunkCount,
    /// Against the baseline.
    pub comparison: Comparison,
    /// Of the execution's records with the delivered video.
    pub contradictions: Vec<String>,
}

/// A reason not to pass.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Frames, size, rate, format, duration or tracks differ.
    Shape(Difference),
    /// The mean is below the gate.
    Mean(Level, Decibels),
    /// A single frame is below the gate: level, frame index, gate.
    WorstFrame(Level, u64, Decibels),
    /// The sound differs: level, track, gate.
    Audio(Residual, usize, Decibels),
    /// The sound differs for a moment: level, when in seconds, track, gate.
    AudioMoment(Residual, f64, usize, Decibels),
    /// A stretch of the baseline's sound is not there, in this track.
    AudioLost(Lost, usize),
    /// The records contradict the video.
    Contradiction(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(difference) => difference.fmt(f),
            Self::Mean(level, gate) => write!(f, "PSNR {level} dB is below {gate} dB"),
            Self::WorstFrame(level, frame, gate) => {
                write!(f, "frame {frame} (counted from 0) has {level} dB, below {gate} dB for any single frame")
            }
            Self::Audio(level, track, gate) => {
                write!(f, "audio track {track}: the residual of {level} dBFS is above {gate} dBFS")
            }
            Self::AudioMoment(level, at_s, track, gate) => write!(
                f,
                "audio track {track}: the residual of {level} dBFS at {at_s:.1} s is above {gate} dBFS for any tenth of a second"
            ),
            Self::AudioLost(lost, track) => write!(
                f,
                "audio track {track}: from {:.1} s to {:.1} s the baseline's sound ({} dBFS) is not in the render: the residual has {} dBFS",
                lost.from_s, lost.to_s, lost.baseline, lost.residual
            ),
            Self::Contradiction(what) => f.write_str(what),
        }
    }
}

/// One render's part of the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The chunk count that was asked for.
    pub chunk_count: ChunkCount,
    /// Empty when the render passes.
    pub findings: Vec<Finding>,
}

/// How the whole gate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All planned renders measured, all equal enough.
    Pass,
    /// At least one render was not measured.
    Incomplete,
    /// At least one render differs too much.
    Unequal,
    /// Equal enough, but an execution's records contradict its video.
    Contradictory,
}

/// The verdict over all planned renders. It can only be built from the plan
/// and the measurements, and the plan is never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    judged: Vec<Judged>,
    unmeasured: Vec<ChunkCount>,
}

impl Verdict {
    /// Holds every planned render against the gate.
    pub fn judge(planned: &ChunkCounts, measured: &[Measured], gate: &Gate) -> Self {
        let mut judged = Vec::new();
        let mut unmeasured = Vec::new();
        for &count in planned.iter() {
            match measured.iter().find(|m| m.chunk_count == count) {
                Some(render) => judged.push(Judged { chunk_count: count, findings: findings(render, gate) }),
                None => unmeasured.push(count),
            }
        }
        Self { judged, unmeasured }
    }

    /// What the verdict is.
    pub fn outcome(&self) -> Outcome {
        let any = |wanted: fn(&Finding) -> bool| self.judged.iter().flat_map(|j| &j.findings).any(wanted);
        if !self.unmeasured.is_empty() {
            Outcome::Incomplete
        } else if any(|f| !matches!(f, Finding::Contradiction(_))) {
            Outcome::Unequal
        } else if any(|f| matches!(f, Finding::Contradiction(_))) {
            Outcome::Contradictory
        } else {
            Outcome::Pass
        }
    }

    /// The measured renders, in the plan's order.
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// The planned renders that were not measured.
    pub fn unmeasured(&self) -> &[ChunkCount] {
        &self.unmeasured
    }
}

/// Everything about one render that is not equal enough.
pub fn findings(render: &Measured, gate: &Gate) -> Vec<Finding> {
    let mut found = Vec::new();
    match &render.comparison {
        Comparison::Unlike(differences) => found.extend(differences.iter().cloned().map(Finding::Shape)),
        Comparison::Alike { psnr, audio } => {
            if !psnr.mean.reaches(gate.psnr_db) {
                found.push(Finding::Mean(psnr.mean, gate.psnr_db));
            }
            if !psnr.worst.reaches(gate.worst_frame_db) {
                found.push(Finding::WorstFrame(psnr.worst, psnr.worst_frame, gate.worst_frame_db));
            }
            for (track, sound) in audio.iter().enumerate() {
                if !sound.whole.within(gate.audio_residual_dbfs.db()) {
                    found.push(Finding::Audio(sound.whole, track, gate.audio_residual_dbfs));
                }
                if !sound.loudest.within(gate.audio_loudest_dbfs.db()) {
                    let (level, at_s) = (sound.loudest, sound.loudest_at_s);
                    found.push(Finding::AudioMoment(level, at_s, track, gate.audio_loudest_dbfs));
                }
                found.extend(sound.lost.map(|lost| Finding::AudioLost(lost, track)));
            }
        }
    }
    found.extend(render.contradictions.iter().cloned().map(Finding::Contradiction));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gate() -> Gate {
        let db = |v| Decibels::new(v).unwrap();
        Gate {
            psnr_db: db(40.0),
            worst_frame_db: db(34.0),
            audio_residual_dbfs: db(-50.0),
            audio_loudest_dbfs: db(-38.0),
        }
    }

    fn measured(count: u16, mean: f64, worst: f64) -> Measured {
        let psnr = PsnrSummary {
            frames: 60,
            identical_frames: 0,
            mean: Level::Db(mean),
            worst: Level::Db(worst),
            worst_frame: 7,
        };
        Measured {
            chunk_count: ChunkCount::new(count).unwrap(),
            comparison: Comparison::Alike { psnr, audio: vec![] },
            contradictions: vec![],
        }
    }

    fn counts(text: &str) -> ChunkCounts {
        text.parse().unwrap()
    }

    #[test]
    fn passes_when_all_are_measured_and_equal_enough() {
        let verdict = Verdict::judge(&counts("2,4"), &[measured(2, 45.0, 44.0), measured(4, 45.0, 44.0)], &gate());
        assert_eq!(verdict.outcome(), Outcome::Pass);
    }

    #[test]
    fn a_missing_render_never_passes() {
        let verdict = Verdict::judge(&counts("2,4"), &[measured(2, 45.0, 44.0)], &gate());
        assert_eq!(verdict.outcome(), Outcome::Incomplete);
        assert_eq!(verdict.unmeasured(), [ChunkCount::new(4).unwrap()]);
        assert_eq!(Verdict::judge(&counts("2"), &[], &gate()).outcome(), Outcome::Incomplete);
    }

    #[test]
    fn one_ruined_frame_fails_a_good_mean() {
        let verdict = Verdict::judge(&counts("2"), &[measured(2, 49.25, 5.0)], &gate());
        assert_eq!(verdict.outcome(), Outcome::Unequal);
        assert_eq!(
            verdict.judged()[0].findings[0].to_string(),
            "frame 7 (counted from 0) has 5.00 dB, below 34.00 dB for any single frame"
        );
    }

    #[test]
    fn a_contradiction_alone_is_its_own_outcome() {
        let mut render = measured(2, 45.0, 44.0);
        render.contradictions.push("59 frames, 60 planned".into());
        assert_eq!(Verdict::judge(&counts("2"), &[render], &gate()).outcome(), Outcome::Contradictory);
    }

    #[test]
    fn loud_residuals_fail() {
        let mut render = measured(2, 45.0, 44.0);
        let Comparison::Alike { audio, .. } = &mut render.comparison else { unreachable!() };
        let sound = |whole, loudest, lost| Sound { whole, loudest, loudest_at_s: 1.5, lost };
        let lost = Lost { from_s: 2.0, to_s: 3.0, baseline: Residual::DbFs(-45.0), residual: Residual::DbFs(-45.0) };
        audio.extend([
            sound(Residual::Silent, Residual::Silent, None),
            sound(Residual::DbFs(-9.8), Residual::DbFs(-9.8), None),
            sound(Residual::DbFs(-50.0), Residual::DbFs(-37.9), None),
            sound(Residual::DbFs(-50.0), Residual::DbFs(-38.0), Some(lost)),
        ]);
        let verdict = Verdict::judge(&counts("2"), &[render], &gate());
        let found: Vec<String> = verdict.judged()[0].findings.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(found.join("\n"), @r"
        audio track 1: the residual of -9.8 dBFS is above -50.00 dBFS
        audio track 1: the residual of -9.8 dBFS at 1.5 s is above -38.00 dBFS for any tenth of a second
        audio track 2: the residual of -37.9 dBFS at 1.5 s is above -38.00 dBFS for any tenth of a second
        audio track 3: from 2.0 s to 3.0 s the baseline's sound (-45.0 dBFS) is not in the render: the residual has -45.0 dBFS
        ");
    }

    proptest! {
        #[test]
        fn never_pass_without_every_render_at_the_gate(
            rows in proptest::collection::vec((any::<bool>(), 20.0f64..60.0, 20.0f64..60.0), 1..6),
        ) {
            let planned = counts(&(1..=rows.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
            let done: Vec<_> = rows.iter().enumerate().filter(|(_, r)| r.0)
                .map(|(i, r)| measured(i as u16 + 1, r.1, r.2)).collect();
            let good = rows.iter().all(|(was, mean, worst)| *was && *mean >= 40.0 && *worst >= 34.0);
            prop_assert_eq!(Verdict::judge(&planned, &done, &gate()).outcome() == Outcome::Pass, good);
        }
    }
}
