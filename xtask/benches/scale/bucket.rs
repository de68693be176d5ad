//! A token bucket, as Step Functions throttles its operations, and those who poll at the same time.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff};
use xtask::aws::faults::watching;

/// One operation's, of an account in a region.
#[derive(Clone, Copy)]
pub(crate) struct Bucket {
    pub(crate) size: f64,
    /// Tokens a second.
    pub(crate) refill: f64,
}

/// As often as a running execution is looked at on AWS, at most.
const NOTICE: Duration = Duration::from_millis(800);

/// A call there and back.
const ROUND_TRIP: Duration = Duration::from_millis(80);

impl Bucket {
    /// When it runs dry, where so many executions start at once and are watched for `within`.
    pub(crate) fn dry_after(self, executions: u32, within: Duration) -> Option<Duration> {
        let mut watchers: Vec<ExponentialBackoff> = (0..executions).map(|_| watching(NOTICE).build()).collect();
        let mut polls: BinaryHeap<Reverse<(Duration, usize)>> =
            (0..watchers.len()).map(|n| Reverse((Duration::ZERO, n))).collect();
        let (mut tokens, mut last) = (self.size, Duration::ZERO);
        while let Some(Reverse((now, n))) = polls.pop().filter(|Reverse((now, _))| *now < within) {
            tokens = (tokens + (now - last).as_secs_f64() * self.refill).min(self.size) - 1.0;
            last = now;
            if tokens < 0.0 {
                return Some(now);
            }
            polls.push(Reverse((now + ROUND_TRIP + watchers[n].next().unwrap_or(NOTICE), n)));
        }
        None
    }
}

/// How many looks an execution of this length takes.
pub(crate) fn looks(length: Duration) -> u32 {
    let mut watcher = watching(NOTICE).build();
    let (mut now, mut looks) = (Duration::ZERO, 1);
    while now < length {
        now += ROUND_TRIP + watcher.next().unwrap_or(NOTICE);
        looks += 1;
    }
    looks
}
