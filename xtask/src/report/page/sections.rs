//! The sections of the page that are mainly tables.

use execution_history::cost::{Cost, FunctionUse};
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::report::{
    RunReport,
    compare::LEGEND,
    page::{
        self,
        Head::{Name, Number},
        Section, timeline,
    },
    render::facts,
    row::ResourceState,
};

/// Smoke with both plan protocols: whether they rendered the same video, by chunk count.
pub(crate) fn protocols_section(report: &RunReport) -> Option<Section> {
    let rows = page::rows(&report.semantic, |compared| {
        html! {
            th scope="row" { @if let Some(fixture) = &compared.fixture { (fixture) " " } (compared.chunk_count) }
            td { (page::passed(compared.mismatches.is_empty())) }
            td { @if compared.encoded_sha_equal { "yes" } @else { "no" } }
            td { (compared.mismatches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")) }
        }
    });
    let head = [Name("Chunks"), Name("Same video"), Name("Same bytes"), Name("What differs")];
    let content = page::table("Plan protocols", "The videos of v1 and v2", &head, &rows);
    (!report.semantic.is_empty()).then_some(Section { id: "protocols", title: "Plan protocols v1 and v2", content })
}

/// How the run differs from the earlier one that it was compared with.
pub(crate) fn compared_section(report: &RunReport) -> Option<Section> {
    let compared = report.compared.as_ref()?;
    let (pairs, shown) = compared.table();
    let rows = page::rows(&pairs, |pair| html! { @for column in &shown { (page::cell(column, pair)) } });
    let head: Vec<_> = shown.iter().map(|column| page::head(column)).collect();
    let content = html! {
        @if let Some(gate) = &compared.gate {
            p { strong { (gate.standing.to_string()) } " " (gate.text) }
            ul { @for found in &gate.found { li { (found.to_string()) } } }
        }
        p { (compared.title) }
        (page::table("Compared with the earlier run", LEGEND, &head, &rows))
        ul { @for remark in compared.remarks() { li { (remark) } } }
    };
    Some(Section { id: "compared", title: "Compared with the earlier run", content })
}

/// A kind of charge: its name, its amount, and its total price.
struct Charge {
    what: &'static str,
    amount: String,
    usd: f64,
}

/// The cost of the measured executions: all together, then each.
pub(crate) fn cost_section(report: &RunReport) -> Option<Section> {
    let costs: Vec<(&str, &Cost)> =
        report.renders.iter().filter_map(|render| Some((render.label.as_str(), render.row.cost.as_ref()?))).collect();
    let charges = charges(report, &costs);
    let total: f64 = charges.iter().map(|charge| charge.usd).sum();
    let row = |charge: &Charge| {
        html! {
            th scope="row" { (charge.what) }
            td.number { (charge.amount) }
            td.number { (page::usd(charge.usd)) }
            td { (bar(if total > 0.0 { charge.usd / total } else { 0.0 })) }
        }
    };
    let rows = html! {
        (page::rows(&charges, row))
        tfoot { tr { th scope="row" { "Total" } td {} td.number { (page::usd(total)) } td {} } }
    };
    let head = [Name("Charge"), Number("Amount"), Number("Cost"), Name("Share")];
    let content = html! {
        (page::table("Charges", "All measured executions together", &head, &rows))
        p.small {
            "Prices of " (report.run.prices.as_of) ": " (report.run.prices.gb_second_usd) " USD per GB-second on x86_64, "
            (report.run.prices.arm_gb_second_usd) " USD on arm64, "
            (report.run.prices.request_usd) " USD per request, " (report.run.prices.transition_usd) " USD per state transition. "
            "Not included: S3, logs, data transfer, X-Ray, the free tier, warm-ups, and executions that failed."
        }
        (function_table(&costs))
        details { summary { "Each execution" } (cost_table(&costs)) }
    };
    (!costs.is_empty()).then_some(Section { id: "cost", title: "Cost on AWS", content })
}

fn charges(report: &RunReport, costs: &[(&str, &Cost)]) -> [Charge; 3] {
    let prices = &report.run.prices;
    let gb_seconds: f64 = costs.iter().map(|(_, cost)| cost.gb_seconds).sum();
    let requests: u64 = costs.iter().map(|(_, cost)| cost.requests).sum();
    let transitions: u64 = costs.iter().map(|(_, cost)| cost.transitions).sum();
    let of_calls = prices.of_calls(requests as f64, transitions as f64);
    [
        Charge {
            what: "GB-seconds",
            amount: format!("{gb_seconds:.1}"),
            usd: costs.iter().map(|(_, cost)| cost.usd).sum::<f64>() - of_calls,
        },
        Charge { what: "Requests", amount: requests.to_string(), usd: prices.of_calls(requests as f64, 0.0) },
        Charge {
            what: "State transitions",
            amount: transitions.to_string(),
            usd: prices.of_calls(0.0, transitions as f64),
        },
    ]
}

pub(crate) fn bar(share: f64) -> Markup {
    html! {
        span.share {
            svg.part width="100%" height="12" aria-hidden="true" focusable="false" {
                rect.whole width="100%" height="12" {}
                rect.of-whole width=(format!("{:.2}%", share * 100.0)) height="12" {}
            }
            span { (page::share(share)) }
        }
    }
}

/// What each function did in all executions together.
fn function_table(costs: &[(&str, &Cost)]) -> Markup {
    let mut sums: Vec<FunctionUse> = Vec::new();
    for one in costs.iter().flat_map(|(_, cost)| &cost.functions) {
        match sums.iter_mut().find(|sum| sum.function == one.function) {
            Some(sum) => sum.join(one),
            None => sums.push(one.clone()),
        }
    }
    let rows = page::rows(&sums, |sum| {
        html! {
            th.prose scope="row" { (sum.function.as_deref().unwrap_or("not in the history")) }
            td { (sum.states.join(", ")) }
            td.number { (sum.memory_mb) " MB, " (sum.architecture) }
            td.number { (sum.requests) }
            td.number { (sum.cold_starts.map_or("–".to_owned(), |count| count.to_string())) }
            td.number { (page::seconds(sum.function_ms as f64)) }
            td.number { (page::usd(sum.usd)) }
        }
    });
    let figures = ["Size", "Requests", "Cold starts", "Run time", "Cost"].map(Number);
    let head = [&[Name("Function"), Name("States")], &figures[..]].concat();
    html! { @if !sums.is_empty() { (page::table("Functions", "", &head, &rows)) } }
}

fn cost_table(costs: &[(&str, &Cost)]) -> Markup {
    let rows = page::rows(costs, |(label, cost)| {
        html! {
            th scope="row" { (label) }
            td.number { (page::seconds(cost.function_ms as f64)) }
            td.number { (format!("{:.1}", cost.gb_seconds)) }
            td.number { (cost.requests) }
            td.number { (cost.transitions) }
            td.number { (page::usd(cost.usd)) }
        }
    });
    let figures = ["Function", "GB-seconds", "Requests", "Transitions", "Cost"].map(Number);
    page::table("Cost of each execution", "", &[&[Name("Render")], &figures[..]].concat(), &rows)
}

/// Versions, the handler, and every resource that was checked after the clean-up.
pub(crate) fn environment_section(report: &RunReport) -> Option<Section> {
    let run = &report.run;
    let content = html! {
        table {
            caption { "Versions" }
            tbody {
                @for toolchain in report.toolchains() { tr { th scope="row" { "Rendered by" } td { (toolchain) } } }
                @for (tool, version) in &run.tools { tr { th scope="row" { (tool) } td { (version) } } }
                @if let Some(handler) = &run.handler {
                    tr {
                        th scope="row" { "Handler ZIP" }
                        td {
                            @if let Some(version) = &handler.version { (version) ", " }
                            (page::mebibytes(handler.sizes.zipped)) ", " (page::mebibytes(handler.sizes.unzipped))
                            " unzipped, " @if handler.built { "built by this run" } @else { "built earlier" }
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

fn proof(report: &RunReport) -> Markup {
    let Some(proof) = &report.proof else { return html! {} };
    let rows = page::rows(&proof.resources, |check| {
        html! {
            th scope="row" { (check.kind) }
            td.prose { code { (check.name) } }
            td {
                @match check.state {
                    ResourceState::Absent => "gone",
                    ResourceState::Present => strong { "STILL THERE" },
                    ResourceState::Unverifiable => strong { "UNKNOWN: " (check.evidence) },
                }
            }
        }
    });
    html! {
        details open[!proof.clean] {
            summary { "Resources that were checked after the clean-up, " (page::moment(&proof.checked_at)) }
            (page::table("Resources after the clean-up", "", &["Kind", "Name", "State"].map(Name), &rows))
        }
    }
}

/// Executions that failed: why, and their timelines.
pub(crate) fn failures_section(report: &RunReport) -> Option<Section> {
    let no_legend_yet = report.renders.iter().all(|render| render.timeline.is_none());
    let content = html! {
        @if no_legend_yet && report.failed.iter().any(|failed| failed.timeline.is_some()) { (timeline::legend()) }
        @for failed in &report.failed {
            @let name = failed.file_stem.strip_prefix("renders/").unwrap_or(&failed.file_stem);
            h3 { (name) }
            @match &failed.failure {
                Some(failure) => dl.facts { @for (name, text) in facts(failure) { (page::fact(name, &text)) } },
                None => p { "The history of the execution does not contain the reason." },
            }
            @if let Some(ran) = &failed.timeline { (timeline::figure(name, ran)) }
            p {
                a href={ (failed.file_stem) "-execution.json" } { "Description of the execution" }
                @if report.files.contains(&failed.log()) { " · " a href=(failed.log()) { "Log of the function" } }
            }
        }
    };
    (!report.failed.is_empty()).then_some(Section { id: "failed", title: "Executions that failed", content })
}

/// Links to all files of the artifact folder except hidden ones.
pub(crate) fn files_section(report: &RunReport) -> Option<Section> {
    let files: Vec<&String> = report.files.iter().filter(|name| !name.starts_with('.')).collect();
    let (top, below): (Vec<&String>, Vec<&String>) = files.iter().partition(|name| !name.contains('/'));
    let content = html! {
        ul.files { @for name in top { li { a href=(href(name)) { (name) } } } }
        @if !below.is_empty() {
            details {
                summary { "Videos, histories, figures and logs (" (below.len()) ")" }
                ul.files { @for name in below { li { a href=(href(name)) { (name) } } } }
            }
        }
    };
    (!files.is_empty()).then_some(Section { id: "files", title: "Files", content })
}

/// What stands for itself in the path of a URL, apart from letters and digits, is not among these.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The relative URL of a file.
pub(crate) fn href(name: &str) -> String {
    format!("./{}", utf8_percent_encode(name, IN_PATH))
}

/// Every stage in its order, with a bar that shows its share of the run.
pub(crate) fn stages_section(report: &RunReport) -> Option<Section> {
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
                caption { "Stages of the run, " (page::seconds(total as f64)) " in total" }
                thead { tr { th scope="col" { "Stage" } th.number scope="col" { "Took" } th.chart scope="col" { "When" } } }
                tbody {
                    @for (stage, start) in stages.iter().zip(starts) {
                        tr {
                            th scope="row" { (stage.stage) }
                            td.number { (page::seconds(stage.ms as f64)) }
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
    (!stages.is_empty()).then_some(Section { id: "stages", title: "Duration of the stages", content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_relative_and_escaped() {
        assert_eq!(href("renders/a b#1?.mp4"), "./renders/a%20b%231%3F.mp4");
    }
}
