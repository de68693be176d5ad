//! report.html: a run in one file that one looks at. Pure but for [`Pictures::read`].
//!
//! It asks for nothing from outside, needs no script, and says nothing by color alone.

mod comparing;
mod cost;
mod environment;
mod failures;
mod figures;
mod files;
mod frames;
mod lanes;
mod local;
mod overview;
mod patterns;
mod pictures;
mod scaling;
mod sound;
mod stages;
mod timeline;
mod top;
mod words;
mod worst_frame;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use pictures::Pictures;

use crate::story::{RenderReport, RunReport};

const STYLE: &str = include_str!("style.css");

/// So many renders are shown opened; of more, those that do not pass, and those whose
/// worst frames the page shows.
const OPENED: usize = 4;

/// The whole page.
pub fn page(report: &RunReport, pictures: &Pictures) -> String {
    let sections: Vec<Section> = [
        overview::section(report),
        local::section(report),
        scaling::section(report),
        comparing::section(report),
        failures::section(report),
        renders(report, pictures),
        cost::section(report),
        stages::section(report),
        environment::section(report),
        files::section(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    let word = report.ending().word;
    let title = format!("{word}: {} of {}", report.run.command(), report.run.fixtures().join(", "));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                // An icon of its own, so that the browser asks nobody for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the figures" }
                (patterns::definitions())
                (top::header(report))
                nav aria-label="Sections" {
                    ul { @for section in &sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                }
                main #main {
                    @for section in &sections {
                        section #(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 #{ (section.id) "-title" } { (section.title) }
                            (section.content)
                        }
                    }
                }
                footer { p { "Written by cargo xtask " (report.run.command()) ", run " code { (report.run.run_id) } "." } }
            }
        }
    };
    page.into_string()
}

/// A part of the page with a heading of its own.
struct Section {
    id: &'static str,
    title: &'static str,
    content: Markup,
}

/// Every measured render: what its time went to, its frames, its sound, its worst frame.
fn renders(report: &RunReport, pictures: &Pictures) -> Option<Section> {
    let all_opened = report.renders.len() <= OPENED;
    let content = html! {
        @if report.renders.iter().any(|render| render.timeline.is_some()) { (timeline::legend()) }
        @for render in &report.renders {
            details.render open[all_opened || !render.row.passed || pictures.show(render)] {
                summary { h3 { (words::passed(render.row.passed)) " " (render.label) } span { (headline(render)) } }
                @if !render.row.findings.is_empty() {
                    ul.findings { @for finding in &render.row.findings { li { (finding.message) } } }
                }
                @if let Some(ran) = &render.timeline { (timeline::figure(&render.label, ran)) }
                (frames::figure(render))
                (sound::figure(render))
                (worst_frame::figure(render, pictures))
            }
        }
    };
    (!report.renders.is_empty()).then_some(Section { id: "renders", title: "Render by render", content })
}

fn headline(render: &RenderReport) -> String {
    let row = &render.row;
    let chunks = crate::wording::counted(row.planned_chunk_count, "chunk");
    let level = row.picture.as_ref().map(|picture| format!(", worst frame {}", picture.worst_frame_db.told()));
    format!("{chunks} in {}{}", figures::seconds(row.wall_clock_ms as f64), level.unwrap_or_default())
}

#[cfg(test)]
mod tests;
