//! SSIM from ffmpeg's `ssim` filter: one line a frame in its statistics.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// What a whole video's SSIM comes to; 1 is identical.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SsimSummary {
    /// Arithmetic mean over all frames, all planes together.
    pub mean: f64,
    /// The worst frame's.
    pub worst: f64,
    /// Which frame that is, from 0.
    pub worst_frame: u64,
}

impl SsimSummary {
    /// Reads the filter's statistics and counts the frames, `n:1 Y:0.98 U:0.99 V:0.99 All:0.985 (18.3)` a line.
    ///
    /// # Errors
    /// When there is no frame, a line has no `All`, or frame numbers skip.
    pub fn from_stats(stats: &str) -> anyhow::Result<(Self, u64)> {
        let mut values = Vec::new();
        for line in stats.lines().filter(|line| !line.trim().is_empty()) {
            let field = |key: &str| line.split_ascii_whitespace().find_map(|word| word.strip_prefix(key));
            let number = field("n:").and_then(|text| text.parse::<usize>().ok());
            ensure!(number == Some(values.len() + 1), "frame {} is missing: found {line:?}", values.len() + 1);
            let all = field("All:").and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_finite());
            values.push(all.with_context(|| format!("no All in the ssim filter's line {line:?}"))?);
        }
        Ok((Self::of(&values).context("no frame was compared")?, values.len() as u64))
    }

    /// Sums up the frames; `None` when there is none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let by_value = |(_, a): &(usize, &f64), (_, b): &(usize, &f64)| a.total_cmp(b);
        let (frame, worst) = values.iter().enumerate().min_by(by_value)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some(Self { mean, worst: *worst, worst_frame: frame as u64 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mean_and_worst() {
        let stats = "n:1 Y:1.000000 U:1.000000 V:1.000000 All:1.000000 (inf)\nn:2 Y:0.8 U:1 V:1 All:0.900000 (10.0)\n";
        let (found, frames) = SsimSummary::from_stats(stats).unwrap();
        assert_eq!((found.mean, found.worst, found.worst_frame, frames), (0.95, 0.9, 1, 2));
    }

    #[test]
    fn holes_are_errors() {
        for stats in ["", "n:2 All:0.9\n", "n:1 Y:0.9\n", "n:1 All:nan\n", "All:0.9"] {
            assert!(SsimSummary::from_stats(stats).is_err(), "{stats:?} was taken");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(n:1 )?(All:.{0,4} ?){0,2}.{0,10}\n?") {
            let _ = SsimSummary::from_stats(&text);
        }
    }
}
