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
    /// Frames a chunk that the planner is asked for.
    pub sent_chunk_size: ChunkSize,
    /// Frames a chunk that it makes of that: what is shown and recorded.
    pub chunk_size: ChunkSize,
}

impl PlannedRender {
    /// A render of `frames` frames for which chunks of `sent` frames are asked.
    pub fn new(id: RenderId, sent: ChunkSize, frames: u64) -> Self {
        Self { id, sent_chunk_size: sent, chunk_size: sent.effective(frames, id.chunk_count) }
    }

    /// How the planner can be expected to split `frames` frames.
    pub fn split(&self, frames: u64) -> Split {
        Split { frames, chunks: self.chunk_size.chunks_of(frames) }
    }
}

/// Where the number of frames a chunk comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizing {
    /// It is named for the whole run.
    Named(ChunkSize),
    /// It is the fixture's own, else this one.
    OfFixtureOr(ChunkSize),
    /// As many as make each chunk count, but no more than the fixture's own: the planner
    /// enlarges those again, so the count is what runs.
    ByCount,
}

impl Sizing {
    /// The frames a chunk that the planner is asked for, of a fixture with a size of its own or none.
    ///
    /// # Errors
    /// When a count needs more frames a chunk than the handler takes.
    pub fn size(self, of_fixture: Option<ChunkSize>, frames: u64, count: ChunkCount) -> anyhow::Result<ChunkSize> {
        Ok(match self {
            Self::Named(size) => size,
            Self::OfFixtureOr(size) => of_fixture.unwrap_or(size),
            Self::ByCount => {
                let by_count = ChunkSize::for_count(frames, count)?;
                of_fixture.filter(|own| own.get() < by_count.get()).unwrap_or(by_count)
            }
        })
    }
}

/// One render for each chunk count and protocol, of a fixture with a chunk size of its own or none.
///
/// # Errors
/// When a count asks for more frames a chunk than the handler takes.
pub fn planned_renders(
    counts: &ChunkCounts,
    protocols: PlanProtocols,
    sizing: Sizing,
    of_fixture: Option<ChunkSize>,
    frames: u64,
) -> anyhow::Result<Vec<PlannedRender>> {
    let planned = |id: RenderId| Ok(PlannedRender::new(id, sizing.size(of_fixture, frames, id.chunk_count)?, frames));
    render_ids(counts, protocols).into_iter().map(planned).collect()
}

/// Every render of a run, in order: those of one chunk count follow each other.
pub fn render_ids(counts: &ChunkCounts, protocols: PlanProtocols) -> Vec<RenderId> {
    let of_count = |&chunk_count| protocols.each().into_iter().map(move |protocol| RenderId { protocol, chunk_count });
    counts.iter().flat_map(of_count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(sizing: Sizing, of_fixture: Option<u64>, frames: u64) -> Vec<(u16, u32, u32)> {
        let of_fixture = of_fixture.map(|size| ChunkSize::new(size).unwrap());
        let protocols = PlanProtocols::One(PlanProtocol::V2);
        let renders = planned_renders(&"2,4".parse().unwrap(), protocols, sizing, of_fixture, frames).unwrap();
        renders.iter().map(|r| (r.id.chunk_count.get(), r.sent_chunk_size.get(), r.chunk_size.get())).collect()
    }

    #[test]
    fn protocols_and_renders_go_by_their_names() {
        for (name, protocols) in [
            ("v1", PlanProtocols::One(PlanProtocol::V1)),
            ("v2", PlanProtocols::One(PlanProtocol::V2)),
            ("both", PlanProtocols::Both),
        ] {
            assert_eq!((name.parse::<PlanProtocols>().unwrap(), protocols.to_string().as_str()), (protocols, name));
        }
        assert!("v3".parse::<PlanProtocol>().is_err() && "none".parse::<PlanProtocols>().is_err());
        let ids = render_ids(&"2,4".parse().unwrap(), PlanProtocols::Both);
        let told: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["v1 N=2", "N=2", "v1 N=4", "N=4"]);
        assert_eq!(ids.iter().map(|id| id.chunks()).collect::<Vec<_>>(), ["v1 2", "2", "v1 4", "4"]);
    }

    #[test]
    fn the_count_runs_whatever_the_fixtures_own_size_is() {
        assert_eq!(planned(Sizing::ByCount, None, 60), [(2, 30, 30), (4, 15, 15)]);
        assert_eq!(planned(Sizing::ByCount, Some(20), 60), [(2, 20, 30), (4, 15, 15)]);
        assert_eq!(planned(Sizing::ByCount, Some(240), 60), [(2, 30, 30), (4, 15, 15)]);
    }

    #[test]
    fn a_named_size_wins_over_the_fixtures_and_that_over_the_usual_one() {
        let size = ChunkSize::new(40).unwrap();
        assert_eq!(planned(Sizing::Named(size), Some(20), 60), [(2, 40, 40), (4, 40, 40)]);
        assert_eq!(planned(Sizing::OfFixtureOr(size), Some(20), 60), [(2, 20, 30), (4, 20, 20)]);
        assert_eq!(planned(Sizing::OfFixtureOr(size), None, 60), [(2, 40, 40), (4, 40, 40)]);
    }
}
