//! All renders in one table.

use maud::{Markup, html};

use super::{Section, words};
use crate::{
    artifacts::ResultRow,
    report::columns::{Cell, Column, RENDERS, Table},
    report::tables::columns_of,
    story::RunReport,
};

/// Every render that was asked for, including those that were not measured.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let shown = columns_of(RENDERS, Table::Page);
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="All renders" {
            table {
                caption { "Every render against its baseline" }
                thead {
                    tr {
                        th scope="col" { "render" }
                        @for column in &shown { th.number[column.is_figure] scope="col" { (column.title) } }
                    }
                }
                tbody {
                    @for render in &report.renders {
                        tr {
                            th scope="row" { (render.label) }
                            @for column in &shown { (cell(column, &render.row)) }
                        }
                    }
                    @for missing in &report.unmeasured {
                        tr {
                            th scope="row" { (missing.label) }
                            td.prose colspan=(shown.len() - 1) { "not measured: " (missing.cause) }
                            td { (words::passed(false)) }
                        }
                    }
                }
            }
        }
    };
    let any = !report.renders.is_empty() || !report.unmeasured.is_empty();
    any.then_some(Section { id: "look", title: "Overview", content })
}

fn cell(column: &Column<ResultRow>, row: &ResultRow) -> Markup {
    html! {
        td.number[column.is_figure] {
            @match (column.cell)(row) {
                Cell::Passed(passed) => (words::passed(passed)),
                Cell::Empty | Cell::Unmeasured => "–",
                cell => (cell.text()),
            }
        }
    }
}
