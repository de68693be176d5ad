//! The work of a run, from its target to its verdict.

use std::path::Path;

use anyhow::Context;

use super::{deploy, expected, protocols, render, run::Run};
use crate::{
    aws::{Target, objects},
    connect::{self, Connection},
    exit::{ExitCode, Failure, OrExit},
    fixture::tar_gz,
    handler::{self, BuildTools, HandlerZip},
    measure::{probe::MediaShape, verdict::Verdict},
    media::Media,
    plan::PlanProtocols,
    preflight::{self, Purpose, Tools},
    repo::Layout,
};

/// All stages up to the verdict. What fails says with which exit code.
pub(super) async fn work(run: &Run) -> Result<Verdict, Failure> {
    let target = run.stage("target", reach_target(run)).await?;
    let (media, baseline, tools, packed) = run.stage("preflight", preflight(run, target)).await?;
    let (settings, renders) = run.prepared.renders(&baseline).or_exit(ExitCode::Preflight)?;

    let template = run.prepared.repo.template();
    let deployed = async {
        let (zip, valid, unused) = tokio::join!(
            run.stage("build", build(run, &tools)),
            run.stage("validate", run.sam().validate(&template)),
            run.stage("names", deploy::prove_unused(run)),
        );
        unused?;
        let zip = zip?;
        valid.context("the template is not valid").or_exit(ExitCode::Deploy)?;
        run.step("build", &describe(&zip, run.prepared.options.skip_build));
        run.record.borrow_mut().handler = Some(zip);
        run.stage("deploy", deploy::deploy(run)).await
    };
    let stack = deployed.await?;

    let project_key = format!("projects/{}.tar.gz", run.prepared.fixture.name);
    run.stage("upload", objects::upload(&run.connection().clients, &stack.bucket, &project_key, packed))
        .await
        .or_exit(ExitCode::Render)?;
    for planned in &renders {
        let one = render::Render {
            run,
            stack: &stack,
            media: &media,
            baseline: &baseline,
            settings: &settings,
            project_key: &project_key,
        };
        run.stage(&format!("render {}", planned.id), one.run(planned)).await?;
    }
    if run.prepared.options.plan_protocols == Some(PlanProtocols::Both) {
        run.stage("compare", protocols::compare(run, &media)).await?;
    }
    let verdict = run.verdict();
    if run.prepared.options.update_expected {
        expected::update(run, &verdict)?;
    }
    Ok(verdict)
}

/// The target: for `--local` the tools and an emulator.
async fn reach_target(run: &Run) -> Result<Target, Failure> {
    let (target, embedded) =
        connect::prepare(&run.session, &run.prepared.options.target).await.or_exit(ExitCode::Preflight)?;
    *run.embedded.borrow_mut() = embedded;
    run.record.borrow_mut().target = Some(target.clone());
    Ok(target)
}

/// Credentials, tools and baseline, all problems at once.
async fn preflight(run: &Run, target: Target) -> Result<(Media, MediaShape, Tools, Vec<u8>), Failure> {
    let (session, options) = (&run.session, &run.prepared.options);
    let purpose = if options.skip_build { Purpose::Render } else { Purpose::BuildAndRender };
    let env = connect::tool_env(session, &target);
    let src = run.prepared.fixture.src();
    let (connection, tools, packed) = tokio::join!(
        connect::connect(session, target, &options.region),
        preflight::check(purpose, &env, &session.children),
        tokio::task::spawn_blocking(move || tar_gz(&src)),
    );
    let packed = packed.context("packing the composition").or_exit(ExitCode::Preflight)?;
    let (connection, tools) = all_or_problems(connection, tools)?;
    run.step("target", &connection.describe());
    run.artifacts.take().or_exit(ExitCode::Preflight)?;
    run.record.borrow_mut().tools = tools.versions.clone();
    run.record.borrow_mut().account = Some(connection.account.clone());
    let sam = connection.sam(session, tools.path("sam"), &run.artifacts.logs()).or_exit(ExitCode::Preflight)?;
    let _ = run.sam.set(sam);
    let _ = run.connection.set(connection);
    let media = Media {
        ffmpeg: tools.path("ffmpeg").to_owned(),
        ffprobe: tools.path("ffprobe").to_owned(),
        env: env.for_child(),
        children: session.children.clone(),
    };
    let packed = packed.or_exit(ExitCode::Preflight)?;
    let baseline = measurable(&media, &run.prepared.fixture.baseline()).await;
    let baseline = baseline.context("the baseline can't be measured").or_exit(ExitCode::Preflight)?;
    run.step(
        "preflight",
        &format!(
            "{} tools fit; baseline has {} frames, {}x{}, {} fps, {}",
            tools.versions.len(),
            baseline.frames,
            baseline.width,
            baseline.height,
            baseline.fps,
            if baseline.audio.is_empty() { "no sound" } else { "sound" }
        ),
    );
    Ok((media, baseline, tools, packed))
}

async fn measurable(media: &Media, baseline: &Path) -> anyhow::Result<MediaShape> {
    let shape = media.shape(baseline).await?;
    media.decodes(baseline, &shape).await?;
    Ok(shape)
}

/// Both, or a list of everything that is wrong with either.
fn all_or_problems(
    connection: anyhow::Result<Connection>,
    tools: Result<Tools, Vec<String>>,
) -> Result<(Connection, Tools), Failure> {
    let mut problems = Vec::new();
    let connection = connection.map_err(|error| problems.push(format!("{error:#}"))).ok();
    let tools = tools.map_err(|of_tools| problems.extend(of_tools)).ok();
    match (connection, tools) {
        (Some(connection), Some(tools)) => Ok((connection, tools)),
        _ if problems.len() == 1 => Err(Failure::preflight(&problems[0])),
        _ => Err(Failure::preflight(format!("pre-flight:\n  - {}", problems.join("\n  - ")))),
    }
}

async fn build(run: &Run, tools: &Tools) -> Result<HandlerZip, Failure> {
    let session = &run.session;
    if run.prepared.options.skip_build {
        return handler::existing(&run.prepared.repo).or_exit(ExitCode::Build);
    }
    // A checkout's ZIP brings its own.
    if run.prepared.repo.layout() == Layout::Own {
        session
            .toolbox
            .provide_media(&session.console, &session.children, &session.env)
            .await
            .or_exit(ExitCode::Build)?;
    }
    let build_tools = BuildTools {
        bun: tools.path("bun").to_owned(),
        zip: tools.path("zip").to_owned(),
        media: session.toolbox.media(),
    };
    let env = connect::tool_env(session, &run.connection().access.target);
    let logs = run.artifacts.logs();
    handler::build(&run.prepared.repo, &build_tools, &env, &session.children, &logs, &session.console)
        .await
        .or_exit(ExitCode::Build)
}

fn describe(zip: &HandlerZip, skipped: bool) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "handler ZIP {:.1} MiB, {:.1} MiB unzipped ({})",
        mib(zip.sizes.zipped),
        mib(zip.sizes.unzipped),
        match (skipped, zip.built) {
            (true, _) => "as found: --skip-build",
            (false, true) => "built",
            (false, false) => "unchanged",
        }
    )
}
