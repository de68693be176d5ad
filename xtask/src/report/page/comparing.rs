//! Of a smoke run by both plan protocols: whether they rendered the same video.

use maud::html;

use super::{Section, words};
use crate::story::RunReport;

/// A table of the chunk counts.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="Plan protocols" { table {
            caption { "What a viewer gets of v1 and of v2" }
            thead {
                tr {
                    th.number scope="col" { "Chunks" }
                    th scope="col" { "Same video" }
                    th scope="col" { "Same bytes" }
                    th scope="col" { "What differs" }
                }
            }
            tbody {
                @for compared in &report.semantic {
                    tr {
                        th.number scope="row" { (compared.chunk_count) }
                        td { (words::passed(compared.mismatches.is_empty())) }
                        td { @if compared.encoded_sha_equal { "yes" } @else { "no" } }
                        td { (compared.mismatches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")) }
                    }
                }
            }
        } }
    };
    (!report.semantic.is_empty()).then_some(Section { id: "protocols", title: "Plan protocol v1 against v2", content })
}
