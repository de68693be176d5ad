//! From options and fixture to the renders of the run.

use execution_history::chunking::{ChunkCount, ChunkCounts, ChunkSize, PlanProtocols, RenderId, render_ids};
use render_verdict::{frames::sequence::GaplessFrames, probe::MediaShape};
use serde_json::{Map, Value};

use crate::{
    project::fixture::{
        composition::Composition,
        format::{LambdaFps, RenderFormat},
    },
    run::estimate::Split,
};

/// Picture size in pixels, and number of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Width in pixels.
    pub width: u64,
    /// Height in pixels.
    pub height: u64,
    /// Frames of the whole composition.
    pub frames: u64,
}

impl Extent {
    /// The extent that a composition declares; `None` if it leaves any of it to its scripts.
    pub fn declared_by(composition: &Composition, fps: u32) -> Option<Self> {
        let (width, height) = (composition.width?, composition.height?);
        Some(Self { width, height, frames: composition.frames(fps)? })
    }

    /// The extent that a composition declares, completed with this one.
    #[must_use]
    pub fn completing(self, composition: &Composition, fps: u32) -> Self {
        Self {
            width: composition.width.unwrap_or(self.width),
            height: composition.height.unwrap_or(self.height),
            frames: composition.frames(fps).unwrap_or(self.frames),
        }
    }
}

impl From<&MediaShape> for Extent {
    fn from(video: &MediaShape) -> Self {
        Self { width: video.width, height: video.height, frames: video.frames }
    }
}

impl From<&GaplessFrames> for Extent {
    fn from(frames: &GaplessFrames) -> Self {
        let size = frames.size();
        Self { width: size.width.into(), height: size.height.into(), frames: frames.sequence().count() }
    }
}

/// The settings of all renders of a fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderSettings {
    /// Frames a second.
    pub fps: LambdaFps,
    pub format: RenderFormat,
    /// Picture width in pixels.
    pub width: u64,
    /// Picture height in pixels.
    pub height: u64,
    /// Frames of the whole composition.
    pub frames: u64,
    /// Fields of meta.json's renderConfig that go to the handler unchanged, such as codec and variables.
    pub forwarded: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedRender {
    pub id: RenderId,
    /// The requested frames per chunk.
    pub sent_chunk_size: ChunkSize,
    /// The frames per chunk that the planner makes of it, for reports.
    pub chunk_size: ChunkSize,
}

impl PlannedRender {
    /// A render of `frames` frames, for which chunks of `sent` frames are requested.
    pub fn new(id: RenderId, sent: ChunkSize, frames: u64) -> Self {
        Self { id, sent_chunk_size: sent, chunk_size: sent.effective(frames, id.chunk_count) }
    }

    /// How the planner is expected to split `frames` frames.
    pub fn split(&self, frames: u64) -> Split {
        Split { frames, chunks: self.chunk_size.chunks_of(frames) }
    }
}

/// The renders of one fixture, and their settings.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderPlan {
    pub settings: RenderSettings,
    /// One for each chunk count and protocol.
    pub renders: Vec<PlannedRender>,
}

impl RenderPlan {
    /// The same renders with each of these sizes of memory, MB.
    #[must_use]
    pub fn with_each(self, memories: &[Option<u32>]) -> Self {
        let with = |memory_mb: &Option<u32>| {
            let with = |render: &PlannedRender| PlannedRender {
                id: RenderId { memory_mb: *memory_mb, ..render.id },
                ..*render
            };
            self.renders.iter().map(with).collect::<Vec<_>>()
        };
        Self { renders: memories.iter().flat_map(with).collect(), ..self }
    }
}

/// Where the number of frames per chunk comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizing {
    /// It is given for the whole run.
    Named(ChunkSize),
    /// It is the fixture's own, or else this one.
    OfFixtureOr(ChunkSize),
    /// It results from each chunk count, but is at most the fixture's own. The planner enlarges that again, so
    /// the count decides.
    ByCount,
}

impl Sizing {
    /// The frames per chunk to request. `of_fixture` is the fixture's own size, if it has one.
    ///
    /// # Errors
    /// When a count needs more frames per chunk than the handler accepts.
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

/// A render for each chunk count and protocol. `of_fixture` is the fixture's own chunk size, if it has one.
///
/// # Errors
/// When a count needs more frames per chunk than the handler accepts.
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

/// Concurrent executions that Lambda keeps unreserved in every account (Lambda's quotas).
const KEPT_UNRESERVED: u64 = 100;

/// An account's unreserved concurrency, and the parts of it that a run reserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Concurrent executions that nobody has reserved.
    pub unreserved: u64,
    /// What all functions of the run reserve together; 0 for nothing.
    pub reserved: u64,
    /// What the function that renders chunks reserves; with `None` it shares the unreserved part.
    pub for_chunks: Option<u32>,
}

impl Concurrency {
    /// A sentence about it.
    ///
    /// # Errors
    /// When so much can't be reserved. The message says what to do.
    pub fn check(self) -> Result<String, String> {
        let Self { unreserved, reserved, .. } = self;
        if reserved == 0 {
            return Ok(format!("{unreserved} executions at once, none of which is reserved"));
        }
        match unreserved.checked_sub(KEPT_UNRESERVED) {
            Some(free) if free >= reserved => {
                Ok(format!("{unreserved} executions at once, of which {reserved} can be reserved"))
            }
            _ => Err(format!(
                "{unreserved} executions at once are unreserved, of which Lambda keeps {KEPT_UNRESERVED}: {reserved} \
                 can't be reserved; use --reserved-concurrency 0, or request a higher quota"
            )),
        }
    }

    /// How many chunks can be rendered at once. More are throttled, and Step Functions retries them.
    pub fn at_once(self) -> u64 {
        self.for_chunks.map_or(self.unreserved.saturating_sub(self.reserved), u64::from)
    }

    /// A warning if fewer than `chunks` chunks can be rendered at once.
    pub fn throttles(self, chunks: u32) -> Option<String> {
        let at_once = self.at_once();
        let (whose, way_out) = match self.for_chunks {
            Some(_) => ("the function's reserved concurrency", format!("--reserved-concurrency {chunks} or 0 helps")),
            None => ("the account's quota", "a higher quota helps".to_owned()),
        };
        (u64::from(chunks) > at_once).then(|| {
            format!(
                "{chunks} chunks are more than {whose} of {at_once}: Lambda throttles the others; Step Functions \
                 retries those for a while, and then fails the render; {way_out}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use execution_history::chunking::PlanProtocol;

    use super::*;

    #[test]
    fn what_a_composition_declares_comes_first() {
        let measured = Extent { width: 64, height: 36, frames: 9 };
        let whole = Composition { width: Some(640), height: Some(360), duration_s: Some(2.0) };
        let declared = Extent { width: 640, height: 360, frames: 60 };
        assert_eq!((Extent::declared_by(&whole, 30), measured.completing(&whole, 30)), (Some(declared), declared));
        let part = Composition { duration_s: None, ..whole };
        assert_eq!(Extent::declared_by(&part, 30), None);
        assert_eq!(measured.completing(&part, 30), Extent { frames: 9, ..declared });
    }

    fn planned(sizing: Sizing, of_fixture: Option<u64>, frames: u64) -> Vec<(u16, u32, u32)> {
        let of_fixture = of_fixture.map(|size| ChunkSize::new(size).unwrap());
        let protocols = PlanProtocols::One(PlanProtocol::V2);
        let renders = planned_renders(&"2,4".parse().unwrap(), protocols, sizing, of_fixture, frames).unwrap();
        renders.iter().map(|r| (r.id.chunk_count.get(), r.sent_chunk_size.get(), r.chunk_size.get())).collect()
    }

    #[test]
    fn the_count_decides_whatever_the_fixtures_own_size_is() {
        assert_eq!(planned(Sizing::ByCount, None, 60), [(2, 30, 30), (4, 15, 15)]);
        assert_eq!(planned(Sizing::ByCount, Some(20), 60), [(2, 20, 30), (4, 15, 15)]);
        assert_eq!(planned(Sizing::ByCount, Some(240), 60), [(2, 30, 30), (4, 15, 15)]);
    }

    #[test]
    fn a_given_size_precedes_the_fixtures_and_that_the_default() {
        let size = ChunkSize::new(40).unwrap();
        assert_eq!(planned(Sizing::Named(size), Some(20), 60), [(2, 40, 40), (4, 40, 40)]);
        assert_eq!(planned(Sizing::OfFixtureOr(size), Some(20), 60), [(2, 20, 30), (4, 20, 20)]);
        assert_eq!(planned(Sizing::OfFixtureOr(size), None, 60), [(2, 40, 40), (4, 40, 40)]);
    }

    /// One function that reserves this, and renders the chunks too.
    fn one_function(unreserved: u64, reserved: Option<u32>) -> Concurrency {
        Concurrency { unreserved, reserved: reserved.unwrap_or_default().into(), for_chunks: reserved }
    }

    #[test]
    fn an_account_of_ten_can_reserve_nothing() {
        let check = |unreserved, reserved| one_function(unreserved, reserved).check();
        assert!(check(10, Some(16)).unwrap_err().contains("--reserved-concurrency 0"));
        assert!(check(115, Some(16)).is_err());
        assert!(check(116, Some(16)).is_ok());
        assert!(check(10, None).is_ok());
    }

    #[test]
    fn chunks_beyond_the_ceiling_are_throttled() {
        let warning = |unreserved, reserved, chunks| one_function(unreserved, reserved).throttles(chunks);
        assert_eq!(warning(1000, Some(16), 16), None);
        assert!(warning(1000, Some(16), 17).unwrap().contains("--reserved-concurrency 17 or 0 helps"));
        assert_eq!(warning(10, None, 10), None);
        assert!(warning(10, None, 11).unwrap().contains("the account's quota of 10"));
    }

    #[test]
    fn what_other_functions_reserve_is_not_left_for_the_chunks() {
        let concurrency = Concurrency { unreserved: 132, reserved: 32, for_chunks: None };
        assert!(concurrency.check().is_ok());
        assert!(concurrency.throttles(101).unwrap().contains("the account's quota of 100"));
        assert!(Concurrency { unreserved: 131, ..concurrency }.check().is_err());
    }
}
