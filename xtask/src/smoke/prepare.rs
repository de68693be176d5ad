//! What is known of a smoke run before anything is started.

use super::{COMMAND, Smoke};
use crate::{
    artifacts::Asked,
    budget::{Estimate, Split},
    chunking::{RenderId, render_ids},
    cli::SmokeOptions,
    exit::{ExitCode, Failure, OrExit},
    fixture::{Fixture, RenderFormat},
    measure::gates::Limits,
    plan::{Extent, PlannedRender, RenderSettings, Sizing, planned_renders},
    run::{PlanChoice, Preview, Record, Run, RunNames, Sources, Subject, Told, known_times, prices, render_line},
    session::Session,
};

impl Smoke {
    /// Parses and checks everything that can be checked without starting anything.
    pub(super) fn prepare(session: &Session, options: SmokeOptions) -> Result<Self, Failure> {
        let sources = Sources::find(session, options.run.skip_build).or_exit(ExitCode::Preflight)?;
        let subject = subject(&sources, &options).or_exit(ExitCode::Preflight)?;
        let asked = Asked::Smoke {
            fixture: subject.fixture.name.clone(),
            chunk_counts: options.chunk_counts.clone(),
            gate: subject.gate,
        };
        Ok(Self {
            run: Run::prepare(session, COMMAND, sources, options.run.clone(), asked)?,
            options,
            subject,
            rows: Default::default(),
            measured: Default::default(),
            recorded: Default::default(),
        })
    }

    /// The renders that there must be.
    pub(super) fn render_ids(&self) -> Vec<RenderId> {
        render_ids(&self.options.chunk_counts, self.subject.plan.protocols())
    }

    /// The renders to do, and what each is asked for.
    ///
    /// # Errors
    /// When a count asks for more frames a chunk than the handler takes.
    pub(super) fn renders(&self, reference: Extent) -> anyhow::Result<(RenderSettings, Vec<PlannedRender>)> {
        renders(&self.subject, &self.options, reference)
    }

    /// What they are going to cost.
    pub(super) fn estimate(&self, renders: &[PlannedRender], frames: u64) -> Estimate {
        let (run, times) = (&self.run, self.run.known.of(&self.subject.fixture.name));
        Estimate::of(&splits(renders, frames), &times, run.memory_mb(), &run.prices)
    }
}

/// What a run would do, of which nothing is done.
pub(super) fn preview(session: &Session, options: &SmokeOptions) -> anyhow::Result<Told> {
    let sources = Sources::find(session, options.run.skip_build)?;
    let subject = subject(&sources, options)?;
    let names = RunNames::draw(COMMAND, &options.run)?;
    let planned = subject.told_extent().map(|extent| renders(&subject, options, extent)).transpose()?;
    let (lines, estimate) = match &planned {
        Some((settings, planned)) => {
            let line = |render: &PlannedRender| {
                let size = render.chunk_size.get();
                render_line(&render.id.to_string(), Some(render.split(settings.frames)), Some(size))
            };
            let times = known_times(&sources.repo, &options.run).of(&subject.fixture.name);
            let (splits, prices) = (splits(planned, settings.frames), prices(&options.run)?);
            let estimate = Estimate::of(&splits, &times, sources.template.memory_mb(options.run.memory), &prices);
            (planned.iter().map(line).collect(), Ok((estimate, times.source)))
        }
        None => {
            let ids = render_ids(&options.chunk_counts, subject.plan.protocols());
            let lines = ids.iter().map(|id| render_line(&id.to_string(), None, None)).collect();
            (lines, Err("the composition does not say how long it is".to_owned()))
        }
    };
    let (sources, names, options) = (&sources, &names, &options.run);
    let given = names.given(&sources.template, options)?;
    Ok(Preview {
        sh: &session.runner.sh,
        command: COMMAND,
        sources,
        given: &given,
        names,
        options,
        renders: lines,
        estimate,
    }
    .told())
}

fn splits(renders: &[PlannedRender], frames: u64) -> Vec<Split> {
    renders.iter().map(|render| render.split(frames)).collect()
}

fn renders(
    subject: &Subject,
    options: &SmokeOptions,
    reference: Extent,
) -> anyhow::Result<(RenderSettings, Vec<PlannedRender>)> {
    let format = match options.exact {
        true => RenderFormat::PngSequence,
        false => subject.fixture.meta.format,
    };
    let settings = subject.settings(reference, format);
    let sizing = options.chunk_size.map_or(Sizing::ByCount, Sizing::Named);
    let (counts, protocols, own) = (&options.chunk_counts, subject.plan.protocols(), subject.fixture.meta.chunk_size);
    let renders = planned_renders(counts, protocols, sizing, own, settings.frames)?;
    Ok((settings, renders))
}

fn subject(sources: &Sources, options: &SmokeOptions) -> anyhow::Result<Subject> {
    let fixture = Fixture::load(&sources.repo, &options.fixture)?;
    fixture.check_renderable()?;
    let plan = PlanChoice::new(&sources.template, options.plan_protocols)?;
    plan.check_fps(&fixture)?;
    let (record, fixture_sha256) = match options.exact {
        // Neither baseline nor record is looked at.
        true => (Record::Held(None), String::new()),
        false => {
            fixture.check_baseline()?;
            let known = fixture.read_expected()?;
            let record = match (options.update_expected, options.strict) {
                (true, _) => Record::Rewritten(known),
                (false, true) => Record::HeldStrictly(known),
                (false, false) => Record::Held(known),
            };
            (record, fixture.sha256()?)
        }
    };
    Ok(Subject {
        plan,
        gate: Limits::new(&options.limits.0.clone().or(&fixture.meta.limits))?,
        record,
        fixture_sha256,
        fixture,
    })
}
