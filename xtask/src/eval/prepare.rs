//! What is known of an eval run before anything is started.

use std::collections::BTreeMap;

use anyhow::bail;

use super::{COMMAND, Eval};
use crate::{
    artifacts::Asked,
    benchmark::{Caveat, Scope},
    budget::Estimate,
    chunking::{ChunkSize, render_ids},
    cli::{EvalOptions, LocalLeg},
    cost::Prices,
    exit::{ExitCode, Failure, OrExit},
    in_process::LocalWay,
    plan::{Extent, RenderPlan, Sizing},
    repo::{Layout, Repo, tool_root},
    run::{PlanChoice, Record, Run, Sources, Subject},
    session::Session,
    toolbox::is_linux_x86_64,
};

impl<'a> Eval<'a> {
    /// Parses and checks everything that can be checked without starting anything.
    pub(super) fn prepare(session: &Session, options: &'a EvalOptions) -> Result<Self, Failure> {
        let sources = Sources::find(session, options.run.skip_build).or_exit(ExitCode::Preflight)?;
        let choice = PlanChoice::new(&sources.template, None).or_exit(ExitCode::Preflight)?;
        let subjects = subjects(&sources.repo, choice, options).or_exit(ExitCode::Preflight)?;
        let local_way = local_way(&sources.repo, options).or_exit(ExitCode::Preflight)?;
        let local = local_way.is_some();
        let asked = Asked::Eval {
            fixtures: subjects.iter().map(|s| (s.fixture.name.clone(), s.gate)).collect::<BTreeMap<_, _>>(),
            chunk_counts: options.chunk_counts(),
            chunk_size: one_chunk_size(&subjects, options),
            iterations: options.iterations.get(),
            warmup: options.warmup.get(),
            local_leg: local,
        };
        let renders = render_ids(&options.chunk_counts(), choice.protocols());
        let scope = Scope { fixtures: subjects.len(), renders, local };
        let run = Run::prepare(session, COMMAND, sources, options.run.clone(), asked)?;
        Ok(Self { run, options, subjects, scope, local_way })
    }

    /// What all executions are going to cost, warm-ups among them.
    pub(super) fn estimate(&self, plans: &[RenderPlan]) -> Estimate {
        let of_fixture = |(subject, plan): (&Subject, &RenderPlan)| self.run.estimate(subject, plan);
        self.subjects.iter().zip(plans).map(of_fixture).sum::<Estimate>().times(rounds(self.options))
    }

    /// What the options themselves keep the figures from telling.
    pub(super) fn caveats_of_options(&self) -> Vec<Caveat> {
        let options = self.options;
        let most = options.chunk_counts().iter().map(|count| count.get()).max();
        let throttled = most.zip(options.run.reserved_concurrency.get()).filter(|(most, cap)| u32::from(*most) > *cap);
        let region = options.run.target.region.as_str();
        let of_default = self.run.prices == Prices::default() && region != "us-east-1";
        let local = match &self.local_way {
            Some(LocalWay::Harness(_)) => Some(Caveat::Harness),
            Some(LocalWay::Published(_)) => Some(Caveat::PublishedRenderer),
            Some(LocalWay::Packages) | None => None,
        };
        let prices = || Caveat::PricesOf { as_of: self.run.prices.as_of.clone(), region: region.to_owned() };
        let to_rank = self.scope.renders.len() + usize::from(self.scope.local);
        Caveat::of_iterations(options.iterations.get(), to_rank)
            .into_iter()
            .chain(throttled.map(|(chunks, reserved)| Caveat::Throttled { chunks, reserved }))
            .chain(local)
            .chain(of_default.then(prices))
            .collect()
    }
}

/// The frames a chunk that are asked for, where they are the same for every render.
fn one_chunk_size(subjects: &[Subject], options: &EvalOptions) -> Option<ChunkSize> {
    let of_subject = |subject: &Subject| match options.sizing() {
        Sizing::Named(size) => Some(size),
        Sizing::OfFixtureOr(size) => Some(subject.fixture.meta.chunk_size.unwrap_or(size)),
        Sizing::ByCount => None,
    };
    let (first, others) = subjects.split_first()?;
    of_subject(first).filter(|size| others.iter().all(|other| of_subject(other) == Some(*size)))
}

/// The fixtures and their plans, where their lengths are known, for `--dry-run`.
pub(super) fn preview(sources: &Sources, options: &EvalOptions) -> anyhow::Result<Vec<(Subject, Option<RenderPlan>)>> {
    let planned = |subject: Subject| {
        let planned = subject.told_extent().map(|extent| plan(options, &subject, extent)).transpose()?;
        Ok((subject, planned))
    };
    let choice = PlanChoice::new(&sources.template, None)?;
    subjects(&sources.repo, choice, options)?.into_iter().map(planned).collect()
}

/// The executions of one fixture in a round, and what each is asked for.
///
/// # Errors
/// When a count asks for more frames a chunk than the handler takes.
pub(super) fn plan(options: &EvalOptions, subject: &Subject, extent: Extent) -> anyhow::Result<RenderPlan> {
    subject.planned(&options.chunk_counts(), options.sizing(), subject.fixture.meta.format, extent)
}

/// How often each execution is repeated.
pub(super) fn rounds(options: &EvalOptions) -> u64 {
    u64::from(options.iterations.get() + options.warmup.get())
}

fn local_way(repo: &Repo, options: &EvalOptions) -> anyhow::Result<Option<LocalWay>> {
    if options.local() == LocalLeg::Skipped {
        return Ok(None);
    }
    let own = Repo::at(&tool_root()).ok().filter(|own| own.layout() == Layout::Own);
    let way = LocalWay::of(repo, own, is_linux_x86_64());
    way.map(Some).map_err(|error| error.context("there is no way to render locally; --skip-local leaves that out"))
}

/// All fixtures, or everything that is wrong with any of them.
fn subjects(repo: &Repo, choice: PlanChoice, options: &EvalOptions) -> anyhow::Result<Vec<Subject>> {
    let (mut subjects, mut problems) = (Vec::new(), Vec::new());
    for name in options.fixtures.iter() {
        match Subject::load(repo, name, choice, &options.limits.0, Some(Record::Held)) {
            Ok(subject) => subjects.push(subject),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    match problems.as_slice() {
        [] => Ok(subjects),
        [one] => bail!("{one}"),
        several => bail!("fixtures:\n  - {}", several.join("\n  - ")),
    }
}
