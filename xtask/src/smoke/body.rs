//! The work of a run, from its target to its verdict.

use anyhow::Context;

use super::{deploy, expected, protocols, reference::Reference, render, run::Run};
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
    // A count that can't be rendered is told before anything is built, where the length is known.
    if let Some(extent) = baseline.as_ref().map(Reference::extent).or_else(|| run.prepared.told_extent()) {
        run.prepared.renders(extent).or_exit(ExitCode::Preflight)?;
    }

    let template = run.prepared.repo.template();
    let (zip, valid, unused, reference) = tokio::join!(
        run.stage("build", build(run, &tools)),
        run.stage("validate", run.sam().validate(&template)),
        run.stage("names", deploy::prove_unused(run)),
        async {
            match baseline {
                Some(baseline) => Ok(baseline),
                None => run.stage("reference", Reference::frames(run)).await,
            }
        },
    );
    unused?;
    let zip = zip?;
    valid.context("the template is not valid").or_exit(ExitCode::Deploy)?;
    let reference = reference?;
    let (settings, renders) = run.prepared.renders(reference.extent()).or_exit(ExitCode::Preflight)?;
    run.step("build", &describe(&zip, run.prepared.options.skip_build));
    run.record.borrow_mut().handler = Some(zip);
    let stack = run.stage("deploy", deploy::deploy(run)).await?;

    let project_key = format!("projects/{}.tar.gz", run.prepared.fixture.name);
    run.stage("upload", objects::upload(&run.connection().clients, &stack.bucket, &project_key, packed))
        .await
        .or_exit(ExitCode::Render)?;
    for planned in &renders {
        let one = render::Render {
            run,
            stack: &stack,
            media: &media,
            reference: &reference,
            settings: &settings,
            project_key: &project_key,
        };
        run.stage(&format!("render {}", planned.id), one.run(planned)).await?;
    }
    // Frames that are identical to the in-process ones are so to each other.
    if run.prepared.options.plan_protocols == Some(PlanProtocols::Both) && !run.prepared.options.exact {
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
async fn preflight(run: &Run, target: Target) -> Result<(Media, Option<Reference>, Tools, Vec<u8>), Failure> {
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
    let media = Media::new(&tools, &env, &session.children);
    let packed = packed.or_exit(ExitCode::Preflight)?;
    let fitting = format!("{} tools fit", tools.versions.len());
    if run.prepared.options.exact {
        run.step("preflight", &fitting);
        return Ok((media, None, tools, packed));
    }
    let baseline = Reference::baseline(run, &media).await?;
    if let Reference::Baseline(shape) = &baseline {
        let sound = if shape.audio.is_empty() { "no sound" } else { "sound" };
        let MediaShape { frames, width, height, fps, .. } = &**shape;
        let told = format!("{fitting}; baseline has {frames} frames, {width}x{height}, {fps} fps, {sound}");
        run.step("preflight", &told);
    }
    Ok((media, Some(baseline), tools, packed))
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
