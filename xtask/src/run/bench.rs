//! What all renders need: one build and one stack, and on it every fixture with its reference and its plan.

use std::path::PathBuf;

use execution_history::chunking::RenderId;

use crate::{
    exit::{ExitCode, Failure, OrExit},
    project::plan::{Extent, RenderPlan},
    run::{
        Run,
        deploy::DeployedStack,
        estimate::Estimate,
        run_baseline::RunBaseline,
        stack::Ready,
        subject::{Packed, Subject},
    },
    tools::ffmpeg::Media,
};

/// A stack with all compositions.
pub(crate) struct Bench<'a> {
    pub stack: DeployedStack,
    pub media: Media,
    /// In the order of the subjects.
    pub places: Vec<Place<'a>>,
}

/// What the renders of one fixture share.
pub(crate) struct Place<'a> {
    pub subject: &'a Subject,
    /// The composition's folder, as staged.
    pub project: PathBuf,
    pub reference: RunBaseline,
    pub plan: RenderPlan,
}

/// What is asked of all fixtures.
pub(crate) struct Wanted<P, T> {
    /// Whether renders are compared with frames that the in-process renderer makes here and now.
    pub exact: bool,
    /// The plan of a fixture of this extent.
    pub plan: P,
    /// How often each render of the nth fixture is done.
    pub times: T,
    /// How many chunks are rendered at once, at most.
    pub chunks_at_once: u32,
}

impl<'a> Bench<'a> {
    /// Measures the baselines, builds, packs, deploys once, and uploads every composition once. `meanwhile` runs
    /// with the build.
    pub(crate) async fn set_up<T>(
        run: &Run,
        subjects: &'a [Subject],
        wanted: Wanted<impl Fn(&Subject, Extent) -> anyhow::Result<RenderPlan>, impl Fn(usize, RenderId) -> u64>,
        meanwhile: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(Self, T), Failure> {
        run.phase(Some("Build and deployment"));
        let Ready { tools, media } = run.make_ready().await?;
        let measured = async || {
            let mut committed = Vec::new();
            for subject in subjects {
                committed.push(RunBaseline::committed(run, subject, &media).await?);
            }
            Ok(committed)
        };
        let committed = match wanted.exact {
            true => Vec::new(),
            false => run.stage("baseline", measured()).await?,
        };
        // A count that can't be rendered is reported before anything is built, where the length is known.
        let mut estimates = Vec::new();
        for (i, subject) in subjects.iter().enumerate() {
            if let Some(extent) = committed.get(i).map(RunBaseline::extent).or_else(|| subject.stated_extent()) {
                let plan = (wanted.plan)(subject, extent).or_exit(ExitCode::Preflight)?;
                estimates.push(run.estimate(subject, &plan, |render| (wanted.times)(i, render)));
            }
        }
        let estimate = estimates.into_iter().sum::<Estimate>();
        run.budget.allow(&estimate, "the planned renders").or_exit(ExitCode::Preflight)?;

        let pack = async {
            let (mut places, mut committed) = (Vec::new(), committed.into_iter());
            for subject in subjects {
                let packed = Packed::of(run, subject).await?;
                let reference = match committed.next() {
                    Some(committed) => committed.with_rendered(run, subject, &packed, &media).await?,
                    None => run.stage("reference", RunBaseline::in_process(run, subject, &packed)).await?,
                };
                let Packed { project, tar_gz } = packed;
                let plan = (wanted.plan)(subject, reference.extent()).or_exit(ExitCode::Preflight)?;
                places.push((Place { subject, project, reference, plan }, tar_gz));
            }
            Ok((places, meanwhile.await?))
        };
        // The frames of --exact are not encoded.
        let has_alpha = !wanted.exact && subjects.iter().any(|subject| subject.fixture.meta.format.has_alpha());
        let (built, packed) = tokio::join!(run.build(&tools, wanted.chunks_at_once, has_alpha), pack);
        built?;
        let (packed, also) = packed?;
        let stack = run.deploy().await?;
        let mut places: Vec<Place<'_>> = Vec::new();
        for (place, tar_gz) in packed {
            run.upload(&stack, place.subject, tar_gz).await?;
            places.push(place);
        }
        run.phase(Some("Renders"));
        let times = places.iter().enumerate().flat_map(|(i, place)| {
            let times = &wanted.times;
            place.plan.renders.iter().map(move |render| times(i, render.id))
        });
        run.session.console.expect_renders(times.sum());
        Ok((Self { stack, media, places }, also))
    }
}
