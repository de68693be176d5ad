//! What the measured executions cost, by what is charged.

use maud::{Markup, html};

use super::{Section, figures};
use crate::{cost::Cost, story::RunReport};

/// A kind of charge: its name, how much of it, and its price in all.
struct Charge {
    what: &'static str,
    amount: String,
    usd: f64,
}

/// All executions together, then each.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let costs: Vec<(&str, Cost)> =
        report.renders.iter().filter_map(|render| Some((render.label.as_str(), render.row.cost?))).collect();
    let charges = charges(report, &costs);
    let total: f64 = charges.iter().map(|charge| charge.usd).sum();
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="Charges" { table {
            caption { "All measured executions together" }
            thead {
                tr {
                    th scope="col" { "Charge" }
                    th.number scope="col" { "Amount" }
                    th.number scope="col" { "Cost" }
                    th scope="col" { "Share" }
                }
            }
            tbody {
                @for charge in &charges {
                    @let share = if total > 0.0 { charge.usd / total } else { 0.0 };
                    tr {
                        th scope="row" { (charge.what) }
                        td.number { (charge.amount) }
                        td.number { (figures::usd(charge.usd)) }
                        td { (bar(share)) }
                    }
                }
            }
            tfoot { tr { th scope="row" { "Together" } td {} td.number { (figures::usd(total)) } td {} } }
        } }
        p.small {
            "Prices of " (report.run.prices.as_of) ": " (report.run.prices.gb_second_usd) " USD a GB-second, "
            (report.run.prices.request_usd) " USD a request, " (report.run.prices.transition_usd) " USD a state transition. "
            "Not included: S3, logs, data transfer, X-Ray, the free tier, warm-ups, and executions that failed."
        }
        details { summary { "Each execution" } (each(&costs)) }
    };
    (!costs.is_empty()).then_some(Section { id: "cost", title: "Cost on AWS", content })
}

fn charges(report: &RunReport, costs: &[(&str, Cost)]) -> [Charge; 3] {
    let prices = &report.run.prices;
    let gb_seconds: f64 = costs.iter().map(|(_, cost)| cost.gb_seconds).sum();
    let requests: u64 = costs.iter().map(|(_, cost)| cost.requests).sum();
    let transitions: u64 = costs.iter().map(|(_, cost)| cost.transitions).sum();
    [
        Charge {
            what: "GB-seconds of the function",
            amount: format!("{gb_seconds:.1}"),
            usd: prices.usd(gb_seconds, 0.0, 0.0),
        },
        Charge { what: "Requests", amount: requests.to_string(), usd: prices.usd(0.0, requests as f64, 0.0) },
        Charge {
            what: "State transitions",
            amount: transitions.to_string(),
            usd: prices.usd(0.0, 0.0, transitions as f64),
        },
    ]
}

/// A share as a bar with its number.
pub(super) fn bar(share: f64) -> Markup {
    html! {
        span.share {
            svg.part width="100%" height="12" aria-hidden="true" focusable="false" {
                rect.whole width="100%" height="12" {}
                rect.of-whole width=(format!("{:.2}%", share * 100.0)) height="12" {}
            }
            span { (figures::share(share)) }
        }
    }
}

fn each(costs: &[(&str, Cost)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Cost of each execution" {
            table {
                thead {
                    tr {
                        th scope="col" { "Render" }
                        th.number scope="col" { "Function" }
                        th.number scope="col" { "GB-seconds" }
                        th.number scope="col" { "Requests" }
                        th.number scope="col" { "Transitions" }
                        th.number scope="col" { "Cost" }
                    }
                }
                tbody {
                    @for (label, cost) in costs {
                        tr {
                            th scope="row" { (label) }
                            td.number { (figures::seconds(cost.function_ms as f64)) }
                            td.number { (format!("{:.1}", cost.gb_seconds)) }
                            td.number { (cost.requests) }
                            td.number { (cost.transitions) }
                            td.number { (figures::usd(cost.usd)) }
                        }
                    }
                }
            }
        }
    }
}
