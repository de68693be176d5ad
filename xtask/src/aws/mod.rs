//! AWS: identity, executions and buckets through its SDK; what else is read, by calls signed here.

pub mod access;
pub mod buckets;
pub(crate) mod change_sets;
pub mod clients;
pub(crate) mod config_files;
pub mod emptying;
pub(crate) mod executions;
pub mod faults;
pub(crate) mod holder;
pub mod identity;
pub(crate) mod network;
pub mod policy;
pub(crate) mod proxies;
pub(crate) mod region;
pub(crate) mod resources;
pub(crate) mod rights;
pub(crate) mod settings;
pub(crate) mod signed_calls;
pub(crate) mod signed_request;
pub(crate) mod stack_events;
pub(crate) mod stacks;
