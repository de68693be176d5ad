//! The journal of a run: what it is about to create, and what it has created.
//!
//! It is written before and after each creation, to the state folder of the
//! user and to the run's artifacts, so that a run that was killed can be
//! finished later.

mod file;
mod record;
mod store;

pub use file::Journal;
pub use record::{Begin, Creation, Entry, RunState};
pub use store::{Known, StateFolder, complaint};
