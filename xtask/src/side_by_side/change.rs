//! How a median moved, and whether that is more than chance. Pure.

use std::fmt;

use crate::statistics::{
    bootstrap::{Interval, ratio_of_medians},
    median,
    ranking::{Distinction, Reason, ranked},
};

/// A median of both runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// This run's.
    pub now: f64,
    /// That of the run before.
    pub before: f64,
    /// How many samples each is of: this run's, and the run's before.
    pub samples: (usize, usize),
    /// Whether it may be chance.
    pub certainty: Certainty,
}

/// What is known of a change's being more than chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Certainty {
    /// Enough samples: where now / before lies with 95 % confidence.
    Within(Interval),
    /// Too few of them for that, but the runs can be told apart.
    Told,
    /// They can't.
    NotTold(Reason),
    /// One sample of at least one of the runs: nothing is known of its spread.
    SingleSample,
}

impl Change {
    /// `None` unless both have samples.
    pub fn of(now: &[f64], before: &[f64]) -> Option<Self> {
        let certainty = Certainty::of(now, before);
        Some(Self { now: median(now)?, before: median(before)?, samples: (now.len(), before.len()), certainty })
    }

    /// By how much this run's is above the one before, as a share of that; below 0 when it is less.
    pub fn share(&self) -> f64 {
        match self.before > 0.0 {
            true => (self.now - self.before) / self.before,
            false if self.now > 0.0 => f64::INFINITY,
            false => 0.0,
        }
    }

    /// Whether this run's is above the one before by more than `share`; rounding aside.
    pub fn exceeds(&self, share: f64) -> bool {
        self.now > self.before * (1.0 + share) * (1.0 + ROUNDING)
    }
}

const ROUNDING: f64 = 1e-9;

impl Certainty {
    fn of(now: &[f64], before: &[f64]) -> Self {
        if let Some(interval) = ratio_of_medians(now, before) {
            return Self::Within(interval);
        }
        if now.len() < 2 || before.len() < 2 {
            return Self::SingleSample;
        }
        match ranked(&[(0, now), (1, before)]).first().map(|pair| pair.distinction) {
            Some(Distinction::Told) => Self::Told,
            Some(Distinction::NotTold(reason)) => Self::NotTold(reason),
            None => Self::NotTold(Reason::TooFewSamples),
        }
    }

    /// Whether the order of the medians is more than chance.
    pub fn is_certain(self) -> bool {
        match self {
            Self::Within(interval) => interval.low > 1.0 || interval.high < 1.0,
            Self::Told => true,
            Self::NotTold(_) | Self::SingleSample => false,
        }
    }
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(interval) => {
                write!(f, "{} to {}", percent(interval.low - 1.0), percent(interval.high - 1.0))?;
                f.write_str(if self.is_certain() { " (95 %)" } else { " (95 %): may be chance" })
            }
            Self::Told => f.write_str("told apart (p <= 0.05)"),
            Self::NotTold(Reason::TooFewSamples) => f.write_str("too few samples: may be chance"),
            Self::NotTold(Reason::Overlapping) => f.write_str("not told apart: may be chance"),
            Self::SingleSample => f.write_str("single sample: may be chance"),
        }
    }
}

/// A share in %, signed, and 0 always as +0.0.
pub(super) fn percent(share: f64) -> String {
    format!("{:+.1} %", (share * 1000.0).round() / 10.0 + 0.0)
}
