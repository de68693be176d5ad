//! Where an execution's time went, from its timeline. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    cost::Functions,
    timeline::{Attempt, Step, Timeline},
};

/// Where the time of one execution went, ms each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeSpent {
    /// From the execution's start to the end of Plan.
    pub plan_ms: u64,
    /// From the end of Plan to the end of the last chunk.
    pub chunks_ms: u64,
    /// From the end of the last chunk to the end of another step that Assemble waited for, such as mixing the sound;
    /// 0 if it waited for chunks alone.
    #[serde(default)]
    pub other_ms: u64,
    /// The state of that step.
    #[serde(default)]
    pub other_state: Option<String>,
    /// From there to the execution's end.
    pub assemble_ms: u64,
    /// The longest chunk, from its first scheduling to its end, including retries and the waits between them.
    pub slowest_chunk_ms: u64,
    /// The index of that chunk, from 0.
    pub slowest_chunk: u64,
    /// The median over all chunks.
    pub median_chunk_ms: f64,
    /// The slowest chunk divided by the median: 1 if all take equally long.
    pub imbalance: f64,
    /// The chunk that ends last: it is on the critical path, between Plan and Assemble.
    pub last_chunk: u64,
    /// The longest time from the scheduling of a call to its start.
    pub longest_queue_ms: u64,
    /// The longest run time of a successful call minus the handler's own time: a cold start, if there was one.
    pub longest_overhead_ms: u64,
    /// Calls that waited for a cold start, judged by their overhead; null if the handler does
    /// not report its own time.
    pub cold_starts: Option<u64>,
    /// The share of the time between Plan and Assemble in which the average chunk was being
    /// rendered: 1 if every chunk takes all of it.
    pub busy_share: f64,
    /// Calls that failed and were retried.
    pub retries: u64,
}

/// If a function ran this much longer than its handler, the call waited for a cold start, ms.
/// Of 71 calls on the embedded AWS, warm ones took 1 to 244 ms longer and cold ones 403 to
/// 2,587. On AWS, a cold start of a 9 MB handler is not faster.
pub const COLD_START_MS: u64 = 300;

impl TimeSpent {
    /// `None` if the execution rendered no chunk.
    pub fn of(timeline: &Timeline) -> Option<Self> {
        let mut spans: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for attempt in &timeline.attempts {
            let Step::Chunk(index) = attempt.step else { continue };
            let end = attempt.ended_ms.unwrap_or(timeline.duration_ms);
            let span = spans.entry(index).or_insert((attempt.scheduled_ms, end));
            span.1 = span.1.max(end);
        }
        let chunks: Vec<(u64, u64, u64)> = spans.into_iter().map(|(index, (start, end))| (index, start, end)).collect();
        let took = |chunk: &(u64, u64, u64)| chunk.2.saturating_sub(chunk.1);
        let slowest = *chunks.iter().max_by_key(|chunk| took(chunk))?;
        let last = *chunks.iter().max_by_key(|chunk| chunk.2)?;
        let durations: Vec<f64> = chunks.iter().map(|chunk| took(chunk) as f64).collect();
        let median = median(&durations)?;
        let of_step = |step: Step| timeline.attempts.iter().filter(move |attempt| attempt.step == step);
        let plan_ms = of_step(Step::Plan).filter_map(|attempt| attempt.ended_ms).max().unwrap_or(0);
        let overheads: Vec<u64> = timeline.attempts.iter().filter_map(Attempt::overhead_ms).collect();
        let chunks_ms = last.2.saturating_sub(plan_ms);
        let awaited = awaited(timeline, last.2);
        let parts_end = awaited.map_or(last.2, |(_, end)| end);
        let busy_ms: f64 = durations.iter().sum();
        let most = |of: fn(&Attempt) -> u64| timeline.attempts.iter().map(of).max().unwrap_or(0);
        Some(Self {
            plan_ms,
            chunks_ms,
            other_ms: parts_end - last.2,
            other_state: awaited.map(|(attempt, _)| attempt.state.clone()),
            assemble_ms: timeline.duration_ms.saturating_sub(parts_end),
            slowest_chunk_ms: took(&slowest),
            slowest_chunk: slowest.0,
            median_chunk_ms: median,
            imbalance: if median > 0.0 { took(&slowest) as f64 / median } else { 1.0 },
            last_chunk: last.0,
            longest_queue_ms: most(Attempt::queue_ms),
            longest_overhead_ms: most(|attempt| attempt.overhead_ms().unwrap_or(0)),
            cold_starts: (!overheads.is_empty())
                .then(|| overheads.iter().filter(|overhead| **overhead >= COLD_START_MS).count() as u64),
            busy_share: if chunks_ms > 0 { busy_ms / (durations.len() as f64 * chunks_ms as f64) } else { 1.0 },
            retries: timeline.attempts.iter().filter(|attempt| attempt.error.is_some()).count() as u64,
        })
    }
}

impl TimeSpent {
    /// A note if Assemble waited for another step than chunks.
    pub fn awaited(&self) -> Option<String> {
        let (state, s) = (self.other_state.as_ref()?, self.other_ms as f64 / 1000.0);
        Some(format!("{state} ended {s:.1} s after the last chunk, and Assemble waited for it"))
    }
}

/// Another step that Assemble waited for after the last chunk, which ended at `chunks_end` ms, and its end, ms.
fn awaited(timeline: &Timeline, chunks_end: u64) -> Option<(&Attempt, u64)> {
    let assembly = timeline.attempts.iter().find(|attempt| attempt.step == Step::Assemble)?.scheduled_ms;
    let others = timeline.attempts.iter().filter(|attempt| attempt.step == Step::Other);
    let ended = others.filter_map(|attempt| Some((attempt, attempt.ended_ms?)));
    ended.filter(|(_, end)| (chunks_end + 1..=assembly).contains(end)).max_by_key(|(_, end)| *end)
}

/// The calls that make up the duration, each with its part of it, from and to, ms: Plan, the chunk that ends last,
/// another step that Assemble waited for longer, and Assemble. Each begins where the previous one ends.
pub fn critical_path(timeline: &Timeline) -> Vec<(&Attempt, (u64, u64))> {
    let end = |attempt: &Attempt| attempt.ended_ms.unwrap_or(timeline.duration_ms);
    let last_of = |is: fn(Step) -> bool| timeline.attempts.iter().filter(|a| is(a.step)).max_by_key(|a| end(a));
    let chunk = last_of(|step| matches!(step, Step::Chunk(_)));
    let steps = [
        last_of(|step| step == Step::Plan),
        chunk,
        awaited(timeline, chunk.map_or(0, end)).map(|(attempt, _)| attempt),
        last_of(|step| step == Step::Assemble),
    ];
    let mut from = 0;
    let mut path = Vec::new();
    for last in steps.into_iter().flatten() {
        path.push((last, (from, end(last))));
        from = end(last);
    }
    // The time after the last call belongs to that call, because the execution is not over before.
    if let Some((_, stretch)) = path.last_mut() {
        stretch.1 = stretch.1.max(timeline.duration_ms);
    }
    path
}

/// A call that takes more than this share of the timeout is reported.
const CLOSE: f64 = 0.8;

/// A note if a call came close to the timeout of its function.
pub fn close_to_timeout(timeline: &Timeline, functions: &Functions) -> Option<String> {
    let timeout_s = |attempt: &Attempt| functions.called(attempt).timeout_s;
    let share = |attempt: &Attempt| attempt.run_ms() as f64 / 1000.0 / timeout_s(attempt).max(1) as f64;
    let longest = timeline.attempts.iter().max_by(|a, b| share(a).total_cmp(&share(b)))?;
    if share(longest) <= CLOSE {
        return None;
    }
    let (took_s, timeout_s) = (longest.run_ms() as f64 / 1000.0, timeout_s(longest));
    let (what, advice) = match longest.step {
        Step::Chunk(index) => (format!("chunk {index}"), "use more chunks"),
        Step::Plan | Step::Assemble | Step::Other => (longest.state.clone(), "a longer call would fail"),
    };
    Some(format!("{what} took {took_s:.0} s, close to the function's timeout of {timeout_s} s; {advice}"))
}

/// The middle sample, or the mean of the middle two; `None` without samples.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The median of the samples' distances from their median, a measure of spread that one
/// outlier does not change; `None` without samples.
pub fn median_absolute_deviation(samples: &[f64]) -> Option<f64> {
    let middle = median(samples)?;
    let distances: Vec<f64> = samples.iter().map(|sample| (sample - middle).abs()).collect();
    median(&distances)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cost::FunctionSize;

    fn attempt(step: Step, scheduled: u64, ended: u64) -> Attempt {
        Attempt {
            step,
            scheduled_ms: scheduled,
            started_ms: Some(scheduled + 5),
            ended_ms: Some(ended),
            handler_ms: Some(ended - scheduled - 105),
            ..Attempt::default()
        }
    }

    #[test]
    fn the_time_is_split_into_plan_chunks_and_assembly() {
        let failed = Attempt { error: Some("Throttled".into()), ..attempt(Step::Chunk(1), 1000, 1200) };
        let attempts = vec![
            attempt(Step::Plan, 0, 1000),
            attempt(Step::Chunk(0), 1000, 3000),
            failed,
            attempt(Step::Chunk(2), 1000, 4000),
            attempt(Step::Chunk(1), 3200, 6000),
            attempt(Step::Assemble, 6000, 6500),
        ];
        let spent = TimeSpent::of(&Timeline { duration_ms: 6600, attempts, transitions: 9 }).unwrap();
        assert_eq!((spent.plan_ms, spent.chunks_ms, spent.assemble_ms), (1000, 5000, 600));
        assert_eq!((spent.slowest_chunk, spent.slowest_chunk_ms, spent.median_chunk_ms), (1, 5000, 3000.0));
        assert_eq!((spent.last_chunk, spent.retries, spent.longest_queue_ms), (1, 1, 5));
        assert_eq!((spent.cold_starts, (spent.busy_share * 15.0).round()), (Some(0), 10.0));
        assert_eq!((spent.longest_overhead_ms, (spent.imbalance * 3.0).round()), (100, 5.0));
    }

    #[test]
    fn a_step_next_to_the_chunks_is_on_the_critical_path_if_it_ends_after_them() {
        let timeline = crate::timeline::timeline(&crate::tests::recorded("two-functions-n2")).unwrap();
        let spent = TimeSpent::of(&timeline).unwrap();
        assert_eq!((spent.plan_ms, spent.chunks_ms, spent.other_ms, spent.assemble_ms), (578, 455, 276, 64));
        assert_eq!(spent.awaited().unwrap(), "MixAudio ended 0.3 s after the last chunk, and Assemble waited for it");
        let path = |timeline: &Timeline| {
            let states = critical_path(timeline).into_iter().map(|(attempt, _)| attempt.state.clone());
            states.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(path(&timeline), "Plan RenderChunk MixAudio Assemble");
        let mut short = timeline;
        short.attempts[1].ended_ms = Some(900);
        assert_eq!(path(&short), "Plan RenderChunk Assemble");
        assert_eq!(TimeSpent::of(&short).unwrap().awaited(), None);
    }

    #[test]
    fn cold_starts_are_counted_if_the_handler_reports_its_time() {
        let of = |handler_ms: Option<u64>| {
            let attempts = vec![Attempt { handler_ms, ..attempt(Step::Chunk(0), 0, 2000) }];
            TimeSpent::of(&Timeline { duration_ms: 2000, attempts, transitions: 1 }).unwrap().cold_starts
        };
        assert_eq!((of(Some(1600)), of(Some(1800)), of(None)), (Some(1), Some(0), None));
    }

    #[test]
    fn chunks_that_take_no_time_are_balanced_and_busy() {
        let at_once = Attempt { handler_ms: None, ..attempt(Step::Chunk(0), 0, 200) };
        let attempts = vec![Attempt { started_ms: None, ended_ms: Some(0), ..at_once }];
        let spent = TimeSpent::of(&Timeline { duration_ms: 0, attempts, transitions: 1 }).unwrap();
        assert_eq!((spent.imbalance, spent.busy_share, spent.chunks_ms), (1.0, 1.0, 0));
    }

    #[test]
    fn without_chunks_there_are_no_figures() {
        let attempts = vec![attempt(Step::Plan, 0, 1000)];
        assert_eq!(TimeSpent::of(&Timeline { duration_ms: 1000, attempts, transitions: 1 }), None);
    }

    /// An execution in which Plan, two chunks, and Assemble took this long, seconds.
    fn timeline(took_s: [u64; 4]) -> Timeline {
        let attempt = |(step, took_s): (Step, u64)| Attempt {
            step,
            state: format!("{step:?}"),
            scheduled_ms: 1000,
            started_ms: Some(2000),
            ended_ms: Some(2000 + 1000 * took_s),
            ..Attempt::default()
        };
        let steps = [Step::Plan, Step::Chunk(0), Step::Chunk(1), Step::Assemble];
        Timeline {
            duration_ms: 1_000_000,
            transitions: 7,
            attempts: steps.into_iter().zip(took_s).map(attempt).collect(),
        }
    }

    #[test]
    fn the_longest_call_is_reported_if_it_is_close_to_the_timeout() {
        let functions = Functions { main: FunctionSize::LARGEST, by_name: BTreeMap::new() };
        assert_eq!(close_to_timeout(&timeline([1, 720, 3, 4]), &functions), None);
        let note = |took_s| close_to_timeout(&timeline(took_s), &functions).unwrap();
        let of_chunk = "chunk 1 took 721 s, close to the function's timeout of 900 s; use more chunks";
        assert_eq!(note([1, 2, 721, 4]), of_chunk);
        assert_eq!(
            note([1, 2, 3, 800]),
            "Assemble took 800 s, close to the function's timeout of 900 s; a longer call would fail"
        );
        let empty = Timeline { duration_ms: 1, transitions: 0, attempts: Vec::new() };
        assert_eq!(close_to_timeout(&empty, &functions), None);
    }

    #[test]
    fn textbook_examples() {
        // Rousseeuw and Croux (1993), section 1, and the usual example of the MAD.
        let samples = [1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0];
        assert_eq!((median(&samples), median_absolute_deviation(&samples)), (Some(2.0), Some(1.0)));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!((median(&[]), median_absolute_deviation(&[])), (None, None));
    }

    proptest! {
        #[test]
        fn half_the_samples_lie_on_either_side(samples in proptest::collection::vec(-1e6f64..1e6, 1..40)) {
            let middle = median(&samples).unwrap();
            let (below, above) = (samples.iter().filter(|s| **s < middle).count(), samples.iter().filter(|s| **s > middle).count());
            prop_assert!(below * 2 <= samples.len() && above * 2 <= samples.len());
        }

        #[test]
        fn one_outlier_moves_neither_beyond_the_other_samples(samples in proptest::collection::vec(0f64..1.0, 3..20)) {
            let mut with_outlier = samples.clone();
            with_outlier.push(1e9);
            prop_assert!(median(&with_outlier).unwrap() <= 1.0 && median_absolute_deviation(&with_outlier).unwrap() <= 1.0);
        }
    }
}
