//! What an execution's time went to, from its timeline. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Attempt, Step, Timeline};

/// Where the time of one execution went, ms each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeSpent {
    /// From the execution's start to the end of Plan.
    pub plan_ms: u64,
    /// From the end of Plan to the end of the last chunk.
    pub chunks_ms: u64,
    /// From the end of the last chunk to the execution's end.
    pub assemble_ms: u64,
    /// The longest chunk, from its first scheduling to its end, retries and waits between them included.
    pub slowest_chunk_ms: u64,
    /// Which chunk that is, from 0.
    pub slowest_chunk: u64,
    /// The median chunk.
    pub median_chunk_ms: f64,
    /// Slowest by median: 1 when all take the same.
    pub imbalance: f64,
    /// The chunk that ends last: it is on the critical path, between Plan and Assemble.
    pub last_chunk: u64,
    /// The longest wait of a call for its start.
    pub longest_queue_ms: u64,
    /// The most that a successful call took beyond the handler's own time: a cold start, where there was one.
    pub longest_overhead_ms: u64,
    /// Calls that waited for a function to be started first, by their overhead;
    /// null where the handler does not tell its own time.
    pub cold_starts: Option<u64>,
    /// How much of the time between Plan and Assemble the chunks were being rendered:
    /// 1 when all of them take all of it.
    pub busy_share: f64,
    /// Calls that failed and were repeated.
    pub retries: u64,
}

/// A call whose function ran this much longer than its handler waited for a cold
/// start, ms. Of 71 calls on the embedded AWS warm ones took 1 to 244 longer, cold
/// ones 403 to 2,587; a handler of 9 MB starts in no less on AWS.
pub const COLD_START_MS: u64 = 300;

impl TimeSpent {
    /// `None` when the execution rendered no chunk.
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
        let median = crate::statistics::median(&durations)?;
        let of_step = |step: Step| timeline.attempts.iter().filter(move |attempt| attempt.step == step);
        let plan_ms = of_step(Step::Plan).filter_map(|attempt| attempt.ended_ms).max().unwrap_or(0);
        let overheads: Vec<u64> = timeline.attempts.iter().filter_map(Attempt::overhead_ms).collect();
        let chunks_ms = last.2.saturating_sub(plan_ms);
        let busy_ms: f64 = durations.iter().sum();
        let most = |of: fn(&Attempt) -> u64| timeline.attempts.iter().map(of).max().unwrap_or(0);
        Some(Self {
            plan_ms,
            chunks_ms,
            assemble_ms: timeline.duration_ms.saturating_sub(last.2),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(step: Step, scheduled: u64, ended: u64) -> Attempt {
        Attempt {
            step,
            state: String::new(),
            scheduled_ms: scheduled,
            started_ms: Some(scheduled + 5),
            ended_ms: Some(ended),
            error: None,
            handler_ms: Some(ended - scheduled - 105),
        }
    }

    #[test]
    fn time_goes_to_plan_chunks_and_assembly() {
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
    fn cold_starts_are_told_where_the_handler_tells_its_time() {
        let of = |handler_ms: Option<u64>| {
            let attempts = vec![Attempt { handler_ms, ..attempt(Step::Chunk(0), 0, 2000) }];
            TimeSpent::of(&Timeline { duration_ms: 2000, attempts, transitions: 1 }).unwrap().cold_starts
        };
        assert_eq!((of(Some(1600)), of(Some(1800)), of(None)), (Some(1), Some(0), None));
    }

    #[test]
    fn chunks_that_take_no_time_are_alike_and_busy() {
        let at_once = Attempt { handler_ms: None, ..attempt(Step::Chunk(0), 0, 200) };
        let attempts = vec![Attempt { started_ms: None, ended_ms: Some(0), ..at_once }];
        let spent = TimeSpent::of(&Timeline { duration_ms: 0, attempts, transitions: 1 }).unwrap();
        assert_eq!((spent.imbalance, spent.busy_share, spent.chunks_ms), (1.0, 1.0, 0));
    }

    #[test]
    fn without_chunks_there_is_nothing_to_tell() {
        let attempts = vec![attempt(Step::Plan, 0, 1000)];
        assert_eq!(TimeSpent::of(&Timeline { duration_ms: 1000, attempts, transitions: 1 }), None);
    }
}
