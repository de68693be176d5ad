//! How long to wait before asking again. Pure.

use std::time::Duration;

/// Growing delays up to a limit.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    factor: f64,
    most: Duration,
}

impl Backoff {
    /// For watching something that may end soon or late: 0.2 s, growing by a
    /// tenth, 3 s at most. The end is seen a tenth of the waited time late, or less.
    pub fn polling() -> Self {
        Self { next: Duration::from_millis(200), factor: 1.1, most: Duration::from_secs(3) }
    }

    /// For an end that is to be seen soon: 0.1 s, growing by a tenth, `most` at most.
    pub fn watching(most: Duration) -> Self {
        Self { next: Duration::from_millis(100).min(most), factor: 1.1, most }
    }

    /// For asking again after a refusal: 0.3 s, doubling, 10 s at most.
    pub fn retrying() -> Self {
        Self { next: Duration::from_millis(300), factor: 2.0, most: Duration::from_secs(10) }
    }

    /// The delay before the next try.
    pub fn next_delay(&mut self) -> Duration {
        let now = self.next;
        self.next = now.mul_f64(self.factor).min(self.most);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_limit() {
        let mut backoff = Backoff::retrying();
        let delays: Vec<u128> = (0..8).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays, [300, 600, 1200, 2400, 4800, 9600, 10_000, 10_000]);
    }

    #[test]
    fn polling_never_lags_more_than_a_tenth_and_a_moment() {
        let (mut backoff, mut waited) = (Backoff::polling(), 0.0);
        for _ in 0..100 {
            let delay = backoff.next_delay().as_secs_f64();
            assert!(delay <= 0.2 + 0.1 * waited + 1e-6 && delay <= 3.0);
            waited += delay;
        }
    }
}
