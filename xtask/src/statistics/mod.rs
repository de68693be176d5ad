//! Statistics of a few samples. Pure.

mod median;
mod summary;

pub use median::{median, median_absolute_deviation};
pub use summary::Summary;
