//! From what the tools printed to a verdict. Pure: no processes, no clock.

pub mod audio;
mod decibels;
mod fraction;
pub mod probe;
pub mod psnr;
pub mod records;
pub mod shape;
pub mod verdict;

pub use decibels::{Decibels, Level};
pub use fraction::Fraction;
