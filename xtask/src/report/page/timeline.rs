//! The timeline of an execution: a lane for each step, with 1 to 256 chunks.

use std::collections::BTreeMap;

use execution_history::{
    time_spent::critical_path,
    timeline::{Attempt, Step, Timeline},
};
use maud::{Markup, html};

use crate::report::page::{
    self,
    Head::{Name, Number},
    plot::{LABELS, drawing, percent, pixels, tick},
    scale::Scale,
    seconds,
};

/// The height that a lane needs for a label, px.
const LABELED: f64 = 14.0;

/// The height of the lanes of Plan and Assemble, px.
const STEP: f64 = 22.0;

/// The timeline as a plot and as a table.
pub(crate) fn figure(label: &str, ran: &Timeline) -> Markup {
    let lanes = lanes(ran);
    html! {
        figure.timeline {
            figcaption { "Timeline of the execution" }
            (draw(label, ran, &lanes))
            details { summary { "Every call as a table" } (table(label, ran)) }
        }
    }
}

pub(crate) fn legend() -> Markup {
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
            (entry("start", "cold start and response: the time of a call outside the handler"))
            (entry("work", "time in the handler"))
            (entry("failed", "failed call"))
            li {
                svg.key width="28" height="14" aria-hidden="true" focusable="false" { path.rail d="M1 3H14V11H27" {} }
                "critical path"
            }
        }
    }
}

fn draw(label: &str, ran: &Timeline, lanes: &[Lane]) -> Markup {
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
                text.tick x="-6" y=(pixels(at.0 + at.1 / 2.0 + 4.0)) text-anchor="end" { (lane.name) }
            }
            @for bar in &lane.bars { (draw_bar(bar, *at, &x)) }
        }
        (rail(lanes, &tops, &x))
    };
    let description = format!("Timeline of {label}: {}, {chunks} chunks", page::seconds(ran.duration_ms as f64));
    drawing(&description, top + LABELS + 6.0, &marks)
}

/// The height of a chunk's lane, px: 256 of them fit on two screens.
fn pitch(chunks: usize) -> f64 {
    match chunks {
        0..=12 => 22.0,
        13..=32 => 14.0,
        33..=64 => 9.0,
        65..=128 => 6.0,
        _ => 4.0,
    }
}

/// When lanes are lower than a line of text, only every second, fourth or eighth has a label.
fn is_labelled(step: Step, height: f64) -> bool {
    let Step::Chunk(index) = step else { return true };
    let every = [1, 2, 4, 8].into_iter().find(|every| *every as f64 * height >= LABELED).unwrap_or(8);
    index % every == 0
}

fn draw_bar(bar: &Bar, (top, height): (f64, f64), x: &Scale) -> Markup {
    let (from, to) = (x.at(bar.from_ms as f64 / 1000.0), x.at(bar.to_ms as f64 / 1000.0));
    let gap = if height >= LABELED { 3.0 } else { 0.5 };
    let class = match bar.kind {
        BarKind::Queue => "queue",
        BarKind::Start => "start",
        BarKind::Work => "work",
        BarKind::Failed => "failed",
    };
    html! {
        rect.mark.bar.(class) x=(percent(from)) width=(percent(to - from)) y=(pixels(top + gap))
            height=(pixels(height - 2.0 * gap)) { title { (bar.tooltip) } }
    }
}

/// The critical path: along the bottom of the lane of each step, and from one to the next.
fn rail(lanes: &[Lane], tops: &[(f64, f64)], x: &Scale) -> Markup {
    let bottom = |(top, height): (f64, f64)| top + height - 1.0;
    let on_path = lanes.iter().zip(tops).filter_map(|(lane, at)| Some((lane.critical?, bottom(*at))));
    let mut path: Vec<((u64, u64), f64)> = on_path.collect();
    path.sort_by_key(|(stretch, _)| *stretch);
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
    let rows = page::rows(&ran.attempts, cells);
    let figures = ["Scheduled at", "Queued", "Start and response", "Handler", "Call"].map(Number);
    let head = [&[Name("Step")], &figures[..], &[Name("Ended")]].concat();
    page::table(&format!("Calls of {label}"), "", &head, &rows)
}

fn cells(attempt: &Attempt) -> Markup {
    let or_dash = |ms: Option<u64>| ms.map_or("–".to_owned(), |ms| page::seconds(ms as f64));
    html! {
        th scope="row" { (name(attempt.step, &attempt.state)) }
        td.number { (page::seconds(attempt.scheduled_ms as f64)) }
        td.number { (page::seconds(attempt.queue_ms() as f64)) }
        td.number { (or_dash(attempt.overhead_ms())) }
        td.number { (or_dash(attempt.handler_ms)) }
        td.number { (page::seconds(attempt.run_ms() as f64)) }
        td {
            @match (&attempt.error, attempt.ended_ms) {
                (Some(error), _) => { "✕ " (error) }
                (None, Some(_)) => "ok",
                (None, None) => "did not end",
            }
        }
    }
}

/// The calls of one step, including retries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub step: Step,
    pub name: String,
    /// In chronological order.
    pub bars: Vec<Bar>,
    /// Its part of the critical path: from and to, ms.
    pub critical: Option<(u64, u64)>,
}

/// A period of time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    /// Since the start of the execution, ms.
    pub from_ms: u64,
    /// Since the start of the execution, ms.
    pub to_ms: u64,
    pub kind: BarKind,
    /// The kind and the duration in words.
    pub tooltip: String,
}

/// What a period of time was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BarKind {
    /// Waiting for a start.
    Queue,
    /// Starting the function and responding: the time of a call outside the handler.
    Start,
    /// The time in the handler; the whole call when the handler does not report it.
    Work,
    Failed,
}

/// The name of a step; that of its state, if it is none that every execution has.
pub(crate) fn name(step: Step, state: &str) -> String {
    match step {
        Step::Plan => "plan".to_owned(),
        Step::Chunk(index) => format!("chunk {index}"),
        Step::Assemble => "assemble".to_owned(),
        Step::Other => state.to_owned(),
    }
}

/// The lanes: Plan, the chunks by index, Assemble, and other states.
pub(crate) fn lanes(timeline: &Timeline) -> Vec<Lane> {
    let critical = critical_path(timeline);
    let key = |attempt: &Attempt| (attempt.step, name(attempt.step, &attempt.state));
    let mut of_steps: BTreeMap<(Step, String), Vec<Bar>> = BTreeMap::new();
    for attempt in &timeline.attempts {
        of_steps.entry(key(attempt)).or_default().extend(bars(attempt, timeline.duration_ms));
    }
    let lane = |((step, name), bars)| {
        let critical = critical.iter().find(|(of, _)| key(of) == (step, String::clone(&name)));
        Lane { step, bars, critical: critical.map(|(_, stretch)| *stretch), name }
    };
    of_steps.into_iter().map(lane).collect()
}

fn bars(attempt: &Attempt, duration_ms: u64) -> Vec<Bar> {
    let name = name(attempt.step, &attempt.state);
    let started = attempt.started_ms.unwrap_or(attempt.ended_ms.unwrap_or(duration_ms));
    let ended = attempt.ended_ms.unwrap_or(duration_ms).max(started);
    let mut bars = Vec::new();
    let mut push = |from_ms: u64, to_ms: u64, kind, what: &str| {
        if to_ms > from_ms {
            bars.push(Bar {
                from_ms,
                to_ms,
                kind,
                tooltip: format!("{name}: {what} {}", seconds((to_ms - from_ms) as f64)),
            });
        }
    };
    push(attempt.scheduled_ms, started, BarKind::Queue, "queued");
    match (&attempt.error, attempt.overhead_ms()) {
        (Some(error), _) => push(started, ended, BarKind::Failed, &format!("failed with {error} after")),
        // Its exact time is unknown; most of it is the start.
        (None, Some(overhead)) => {
            let working = ended.min(started + overhead);
            push(started, working, BarKind::Start, "start and response");
            push(working, ended, BarKind::Work, "handler");
        }
        (None, None) if attempt.ended_ms.is_none() => push(started, ended, BarKind::Work, "not ended after"),
        (None, None) => push(started, ended, BarKind::Work, "call"),
    }
    bars
}

/// The hatchings that distinguish bars without their colors; fills refer to them by `url(#...)`.
pub(crate) fn definitions() -> Markup {
    html! {
        svg.definitions width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern #hatch-start width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.start-ground width="6" height="6" {}
                    rect.start-line width="2" height="6" {}
                }
                pattern #hatch-failed width="7" height="7" patternUnits="userSpaceOnUse" {
                    rect.failed-ground width="7" height="7" {}
                    path.failed-line d="M0 0L7 7M7 0L0 7" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(step: Step, times: (u64, u64, u64), handler_ms: Option<u64>, error: Option<&str>) -> Attempt {
        Attempt {
            step,
            scheduled_ms: times.0,
            started_ms: Some(times.1),
            ended_ms: Some(times.2),
            error: error.map(str::to_owned),
            handler_ms,
            ..Attempt::default()
        }
    }

    #[test]
    fn retries_share_a_lane_and_the_last_chunk_is_critical() {
        let attempts = vec![
            attempt(Step::Plan, (0, 100, 1000), Some(700), None),
            attempt(Step::Chunk(1), (1000, 1000, 1500), None, Some("Throttled")),
            attempt(Step::Chunk(0), (1000, 1000, 3000), None, None),
            attempt(Step::Chunk(1), (2500, 2500, 6000), Some(3500), None),
            attempt(Step::Assemble, (6000, 6000, 6400), None, None),
        ];
        let lanes = lanes(&Timeline { duration_ms: 6500, attempts, transitions: 9 });
        assert_eq!(
            lanes.iter().map(|lane| lane.name.as_str()).collect::<Vec<_>>(),
            ["plan", "chunk 0", "chunk 1", "assemble"]
        );
        let critical: Vec<_> = lanes.iter().map(|lane| lane.critical).collect();
        assert_eq!(critical, [Some((0, 1000)), None, Some((1000, 6000)), Some((6000, 6500))]);
        let tooltips: Vec<&str> =
            lanes.iter().flat_map(|lane| lane.bars.iter().map(|bar| bar.tooltip.as_str())).collect();
        assert_eq!(
            tooltips,
            [
                "plan: queued 0.10 s",
                "plan: start and response 0.20 s",
                "plan: handler 0.70 s",
                "chunk 0: call 2.0 s",
                "chunk 1: failed with Throttled after 0.50 s",
                "chunk 1: handler 3.5 s",
                "assemble: call 0.40 s",
            ]
        );
    }

    #[test]
    fn a_step_next_to_the_chunks_has_a_lane_of_its_own_name() {
        let mix = |state: &str, times| Attempt { state: state.to_owned(), ..attempt(Step::Other, times, None, None) };
        let attempts = vec![
            attempt(Step::Plan, (0, 0, 1000), None, None),
            attempt(Step::Chunk(0), (1000, 1000, 3000), None, None),
            mix("MixAudio", (1000, 1000, 4000)),
            mix("Thumbnail", (1000, 1000, 2000)),
            attempt(Step::Assemble, (4000, 4000, 5000), None, None),
        ];
        let lanes = lanes(&Timeline { duration_ms: 5000, attempts, transitions: 9 });
        let named: Vec<_> = lanes.iter().map(|lane| (lane.name.as_str(), lane.critical)).collect();
        let critical = |from, to| Some((from, to));
        assert_eq!(named[..2], [("plan", critical(0, 1000)), ("chunk 0", critical(1000, 3000))]);
        let rest = [("assemble", critical(4000, 5000)), ("MixAudio", critical(3000, 4000)), ("Thumbnail", None)];
        assert_eq!(named[2..], rest);
    }

    #[test]
    fn an_execution_that_was_aborted_has_open_ends() {
        let mut cut = attempt(Step::Chunk(0), (10, 20, 0), None, None);
        cut.ended_ms = None;
        let mut waiting = cut.clone();
        (waiting.step, waiting.started_ms) = (Step::Chunk(1), None);
        let lanes = lanes(&Timeline { duration_ms: 5000, attempts: vec![cut, waiting], transitions: 2 });
        assert_eq!(lanes[0].bars[1].tooltip, "chunk 0: not ended after 5.0 s");
        assert_eq!(lanes[1].bars[0].tooltip, "chunk 1: queued 5.0 s");
    }
}
