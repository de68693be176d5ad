//! What an execution costs on AWS, from its timeline and the sizes of the functions that it calls. Pure.

use std::{collections::BTreeMap, fmt, str::FromStr};

use anyhow::{bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    time_spent::COLD_START_MS,
    timeline::{Attempt, Timeline},
};

/// Prices in USD. They do not include S3, logs, data transfer, X-Ray, and the free tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// The date and the region of the prices.
    pub as_of: String,
    /// A GB-second of an x86 function.
    pub gb_second_usd: f64,
    /// A GB-second of an arm64 function; that of us-east-1 where a file does not say.
    #[serde(default = "arm_gb_second_usd")]
    pub arm_gb_second_usd: f64,
    /// A call of a function.
    pub request_usd: f64,
    /// A state transition of a standard workflow.
    pub transition_usd: f64,
}

fn arm_gb_second_usd() -> f64 {
    0.000_013_333_4
}

impl Default for Prices {
    /// The list prices of us-east-1.
    fn default() -> Self {
        Self {
            as_of: "2026-11, us-east-1".to_owned(),
            gb_second_usd: 0.000_016_666_7,
            arm_gb_second_usd: arm_gb_second_usd(),
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
        let all = [prices.gb_second_usd, prices.arm_gb_second_usd, prices.request_usd, prices.transition_usd];
        ensure!(all.iter().all(|price| price.is_finite() && *price >= 0.0), "a price is 0 or more USD");
        Ok(prices)
    }

    /// A GB-second of a function of this architecture, USD.
    pub fn of(&self, architecture: Architecture) -> f64 {
        match architecture {
            Architecture::X86 => self.gb_second_usd,
            Architecture::Arm => self.arm_gb_second_usd,
        }
    }

    /// The cost of requests and state transitions, USD.
    pub fn of_calls(&self, requests: f64, transitions: f64) -> f64 {
        requests * self.request_usd + transitions * self.transition_usd
    }
}

/// The processor that a function runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Architecture {
    /// Lambda's default.
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm,
}

impl FromStr for Architecture {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "x86_64" => Ok(Self::X86),
            "arm64" => Ok(Self::Arm),
            _ => bail!("{text:?} is not an architecture of Lambda"),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        })
    }
}

/// What a function may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionSize {
    /// Memory, MB.
    pub memory_mb: u64,
    /// The longest that a call may take, seconds.
    pub timeout_s: u64,
    /// Its processor.
    pub architecture: Architecture,
}

impl FunctionSize {
    /// The most that a function can have, and the most that it can cost.
    pub const LARGEST: Self = Self { memory_mb: 10_240, timeout_s: 900, architecture: Architecture::X86 };

    /// The GB-seconds of calls that take `ms` ms together.
    pub fn gb_seconds(&self, ms: f64) -> f64 {
        self.memory_mb as f64 / 1024.0 * ms / 1000.0
    }

    /// What they cost, USD.
    pub fn usd(&self, ms: f64, prices: &Prices) -> f64 {
        self.gb_seconds(ms) * prices.of(self.architecture)
    }
}

/// The functions that an execution may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Functions {
    /// The one that plans. Calls of which the history does not say the function count as its own.
    pub main: FunctionSize,
    /// All of them, by name.
    pub by_name: BTreeMap<String, FunctionSize>,
}

impl Functions {
    /// The function that an attempt called. One that is not known counts as the largest.
    pub fn called(&self, attempt: &Attempt) -> FunctionSize {
        match &attempt.function {
            None => self.main,
            Some(name) => self.by_name.get(name).copied().unwrap_or(FunctionSize::LARGEST),
        }
    }

    /// The run time for which calls of an x86 function with the memory of the first one would cost as much, ms.
    pub fn equivalent_ms(&self, timeline: &Timeline, prices: &Prices) -> u64 {
        let unit = FunctionSize { architecture: Architecture::X86, ..self.main }.usd(1.0, prices);
        let usd: f64 = timeline.attempts.iter().map(|at| self.called(at).usd(at.run_ms() as f64, prices)).sum();
        if unit > 0.0 { (usd / unit).round() as u64 } else { timeline.function_ms() }
    }
}

/// The cost of one execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The run time of all calls, including failed ones, ms: an upper estimate of what is billed.
    pub function_ms: u64,
    /// The run time of each call multiplied by the memory of its function.
    pub gb_seconds: f64,
    /// Calls of functions.
    pub requests: u64,
    /// State transitions, including retries.
    pub transitions: u64,
    /// The total, USD.
    pub usd: f64,
    /// What each function did, in the order of their first calls; none in results of earlier versions.
    #[serde(default)]
    pub functions: Vec<FunctionUse>,
}

/// What one function did in one execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionUse {
    /// Its name; null if the history does not say.
    pub function: Option<String>,
    /// Its processor.
    pub architecture: Architecture,
    /// Its memory, MB.
    pub memory_mb: u64,
    /// The states that called it.
    pub states: Vec<String>,
    /// Its calls.
    pub requests: u64,
    /// The calls that waited for a cold start; null if the handler does not report its own time.
    pub cold_starts: Option<u64>,
    /// The run time of its calls, including failed ones, ms.
    pub function_ms: u64,
    /// The run time multiplied by its memory.
    pub gb_seconds: f64,
    /// The cost of its calls, USD.
    pub usd: f64,
}

impl Cost {
    /// The cost of a timeline.
    pub fn of(timeline: &Timeline, functions: &Functions, prices: &Prices) -> Self {
        let mut used: Vec<FunctionUse> = Vec::new();
        for attempt in &timeline.attempts {
            let size = functions.called(attempt);
            let nth = used.iter().position(|one| one.function == attempt.function).unwrap_or_else(|| {
                used.push(FunctionUse::none(attempt, size));
                used.len() - 1
            });
            used[nth].add(attempt, size, prices);
        }
        let transitions = timeline.transitions;
        Self {
            function_ms: timeline.function_ms(),
            gb_seconds: used.iter().map(|one| one.gb_seconds).sum(),
            requests: timeline.requests(),
            transitions,
            usd: used.iter().map(|one| one.usd).sum::<f64>() + prices.of_calls(0.0, transitions as f64),
            functions: used,
        }
    }
}

impl FunctionUse {
    fn none(attempt: &Attempt, size: FunctionSize) -> Self {
        Self {
            function: attempt.function.clone(),
            architecture: size.architecture,
            memory_mb: size.memory_mb,
            states: Vec::new(),
            requests: 0,
            cold_starts: None,
            function_ms: 0,
            gb_seconds: 0.0,
            usd: 0.0,
        }
    }

    /// Adds what the same function did in another execution.
    pub fn join(&mut self, other: &Self) {
        let new = other.states.iter().filter(|state| !self.states.contains(state)).cloned().collect::<Vec<_>>();
        self.states.extend(new);
        if let Some(more) = other.cold_starts {
            self.cold_starts = Some(self.cold_starts.unwrap_or(0) + more);
        }
        self.requests += other.requests;
        self.function_ms += other.function_ms;
        self.gb_seconds += other.gb_seconds;
        self.usd += other.usd;
    }

    fn add(&mut self, attempt: &Attempt, size: FunctionSize, prices: &Prices) {
        let (ran_ms, requests) = (attempt.run_ms(), u64::from(attempt.started_ms.is_some()));
        if !self.states.contains(&attempt.state) {
            self.states.push(attempt.state.clone());
        }
        if let Some(overhead) = attempt.overhead_ms() {
            self.cold_starts = Some(self.cold_starts.unwrap_or(0) + u64::from(overhead >= COLD_START_MS));
        }
        self.requests += requests;
        self.function_ms += ran_ms;
        self.gb_seconds += size.gb_seconds(ran_ms as f64);
        self.usd += size.usd(ran_ms as f64, prices) + prices.of_calls(requests as f64, 0.0);
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
            started_ms: Some(500),
            ended_ms: Some(2500),
            error: error.map(str::to_owned),
            ..Attempt::default()
        };
        let not_started = Attempt { started_ms: None, ended_ms: None, ..attempt(None) };
        let attempts = vec![attempt(Some("E")), attempt(None), not_started];
        let functions = Functions { main: FunctionSize::LARGEST, by_name: BTreeMap::new() };
        let timeline = Timeline { duration_ms: 5000, attempts, transitions: 8 };
        let cost = Cost::of(&timeline, &functions, &Prices::default());
        assert_eq!((cost.gb_seconds, cost.requests, cost.transitions), (40.0, 2, 8));
        let expected = 40.0 * 0.000_016_666_7 + 2.0 * 0.000_000_2 + 8.0 * 0.000_025;
        assert!((cost.usd - expected).abs() < 1e-12);
    }

    /// By hand, from the times in the recorded history. First function: 413 ms for Plan, 729 ms for the sound, 52 ms
    /// for Assemble, 10 GB. Second function: 424 ms and 450 ms for two chunks, 4 GB.
    #[test]
    fn each_call_is_charged_by_the_size_of_its_function() {
        let history = crate::tests::recorded("two-functions-n2");
        let timeline = crate::timeline::timeline(&history).unwrap();
        let names: Vec<String> = timeline.attempts.iter().filter_map(|attempt| attempt.function.clone()).collect();
        let chunk = FunctionSize { memory_mb: 4096, ..FunctionSize::LARGEST };
        let cost = |chunk: FunctionSize| {
            let by_name = BTreeMap::from([(names[0].clone(), FunctionSize::LARGEST), (names[2].clone(), chunk)]);
            Cost::of(&timeline, &Functions { main: FunctionSize::LARGEST, by_name }, &Prices::default())
        };
        let calls = 5.0 * 0.000_000_2 + 8.0 * 0.000_025;
        let by_hand = (10.0 * 1.194 + 4.0 * 0.874) * 0.000_016_666_7 + calls;
        let on_x86 = cost(chunk);
        let by_name = BTreeMap::from([(names[0].clone(), FunctionSize::LARGEST), (names[2].clone(), chunk)]);
        let functions = Functions { main: FunctionSize::LARGEST, by_name };
        assert_eq!(functions.equivalent_ms(&timeline, &Prices::default()), 1194 + 350); // 874 ms of 4 GB, in 10 GB
        assert!((on_x86.usd - by_hand).abs() < 0.000_001 && (by_hand - 0.000_458_267).abs() < 1e-9, "{on_x86:?}");
        let on_arm = cost(FunctionSize { architecture: Architecture::Arm, ..chunk });
        let by_hand = 10.0 * 1.194 * 0.000_016_666_7 + 4.0 * 0.874 * 0.000_013_333_4 + calls;
        assert!((on_arm.usd - by_hand).abs() < 1e-12, "{on_arm:?}");
        let uses: Vec<_> = on_arm
            .functions
            .iter()
            .map(|one| (one.memory_mb, one.requests, one.function_ms, one.cold_starts))
            .collect();
        assert_eq!(uses, [(10_240, 3, 1194, Some(0)), (4096, 2, 874, Some(0))]);
        assert_eq!(on_arm.functions[0].states, ["Plan", "MixAudio", "Assemble"]);
    }

    #[test]
    fn a_function_that_is_not_known_costs_the_most_and_a_call_that_is_not_named_is_the_first_functions() {
        let small = FunctionSize { memory_mb: 1024, ..FunctionSize::LARGEST };
        let functions = Functions { main: small, by_name: BTreeMap::new() };
        let named = Attempt { function: Some("theirs".into()), ..Attempt::default() };
        assert_eq!(functions.called(&named), FunctionSize::LARGEST);
        assert_eq!(functions.called(&Attempt::default()), small);
    }

    #[test]
    fn incomplete_or_unknown_prices_are_refused() {
        let json = serde_json::to_vec(&Prices::default()).unwrap();
        assert_eq!(Prices::parse(&json).unwrap(), Prices::default());
        let other =
            r#"{"asOf":"2027-01, eu-west-1","gbSecondUsd":0.00002,"requestUsd":0.0000002,"transitionUsd":0.000025}"#;
        let other = Prices::parse(other.as_bytes()).unwrap();
        assert_eq!((other.gb_second_usd, other.arm_gb_second_usd), (0.000_02, 0.000_013_333_4));
        for bad in [
            "{}",
            r#"{"asOf":"x","gbSecondUsd":-1,"requestUsd":0,"transitionUsd":0}"#,
            r#"{"asOf":"x","gbSecondUsd":1,"requestUsd":0,"transitionUsd":0,"s3":1}"#,
        ] {
            assert!(Prices::parse(bad.as_bytes()).is_err(), "{bad} was accepted");
        }
    }
}
