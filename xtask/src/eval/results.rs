//! results.json: every sample, the figures of all cases, and what they can't show. Pure.

use std::{collections::BTreeMap, fmt};

use anyhow::ensure;
use execution_history::{chunking::RenderId, cost::Prices};
use serde::{Deserialize, Serialize};

use crate::{
    console::text::counted,
    eval::{
        case::{Case, group, local_wall_clocks, steady_wall_clocks},
        prepare::Scope,
        sample::{LambdaSample, LocalSample},
        scaling::{Scaling, model::Rates, observation::Observation},
        statistics::{Distinction, ENOUGH_TO_RANK, Reason, more_iterations, ranked},
        tuning::Tuning,
    },
    report::{distinct, run_record::Note},
    run::render::side_by_side,
};

/// The figures from all samples of the run.
pub(crate) struct Results {
    /// One for each fixture, memory of a sweep, and chunk count, in the requested order.
    pub cases: Vec<Case>,
    /// For a sweep of chunk counts: the model of each fixture, or why there is none; in a sweep of memory of each size.
    pub scaling: BTreeMap<String, Result<Scaling, String>>,
    /// For a sweep of memory: what to choose for each fixture.
    pub tuning: BTreeMap<String, Tuning>,
    /// What readers should know about renders.
    pub notes: Vec<Note>,
    /// What the figures can't show.
    pub caveats: Vec<Caveat>,
    pub emulated: bool,
}

/// What was measured so far, and what is planned.
pub(crate) struct Measurements<'a> {
    pub fixtures: Vec<&'a str>,
    pub scope: &'a Scope,
    pub iterations: u32,
    /// The flag that prepared the functions.
    pub prepared: Option<&'static str>,
    pub lambda: &'a [LambdaSample],
    pub local: &'a [LocalSample],
    pub emulated: bool,
    /// The cost of a second and of a request; `None` when the function's memory is unknown.
    pub rates: Option<Rates>,
}

impl Results {
    pub(crate) fn of(measured: &Measurements<'_>) -> Self {
        let (mut cases, mut caveats) = (Vec::new(), Vec::new());
        let (mut scaling, mut tuning) = (BTreeMap::new(), BTreeMap::new());
        for (&fixture, renders) in measured.fixtures.iter().zip(&measured.scope.renders) {
            let lambda: Vec<&LambdaSample> = measured.lambda.iter().filter(|s| s.id.fixture == fixture).collect();
            let local: Vec<&LocalSample> = measured.local.iter().filter(|s| s.fixture == fixture).collect();
            let case = |render: &RenderId| {
                let of_render: Vec<&LambdaSample> = lambda.iter().copied().filter(|s| s.id.render == *render).collect();
                Case::of(fixture, *render, measured.iterations as usize, &of_render, &local)
            };
            let mut of_fixture: Vec<Case> = renders.iter().map(case).collect();
            Case::compare(&mut of_fixture);
            let refs: Vec<&Case> = of_fixture.iter().collect();
            caveats.extend(Caveat::of_fixture(&refs, &lambda, &local, measured.prepared));
            tuning.extend(Tuning::of(&of_fixture).map(|tuning| (fixture.to_owned(), tuning)));
            for memory_mb in distinct(renders.iter().map(|render| render.memory_mb)) {
                let is_of_size = |render: &RenderId| render.memory_mb == memory_mb;
                let counts = renders.iter().filter(|render| is_of_size(render)).count();
                let (Some(rates), true) = (&measured.rates, counts > 1) else { continue };
                let rates = Rates { memory_mb: memory_mb.map_or(rates.memory_mb, u64::from), ..rates.clone() };
                let of_size = lambda.iter().filter(|sample| is_of_size(&sample.id.render));
                let observations: Vec<Observation> = of_size.filter_map(|s| s.outcome.done()?.observation).collect();
                let model = Scaling::of(&observations, &rates, measured.emulated);
                scaling.insert(group(fixture, memory_mb), model.map_err(|unfit| unfit.to_string()));
            }
            cases.extend(of_fixture);
        }
        let notes = Note::about_renders(measured.lambda.iter().filter_map(|sample| {
            let name = format!("{} {}", sample.id.fixture, sample.id.render);
            Some((name, sample.outcome.done()?.render.notes.as_slice()))
        }));
        Self { cases, scaling, tuning, notes, caveats, emulated: measured.emulated }
    }
}

/// The content of eval's results.json, written by a run and read by the reports.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvalResults {
    pub schema_version: u32,
    /// The prices that costs are calculated from, without S3, logs, data transfer and the free tier.
    pub prices: Prices,
    /// One for each fixture and chunk count.
    pub cases: Vec<Case>,
    /// Every execution, in the order of measurement.
    pub lambda_samples: Vec<LambdaSample>,
    /// Every local render, in the order of measurement.
    pub local_samples: Vec<LocalSample>,
    /// For each fixture of a sweep, and each size of memory: the model and its recommendation, or why there is none.
    #[serde(with = "scaling_json")]
    pub scaling: BTreeMap<String, Result<Scaling, String>>,
    /// For each fixture of a sweep of memory: what to choose.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tuning: BTreeMap<String, Tuning>,
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
            tuning: results.tuning.clone(),
            caveats: results.caveats.iter().map(ToString::to_string).collect(),
        }
    }

    /// Refuses other versions.
    pub fn check(&self) -> anyhow::Result<()> {
        let version = self.schema_version;
        ensure!(
            version == SCHEMA_VERSION,
            "results.json has schemaVersion {version}, but this tool reads {SCHEMA_VERSION}"
        );
        Ok(())
    }
}

/// What the figures can't show, and what would help.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Caveat {
    /// So few iterations that the order of the medians may be chance.
    TooFewToRank { iterations: u32 },
    /// The difference of two medians of a fixture may be chance.
    NotSignificant {
        fixture: String,
        faster: String,
        slower: String,
        /// How many more iterations would show it; `None` if that is not known, or more than are allowed.
        more: Option<u32>,
    },
    /// The samples of a case vary widely.
    WideSpread {
        case: String,
        /// The scaled MAD divided by the median.
        percent: f64,
        /// The flag that prepared the functions.
        prepared: Option<&'static str>,
    },
    /// Some samples of a case had cold starts and others did not.
    ColdAndWarm {
        case: String,
        cold: usize,
        of: usize,
        /// The flag that prepared the functions.
        prepared: Option<&'static str>,
    },
    /// Some cases of a fixture have only cold samples, and others have warm ones.
    OnlyCold { fixture: String, cases: Vec<String> },
    /// More chunks than the reserved concurrency of the function, so that some wait.
    Throttled {
        /// How many are rendered at once, at most.
        chunks: u32,
        reserved: u32,
    },
    /// Executions ran at the same time.
    SideBySide {
        /// How many, at most.
        jobs: usize,
    },
    /// The local leg is the test harness of the checkout.
    Harness,
    /// The local leg is the published renderer, although this is a checkout.
    PublishedRenderer,
    /// The prices are those of another region.
    PricesOf { as_of: String, region: String },
}

/// A spread above this share of the median is reported.
const WIDE_SPREAD: f64 = 0.10;

/// The standard deviation of a normal distribution divided by its MAD (Rousseeuw and Croux 1993).
const SIGMA_BY_MAD: f64 = 1.4826;

impl Caveat {
    /// The caveats about the cases and samples of one fixture.
    pub(crate) fn of_fixture(
        cases: &[&Case],
        lambda: &[&LambdaSample],
        local: &[&LocalSample],
        prepared: Option<&'static str>,
    ) -> Vec<Self> {
        let mut found = Vec::new();
        for case in cases {
            let name = format!("{} {}", case.fixture, case.render);
            let done = case.iterations - case.failed;
            if let Some(ms) = case.steady_ms().filter(|ms| ms.count >= 3 && ms.median > 0.0) {
                let spread = SIGMA_BY_MAD * ms.mad / ms.median;
                if spread > WIDE_SPREAD {
                    found.push(Self::WideSpread { case: name.clone(), percent: 100.0 * spread, prepared });
                }
            }
            if case.cold > 0 && case.cold < done {
                found.push(Self::ColdAndWarm { case: name, cold: case.cold, of: done, prepared });
            }
        }
        let only_cold = cases.iter().filter(|case| case.cold > 0 && case.warm_lambda_ms.is_none());
        let only_cold: Vec<String> = only_cold.map(|case| case.render.to_string()).collect();
        if let Some(case) = cases.iter().find(|case| case.warm_lambda_ms.is_some() && !only_cold.is_empty()) {
            found.push(Self::OnlyCold { fixture: case.fixture.clone(), cases: only_cold });
        }
        found.extend(not_significant(cases, lambda, local));
        found
    }

    /// The caveat when there are too few iterations to rank the `to_rank` legs of each fixture.
    pub(crate) fn of_iterations(iterations: u32, to_rank: usize) -> Option<Self> {
        (to_rank > 1 && iterations < ENOUGH_TO_RANK).then_some(Self::TooFewToRank { iterations })
    }
}

/// Neighbors in the order of the medians of the local leg and all counts whose order may be chance.
fn not_significant(cases: &[&Case], lambda: &[&LambdaSample], local: &[&LocalSample]) -> Vec<Caveat> {
    let Some(fixture) = cases.first().map(|case| case.fixture.clone()) else { return Vec::new() };
    let walls = |case: &Case| {
        let of_case: Vec<&LambdaSample> = lambda.iter().copied().filter(|s| s.id.render == case.render).collect();
        steady_wall_clocks(&of_case)
    };
    let mut names = vec!["the local leg".to_owned()];
    let mut samples = vec![local_wall_clocks(local)];
    for case in cases {
        names.push(case.render.to_string());
        samples.push(walls(case));
    }
    let groups: Vec<(usize, &[f64])> = samples.iter().map(Vec::as_slice).enumerate().collect();
    let apart = ranked(&groups);
    let overlapping = apart.iter().filter(|pair| pair.distinction == Distinction::NotSignificant(Reason::Overlapping));
    overlapping
        .map(|pair| Caveat::NotSignificant {
            fixture: fixture.clone(),
            faster: names[pair.lower].clone(),
            slower: names[pair.higher].clone(),
            more: more_iterations(&samples[pair.lower], &samples[pair.higher]),
        })
        .collect()
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewToRank { iterations } => write!(
                f,
                "--iterations {iterations} is too few for a ranking: the order of the medians may be chance; \
                 {} more would be enough, and from 5 in all speed-ups have a confidence interval",
                ENOUGH_TO_RANK - iterations
            ),
            Self::NotSignificant { fixture, faster, slower, more } => {
                write!(f, "{fixture}: {faster} and {slower} do not differ significantly (Mann-Whitney, p > 0.05); ")?;
                match more {
                    Some(more) => write!(
                        f,
                        "if they differ as they did here, about {} would show it",
                        counted(more, "more iteration")
                    ),
                    None => f.write_str("they may take equally long"),
                }
            }
            Self::WideSpread { case, percent, prepared } => {
                write!(f, "{case}: the samples vary by {percent:.0} % of their median; ")?;
                f.write_str(match prepared {
                    None => "--warm avoids cold starts, and an idle machine helps",
                    Some(_) => "the machine or the account may be busy with something else",
                })
            }
            Self::ColdAndWarm { case, cold, of, prepared } => write!(
                f,
                "{case}: {cold} of {} had cold starts{}; the medians are those of the others",
                counted(of, "execution"),
                match prepared {
                    Some("--cold") => " although --cold starts all of them".to_owned(),
                    Some(flag) => format!(" despite {flag}"),
                    None => String::new(),
                }
            ),
            Self::OnlyCold { fixture, cases } => write!(
                f,
                "{fixture}: all executions of {} had cold starts, which take longer, and others are compared by their warm \
                 ones; --warm, or more iterations, compare like with like",
                cases.join(", ")
            ),
            Self::Throttled { chunks, reserved } => write!(
                f,
                "{chunks} chunks exceed the reserved concurrency of the function, {reserved}: the others are throttled \
                 and wait, which makes the times longer; --reserved-concurrency {chunks} or 0 helps"
            ),
            Self::SideBySide { jobs } => f.write_str(&side_by_side(*jobs)),
            Self::Harness => f.write_str(
                "local times are those of the checkout's test harness, including its start and its own comparison",
            ),
            Self::PublishedRenderer => f.write_str(
                "local times are those of the published renderer, because the checkout's own renderer is not installed \
                 and built; run `bun install` and `bun run build` in the checkout to measure its own renderer",
            ),
            Self::PricesOf { as_of, region } => write!(
                f,
                "costs are calculated with the prices of {as_of}, but the run is in {region}; --prices sets other prices"
            ),
        }
    }
}

#[cfg(test)]
#[path = "caveats_tests.rs"]
mod tests;

/// In JSON the reason takes the place of a model.
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
