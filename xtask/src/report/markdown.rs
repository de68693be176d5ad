//! The reports that are made of a run's report, for pull requests and for CI.
//!
//! What they say is pure; [`publish`] and [`append_step_summary`] write it.

use std::{fs, io::Write, path::Path};

use anyhow::Context;

use crate::{
    aws::access::Target,
    console::text::counted,
    report::{
        RunReport, Unmeasured,
        artifacts::write_whole,
        columns::{CASES, RENDERS, Table},
        junit::junit,
        page::{frames::Pictures, page},
        run_record::{Asked, Note, NoteKind, RunRecord, StageTiming, TeardownRecord},
        tables::{self, columns_of, plain},
    },
    tools::env::Env,
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

// report.md: what one pastes into a pull request. Pure.

/// The report in GitHub's Markdown.
pub fn markdown(report: &RunReport) -> String {
    let sections = [
        title(report),
        reasons(report),
        match report.run.is_eval() {
            true => {
                tables::markdown(&report.cases.iter().collect::<Vec<_>>(), &columns_of(CASES, Table::Markdown), &[])
            }
            false => renders(report),
        },
        semantic(report),
        recommendation(report),
        notes(report),
        how_made(report),
    ];
    let told: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    told.join("\n\n") + "\n"
}

fn title(report: &RunReport) -> String {
    let ending = report.ending();
    let fixtures = report.run.fixtures().iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    let (word, text, command) = (ending.word, plain(&ending.text), report.run.command());
    format!("## {command}: {fixtures}\n\n**{word}** {text}{}", clean_up(report))
}

fn clean_up(report: &RunReport) -> String {
    match &report.run.teardown {
        Some(TeardownRecord::Clean { resources_verified, .. }) => {
            format!("; clean-up verified, {} gone", counted(resources_verified, "resource"))
        }
        Some(TeardownRecord::Kept { .. }) => format!("; stack {} is kept", plain(report.run.stack.as_str())),
        Some(TeardownRecord::Leaked { leaks, .. }) => {
            format!("; {} leaked or not proved gone", counted(leaks.len(), "resource"))
        }
        Some(TeardownRecord::NothingCreated) => "; nothing was created".to_owned(),
        None => String::new(),
    }
}

fn reasons(report: &RunReport) -> String {
    list("", report.ending().reasons.iter().map(|reason| plain(reason)))
}

/// A line for each render, measured or not.
fn renders(report: &RunReport) -> String {
    let shown = columns_of(RENDERS, Table::Markdown);
    let unmeasured = |missing: &Unmeasured| {
        let mut cells = vec!["-".to_owned(); shown.len()];
        cells[0] = plain(&missing.label.replace("N=", ""));
        cells[shown.len() - 1] = "**not measured**".to_owned();
        cells
    };
    let further: Vec<Vec<String>> = report.unmeasured.iter().map(unmeasured).collect();
    tables::markdown(&report.renders.iter().map(|render| &render.row).collect::<Vec<_>>(), &shown, &further)
}

fn semantic(report: &RunReport) -> String {
    let told = report.semantic.iter().map(|compared| {
        let how = match (compared.mismatches.as_slice(), compared.encoded_sha_equal) {
            ([], true) => "the same bytes".to_owned(),
            ([], false) => "the same video, encoded in other bytes".to_owned(),
            (mismatches, _) => plain(&mismatches.join("; ")),
        };
        format!("N={}: {how}", compared.chunk_count)
    });
    list("### Plan protocols v1 and v2", told)
}

fn recommendation(report: &RunReport) -> String {
    let told = report.scaling.iter().map(|(fixture, scaling)| match scaling {
        Ok(scaling) => {
            let chosen = &scaling.recommendation;
            format!(
                "{}: fastest {}; cheapest within 10 % of it {} ({})",
                plain(fixture),
                chosen.fastest,
                chosen.cheapest_near_fastest,
                chosen.among
            )
        }
        Err(reason) => format!("{}: no model, as {}", plain(fixture), plain(reason)),
    });
    list("### Recommended chunk counts", told)
}

fn notes(report: &RunReport) -> String {
    let line = |note: &Note| match note.kind {
        NoteKind::Gap => plain(&format!("gap: {note}")),
        NoteKind::Renders | NoteKind::Caveat => plain(&note.to_string()),
    };
    list("### Notes", report.notes.iter().map(line))
}

/// A heading and a bullet for each item; nothing without items.
pub(crate) fn list(heading: &str, items: impl Iterator<Item = String>) -> String {
    let bullets: Vec<String> = items.map(|item| format!("- {item}")).collect();
    match (bullets.is_empty(), heading) {
        (true, _) => String::new(),
        (false, "") => bullets.join("\n"),
        (false, heading) => format!("{heading}\n\n{}", bullets.join("\n")),
    }
}

// By what command, versions and target a report's figures came about. Pure.

/// Folded away, as only those want it who doubt the figures.
pub(crate) fn how_made(report: &RunReport) -> String {
    let run = &report.run;
    let mut lines = vec![
        ("command", format!("cargo xtask {} {}", run.command(), asked_for(run))),
        ("target", target(run)),
        ("began", run.started_at.clone()),
        ("ended", run.ended_at.clone().unwrap_or_else(|| "never, or not yet".to_owned())),
        ("run", format!("{}, stack {}", run.run_id.as_str(), run.stack.as_str())),
        ("commit", run.git_commit.clone().unwrap_or_else(|| "not known".to_owned())),
    ];
    lines.extend(rendered_by(report).map(|text| ("rendered by", text)));
    if let Some(zip) = &run.handler {
        let short: String = zip.sha256.chars().take(12).collect();
        lines.push(("handler ZIP", format!("{short}, {} bytes, {} unzipped", zip.sizes.zipped, zip.sizes.unzipped)));
    }
    lines.extend(run.tools.iter().map(|(tool, version)| (tool.as_str(), version.clone())));
    if let Some(usd) = report.total_usd() {
        lines.push(("cost", format!("{usd:.5} USD of all measured executions, by the prices of {}", run.prices.as_of)));
        lines.push(("not in it", "S3, logs, data transfer, warm-ups and the free tier".to_owned()));
    }
    lines.push(("longest stages", longest(&run.stages)));
    let told: Vec<String> = lines.iter().map(|(what, text)| format!("- {what}: {}", plain(text))).collect();
    format!("<details>\n<summary>How this was made</summary>\n\n{}\n\n</details>", told.join("\n"))
}

fn asked_for(run: &RunRecord) -> String {
    let counts = run.chunk_counts().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match &run.asked {
        Asked::Smoke { fixture, .. } => format!("(fixture {fixture}, chunk counts {counts})"),
        Asked::Eval { chunk_size, iterations, warmup, local_leg, .. } => format!(
            "(fixtures {}, chunk counts {counts}{}, {}, {}, {} local leg)",
            run.fixtures().join(","),
            chunk_size.map_or_else(String::new, |size| format!(", {} frames a chunk", size.get())),
            counted(*iterations, "iteration"),
            counted(*warmup, "warm-up"),
            if *local_leg { "with" } else { "without" }
        ),
    }
}

fn target(run: &RunRecord) -> String {
    let region = run.region.as_str();
    match (&run.target, &run.account) {
        (Some(Target::Account { .. }), Some(account)) => format!("AWS account {account}, {region}"),
        (Some(Target::Account { .. }), None) => format!("AWS, {region}"),
        (Some(Target::Endpoint { url }), _) => format!("emulator at {url}, {region}"),
        (Some(Target::Embedded { .. }), _) => format!("embedded AWS on the machine of the run, {region}"),
        (None, _) => "none was reached".to_owned(),
    }
}

/// Each toolchain of the renders once.
fn rendered_by(report: &RunReport) -> impl Iterator<Item = String> {
    let mut found: Vec<String> = Vec::new();
    for render in &report.renders {
        let toolchain = &render.row.toolchain;
        let parts =
            [("HyperFrames", &toolchain.producer), ("ffmpeg", &toolchain.ffmpeg), ("Chromium", &toolchain.chromium)];
        let known = parts.iter().filter_map(|(name, version)| Some(format!("{name} {}", version.as_ref()?)));
        let told = known.collect::<Vec<_>>().join(", ");
        if !told.is_empty() && !found.contains(&told) {
            found.push(told);
        }
    }
    found.into_iter()
}

fn longest(stages: &[StageTiming]) -> String {
    let mut stages: Vec<&StageTiming> = stages.iter().collect();
    stages.sort_by_key(|stage| std::cmp::Reverse(stage.ms));
    let told = stages.iter().take(3).map(|stage| format!("{} {:.1} s", stage.stage, stage.ms as f64 / 1000.0));
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
