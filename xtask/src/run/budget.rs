//! `--max-cost-usd`: what a run has spent, what it may still spend, and what it is going to cost.

use std::{cell::Cell, fmt, str::FromStr, time::Duration};

use anyhow::Context;
use execution_history::cost::Prices;

use crate::{project::template::functions::Sizes, run::estimate::Estimate};

/// An amount of money, above 0 USD.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Usd(f64);

impl FromStr for Usd {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let number =
            text.trim().trim_start_matches('$').parse::<f64>().ok().filter(|usd| usd.is_finite() && *usd > 0.0);
        number.map(Self).with_context(|| format!("{text:?} is not an amount of USD above 0 (example: 0.50)"))
    }
}

impl Usd {
    /// The share of each of `runs` runs.
    #[must_use]
    pub fn shared_by(self, runs: u32) -> Self {
        Self(self.0 / f64::from(runs))
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} USD", self.0)
    }
}

#[derive(Debug, Default)]
pub struct Budget {
    ceiling: Option<Usd>,
    spent_usd: Cell<f64>,
}

/// What is not done because it could cost more than is allowed.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Exceeded {
    /// What would have come next, such as `N=8`.
    pub what: String,
    why: String,
}

impl Budget {
    pub fn new(ceiling: Option<Usd>) -> Self {
        Self { ceiling, spent_usd: Cell::new(0.0) }
    }

    /// Adds what an execution cost.
    pub fn spend(&self, usd: f64) {
        self.spent_usd.set(self.spent_usd.get() + usd);
    }

    /// Refuses what would exceed the limit.
    ///
    /// # Errors
    /// When what is spent and the estimate of what comes are more than the limit.
    pub fn allow(&self, estimate: &Estimate, what: &str) -> anyhow::Result<()> {
        let Some(ceiling) = self.ceiling else { return Ok(()) };
        let spent = self.spent_usd.get();
        if spent + estimate.usd <= ceiling.0 {
            return Ok(());
        }
        let why = format!("{what}: {estimate}, {spent:.5} USD are spent, and --max-cost-usd allows {ceiling}");
        Err(Exceeded { what: what.to_owned(), why }.into())
    }

    /// How long an execution of `chunks` chunks may run until it could exceed the limit: all its chunks and other
    /// steps running all the time, which is the most that it can spend. `None` without a limit.
    pub fn time_left(&self, chunks: u64, sizes: &Sizes, prices: &Prices) -> Option<Duration> {
        let left = (self.ceiling?.0 - self.spent_usd.get()).max(0.0);
        let others: f64 = sizes.others.iter().map(|size| size.usd(1000.0, prices)).sum();
        let per_second = sizes.chunk.usd(1000.0, prices) * chunks.max(1) as f64 + others;
        Duration::try_from_secs_f64(left / per_second).ok()
    }
}

#[cfg(test)]
mod tests {
    use execution_history::cost::FunctionSize;

    use super::*;

    fn estimate(usd: f64) -> Estimate {
        Estimate { gb_seconds: 1.0, requests: 1, transitions: 1, usd }
    }

    #[test]
    fn amounts_are_above_zero() {
        assert_eq!("0.5".parse::<Usd>().unwrap(), "$0.50".parse().unwrap());
        for bad in ["", "0", "-1", "free", "1,5", "inf", "NaN"] {
            assert!(bad.parse::<Usd>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_cost_so_far_counts_against_the_limit() {
        let budget = Budget::new(Some("1".parse().unwrap()));
        assert!(budget.allow(&estimate(1.0), "a render").is_ok());
        budget.spend(0.6);
        assert!(budget.allow(&estimate(0.4), "a render").is_ok());
        let refused = budget.allow(&estimate(0.5), "a render").unwrap_err().to_string();
        insta::assert_snapshot!(refused, @"a render: about 0.50000 USD (1 GB-s, 1 requests, 1 state transitions), 0.60000 USD are spent, and --max-cost-usd allows 1 USD");
        assert!(Budget::new(None).allow(&estimate(1e9), "all").is_ok());
    }

    #[test]
    fn an_execution_may_run_as_long_as_all_its_chunks_at_once_can_be_paid() {
        let prices = Prices { gb_second_usd: 0.01, ..Prices::default() };
        let budget = Budget::new(Some("1".parse().unwrap()));
        // 4 chunks of 10 GB: 0.4 USD a second.
        let sizes = Sizes::all(FunctionSize::LARGEST);
        assert_eq!(budget.time_left(4, &sizes, &prices), Some(Duration::from_millis(2500)));
        let with_sound = Sizes { others: vec![FunctionSize::LARGEST], ..sizes.clone() };
        assert_eq!(budget.time_left(4, &with_sound, &prices), Some(Duration::from_millis(2000)));
        budget.spend(2.0);
        assert_eq!(budget.time_left(4, &sizes, &prices), Some(Duration::ZERO));
        assert_eq!(Budget::new(None).time_left(4, &sizes, &prices), None);
    }
}
