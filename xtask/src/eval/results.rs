//! results.json: every sample, the figures of all cases, and what they can't show. Pure.

use std::collections::BTreeMap;

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
        statistics::{Distinction, ENOUGH_TO_RANK, Neighbors, Reason, more_iterations, ranked},
        tuning::Tuning,
    },
    report::{distinct, notes::Note},
};

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
    /// What readers should know about renders, whose rows have it.
    #[serde(skip)]
    pub notes: Vec<Note>,
    /// Whether an emulator was measured, as run.json says.
    #[serde(skip)]
    pub emulated: bool,
}

/// The version of eval's results.json that this tool writes and reads.
const SCHEMA_VERSION: u32 = 1;

impl EvalResults {
    /// The figures from all samples of the run; `caveats` are those of its options.
    pub(crate) fn of(measured: &Measurements<'_>, prices: &Prices, mut caveats: Vec<String>) -> Self {
        let mut all = Vec::new();
        let (mut scaling, mut tuning) = (BTreeMap::new(), BTreeMap::new());
        for (&fixture, renders) in measured.fixtures.iter().zip(&measured.scope.renders) {
            let lambda: Vec<&LambdaSample> = measured.lambda.iter().filter(|s| s.id.fixture == fixture).collect();
            let local: Vec<&LocalSample> = measured.local.iter().filter(|s| s.fixture == fixture).collect();
            let case = |render: &RenderId| {
                let of_render: Vec<&LambdaSample> = lambda.iter().copied().filter(|s| s.id.render == *render).collect();
                Case::of(fixture, *render, measured.iterations as usize, &of_render, &local)
            };
            let mut cases: Vec<Case> = renders.iter().map(case).collect();
            Case::compare(&mut cases);
            caveats.extend(caveats_of(&cases, &lambda, &local, measured.prepared));
            tuning.extend(Tuning::of(&cases).map(|tuning| (fixture.to_owned(), tuning)));
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
            all.extend(cases);
        }
        let notes = Note::about_renders(measured.lambda.iter().filter_map(|sample| {
            let name = format!("{} {}", sample.id.fixture, sample.id.render);
            Some((name, sample.outcome.done()?.render.notes.as_slice()))
        }));
        Self {
            schema_version: SCHEMA_VERSION,
            prices: prices.clone(),
            cases: all,
            lambda_samples: measured.lambda.to_vec(),
            local_samples: measured.local.to_vec(),
            scaling,
            tuning,
            caveats,
            notes,
            emulated: measured.emulated,
        }
    }

    /// Refuses other versions.
    ///
    /// # Errors
    /// When the version differs from the one that this tool writes.
    pub fn check(&self) -> anyhow::Result<()> {
        let version = self.schema_version;
        ensure!(
            version == SCHEMA_VERSION,
            "results.json has schemaVersion {version}, but this tool reads {SCHEMA_VERSION}"
        );
        Ok(())
    }
}

/// A spread above this share of the median is reported.
const WIDE_SPREAD: f64 = 0.10;

/// The standard deviation of a normal distribution divided by its MAD (Rousseeuw and Croux 1993).
const SIGMA_BY_MAD: f64 = 1.4826;

/// What the figures of a fixture can't show, and what would help; `prepared` is the flag that prepared the functions.
fn caveats_of(
    cases: &[Case],
    lambda: &[&LambdaSample],
    local: &[&LocalSample],
    prepared: Option<&'static str>,
) -> Vec<String> {
    let of_cases = cases.iter().flat_map(|case| [wide_spread(case, prepared), cold_and_warm(case, prepared)]);
    of_cases.chain([only_cold(cases)]).flatten().chain(not_significant(cases, lambda, local)).collect()
}

fn wide_spread(case: &Case, prepared: Option<&'static str>) -> Option<String> {
    let ms = case.steady_ms().filter(|ms| ms.count >= 3 && ms.median > 0.0)?;
    let spread = SIGMA_BY_MAD * ms.mad / ms.median;
    let helps = match prepared {
        None => "--warm avoids cold starts, and an idle machine helps",
        Some(_) => "the machine or the account may be busy with something else",
    };
    (spread > WIDE_SPREAD).then(|| {
        let (fixture, render, percent) = (&case.fixture, case.render, 100.0 * spread);
        format!("{fixture} {render}: the samples vary by {percent:.0} % of their median; {helps}")
    })
}

fn cold_and_warm(case: &Case, prepared: Option<&'static str>) -> Option<String> {
    let (fixture, render, cold) = (&case.fixture, case.render, case.cold);
    let although = match prepared {
        Some("--cold") => " although --cold starts all of them".to_owned(),
        Some(flag) => format!(" despite {flag}"),
        None => String::new(),
    };
    (cold > 0 && cold < case.measured()).then(|| {
        let of = counted(case.measured(), "execution");
        format!("{fixture} {render}: {cold} of {of} had cold starts{although}; the medians are those of the others")
    })
}

/// Some cases of a fixture have only cold samples, and others have warm ones.
fn only_cold(cases: &[Case]) -> Option<String> {
    let only_cold = cases.iter().filter(|case| case.cold > 0 && case.warm_lambda_ms.is_none());
    let only_cold: Vec<String> = only_cold.map(|case| case.render.to_string()).collect();
    let warm = cases.iter().find(|case| case.warm_lambda_ms.is_some() && !only_cold.is_empty())?;
    Some(format!(
        "{}: all executions of {} had cold starts, which take longer, and others are compared by their warm ones; \
         --warm, or more iterations, compare like with like",
        warm.fixture,
        only_cold.join(", ")
    ))
}

/// Neighbors in the order of the medians of the local renders and of all counts whose order may be chance.
fn not_significant(cases: &[Case], lambda: &[&LambdaSample], local: &[&LocalSample]) -> Vec<String> {
    let walls = |case: &Case| {
        let of_case: Vec<&LambdaSample> = lambda.iter().copied().filter(|s| s.id.render == case.render).collect();
        steady_wall_clocks(&of_case)
    };
    let names: Vec<String> =
        std::iter::once("the local leg".to_owned()).chain(cases.iter().map(|case| case.render.to_string())).collect();
    let samples: Vec<Vec<f64>> = std::iter::once(local_wall_clocks(local)).chain(cases.iter().map(walls)).collect();
    let may_be_chance = |pair: &Neighbors| {
        let more = match more_iterations(&samples[pair.lower], &samples[pair.higher]) {
            Some(more) => {
                format!("if they differ as they did here, about {} would show it", counted(more, "more iteration"))
            }
            None => "they may take equally long".to_owned(),
        };
        let (fixture, faster, slower) = (&cases.first()?.fixture, &names[pair.lower], &names[pair.higher]);
        Some(format!("{fixture}: {faster} and {slower} do not differ significantly (Mann-Whitney, p > 0.05); {more}"))
    };
    let ranked = ranked(&samples.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let overlapping = ranked.iter().filter(|pair| pair.distinction == Distinction::NotSignificant(Reason::Overlapping));
    overlapping.filter_map(may_be_chance).collect()
}

/// That there are too few iterations to rank the `to_rank` ways of rendering each fixture.
pub(crate) fn too_few_to_rank(iterations: u32, to_rank: usize) -> Option<String> {
    (to_rank > 1 && iterations < ENOUGH_TO_RANK).then(|| {
        format!(
            "--iterations {iterations} is too few for a ranking: the order of the medians may be chance; \
             {} more would be enough, and from 5 in all speed-ups have a confidence interval",
            ENOUGH_TO_RANK - iterations
        )
    })
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
