//! What comes first: the verdict, why, what was run, and what to know before reading on.

use maud::{Markup, html};

use super::{figures, words};
use crate::{
    artifacts::{Asked, NoteKind, RunRecord, TeardownRecord},
    aws::Target,
    story::RunReport,
    wording::counted,
};

/// The page's head.
pub(super) fn header(report: &RunReport) -> Markup {
    let (run, ending) = (&report.run, report.ending());
    html! {
        header {
            p.kicker { (run.command()) }
            h1 { (run.fixtures().join(", ")) }
            div.ending.(words::class(ending.word)) {
                (words::icon(ending.word))
                p { strong { (ending.word) } " " (ending.text) }
            }
            @if !ending.reasons.is_empty() {
                ul.reasons { @for reason in &ending.reasons { li { (reason) } } }
            }
            dl.facts { (facts(report)) }
            (notes(report, "Notes", NoteKind::Renders))
            (notes(report, "Before you compare figures", NoteKind::Caveat))
            (notes(report, "Missing from the artifact folder", NoteKind::Gap))
        }
    }
}

fn facts(report: &RunReport) -> Markup {
    let run = &report.run;
    html! {
        (fact("Target", &target(run)))
        (fact("Region", &run.region.to_string()))
        (fact("Stack", &run.stack.to_string()))
        (fact("Asked for", &asked(run)))
        (fact("Measured", &counted(report.renders.len(), "render")))
        (fact("Began", &figures::moment(&run.started_at)))
        (fact("Ended", &run.ended_at.as_deref().map_or("not yet, or killed".to_owned(), figures::moment)))
        (fact("Commit", &commit(run)))
        (fact("Cost of the measured renders", &report.total_usd().map_or("unknown".to_owned(), figures::usd)))
        (fact("Clean-up", &clean_up(run)))
    }
}

/// The commit's first 12 digits: enough to find it by.
fn commit(run: &RunRecord) -> String {
    match &run.git_commit {
        Some(commit) => {
            let (hash, dirty) =
                commit.strip_suffix("-dirty").map_or((commit.as_str(), ""), |hash| (hash, ", with changes"));
            format!("{}{dirty}", hash.chars().take(12).collect::<String>())
        }
        None => "unknown".to_owned(),
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn target(run: &RunRecord) -> String {
    match &run.target {
        Some(Target::Account { .. }) => {
            format!("AWS, account {}", run.account.as_deref().unwrap_or("unknown"))
        }
        Some(Target::Endpoint { url }) => format!("an emulator at {url}"),
        Some(Target::Embedded { .. }) => "the embedded AWS, on the machine of the run".to_owned(),
        None => "none was reached".to_owned(),
    }
}

fn asked(run: &RunRecord) -> String {
    let counts: Vec<String> = run.chunk_counts().iter().map(ToString::to_string).collect();
    let rounds = match &run.asked {
        Asked::Smoke { .. } => String::new(),
        Asked::Eval { iterations, warmup: 0, .. } => format!(", {}", counted(*iterations, "iteration")),
        Asked::Eval { iterations, warmup, .. } => {
            format!(", {} after {}", counted(*iterations, "iteration"), counted(*warmup, "warm-up"))
        }
    };
    format!("{} chunks{rounds}", counts.join(", "))
}

fn clean_up(run: &RunRecord) -> String {
    match &run.teardown {
        Some(TeardownRecord::Clean { resources_verified, .. }) => {
            format!("verified: {} gone", counted(*resources_verified, "resource"))
        }
        Some(TeardownRecord::Leaked { leaks, .. }) => format!("NOT CLEAN: {}", counted(leaks.len(), "resource")),
        Some(TeardownRecord::Kept { recovery }) => format!("the stack is kept, as asked for; {recovery} removes it"),
        Some(TeardownRecord::NothingCreated) => "nothing had been created".to_owned(),
        None => "not told".to_owned(),
    }
}

/// The notes of one kind, in a list that is folded up when it is long.
fn notes(report: &RunReport, title: &str, kind: NoteKind) -> Markup {
    let count = report.notes_of(kind).count();
    html! {
        @if count > 0 {
            details.told open[count <= 4] {
                summary { (title) " (" (count) ")" }
                ul { @for note in report.notes_of(kind) { li { (note) } } }
            }
        }
    }
}
