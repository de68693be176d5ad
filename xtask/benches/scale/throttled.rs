//! A Map whose iterations are more than the function may run at once, with the template's retries.

use std::{cmp::Reverse, collections::BinaryHeap};

/// What a Map meets.
#[derive(Clone, Copy)]
pub(crate) struct Map {
    pub(crate) chunks: u32,
    /// Iterations at once: an inline Map has 40 at most.
    pub(crate) at_once: u32,
    /// Calls of the function at once: its reserved concurrency.
    pub(crate) slots: u32,
    /// How long each chunk takes, ms.
    pub(crate) chunk_ms: u64,
}

/// How it goes.
#[derive(Default)]
pub(crate) struct Outcome {
    /// When it ends, ms.
    pub(crate) ended_ms: u64,
    /// Attempts that were throttled.
    pub(crate) throttled: u32,
    /// Whether an iteration ran out of retries, and the execution failed by it.
    pub(crate) failed: bool,
}

/// The template's: 4 retries, 2 s, doubling.
const WAITS_MS: [u64; 4] = [2_000, 4_000, 8_000, 16_000];

/// What happens next. Of two events at the same time, an end comes before a start.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ends,
    Tries { chunk: u32, retries: usize },
}

/// Goes through a Map event by event.
pub(crate) fn simulated(map: Map) -> Outcome {
    let mut outcome = Outcome::default();
    let mut events: BinaryHeap<Reverse<(u64, Event)>> = BinaryHeap::new();
    let mut next = map.chunks.min(map.at_once);
    events.extend((0..next).map(|chunk| Reverse((0, Event::Tries { chunk, retries: 0 }))));
    let mut running = 0;
    while let Some(Reverse((now, event))) = events.pop() {
        outcome.ended_ms = now;
        match event {
            Event::Ends => {
                running -= 1;
                if next < map.chunks {
                    events.push(Reverse((now, Event::Tries { chunk: next, retries: 0 })));
                    next += 1;
                }
            }
            Event::Tries { .. } if running < map.slots => {
                running += 1;
                events.push(Reverse((now + map.chunk_ms, Event::Ends)));
            }
            Event::Tries { chunk, retries } => {
                outcome.throttled += 1;
                let Some(wait) = WAITS_MS.get(retries) else {
                    outcome.failed = true;
                    return outcome;
                };
                events.push(Reverse((now + wait, Event::Tries { chunk, retries: retries + 1 })));
            }
        }
    }
    outcome
}
