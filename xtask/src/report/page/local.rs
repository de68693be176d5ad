//! Of eval: this machine against Lambda, every sample a mark.

use maud::{Markup, html};

use super::{Section, figures};
use crate::{
    benchmark::{Case, Start},
    report::svg::{LABELS, Scale, drawing, percent, pixels, tick},
    statistics::Summary,
    story::RunReport,
};

/// A row's height, px: its label above its marks.
const ROW: f64 = 38.0;

/// One leg of a fixture.
struct Leg {
    label: String,
    class: &'static str,
    /// ms, and whether functions had to be started for it.
    samples: Vec<(f64, bool)>,
}

/// A plot and a table for each fixture.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let fixtures: Vec<(&str, Vec<Leg>)> =
        report.run.fixtures().into_iter().map(|fixture| (fixture, legs(report, fixture))).collect();
    let content = html! {
        ul.legend aria-label="What the marks mean" {
            li { (key(&html! { circle.local r="4" {} })) "one sample" }
            li { (key(&html! { circle.lambda.hollow r="4" {} })) "one that waited for a cold start" }
            li { (key(&html! { line.median y1="-7" y2="7" {} })) "median" }
            li { (key(&html! { line.range x1="-10" x2="10" {} })) "from the fastest to the slowest" }
        }
        @for (fixture, legs) in &fixtures {
            @if !legs.is_empty() {
                figure {
                    figcaption { (fixture) ": wall-clock, s" }
                    (drawn(fixture, legs))
                    details open[fixtures.len() <= 3] { summary { "As a table" } (table(report, fixture, legs)) }
                }
            }
        }
    };
    let any = report.run.is_eval() && fixtures.iter().any(|(_, legs)| !legs.is_empty());
    any.then_some(Section { id: "legs", title: "Here against Lambda", content })
}

fn key(shape: &Markup) -> Markup {
    html! { svg.key width="28" height="16" aria-hidden="true" focusable="false" { g.mark transform="translate(14 8)" { (shape) } } }
}

fn legs(report: &RunReport, fixture: &str) -> Vec<Leg> {
    let local = report.local.iter().filter(|local| local.fixture == fixture);
    let here: Vec<(f64, bool)> = local.filter_map(|l| Some((l.outcome.done()?.wall_ms as f64, false))).collect();
    let here = (!here.is_empty()).then(|| Leg { label: "in-process, here".to_owned(), class: "local", samples: here });
    let of_case = |case: &Case| {
        let renders = report.renders_of(fixture, case.render);
        let samples = renders.map(|render| (render.row.wall_clock_ms as f64, render.start == Start::Cold)).collect();
        Leg { label: format!("Lambda, {}", case.render), class: "lambda", samples }
    };
    let cases = report.cases.iter().filter(|case| case.fixture == fixture).map(of_case);
    here.into_iter().chain(cases.filter(|leg| !leg.samples.is_empty())).collect()
}

fn drawn(fixture: &str, legs: &[Leg]) -> Markup {
    let slowest = legs.iter().flat_map(|leg| leg.samples.iter().map(|(ms, _)| *ms)).fold(0.0, f64::max);
    let x = Scale::linear(0.0, slowest / 1000.0 * 1.04);
    let height = legs.len() as f64 * ROW;
    let at = |ms: f64| percent(x.at(ms / 1000.0));
    let marks = html! {
        @for (value, text) in x.labelled_ticks(6) { (tick(x.at(value), height, &format!("{text} s"), false)) }
        @for (nth, leg) in legs.iter().enumerate() {
            @let top = nth as f64 * ROW;
            @let y = pixels(top + 26.0);
            text.note x="0%" y=(pixels(top + 12.0)) { (leg.label) }
            @if let Some(of_leg) = summary(leg) {
                text.note x="100%" y=(pixels(top + 12.0)) text-anchor="end" { "median " (figures::seconds(of_leg.median)) }
                line.mark.range x1=(at(of_leg.min)) x2=(at(of_leg.max)) y1=(y) y2=(y) {}
                line.mark.median x1=(at(of_leg.median)) x2=(at(of_leg.median)) y1=(pixels(top + 18.0)) y2=(pixels(top + 34.0)) {}
            }
            @for (ms, cold) in &leg.samples {
                circle.mark.(leg.class).hollow[*cold] cx=(at(*ms)) cy=(y) r="4" {
                    title { (figures::seconds(*ms)) @if *cold { ", cold" } }
                }
            }
        }
    };
    drawing(&format!("Wall-clock of {fixture} here and on Lambda, every sample"), height + LABELS + 6.0, &marks)
}

fn summary(leg: &Leg) -> Option<Summary> {
    Summary::of(&leg.samples.iter().map(|(ms, _)| *ms).collect::<Vec<f64>>())
}

fn table(report: &RunReport, fixture: &str, legs: &[Leg]) -> Markup {
    let cases = || report.cases.iter().filter(|case| case.fixture == fixture);
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Samples of " (fixture) } {
            table {
                thead {
                    tr {
                        th scope="col" { "Where" }
                        th.number scope="col" { "Samples" }
                        th.number scope="col" { "Median" }
                        th.number scope="col" { "Fastest" }
                        th.number scope="col" { "Slowest" }
                        th.number scope="col" { "Cold" }
                        th.number scope="col" { "Times as fast as here" }
                    }
                }
                tbody {
                    @for leg in legs {
                        @if let Some(of_leg) = summary(leg) {
                            tr {
                                th scope="row" { (leg.label) }
                                td.number { (of_leg.count) }
                                td.number { (figures::seconds(of_leg.median)) }
                                td.number { (figures::seconds(of_leg.min)) }
                                td.number { (figures::seconds(of_leg.max)) }
                                td.number { (leg.samples.iter().filter(|(_, cold)| *cold).count()) }
                                td.number { (speedup(cases().find(|case| leg.label.ends_with(&format!(", {}", case.render))))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn speedup(case: Option<&Case>) -> Markup {
    let speedup = case.and_then(|case| case.speedup);
    html! {
        @match speedup {
            Some(speedup) => {
                (format!("{:.2}", speedup.ratio))
                @if let Some(interval) = speedup.interval { (format!(" ({:.2} to {:.2})", interval.low, interval.high)) }
            }
            None => "–",
        }
    }
}
