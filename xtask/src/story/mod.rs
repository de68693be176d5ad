//! A run as its artifact folder tells it: what every report is made of.
//!
//! [`read`] takes the files in, the rest is pure. Smoke and eval come to one
//! [`Story`]. What a failed or killed run did not leave is `None` or empty, and
//! named in [`Story::gaps`]; what is there and can't be understood is an error.

mod ending;
mod eval_results;
mod failed;
mod files;
mod notes;
mod read;
mod render;
mod run_facts;
mod series;
mod unmeasured;

use std::collections::BTreeMap;

use anyhow::Context;

use crate::{
    artifacts::{Proof, ResultRow},
    benchmark::Case,
    chunking::RenderId,
    measure::semantic::SemanticComparison,
    scaling::Scaling,
};

pub use ending::{Ending, Word};
pub use eval_results::LocalStory;
pub use failed::FailedExecution;
pub use files::Files;
pub use notes::Note;
pub use read::read;
pub use render::{RenderStory, WorstFrameImages};
pub use run_facts::{Kind, RunFacts, VerdictRecord};
pub use series::{FrameSample, SoundSample};
pub use unmeasured::Unmeasured;

use eval_results::EvalResults;

/// The file that makes a folder a run's.
const RUN_JSON: &str = "run.json";

/// Everything that a run left to tell.
#[derive(Debug, Clone)]
pub struct Story {
    /// What was run, where, by what, how long each stage took, and how it ended.
    pub run: RunFacts,
    /// Every render that was measured, in the order of measuring.
    pub renders: Vec<RenderStory>,
    /// Every render on Lambda that should have been measured and was not.
    pub unmeasured: Vec<Unmeasured>,
    /// Every execution that did not succeed, by its files.
    pub failed: Vec<FailedExecution>,
    /// Of eval: one for each fixture and chunk count.
    pub cases: Vec<Case>,
    /// Of eval: every render on the machine of the run.
    pub local: Vec<LocalStory>,
    /// Of a sweep of eval: each fixture's model, or why there is none.
    pub scaling: BTreeMap<String, Result<Scaling, String>>,
    /// Of a smoke run by both protocols: how their renders compare.
    pub semantic: Vec<SemanticComparison>,
    /// What is worth knowing of renders and fails nothing.
    pub notes: Vec<Note>,
    /// Of eval: what the figures can't tell.
    pub caveats: Vec<String>,
    /// What was looked for after the clean-up; `None` when it did not get that far.
    pub proof: Option<Proof>,
    /// Every file of the folder, relative to it, sorted.
    pub files: Vec<String>,
    /// What could be there and is not, or tells nothing, a line each.
    pub gaps: Vec<String>,
}

impl Story {
    /// Puts the story together.
    ///
    /// # Errors
    /// When there is no run.json, or a file is not what it should be; the error
    /// names the file, and the field with its line.
    pub fn of(files: &Files) -> anyhow::Result<Self> {
        let run: RunFacts = files
            .json(RUN_JSON)?
            .with_context(|| format!("{RUN_JSON} is not there: this is no run's artifact folder"))?;
        run.check()?;
        let mut gaps = Vec::new();
        let mut story = match run.kind()? {
            Kind::Smoke { .. } => Self::of_smoke(files, run, &mut gaps)?,
            Kind::Eval { .. } => Self::of_eval(files, run, &mut gaps)?,
        };
        story.unmeasured = unmeasured::unmeasured(&story.run, &story.renders)?;
        story.failed = failed::failed_executions(files);
        story.notes = notes::notes(&story.renders);
        story.proof = files.json("cleanup-verification.json")?;
        story.files = files.names().map(str::to_owned).collect();
        story.gaps = gaps;
        Ok(story)
    }

    fn of_smoke(files: &Files, run: RunFacts, gaps: &mut Vec<String>) -> anyhow::Result<Self> {
        let rows: Option<Vec<ResultRow>> = files.json("results.json")?;
        if rows.is_none() {
            gaps.push("results.json is not there: no render was measured".to_owned());
        }
        let Kind::Smoke { fixture, gate } = run.kind()? else { return Ok(Self::bare(run)) };
        let of_row = |row: ResultRow| RenderStory::of_smoke(files, fixture, *gate, row, gaps);
        let renders = rows.unwrap_or_default().into_iter().map(of_row).collect::<anyhow::Result<_>>()?;
        let semantic = files.json("semantic-comparisons.json")?.unwrap_or_default();
        Ok(Self { renders, semantic, ..Self::bare(run.clone()) })
    }

    fn of_eval(files: &Files, run: RunFacts, gaps: &mut Vec<String>) -> anyhow::Result<Self> {
        let Some(results) = files.json::<EvalResults>("results.json")? else {
            gaps.push("results.json is not there: nothing was measured".to_owned());
            return Ok(Self::bare(run));
        };
        results.check()?;
        let mut renders = Vec::new();
        for sample in results.lambda_samples {
            renders.extend(sample.render(files, &run, gaps)?);
        }
        let scaling = eval_results::scaling(results.scaling)?;
        let local = results.local_samples.into_iter().map(LocalStory::from).collect();
        Ok(Self { renders, local, scaling, cases: results.cases, caveats: results.caveats, ..Self::bare(run) })
    }

    fn bare(run: RunFacts) -> Self {
        Self {
            run,
            renders: Vec::new(),
            unmeasured: Vec::new(),
            failed: Vec::new(),
            cases: Vec::new(),
            local: Vec::new(),
            scaling: BTreeMap::new(),
            semantic: Vec::new(),
            notes: Vec::new(),
            caveats: Vec::new(),
            proof: None,
            files: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// The renders of one fixture at one chunk count and protocol.
    pub fn renders_of<'a>(&'a self, fixture: &'a str, id: RenderId) -> impl Iterator<Item = &'a RenderStory> {
        self.renders.iter().filter(move |render| render.fixture == fixture && render.row.id == id)
    }

    /// What all measured executions cost, USD, S3 and logs aside; `None` where no cost is known.
    pub fn total_usd(&self) -> Option<f64> {
        let costs: Vec<f64> = self.renders.iter().filter_map(|render| Some(render.row.cost?.usd)).collect();
        (!costs.is_empty()).then(|| costs.iter().sum())
    }

    /// How the run ended, at one look.
    pub fn ending(&self) -> Ending {
        Ending::of(self)
    }
}

#[cfg(test)]
pub(crate) mod tests;
