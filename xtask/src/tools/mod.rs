//! The programs that a run calls, each behind the one runner: sam, bun, zip, ffmpeg, node.

pub mod children;
pub mod env;
pub mod ffmpeg;
pub mod files;
pub mod folder;
pub mod handler;
pub mod handler_zip;
pub mod harness;
pub mod in_process;
pub mod preflight;
pub mod release;
pub mod runner;
pub mod sam;
pub(crate) mod watcher;
