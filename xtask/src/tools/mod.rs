//! The programs that a run calls, each behind the one runner: sam, bun, zip, ffmpeg, node.

pub(crate) mod children;
pub mod env;
pub mod ffmpeg;
pub(crate) mod files;
pub mod folder;
pub mod handler;
pub(crate) mod handler_zip;
pub(crate) mod harness;
pub(crate) mod in_process;
pub(crate) mod preflight;
pub(crate) mod release;
pub mod runner;
pub(crate) mod sam;
pub(crate) mod watcher;
