//! report.html: a run's report in one file. Pure except for [`Pictures::read`].
//!
//! The page requests nothing, works without its script, and never expresses anything by color alone.

pub(crate) mod audio;
pub mod frames;
mod gates;
mod header;
pub(crate) mod history;
mod memory;
pub(crate) mod player;
pub(crate) mod plot;
pub(crate) mod scale;
pub(crate) mod scaling;
pub(crate) mod sections;
pub(crate) mod timeline;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use render_verdict::{audio::residual::Residual, protocols::SemanticComparison, verdict::listed};
use sha2::{Digest, Sha256};

use self::Head::{Name, Number};
use crate::{
    console::text::counted,
    report::{
        RunReport, Word,
        columns::{Cell, Column, RENDERS, Table},
        page::frames::Pictures,
        render::RenderReport,
        tables::columns_of,
    },
};

const STYLE: &str = include_str!("style.css");

const SCRIPT: &str = include_str!("player.js");

/// Up to this many renders are all shown expanded; of more, only those that fail, and those
/// whose worst frames the page contains.
const EXPANDED: usize = 4;

/// The whole page.
pub fn page(report: &RunReport, pictures: &Pictures) -> String {
    let mut renders = renders_section(report, pictures);
    let fails = report.renders.iter().any(|render| !render.row.passed);
    let sections: Vec<Section> = [
        // What is wrong comes before everything else.
        renders.take_if(|_| fails),
        overview_section(report),
        sections::compared_section(report),
        scaling::legs_section(report),
        memory::section(report),
        scaling::chunk_counts_section(report),
        sections::protocols_section(report),
        sections::failures_section(report),
        renders,
        sections::cost_section(report),
        sections::stages_section(report),
        sections::environment_section(report),
        sections::files_section(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    let word = report.ending().word;
    let title = format!("{word}: {} {}", report.run.command(), listed(&report.run.fixtures()));
    let top = html! { (timeline::definitions()) (header::header(report)) };
    let written = html! { "Written by cargo xtask " (report.run.command()) ", run " code { (report.run.run_id) } "." };
    document(&title, &top, &sections, &written)
}

/// The page of a comparison without a run.
/// `videos` are the baseline and the render, where both are next to it.
pub fn comparison(render: &RenderReport, baseline: &str, pictures: &Pictures, videos: &[String]) -> String {
    let row = &render.row;
    let (word, text) =
        if row.passed { (Word::Pass, "matches the baseline") } else { (Word::Fail, "does not match the baseline") };
    let psnr = row.psnr_avg_db.map_or("not measured".to_owned(), |db| format!("{db:.2} dB"));
    let top = html! {
        header {
            p.kicker { "lambda-compare" }
            h1 { (render.label) }
            (header::outcome(word, text, &[""; 0]))
            (findings(render))
            dl.facts {
                (fact("Baseline", baseline))
                (fact("Mean PSNR", &psnr))
                (fact("Audio", &row.audio_status.to_string()))
            }
        }
    };
    let content = html! {
        div.render id=(player::id(render)) {
            (measured(render, &[], pictures))
            @if let Some(baseline) = videos.first() { (player::figure(render, baseline, videos)) }
        }
        p { a href="comparison.json" { "Everything that was measured (JSON)" } }
    };
    let section = Section { id: "renders", title: "Frame by frame", content };
    let title = format!("{word}: {}", render.label);
    document(&title, &top, &[section], &html! { "Written by cargo xtask lambda-compare." })
}

fn document(title: &str, top: &Markup, sections: &[Section], written: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                // An empty icon, so that the browser requests none.
                link rel="icon" href="data:,";
                meta http-equiv="Content-Security-Policy" content=(policy());
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the figures" }
                (top)
                nav aria-label="Sections" {
                    ul { @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                }
                main #main {
                    @for section in sections {
                        section #(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 #{ (section.id) "-title" } { (section.title) }
                            (section.content)
                        }
                    }
                }
                footer { p { (written) } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// What a browser lets the page do: run its own script, and show files next to it.
fn policy() -> String {
    let script = aws_smithy_types::base64::encode(Sha256::digest(SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'unsafe-inline'; img-src data:; \
         media-src 'self' file:"
    )
}

pub(crate) struct Section {
    id: &'static str,
    title: &'static str,
    content: Markup,
}

/// Every measured render with its worst frame, timeline, frames, and audio: those that fail come first.
fn renders_section(report: &RunReport, pictures: &Pictures) -> Option<Section> {
    let all_expanded = report.renders.len() <= EXPANDED;
    let failing = report.renders.iter().filter(|render| !render.row.passed);
    let passing = report.renders.iter().filter(|render| render.row.passed);
    let content = html! {
        @if report.renders.iter().any(|render| render.timeline.is_some()) { (timeline::legend()) }
        @for render in failing.chain(passing) {
            details.render id=(player::id(render)) open[all_expanded || !render.row.passed || pictures.show(render)] {
                summary { h3 { (passed(render.row.passed)) " " (render.label) } span { (summary_line(render)) } }
                (findings(render))
                (measured(render, &report.semantic, pictures))
                (player::figure(render, &render.kept_baseline(), &report.files))
            }
        }
    };
    (!report.renders.is_empty()).then_some(Section { id: "renders", title: "Render by render", content })
}

/// What is wrong with a render, with links to the frames.
fn findings(render: &RenderReport) -> Markup {
    html! {
        @if !render.row.findings.is_empty() {
            ul.findings {
                @for finding in &render.row.findings {
                    li {
                        (finding.message)
                        @if let Some(frame) = finding.place.worst_frame {
                            " " a href={ "#" (player::id(render)) "," (frame) } { "Show frame " (frame) }
                        }
                    }
                }
            }
        }
    }
}

fn measured(render: &RenderReport, protocols: &[SemanticComparison], pictures: &Pictures) -> Markup {
    html! {
        @if !render.row.passed { (frames::worst_frame_figure(render, pictures)) }
        (gates::table(render, protocols))
        @if let Some(ran) = &render.timeline { (timeline::figure(&render.label, ran)) }
        (frames::figure(render))
        (audio::figure(render))
        @if render.row.passed { (frames::worst_frame_figure(render, pictures)) }
    }
}

fn summary_line(render: &RenderReport) -> String {
    let row = &render.row;
    let chunks = counted(row.planned_chunk_count, "chunk");
    let level = row.picture.as_ref().map(|picture| format!(", worst frame {}", picture.worst_frame_db.with_unit()));
    format!("{chunks} in {}{}", seconds(row.wall_clock_ms as f64), level.unwrap_or_default())
}

/// Every requested render in one table, including those that were not measured.
fn overview_section(report: &RunReport) -> Option<Section> {
    let shown = columns_of(RENDERS, Table::Page);
    let head: Vec<Head<'_>> = std::iter::once(Name("render")).chain(shown.iter().map(|column| head(column))).collect();
    let rows = html! {
        tbody {
            @for render in &report.renders {
                tr {
                    th scope="row" { (render.label) }
                    @for column in &shown { (cell(column, &render.row)) }
                }
            }
            @for missing in &report.unmeasured {
                tr {
                    th scope="row" { (missing.key) }
                    td.prose colspan=(shown.len() - 1) { (missing.state()) ": " (missing.cause) }
                    td { (passed(false)) }
                }
            }
        }
    };
    let content = table("All renders", "Every render compared with its baseline", &head, &rows);
    let any = !report.renders.is_empty() || !report.unmeasured.is_empty();
    any.then_some(Section { id: "overview", title: "Overview", content })
}

/// An entry of a list of facts.
pub(crate) fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// The heading of a column in a table of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Head<'a> {
    /// Names, aligned to the left.
    Name(&'a str),
    /// Numbers, aligned to the right.
    Number(&'a str),
}

/// A table that scrolls within a narrow page; `rows` follow its head.
pub(crate) fn table(label: &str, caption: &str, head: &[Head<'_>], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                @if !caption.is_empty() { caption { (caption) } }
                thead {
                    tr {
                        @for title in head {
                            @match title {
                                Name(title) => th scope="col" { (title) },
                                Number(title) => th.number scope="col" { (title) },
                            }
                        }
                    }
                }
                (rows)
            }
        }
    }
}

/// The body of a table: a row for each item, with its `cells`.
pub(crate) fn rows<T>(items: impl IntoIterator<Item = T>, cells: impl Fn(T) -> Markup) -> Markup {
    html! { tbody { @for item in items { tr { (cells(item)) } } } }
}

pub(crate) fn head<T>(column: &Column<T>) -> Head<'static> {
    if column.is_figure { Number(column.title) } else { Name(column.title) }
}

pub(crate) fn cell<T>(column: &Column<T>, row: &T) -> Markup {
    html! {
        td.number[column.is_figure] {
            @match (column.cell)(row) {
                Cell::Passed(yes) => (passed(yes)),
                Cell::Empty | Cell::Unmeasured => "–",
                cell => (cell.text()),
            }
        }
    }
}

// Verdicts as words with icons, which need neither color nor shape to be understood.

pub(crate) fn passed(passed: bool) -> Markup {
    let (word, class) = if passed { ("pass", "good") } else { ("FAIL", "bad") };
    html! { span.verdict.(class) { (icon(if passed { Word::Pass } else { Word::Fail })) (word) } }
}

/// The CSS class of an ending.
pub(crate) fn class(word: Word) -> &'static str {
    match word {
        Word::Pass => "good",
        Word::Fail => "bad",
        Word::Leak | Word::Stopped | Word::Unfinished => "odd",
    }
}

/// An icon for each word; the word itself is next to it.
pub(crate) fn icon(word: Word) -> Markup {
    let (outline, inside) = match word {
        // A circle with a tick.
        Word::Pass => ("M12 2A10 10 0 1 1 11.99 2Z", "M7 12.5L10.5 16L17 8.5"),
        // An octagon with a cross.
        Word::Fail => ("M8 2H16L22 8V16L16 22H8L2 16V8Z", "M8 8L16 16M16 8L8 16"),
        // A triangle with an exclamation mark.
        Word::Leak => ("M12 2L23 21H1Z", "M12 9V14M12 17V18"),
        // A square with two bars.
        Word::Stopped => ("M3 3H21V21H3Z", "M9 8V16M15 8V16"),
        // A square on its corner with a dash.
        Word::Unfinished => ("M12 1L23 12L12 23L1 12Z", "M7 12H17"),
    };
    html! {
        svg.icon viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false" {
            path.outline d=(outline) {}
            path.inside d=(inside) {}
        }
    }
}

/// Milliseconds as seconds: `15.9 s`, below one second `0.41 s`.
pub(crate) fn seconds(ms: f64) -> String {
    let digits = if ms.abs() < 995.0 { 2 } else { 1 };
    format!("{:.digits$} s", ms / 1000.0)
}

/// A price with as many digits as it needs.
pub(crate) fn usd(usd: f64) -> String {
    let digits = if usd >= 1.0 { 2 } else { 5 };
    format!("{usd:.digits$} USD")
}

/// `-63.1 dBFS`, or `silent`.
pub(crate) fn residual(residual: Residual) -> String {
    match residual {
        Residual::Silent => "silent".to_owned(),
        Residual::DbFs(db) => format!("{db:.1} dBFS"),
    }
}

pub(crate) fn share(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// A time for people: `2026-11-21 15:05:12 UTC`.
pub(crate) fn moment(rfc3339: &str) -> String {
    match rfc3339.split_once('T') {
        Some((day, time)) if time.len() >= 8 && time.ends_with('Z') => format!("{day} {} UTC", &time[..8]),
        _ => rfc3339.to_owned(),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod page_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_they_need() {
        assert_eq!([seconds(15_860.0), seconds(411.0), seconds(998.0)], ["15.9 s", "0.41 s", "1.0 s"]);
        assert_eq!([usd(0.004_607), usd(12.345)], ["0.00461 USD", "12.35 USD"]);
        assert_eq!(moment("2026-11-21T15:05:12.776Z"), "2026-11-21 15:05:12 UTC");
        assert_eq!(moment("yesterday"), "yesterday");
    }
}
