//! What rendered, by which versions, and what is left of it.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{Section, figures};
use crate::{artifacts::ResourceState, story::RunReport};

/// Versions, the handler, and every resource that was looked for after the clean-up.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let run = &report.run;
    let content = html! {
        table {
            caption { "Versions" }
            tbody {
                @for toolchain in toolchains(report) { tr { th scope="row" { "Rendered by" } td { (toolchain) } } }
                @for (tool, version) in &run.tools { tr { th scope="row" { (tool) } td { (version) } } }
                @if let Some(handler) = &run.handler {
                    tr {
                        th scope="row" { "Handler ZIP" }
                        td {
                            (figures::mebibytes(handler.sizes.zipped)) ", " (figures::mebibytes(handler.sizes.unzipped))
                            " unzipped, " @if handler.built { "built by this run" } @else { "as it was found" }
                            br; "SHA-256 " code { (handler.sha256) }
                        }
                    }
                }
            }
        }
        (proof(report))
    };
    Some(Section { id: "environment", title: "Environment", content })
}

fn toolchains(report: &RunReport) -> BTreeSet<String> {
    let told = |part: &Option<String>| part.clone().unwrap_or_else(|| "unknown".to_owned());
    let of_row = |row: &crate::artifacts::ResultRow| {
        let made_by = &row.toolchain;
        format!(
            "producer {}, ffmpeg {}, Chromium {}",
            told(&made_by.producer),
            told(&made_by.ffmpeg),
            told(&made_by.chromium)
        )
    };
    report.renders.iter().map(|render| of_row(&render.row)).collect()
}

fn proof(report: &RunReport) -> Markup {
    html! {
        @if let Some(proof) = &report.proof {
            details open[!proof.clean] {
                summary { "What was looked for after the clean-up, " (figures::moment(&proof.checked_at)) }
                div.scroll tabindex="0" role="region" aria-label="Resources after the clean-up" {
                    table {
                        thead { tr { th scope="col" { "Kind" } th scope="col" { "Name" } th scope="col" { "State" } } }
                        tbody {
                            @for check in &proof.resources {
                                tr {
                                    th scope="row" { (check.kind) }
                                    td.prose { code { (check.name) } }
                                    td {
                                        @match check.state {
                                            ResourceState::Absent => "gone",
                                            ResourceState::Present => strong { "STILL THERE" },
                                            ResourceState::Unverifiable => strong { "CAN'T BE TOLD: " (check.evidence) },
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
