//! Whether a call came near the time that its function may take. Pure.

use super::{Step, Timeline};

/// A call that takes more than this share of it is told.
const NEAR: f64 = 0.8;

/// What to say of the longest call of a function that may take `timeout_s` seconds; `None` where
/// it fits well.
pub fn hardly_fits(timeline: &Timeline, timeout_s: u64) -> Option<String> {
    let longest = timeline.attempts.iter().max_by_key(|attempt| attempt.run_ms())?;
    let took_s = longest.run_ms() as f64 / 1000.0;
    if took_s <= NEAR * timeout_s as f64 {
        return None;
    }
    let (what, way_out) = match longest.step {
        Step::Chunk(index) => (format!("chunk {index}"), "use more chunks"),
        Step::Plan | Step::Assemble | Step::Other => (longest.state.clone(), "a longer one fails"),
    };
    Some(format!("{what} took {took_s:.0} s of the {timeout_s} s that the function may take; {way_out}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Attempt;

    /// An execution of Plan, two chunks and Assemble that took so long, seconds.
    fn timeline(took_s: [u64; 4]) -> Timeline {
        let attempt = |(step, took_s): (Step, u64)| Attempt {
            step,
            state: format!("{step:?}"),
            scheduled_ms: 1000,
            started_ms: Some(2000),
            ended_ms: Some(2000 + 1000 * took_s),
            error: None,
            handler_ms: None,
        };
        let steps = [Step::Plan, Step::Chunk(0), Step::Chunk(1), Step::Assemble];
        Timeline {
            duration_ms: 1_000_000,
            transitions: 7,
            attempts: steps.into_iter().zip(took_s).map(attempt).collect(),
        }
    }

    #[test]
    fn the_longest_call_is_told_where_it_is_near_the_limit() {
        assert_eq!(hardly_fits(&timeline([1, 720, 3, 4]), 900), None);
        let told = |took_s| hardly_fits(&timeline(took_s), 900).unwrap();
        let of_chunk = "chunk 1 took 721 s of the 900 s that the function may take; use more chunks";
        assert_eq!(told([1, 2, 721, 4]), of_chunk);
        assert_eq!(
            told([1, 2, 3, 800]),
            "Assemble took 800 s of the 900 s that the function may take; a longer one fails"
        );
        assert_eq!(hardly_fits(&Timeline { duration_ms: 1, transitions: 0, attempts: Vec::new() }, 900), None);
    }
}
