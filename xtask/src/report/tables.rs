//! The tables in the terminal, report.md and results.csv. Pure.

use render_verdict::{Comparison, decibels::Level};

use crate::{
    console::text::{Align, columns_within, counted},
    eval::{case::Case, results::EvalResults},
    report::{
        columns::{CASES, CHUNKS, Cell, Column, OF_THE_SCRIPT, RENDERS, Table},
        notes::Note,
        row::ResultRow,
    },
};

/// A table in the terminal; columns whose cells are all empty are left out. Where it is wider than `width`, it is
/// several tables, each with the columns that name a row.
pub fn terminal<T>(rows: &[&T], shown: &[&Column<T>], first: Align, width: usize) -> String {
    let cells = |row: &&T| shown.iter().map(|column| (column.cell)(row).text()).collect();
    let title = shown.iter().map(|column| column.title.to_owned()).collect::<Vec<String>>();
    let lines: Vec<Vec<String>> = std::iter::once(title).chain(rows.iter().map(cells)).collect();
    let keys = shown.iter().position(|column| column.title == CHUNKS).map_or(1, |last| last + 1);
    columns_within(width, &lines, first, keys)
}

/// A table in GitHub's Markdown, followed by the lines in `further`; empty without lines. Without further lines, columns
/// whose cells are all empty are left out.
pub fn markdown<T>(rows: &[&T], shown: &[&Column<T>], further: &[Vec<String>]) -> String {
    if rows.is_empty() && further.is_empty() {
        return String::new();
    }
    let says = |column: &&Column<T>| rows.iter().any(|row| (column.cell)(row) != Cell::Empty);
    let shown: Vec<&Column<T>> = shown.iter().copied().filter(|column| !further.is_empty() || says(column)).collect();
    let cell = |cell: Cell| match cell {
        Cell::Empty => "-".to_owned(),
        Cell::Passed(false) => "**FAIL**".to_owned(),
        cell => plain(&cell.text()),
    };
    let title = shown.iter().map(|column| column.title.to_owned()).collect();
    let rule = shown.iter().map(|column| if column.is_figure { "---:" } else { "---" }.to_owned()).collect();
    let cells = rows.iter().map(|row| shown.iter().map(|column| cell((column.cell)(row))).collect());
    let lines = [title, rule].into_iter().chain(cells).chain(further.iter().cloned());
    lines.map(|cells: Vec<String>| format!("| {} |", cells.join(" | "))).collect::<Vec<_>>().join("\n")
}

/// Text that GitHub shows literally: on one line, with its markup escaped.
pub fn plain(text: &str) -> String {
    let mut shown = String::new();
    for symbol in text.chars() {
        match symbol {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            // GitHub would turn these into links to issues and people.
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

pub fn columns_of<T>(all: &'static [Column<T>], table: Table) -> Vec<&'static Column<T>> {
    all.iter().filter(|column| column.tables.contains(&table)).collect()
}

/// results.csv: a line for each case; the script's columns come first. Cells without a measurement are empty.
pub(crate) fn csv(cases: &[Case]) -> String {
    let of_script = OF_THE_SCRIPT.iter().filter_map(|name| CASES.iter().find(|column| column.csv == *name));
    let further = CASES.iter().filter(|column| !column.csv.is_empty() && !OF_THE_SCRIPT.contains(&column.csv));
    let shown: Vec<&Column<Case>> = of_script.chain(further).collect();
    let line = |case: &Case| shown.iter().map(|column| (column.cell)(case).csv()).collect::<Vec<_>>();
    let title = shown.iter().map(|column| column.csv.to_owned()).collect::<Vec<_>>();
    std::iter::once(title).chain(cases.iter().map(line)).map(|cells| cells.join(",") + "\n").collect()
}

/// A smoke run in a terminal of this width: a line for each render, then the notes.
pub fn renders(rows: &[ResultRow], width: usize) -> String {
    let mut shown = columns_of(RENDERS, Table::Terminal);
    if rows.len() == 1 {
        // The column compares the render with others.
        shown.retain(|column| column.title != "unlike first");
    }
    let first = if rows.iter().any(|row| row.fixture.is_some()) { Align::Left } else { Align::Right };
    let mut text = vec![terminal(&rows.iter().collect::<Vec<_>>(), &shown, first, width)];
    for row in rows.iter().filter(|row| row.count_differs()) {
        text.push(format!(
            "* {}{} were requested, the plan has {} (chunk size {})",
            row.fixture.as_ref().map(|fixture| format!("{fixture}: ")).unwrap_or_default(),
            counted(row.id.chunk_count, "chunk"),
            row.planned_chunk_count,
            row.chunk_size.get()
        ));
    }
    let named = rows.iter().map(|row| (row.key().to_string(), row.notes.as_slice()));
    text.extend(Note::about_renders(named).iter().map(|note| format!("note: {note}")));
    text.join("\n")
}

pub(crate) const EMULATED: &str = "These are times of an emulator, whose chunks share the processors of one machine, not \
                                   of AWS Lambda; USD is what the same calls would cost on AWS";

/// The same of a sweep of memory.
pub(crate) const EMULATED_SWEEP: &str = "These are times of an emulator, not of AWS Lambda: its chunks share the processors of one machine, whatever memory \
     the functions have, so these times say nothing about memory; USD is what the same calls would cost on AWS";

/// An eval run in a terminal of this width: durations and costs, where the time goes, how close the renders
/// are to the baseline; then the recommendation of a sweep, and what the figures can't show.
pub(crate) fn cases(results: &EvalResults, width: usize) -> String {
    let rows: Vec<&Case> = results.cases.iter().collect();
    let block = |title, table| format!("{title}\n{}", terminal(&rows, &columns_of(CASES, table), Align::Left, width));
    let text = if results.tuning.is_empty() { EMULATED } else { EMULATED_SWEEP };
    let loud = results.emulated.then(|| format!("NOTE  {text}."));
    let mut parts = loud.into_iter().collect::<Vec<_>>();
    parts.extend([
        block("Time and cost (medians of the warm executions, if there are any)", Table::Durations),
        block("Where the time of these executions goes (medians)", Table::Parts),
        block("Comparison with the baseline (the worst of all iterations)", Table::Quality),
    ]);
    parts.extend(results.tuning.iter().map(|(fixture, tuning)| format!("Memory and chunks of {fixture}\n{tuning}")));
    for (fixture, scaling) in &results.scaling {
        parts.push(match scaling {
            Ok(scaling) => format!("Scaling of {fixture}\n{scaling}"),
            Err(reason) => format!("Scaling of {fixture}: no model, because {reason}"),
        });
    }
    parts.push(remarks(results));
    parts.join("\n\n")
}

fn remarks(results: &EvalResults) -> String {
    let mut lines = Vec::new();
    if results.cases.iter().any(Case::count_differs) {
        lines.push("chunks: how many the plan has, of how many were requested".to_owned());
    }
    lines.push(format!(
        "USD per execution: Lambda's GB-seconds and requests, and state transitions ({}); \
         S3, logs, data transfer and the free tier are not included",
        results.prices.as_of
    ));
    if results.cases.iter().any(|case| case.speedup.is_some()) {
        lines.push("speed-up: time of the process on this machine / time of the execution".to_owned());
    }
    lines.extend(results.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(results.caveats.iter().map(|caveat| format!("note: {caveat}")));
    lines.join("\n")
}

/// Chunks, time and level of a measured render in one phrase.
pub fn summary_line(row: &ResultRow, comparison: &Comparison) -> String {
    let level = match comparison {
        Comparison::Unlike(differences) => format!("{} in shape", counted(differences.len(), "difference")),
        Comparison::Exact(frames) => format!("{} of {} frames identical", frames.identical_frames(), frames.frames()),
        Comparison::Alike { picture, .. } => match picture.psnr.worst {
            Level::Identical => "every frame identical".to_owned(),
            worst @ Level::Db(_) => format!("PSNR {:.2} dB, worst frame {worst} dB", picture.psnr.mean_db),
        },
    };
    let seconds = row.wall_clock_ms as f64 / 1000.0;
    let chunks = counted(row.planned_chunk_count, "chunk");
    format!("{chunks} in {seconds:.1} s, {level}")
}

#[cfg(test)]
#[path = "tables_tests.rs"]
mod tests;
