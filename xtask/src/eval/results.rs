//! results.json: every sample, what they come to, and what they can't tell. Pure.

use std::{collections::BTreeMap, fmt};

use anyhow::ensure;
use execution_history::{chunking::RenderId, cost::Prices};
use serde::{Deserialize, Serialize};

use crate::{
    console::text::counted,
    eval::{
        case::{Case, local_wall_clocks, wall_clocks},
        prepare::Scope,
        sample::{LambdaSample, LocalSample},
        scaling::{Scaling, model::Rates, observation::Observation},
        statistics::{Distinction, Reason, ranked},
    },
    report::run_record::Note,
};

/// What all samples of a run come to.
pub(crate) struct Results {
    /// One for each fixture and chunk count, in the order asked for.
    pub cases: Vec<Case>,
    /// What a sweep tells of each fixture's scaling, or why it tells nothing.
    pub scaling: BTreeMap<String, Result<Scaling, String>>,
    /// What readers should know about renders.
    pub notes: Vec<Note>,
    /// What the figures can't tell.
    pub caveats: Vec<Caveat>,
}

/// What was measured so far, and what there must be.
pub(crate) struct Measurements<'a> {
    pub fixtures: Vec<&'a str>,
    pub scope: &'a Scope,
    pub iterations: u32,
    pub warmed_up: bool,
    pub lambda: &'a [LambdaSample],
    pub local: &'a [LocalSample],
    /// What a second and a request cost; `None` where the function's memory is not known.
    pub rates: Option<Rates>,
}

impl Results {
    /// Sums up.
    pub(crate) fn of(measured: &Measurements<'_>) -> Self {
        let (mut cases, mut caveats) = (Vec::new(), Vec::new());
        let mut scaling = BTreeMap::new();
        for &fixture in &measured.fixtures {
            let lambda: Vec<&LambdaSample> = measured.lambda.iter().filter(|s| s.id.fixture == fixture).collect();
            let local: Vec<&LocalSample> = measured.local.iter().filter(|s| s.fixture == fixture).collect();
            let case = |render: &RenderId| {
                let of_render: Vec<&LambdaSample> = lambda.iter().copied().filter(|s| s.id.render == *render).collect();
                Case::of(fixture, *render, measured.iterations as usize, &of_render, &local)
            };
            let of_fixture: Vec<Case> = measured.scope.renders.iter().map(case).collect();
            let refs: Vec<&Case> = of_fixture.iter().collect();
            caveats.extend(Caveat::of_fixture(&refs, &lambda, &local, measured.warmed_up));
            if let (Some(rates), true) = (&measured.rates, measured.scope.renders.len() > 1) {
                let observations: Vec<Observation> =
                    lambda.iter().filter_map(|s| s.outcome.done()?.observation).collect();
                scaling
                    .insert(fixture.to_owned(), Scaling::of(&observations, rates).map_err(|unfit| unfit.to_string()));
            }
            cases.extend(of_fixture);
        }
        Case::compare_with_one_chunk(&mut cases);
        let notes = Note::about_renders(measured.lambda.iter().filter_map(|sample| {
            let name = format!("{} {}", sample.id.fixture, sample.id.render);
            Some((name, sample.outcome.done()?.render.notes.as_slice()))
        }));
        Self { cases, scaling, notes, caveats }
    }
}

/// The content of eval's results.json, written by a run and read by the reports.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvalResults {
    /// The version of this shape.
    pub schema_version: u32,
    /// The prices that costs are calculated from; S3, logs, data transfer and the free tier are left out.
    pub prices: Prices,
    /// One for each fixture and chunk count.
    pub cases: Vec<Case>,
    /// Every execution, in the order of measuring.
    pub lambda_samples: Vec<LambdaSample>,
    /// Every local render, in the order of measuring.
    pub local_samples: Vec<LocalSample>,
    /// For each fixture of a sweep: the model and its recommendation, or why there is none.
    #[serde(with = "scaling_json")]
    pub scaling: BTreeMap<String, Result<Scaling, String>>,
    /// What the figures can't show.
    pub caveats: Vec<String>,
}

/// The version of eval's results.json that this tool writes and reads.
const SCHEMA_VERSION: u32 = 1;

impl EvalResults {
    pub(crate) fn of(results: &Results, measured: &Measurements<'_>, prices: &Prices) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            prices: prices.clone(),
            cases: results.cases.clone(),
            lambda_samples: measured.lambda.to_vec(),
            local_samples: measured.local.to_vec(),
            scaling: results.scaling.clone(),
            caveats: results.caveats.iter().map(ToString::to_string).collect(),
        }
    }

    /// Refuses another version.
    ///
    /// # Errors
    /// When the file has another version than this tool writes.
    pub fn check(&self) -> anyhow::Result<()> {
        let version = self.schema_version;
        ensure!(
            version == SCHEMA_VERSION,
            "results.json has schemaVersion {version}, this tool reads {SCHEMA_VERSION}"
        );
        Ok(())
    }
}

// What the figures can't tell, and what would help. Pure.

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

/// In JSON a reason stands where the model would be.
mod scaling_json {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_json::Value;

    use crate::eval::scaling::Scaling;

    #[derive(Serialize)]
    #[serde(untagged)]
    enum ModelOrReason<'a> {
        Model(&'a Scaling),
        None { reason: &'a str },
    }

    type ByFixture = BTreeMap<String, Result<Scaling, String>>;

    pub(crate) fn serialize<S: Serializer>(scaling: &ByFixture, serializer: S) -> Result<S::Ok, S::Error> {
        let written = scaling.iter().map(|(fixture, scaling)| match scaling {
            Ok(model) => (fixture, ModelOrReason::Model(model)),
            Err(reason) => (fixture, ModelOrReason::None { reason }),
        });
        serializer.collect_map(written)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByFixture, D::Error> {
        let read = |(fixture, json): (String, Value)| match json.get("reason").and_then(Value::as_str) {
            Some(reason) => Ok((fixture, Err(reason.to_owned()))),
            None => match serde_json::from_value(json) {
                Ok(model) => Ok((fixture, Ok(model))),
                Err(error) => Err(D::Error::custom(format!("scaling of {fixture}: {error}"))),
            },
        };
        BTreeMap::deserialize(deserializer)?.into_iter().map(read).collect()
    }
}
