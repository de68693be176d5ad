//! How long to wait before asking again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// For watching something that may end soon or late: 0.2 s, growing by a tenth, 3 s at most. The end is
/// noticed late by a tenth of the time waited, or less.
pub fn polling() -> ExponentialBuilder {
    let delays = ExponentialBuilder::new().with_factor(1.1).without_max_times();
    delays.with_min_delay(Duration::from_millis(200)).with_max_delay(Duration::from_secs(3))
}

/// For an end that is to be noticed soon: 0.1 s, growing by a tenth, `most` at most.
pub fn watching(most: Duration) -> ExponentialBuilder {
    polling().with_min_delay(Duration::from_millis(100).min(most)).with_max_delay(most)
}

/// For asking again after a refusal, `times` times: 0.3 s, doubling, 10 s at most.
pub fn retrying(times: usize) -> ExponentialBuilder {
    let delays = ExponentialBuilder::new().with_factor(2.0).with_max_times(times);
    delays.with_min_delay(Duration::from_millis(300)).with_max_delay(Duration::from_secs(10))
}

/// Asks until there is an answer, with `delays` in between. Dropping it drops the question.
pub async fn until<T>(delays: ExponentialBuilder, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut delays = delays.without_max_times().build();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(delays.next().unwrap_or_default()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_limit() {
        let delays: Vec<u128> = retrying(8).build().map(|delay| delay.as_millis()).collect();
        assert_eq!(delays, [300, 600, 1200, 2400, 4800, 9600, 10_000, 10_000]);
    }

    #[test]
    fn polling_never_lags_more_than_a_tenth_and_a_moment() {
        let mut waited = 0.0;
        for delay in polling().build().take(100) {
            let delay = delay.as_secs_f64();
            assert!(delay <= 0.2 + 0.1 * waited + 1e-6 && delay <= 3.0);
            waited += delay;
        }
    }
}
