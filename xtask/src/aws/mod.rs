//! AWS: identity, executions and buckets through its SDK; what else is read, by calls signed here.

pub mod access;
mod clients;
pub mod credentials;
pub mod emptying;
pub mod executions;
pub mod faults;
pub mod function_log;
pub mod identity;
mod keys;
mod network;
pub mod objects;
pub mod remedy;
pub mod settling;
pub mod signed_calls;
mod signed_request;
pub mod stack_events;
pub mod stacks;
mod transfer;
mod witness;

pub use access::{Access, Target, TargetChoice};
pub use clients::Clients;
