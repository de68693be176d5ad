//! The figures of single moments: frames.csv and audio.csv. Pure.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};

use crate::measure::{Level, residual::Residual};

/// One frame against the baseline's.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameSample {
    /// From 0.
    pub frame: u64,
    /// When it is shown, s.
    pub time_s: f64,
    /// Its PSNR, dB.
    pub psnr: Level,
    /// Of the decoded frame; of a sequence's, the SHA-256 of its file.
    pub hash: String,
}

/// The sound of a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundSample {
    /// From 0.
    pub track: usize,
    /// When the moment begins, s.
    pub at_s: f64,
    /// What is left when the baseline's sound is taken from the render's, dBFS.
    pub residual: Residual,
    /// The baseline's own level, dBFS.
    pub baseline: Residual,
}

impl FrameSample {
    /// The first line of such a file.
    pub const HEADER: &str = "frame,timeS,psnrDb,hash";

    /// The same in runs of before frames were hashed by XXH3.
    const FORMER_HEADER: &str = "frame,timeS,psnrDb,md5";

    /// Reads frames.csv.
    ///
    /// # Errors
    /// When the header is another one, or a line does not fit it; the error has the line's number.
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

impl SoundSample {
    /// The first line of such a file.
    pub const HEADER: &str = "track,atS,residualDbfs,baselineDbfs";

    /// Reads audio.csv.
    ///
    /// # Errors
    /// As [`FrameSample::parse`].
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
        let cells = <[&str; N]>::try_from(cells).ok().with_context(|| format!("{N} fields are due: {line:?}"));
        cells.and_then(&parse).with_context(|| format!("line {}", nth + 2))
    };
    lines.enumerate().map(one).collect()
}

fn number<T: FromStr>(field: &str, text: &str) -> anyhow::Result<T> {
    text.parse().ok().with_context(|| format!("{field} is {text:?}, no number"))
}

fn level(text: &str) -> anyhow::Result<Level> {
    if text == "inf" {
        return Ok(Level::Identical);
    }
    match number::<f64>("psnrDb", text)? {
        db if db.is_finite() => Ok(Level::Db(db)),
        _ => bail!("psnrDb is {text:?}, no level in dB"),
    }
}

fn loudness(field: &str, text: &str) -> anyhow::Result<Residual> {
    if text == "-inf" {
        return Ok(Residual::Silent);
    }
    match number::<f64>(field, text)? {
        db if db.is_finite() => Ok(Residual::DbFs(db)),
        _ => bail!("{field} is {text:?}, no level in dBFS"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(levels in proptest::collection::vec((0u32..10_000, any::<bool>()), 0..40)) {
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
            let _ = SoundSample::parse(&format!("{}\n{text}", SoundSample::HEADER));
        }
    }
}
