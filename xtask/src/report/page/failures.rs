//! Executions that did not succeed.

use maud::html;

use super::{Section, timeline};
use crate::story::RunReport;

/// What failed in each, and what it did until then.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let no_legend_yet = report.renders.iter().all(|render| render.timeline.is_none());
    let content = html! {
        @if no_legend_yet && report.failed.iter().any(|failed| failed.timeline.is_some()) { (timeline::legend()) }
        @for failed in &report.failed {
            @let name = failed.file_stem.strip_prefix("renders/").unwrap_or(&failed.file_stem);
            h3 { (name) }
            @match &failed.failure {
                Some(failure) => p.failure { (failure) },
                None => p { "Its history does not tell why." },
            }
            @if let Some(ran) = &failed.timeline { (timeline::figure(name, ran)) }
            p { a href={ (failed.file_stem) "-execution.json" } { "The execution's description" } }
        }
    };
    (!report.failed.is_empty()).then_some(Section { id: "failed", title: "Executions that failed", content })
}
