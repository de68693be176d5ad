//! A sweep of memory: time and cost by memory and chunk count as heat maps, and what to choose.

use execution_history::chunking::RenderId;
use maud::{Markup, html};

use crate::{
    eval::{case::Case, tuning::Tuning},
    report::{
        RunReport,
        columns::Cell,
        distinct,
        page::{
            self,
            Head::{Name, Number},
            Section,
            plot::{Marker, Plot},
            scale::Scale,
        },
    },
};

/// How many shades of a heat map there are; the least value has none.
const SHADES: f64 = 5.0;

/// Two heat maps, the frontier of time and cost, and the choices for each fixture.
pub(crate) fn section(report: &RunReport) -> Option<Section> {
    let content = html! {
        p.small { "Medians of the warm executions, if there are any. The darker a cell, the slower, or the more expensive." }
        @for (fixture, tuning) in &report.tuning {
            @let cases: Vec<&Case> = report.cases.iter().filter(|case| case.fixture == *fixture).collect();
            h3 { (fixture) }
            div.trio {
                (heat_map("Wall-clock", &cases, |case| Some(case.steady_ms()?.median), Cell::Ms))
                (heat_map("Cost of an execution, USD", &cases, |case| Some(case.usd?.median), Cell::Usd))
                (frontier(fixture, &cases, tuning))
            }
            ul {
                @for (what, choice) in tuning.choices() { li { strong { (what) ": " } (choice) } }
            }
            p.small {
                "Balanced is the least sum of time and cost, each as a share of the greatest one, as AWS Lambda Power \
                 Tuning has it."
            }
        }
    };
    (!report.tuning.is_empty()).then_some(Section { id: "memory", title: "By memory and number of chunks", content })
}

/// A value of each case, by memory and chunk count.
fn heat_map(title: &str, cases: &[&Case], of: fn(&Case) -> Option<f64>, shown: fn(f64) -> Cell) -> Markup {
    let memories = distinct(cases.iter().filter_map(|case| case.render.memory_mb));
    let counts = distinct(cases.iter().map(|case| case.render.chunks()));
    let values = || cases.iter().filter_map(|case| of(case));
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let shade = |value: f64| if most > least { (SHADES * (value - least) / (most - least)).ceil() } else { 0.0 };
    let cell = |memory_mb: u32, count: &str| {
        let is_it = |case: &&&Case| case.render.memory_mb == Some(memory_mb) && case.render.chunks() == count;
        cases.iter().find(is_it).and_then(|case| of(case))
    };
    let names: Vec<String> = counts.iter().map(|count| format!("N={count}")).collect();
    let head: Vec<_> = std::iter::once(Name("memory")).chain(names.iter().map(|name| Number(name))).collect();
    let rows = page::rows(memories, |memory_mb| {
        html! {
            th scope="row" { (memory_mb) " MB" }
            @for count in &counts {
                @match cell(memory_mb, count) {
                    Some(value) => td.number.{ "heat-" (shade(value)) } { (shown(value).text()) },
                    None => td.number { "–" },
                }
            }
        }
    });
    html! { figure.heat { figcaption { (title) } (page::table(title, "", &head, &rows)) } }
}

/// Every case by time and cost, with a line through those that no other one is both faster and cheaper than.
fn frontier(fixture: &str, cases: &[&Case], tuning: &Tuning) -> Markup {
    let at = |case: &&Case| Some((case.steady_ms()?.median / 1000.0, case.usd?.median, case.render));
    let points: Vec<(f64, f64, RenderId)> = cases.iter().filter_map(at).collect();
    let greatest = |of: fn(&(f64, f64, RenderId)) -> f64| points.iter().map(of).fold(0.0, f64::max);
    let x = Scale::linear(0.0, greatest(|point| point.0) * 1.06);
    let mut plot = Plot::new(x, Scale::linear(0.0, greatest(|point| point.1) * 1.06), 150.0);
    plot.levels(4);
    plot.ticks(&x.labelled_ticks(5).into_iter().map(|(value, text)| (value, format!("{text} s"))).collect::<Vec<_>>());
    plot.line(tuning.frontier.iter().map(|choice| (choice.ms / 1000.0, choice.usd)), "through");
    for (seconds, usd, render) in &points {
        let best = tuning.frontier.iter().any(|choice| choice.render == *render);
        let marker = if best { Marker::Dot } else { Marker::Ring };
        plot.mark((*seconds, *usd), marker, "lambda", &format!("{render}: {seconds:.1} s, {usd:.5} USD"));
    }
    let description =
        format!("Cost by time of {fixture}, with the frontier of what nothing is both faster and cheaper than");
    html! { figure { figcaption { "Cost by time, USD by s; filled: nothing is both faster and cheaper" } (plot.draw(&description)) } }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        eval::statistics::Summary,
        report::tests::{changed, files},
    };

    /// The sweep of chunk counts as if it had been measured with two sizes, of which the greater takes half the time.
    fn swept() -> RunReport {
        let run = |run: &mut serde_json::Value| run["memoryMb"] = json!([2048, 4096]);
        let mut report = RunReport::of(&changed("eval-sweep", "run.json", run)).unwrap();
        let with = |memory_mb: u32, share: f64| {
            report.cases.clone().into_iter().map(move |mut case| {
                case.render.memory_mb = Some(memory_mb);
                case.lambda_ms = case.steady_ms().and_then(|ms| Summary::of(&[ms.median * share]));
                case.warm_lambda_ms = None;
                case
            })
        };
        report.cases = with(2048, 1.0).chain(with(4096, 0.5)).collect();
        let fixture = report.cases[0].fixture.clone();
        report.tuning = [(fixture, Tuning::of(&report.cases).unwrap())].into();
        report
    }

    #[test]
    fn every_case_has_a_cell_in_both_maps_and_a_mark() {
        let report = swept();
        let html = section(&report).unwrap().content.into_string();
        for case in &report.cases {
            let (ms, usd) = (case.steady_ms().unwrap().median, case.usd.unwrap().median);
            for value in [Cell::Ms(ms), Cell::Usd(usd)] {
                assert!(html.contains(&format!(">{}</td>", value.text())), "{} has no {}", case.render, value.text());
            }
            assert!(html.contains(&format!("<title>{}: ", case.render)), "{} has no mark", case.render);
        }
        let shades = |shade: u32| html.matches(&format!("\"number heat-{shade}\"")).count();
        assert!(shades(0) >= 2 && shades(5) >= 2, "the least and the greatest of both maps");
        assert!(html.contains("<strong>balanced: </strong>4096 MB N="), "{html}");
    }

    #[test]
    fn without_a_sweep_there_is_no_section() {
        assert!(section(&RunReport::of(&files("eval-sweep")).unwrap()).is_none());
    }
}
