//! Statistics of a few samples. Pure.

pub mod bootstrap;
mod median;
mod random;
mod summary;

pub use median::{median, median_absolute_deviation};
pub use random::SplitMix64;
pub use summary::Summary;
