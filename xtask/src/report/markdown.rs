//! report.md, for pull requests, and the writing of all report files.
//!
//! The texts are pure; [`publish`] and [`append_step_summary`] write them.

use std::{fs, io::Write};

use anyhow::Context;

use crate::{
    cli::eval::Prepares,
    console::text::{counted, harmless, visible},
    report::{
        RunReport, Unmeasured,
        columns::{CASES, FIXTURE, RENDERS, Table},
        compare::SideBySide,
        junit::junit,
        notes::{Note, NoteKind},
        page::{frames::Pictures, page},
        run_record::{Asked, RunRecord, StageTiming, TeardownRecord},
        tables::{self, columns_of, plain},
    },
    tools::{env::Env, folder::Folder},
};

/// The report for people, as GitHub shows it.
pub const MARKDOWN: &str = "report.md";

/// The report for a browser.
pub const PAGE: &str = "report.html";

/// The report for CI.
pub const JUNIT: &str = "junit.xml";

/// The variable that contains the path of a GitHub step's summary.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Writes all reports to the artifact folder of their run. Returns the text of report.md.
///
/// # Errors
/// When a report can't be written.
pub fn publish(folder: &Folder, report: &RunReport) -> anyhow::Result<String> {
    let text = markdown(report);
    folder.write(MARKDOWN, harmless(&text).as_bytes())?;
    folder.write(JUNIT, visible(&junit(report)).as_bytes())?;
    folder.write(PAGE, visible(&page(report, &Pictures::read(folder, &report.renders))).as_bytes())?;
    Ok(text)
}

/// Appends Markdown to the summary of the GitHub step, if the process runs in one.
///
/// # Errors
/// When the summary can't be written.
pub fn append_step_summary(env: &Env, text: &str) -> anyhow::Result<()> {
    let Some(file) = env.path(STEP_SUMMARY) else { return Ok(()) };
    let append = || {
        let mut summary = fs::OpenOptions::new().append(true).create(true).open(&file)?;
        writeln!(summary, "{}", harmless(text))
    };
    append().with_context(|| format!("{STEP_SUMMARY} {}", file.display()))
}

/// The report in GitHub's Markdown.
pub fn markdown(report: &RunReport) -> String {
    let sections = [
        title(report),
        reasons(report),
        report.run.emulated().map(|text| format!("> **NOTE** {}.", plain(text))).unwrap_or_default(),
        match report.run.is_eval() {
            true => {
                tables::markdown(&report.cases.iter().collect::<Vec<_>>(), &columns_of(CASES, Table::Markdown), &[])
            }
            false => renders(report),
        },
        semantic(report),
        tuning(report),
        recommendation(report),
        notes(report),
        details(report),
        report.compared.as_ref().map(SideBySide::markdown).unwrap_or_default().trim_end().to_owned(),
    ];
    let sections: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    sections.join("\n\n") + "\n"
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
        Some(TeardownRecord::Kept { .. }) => {
            format!("; stack {} is kept because of {}", plain(report.run.stack.as_str()), report.run.keeps_by())
        }
        Some(TeardownRecord::Leaked { leaks, .. }) => {
            format!("; {} leaked or not proved to be gone", counted(leaks.len(), "resource"))
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
    let mut shown = columns_of(RENDERS, Table::Markdown);
    if !report.run.names_fixtures() {
        shown.retain(|column| column.title != FIXTURE);
    }
    let unmeasured = |missing: &Unmeasured| {
        let mut cells = vec!["-".to_owned(); shown.len()];
        let key = &missing.key;
        cells[0] = plain(&report.fixture_of(key));
        let iteration = key.iteration.map(|nth| format!(" #{nth}")).unwrap_or_default();
        cells[usize::from(report.run.names_fixtures())] = format!("{}{iteration}", key.id.chunks());
        cells[shown.len() - 1] = format!("**{}**", missing.state());
        cells
    };
    let further: Vec<Vec<String>> = report.unmeasured.iter().map(unmeasured).collect();
    tables::markdown(&report.renders.iter().map(|render| &render.row).collect::<Vec<_>>(), &shown, &further)
}

fn semantic(report: &RunReport) -> String {
    let lines = report.semantic.iter().map(|compared| {
        let how = match (compared.mismatches.as_slice(), compared.encoded_sha_equal) {
            ([], true) => "the same bytes".to_owned(),
            ([], false) => "the same video, encoded differently".to_owned(),
            (mismatches, _) => plain(&mismatches.join("; ")),
        };
        let fixture = compared.fixture.as_ref().map(|fixture| format!("{} ", plain(fixture))).unwrap_or_default();
        format!("{fixture}N={}: {how}", compared.chunk_count)
    });
    list("### Plan protocols v1 and v2", lines)
}

fn tuning(report: &RunReport) -> String {
    let lines = report.tuning.iter().flat_map(|(fixture, tuning)| {
        tuning.to_string().lines().map(|line| plain(&format!("{fixture}: {line}"))).collect::<Vec<_>>()
    });
    list("### Recommended memory and chunk counts", lines)
}

fn recommendation(report: &RunReport) -> String {
    let lines = report.scaling.iter().map(|(fixture, scaling)| match scaling {
        Ok(scaling) => {
            let chosen = &scaling.recommendation;
            format!(
                "{}: fastest: {}; cheapest within 10 % of it: {} ({})",
                plain(fixture),
                chosen.fastest,
                chosen.cheapest_near_fastest,
                chosen.among
            )
        }
        Err(reason) => format!("{}: no model, because {}", plain(fixture), plain(reason)),
    });
    list("### Recommended chunk counts", lines)
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

/// The command, versions and target that the figures come from, collapsed.
fn details(report: &RunReport) -> String {
    let run = &report.run;
    let mut lines = vec![
        ("command", format!("cargo xtask {} {}", run.command(), requested(run))),
        ("target", format!("{}, {}", run.target_name(), run.region)),
        ("began", run.started_at.clone()),
        ("ended", run.ended_at.clone().unwrap_or_else(|| "not yet, or the run was killed".to_owned())),
        ("run", format!("{}, stack {}", run.run_id.as_str(), run.stack.as_str())),
        ("commit", run.git_commit.clone().unwrap_or_else(|| "unknown".to_owned())),
    ];
    lines.extend(report.toolchains().into_iter().map(|text| ("rendered by", text)));
    if let Some(zip) = &run.handler {
        let short: String = zip.sha256.chars().take(12).collect();
        let version = zip.version.as_ref().map(|version| format!("{version}, ")).unwrap_or_default();
        let (zipped, unzipped) = (zip.sizes.zipped, zip.sizes.unzipped);
        lines.push(("handler ZIP", format!("{version}{short}, {zipped} bytes, {unzipped} unzipped")));
    }
    lines.extend(run.tools.iter().map(|(tool, version)| (tool.as_str(), version.clone())));
    if let Some(usd) = report.total_usd() {
        lines.push((
            "cost",
            format!("{usd:.5} USD for all measured executions, with the prices of {}", run.prices.as_of),
        ));
        lines.push(("not included", "S3, logs, data transfer, warm-ups and the free tier".to_owned()));
    }
    lines.push(("longest stages", longest(&run.stages)));
    let lines: Vec<String> = lines.iter().map(|(what, text)| format!("- {what}: {}", plain(text))).collect();
    format!("<details>\n<summary>Details of the run</summary>\n\n{}\n\n</details>", lines.join("\n"))
}

fn requested(run: &RunRecord) -> String {
    let counts = run.chunk_counts().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match &run.asked {
        Asked::Smoke { .. } => {
            let several = if run.names_fixtures() { "fixtures" } else { "fixture" };
            format!("({several} {}, chunk counts {counts})", run.fixtures().join(","))
        }
        Asked::Eval { chunk_size, iterations, warmup, prepares, local_leg, .. } => format!(
            "(fixtures {}, chunk counts {counts}{}{}, {}, {}{}, {} local leg)",
            run.fixtures().join(","),
            match run.memories() {
                [] => String::new(),
                sizes => format!(", memory {} MB", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
            },
            chunk_size.map_or_else(String::new, |size| format!(", {} frames per chunk", size.get())),
            counted(*iterations, "iteration"),
            counted(*warmup, "warm-up"),
            prepares.map_or("", Prepares::text),
            if *local_leg { "with" } else { "without" }
        ),
    }
}

fn longest(stages: &[StageTiming]) -> String {
    let mut stages: Vec<&StageTiming> = stages.iter().collect();
    stages.sort_by_key(|stage| std::cmp::Reverse(stage.ms));
    let longest = stages.iter().take(3).map(|stage| format!("{} {:.1} s", stage.stage, stage.ms as f64 / 1000.0));
    longest.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
