//! Rendering in-process: one composition, by this machine alone.

mod harness;
mod local;
mod renderer;

use std::{path::Path, time::Duration};

use serde_json::Value;

pub use harness::Harness;
pub use local::{LocalRenderer, LocalWay};
pub use renderer::{Renderer, check_built, check_platform};

use crate::fixture::{Fixture, RenderFormat};

/// A render in-process takes no longer.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// One render to do.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What is asked of the render.
    pub fixture: &'a Fixture,
    /// The composition's folder, as staged.
    pub project: &'a Path,
    /// What is to be made.
    pub format: RenderFormat,
    /// The file, or for a png-sequence the folder, that it goes to.
    pub to: &'a Path,
    /// Gets everything that is printed.
    pub log: &'a Path,
}

/// One render that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct InProcess {
    /// From the start of the process to its end, ms.
    pub wall_ms: u64,
    /// What the renderer says of itself: versions, frames and its own time; null where it says nothing.
    pub told: Value,
}

impl InProcess {
    /// The renderer's share of the time, without the start of node and the unpacking of Chromium, ms.
    pub fn renderer_ms(&self) -> Option<u64> {
        self.told["durationMs"].as_u64()
    }
}
