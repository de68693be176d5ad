//! What one execution contributes to the model.

use std::num::NonZeroU64;

use execution_history::{
    chunking::ChunkCount,
    time_spent::TimeSpent,
    timeline::{Attempt, Step, Timeline},
};

/// One successful execution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// The number of chunks in the plan, which may be fewer than requested.
    pub chunks: ChunkCount,
    pub frames: NonZeroU64,
    /// From the execution's start to its end, ms.
    pub wall_ms: u64,
    /// From the execution's start to the end of Plan, ms.
    pub plan_ms: u64,
    /// From the end of Plan to the end of the last chunk, and of what Assemble waited for after it, ms.
    pub chunks_ms: u64,
    pub slowest_chunk_ms: u64,
    pub median_chunk_ms: f64,
    /// From the end of the last chunk to the execution's end, ms.
    pub assemble_ms: u64,
    /// The run time of all calls, including failed ones, ms, as if the function that plans had done all at equal cost.
    pub function_ms: u64,
    /// Calls of the function.
    pub requests: u64,
    pub transitions: u64,
    /// Whether a call had to start its environment first.
    pub cold: bool,
}

impl Observation {
    /// Reads a timeline whose calls took `function_ms`; `None` when it has no chunk, or more than a plan can have.
    pub fn of(timeline: &Timeline, frames: NonZeroU64, cold: bool, function_ms: u64) -> Option<Self> {
        let spent = TimeSpent::of(timeline)?;
        let mut chunks: Vec<u64> = timeline.attempts.iter().filter_map(chunk_index).collect();
        chunks.sort_unstable();
        chunks.dedup();
        Some(Self {
            chunks: ChunkCount::new(chunks.len().try_into().ok()?).ok()?,
            frames,
            wall_ms: timeline.duration_ms,
            plan_ms: spent.plan_ms,
            chunks_ms: spent.chunks_ms + spent.other_ms,
            slowest_chunk_ms: spent.slowest_chunk_ms,
            median_chunk_ms: spent.median_chunk_ms,
            assemble_ms: spent.assemble_ms,
            function_ms,
            requests: timeline.requests(),
            transitions: timeline.transitions,
            cold,
        })
    }
}

fn chunk_index(attempt: &Attempt) -> Option<u64> {
    match attempt.step {
        Step::Chunk(index) => Some(index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_read_from_a_timeline() {
        let attempt = |step, scheduled_ms, ended_ms| Attempt {
            step,
            scheduled_ms,
            started_ms: Some(scheduled_ms + 10),
            ended_ms: Some(ended_ms),
            ..Attempt::default()
        };
        let attempts = vec![
            attempt(Step::Plan, 0, 1000),
            attempt(Step::Chunk(0), 1050, 3000),
            attempt(Step::Chunk(1), 1050, 2000),
            attempt(Step::Chunk(1), 2100, 3500),
            attempt(Step::Assemble, 3500, 4000),
        ];
        let timeline = Timeline { duration_ms: 4100, attempts, transitions: 7 };
        let frames = NonZeroU64::new(60).unwrap();
        let expected = Observation {
            chunks: ChunkCount::new(2).unwrap(),
            frames,
            wall_ms: 4100,
            plan_ms: 1000,
            chunks_ms: 2500,
            slowest_chunk_ms: 2450,
            median_chunk_ms: 2200.0,
            assemble_ms: 600,
            function_ms: 990 + 1940 + 940 + 1390 + 490,
            requests: 5,
            transitions: 7,
            cold: true,
        };
        assert_eq!(Observation::of(&timeline, frames, true, timeline.function_ms()), Some(expected));
        assert_eq!(Observation::of(&Timeline { attempts: vec![], ..timeline }, frames, true, 0), None);
    }
}
