//! The residual of two audio tracks: what is left when one is taken from the other.

use std::io::{self, Read};

use serde::{Serialize, Serializer};

/// The RMS of the residual over both tracks' whole length, in dBFS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Residual {
    /// Perfect cancellation.
    Silent,
    /// RMS in dB below full scale (0 dBFS = a full-scale square wave).
    DbFs(f64),
}

impl Residual {
    /// Whether the residual is no louder than `limit_dbfs`.
    pub fn within(self, limit_dbfs: f64) -> bool {
        match self {
            Self::Silent => true,
            Self::DbFs(db) => db <= limit_dbfs,
        }
    }
}

/// A number of dBFS, or "-inf": JSON has no infinity.
impl Serialize for Residual {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Silent => serializer.serialize_str("-inf"),
            Self::DbFs(db) => serializer.serialize_f64(*db),
        }
    }
}

impl std::fmt::Display for Residual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent => f.pad("-inf"),
            Self::DbFs(db) => f.pad(&format!("{db:.1}")),
        }
    }
}

/// Subtracts two streams of s16le samples; the shorter one goes on in silence,
/// so a lost tail counts in full.
///
/// RMS = sqrt(mean((a - b)^2)) / 32768, level = 20 log10(RMS).
///
/// # Errors
/// When reading fails, or neither stream has a sample.
pub fn residual(baseline: impl Read, render: impl Read) -> io::Result<Residual> {
    let (mut a, mut b) = (Samples::new(baseline), Samples::new(render));
    let (mut sum, mut count) = (0.0f64, 0u64);
    loop {
        let (x, y) = (a.next()?, b.next()?);
        if x.is_none() && y.is_none() {
            break;
        }
        let difference = f64::from(x.unwrap_or(0)) - f64::from(y.unwrap_or(0));
        sum += difference * difference;
        count += 1;
    }
    if count == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "neither audio track has a sample"));
    }
    let rms = (sum / count as f64).sqrt() / 32_768.0;
    Ok(if rms == 0.0 { Residual::Silent } else { Residual::DbFs(20.0 * rms.log10()) })
}

struct Samples<R> {
    source: io::BufReader<R>,
}

impl<R: Read> Samples<R> {
    fn new(source: R) -> Self {
        Self { source: io::BufReader::with_capacity(1 << 16, source) }
    }

    fn next(&mut self) -> io::Result<Option<i16>> {
        let mut bytes = [0u8; 2];
        match self.source.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(i16::from_le_bytes(bytes))),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcm(samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
        samples.into_iter().flat_map(i16::to_le_bytes).collect()
    }

    fn level(a: Vec<u8>, b: Vec<u8>) -> f64 {
        match residual(&a[..], &b[..]).unwrap() {
            Residual::DbFs(db) => db,
            Residual::Silent => f64::NEG_INFINITY,
        }
    }

    #[test]
    fn equal_tracks_cancel() {
        let track = pcm((0..1000).map(|i| i * 7));
        assert_eq!(residual(&track[..], &track[..]).unwrap(), Residual::Silent);
    }

    #[test]
    fn noise_in_most_of_a_track_counts_not_only_its_end() {
        let silence = pcm(std::iter::repeat_n(0, 1000));
        let noisy = pcm((0..1000).map(|i| if i < 750 { 10_000 } else { 0 }));
        let expected = 20.0 * ((0.75f64).sqrt() * 10_000.0 / 32_768.0).log10();
        assert!((level(silence, noisy) - expected).abs() < 1e-9);
    }

    #[test]
    fn a_lost_tail_counts_in_full() {
        let whole = pcm(std::iter::repeat_n(16_384, 1000));
        let half = pcm(std::iter::repeat_n(16_384, 500));
        assert!((level(whole, half) - 20.0 * (0.5f64 * 0.5f64.sqrt()).log10()).abs() < 1e-9);
    }

    #[test]
    fn no_samples_is_an_error() {
        assert!(residual(&[][..], &[][..]).is_err());
    }
}
