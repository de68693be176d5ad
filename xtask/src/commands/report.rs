//! `lambda-report`: regenerates the reports of a run, and compares two runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    cli::small::ReportOptions,
    console::text::counted,
    context::Session,
    exit::{ExitCode, Failure, OrExit},
    report::{
        RunReport, Word, artifacts,
        compare::{SideBySide, regression::MaxRegression},
        history, markdown,
    },
    tools::folder::Folder,
};

/// Regenerates the reports of a run; with `--compare` they show how it differs from an earlier run.
///
/// # Errors
/// With exit code 1 when a folder is not the artifact folder of a run, or the runs have nothing in
/// common; with 4 when this run did not measure a render that the limit applies to. A limit is exceeded, exit 5, by a run
/// that did not pass its own gates too.
pub fn run(session: &Session, args: &ReportOptions) -> Result<ExitCode, Failure> {
    let folder = match &args.artifacts {
        Some(folder) => folder.clone(),
        None => newest(session).or_exit(ExitCode::Preflight)?,
    };
    let report = artifacts::read(&folder).or_exit(ExitCode::Preflight)?;
    let compared = args.compare.as_deref().map(|before| compare(&report, &folder, before)).transpose()?;
    let appended = compared.as_ref().map(SideBySide::markdown).unwrap_or_default();
    let opened = Folder::open(&folder).or_exit(ExitCode::Preflight)?;
    markdown::publish(&opened, &report, &appended).or_exit(ExitCode::Preflight)?;
    if !appended.is_empty() {
        markdown::append_step_summary(&session.env, &appended).or_exit(ExitCode::Preflight)?;
    }
    session.console.result(&format!("regenerated the reports in {}", folder.display()));
    let Some(compared) = compared else { return Ok(ExitCode::Success) };
    session.console.result(&format!("\n{compared}\n"));
    if compared.pairs.is_empty() {
        let message =
            "nothing was compared: the runs have no fixture with the same chunk count and plan protocol in common";
        return Err(Failure::preflight(message));
    }
    match args.max_regression {
        Some(limit) => gate(session, &report, &compared, limit),
        None => Ok(ExitCode::Success),
    }
}

/// The artifact folder of the repository's newest run.
fn newest(session: &Session) -> anyhow::Result<PathBuf> {
    let repo = session.repo()?;
    let written =
        |folder: &PathBuf| fs::metadata(folder.join(artifacts::RUN_JSON)).and_then(|file| file.modified()).ok();
    let folders = ["lambda-smoke", "lambda-eval"].map(|command| repo.artifacts(command));
    let found = folders.into_iter().filter_map(|folder| Some((written(&folder)?, folder))).max();
    let (_, folder) = found.with_context(|| {
        format!("there is no run in {} yet; name its artifact folder", repo.artifacts("lambda-smoke").display())
    })?;
    Ok(folder)
}

fn compare(report: &RunReport, folder: &Path, before: &str) -> Result<SideBySide, Failure> {
    // A run that was moved aside is in the folder of the newest one.
    let parent = folder.parent().filter(|parent| parent.ends_with(artifacts::RUNS)).and_then(Path::parent);
    let entries = || history::all(&[parent.unwrap_or(folder).to_owned()]).0;
    let before = history::named(before, entries, Some(&report.run.run_id)).or_exit(ExitCode::Preflight)?;
    let other = artifacts::read(&before).or_exit(ExitCode::Preflight)?;
    if other.run.run_id == report.run.run_id {
        let run = report.run.run_id.as_str();
        return Err(Failure::preflight(format!(
            "--compare: {} is of run {run} too; name an earlier run",
            before.display()
        )));
    }
    Ok(SideBySide::of(report, &other))
}

/// A render that was not measured can't pass as not slower.
fn gate(
    session: &Session,
    report: &RunReport,
    compared: &SideBySide,
    limit: MaxRegression,
) -> Result<ExitCode, Failure> {
    if let Some(unmeasured) = report.unmeasured.first() {
        let (count, first) = (report.unmeasured.len(), &unmeasured.label);
        let error = anyhow::anyhow!(
            "renders that were not measured in this run: {count} ({first}: {}); they can't be compared with the earlier \
             run; repeat this run",
            unmeasured.cause
        );
        return Err(Failure::new(ExitCode::Render, error));
    }
    let regressions = compared.regressions(limit);
    for regression in &regressions {
        session.console.result(&format!("  {regression}"));
    }
    let without_cost: Vec<&str> = compared.without_cost().collect();
    if !without_cost.is_empty() {
        session.console.result(&format!(
            "  only the wall-clock was compared, because a cost is unknown: {}",
            without_cost.join(", ")
        ));
    }
    let (pairs, code) = (compared.pairs.len(), ExitCode::Quality.status());
    let ending = report.ending();
    Ok(match regressions.len() {
        0 if ending.word != Word::Pass => {
            let line = format!(
                "FAIL  none is slower, and the run itself did not pass: {} {} (exit {code})",
                ending.word, ending.text
            );
            session.console.result(&line);
            ExitCode::Quality
        }
        0 => {
            session.console.result(&format!("PASS  none of {pairs} is more than {limit} slower or more expensive"));
            ExitCode::Success
        }
        count => {
            let (found, all) = (counted(count, "regression"), counted(pairs, "comparison"));
            session.console.result(&format!("FAIL  {found} of more than {limit} in {all} (exit {code})"));
            ExitCode::Quality
        }
    })
}
