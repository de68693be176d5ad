//! End-to-end tests on the embedded AWS: the real sam, a real emulator, and,
//! in `real_render`, the published handler in real Chromium.
//!
//! They provision the tools by themselves (`cargo xtask setup`).

#![allow(clippy::disallowed_methods, reason = "a test starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a panic is how a test says what it met")]
#![expect(clippy::print_stdout, reason = "tables and rates that `cargo test -- --nocapture` shows")]

mod ab;
mod ages;
mod benchmark;
mod broken_videos;
mod checkouts;
mod company;
mod containers;
mod contract;
mod corpus;
mod corruptions;
mod doctor;
mod emulator;
mod exact;
mod fixtures;
mod foreign;
mod formats;
mod kills;
mod lab;
mod launcher;
mod lengths;
mod lint;
mod memory;
mod neighbors;
mod outcomes;
mod page;
mod permissions;
mod proxy;
mod purge;
mod python;
mod real_render;
mod recorded;
mod renderer_faults;
mod repository;
mod reuse;
mod run;
mod second_opinion;
mod service_models;
mod simulator;
