//! The level of the difference of two tracks, and the arithmetic on samples behind it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::decibels::NumberOrWord;

/// An RMS level in dBFS (0 dBFS = a full-scale square wave).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Residual {
    /// Perfect cancellation.
    Silent,
    /// A level in dB below full scale.
    DbFs(f64),
}

impl Residual {
    /// The level of `count` samples with this sum of squares, in units of s16le.
    ///
    /// RMS = sqrt(sum / count) / 32768, level = 20 log10(RMS).
    pub(crate) fn of(sum: f64, count: u64) -> Self {
        let rms = (sum / count.max(1) as f64).sqrt() / 32_768.0;
        if rms == 0.0 { Self::Silent } else { Self::DbFs(20.0 * rms.log10()) }
    }

    /// Whether the residual is no louder than `limit_dbfs`.
    pub fn within(self, limit_dbfs: f64) -> bool {
        self.db() <= limit_dbfs
    }

    /// The level in dBFS, minus infinity for perfect cancellation.
    pub fn db(self) -> f64 {
        match self {
            Self::Silent => f64::NEG_INFINITY,
            Self::DbFs(db) => db,
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

/// The inverse of its serialization.
impl<'de> Deserialize<'de> for Residual {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrWord::deserialize(deserializer)? {
            NumberOrWord::Number(db) => Ok(Self::DbFs(db)),
            NumberOrWord::Word(word) if word == "-inf" => Ok(Self::Silent),
            NumberOrWord::Word(word) => {
                Err(de::Error::custom(format!("{word:?} is not a level in dBFS, nor \"-inf\"")))
            }
        }
    }
}

impl fmt::Display for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.pad("-inf"),
            Self::DbFs(db) => f.pad(&format!("{db:.1}")),
        }
    }
}

/// Parses s16le samples; an odd byte at the end is ignored.
pub fn samples(bytes: &[u8]) -> Vec<i16> {
    let (pairs, _) = bytes.as_chunks();
    pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// The sum of all channels of interleaved samples, for each moment.
pub fn mono(samples: &[i16], channels: usize) -> Vec<f32> {
    samples.chunks_exact(channels.max(1)).map(|moment| moment.iter().map(|&sample| f32::from(sample)).sum()).collect()
}

/// Adds up the squares of the difference between `baseline` and `render`, of `baseline`, and of `render`, for each
/// channel of interleaved samples. The shorter one is padded with silence.
pub fn add_squares(baseline: &[i16], render: &[i16], sums: &mut [[f64; 3]]) {
    let channels = sums.len();
    for (channel, sums) in sums.iter_mut().enumerate() {
        let of = |samples: &[i16], i: usize| samples.get(i).copied().map_or(0, i64::from);
        // Integers, so that the order of additions does not matter.
        let mut squares = [0i64; 3];
        for i in (channel..baseline.len().max(render.len())).step_by(channels) {
            let (b, r) = (of(baseline, i), of(render, i));
            for (square, value) in squares.iter_mut().zip([b - r, b, r]) {
                *square += value * value;
            }
        }
        sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square as f64);
    }
}

/// The sums of which a correlation consists: the products of `a` and `b`, and the squares of `b`, over the
/// length of `a`.
pub fn products(a: &[f32], b: &[f32]) -> (f32, f32) {
    // Independent sums, which a processor can compute in parallel.
    const LANES: usize = 16;
    let (mut product, mut square) = ([0.0f32; LANES], [0.0f32; LANES]);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b[..a.len()].as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            product[lane] += a[lane] * b[lane];
            square[lane] += b[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        product[lane] += a * b;
        square[lane] += b * b;
    }
    (product.iter().sum(), square.iter().sum())
}

/// Averages of `count` values each; a shorter rest is left out.
pub fn thinned(values: &[f32], count: usize) -> Vec<f32> {
    values.chunks_exact(count).map(|chunk| chunk.iter().sum::<f32>() / count as f32).collect()
}

#[cfg(test)]
mod residual_tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_are_relative_to_full_scale_and_shown_with_one_digit() {
        let half = Residual::of(16_384.0 * 16_384.0 * 7.0, 7);
        assert!((half.db() + 6.0206).abs() < 1e-4);
        assert_eq!(Residual::of(0.0, 7), Residual::Silent);
        assert!(half.within(-6.0) && !half.within(-6.1) && Residual::Silent.within(f64::MIN));
        assert_eq!([half.to_string(), format!("{:>6}", Residual::Silent)], ["-6.0", "  -inf"]);
        assert_eq!(Residual::Silent.db(), f64::NEG_INFINITY);
    }

    proptest! {
        #[test]
        fn levels_survive_json(db in -200f64..0.0) {
            for level in [Residual::DbFs(db.round()), Residual::Silent] {
                let json = serde_json::to_string(&level).unwrap();
                prop_assert_eq!(serde_json::from_str::<Residual>(&json).unwrap(), level);
            }
            prop_assert!(serde_json::from_str::<Residual>("\"inf\"").is_err());
        }
    }
}

#[cfg(test)]
mod sound_tests {
    use super::*;

    #[test]
    fn the_rest_of_the_longer_track_is_compared_with_silence() {
        let mut sums = [[0.0; 3]; 2];
        add_squares(&[3, -4, 5], &[1, -4], &mut sums);
        assert_eq!(sums, [[4.0 + 25.0, 9.0 + 25.0, 1.0], [0.0, 16.0, 16.0]]);
        add_squares(&[], &[i16::MIN, i16::MAX], &mut sums);
        let (min, max) = (32_768.0 * 32_768.0, 32_767.0 * 32_767.0);
        assert_eq!(sums, [[29.0 + min, 34.0, 1.0 + min], [max, 16.0, 16.0 + max]]);
    }

    #[test]
    fn products_cover_all_values() {
        let a: Vec<f32> = (0..37).map(|i| i as f32).collect();
        let b = vec![2.0f32; 40];
        assert_eq!(products(&a, &b), (2.0 * 36.0 * 37.0 / 2.0, 4.0 * 37.0));
    }

    #[test]
    fn an_odd_byte_is_not_a_sample() {
        assert_eq!(samples(&[1, 0, 255, 255, 7]), [1, -1]);
        assert_eq!(mono(&[1, 2, 3, 4, 5], 2), [3.0, 7.0]);
        assert_eq!(thinned(&[1.0, 3.0, 5.0, 7.0, 9.0], 2), [2.0, 6.0]);
    }
}
