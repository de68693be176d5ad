//! report.md: what one pastes into a pull request. Pure.

use super::{how_made, tables};
use crate::{
    artifacts::TeardownRecord,
    story::{Note, Story},
    wording::counted,
};

/// The report in GitHub's Markdown.
pub fn markdown(story: &Story) -> String {
    let sections = [
        title(story),
        reasons(story),
        match story.run.is_eval() {
            true => tables::cases(story),
            false => tables::renders(story),
        },
        semantic(story),
        recommendation(story),
        notes(story),
        how_made::how_made(story),
    ];
    let told: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    told.join("\n\n") + "\n"
}

/// Text that GitHub shows as it is: on one line, with no markup of its own.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::new();
    for symbol in text.chars() {
        match symbol {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            // GitHub would make links to issues and people of these.
            '#' | '@' => {
                shown.push(symbol);
                shown.push_str("<!-- -->");
            }
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => {
                shown.push('\\');
                shown.push(symbol);
            }
            control if control.is_control() => shown.push(' '),
            other => shown.push(other),
        }
    }
    shown
}

fn title(story: &Story) -> String {
    let ending = story.ending();
    let fixtures = story.run.fixtures().iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    let (word, text, command) = (ending.word, plain(&ending.text), &story.run.command);
    format!("## {command}: {fixtures}\n\n**{word}** {text}{}", clean_up(story))
}

fn clean_up(story: &Story) -> String {
    match &story.run.teardown {
        Some(TeardownRecord::Clean { resources_verified, .. }) => {
            format!("; clean-up verified, {} gone", counted(resources_verified, "resource"))
        }
        Some(TeardownRecord::Kept { .. }) => format!("; stack {} is kept", plain(story.run.stack.as_str())),
        Some(TeardownRecord::Leaked { leaks, .. }) => {
            format!("; {} leaked or not proved gone", counted(leaks.len(), "resource"))
        }
        Some(TeardownRecord::NothingCreated) => "; nothing was created".to_owned(),
        None => String::new(),
    }
}

fn reasons(story: &Story) -> String {
    list("", story.ending().reasons.iter().map(|reason| plain(reason)))
}

fn semantic(story: &Story) -> String {
    let told = story.semantic.iter().map(|compared| {
        let how = match (compared.mismatches.as_slice(), compared.encoded_sha_equal) {
            ([], true) => "the same bytes".to_owned(),
            ([], false) => "the same video, encoded in other bytes".to_owned(),
            (mismatches, _) => plain(&mismatches.join("; ")),
        };
        format!("N={}: {how}", compared.chunk_count)
    });
    list("### Plan protocols v1 and v2", told)
}

fn recommendation(story: &Story) -> String {
    let told = story.scaling.iter().map(|(fixture, scaling)| match scaling {
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

fn notes(story: &Story) -> String {
    let note = |note: &Note| match note.of_all {
        true => plain(&note.text),
        false => plain(&format!("{}: {}", note.about.join(", "), note.text)),
    };
    let caveats = story.caveats.iter().map(|caveat| plain(caveat));
    let gaps = story.gaps.iter().map(|gap| plain(&format!("gap: {gap}")));
    list("### Notes", story.notes.iter().map(note).chain(caveats).chain(gaps))
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
