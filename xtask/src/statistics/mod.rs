//! Statistics of a few samples. Pure.

pub mod bootstrap;
mod mann_whitney;
mod median;
mod random;
pub mod ranking;
mod summary;

pub use mann_whitney::two_sided_p;
pub use median::{median, median_absolute_deviation};
pub use random::SplitMix64;
pub use summary::Summary;
