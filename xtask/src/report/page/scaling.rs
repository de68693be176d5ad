//! How time, cost and efficiency depend on the number of chunks: measured, ideal, and predicted
//! by a model. For eval also this machine compared with Lambda.

use std::collections::BTreeMap;

use execution_history::time_spent::median;
use maud::{Markup, html};

use crate::{
    eval::{
        case::{Case, group},
        sample::Start,
        scaling::predict::{Prediction, Standing},
        statistics::Summary,
    },
    report::{
        RunReport,
        page::{
            self,
            Head::{Name, Number},
            Section,
            plot::{LABELS, Marker, Plot, Side, drawing, percent, pixels, tick},
            scale::Scale,
        },
        render::RenderReport,
    },
};

/// Predictions are drawn up to this many times the highest measured count: more would leave too
/// little space for the measurements. The table contains all of them.
const DRAWN_UP_TO: f64 = 4.0;

/// The samples of one fixture, in a sweep of memory with one of the sizes, by chunk count.
struct Sweep {
    name: String,
    counts: BTreeMap<u64, Vec<Sample>>,
    predictions: Vec<Prediction>,
}

#[derive(Clone, Copy)]
struct Sample {
    wall_ms: f64,
    usd: Option<f64>,
    cold: bool,
}

/// Three plots and a table for each fixture that was rendered at several counts.
pub(crate) fn chunk_counts_section(report: &RunReport) -> Option<Section> {
    let sweeps = report.groups().into_iter().map(|(fixture, memory_mb)| sweep(report, fixture, memory_mb));
    let sweeps: Vec<Sweep> = sweeps.filter(|sweep| sweep.counts.len() > 1).collect();
    let content = html! {
        ul.legend aria-label="What the marks mean" {
            li { (key(&html! { circle.lambda r="4" {} })) "measured" }
            li { (key(&html! { circle.lambda.hollow r="4" {} })) "measured, with a cold start" }
            li { (key(&html! { line.through x1="-12" x2="12" {} })) "medians" }
            li { (key(&html! { line.ideal x1="-12" x2="12" {} })) "ideal: half the time with twice the chunks" }
            @if sweeps.iter().any(|sweep| !sweep.predictions.is_empty()) {
                li { (key(&html! { path.predicted.hollow d="M0-5.5L5.5 0L0 5.5L-5.5 0Z" {} })) "predicted by the model, not measured" }
            }
        }
        @for sweep in &sweeps {
            h3 { (sweep.name) }
            div.trio {
                (sweep.plot("Wall-clock, s", |sample| Some(sample.wall_ms / 1000.0), Some(&|n| sweep.ideal_ms(n) / 1000.0), |p| p.wall_ms / 1000.0))
                (sweep.plot("Cost per execution, USD", |sample| sample.usd, None, |p| p.usd))
                (sweep.efficiency())
            }
            details { summary { "As a table" } (sweep.table()) }
            @match report.scaling.get(&sweep.name) {
                Some(Ok(scaling)) => {
                    p { strong { "Fastest: " } (scaling.recommendation.fastest) ". "
                        strong { "Cheapest within 10 % of it: " } (scaling.recommendation.cheapest_near_fastest) "." }
                    p.small { (scaling.recommendation.among) }
                }
                Some(Err(reason)) => p.small { "No model: " (reason) },
                None => {}
            }
        }
    };
    (!sweeps.is_empty()).then_some(Section { id: "scaling", title: "By number of chunks", content })
}

fn key(shape: &Markup) -> Markup {
    html! { svg.key width="28" height="16" aria-hidden="true" focusable="false" { g.mark transform="translate(14 8)" { (shape) } } }
}

fn sweep(report: &RunReport, fixture: &str, memory_mb: Option<u32>) -> Sweep {
    let mut counts: BTreeMap<u64, Vec<Sample>> = BTreeMap::new();
    let is_of_sweep = |render: &&RenderReport| render.fixture == fixture && render.row.id.memory_mb == memory_mb;
    for render in report.renders.iter().filter(is_of_sweep) {
        counts.entry(render.row.planned_chunk_count.max(1)).or_default().push(Sample {
            wall_ms: render.row.wall_clock_ms as f64,
            usd: render.row.cost.as_ref().map(|cost| cost.usd),
            cold: render.start == Start::Cold,
        });
    }
    let name = group(fixture, memory_mb);
    let predictions = match report.scaling.get(&name) {
        Some(Ok(scaling)) => scaling.predictions.clone(),
        Some(Err(_)) | None => Vec::new(),
    };
    Sweep { name, counts, predictions }
}

impl Sweep {
    fn median_of(&self, count: u64, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(&self.counts.get(&count)?.iter().filter_map(value).collect::<Vec<f64>>())
    }

    /// The time of the lowest count divided evenly among more chunks, ms.
    fn ideal_ms(&self, count: f64) -> f64 {
        let least = self.counts.keys().next().copied().unwrap_or(1);
        self.median_of(least, |sample| Some(sample.wall_ms)).unwrap_or(0.0) * least as f64 / count
    }

    fn counts_scale(&self) -> Scale {
        let ends = |of: Option<&u64>| of.copied().unwrap_or(1) as f64;
        let (least, most) = (ends(self.counts.keys().next()), ends(self.counts.keys().next_back()));
        let predicted = self.drawn().map(|prediction| f64::from(prediction.chunks.get())).fold(most, f64::max);
        // Space for half a mark at either end.
        Scale::doubling(least / 1.12, predicted * 1.12)
    }

    /// The predictions at counts that were not measured, as far as they are drawn.
    fn drawn(&self) -> impl Iterator<Item = &Prediction> {
        let most = self.counts.keys().next_back().copied().unwrap_or(1) as f64 * DRAWN_UP_TO;
        let is_unmeasured = |prediction: &&Prediction| prediction.standing != Standing::Measured;
        self.predictions.iter().filter(is_unmeasured).filter(move |p| f64::from(p.chunks.get()) <= most)
    }

    fn plot(
        &self,
        title: &str,
        value: impl Fn(&Sample) -> Option<f64>,
        ideal: Option<&dyn Fn(f64) -> f64>,
        predicted: impl Fn(&Prediction) -> f64,
    ) -> Markup {
        let values = || self.counts.iter().flat_map(|(n, samples)| samples.iter().map(move |sample| (*n, sample)));
        let measured = values().filter_map(|(_, sample)| value(sample));
        let greatest = measured.chain(self.drawn().map(&predicted)).fold(0.0, f64::max);
        let mut plot = self.empty_plot(greatest);
        if let Some(ideal) = ideal {
            let (from, to) = (self.counts.keys().next().copied().unwrap_or(1) as f64, self.counts_scale().end());
            plot.line(
                (0..=40).map(|step| from * (to / from).powf(f64::from(step) / 40.0)).map(|n| (n, ideal(n))),
                "ideal",
            );
        }
        let medians = self.counts.keys().filter_map(|n| Some((*n as f64, self.median_of(*n, &value)?)));
        plot.line(medians, "through");
        for (n, sample) in values() {
            let Some(of_sample) = value(sample) else { continue };
            let marker = if sample.cold { Marker::Ring } else { Marker::Dot };
            plot.mark((n as f64, of_sample), marker, "lambda", &format!("{n} chunks: {of_sample:.5}"));
        }
        self.mark_predictions(&mut plot, |prediction| {
            let value = predicted(prediction);
            (value, format!("{value:.5}"))
        });
        let description = format!("{title} of {} by number of chunks", self.name);
        html! { figure { figcaption { (title) } (plot.draw(&description)) } }
    }

    /// How close N chunks come to N times the speed.
    fn efficiency(&self) -> Markup {
        let share = |n: f64, wall_ms: f64| if wall_ms > 0.0 { 100.0 * self.ideal_ms(n) / wall_ms } else { 0.0 };
        let mut plot = self.empty_plot(100.0);
        plot.limit(100.0, "", Side::Above, "ideal");
        let medians = || self.counts.keys().filter_map(|n| Some((*n, self.median_of(*n, |s| Some(s.wall_ms))?)));
        plot.line(medians().map(|(n, ms)| (n as f64, share(n as f64, ms))), "through");
        for (n, ms) in medians() {
            let at = share(n as f64, ms);
            plot.mark((n as f64, at), Marker::Dot, "lambda", &format!("{n} chunks: {at:.0} %"));
        }
        self.mark_predictions(&mut plot, |prediction| {
            let value = share(f64::from(prediction.chunks.get()), prediction.wall_ms);
            (value, format!("{value:.0} %"))
        });
        let description = format!("Parallel efficiency of {} by number of chunks, percent", self.name);
        html! { figure { figcaption { "Efficiency, %" } (plot.draw(&description)) } }
    }

    /// A plot by chunk count, with its axes.
    fn empty_plot(&self, greatest: f64) -> Plot {
        let x = self.counts_scale();
        let mut plot = Plot::new(x, Scale::linear(0.0, greatest * 1.06), 150.0);
        plot.levels(4);
        plot.ticks(&self.ticks(&x));
        plot
    }

    /// Marks the predictions; `shown` returns the value and its text.
    fn mark_predictions(&self, plot: &mut Plot, shown: impl Fn(&Prediction) -> (f64, String)) {
        for prediction in self.drawn() {
            let (n, (value, text)) = (prediction.chunks, shown(prediction));
            let tooltip = format!("{n} chunks: {text}, {}", prediction.standing);
            plot.mark((f64::from(n.get()), value), Marker::Diamond, "predicted", &tooltip);
        }
    }

    /// The measured and the predicted counts, as far as there is space.
    fn ticks(&self, x: &Scale) -> Vec<(f64, String)> {
        const APART: f64 = 0.09;
        let predicted = self.drawn().map(|prediction| f64::from(prediction.chunks.get()));
        let mut ticks: Vec<f64> = Vec::new();
        for n in self.counts.keys().map(|n| *n as f64).chain(predicted) {
            if ticks.iter().all(|other| (x.at(*other) - x.at(n)).abs() > APART) {
                ticks.push(n);
            }
        }
        ticks.sort_by(f64::total_cmp);
        ticks.into_iter().map(|n| (n, format!("{n}"))).collect()
    }

    fn table(&self) -> Markup {
        let mut counts: Vec<u64> = self.counts.keys().copied().collect();
        counts.extend(self.predictions.iter().map(|prediction| u64::from(prediction.chunks.get())));
        counts.sort_unstable();
        counts.dedup();
        let predicted = !self.predictions.is_empty();
        let prediction = |n: u64| self.predictions.iter().find(move |p| u64::from(p.chunks.get()) == n);
        let rows = page::rows(counts, |n| {
            html! {
                @let of_model = prediction(n);
                th.number scope="row" { (n) }
                td.number { (self.median_of(n, |s| Some(s.wall_ms)).map_or("–".to_owned(), page::seconds)) }
                td.number { (self.median_of(n, |s| s.usd).map_or("–".to_owned(), page::usd)) }
                @if predicted {
                    td.number { (of_model.map_or("–".to_owned(), |p| page::seconds(p.wall_ms))) }
                    td.number { (of_model.map_or("–".to_owned(), Prediction::likely)) }
                    td.number { (of_model.map_or("–".to_owned(), |p| page::usd(p.usd))) }
                    td { (of_model.map_or("measured".to_owned(), |p| p.standing.to_string())) }
                }
            }
        });
        let measured = ["Chunks", "Wall-clock, median", "Cost, median"].map(Number);
        let of_model = [Number("Predicted"), Number("Likely"), Number("Predicted cost"), Name("Basis")];
        let shown = if predicted { &of_model[..] } else { &[] };
        page::table(&format!("Chunk counts of {}", self.name), "", &[&measured[..], shown].concat(), &rows)
    }
}

// Eval: this machine compared with Lambda; every sample is a mark.

/// The height of a row, px: its label above its marks.
const ROW: f64 = 38.0;

/// One way of rendering a fixture.
struct Leg<'a> {
    label: String,
    class: &'static str,
    /// On Lambda.
    case: Option<&'a Case>,
    /// The time, ms, and whether functions had to be started.
    samples: Vec<(f64, bool)>,
}

/// Eval: the local renders and the executions, with a plot and a table for each fixture.
pub(crate) fn legs_section(report: &RunReport) -> Option<Section> {
    let fixtures: Vec<(&str, Vec<Leg<'_>>)> =
        report.run.fixtures().into_iter().map(|fixture| (fixture, legs(report, fixture))).collect();
    let content = html! {
        ul.legend aria-label="What the marks mean" {
            li { (key(&html! { circle.local r="4" {} })) "one sample" }
            li { (key(&html! { circle.lambda.hollow r="4" {} })) "a sample with a cold start" }
            li { (key(&html! { line.median y1="-7" y2="7" {} })) "median" }
            li { (key(&html! { line.range x1="-10" x2="10" {} })) "range from the fastest to the slowest" }
        }
        @for (fixture, legs) in &fixtures {
            @if !legs.is_empty() {
                figure {
                    figcaption { (fixture) ": wall-clock, s" }
                    (draw(fixture, legs))
                    details open[fixtures.len() <= 3] { summary { "As a table" } (table(fixture, legs)) }
                }
            }
        }
    };
    let any = report.run.is_eval() && fixtures.iter().any(|(_, legs)| !legs.is_empty());
    any.then_some(Section { id: "legs", title: "This machine and Lambda", content })
}

fn legs<'a>(report: &'a RunReport, fixture: &'a str) -> Vec<Leg<'a>> {
    let local = report.local.iter().filter(|local| local.fixture == fixture);
    let here: Vec<(f64, bool)> = local.filter_map(|l| Some((l.outcome.done()?.wall_ms as f64, false))).collect();
    let label = || "in-process, this machine".to_owned();
    let here = (!here.is_empty()).then(|| Leg { label: label(), class: "local", case: None, samples: here });
    let of_case = |case: &'a Case| {
        let renders = report.renders_of(fixture, case.render);
        let samples = renders.map(|render| (render.row.wall_clock_ms as f64, render.start == Start::Cold)).collect();
        Leg { label: format!("Lambda, {}", case.render), class: "lambda", case: Some(case), samples }
    };
    let cases = report.cases.iter().filter(|case| case.fixture == fixture).map(of_case);
    here.into_iter().chain(cases.filter(|leg| !leg.samples.is_empty())).collect()
}

fn draw(fixture: &str, legs: &[Leg<'_>]) -> Markup {
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
                text.note x="100%" y=(pixels(top + 12.0)) text-anchor="end" { "median " (page::seconds(of_leg.median)) }
                line.mark.range x1=(at(of_leg.min)) x2=(at(of_leg.max)) y1=(y) y2=(y) {}
                line.mark.median x1=(at(of_leg.median)) x2=(at(of_leg.median)) y1=(pixels(top + 18.0)) y2=(pixels(top + 34.0)) {}
            }
            @for (ms, cold) in &leg.samples {
                circle.mark.(leg.class).hollow[*cold] cx=(at(*ms)) cy=(y) r="4" {
                    title { (page::seconds(*ms)) @if *cold { ", cold" } }
                }
            }
        }
    };
    drawing(
        &format!("Wall-clock of {fixture} on this machine and on Lambda, every sample"),
        height + LABELS + 6.0,
        &marks,
    )
}

fn summary(leg: &Leg<'_>) -> Option<Summary> {
    Summary::of(&leg.samples.iter().map(|(ms, _)| *ms).collect::<Vec<f64>>())
}

fn table(fixture: &str, legs: &[Leg<'_>]) -> Markup {
    let summaries = legs.iter().filter_map(|leg| Some((leg, summary(leg)?)));
    let rows = page::rows(summaries, |(leg, of_leg)| {
        html! {
            th scope="row" { (leg.label) }
            td.number { (of_leg.count) }
            td.number { (page::seconds(of_leg.median)) }
            td.number { (page::seconds(of_leg.min)) }
            td.number { (page::seconds(of_leg.max)) }
            td.number { (leg.samples.iter().filter(|(_, cold)| *cold).count()) }
            td.number { (speedup(leg.case)) }
        }
    });
    let figures = ["Samples", "Median", "Fastest", "Slowest", "Cold", "Speed-up over this machine"].map(Number);
    page::table(&format!("Samples of {fixture}"), "", &[&[Name("Where")], &figures[..]].concat(), &rows)
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
