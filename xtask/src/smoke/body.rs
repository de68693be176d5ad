//! The work of a smoke run, from its target to its last comparison.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Smoke, expected, in_process, protocols};
use crate::{
    aws::objects,
    chunking::PlanProtocols,
    exit::{ExitCode, Failure, OrExit},
    measure::verdict::Measured,
    plan::{PlannedRender, execution_name},
    report::headline,
    run::{Packed, Ready, Reference, Render, RenderNames, Rendering},
};

/// An execution is stopped after this long.
const CAP: Duration = Duration::from_secs(25 * 60);

/// All stages up to the last comparison. What fails says with which exit code.
pub(super) async fn work(smoke: &Smoke) -> Result<(), Failure> {
    let (run, subject, options) = (&smoke.run, &smoke.subject, &smoke.options);
    let Ready { tools, media } = run.make_ready().await?;
    if !options.exact {
        run.check_encoder(&subject.fixture).await?;
    }
    let baseline = match options.exact {
        true => None,
        false => Some(run.stage("baseline", Reference::baseline(run, subject, &media)).await?),
    };
    // A count that can't be rendered is told before anything is built, where the length is known.
    if let Some(extent) = baseline.as_ref().map(Reference::extent).or_else(|| subject.told_extent()) {
        let (settings, renders) = smoke.renders(extent).or_exit(ExitCode::Preflight)?;
        let estimate = smoke.estimate(&renders, settings.frames);
        run.budget.allow(&estimate, "the planned renders").or_exit(ExitCode::Preflight)?;
    }
    let reference = async {
        let packed = Packed::of(run, subject).await?;
        let reference = match baseline {
            Some(baseline) => baseline,
            None => run.stage("reference", in_process::frames(smoke, &packed)).await?,
        };
        smoke.renders(reference.extent()).or_exit(ExitCode::Preflight).map(|planned| (packed, reference, planned))
    };
    let chunks = options.chunk_counts.at_once(options.jobs.get());
    let (stack, (packed, reference, (settings, renders))) = run.stand_up(&tools, chunks, reference).await?;

    run.stage(
        "upload",
        objects::upload(&run.connection().clients, &stack.bucket, &subject.project_key(), packed.tar_gz),
    )
    .await
    .or_exit(ExitCode::Render)?;
    let render =
        Render { run, stack: &stack, media: &media, subject, reference: &reference, settings: &settings, cap: CAP };
    let stages = renders.iter().map(|planned| async {
        run.budget.allow(&render.estimate(planned), &planned.id.to_string()).or_exit(ExitCode::Render)?;
        run.stage(&format!("render {}", planned.id), one(smoke, &render, planned)).await
    });
    // The first that fails ends the others; the clean-up stops their executions.
    stream::iter(stages).buffer_unordered(options.jobs.get()).try_collect::<()>().await?;
    // Frames that are identical to the in-process ones are so to each other.
    if options.plan_protocols == Some(PlanProtocols::Both) && !options.exact {
        run.stage("compare", protocols::compare(smoke, &media)).await?;
    }
    expected::update(smoke)
}

/// One render, its row saved.
async fn one(smoke: &Smoke, render: &Render<'_>, planned: &PlannedRender) -> Result<(), Failure> {
    let (run, id) = (&smoke.run, planned.id);
    let names = RenderNames {
        execution: execution_name(planned, run.names.epoch_s, &run.names.run),
        file_stem: id.file_stem(),
        label: id.to_string(),
    };
    let Rendering { mut row, comparison, beside, recorded, .. } = render.render(planned, &names).await?;
    row.notes.extend(disturbed(smoke));
    let measured = Measured { render: id, comparison, beside, limits: smoke.subject.gate };
    let row = {
        let done = smoke.measured.borrow();
        let first = done.first().and_then(|first| first.comparison.picture());
        row.compared(&measured.comparison, first).judged(&measured.judge().findings)
    };
    run.step("render", &format!("{id}: {}", headline(&row, &measured.comparison)));
    smoke.add_row(row);
    smoke.measured.borrow_mut().push(measured);
    smoke.recorded.borrow_mut().extend(recorded);
    smoke.save_rows().or_exit(ExitCode::Render)
}

/// What renders side by side do to each other's times.
fn disturbed(smoke: &Smoke) -> Option<String> {
    let jobs = smoke.options.jobs.get().min(smoke.render_ids().len());
    (jobs > 1)
        .then(|| format!("up to {jobs} renders went on at once (--jobs), so their times are not those of one alone"))
}
