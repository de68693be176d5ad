//! What is left of one track when another is taken from it, as a level.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::decibels::NumberOrWord;

/// An RMS level in dBFS (0 dBFS = a full-scale square wave).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Residual {
    /// Perfect cancellation.
    Silent,
    /// A level in dB below full scale.
    DbFs(f64),
}

impl Residual {
    /// The level of `count` samples whose squares sum up to `sum`, in units of s16le.
    ///
    /// RMS = sqrt(sum / count) / 32768, level = 20 log10(RMS).
    pub(super) fn of(sum: f64, count: u64) -> Self {
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

/// The same, read again.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_are_of_full_scale_and_told_with_one_digit() {
        let half = Residual::of(16_384.0 * 16_384.0 * 7.0, 7);
        assert!((half.db() + 6.0206).abs() < 1e-4);
        assert_eq!(Residual::of(0.0, 7), Residual::Silent);
        assert!(half.within(-6.0) && !half.within(-6.1) && Residual::Silent.within(f64::MIN));
        assert_eq!([half.to_string(), format!("{:>6}", Residual::Silent)], ["-6.0", "  -inf"]);
        assert_eq!(Residual::Silent.db(), f64::NEG_INFINITY);
    }

    proptest! {
        #[test]
        fn levels_come_back_from_json(db in -200f64..0.0) {
            for level in [Residual::DbFs(db.round()), Residual::Silent] {
                let json = serde_json::to_string(&level).unwrap();
                prop_assert_eq!(serde_json::from_str::<Residual>(&json).unwrap(), level);
            }
            prop_assert!(serde_json::from_str::<Residual>("\"inf\"").is_err());
        }
    }
}
