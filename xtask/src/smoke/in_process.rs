//! The reference of `--exact`: every frame, as the in-process renderer makes it here and now.

use anyhow::Context;

use super::Smoke;
use crate::{
    connect,
    exit::{ExitCode, Failure, OrExit},
    fixture::RenderFormat,
    frames::FrameFolder,
    in_process::{self, Job, Renderer},
    measure::frame_sequence::ReferenceFrames,
    run::{Packed, Reference},
    toolbox::is_linux_x86_64,
    wording::counted,
};

/// Where the in-process frames of a run are kept: as files, so that one can look at them.
const FOLDER: &str = "renders/exact-baseline";

/// The frames, rendered now. Nothing else of the run goes on meanwhile but the
/// build, so that no timed render is disturbed.
pub(super) async fn frames(smoke: &Smoke, packed: &Packed) -> Result<Reference, Failure> {
    let (run, fixture) = (&smoke.run, &smoke.subject.fixture);
    in_process::check_platform("--exact", is_linux_x86_64()).or_exit(ExitCode::Preflight)?;
    connect::provision(&run.session).await.or_exit(ExitCode::Preflight)?;
    run.step("reference", &format!("rendering {} in-process as a png-sequence", fixture.name));
    let (to, log) = (run.artifacts.path(FOLDER), run.artifacts.logs().join("in-process.log"));
    let renderer = Renderer::prepare(&run.session, &run.repo, &log).await.or_exit(ExitCode::Preflight)?;
    let job = Job { fixture, project: &packed.project, format: RenderFormat::PngSequence, to: &to, log: &log };
    let told = renderer.render(&job).await.or_exit(ExitCode::Render)?.told;
    run.artifacts.save(&format!("{FOLDER}.json"), &told).or_exit(ExitCode::Render)?;
    let folder = FrameFolder::at(&to);
    let reading = folder.clone();
    let read = tokio::task::spawn_blocking(move || reading.read().and_then(ReferenceFrames::new));
    let frames = read.await.context("reading frames").or_exit(ExitCode::Render)?;
    let frames = frames.context("the in-process render can't be compared with").or_exit(ExitCode::Render)?;
    run.step("reference", &format!("{} in {}", counted(frames.sequence().len(), "frame"), to.display()));
    Ok(Reference::Frames(folder, frames))
}
