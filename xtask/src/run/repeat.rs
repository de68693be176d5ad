//! `--rerun-failed`: what to render once more of an earlier run.

use anyhow::ensure;

use crate::{
    cli::run::RunOptions,
    context::Session,
    report::{Repeated, artifacts, history, run_record::RunRecord},
};

/// What did not pass or was not rendered in the run of `command` that the user names, and that run.
pub(crate) fn to_repeat(
    session: &Session,
    command: &str,
    which: &str,
    options: &RunOptions,
) -> anyhow::Result<(Vec<Repeated>, RunRecord)> {
    let folder = match &options.artifacts {
        Some(folder) => folder.clone(),
        None => session.repo()?.artifacts(command),
    };
    let entries = || history::all(&[folder]).0.into_iter().filter(|entry| entry.command == command).collect();
    let report = artifacts::read_results(&history::named(which, entries, None)?)?;
    let RunRecord { run_id, started_at, .. } = &report.run;
    let of = report.run.command();
    ensure!(of == command, "--rerun-failed: run {run_id} is one of {of}; name one of {command}");
    let renders = report.to_repeat();
    ensure!(!renders.is_empty(), "--rerun-failed: every render of run {run_id} of {started_at} passed");
    let name = |(fixture, memory_mb, count): &Repeated| {
        format!("{fixture} {}N={count}", memory_mb.map(|mb| format!("{mb} MB ")).unwrap_or_default())
    };
    let names = renders.iter().map(name).collect::<Vec<_>>().join(", ");
    session.console.note(&format!("repeating renders of run {run_id}, which started at {started_at}: {names}"));
    Ok((renders, report.run))
}
