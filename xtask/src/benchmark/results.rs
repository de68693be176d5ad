//! results.json: every sample, what they come to, and what they can't tell. Pure.

use std::collections::BTreeMap;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::{
    case::Case,
    caveats::Caveat,
    sample::{LambdaSample, LocalSample},
    schedule::Scope,
};
use crate::{
    artifacts::Note,
    chunking::RenderId,
    cost::Prices,
    scaling::{Observation, Rates, Scaling},
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

/// In JSON a reason stands where the model would be.
mod scaling_json {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_json::Value;

    use super::Scaling;

    #[derive(Serialize)]
    #[serde(untagged)]
    enum ModelOrReason<'a> {
        Model(&'a Scaling),
        None { reason: &'a str },
    }

    type ByFixture = BTreeMap<String, Result<Scaling, String>>;

    pub(super) fn serialize<S: Serializer>(scaling: &ByFixture, serializer: S) -> Result<S::Ok, S::Error> {
        let written = scaling.iter().map(|(fixture, scaling)| match scaling {
            Ok(model) => (fixture, ModelOrReason::Model(model)),
            Err(reason) => (fixture, ModelOrReason::None { reason }),
        });
        serializer.collect_map(written)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByFixture, D::Error> {
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
