//! Everything that measuring needs: a stack with all compositions, and the local renderer.

use std::{collections::HashMap, path::PathBuf};

use super::Eval;
use crate::{
    aws::objects,
    chunking::RenderId,
    cli::EvalOptions,
    connect,
    exit::{ExitCode, Failure, OrExit},
    in_process::LocalRenderer,
    media::Media,
    plan::{Extent, PlannedRender, RenderSettings, planned_renders},
    run::{DeployedStack, Packed, Ready, Reference, Run, Subject},
};

/// Where everything is measured.
pub(super) struct Bench {
    pub stack: DeployedStack,
    pub media: Media,
    /// `None` without a local leg.
    pub renderer: Option<LocalRenderer>,
    /// In the order of the subjects.
    pub places: Vec<Place>,
}

/// What one fixture's renders share.
pub(super) struct Place {
    /// The composition's folder, as staged.
    pub project: PathBuf,
    pub reference: Reference,
    pub settings: RenderSettings,
    pub renders: HashMap<RenderId, PlannedRender>,
}

impl Bench {
    /// Builds, packs, deploys once and uploads every composition once.
    pub(super) async fn set_up(eval: &Eval) -> Result<Self, Failure> {
        let run = &eval.run;
        let Ready { tools, media } = run.make_ready().await?;
        for subject in &eval.subjects {
            run.check_encoder(&subject.fixture).await?;
        }
        let references = run.stage("baselines", baselines(eval, &media)).await?;
        // A count that can't be rendered is told before anything is built.
        let mut planned = Vec::new();
        for (subject, reference) in eval.subjects.iter().zip(&references) {
            planned.push(plan(&eval.options, subject, reference.extent()).or_exit(ExitCode::Preflight)?);
        }
        let estimate = eval.estimate(&planned);
        run.budget.allow(&estimate, "the planned executions").or_exit(ExitCode::Preflight)?;
        let beside = run.stage("pack", async {
            let mut packed = Vec::new();
            for subject in &eval.subjects {
                packed.push(Packed::of(run, subject).await?);
            }
            Ok((packed, local_renderer(eval).await?))
        });
        let (stack, (packed, renderer)) = run.stand_up(&tools, eval.options.chunk_counts().at_once(1), beside).await?;
        eval.memory_mb.set(stack.function.map(|limits| limits.memory_mb));
        let mut places = Vec::new();
        for (((subject, packed), reference), (settings, renders)) in
            eval.subjects.iter().zip(packed).zip(references).zip(planned)
        {
            run.stage("upload", upload(run, &stack, subject, packed.tar_gz)).await?;
            places.push(Place { project: packed.project, reference, settings, renders });
        }
        Ok(Self { stack, media, renderer, places })
    }
}

async fn baselines(eval: &Eval, media: &Media) -> Result<Vec<Reference>, Failure> {
    let mut references = Vec::new();
    for subject in &eval.subjects {
        references.push(Reference::baseline(&eval.run, subject, media).await?);
    }
    Ok(references)
}

/// The executions of one fixture in a round, and what each is asked for.
///
/// # Errors
/// When a count asks for more frames a chunk than the handler takes.
pub(super) fn plan(options: &EvalOptions, subject: &Subject, reference: Extent) -> anyhow::Result<Planned> {
    let settings = subject.settings(reference, subject.fixture.meta.format);
    let (counts, protocols, own) = (&options.chunk_counts(), subject.plan.protocols(), subject.fixture.meta.chunk_size);
    let renders = planned_renders(counts, protocols, options.sizing(), own, settings.frames)?;
    Ok((settings, renders.into_iter().map(|render| (render.id, render)).collect()))
}

/// What a fixture's renders are asked for, and how each is split.
pub(super) type Planned = (RenderSettings, HashMap<RenderId, PlannedRender>);

async fn local_renderer(eval: &Eval) -> Result<Option<LocalRenderer>, Failure> {
    let Some(way) = eval.local_way.clone() else { return Ok(None) };
    let run = &eval.run;
    let env = connect::tool_env(&run.session, &run.connection().access.target);
    let log = run.artifacts.logs().join("in-process-packages.log");
    let renderer = LocalRenderer::prepare(&run.session, &run.repo, way, &env, &log).await;
    renderer.or_exit(ExitCode::Preflight).map(Some)
}

async fn upload(run: &Run, stack: &DeployedStack, subject: &Subject, tar_gz: Vec<u8>) -> Result<(), Failure> {
    let clients = &run.connection().clients;
    objects::upload(clients, &stack.bucket, &subject.project_key(), tar_gz).await.or_exit(ExitCode::Render)
}
