//! One execution on Lambda, measured and compared.

use std::{num::NonZeroU64, time::Duration};

use super::{Eval, bench::Bench, body::failed};
use crate::{
    benchmark::{Execution, LambdaSample, Leg, Likeness, Outcome, SampleId, Start, Turn},
    chunking::RenderId,
    exit::{ExitCode, Failure, OrExit},
    measure::verdict::Measured,
    original::Original,
    plan::{PlannedRender, eval_execution_name},
    report::headline,
    run::{Render, RenderNames, Rendering},
    scaling::Observation,
};

/// An execution is stopped after this long.
const CAP: Duration = Duration::from_secs(30 * 60);

/// Refuses an execution that could pass `--max-cost-usd`.
pub(super) fn allow(eval: &Eval, bench: &Bench, turn: &Turn) -> Result<(), Failure> {
    let Leg::Lambda(render) = turn.leg else { return Ok(()) };
    let (renders, planned) = renders(eval, bench, turn.fixture, render);
    let what = format!("{} {render}", eval.subjects[turn.fixture].fixture.name);
    eval.run.budget.allow(&renders.estimate(&planned), &what).or_exit(ExitCode::Render)
}

/// Executes once, for nothing but its effect on the next one.
pub(super) async fn warm_up(
    eval: &Eval,
    bench: &Bench,
    fixture: usize,
    render: RenderId,
    nth: u32,
) -> Result<(), Failure> {
    let (renders, planned) = renders(eval, bench, fixture, render);
    let mut names = names(eval, &id(eval, fixture, render, nth), &format!("w{nth}"));
    names.label = format!("{} {render} warm-up {nth}", eval.subjects[fixture].fixture.name);
    renders.warm_up(&planned, &names).await
}

/// Executes, downloads, measures and compares. A failure is a sample too, without a measurement.
pub(super) async fn sample(
    eval: &Eval,
    bench: &Bench,
    local: Option<&Original>,
    fixture: usize,
    render: RenderId,
    iteration: u32,
) -> (LambdaSample, Option<Measured<SampleId>>) {
    let id = id(eval, fixture, render, iteration);
    match execution(eval, bench, local, fixture, &id).await {
        Ok((execution, measured)) => (LambdaSample { id, outcome: Outcome::Done(Box::new(execution)) }, Some(measured)),
        Err(failure) => {
            let outcome = failed(eval, &id.to_string(), &failure);
            (LambdaSample { id, outcome }, None)
        }
    }
}

async fn execution(
    eval: &Eval,
    bench: &Bench,
    local: Option<&Original>,
    fixture: usize,
    id: &SampleId,
) -> Result<(Execution, Measured<SampleId>), Failure> {
    let (run, gate) = (&eval.run, eval.subjects[fixture].gate);
    let (renders, planned) = renders(eval, bench, fixture, id.render);
    let names = names(eval, id, &id.iteration.to_string());
    let Rendering { row, comparison, beside, timeline, .. } = renders.render(&planned, &names).await?;
    let against_local = match local {
        Some(local) => {
            let (rendered, codec) = (run.artifacts.path(&row.output), eval.subjects[fixture].fixture.meta.codec);
            let compared = local.compare(&bench.media, &rendered, codec, &gate).await.or_exit(ExitCode::Render)?;
            Some(Likeness::of(&compared.comparison))
        }
        None => None,
    };
    let measured = Measured { render: id.clone(), comparison, beside, limits: gate };
    let row = {
        let done = eval.measured.borrow();
        let alike = |m: &&Measured<SampleId>| m.render.fixture == id.fixture && m.render.render == id.render;
        let first = done.iter().find(alike).and_then(|first| first.comparison.picture());
        row.compared(&measured.comparison, first).judged(&measured.judge().findings)
    };
    let start = Start::of(row.time_spent.as_ref());
    run.step("render", &format!("{id}: {} ({start})", headline(&row, &measured.comparison)));
    if let Some(likeness) = &against_local {
        run.step("render", &format!("{id} against the local render: {likeness}"));
    }
    let frames = NonZeroU64::new(bench.places[fixture].settings.frames);
    let observed = |frames| Observation::of(timeline.as_ref()?, frames, start == Start::Cold);
    let observation = frames.and_then(observed);
    Ok((Execution { start, render: row, against_local, observation }, measured))
}

fn id(eval: &Eval, fixture: usize, render: RenderId, iteration: u32) -> SampleId {
    SampleId { fixture: eval.subjects[fixture].fixture.name.clone(), render, iteration }
}

fn renders<'a>(eval: &'a Eval, bench: &'a Bench, fixture: usize, render: RenderId) -> (Render<'a>, PlannedRender) {
    let place = &bench.places[fixture];
    let renders = Render {
        run: &eval.run,
        stack: &bench.stack,
        media: &bench.media,
        subject: &eval.subjects[fixture],
        reference: &place.reference,
        settings: &place.settings,
        cap: CAP,
    };
    (renders, place.renders[&render])
}

fn names(eval: &Eval, id: &SampleId, iteration: &str) -> RenderNames {
    let of_sweep = (eval.scope.renders.len() > 1).then_some(id.render);
    RenderNames {
        execution: eval_execution_name(&id.fixture, of_sweep, eval.run.names.epoch_s, iteration),
        file_stem: format!("{}-{}-{iteration}", id.fixture, id.render.file_stem()),
        label: id.to_string(),
    }
}
