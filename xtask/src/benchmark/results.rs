//! results.json: every sample, what they come to, and what they can't tell. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    case::Case,
    caveats::Caveat,
    sample::{LambdaSample, LocalSample},
    schedule::Scope,
};
use crate::{
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
    /// What is worth knowing of renders and fails nothing, with those that it is about.
    pub notes: BTreeMap<String, Vec<String>>,
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
        Self { cases, scaling, notes: notes(measured.lambda), caveats }
    }
}

/// Each note once, with the fixtures and counts whose samples have it.
fn notes(samples: &[LambdaSample]) -> BTreeMap<String, Vec<String>> {
    let mut notes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sample in samples {
        let about = format!("{} {}", sample.id.fixture, sample.id.render);
        for note in sample.outcome.done().map(|execution| execution.render.notes.as_slice()).unwrap_or_default() {
            let of_note = notes.entry(note.clone()).or_default();
            if !of_note.contains(&about) {
                of_note.push(about.clone());
            }
        }
    }
    notes
}

/// The content of results.json.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultsJson<'a> {
    /// The version of this shape.
    pub schema_version: u32,
    /// What costs are reckoned by; S3, logs, data transfer and the free tier are left out.
    pub prices: &'a Prices,
    /// One for each fixture and chunk count.
    pub cases: &'a [Case],
    /// Every execution, in the order of measuring.
    pub lambda_samples: &'a [LambdaSample],
    /// Every local render, in the order of measuring.
    pub local_samples: &'a [LocalSample],
    /// Of each fixture of a sweep: the model and its recommendation, or why there is none.
    pub scaling: BTreeMap<&'a str, ScalingRecord<'a>>,
    /// What the figures can't tell.
    pub caveats: Vec<String>,
}

/// A model, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ScalingRecord<'a> {
    Model(&'a Scaling),
    None { reason: &'a str },
}

impl<'a> ResultsJson<'a> {
    pub(crate) fn of(results: &'a Results, measured: &Measurements<'a>, prices: &'a Prices) -> Self {
        let record = |scaling: &'a Result<Scaling, String>| match scaling {
            Ok(model) => ScalingRecord::Model(model),
            Err(reason) => ScalingRecord::None { reason },
        };
        Self {
            schema_version: 1,
            prices,
            cases: &results.cases,
            lambda_samples: measured.lambda,
            local_samples: measured.local,
            scaling: results.scaling.iter().map(|(fixture, scaling)| (fixture.as_str(), record(scaling))).collect(),
            caveats: results.caveats.iter().map(ToString::to_string).collect(),
        }
    }
}
