//! What an execution did when: a lane for each step, 1 chunk to 256.

use maud::{Markup, html};

use super::{
    figures,
    lanes::{Bar, BarKind, Lane, lanes, name},
};
use crate::{
    history::{Attempt, Step, Timeline},
    report::svg::{LABELS, Scale, drawing, percent, pixels, tick},
};

/// A lane of its own label needs so many pixels.
const LABELLED: f64 = 14.0;

/// Plan's and Assemble's lanes, px.
const STEP: f64 = 22.0;

/// The timeline, and as a table.
pub(super) fn figure(label: &str, ran: &Timeline) -> Markup {
    let lanes = lanes(ran);
    html! {
        figure.timeline {
            figcaption { "What the execution did when" }
            (drawn(label, ran, &lanes))
            details { summary { "Every call as a table" } (table(label, ran)) }
        }
    }
}

/// What the bars of all timelines mean.
pub(super) fn legend() -> Markup {
    let entry = |class: &str, text: &str| {
        html! {
            li {
                svg.key width="28" height="14" aria-hidden="true" focusable="false" { rect.bar.(class) x="1" y="2" width="26" height="10" {} }
                (text)
            }
        }
    };
    html! {
        ul.legend aria-label="What the bars of a timeline mean" {
            (entry("queue", "queued"))
            (entry("start", "cold start and answer: what of a call is not the handler's"))
            (entry("work", "the handler's own time"))
            (entry("failed", "a call that failed"))
            li {
                svg.key width="28" height="14" aria-hidden="true" focusable="false" { path.rail d="M1 3H14V11H27" {} }
                "critical path"
            }
        }
    }
}

fn drawn(label: &str, ran: &Timeline, lanes: &[Lane]) -> Markup {
    let chunks = lanes.iter().filter(|lane| matches!(lane.step, Step::Chunk(_))).count();
    let pitch = pitch(chunks);
    let x = Scale::linear(0.0, ran.duration_ms as f64 / 1000.0);
    let (mut top, mut tops) = (0.0, Vec::new());
    for lane in lanes {
        let height = if matches!(lane.step, Step::Chunk(_)) { pitch } else { STEP };
        tops.push((top, height));
        top += height;
    }
    let marks = html! {
        @for (value, text) in x.labelled_ticks(6) { (tick(x.at(value), top, &format!("{text} s"), false)) }
        @for (lane, at) in lanes.iter().zip(&tops) {
            @if is_labelled(lane.step, at.1) {
                text.tick x="-6" y=(pixels(at.0 + at.1 / 2.0 + 4.0)) text-anchor="end" { (name(lane.step)) }
            }
            @for bar in &lane.bars { (drawn_bar(bar, *at, &x)) }
        }
        (rail(lanes, &tops, &x))
    };
    let told = format!("Timeline of {label}: {}, from {chunks} chunks", figures::seconds(ran.duration_ms as f64));
    drawing(&told, top + LABELS + 6.0, &marks)
}

/// A chunk's lane, px: 256 of them still fit a screen or two.
fn pitch(chunks: usize) -> f64 {
    match chunks {
        0..=12 => 22.0,
        13..=32 => 14.0,
        33..=64 => 9.0,
        65..=128 => 6.0,
        _ => 4.0,
    }
}

/// Of lanes that are lower than a line of text, every so many are labelled.
fn is_labelled(step: Step, height: f64) -> bool {
    let Step::Chunk(index) = step else { return true };
    let every = [1, 2, 4, 8].into_iter().find(|every| *every as f64 * height >= LABELLED).unwrap_or(8);
    index % every == 0
}

fn drawn_bar(bar: &Bar, (top, height): (f64, f64), x: &Scale) -> Markup {
    let (from, to) = (x.at(bar.from_ms as f64 / 1000.0), x.at(bar.to_ms as f64 / 1000.0));
    let gap = if height >= LABELLED { 3.0 } else { 0.5 };
    let class = match bar.kind {
        BarKind::Queue => "queue",
        BarKind::Start => "start",
        BarKind::Work => "work",
        BarKind::Failed => "failed",
    };
    html! {
        rect.mark.bar.(class) x=(percent(from)) width=(percent(to - from)) y=(pixels(top + gap))
            height=(pixels(height - 2.0 * gap)) { title { (bar.told) } }
    }
}

/// The critical path: along the foot of each step's lane, and from one to the next.
fn rail(lanes: &[Lane], tops: &[(f64, f64)], x: &Scale) -> Markup {
    let foot = |(top, height): (f64, f64)| top + height - 1.0;
    let on_path = lanes.iter().zip(tops).filter_map(|(lane, at)| Some((lane.critical?, foot(*at))));
    let path: Vec<((u64, u64), f64)> = on_path.collect();
    let share = |ms: u64| percent(x.at(ms as f64 / 1000.0));
    html! {
        @for ((from, to), y) in &path {
            line.rail x1=(share(*from)) x2=(share(*to)) y1=(pixels(*y)) y2=(pixels(*y)) {}
        }
        @for pair in path.windows(2) {
            line.rail x1=(share(pair[0].0.1)) x2=(share(pair[0].0.1)) y1=(pixels(pair[0].1)) y2=(pixels(pair[1].1)) {}
        }
    }
}

fn table(label: &str, ran: &Timeline) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Calls of " (label) } {
            table {
                thead {
                    tr {
                        th scope="col" { "Step" }
                        th.number scope="col" { "Scheduled at" }
                        th.number scope="col" { "Queued" }
                        th.number scope="col" { "Start, answer" }
                        th.number scope="col" { "Handler" }
                        th.number scope="col" { "Call" }
                        th scope="col" { "Ended" }
                    }
                }
                tbody { @for attempt in &ran.attempts { (call(attempt)) } }
            }
        }
    }
}

fn call(attempt: &Attempt) -> Markup {
    let or_dash = |ms: Option<u64>| ms.map_or("–".to_owned(), |ms| figures::seconds(ms as f64));
    html! {
        tr {
            th scope="row" { (name(attempt.step)) }
            td.number { (figures::seconds(attempt.scheduled_ms as f64)) }
            td.number { (figures::seconds(attempt.queue_ms() as f64)) }
            td.number { (or_dash(attempt.overhead_ms())) }
            td.number { (or_dash(attempt.handler_ms)) }
            td.number { (figures::seconds(attempt.run_ms() as f64)) }
            td {
                @match (&attempt.error, attempt.ended_ms) {
                    (Some(error), _) => { "✕ " (error) }
                    (None, Some(_)) => "well",
                    (None, None) => "not at all",
                }
            }
        }
    }
}
