//! Decibels: thresholds, which are finite, and measured levels, which need not be.

use std::{cmp::Ordering, fmt, str::FromStr};

use anyhow::{Context, ensure};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A finite number of decibels, such as a threshold.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decibels(f64);

impl Decibels {
    /// A finite number of dB.
    ///
    /// # Errors
    /// For infinities and NaN.
    pub fn new(db: f64) -> anyhow::Result<Self> {
        ensure!(db.is_finite(), "decibels must be a finite number, not {db}");
        Ok(Self(db))
    }

    /// The value in dB.
    pub fn db(self) -> f64 {
        self.0
    }
}

impl FromStr for Decibels {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let db: f64 =
            text.parse().ok().with_context(|| format!("{text:?} is not a number of decibels (write 40, not 40dB)"))?;
        Self::new(db)
    }
}

impl fmt::Display for Decibels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

/// A measured peak signal-to-noise ratio.
///
/// Two equal pictures have no noise and no finite ratio. Treating that as a number made identical videos
/// fail and videos of half the length pass, so it is a separate case, above every finite level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Level {
    /// The ratio in dB, finite.
    Db(f64),
    /// Identical: no noise at all.
    Identical,
}

impl Level {
    /// Whether the level is at least `threshold`.
    pub fn reaches(self, threshold: Decibels) -> bool {
        match self {
            Self::Identical => true,
            Self::Db(db) => db >= threshold.db(),
        }
    }

    /// `47.22 dB`, or `identical`.
    pub fn with_unit(self) -> String {
        match self {
            Self::Identical => "identical".to_owned(),
            level @ Self::Db(_) => format!("{level} dB"),
        }
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Identical, Self::Identical) => Some(Ordering::Equal),
            (Self::Identical, Self::Db(_)) => Some(Ordering::Greater),
            (Self::Db(_), Self::Identical) => Some(Ordering::Less),
            (Self::Db(a), Self::Db(b)) => a.partial_cmp(b),
        }
    }
}

/// A number of dB, or the string "inf" as ffmpeg prints it: JSON has no infinity.
impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Db(db) => serializer.serialize_f64(*db),
            Self::Identical => serializer.serialize_str("inf"),
        }
    }
}

/// The inverse of its serialization.
impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrWord::deserialize(deserializer)? {
            NumberOrWord::Number(db) => Ok(Self::Db(db)),
            NumberOrWord::Word(word) if word == "inf" => Ok(Self::Identical),
            NumberOrWord::Word(word) => Err(de::Error::custom(format!("{word:?} is not a level in dB, nor \"inf\""))),
        }
    }
}

/// A level in JSON, which need not be finite.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number, or a word for infinity")]
pub(crate) enum NumberOrWord {
    /// A finite level.
    Number(f64),
    /// An infinite level.
    Word(String),
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Db(db) => f.pad(&format!("{db:.2}")),
            Self::Identical => f.pad("inf"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_are_shown_with_two_digits() {
        assert_eq!([Level::Identical.with_unit(), Level::Db(47.225).with_unit()], ["identical", "47.23 dB"]);
    }

    #[test]
    fn thresholds_are_finite_numbers() {
        assert_eq!("40".parse::<Decibels>().unwrap().db(), 40.0);
        assert_eq!("-3.5".parse::<Decibels>().unwrap().db(), -3.5);
        for bad in ["40dB", "", "inf", "NaN", "-inf", "4O", "40 dB", "0x10"] {
            assert!(bad.parse::<Decibels>().is_err(), "{bad:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn levels_survive_json(db in -1e6f64..1e6) {
            for level in [Level::Db(db.round()), Level::Identical] {
                let json = serde_json::to_string(&level).unwrap();
                prop_assert_eq!(serde_json::from_str::<Level>(&json).unwrap(), level);
            }
        }

        #[test]
        fn other_words_are_not_levels(word in "[a-zA-Z-]{0,6}") {
            prop_assume!(word != "inf");
            let json = format!("{word:?}");
            prop_assert!(serde_json::from_str::<Level>(&json).is_err());
        }
    }

    #[test]
    fn identical_is_above_every_threshold() {
        assert!(Level::Identical.reaches(Decibels::new(f64::MAX).unwrap()));
        assert!(Level::Identical > Level::Db(f64::MAX));
        assert!(!Level::Db(39.99).reaches(Decibels::new(40.0).unwrap()));
        assert!(!Level::Db(f64::NAN).reaches(Decibels::new(-1e9).unwrap()));
    }
}
