//! The top of the page: the verdict with its reasons, what was run, and the notes.

use std::fmt::Display;

use maud::{Markup, html};
use render_verdict::verdict::listed;

use crate::{
    cli::eval::Prepares,
    console::text::counted,
    report::{
        RunReport, Word,
        notes::NoteKind,
        page::{class, fact, icon, moment, usd},
        run_record::{Asked, RunRecord, TeardownRecord},
    },
};

/// How many reasons for a verdict are shown at once.
const REASONS: usize = 6;

/// The verdict, its reasons, what was run, and the notes.
pub(super) fn header(report: &RunReport) -> Markup {
    let (run, ending) = (&report.run, report.ending());
    html! {
        header {
            p.kicker { (run.command()) }
            h1 { (listed(&run.fixtures())) }
            (outcome(ending.word, &ending.text, &ending.reasons))
            @if let Some(text) = report.run.emulated() { p { strong { "Note" } " " (text) "." } }
            dl.facts { (facts(report)) }
            (notes(report, "Notes", NoteKind::Renders))
            (notes(report, "Before you compare figures", NoteKind::Caveat))
            (notes(report, "Missing from the artifact folder", NoteKind::Gap))
        }
    }
}

/// How it ended, and the reasons.
pub(super) fn outcome(word: Word, text: &str, reasons: &[impl Display]) -> Markup {
    html! {
        div.ending.(class(word)) {
            (icon(word))
            p { strong { (word) } " " (text) }
        }
        @let (first, others) = reasons.split_at(reasons.len().min(REASONS));
        @if !first.is_empty() {
            div.reasons {
                ul { @for reason in first { li { (reason.to_string()) } } }
                @if !others.is_empty() {
                    details {
                        summary { (others.len()) " more" }
                        ul { @for reason in others { li { (reason.to_string()) } } }
                    }
                }
            }
        }
    }
}

fn facts(report: &RunReport) -> Markup {
    let run = &report.run;
    html! {
        (fact("Target", &run.target_name()))
        (fact("Region", &run.region.to_string()))
        (fact("Stack", &run.stack.to_string()))
        @if let Some(owner) = &run.reuses { (fact("Reuses the stack of run", owner.as_str())) }
        (fact("Requested", &requested(run)))
        @if let Some(side) = &run.side { (fact("Side of the comparison", side)) }
        @if let Some(earlier) = &run.repeats { (fact("Repeats what did not pass in", earlier.as_str())) }
        (fact("Measured", &counted(report.renders.len(), "render")))
        (fact("Began", &moment(&run.started_at)))
        (fact("Ended", &run.ended_at.as_deref().map_or("not yet, or the run was killed".to_owned(), moment)))
        (fact("Commit", &commit(run)))
        (fact("Cost of the measured renders", &report.total_usd().map_or("unknown".to_owned(), usd)))
        (fact("Clean-up", &clean_up(run)))
    }
}

/// The first 12 digits of the commit, which identify it.
fn commit(run: &RunRecord) -> String {
    match &run.git_commit {
        Some(commit) => {
            let (hash, state) = match commit.split_once('-') {
                Some((hash, "dirty")) => (hash, ", with changes"),
                Some((hash, _)) => (hash, ", not checked for changes"),
                None => (commit.as_str(), ""),
            };
            format!("{}{state}", hash.chars().take(12).collect::<String>())
        }
        None => "unknown".to_owned(),
    }
}

fn requested(run: &RunRecord) -> String {
    let counts: Vec<String> = run.chunk_counts().iter().map(ToString::to_string).collect();
    let rounds = match &run.asked {
        Asked::Smoke { .. } => String::new(),
        Asked::Eval { iterations, warmup, prepares, .. } => {
            let after = if *warmup == 0 { String::new() } else { format!(" after {}", counted(*warmup, "warm-up")) };
            format!(", {}{after}{}", counted(*iterations, "iteration"), prepares.map_or("", Prepares::text))
        }
    };
    let memory = match run.memories() {
        [] => String::new(),
        sizes => format!(" with {} MB", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    format!("{} chunks{memory}{rounds}", counts.join(", "))
}

fn clean_up(run: &RunRecord) -> String {
    match &run.teardown {
        Some(TeardownRecord::Clean { resources_verified, .. }) => {
            format!("verified: {} gone", counted(*resources_verified, "resource"))
        }
        Some(TeardownRecord::Leaked { leaks, .. }) => format!("NOT CLEAN: {} left", counted(leaks.len(), "resource")),
        Some(TeardownRecord::Kept { recovery }) => {
            format!("the stack is kept because of {}; {recovery} removes it", run.keeps_by())
        }
        Some(TeardownRecord::NothingCreated) => "nothing was created".to_owned(),
        None => "unknown".to_owned(),
    }
}

/// The notes of one kind, in a list that is collapsed when it is long.
fn notes(report: &RunReport, title: &str, kind: NoteKind) -> Markup {
    let count = report.notes_of(kind).count();
    html! {
        @if count > 0 {
            details.notes open[count <= 4] {
                summary { (title) " (" (count) ")" }
                ul { @for note in report.notes_of(kind) { li { (note) } } }
            }
        }
    }
}
