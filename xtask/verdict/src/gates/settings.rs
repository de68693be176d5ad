//! The values of the limits: what is set, and what results.

use std::collections::BTreeMap;

use anyhow::ensure;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    decibels::Decibels,
    gates::{GATES, Limit, Rule, Unit},
};

/// The limits that flags, environment variables or a fixture set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings(BTreeMap<&'static str, f64>);

impl Settings {
    /// These settings and one more.
    ///
    /// # Errors
    /// If it is not finite, or a margin is negative.
    pub fn with(mut self, limit: &Limit, value: f64) -> anyhow::Result<Self> {
        let value = Decibels::new(value)?.db();
        let is_margin = !matches!(limit.rule, Rule::Default(_));
        ensure!(!is_margin || value >= 0.0, "the margin of the {} must be a number of dB, 0 or more", limit.what);
        let is_distance = matches!(limit.unit, Unit::Levels | Unit::Shift | Unit::Samples);
        ensure!(!is_distance || value >= 0.0, "the {} must be a number, 0 or more", limit.what);
        self.0.insert(limit.key, value);
        Ok(self)
    }

    /// These settings, and those that only `others` contains.
    #[must_use]
    pub fn or(mut self, others: &Self) -> Self {
        for (&key, &value) in &others.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// The value that is set for a limit.
    pub fn get(&self, limit: &Limit) -> Option<f64> {
        self.0.get(limit.key).copied()
    }
}

const COUNT: usize = {
    let (mut count, mut gate) = (0, 0);
    while gate < GATES.len() {
        count += GATES[gate].limits.len();
        gate += 1;
    }
    count
};

/// The value of every limit. All are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits([f64; COUNT]);

impl Limits {
    /// The limits that result from settings.
    ///
    /// # Errors
    /// If a limit is not finite.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        Self::by(|limit, limits| {
            let set = settings.get(limit).unwrap_or_else(|| limit.default());
            match limit.rule {
                Rule::Default(_) => set,
                Rule::Below(other, _) => limits.value(other) - set,
                Rule::Above(other, _) => limits.value(other) + set,
            }
        })
    }

    /// Computes one limit after the other; `value` may use the earlier ones.
    fn by(value: impl Fn(&Limit, &Self) -> f64) -> anyhow::Result<Self> {
        let mut limits = Self([0.0; COUNT]);
        for (i, limit) in Limit::all().enumerate() {
            limits.0[i] = Decibels::new(value(limit, &limits))?.db();
        }
        Ok(limits)
    }

    /// A limit in its unit.
    pub fn value(&self, limit: &Limit) -> f64 {
        self.iter().find(|(of, _)| of.key == limit.key).expect("every limit is in the table").1
    }

    /// A limit in dB or dBFS.
    pub fn db(&self, limit: &Limit) -> Decibels {
        Decibels::new(self.value(limit)).expect("every limit is finite")
    }

    /// A limit in frames.
    pub fn frames(&self, limit: &Limit) -> u64 {
        self.value(limit) as u64
    }

    /// Every limit with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Limit, f64)> {
        Limit::all().zip(self.0)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(&Settings::default()).expect("the defaults are finite")
    }
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(limit, value)| {
            let value = match limit.unit {
                Unit::Frames => serde_json::Value::from(value as u64),
                _ => serde_json::Value::from(value),
            };
            (limit.key, value)
        }))
    }
}

/// A limit that an earlier version did not have yet gets its default.
impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = BTreeMap::<String, f64>::deserialize(deserializer)?;
        let defaults = Self::default();
        Self::by(|limit, _| read.get(limit.key).copied().unwrap_or_else(|| defaults.value(limit)))
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::{FRAME_PSNR, MAX_FRAME_FAILURES, MEAN_PSNR, RESIDUAL_LIMIT, SECOND_PSNR, WINDOW_LIMIT};

    #[test]
    fn limits_follow_from_settings() {
        let of = |settings: Settings| Limits::new(&settings).unwrap();
        let picture = |limits: Limits| [&MEAN_PSNR, &SECOND_PSNR, &FRAME_PSNR].map(|limit| limits.value(limit));
        let defaults = of(Settings::default());
        assert_eq!((picture(defaults), defaults.frames(&MAX_FRAME_FAILURES)), ([40.0, 37.0, 30.0], 0));
        let set = Settings::default().with(&MEAN_PSNR, 33.0).unwrap().with(&FRAME_PSNR, 6.0).unwrap();
        let fixture = Settings::default().with(&MEAN_PSNR, 50.0).unwrap().with(&MAX_FRAME_FAILURES, 2.0).unwrap();
        let both = of(set.or(&fixture));
        assert_eq!((picture(both), both.frames(&MAX_FRAME_FAILURES)), ([33.0, 30.0, 27.0], 2));
        let louder = of(Settings::default().with(&RESIDUAL_LIMIT, -30.0).unwrap());
        assert_eq!([&RESIDUAL_LIMIT, &WINDOW_LIMIT].map(|limit| louder.value(limit)), [-30.0, -20.0]);
        assert_eq!([&RESIDUAL_LIMIT, &WINDOW_LIMIT].map(|limit| defaults.value(limit)), [-50.0, -40.0]);
    }

    #[test]
    fn invalid_limits_are_refused() {
        let with = |limit, value| Settings::default().with(limit, value);
        let error = with(&FRAME_PSNR, -1.0).unwrap_err().to_string();
        assert_eq!(error, "the margin of the PSNR of a frame must be a number of dB, 0 or more");
        assert!(with(&MEAN_PSNR, f64::NAN).is_err());
        let far = with(&MEAN_PSNR, f64::MIN).unwrap().with(&FRAME_PSNR, f64::MAX).unwrap();
        assert!(Limits::new(&far).is_err());
        assert!(MEAN_PSNR.parse("40dB").is_err() && MAX_FRAME_FAILURES.parse("-1").is_err());
        assert_eq!((MEAN_PSNR.parse("-1.5").unwrap(), MAX_FRAME_FAILURES.parse("7").unwrap()), (-1.5, 7.0));
    }

    #[test]
    fn limits_survive_json() {
        let limits = Limits::new(&Settings::default().with(&MAX_FRAME_FAILURES, 3.0).unwrap()).unwrap();
        let json = serde_json::to_value(limits).unwrap();
        assert_eq!(json["maxFrameFailures"], serde_json::json!(3));
        assert_eq!(json["psnrDb"], serde_json::json!(40.0));
        assert_eq!(serde_json::from_value::<Limits>(json).unwrap(), limits);
        assert_eq!(serde_json::from_str::<Limits>("{}").unwrap(), Limits::default());
        assert!(serde_json::from_str::<Limits>(r#"{"psnrDb":"40"}"#).is_err());
    }
}
