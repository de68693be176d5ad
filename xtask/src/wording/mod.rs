//! Words for people that every part of the tool forms alike: numbers of things, columns.

mod columns;
mod counted;

pub use columns::{Align, columns};
pub use counted::counted;
