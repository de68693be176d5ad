//! AWS: identity, executions and buckets through its SDK; what else is read, by calls signed here.

pub mod access;
mod bucket_owner;
mod clients;
pub mod emptying;
pub mod executions;
pub mod faults;
pub mod identity;
pub mod objects;
pub mod signed_calls;
mod signed_request;
pub mod stack_events;
pub mod stacks;

pub use access::{Access, Target, TargetChoice};
pub use clients::{Clients, Keys};
