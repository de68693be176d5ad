//! One render on this machine, by the in-process renderer.

use std::path::Path;

use anyhow::{Context, ensure};

use super::{
    Eval,
    bench::Bench,
    body::{KeptRenders, failed},
};
use crate::{
    benchmark::{Likeness, LocalRender, LocalSample, Outcome},
    cli::LocalLeg,
    exit::{ExitCode, Failure, OrExit},
    fixture::RenderFormat,
    in_process::{InProcess, Job},
    original::Original,
};

/// Renders once, for nothing but its effect on the next one.
pub(super) async fn warm_up(eval: &Eval, bench: &Bench, fixture: usize, nth: u32) -> Result<(), Failure> {
    let name = &eval.subjects[fixture].fixture.name;
    eval.run.step("warm-up", &format!("{name}: in-process on this machine"));
    let file = scratch(eval, fixture);
    let log = eval.run.artifacts.logs().join(format!("{name}-local-w{nth}.log"));
    let rendered = render(eval, bench, fixture, &file, &log).await.or_exit(ExitCode::Render);
    remove(&file);
    rendered.map(drop)
}

/// Renders and takes the time; with `--keep-local` keeps the video and compares it.
pub(super) async fn sample(
    eval: &Eval,
    bench: &Bench,
    kept: &mut KeptRenders,
    fixture: usize,
    iteration: u32,
) -> LocalSample {
    let name = eval.subjects[fixture].fixture.name.clone();
    eval.run.step("local", &format!("{name} #{iteration}: in-process on this machine"));
    let outcome = match sampled(eval, bench, kept, fixture, iteration).await.or_exit(ExitCode::Render) {
        Ok(render) => Outcome::Done(Box::new(render)),
        Err(failure) => failed(eval, &format!("the local render of {name} #{iteration}"), &failure),
    };
    LocalSample { fixture: name, iteration, outcome }
}

async fn sampled(
    eval: &Eval,
    bench: &Bench,
    kept: &mut KeptRenders,
    fixture: usize,
    iteration: u32,
) -> anyhow::Result<LocalRender> {
    let (run, of_fixture) = (&eval.run, &eval.subjects[fixture].fixture);
    let name = &of_fixture.name;
    let output = of_fixture.meta.format.in_process_name(&format!("renders/{name}-local-{iteration}"));
    let keep = eval.options.local() == LocalLeg::Kept;
    let file = if keep { run.artifacts.path(&output) } else { scratch(eval, fixture) };
    let log = run.artifacts.logs().join(format!("{name}-local-{iteration}.log"));
    let rendered = render(eval, bench, fixture, &file, &log).await;
    if !keep {
        remove(&file);
    }
    let rendered = rendered?;
    let renderer_ms = rendered.renderer_ms();
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let own = renderer_ms.map(|ms| format!(", of which the renderer {:.1} s", seconds(ms))).unwrap_or_default();
    run.step("local", &format!("{name} #{iteration}: {:.1} s{own}", seconds(rendered.wall_ms)));
    let mut render = LocalRender { wall_ms: rendered.wall_ms, renderer_ms, output: None, against_baseline: None };
    if keep {
        let (format, fps) = (of_fixture.meta.format, of_fixture.meta.fps.get());
        let what = if format == RenderFormat::PngSequence { "frames" } else { "video" };
        ensure!(file.exists(), "the local renderer left no {what} to keep; without --keep-local its time is taken");
        let local = Original::read(&bench.media, &file, format, fps).await;
        let local = local.with_context(|| format!("the local render {output}"))?;
        if let Some(baseline) = bench.places[fixture].reference.original() {
            let gate = &eval.subjects[fixture].gate;
            let likeness = Likeness::of(&baseline.compare(&bench.media, &file, None, gate).await?.comparison);
            run.step("local", &format!("{name} #{iteration} against the baseline: {likeness}"));
            render.against_baseline = Some(likeness);
        }
        kept.insert(fixture, local);
        render.output = Some(output);
    }
    Ok(render)
}

async fn render(eval: &Eval, bench: &Bench, fixture: usize, to: &Path, log: &Path) -> anyhow::Result<InProcess> {
    let renderer = bench.renderer.as_ref().context("a local leg has a renderer")?;
    let of_fixture = &eval.subjects[fixture].fixture;
    let format = of_fixture.meta.format;
    let project = &bench.places[fixture].project;
    renderer.render(&Job { fixture: of_fixture, project, format, to, log }).await
}

/// Where a render goes that is not kept.
fn scratch(eval: &Eval, fixture: usize) -> std::path::PathBuf {
    let of_fixture = &eval.subjects[fixture].fixture;
    let stem = format!("renders/{}-local-not-kept", of_fixture.name);
    eval.run.artifacts.path(&of_fixture.meta.format.in_process_name(&stem))
}

/// Removes a video, or a folder of frames, where there is one.
fn remove(render: &Path) {
    let _ = match render.is_dir() {
        true => std::fs::remove_dir_all(render),
        false => std::fs::remove_file(render),
    };
}
