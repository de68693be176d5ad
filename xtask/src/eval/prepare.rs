//! What is known of an eval run before anything is started.

use std::collections::BTreeMap;

use anyhow::bail;

use super::{
    COMMAND, Eval,
    bench::{self, Planned},
};
use crate::{
    artifacts::Asked,
    benchmark::{Caveat, Scope},
    budget::{Estimate, Split},
    chunking::{ChunkSize, render_ids},
    cli::{EvalOptions, LocalLeg},
    cost::Prices,
    exit::{ExitCode, Failure, OrExit},
    fixture::Fixture,
    in_process::LocalWay,
    measure::gates::Limits,
    plan::Sizing,
    repo::{Layout, Repo, tool_root},
    run::{PlanChoice, Preview, Record, Run, RunNames, Sources, Subject, Told, known_times, prices, render_line},
    session::Session,
    toolbox::is_linux_x86_64,
};

impl Eval {
    /// Parses and checks everything that can be checked without starting anything.
    pub(super) fn prepare(session: &Session, options: EvalOptions) -> Result<Self, Failure> {
        let sources = Sources::find(session, options.run.skip_build).or_exit(ExitCode::Preflight)?;
        let plan = PlanChoice::new(&sources.template, None).or_exit(ExitCode::Preflight)?;
        let subjects = subjects(&sources.repo, plan, &options).or_exit(ExitCode::Preflight)?;
        let local_way = local_way(&sources.repo, &options).or_exit(ExitCode::Preflight)?;
        let local = local_way.is_some();
        let asked = Asked::Eval {
            fixtures: subjects.iter().map(|s| (s.fixture.name.clone(), s.gate)).collect::<BTreeMap<_, _>>(),
            chunk_counts: options.chunk_counts(),
            chunk_size: one_chunk_size(&subjects, &options),
            iterations: options.iterations.get(),
            warmup: options.warmup.get(),
            local_leg: local,
        };
        let renders = render_ids(&options.chunk_counts(), plan.protocols());
        Ok(Self {
            run: Run::prepare(session, COMMAND, sources, options.run.clone(), asked)?,
            scope: Scope { fixtures: subjects.len(), renders, local },
            options,
            subjects,
            local_way,
            lambda: Default::default(),
            local: Default::default(),
            measured: Default::default(),
            failed_warmups: Default::default(),
            memory_mb: Default::default(),
        })
    }

    /// What all executions are going to cost, warm-ups among them.
    pub(super) fn estimate(&self, planned: &[Planned]) -> Estimate {
        let (run, memory_mb) = (&self.run, self.run.memory_mb());
        let of_fixture = |(subject, planned): (&Subject, &Planned)| {
            let times = run.known.of(&subject.fixture.name);
            Estimate::of(&splits(planned), &times, memory_mb, &run.prices)
        };
        self.subjects.iter().zip(planned).map(of_fixture).sum::<Estimate>().times(rounds(&self.options))
    }

    /// What the options themselves keep the figures from telling.
    pub(super) fn caveats_of_options(&self) -> Vec<Caveat> {
        let options = &self.options;
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

/// What a run would do, of which nothing is done.
pub(super) fn preview(session: &Session, options: &EvalOptions) -> anyhow::Result<Told> {
    let sources = Sources::find(session, options.run.skip_build)?;
    let Sources { repo, template } = &sources;
    let subjects = subjects(repo, PlanChoice::new(template, None)?, options)?;
    let names = RunNames::draw(COMMAND, &options.run)?;
    let (known, prices, memory_mb) =
        (known_times(repo, &options.run), prices(&options.run)?, template.memory_mb(options.run.memory));
    let (mut renders, mut estimates, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut known_by: Vec<String> = Vec::new();
    for subject in &subjects {
        let name = &subject.fixture.name;
        let Some(extent) = subject.told_extent() else {
            renders.push(render_line(name, None, None));
            unknown.push(name.as_str());
            continue;
        };
        let planned = bench::plan(options, subject, extent)?;
        for id in render_ids(&options.chunk_counts(), subject.plan.protocols()) {
            let render = &planned.1[&id];
            let label = format!("{name} {id}, {} times", rounds(options));
            renders.push(render_line(&label, Some(render.split(planned.0.frames)), Some(render.chunk_size.get())));
        }
        let times = known.of(name);
        estimates.push(Estimate::of(&splits(&planned), &times, memory_mb, &prices));
        if !known_by.contains(&times.source) {
            known_by.push(times.source);
        }
    }
    let estimate = match unknown.as_slice() {
        [] => Ok((estimates.into_iter().sum::<Estimate>().times(rounds(options)), known_by.join(", and by "))),
        names => Err(format!("{} does not say how long it is", names.join(", "))),
    };
    let (sources, names, options) = (&sources, &names, &options.run);
    let given = names.given(&sources.template, options)?;
    Ok(Preview { sh: &session.runner.sh, command: COMMAND, sources, given: &given, names, options, renders, estimate }
        .told())
}

fn splits((settings, renders): &Planned) -> Vec<Split> {
    renders.values().map(|render| render.split(settings.frames)).collect()
}

fn rounds(options: &EvalOptions) -> u64 {
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
fn subjects(repo: &Repo, plan: PlanChoice, options: &EvalOptions) -> anyhow::Result<Vec<Subject>> {
    let (mut subjects, mut problems) = (Vec::new(), Vec::new());
    for name in options.fixtures.iter() {
        match subject(repo, plan, options, name) {
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

fn subject(repo: &Repo, plan: PlanChoice, options: &EvalOptions, name: &str) -> anyhow::Result<Subject> {
    let fixture = Fixture::load(repo, name)?;
    fixture.check_renderable()?;
    plan.check_fps(&fixture)?;
    fixture.check_baseline()?;
    let gate = Limits::new(&options.limits.0.clone().or(&fixture.meta.limits))?;
    Ok(Subject {
        record: Record::Held(fixture.read_expected()?),
        fixture_sha256: fixture.sha256()?,
        gate,
        fixture,
        plan,
    })
}
