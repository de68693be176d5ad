//! The renders of a run, one for each chunk count.

use std::{fmt, str::FromStr};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ChunkCount, ChunkCounts, ChunkSize};
use crate::{
    budget::Split,
    fixture::{LambdaFps, RenderFormat},
};

/// How Plan hands its work to the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// The plan protocols of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanProtocols {
    /// One.
    One(PlanProtocol),
    /// Both, whose renders are compared with each other.
    Both,
}

impl PlanProtocols {
    /// The protocols that run, in order.
    pub fn each(self) -> Vec<PlanProtocol> {
        match self {
            Self::One(protocol) => vec![protocol],
            Self::Both => vec![PlanProtocol::V1, PlanProtocol::V2],
        }
    }
}

impl FromStr for PlanProtocols {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "both" => Ok(Self::Both),
            _ => text
                .parse()
                .map(Self::One)
                .ok()
                .with_context(|| format!("{text:?} is not a plan protocol (v1, v2 or both)")),
        }
    }
}

impl fmt::Display for PlanProtocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(protocol) => protocol.fmt(f),
            Self::Both => f.write_str("both"),
        }
    }
}

/// What tells one render of a run from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderId {
    /// How the plan goes to the chunks.
    pub protocol: PlanProtocol,
    /// Chunks asked for.
    pub chunk_count: ChunkCount,
}

impl RenderId {
    /// What the names of its files begin with: `N4`, or `v1-N4` by the older protocol.
    pub fn file_stem(self) -> String {
        match self.protocol {
            PlanProtocol::V1 => format!("v1-N{}", self.chunk_count),
            PlanProtocol::V2 => format!("N{}", self.chunk_count),
        }
    }

    /// What a column of chunk counts has: `4`, or `v1 4` by the older protocol.
    pub fn chunks(self) -> String {
        match self.protocol {
            PlanProtocol::V1 => format!("v1 {}", self.chunk_count),
            PlanProtocol::V2 => self.chunk_count.to_string(),
        }
    }
}

/// `N=4`, or `v1 N=4` by the older protocol.
impl fmt::Display for RenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            PlanProtocol::V1 => write!(f, "v1 N={}", self.chunk_count),
            PlanProtocol::V2 => write!(f, "N={}", self.chunk_count),
        }
    }
}

/// What a fixture asks of every one of its renders.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderSettings {
    /// Frames a second.
    pub fps: LambdaFps,
    /// What is delivered.
    pub format: RenderFormat,
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
    /// Which one.
    pub id: RenderId,
    /// Frames a chunk that are sent to the planner.
    pub chunk_size: ChunkSize,
}

impl PlannedRender {
    /// How the planner can be expected to split `frames` frames: into chunks of the size that
    /// it is told, or of more where those would be too many.
    pub fn split(&self, frames: u64) -> Split {
        Split { frames, chunks: self.chunk_size.chunks_of(frames).min(u64::from(self.id.chunk_count.get())) }
    }
}

/// One render for each chunk count and protocol, with `chunk_size` frames a chunk, or else
/// as many as make that count.
///
/// # Errors
/// When a count asks for more frames a chunk than the handler takes.
pub fn planned_renders(
    counts: &ChunkCounts,
    protocols: PlanProtocols,
    chunk_size: Option<ChunkSize>,
    frames: u64,
) -> anyhow::Result<Vec<PlannedRender>> {
    let planned = |id: RenderId| {
        let size = chunk_size.map_or_else(|| ChunkSize::for_count(frames, id.chunk_count), Ok)?;
        Ok(PlannedRender { id, chunk_size: size })
    };
    render_ids(counts, protocols).into_iter().map(planned).collect()
}

/// Every render of a run, in order: those of one chunk count follow each other.
pub fn render_ids(counts: &ChunkCounts, protocols: PlanProtocols) -> Vec<RenderId> {
    let of_count = |&chunk_count| protocols.each().into_iter().map(move |protocol| RenderId { protocol, chunk_count });
    counts.iter().flat_map(of_count).collect()
}
