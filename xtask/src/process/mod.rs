//! Child processes: explicit environments, groups that are stopped whole, logs on the disk.

mod children;
mod command;
mod env;
mod printed;
mod told;

pub use children::Children;
pub use command::{Command, Output};
pub use env::Env;
