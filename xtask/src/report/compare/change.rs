//! How a median changed, and whether that is more than chance. Pure.

use std::fmt;

use execution_history::time_spent::median;

use crate::{
    eval::statistics::{
        Distinction, ENOUGH_TO_RANK, Reason,
        bootstrap::{Interval, ratio_of_medians},
        more_iterations, ranked,
    },
    report::compare::Both,
};

/// A median in both runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// In this run.
    pub now: f64,
    /// In the earlier run.
    pub before: f64,
    /// Whether the change may be chance.
    pub certainty: Certainty,
    /// How many iterations in each run would show whether it is chance, by the spread of the pairs where both took turns;
    /// `None` if that is not known, or too many.
    pub settled_by: Option<u32>,
}

/// Whether a change is more than chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Certainty {
    /// With enough samples: the 95 % confidence interval of now / before.
    Within(Interval),
    /// Too few samples for an interval, but the difference is significant.
    Significant,
    /// The difference is not significant.
    NotSignificant(Reason),
    /// At least one of the runs has one sample: its spread is unknown.
    SingleSample,
    /// The figure is one of picture or sound, which no load of a machine changes.
    NotByChance,
}

impl Change {
    /// `None` unless both have samples.
    pub fn of(now: &[f64], before: &[f64]) -> Option<Self> {
        let certainty = Certainty::of(now, before);
        let (at, from) = (median(now)?, median(before)?);
        let settled_by = match certainty {
            Certainty::SingleSample | Certainty::NotSignificant(Reason::TooFewSamples) => Some(ENOUGH_TO_RANK),
            _ => {
                let (lower, higher) = if at < from { (now, before) } else { (before, now) };
                let least = u32::try_from(lower.len().min(higher.len())).unwrap_or(u32::MAX);
                more_iterations(lower, higher).map(|more| least.saturating_add(more))
            }
        };
        Some(Self { now: at, before: from, certainty, settled_by })
    }

    /// A figure that no load of a machine changes.
    pub(crate) fn not_by_chance(Both { now, before }: Both<f64>) -> Self {
        Self { now, before, certainty: Certainty::NotByChance, settled_by: None }
    }

    /// By how much this run exceeds the earlier one, as a share of the earlier one; negative when it is lower.
    pub fn share(&self) -> f64 {
        match self.before > 0.0 {
            true => (self.now - self.before) / self.before,
            false if self.now > 0.0 => f64::INFINITY,
            false => 0.0,
        }
    }

    /// Whether this run exceeds the earlier one by more than `share`, rounding errors aside.
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
        match ranked(&[now, before]).first().map(|pair| pair.distinction) {
            Some(Distinction::Significant) => Self::Significant,
            Some(Distinction::NotSignificant(reason)) => Self::NotSignificant(reason),
            None => Self::NotSignificant(Reason::TooFewSamples),
        }
    }

    /// Whether the order of the medians is more than chance.
    pub fn is_certain(self) -> bool {
        match self {
            Self::Within(interval) => interval.low > 1.0 || interval.high < 1.0,
            Self::Significant | Self::NotByChance => true,
            Self::NotSignificant(_) | Self::SingleSample => false,
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
            Self::Significant => f.write_str("significant (p <= 0.05)"),
            Self::NotSignificant(Reason::TooFewSamples) => f.write_str("too few samples: may be chance"),
            Self::NotSignificant(Reason::Overlapping) => f.write_str("not significant: may be chance"),
            Self::SingleSample => f.write_str("single sample: may be chance"),
            Self::NotByChance => f.write_str("not by chance"),
        }
    }
}

/// A signed share in %; -0 becomes +0.0.
pub(crate) fn percent(share: f64) -> String {
    format!("{:+.1} %", (share * 1000.0).round() / 10.0 + 0.0)
}
