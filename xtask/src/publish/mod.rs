//! The reports that are made of a run's report, for pull requests and for CI.
//!
//! What they say is pure; [`publish`] and [`append_step_summary`] write it.

mod how_made;
mod junit;
mod markdown;

use std::{fs, io::Write, path::Path};

use anyhow::Context;

pub use junit::junit;
pub(crate) use markdown::list;
pub use markdown::markdown;

use crate::{
    artifacts::write_whole,
    env::Env,
    report::{Pictures, page},
    story::RunReport,
};

/// The report for people, as GitHub shows it.
pub const MARKDOWN: &str = "report.md";

/// The report to look at.
pub const PAGE: &str = "report.html";

/// The report for CI.
pub const JUNIT: &str = "junit.xml";

/// The variable that names the file of a GitHub step's summary.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Makes every report of a run anew, in its artifact folder; `appended` is
/// Markdown that report.md ends with. Gives what report.md says.
///
/// # Errors
/// When a report can't be written.
pub fn publish(dir: &Path, report: &RunReport, appended: &str) -> anyhow::Result<String> {
    let text = [markdown(report), appended.to_owned()].join(if appended.is_empty() { "" } else { "\n" });
    write_whole(&dir.join(MARKDOWN), &text)?;
    write_whole(&dir.join(JUNIT), junit(report))?;
    write_whole(&dir.join(PAGE), page(report, &Pictures::read(dir, report)))?;
    Ok(text)
}

/// Appends Markdown to the summary of the GitHub step that this runs in, if it runs in one.
///
/// # Errors
/// When the summary can't be written.
pub fn append_step_summary(env: &Env, text: &str) -> anyhow::Result<()> {
    let Some(file) = env.get(STEP_SUMMARY) else { return Ok(()) };
    let append = || {
        let mut summary = fs::OpenOptions::new().append(true).create(true).open(file)?;
        writeln!(summary, "{text}")
    };
    append().with_context(|| format!("{STEP_SUMMARY} {file}"))
}

#[cfg(test)]
mod tests;
