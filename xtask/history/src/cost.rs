//! What an execution costs on AWS, from its timeline. Pure.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::timeline::Timeline;

/// Prices in USD. They do not include S3, logs, data transfer, X-Ray, and the free tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// The date and the region of the prices.
    pub as_of: String,
    /// A GB-second of an x86 function.
    pub gb_second_usd: f64,
    /// A call of a function.
    pub request_usd: f64,
    /// A state transition of a standard workflow.
    pub transition_usd: f64,
}

impl Default for Prices {
    /// The list prices of us-east-1.
    fn default() -> Self {
        Self {
            as_of: "2026-11, us-east-1, x86".to_owned(),
            gb_second_usd: 0.000_016_666_7,
            request_usd: 0.000_000_2,
            transition_usd: 0.000_025,
        }
    }
}

impl Prices {
    /// Reads other prices from JSON.
    ///
    /// # Errors
    /// If a price is missing, negative, or not a number, or a field is unknown.
    pub fn parse(json: &[u8]) -> anyhow::Result<Self> {
        let prices: Self = serde_json::from_slice(json)?;
        let all = [prices.gb_second_usd, prices.request_usd, prices.transition_usd];
        ensure!(all.iter().all(|price| price.is_finite() && *price >= 0.0), "a price is 0 or more USD");
        Ok(prices)
    }

    /// The cost of this usage, USD.
    pub fn usd(&self, gb_seconds: f64, requests: f64, transitions: f64) -> f64 {
        gb_seconds * self.gb_second_usd + requests * self.request_usd + transitions * self.transition_usd
    }
}

/// The GB-seconds of a function with `memory_mb` MB that runs for `ms` ms.
pub fn gb_seconds(memory_mb: u64, ms: f64) -> f64 {
    memory_mb as f64 / 1024.0 * ms / 1000.0
}

/// The cost of one execution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The run time of all calls, including failed ones, ms: an upper estimate of what is billed.
    pub function_ms: u64,
    /// The run time multiplied by the function's memory.
    pub gb_seconds: f64,
    /// Calls of the function.
    pub requests: u64,
    /// State transitions, including retries.
    pub transitions: u64,
    /// The total, USD.
    pub usd: f64,
}

impl Cost {
    /// The cost of a timeline, for a function with `memory_mb` MB.
    pub fn of(timeline: &Timeline, memory_mb: u64, prices: &Prices) -> Self {
        let (function_ms, requests) = (timeline.function_ms(), timeline.requests());
        let gb_seconds = gb_seconds(memory_mb, function_ms as f64);
        let usd = prices.usd(gb_seconds, requests as f64, timeline.transitions as f64);
        Self { function_ms, gb_seconds, requests, transitions: timeline.transitions, usd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{Attempt, Step};

    #[test]
    fn failed_attempts_and_transitions_are_charged() {
        let attempt = |error: Option<&str>| Attempt {
            step: Step::Chunk(0),
            state: "RenderChunk".into(),
            scheduled_ms: 0,
            started_ms: Some(500),
            ended_ms: Some(2500),
            error: error.map(str::to_owned),
            handler_ms: None,
        };
        let not_started = Attempt { started_ms: None, ended_ms: None, ..attempt(None) };
        let attempts = vec![attempt(Some("E")), attempt(None), not_started];
        let cost = Cost::of(&Timeline { duration_ms: 5000, attempts, transitions: 8 }, 10_240, &Prices::default());
        assert_eq!((cost.gb_seconds, cost.requests, cost.transitions), (40.0, 2, 8));
        let expected = 40.0 * 0.000_016_666_7 + 2.0 * 0.000_000_2 + 8.0 * 0.000_025;
        assert!((cost.usd - expected).abs() < 1e-12);
    }

    #[test]
    fn incomplete_or_unknown_prices_are_refused() {
        let json = serde_json::to_vec(&Prices::default()).unwrap();
        assert_eq!(Prices::parse(&json).unwrap(), Prices::default());
        let other =
            r#"{"asOf":"2027-01, eu-west-1","gbSecondUsd":0.00002,"requestUsd":0.0000002,"transitionUsd":0.000025}"#;
        assert_eq!(Prices::parse(other.as_bytes()).unwrap().gb_second_usd, 0.000_02);
        for bad in [
            "{}",
            r#"{"asOf":"x","gbSecondUsd":-1,"requestUsd":0,"transitionUsd":0}"#,
            r#"{"asOf":"x","gbSecondUsd":1,"requestUsd":0,"transitionUsd":0,"s3":1}"#,
        ] {
            assert!(Prices::parse(bad.as_bytes()).is_err(), "{bad} was accepted");
        }
    }
}
