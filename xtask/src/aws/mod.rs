//! AWS: identity, executions and buckets through its SDK; what else is read, by calls signed here.

pub mod access;
pub mod buckets;
pub mod change_sets;
pub mod clients;
pub mod emptying;
pub mod executions;
pub mod faults;
pub mod identity;
pub mod network;
pub mod policy;
pub mod proxies;
pub mod region;
pub mod resources;
pub mod rights;
pub mod settings;
pub mod signed_calls;
pub mod signed_request;
pub mod stack_events;
pub mod stacks;
