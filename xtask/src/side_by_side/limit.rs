//! How much slower or dearer a run may be than the one before. Pure.

use std::{fmt, str::FromStr};

use anyhow::{Context, ensure};

use super::{Change, Pair, SideBySide, change::percent};

/// By how much a median may be above the one before, as a share of it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct MaxRegression(f64);

impl FromStr for MaxRegression {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let number = text.trim().strip_suffix('%').unwrap_or(text.trim()).trim_end();
        let percent: f64 =
            number.parse().ok().with_context(|| format!("{text:?} is not a percentage (write 10% or 10)"))?;
        ensure!(percent.is_finite() && percent >= 0.0, "a percentage is 0 or more, not {text}");
        Ok(Self(percent / 100.0))
    }
}

impl fmt::Display for MaxRegression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", (self.0 * 1e6).round() / 1e4)
    }
}

/// A median that rose by more than is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// Which fixture, chunk count and protocol.
    pub name: String,
    /// What rose.
    pub what: Rising,
    /// How.
    pub change: Change,
    /// By how much it may.
    pub limit: MaxRegression,
}

/// What may rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rising {
    /// Wall-clock, ms.
    WallClock,
    /// Cost, USD.
    Cost,
}

impl SideBySide {
    /// The pairs whose cost is not known of both, so that no limit holds it.
    pub fn without_cost(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(|pair| pair.usd.is_none()).map(|pair| pair.name.as_str())
    }

    /// Everything that is beyond `limit`, certain or not.
    pub fn regressions(&self, limit: MaxRegression) -> Vec<Regression> {
        let of_pair = |pair: &Pair| {
            let rising = [(Rising::WallClock, Some(pair.wall_ms)), (Rising::Cost, pair.usd)];
            let beyond = |(what, change): (Rising, Option<Change>)| {
                let change = change.filter(|change| change.exceeds(limit.0))?;
                Some(Regression { name: pair.name.clone(), what, change, limit })
            };
            rising.into_iter().filter_map(beyond).collect::<Vec<_>>()
        };
        self.pairs.iter().flat_map(of_pair).collect()
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, what, change, limit } = self;
        let (share, certainty) = (percent(change.share()), change.certainty);
        match what {
            Rising::WallClock => {
                let (before, now) = (change.before / 1000.0, change.now / 1000.0);
                write!(
                    f,
                    "{name}: slower, {before:.1} s before, {now:.1} s now: {share}, allowed {limit} ({certainty})"
                )
            }
            Rising::Cost => {
                let (before, now) = (change.before, change.now);
                write!(
                    f,
                    "{name}: dearer, {before:.5} USD before, {now:.5} now: {share}, allowed {limit} ({certainty})"
                )
            }
        }
    }
}
