//! report.md: what one pastes into a pull request. Pure.

use super::how_made;
use crate::{
    artifacts::{Note, NoteKind, TeardownRecord},
    report::{
        columns::{CASES, RENDERS, Table},
        tables::{self, columns_of, plain},
    },
    story::{RunReport, Unmeasured},
    wording::counted,
};

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
        how_made::how_made(report),
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
