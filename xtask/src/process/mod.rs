//! Child processes: groups that are stopped whole, logs on the disk.

mod children;
mod command;
mod printed;
mod told;

pub use children::Children;
pub use command::{Command, Output};
