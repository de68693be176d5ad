//! What comes first: the verdict, why, what was run, and what to know before reading on.

use maud::{Markup, html};

use super::{figures, words};
use crate::{
    artifacts::TeardownRecord,
    aws::Target,
    story::{Note, RunFacts, Story},
    wording::counted,
};

/// The page's head.
pub(super) fn header(story: &Story) -> Markup {
    let (run, ending) = (&story.run, story.ending());
    html! {
        header {
            p.kicker { (run.command) }
            h1 { (run.fixtures().join(", ")) }
            div.ending.(words::class(ending.word)) {
                (words::icon(ending.word))
                p { strong { (ending.word) } " " (ending.text) }
            }
            @if !ending.reasons.is_empty() {
                ul.reasons { @for reason in &ending.reasons { li { (reason) } } }
            }
            dl.facts { (facts(story)) }
            (told("Before you compare figures", &story.caveats))
            (notes(&story.notes))
            (told("What the folder lacks", &story.gaps))
        }
    }
}

fn facts(story: &Story) -> Markup {
    let run = &story.run;
    html! {
        (fact("Target", &target(run)))
        (fact("Region", &run.region.to_string()))
        (fact("Stack", &run.stack.to_string()))
        (fact("Asked for", &asked(run)))
        (fact("Measured", &counted(story.renders.len(), "render")))
        (fact("Began", &figures::moment(&run.started_at)))
        (fact("Ended", &run.ended_at.as_deref().map_or("not yet, or killed".to_owned(), figures::moment)))
        (fact("Commit", &commit(run)))
        (fact("Cost of the measured renders", &story.total_usd().map_or("unknown".to_owned(), figures::usd)))
        (fact("Clean-up", &clean_up(run)))
    }
}

/// The commit's first 12 digits: enough to find it by.
fn commit(run: &RunFacts) -> String {
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

fn target(run: &RunFacts) -> String {
    match &run.target {
        Some(Target::Account { .. }) => {
            format!("AWS, account {}", run.account.as_deref().unwrap_or("unknown"))
        }
        Some(Target::Endpoint { url }) => format!("an emulator at {url}"),
        Some(Target::Embedded { .. }) => "the embedded AWS, on the machine of the run".to_owned(),
        None => "none was reached".to_owned(),
    }
}

fn asked(run: &RunFacts) -> String {
    let counts: Vec<String> = run.chunk_counts.iter().map(ToString::to_string).collect();
    let rounds = run.iterations.map(|rounds| format!(", {}", counted(u64::from(rounds), "iteration")));
    let warmups = run.warmup.filter(|rounds| *rounds > 0).map(|rounds| format!(" after {rounds} to warm up"));
    format!("{} chunks{}{}", counts.join(", "), rounds.unwrap_or_default(), warmups.unwrap_or_default())
}

fn clean_up(run: &RunFacts) -> String {
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

fn notes(notes: &[Note]) -> Markup {
    let line = |note: &Note| match note.of_all {
        true => note.text.clone(),
        false => format!("{}: {}", note.about.join(", "), note.text),
    };
    told("Notes", &notes.iter().map(line).collect::<Vec<_>>())
}

/// A list that is folded up when it is long.
fn told(title: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            details.told open[lines.len() <= 4] {
                summary { (title) " (" (lines.len()) ")" }
                ul { @for line in lines { li { (line) } } }
            }
        }
    }
}
