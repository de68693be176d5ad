//! `lambda-ab`: the same fixtures by two handlers, or by one with other settings, in turns.

use std::path::Path;

use anyhow::Context;
use execution_history::chunking::PlanProtocol;

use crate::{
    cli::{
        ab::{AbOptions, Side},
        eval::EvalOptions,
    },
    commands::report,
    context::Session,
    eval::{self, Eval},
    exit::{ExitCode, Failure, OrExit, Signals},
    project::{repo::Repo, revision},
    report::{RunReport, artifacts, compare::SideBySide, markdown},
    run,
    tools::folder::Folder,
};

/// The names of the sides, as their folders have them.
pub(crate) const SIDES: [&str; 2] = ["a", "b"];

/// The folder of artifacts is named after it.
pub(crate) const COMMAND: &str = "lambda-ab";

/// The comparison of both sides, next to their folders.
const COMPARISON: &str = "comparison.md";

/// Measures both sides, each as an eval on a stack of its own, compares them, and always cleans up.
///
/// # Errors
/// When a check fails before anything is created, and when B is worse than allowed.
pub async fn run(session: &Session, options: &AbOptions) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().or_exit(ExitCode::Preflight)?;
    let repo = session.repo().or_exit(ExitCode::Preflight)?;
    let folder = options.eval.run.artifacts.clone().unwrap_or_else(|| repo.artifacts(COMMAND));
    let mut measured: Vec<(String, EvalOptions)> = Vec::new();
    for (name, side) in SIDES.into_iter().zip([&options.a, &options.b]) {
        let resolved = resolved(session, &repo, side).await.with_context(|| format!("--{name} {side}"));
        let options = resolved.or_exit(ExitCode::Preflight)?.options(name, &options.eval, &folder);
        measured.push((format!("{}: {side}", name.to_uppercase()), options));
    }
    if options.eval.run.dry_run {
        for (side, options) in &measured {
            session.console.result(&format!("{side}\n"));
            eval::preview(session, options)?;
            session.console.result("");
        }
        return Ok(ExitCode::Success);
    }
    run::mention_unfinished(session);
    let mut evals = Vec::new();
    for (side, options) in &measured {
        let mut eval = Eval::prepare(session, options)?;
        eval.run.side = Some(if evals.is_empty() { "A" } else { "B" });
        eval.run.record.borrow_mut().side = Some(side.clone());
        evals.push(eval);
    }
    let codes = eval::with_cleanup(&evals, &mut signals).await;
    let folders = evals.iter().map(|eval| eval.run.artifacts.folder()).collect::<Vec<_>>();
    let compared = compare(session, options, &measured, (&folder, &folders));
    // What went wrong with the runs is the reason why there is nothing to compare.
    match codes.into_iter().find(|code| *code != ExitCode::Success) {
        Some(code) => Ok(code),
        None => compared,
    }
}

/// The side with the commit that a version or a revision is.
async fn resolved(session: &Session, repo: &Repo, side: &Side) -> anyhow::Result<Side> {
    let revision = match (&side.commit, &side.version) {
        (None, None) => return Ok(side.clone()),
        (None, Some(version)) if repo.handler_version().as_ref() == Some(version) => return Ok(side.clone()),
        (None, Some(version)) => format!("v{version}"),
        (Some(revision), _) => revision.clone(),
    };
    let commit = revision::resolved(repo, &revision, &session.runner).await;
    let commit = commit.with_context(|| match &side.version {
        None => "there is no such commit".to_owned(),
        Some(version) => format!(
            "version {version} is neither the one that {} pins, nor a tag of this repository, and what bun.lock has no \
             hash of is not installed; pin it there by `bun add --exact`, commit that, and name the commit, or name a \
             handler ZIP of that version",
            repo.handler_package().join("package.json").display()
        ),
    })?;
    let mut side = side.clone();
    side.commit = Some(commit);
    Ok(side)
}

/// Compares B with A where both measured something, and writes that to B's reports and next to both folders.
fn compare(
    session: &Session,
    options: &AbOptions,
    sides: &[(String, EvalOptions)],
    (folder, folders): (&Path, &[&Folder]),
) -> Result<ExitCode, Failure> {
    let read = |side: usize| artifacts::read(folders[side].path()).or_exit(ExitCode::Preflight);
    let (mut a, of_b) = (read(0)?, read(1)?);
    let mut b = of_b.clone();
    if a.renders.is_empty() || b.renders.is_empty() {
        return Ok(ExitCode::Success);
    }
    // The same renders, also where the sides differ in their protocol.
    for render in a.renders.iter_mut().chain(&mut b.renders) {
        render.row.id.protocol = PlanProtocol::V2;
    }
    let compared = SideBySide::of(&b, &a).of_sides(&sides[0].0, &sides[1].0);
    let compared = match options.max_regression {
        Some(limit) => compared.held_to(limit, &b),
        None => compared,
    };
    let top = Folder::create(folder).or_exit(ExitCode::Preflight)?;
    top.write(COMPARISON, compared.markdown()).or_exit(ExitCode::Preflight)?;
    if options.eval.run.artifacts.is_none() {
        // As in the folders of both sides.
        top.write(".gitignore", "*\n").or_exit(ExitCode::Preflight)?;
    }
    let of_b = RunReport { compared: Some(compared.clone()), ..of_b };
    markdown::publish(folders[1], &of_b).or_exit(ExitCode::Preflight)?;
    session.console.result(&format!("comparison: {}", folder.join(COMPARISON).display()));
    report::conclude(session, &compared)
}
