//! What renders are compared with: the fixture's baseline, and what this machine renders in-process.

use std::path::PathBuf;

use anyhow::Context;
use render_verdict::frames::{archive::FrameFolder, sequence::GaplessFrames};

use crate::{
    cli::run::ReferenceChoice,
    console::text::counted,
    context,
    exit::{ExitCode, Failure, OrExit},
    local::system::is_linux_x86_64,
    project::{
        baseline::Baseline,
        fixture::{Fixture, format::RenderFormat},
        plan::Extent,
    },
    run::{
        Run,
        subject::{Packed, Subject},
    },
    tools::{
        ffmpeg::Media,
        in_process::{self, Job, Renderer},
    },
};

/// Where the in-process frames are kept.
const FRAMES: &str = "renders/exact-baseline";

/// What the names of in-process renders begin with that renders are compared with.
const RENDERED: &str = "renders/in-process";

/// What the renders are compared with.
pub(crate) enum RunBaseline {
    /// The fixture's committed render, which they must match; and where there is one, the render that
    /// this machine made in-process, which they must be closer to.
    Committed { baseline: Baseline, rendered: Option<Baseline> },
    /// Every frame, as the in-process renderer made it, which theirs must be to the byte.
    InProcess(FrameFolder, GaplessFrames),
}

impl RunBaseline {
    /// The baseline, measured.
    pub(crate) async fn committed(run: &Run, subject: &Subject, media: &Media) -> Result<Self, Failure> {
        let (fixture, fps) = (&subject.fixture, subject.fixture.meta.fps.get());
        let baseline = Baseline::read(media, &fixture.baseline(), fixture.meta.format, fps).await;
        let baseline = baseline
            .with_context(|| format!("the baseline of {} can't be measured", fixture.name))
            .or_exit(ExitCode::Preflight)?;
        let sound = if baseline.audio().is_empty() { "no sound" } else { "sound" };
        let Extent { width, height, frames } = baseline.extent();
        let (name, fps) = (&fixture.name, baseline.fps());
        run.step("baseline", &format!("{name}: {frames} frames, {width}x{height}, {fps} fps, {sound}"));
        Ok(Self::Committed { baseline, rendered: None })
    }

    /// The baseline, and the render that this machine makes in-process, where renders are to be compared with that too.
    pub(crate) async fn with_rendered(
        self,
        run: &Run,
        subject: &Subject,
        packed: &Packed,
        media: &Media,
    ) -> Result<Self, Failure> {
        let Self::Committed { baseline, .. } = self else { return Ok(self) };
        let rendered = match run.options.reference {
            ReferenceChoice::Committed => None,
            ReferenceChoice::Rendered => Some(Self::rendered(run, subject, packed, media).await?),
            ReferenceChoice::Auto if subject.record.is_none() && in_process::is_ready(&run.session, &run.repo) => {
                let rendered = Self::rendered(run, subject, packed, media).await;
                rendered.map_err(|failure| run.warn(Err(failure.error.context("without a reference")))).ok()
            }
            ReferenceChoice::Auto => None,
        };
        Ok(Self::Committed { baseline, rendered })
    }

    async fn rendered(run: &Run, subject: &Subject, packed: &Packed, media: &Media) -> Result<Baseline, Failure> {
        let Fixture { name, meta, .. } = &subject.fixture;
        let file = meta.format.in_process_name(&format!("{RENDERED}-{name}"));
        run.stage("reference", async {
            let to = render_in_process(run, subject, packed, meta.format, ("--reference rendered", &file)).await?;
            let rendered = Baseline::read(media, &to, meta.format, meta.fps.get()).await;
            rendered.context("the in-process render can't be compared with").or_exit(ExitCode::Render)
        })
        .await
    }

    /// Every frame, as the in-process renderer makes it here and now. They are kept as files, so that one can
    /// look at them. Only the build runs at the same time, so that no timed render is disturbed.
    pub(crate) async fn in_process(run: &Run, subject: &Subject, packed: &Packed) -> Result<Self, Failure> {
        let several = run.record.borrow().names_fixtures();
        let frames = if several { format!("{FRAMES}-{}", subject.fixture.name) } else { FRAMES.to_owned() };
        let to = render_in_process(run, subject, packed, RenderFormat::PngSequence, ("--exact", &frames)).await?;
        let folder = FrameFolder::at(&to);
        let reading = folder.clone();
        let read = tokio::task::spawn_blocking(move || reading.read().and_then(GaplessFrames::new));
        let frames = read.await.context("reading frames").or_exit(ExitCode::Render)?;
        let frames = frames.context("the in-process render can't be compared with").or_exit(ExitCode::Render)?;
        run.step("reference", &format!("{} in {}", counted(frames.sequence().count(), "frame"), to.display()));
        Ok(Self::InProcess(folder, frames))
    }

    pub(crate) fn extent(&self) -> Extent {
        match self {
            Self::Committed { baseline, .. } => baseline.extent(),
            Self::InProcess(_, frames) => frames.into(),
        }
    }

    /// The baseline, where renders are measured.
    pub(crate) fn baseline(&self) -> Option<&Baseline> {
        match self {
            Self::Committed { baseline, .. } => Some(baseline),
            Self::InProcess(..) => None,
        }
    }
}

/// Renders a fixture on this machine, to a file among the artifacts, or to a folder of frames; `why` is the flag that
/// asks for it.
async fn render_in_process(
    run: &Run,
    subject: &Subject,
    packed: &Packed,
    format: RenderFormat,
    (why, file): (&str, &str),
) -> Result<PathBuf, Failure> {
    let fixture = &subject.fixture;
    in_process::check_platform(why, is_linux_x86_64()).or_exit(ExitCode::Preflight)?;
    context::provision(&run.session).await.or_exit(ExitCode::Preflight)?;
    run.step("reference", &format!("rendering {} in-process as {}", fixture.name, format.handler_name()));
    let to = run.artifacts.vacated(file).or_exit(ExitCode::Render)?;
    let log = run.artifacts.logs().join("in-process.log");
    let renderer = Renderer::prepare(&run.session, &run.repo, &log).await.or_exit(ExitCode::Preflight)?;
    let job = Job { fixture, project: &packed.project, format, to: &to, log: &log };
    let reported = renderer.render(&job).await.or_exit(ExitCode::Render)?.reported;
    run.artifacts.save(&format!("{file}.json"), &reported).or_exit(ExitCode::Render)?;
    Ok(to)
}
