//! Whether the account lets the function reserve what it is asked to, before anything is created.

use super::Run;
use crate::{aws::signed_calls, exit::Failure, plan::Concurrency};

/// Refuses a reservation that Lambda would refuse in the middle of a deployment, and tells
/// of chunks that will be throttled. `chunks` are rendered at once at most.
///
/// # Errors
/// When the account can't reserve so much. Where that can't be read, the deployment tells.
pub(super) async fn allow(run: &Run, chunks: u32) -> Result<(), Failure> {
    let asked = signed_calls::unreserved_concurrency(&run.connection().clients).await;
    let Ok(Some(unreserved)) = asked else { return Ok(()) };
    let concurrency = Concurrency { unreserved, reserved: run.given.reserved_concurrency() };
    concurrency.check().map_err(Failure::preflight)?;
    if let Some(told) = concurrency.throttles(chunks) {
        run.step("quota", &told);
    }
    Ok(())
}
