//! What a run may cost, and what it is going to.

mod ceiling;
mod estimate;
mod known;

pub use ceiling::{Budget, Usd};
pub use estimate::{CallTimes, Estimate, Split};
pub use known::KnownTimes;
