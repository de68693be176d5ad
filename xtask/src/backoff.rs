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
    /// For watching something that may end soon or late: 0.2 s, half as much
    /// again each time, 3 s at most.
    pub fn polling() -> Self {
        Self { next: Duration::from_millis(200), factor: 1.5, most: Duration::from_secs(3) }
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
        let mut backoff = Backoff::polling();
        let delays: Vec<u128> = (0..9).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays, [200, 300, 450, 675, 1012, 1518, 2278, 3000, 3000]);
    }
}
