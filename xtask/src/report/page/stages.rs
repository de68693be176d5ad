//! Where the time of the run itself went.

use maud::html;

use super::{Section, figures};
use crate::story::RunReport;

/// Every stage in its order, with a bar where it lies in the run.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let stages = &report.run.stages;
    let total: u64 = stages.iter().map(|stage| stage.ms).sum();
    let starts = stages.iter().scan(0, |at, stage| {
        let start = *at;
        *at += stage.ms;
        Some(start)
    });
    let share = |ms: u64| format!("{:.2}%", 100.0 * ms as f64 / total.max(1) as f64);
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="Stages" {
            table.stages {
                caption { "Stages of the run, " (figures::seconds(total as f64)) " together" }
                thead { tr { th scope="col" { "Stage" } th.number scope="col" { "Took" } th.chart scope="col" { "When" } } }
                tbody {
                    @for (stage, start) in stages.iter().zip(starts) {
                        tr {
                            th scope="row" { (stage.stage) }
                            td.number { (figures::seconds(stage.ms as f64)) }
                            td.chart {
                                svg.part width="100%" height="12" aria-hidden="true" focusable="false" {
                                    rect.whole width="100%" height="12" {}
                                    rect.of-whole x=(share(start)) width=(share(stage.ms)) height="12" {}
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    (!stages.is_empty()).then_some(Section { id: "stages", title: "Where the run's time went", content })
}
