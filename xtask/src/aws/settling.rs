//! Calls on what was only just made, which a service may not know for a moment.

use std::time::Duration;

use super::faults::Fault;
use crate::backoff::Backoff;

/// How long a bucket that was just made may be missing in a list of all.
pub const LISTED: Duration = Duration::from_secs(3);

/// How often such a call is repeated, over 9 s.
const AGAIN: u32 = 5;

/// Calls again for a few seconds while `class` says that the thing is not there or
/// that the refusal will pass: S3's bucket configurations, and state machines, are
/// eventually consistent, and two changes of one bucket may be in each other's way.
///
/// # Errors
/// The last one.
pub(super) async fn asked_again<T, E, F>(call: impl Fn() -> F, class: impl Fn(&E) -> Fault) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut backoff = Backoff::retrying();
    for _ in 0..AGAIN {
        match call().await {
            Err(error) if matches!(class(&error), Fault::Absent | Fault::Transient) => {
                tokio::time::sleep(backoff.next_delay()).await;
            }
            result => return result,
        }
    }
    call().await
}
