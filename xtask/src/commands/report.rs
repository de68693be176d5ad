//! `lambda-report`: regenerates a run's reports, and compares two runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};

use crate::{
    cli::small::ReportOptions,
    context::Session,
    exit::{ExitCode, Failure, OrExit},
    report::{
        RunReport, artifacts,
        compare::{
            SideBySide,
            regression::{Gate, Standing},
        },
        history, markdown,
    },
    tools::folder::Folder,
};

/// Regenerates a run's reports; with `--compare` they show how it differs from an earlier run.
///
/// # Errors
/// With exit code 1 when a folder is not a run's artifact folder, or the runs have nothing in
/// common; with 4 when this run did not measure a render that the limit applies to. A limit is exceeded, exit 5, by a run
/// that did not pass its own gates too.
pub fn run(session: &Session, args: &ReportOptions) -> Result<ExitCode, Failure> {
    let folder = match &args.artifacts {
        Some(folder) => folder.clone(),
        None => newest(session).or_exit(ExitCode::Preflight)?,
    };
    let mut report = artifacts::read(&folder).or_exit(ExitCode::Preflight)?;
    let compared = args.compare.as_deref().map(|before| compare(&report, &folder, before)).transpose()?;
    report.compared = match args.max_regression {
        Some(limit) => compared.map(|compared| compared.held_to(limit, &report)),
        None => compared,
    };
    let opened = Folder::open(&folder).or_exit(ExitCode::Preflight)?;
    markdown::publish(&opened, &report).or_exit(ExitCode::Preflight)?;
    session.console.result(&format!("regenerated the reports in {}", folder.display()));
    match &report.compared {
        None => Ok(ExitCode::Success),
        Some(compared) => conclude(session, compared),
    }
}

/// Shows a comparison, and gives the exit code that a limit makes of it.
pub(crate) fn conclude(session: &Session, compared: &SideBySide) -> Result<ExitCode, Failure> {
    markdown::append_step_summary(&session.env, &compared.markdown()).or_exit(ExitCode::Preflight)?;
    session.console.result(&format!("\n{compared}\n"));
    if compared.pairs.is_empty() {
        let message =
            "nothing was compared: the runs have no fixture with the same chunk count and plan protocol in common";
        return Err(Failure::preflight(message));
    }
    match &compared.gate {
        Some(gate) => code_of(session, compared, gate),
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
fn code_of(session: &Session, compared: &SideBySide, gate: &Gate) -> Result<ExitCode, Failure> {
    let Gate { standing, text, .. } = gate;
    let code = match standing {
        Standing::Unmeasured => return Err(Failure::new(ExitCode::Render, anyhow!("{text}"))),
        Standing::Failed => ExitCode::Quality,
        // Noise fails no gate.
        Standing::Passed | Standing::Undecided => ExitCode::Success,
    };
    let without_cost: Vec<&str> = compared.without_cost().collect();
    if !without_cost.is_empty() {
        let names = without_cost.join(", ");
        session.console.result(&format!("  the cost was not compared, because it is unknown: {names}"));
    }
    let exit = if code == ExitCode::Success { String::new() } else { format!(" (exit {})", code.status()) };
    session.console.result(&format!("{standing}  {text}{exit}"));
    Ok(code)
}
