//! What the figures can't tell, and what would help. Pure.

use std::fmt;

use super::{
    case::{Case, local_wall_clocks, wall_clocks},
    sample::{LambdaSample, LocalSample},
};
use crate::{
    statistics::ranking::{Distinction, Reason, ranked},
    wording::counted,
};

/// A reason not to take figures at their face value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Caveat {
    /// So few iterations that no order of medians is more than chance.
    TooFewToRank {
        /// Of each.
        iterations: u32,
    },
    /// Two medians of a fixture are no more than chance apart.
    NotTold { fixture: String, faster: String, slower: String },
    /// The samples of a case lie far apart.
    WideSpread {
        case: String,
        /// The scaled MAD by the median.
        percent: f64,
        /// Whether rounds were done before the measured ones.
        warmed_up: bool,
    },
    /// Some samples of a case had cold starts and others not.
    ColdAndWarm {
        case: String,
        cold: usize,
        of: usize,
        /// Whether rounds were done before the measured ones.
        warmed_up: bool,
    },
    /// Counts above the function's reserved concurrency, which wait for each other.
    Throttled {
        /// The highest count.
        chunks: u16,
        /// The function's cap.
        reserved: u32,
    },
    /// The local leg is a checkout's test harness.
    Harness,
    /// The local leg is the published renderer, in a checkout.
    PublishedRenderer,
    /// The prices are of another region.
    PricesOf { as_of: String, region: String },
}

/// Fewer iterations than this can't rank anything: see [`Reason::TooFewSamples`].
const ENOUGH_TO_RANK: u32 = 4;

/// A spread beyond this is told, of the median.
const WIDE_SPREAD: f64 = 0.10;

/// The standard deviation of a normal distribution by its MAD (Rousseeuw and Croux 1993).
const SIGMA_BY_MAD: f64 = 1.4826;

impl Caveat {
    /// What the samples of one fixture, and the cases made of them, can't tell.
    pub(crate) fn of_fixture(
        cases: &[&Case],
        lambda: &[&LambdaSample],
        local: &[&LocalSample],
        warmed_up: bool,
    ) -> Vec<Self> {
        let mut found = Vec::new();
        for case in cases {
            let name = format!("{} {}", case.fixture, case.render);
            let done = case.iterations - case.failed;
            if let Some(ms) = case.lambda_ms.filter(|ms| ms.count >= 3 && ms.median > 0.0) {
                let spread = SIGMA_BY_MAD * ms.mad / ms.median;
                if spread > WIDE_SPREAD {
                    found.push(Self::WideSpread { case: name.clone(), percent: 100.0 * spread, warmed_up });
                }
            }
            if case.cold > 0 && case.cold < done {
                found.push(Self::ColdAndWarm { case: name, cold: case.cold, of: done, warmed_up });
            }
        }
        found.extend(not_told(cases, lambda, local));
        found
    }

    /// What so many iterations can't tell of `to_rank` things that are measured of each fixture.
    pub(crate) fn of_iterations(iterations: u32, to_rank: usize) -> Option<Self> {
        (to_rank > 1 && iterations < ENOUGH_TO_RANK).then_some(Self::TooFewToRank { iterations })
    }
}

/// Neighbours in the order of medians, local leg and counts together, that chance may have ordered.
fn not_told(cases: &[&Case], lambda: &[&LambdaSample], local: &[&LocalSample]) -> Vec<Caveat> {
    let Some(fixture) = cases.first().map(|case| case.fixture.clone()) else { return Vec::new() };
    let walls = |case: &Case| {
        let of_case: Vec<&LambdaSample> = lambda.iter().copied().filter(|s| s.id.render == case.render).collect();
        wall_clocks(&of_case)
    };
    let mut names = vec!["the local leg".to_owned()];
    let mut samples = vec![local_wall_clocks(local)];
    for case in cases {
        names.push(case.render.to_string());
        samples.push(walls(case));
    }
    let groups: Vec<(usize, &[f64])> = samples.iter().map(Vec::as_slice).enumerate().collect();
    let apart = ranked(&groups);
    let overlapping = apart.iter().filter(|pair| pair.distinction == Distinction::NotTold(Reason::Overlapping));
    overlapping
        .map(|pair| Caveat::NotTold {
            fixture: fixture.clone(),
            faster: names[pair.lower].clone(),
            slower: names[pair.higher].clone(),
        })
        .collect()
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewToRank { iterations } => write!(
                f,
                "{} of each can't rank anything: an order of medians may be chance. \
                 --iterations 4 or more can, and speed-ups have an interval from 5",
                counted(iterations, "iteration")
            ),
            Self::NotTold { fixture, faster, slower } => write!(
                f,
                "{fixture}: {faster} and {slower} can't be told apart (Mann-Whitney, p > 0.05); \
                 more --iterations may tell, or they take the same"
            ),
            Self::WideSpread { case, percent, warmed_up } => {
                write!(f, "{case}: the samples spread by {percent:.0} % of their median; ")?;
                f.write_str(match warmed_up {
                    false => "--warmup 1 keeps cold starts out of them, and an idle machine helps",
                    true => "something else keeps the machine or the account busy",
                })
            }
            Self::ColdAndWarm { case, cold, of, warmed_up } => {
                write!(f, "{case}: {cold} of {} waited for cold starts", counted(of, "execution"))?;
                match warmed_up {
                    false => f.write_str("; --warmup 1 measures warm ones alone"),
                    true => f.write_str(" in spite of --warmup; results.json has the warm ones apart"),
                }
            }
            Self::Throttled { chunks, reserved } => write!(
                f,
                "{chunks} chunks are more than the function's reserved concurrency of {reserved}: the others are \
                 throttled and wait, which lengthens the times; --reserved-concurrency {chunks} or 0 helps"
            ),
            Self::Harness => f.write_str(
                "local times are those of the checkout's test harness: its start and its own comparison are in them",
            ),
            Self::PublishedRenderer => f.write_str(
                "local times are those of the published renderer, as the checkout's own is neither installed nor built; \
                 `bun install` and `bun run build` there, and it is measured",
            ),
            Self::PricesOf { as_of, region } => {
                write!(f, "costs are by the prices of {as_of}, the run is in {region}; --prices names others")
            }
        }
    }
}

#[cfg(test)]
#[path = "caveats_tests.rs"]
mod tests;
