//! Loops over every sample and pixel.
//!
//! `cargo xtask` is a debug build, in which such loops take longer than ffmpeg
//! takes to decode what they read. A crate is what Cargo can optimize alone.
//! Functions here take slices and are not generic: generic ones would be
//! compiled, unoptimized, where they are called.

pub mod hash;
pub mod pixels;
pub mod sound;
