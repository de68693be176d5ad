//! The page of all runs: time, cost, and quality over the runs of each command and its fixtures. Pure.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::{
    console::text::counted,
    report::{
        history::Entry,
        page::{
            self,
            Head::{Name, Number},
            Section, document,
            plot::{Marker, Plot},
            scale::Scale,
        },
    },
};

/// The height of a plot, px.
const HEIGHT: f64 = 140.0;

/// What is drawn of each run: its name, its unit, and its value.
type Figure = (&'static str, &'static str, fn(&Entry) -> Option<f64>);

const FIGURES: [Figure; 3] = [
    ("Median wall-clock", "s", |entry| Some(entry.median_wall_ms? / 1000.0)),
    ("Cost of all executions", "USD", |entry| entry.usd),
    ("Lowest mean PSNR", "dB", |entry| entry.lowest_psnr_db),
];

/// The whole page; the oldest run comes first.
pub fn page(entries: &[Entry]) -> String {
    let mut groups: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        // Figures of other fixtures, or of another AWS, are no trend.
        groups
            .entry(format!("{} {}, {}", entry.command, entry.fixtures.join(", "), entry.target))
            .or_default()
            .push(entry);
    }
    let trends = html! {
        @for (name, runs) in &groups {
            h3 { (name) }
            @for figure in &FIGURES { (trend(figure, runs)) }
        }
    };
    let sections = [
        Section { id: "trends", title: "Trends", content: trends },
        Section { id: "runs", title: "All runs", content: list(entries) },
    ];
    let top = html! {
        header {
            p.kicker { "lambda-history" }
            h1 { (counted(entries.len(), "run")) }
        }
    };
    document("Runs", &top, &sections, &html! { "Written by cargo xtask lambda-history." })
}

fn trend((name, unit, value): &Figure, runs: &[&Entry]) -> Markup {
    let values: Vec<(f64, f64, &Entry)> =
        runs.iter().enumerate().filter_map(|(nth, run)| Some((nth as f64, value(run)?, *run))).collect();
    if values.is_empty() {
        return html! {};
    }
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), (_, y, _)| (low.min(*y), high.max(*y)));
    // So that a constant figure is a line in the middle, and small differences are not blown up.
    let margin = ((high - low) * 0.1).max(high.abs() * 0.05).max(f64::MIN_POSITIVE);
    let bottom = (low - margin).max(0.0);
    let mut plot =
        Plot::new(Scale::linear(-0.5, runs.len() as f64 - 0.5), Scale::linear(bottom, high + margin), HEIGHT);
    plot.levels(4);
    let every = runs.len().div_ceil(8);
    // Month, day, and time.
    let label = |(nth, run): (usize, &&Entry)| (nth as f64, run.time().chars().skip(5).collect::<String>());
    let ticks: Vec<(f64, String)> = runs.iter().enumerate().step_by(every).map(label).collect();
    // Below what is drawn, so that no line crosses a dot.
    plot.ticks(&ticks);
    plot.line(values.iter().map(|(x, y, _)| (*x, *y)), "lambda");
    for (x, run) in runs.iter().enumerate().filter(|(_, run)| value(run).is_none() && !run.passed()) {
        let tooltip = format!("{}: nothing measured, {}, {}", run.time(), run.verdict, run.short_commit());
        plot.mark((x as f64, bottom), Marker::Cross, "bad", &tooltip);
    }
    for (x, y, run) in &values {
        let (marker, class) = if run.passed() { (Marker::Dot, "lambda") } else { (Marker::Cross, "bad") };
        let tooltip = format!("{}: {y:.4} {unit}, {}, {}", run.time(), run.verdict, run.short_commit());
        plot.mark((*x, *y), marker, class, &tooltip);
    }
    let caption = format!("{name} ({unit})");
    html! {
        figure {
            figcaption { (caption) " · a dot passed, a cross did not, and at the bottom it measured nothing" }
            (plot.draw(&caption))
        }
    }
}

fn list(entries: &[Entry]) -> Markup {
    let rows = page::rows(entries.iter().rev(), |run| {
        html! {
            td { (run.time()) }
            td { code { (run.run_id) } }
            td { (run.command) " " (run.fixtures.join(", ")) }
            td { code { (run.short_commit()) } }
            td { (run.verdict) }
            @for figure in run.figures() { td.number { (figure) } }
            td { (run.target) }
            td { (run.versions.join("; ")) }
        }
    });
    let names = ["Began (UTC)", "Run", "What", "Commit", "Verdict"].map(Name);
    let numbers = ["Median", "Lowest PSNR", "Cost"].map(Number);
    let head = [&names[..], &numbers, &["Target", "Versions"].map(Name)].concat();
    page::table("All runs", "", &head, &rows)
}
