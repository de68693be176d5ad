//! PSNR from ffmpeg's `psnr` filter: one line a frame in its statistics.

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use super::Level;

/// What a whole video's PSNR comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PsnrSummary {
    /// Frames compared.
    pub frames: u64,
    /// How many of them are equal to the bit.
    pub identical_frames: u64,
    /// Arithmetic mean of the frames' `psnr_avg`, in dB. Identical frames have
    /// no finite ratio; each counts as [`IDENTICAL_DB`], or as the best of the others.
    pub mean: Level,
    /// The worst frame's `psnr_avg`, in dB.
    pub worst: Level,
    /// The worst frame's index in decode order, from 0.
    pub worst_frame: u64,
}

/// What an identical frame counts as in a mean, in dB: above what lossy
/// encoders reach, and not so far above that a few frames of black hide the others.
pub const IDENTICAL_DB: f64 = 60.0;

impl PsnrSummary {
    /// Reads the filter's statistics, `n:1 mse_avg:… psnr_avg:45.31 …` a line.
    ///
    /// # Errors
    /// When there is no frame, a line has no `psnr_avg`, or frame numbers skip:
    /// a measurement with holes is none.
    pub fn from_stats(stats: &str) -> anyhow::Result<Self> {
        let mut levels = Vec::new();
        for line in stats.lines().filter(|line| !line.trim().is_empty()) {
            let number: usize = field(line, "n:")?.parse().with_context(|| format!("in {line:?}"))?;
            ensure!(number == levels.len() + 1, "frame {} is missing: found {line:?}", levels.len() + 1);
            levels.push(level(field(line, "psnr_avg:")?).with_context(|| format!("in {line:?}"))?);
        }
        Self::of(&levels)
    }

    fn of(levels: &[Level]) -> anyhow::Result<Self> {
        let finite: Vec<f64> =
            levels.iter().filter_map(|l| if let Level::Db(db) = l { Some(*db) } else { None }).collect();
        let identical = levels.len() - finite.len();
        let (worst_frame, worst) = levels
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| a.partial_cmp(b).expect("levels are never NaN"))
            .context("no frame was compared")?;
        let mean = match finite.len() {
            0 => Level::Identical,
            _ => {
                let best = finite.iter().copied().fold(IDENTICAL_DB, f64::max);
                Level::Db((finite.iter().sum::<f64>() + identical as f64 * best) / levels.len() as f64)
            }
        };
        Ok(Self {
            frames: levels.len() as u64,
            identical_frames: identical as u64,
            mean,
            worst: *worst,
            worst_frame: worst_frame as u64,
        })
    }
}

fn field<'a>(line: &'a str, key: &str) -> anyhow::Result<&'a str> {
    line.split_ascii_whitespace()
        .find_map(|word| word.strip_prefix(key))
        .with_context(|| format!("no {key} in the psnr filter's line {line:?}"))
}

fn level(text: &str) -> anyhow::Result<Level> {
    if text == "inf" {
        return Ok(Level::Identical);
    }
    match text.parse::<f64>() {
        Ok(db) if db.is_finite() => Ok(Level::Db(db)),
        _ => bail!("{text:?} is not a level in dB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stats(levels: &[&str]) -> String {
        levels
            .iter()
            .enumerate()
            .map(|(i, l)| format!("n:{} mse_avg:1.0 mse_y:1.0 psnr_avg:{l} psnr_y:{l} \n", i + 1))
            .collect()
    }

    #[test]
    fn mean_and_worst() {
        let summary = PsnrSummary::from_stats(&stats(&["50.0", "5.0", "41.0"])).unwrap();
        assert_eq!(summary.mean, Level::Db(32.0));
        assert_eq!((summary.worst, summary.worst_frame), (Level::Db(5.0), 1));
    }

    #[test]
    fn identical_files_are_identical_not_zero() {
        let summary = PsnrSummary::from_stats(&stats(&["inf", "inf"])).unwrap();
        assert_eq!((summary.mean, summary.worst, summary.identical_frames), (Level::Identical, Level::Identical, 2));
    }

    #[test]
    fn an_identical_frame_is_neither_nothing_nor_infinitely_much() {
        let mean = |levels: &[&str]| PsnrSummary::from_stats(&stats(levels)).unwrap().mean;
        assert_eq!(mean(&["inf", "20.0", "22.0"]), Level::Db(34.0));
        assert_eq!(mean(&["inf", "70.0"]), Level::Db(70.0));
    }

    #[test]
    fn holes_are_errors() {
        assert!(PsnrSummary::from_stats("").is_err());
        assert!(PsnrSummary::from_stats("n:1 psnr_avg:40\nn:3 psnr_avg:40\n").is_err());
        assert!(PsnrSummary::from_stats("n:1 psnr_y:40\n").is_err());
        assert!(PsnrSummary::from_stats("n:1 psnr_avg:nan\n").is_err());
        assert!(PsnrSummary::from_stats("n:1 psnr_avg:-inf\n").is_err());
    }

    proptest! {
        #[test]
        fn the_mean_lies_between_worst_and_best(levels in proptest::collection::vec(0.0f64..100.0, 1..50)) {
            let text: Vec<String> = levels.iter().map(|l| format!("{l:.6}")).collect();
            let summary = PsnrSummary::from_stats(&stats(&text.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
            let best = levels.iter().copied().fold(f64::MIN, f64::max);
            let (Level::Db(mean), Level::Db(worst)) = (summary.mean, summary.worst) else { panic!("finite") };
            prop_assert!(worst <= mean + 1e-5 && mean <= best + 1e-5);
        }

        #[test]
        fn a_frame_that_gets_identical_never_lowers_the_mean(
            levels in proptest::collection::vec(0.0f64..60.0, 2..50), which in any::<prop::sample::Index>(),
        ) {
            let mean = |levels: &[Level]| PsnrSummary::of(levels).unwrap().mean;
            let before: Vec<Level> = levels.iter().copied().map(Level::Db).collect();
            let mut after = before.clone();
            after[which.index(levels.len())] = Level::Identical;
            prop_assert!(mean(&after) >= mean(&before));
        }
    }
}
