//! Child processes: every program that this tool starts is a line of shell, handed to one [`Runner`].

mod children;
mod output;
mod runner;

pub use children::{Children, Service};
pub use output::Output;
pub use runner::{Run, Runner};
