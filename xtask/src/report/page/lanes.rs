//! From what an execution did to lanes of bars: one lane for Plan, each chunk and Assemble.

use std::collections::BTreeMap;

use super::figures::seconds;
use crate::history::{Attempt, Step, Timeline};

/// One step's calls, retries included.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lane {
    /// What for.
    pub step: Step,
    /// In the order of time.
    pub bars: Vec<Bar>,
    /// From when to when it is on the critical path, ms.
    pub critical: Option<(u64, u64)>,
}

/// A stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    /// Since the execution's start, ms.
    pub from_ms: u64,
    /// Likewise.
    pub to_ms: u64,
    /// What went on.
    pub kind: BarKind,
    /// In words.
    pub told: String,
}

/// What a stretch of time went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BarKind {
    /// Waiting for a start.
    Queue,
    /// Starting the function and answering: what of a call is not the handler's.
    Start,
    /// The handler's own time; all of a call whose handler does not tell it.
    Work,
    /// A call that failed.
    Failed,
}

/// What a step is called.
pub(super) fn name(step: Step) -> String {
    match step {
        Step::Plan => "plan".to_owned(),
        Step::Chunk(index) => format!("chunk {index}"),
        Step::Assemble => "assemble".to_owned(),
        Step::Other => "other".to_owned(),
    }
}

/// The lanes: Plan, the chunks by index, Assemble, and what else there was.
pub(super) fn lanes(timeline: &Timeline) -> Vec<Lane> {
    let critical = critical_path(timeline);
    let mut of_steps: BTreeMap<Step, Vec<Bar>> = BTreeMap::new();
    for attempt in &timeline.attempts {
        of_steps.entry(attempt.step).or_default().extend(bars(attempt, timeline.duration_ms));
    }
    let lane = |(step, bars)| Lane {
        step,
        bars,
        critical: critical.iter().find(|(of, _)| *of == step).map(|(_, stretch)| *stretch),
    };
    of_steps.into_iter().map(lane).collect()
}

/// Plan, the chunk that ends last, Assemble: each from where the one before ends.
fn critical_path(timeline: &Timeline) -> Vec<(Step, (u64, u64))> {
    let end = |attempt: &Attempt| attempt.ended_ms.unwrap_or(timeline.duration_ms);
    let last_of = |is: fn(Step) -> bool| timeline.attempts.iter().filter(|a| is(a.step)).max_by_key(|a| end(a));
    let steps = [
        last_of(|step| step == Step::Plan),
        last_of(|step| matches!(step, Step::Chunk(_))),
        last_of(|step| step == Step::Assemble),
    ];
    let mut from = 0;
    let mut path = Vec::new();
    for last in steps.into_iter().flatten() {
        path.push((last.step, (from, end(last))));
        from = end(last);
    }
    // What comes after the last call belongs to it: the execution is not over before.
    if let Some((_, stretch)) = path.last_mut() {
        stretch.1 = stretch.1.max(timeline.duration_ms);
    }
    path
}

fn bars(attempt: &Attempt, duration_ms: u64) -> Vec<Bar> {
    let name = name(attempt.step);
    let started = attempt.started_ms.unwrap_or(attempt.ended_ms.unwrap_or(duration_ms));
    let ended = attempt.ended_ms.unwrap_or(duration_ms).max(started);
    let took = |from: u64, to: u64| seconds(to.saturating_sub(from) as f64);
    let mut bars = Vec::new();
    let mut push = |from_ms: u64, to_ms: u64, kind, what: &str| {
        if to_ms > from_ms {
            bars.push(Bar { from_ms, to_ms, kind, told: format!("{name}: {what} {}", took(from_ms, to_ms)) });
        }
    };
    push(attempt.scheduled_ms, started, BarKind::Queue, "queued");
    match (&attempt.error, attempt.overhead_ms()) {
        (Some(error), _) => push(started, ended, BarKind::Failed, &format!("failed with {error} after")),
        // When it was is not known; starting is most of it.
        (None, Some(overhead)) => {
            let working = ended.min(started + overhead);
            push(started, working, BarKind::Start, "start and answer");
            push(working, ended, BarKind::Work, "handler");
        }
        (None, None) if attempt.ended_ms.is_none() => push(started, ended, BarKind::Work, "not ended after"),
        (None, None) => push(started, ended, BarKind::Work, "call"),
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(step: Step, times: (u64, u64, u64), handler_ms: Option<u64>, error: Option<&str>) -> Attempt {
        Attempt {
            step,
            state: String::new(),
            scheduled_ms: times.0,
            started_ms: Some(times.1),
            ended_ms: Some(times.2),
            error: error.map(str::to_owned),
            handler_ms,
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
            lanes.iter().map(|lane| name(lane.step)).collect::<Vec<_>>(),
            ["plan", "chunk 0", "chunk 1", "assemble"]
        );
        let critical: Vec<_> = lanes.iter().map(|lane| lane.critical).collect();
        assert_eq!(critical, [Some((0, 1000)), None, Some((1000, 6000)), Some((6000, 6500))]);
        let told: Vec<&str> = lanes.iter().flat_map(|lane| lane.bars.iter().map(|bar| bar.told.as_str())).collect();
        assert_eq!(
            told,
            [
                "plan: queued 0.10 s",
                "plan: start and answer 0.20 s",
                "plan: handler 0.70 s",
                "chunk 0: call 2.0 s",
                "chunk 1: failed with Throttled after 0.50 s",
                "chunk 1: handler 3.5 s",
                "assemble: call 0.40 s",
            ]
        );
    }

    #[test]
    fn an_execution_that_was_cut_off_has_open_ends() {
        let mut cut = attempt(Step::Chunk(0), (10, 20, 0), None, None);
        cut.ended_ms = None;
        let mut waiting = cut.clone();
        (waiting.step, waiting.started_ms) = (Step::Chunk(1), None);
        let lanes = lanes(&Timeline { duration_ms: 5000, attempts: vec![cut, waiting], transitions: 2 });
        assert_eq!(lanes[0].bars[1].told, "chunk 0: not ended after 5.0 s");
        assert_eq!(lanes[1].bars[0].told, "chunk 1: queued 5.0 s");
    }
}
