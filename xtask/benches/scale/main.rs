//! What many chunks and many renders at once meet on AWS, simulated: throttled iterations
//! of a Map, and polls next to the token bucket of DescribeExecution.
//!
//!     cargo bench --profile dev --bench scale

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs by itself")]
#![expect(clippy::print_stdout, reason = "the tables are what it is for")]

use std::time::Duration;

mod bucket;
mod throttled;

use bucket::Bucket;
use throttled::{Map, simulated};
use xtask::console::text::{Align, columns};

/// The concurrency of an inline Map, and the default of `--reserved-concurrency`.
const INLINE: u32 = 40;
const RESERVED: u32 = 16;

const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    println!("{}\n\n{}\n\n{}", maps(), polls(), looks_of());
}

/// Chunk counts and chunk durations next to the retries.
fn maps() -> String {
    let head = ["chunks", "reserved", "a chunk takes", "throttled", "events", "ends"].map(str::to_owned);
    let cases = [8, 16, 17, 32, 64, 256].into_iter().flat_map(|chunks| [4, 10, 20, 60].map(|s| (chunks, RESERVED, s)));
    let unreserved = [4, 10, 20, 60].map(|s| (256, INLINE, s));
    let rows = cases.chain(unreserved).map(|(chunks, slots, s)| {
        let outcome = simulated(Map { chunks, at_once: INLINE, slots, chunk_ms: s * 1000 });
        let ended = outcome.ended_ms as f64 / 1000.0;
        let events = match outcome.failed {
            true => String::new(),
            false => (18 + 7 * chunks + 3 * outcome.throttled).to_string(),
        };
        let ends = if outcome.failed { format!("FAILS at {ended:.0} s") } else { format!("{ended:.0} s") };
        let s = format!("{s} s");
        [chunks.to_string(), slots.to_string(), s, outcome.throttled.to_string(), events, ends]
    });
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), Align::Right)
}

/// How polls of simultaneous renders use up the token bucket of DescribeExecution.
fn polls() -> String {
    let large = Bucket { size: 300.0, refill: 15.0 };
    let other = Bucket { size: 250.0, refill: 10.0 };
    let head = ["renders at once", "dry in us-east-1 and its like", "dry in other regions"].map(str::to_owned);
    let rows = [1, 3, 8, 10, 12, 14, 16].map(|renders| {
        let dry = |bucket: Bucket| match bucket.dry_after(renders, HOUR) {
            None => "never".to_owned(),
            Some(after) => format!("after {:.0} s", after.as_secs_f64()),
        };
        [renders.to_string(), dry(large), dry(other)]
    });
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), Align::Right)
}

/// Calls of DescribeExecution by the length of an execution.
fn looks_of() -> String {
    let head = ["an execution takes", "looks"].map(str::to_owned);
    let rows = [4, 10, 20, 60, 600].map(|s| [format!("{s} s"), bucket::looks(Duration::from_secs(s)).to_string()]);
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), Align::Right)
}
