//! All renders in one table.

use maud::{Markup, html};

use super::{Section, figures, words};
use crate::story::{RenderReport, RunReport};

/// Every render asked for, those that were not measured too.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="All renders" {
            table {
                caption { "Every render against its baseline" }
                thead {
                    tr {
                        th scope="col" { "Render" }
                        th scope="col" { "Verdict" }
                        th.number scope="col" { "Chunks" }
                        th.number scope="col" { "Wall-clock" }
                        th.number scope="col" { "PSNR mean" }
                        th.number scope="col" { "Worst frame" }
                        th scope="col" { "Sound" }
                        th.number scope="col" { "Cost" }
                    }
                }
                tbody {
                    @for render in &report.renders { (measured(render)) }
                    @for missing in &report.unmeasured {
                        tr {
                            th scope="row" { (missing.label) }
                            td { (words::passed(false)) }
                            td.prose colspan="6" { "not measured: " (missing.cause) }
                        }
                    }
                }
            }
        }
    };
    let any = !report.renders.is_empty() || !report.unmeasured.is_empty();
    any.then_some(Section { id: "look", title: "At a look", content })
}

fn measured(render: &RenderReport) -> Markup {
    let row = &render.row;
    let worst = row.picture.as_ref().map(|p| format!("{} (#{})", p.worst_frame_db.told(), p.worst_frame));
    let exact = row.exact.as_ref().map(|e| format!("{} of {} frames identical", e.identical_frames(), e.frames()));
    let residuals: Vec<String> = row.audio_residual_dbfs.iter().map(|r| figures::residual(*r)).collect();
    html! {
        tr {
            th scope="row" { (render.label) }
            td { (words::passed(row.passed)) }
            td.number { (row.planned_chunk_count) @if row.count_differs() { " of " (row.id.chunk_count) " asked for" } }
            td.number { (figures::seconds(row.wall_clock_ms as f64)) }
            td.number { (row.psnr_avg_db.map_or("–".to_owned(), |db| format!("{db:.2} dB"))) }
            td.number { (worst.or(exact).unwrap_or_else(|| "–".to_owned())) }
            td { (row.audio_status) @if !residuals.is_empty() { ", residual " (residuals.join(", ")) } }
            td.number { (row.cost.map_or("–".to_owned(), |cost| figures::usd(cost.usd))) }
        }
    }
}
