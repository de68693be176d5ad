//! The renders of a run, one for each chunk count.

use std::{fmt, str::FromStr};

use anyhow::bail;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{ChunkCount, ChunkCounts, ChunkSize};
use crate::fixture::{LambdaFps, VideoFormat};

/// How Plan hands its work to the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanProtocol {
    /// One plan archive for all chunks.
    V1,
    /// A manifest with content-addressed parts.
    V2,
}

impl FromStr for PlanProtocol {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => bail!("{text:?} is not a plan protocol (v1 or v2)"),
        }
    }
}

impl fmt::Display for PlanProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// What a fixture asks of every one of its renders.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderSettings {
    /// Frames a second.
    pub fps: LambdaFps,
    /// The container.
    pub format: VideoFormat,
    /// Picture width in pixels.
    pub width: u64,
    /// Picture height in pixels.
    pub height: u64,
    /// Frames of the whole composition.
    pub frames: u64,
    /// Fields of meta.json's renderConfig that go to the handler as they are
    /// (codec, variables, hdr and the like).
    pub forwarded: Map<String, Value>,
}

/// One render to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedRender {
    /// Chunks asked for.
    pub chunk_count: ChunkCount,
    /// Frames a chunk that are sent to the planner.
    pub chunk_size: ChunkSize,
}

impl PlannedRender {
    /// How many chunks the planner can be expected to make.
    pub fn expected_chunks(&self, frames: u64) -> u64 {
        self.chunk_size.chunks_of(frames)
    }
}

/// One render for each chunk count, with `chunk_size` frames a chunk, or else
/// as many as make that count.
///
/// # Errors
/// When a count asks for more frames a chunk than the handler takes.
pub fn planned_renders(
    counts: &ChunkCounts,
    chunk_size: Option<ChunkSize>,
    frames: u64,
) -> anyhow::Result<Vec<PlannedRender>> {
    let planned = |&chunk_count| {
        let size = chunk_size.map_or_else(|| ChunkSize::for_count(frames, chunk_count), Ok)?;
        Ok(PlannedRender { chunk_count, chunk_size: size })
    };
    counts.iter().map(planned).collect()
}
