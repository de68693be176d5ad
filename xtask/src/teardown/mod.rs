//! The one way in which anything is deleted: prove, stop, empty, delete, verify.
//!
//! Success, failed gates, errors, panics and signals all end here, and so does
//! `lambda-teardown` after a crash.

mod command;
mod expected;
mod inventory;
mod ours;
mod ownership;
mod resources;
mod rounds;
mod site;
mod sweep;
mod unfinished;

pub use command::run;
pub use inventory::{Hints, Inventory, STACK_TAG, take};
pub use ours::{Ours, StackContents};
pub use ownership::{Decision, Evidence, Ownership, StackEvidence, StackOwnership, decide};
pub use rounds::sweep_run;
pub use sweep::Sweeper;
