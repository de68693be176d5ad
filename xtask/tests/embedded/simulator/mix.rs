//! What one simulated run meets, drawn from a seed.

use std::{fmt, time::Duration};

use fastrand::Rng;

/// All that goes wrong around one run.
#[derive(Debug, Clone)]
pub(crate) struct Mix {
    seed: u64,
    /// Every call takes this much longer.
    pub(crate) latency: Duration,
    /// One call in 50 takes this much longer still.
    pub(crate) tail: Duration,
    /// The share of calls that meet a transient error, 0 to 1.
    pub(crate) passing: f64,
    /// Others use the account: each of the buckets of calls that AWS documents is empty at first.
    pub(crate) busy: bool,
    /// New things are unknown for a while, deleted ones are still listed.
    pub(crate) stale: bool,
    /// How long CloudFormation says that it is at work after it is done.
    pub(crate) stack_takes: Duration,
    /// A bucket that was emptied is reported as not empty, once.
    pub(crate) not_empty_again: bool,
    /// What happens once at most.
    pub(crate) event: Event,
}

/// What changes how a run ends, or nearly does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Nothing,
    /// CloudFormation fails to delete the stack the first time.
    DeletionFails,
    /// CloudFormation can't create the stack, and rolls it back.
    RollsBack,
    /// The credentials are valid for so many calls.
    Expires(usize),
    /// This machine's clock is so many minutes late.
    ClockOff(u64),
}

/// What a call may meet that is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passing {
    Throttled,
    InternalError,
    Unavailable,
    /// The connection ends before the call is done.
    Reset,
    /// It ends after the call is done, before the answer.
    Lost,
    /// It ends in the middle of the answer.
    Truncated,
}

const PASSING: [Passing; 6] = [
    Passing::Throttled,
    Passing::InternalError,
    Passing::Unavailable,
    Passing::Reset,
    Passing::Lost,
    Passing::Truncated,
];

impl Mix {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let ms = Duration::from_millis;
        let event = match rng.u32(0..100) {
            0..12 => Event::DeletionFails,
            12..22 => Event::RollsBack,
            22..42 => Event::Expires(rng.usize(1..120)),
            42..47 => Event::ClockOff(rng.u64(16..300)),
            _ => Event::Nothing,
        };
        Self {
            seed,
            latency: ms([0, 20, 80][rng.usize(0..3)]),
            tail: ms(rng.u64(200..2000)),
            passing: [0.0, 0.02, 0.05][rng.usize(0..3)],
            busy: rng.u32(0..3) == 0,
            stale: rng.bool(),
            stack_takes: if rng.bool() { Duration::ZERO } else { ms(rng.u64(500..8000)) },
            not_empty_again: rng.u32(0..3) == 0,
            event,
        }
    }

    /// How long the `nth` call of an operation takes longer.
    pub(crate) fn delay(&self, operation: &str, nth: usize) -> Duration {
        let slow = self.rng("delay", operation, nth).u32(0..50) == 0;
        if slow { self.latency + self.tail } else { self.latency }
    }

    /// What the `nth` call of an operation meets in passing.
    pub(crate) fn passing(&self, operation: &str, nth: usize) -> Option<Passing> {
        let mut rng = self.rng("passing", operation, nth);
        (rng.f64() < self.passing).then(|| PASSING[rng.usize(0..PASSING.len())])
    }

    /// Threads call in another order each time: a call's luck depends on what it is alone.
    fn rng(&self, what: &str, operation: &str, nth: usize) -> Rng {
        // FNV-1a, which is the same everywhere.
        let bytes = what.bytes().chain(operation.bytes()).chain(nth.to_le_bytes());
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Rng::with_seed(self.seed ^ hash)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = vec![format!("{} ms", self.latency.as_millis())];
        if self.passing > 0.0 {
            words.push(format!("{} % transient errors", self.passing * 100.0));
        }
        let reported = [
            (self.busy, "busy account"),
            (self.stale, "stale"),
            (self.not_empty_again, "not empty again"),
            (self.event == Event::DeletionFails, "DELETE_FAILED"),
            (self.event == Event::RollsBack, "ROLLBACK_COMPLETE"),
        ];
        words.extend(reported.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()));
        if self.stack_takes > Duration::ZERO {
            words.push(format!("stack +{:.1} s", self.stack_takes.as_secs_f64()));
        }
        match self.event {
            Event::Expires(calls) => words.push(format!("expires after {calls} calls")),
            Event::ClockOff(minutes) => words.push(format!("clock {minutes} min late")),
            _ => {}
        }
        f.write_str(&words.join(", "))
    }
}
