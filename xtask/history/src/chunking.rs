//! How a render is split: counts and sizes of chunks, plan protocols, and the id of each render. Pure.

use std::{fmt, str::FromStr};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

/// The number of chunks that is requested for a render, 1..=256 (the handler's limit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16")]
pub struct ChunkCount(u16);

/// The same check as in [`ChunkCount::new`], because a file may contain any number.
impl TryFrom<u16> for ChunkCount {
    type Error = anyhow::Error;

    fn try_from(count: u16) -> anyhow::Result<Self> {
        Self::new(count)
    }
}

impl ChunkCount {
    /// Accepts 1..=256.
    ///
    /// # Errors
    /// If the count is outside that range.
    pub fn new(count: u16) -> anyhow::Result<Self> {
        ensure!((1..=256).contains(&count), "a chunk count is 1 to 256, not {count}");
        Ok(Self(count))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl FromStr for ChunkCount {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        ensure!(
            !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()),
            "{text:?} is not a chunk count (a whole number, 1 to 256)"
        );
        Self::new(text.parse().ok().with_context(|| format!("a chunk count is 1 to 256, not {text}"))?)
    }
}

impl fmt::Display for ChunkCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run's chunk counts: at least one and no duplicates, in the order of the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkCounts(Vec<ChunkCount>);

impl ChunkCounts {
    /// The counts, in the order of the command line.
    pub fn iter(&self) -> std::slice::Iter<'_, ChunkCount> {
        self.0.iter()
    }

    /// How many chunks are rendered at the same time, at most, if `executions` renders run in parallel.
    pub fn at_once(&self, executions: usize) -> u32 {
        let mut counts: Vec<u32> = self.0.iter().map(|count| count.get().into()).collect();
        counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        counts.iter().take(executions).sum()
    }
}

impl From<ChunkCount> for ChunkCounts {
    fn from(count: ChunkCount) -> Self {
        Self(vec![count])
    }
}

impl FromStr for ChunkCounts {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        ensure!(
            !text.trim().is_empty(),
            "the list of chunk counts is empty: nothing would be rendered (example: 2,4,8)"
        );
        let counts = text.split(',').map(str::parse).collect::<anyhow::Result<Vec<ChunkCount>>>()?;
        for (i, count) in counts.iter().enumerate() {
            ensure!(!counts[..i].contains(count), "chunk count {count} is listed twice");
        }
        Ok(Self(counts))
    }
}

/// The number of frames in a chunk. A requested size is 1..=3600 (the handler's limit); the
/// planner may choose a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct ChunkSize(u32);

/// A size that is read from a file, which is any that the planner can choose.
impl TryFrom<u32> for ChunkSize {
    type Error = anyhow::Error;

    fn try_from(frames: u32) -> anyhow::Result<Self> {
        ensure!(frames > 0, "a chunk size is 1 frame or more");
        Ok(Self(frames))
    }
}

impl ChunkSize {
    /// The default, if neither an option nor the fixture sets a size.
    pub const USUAL: Self = Self(60);

    /// Accepts 1..=3600.
    ///
    /// # Errors
    /// If the size is outside that range.
    pub fn new(frames: u64) -> anyhow::Result<Self> {
        ensure!((1..=3600).contains(&frames), "a chunk size is 1 to 3600 frames, not {frames}");
        Ok(Self(frames as u32))
    }

    /// The size that splits `frames` into `count` chunks: ceil(frames / count).
    ///
    /// # Errors
    /// If that is more than the handler accepts.
    pub fn for_count(frames: u64, count: ChunkCount) -> anyhow::Result<Self> {
        Self::new(frames.div_ceil(u64::from(count.get())).max(1))
            .with_context(|| format!("{frames} frames can't be rendered in {count} chunks"))
    }

    /// The size that the planner chooses if this one is requested: it allows at most `count`
    /// chunks, enlarges them until they hold `frames` frames, and leaves no chunk empty
    /// (`resolveChunkPlan`, 0.8.31).
    #[must_use]
    pub fn effective(self, frames: u64, count: ChunkCount) -> Self {
        let chunks = self.chunks_of(frames).min(u64::from(count.get())).max(1);
        let least = u32::try_from(frames.div_ceil(chunks)).unwrap_or(u32::MAX);
        Self(self.0.max(least))
    }

    /// The number of frames.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The number of chunks that `frames` frames are split into at this size.
    pub fn chunks_of(self, frames: u64) -> u64 {
        frames.div_ceil(u64::from(self.0))
    }
}

impl FromStr for ChunkSize {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Self::new(
            text.parse().ok().with_context(|| format!("{text:?} is not a chunk size (a whole number of frames)"))?,
        )
    }
}

/// How Plan passes its work to the chunks.
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

/// A run's plan protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanProtocols {
    /// One protocol.
    One(PlanProtocol),
    /// Both protocols, whose renders are compared with each other.
    Both,
}

impl PlanProtocols {
    /// The protocols, in the order in which they run.
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

/// Identifies a render within its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderId {
    /// The plan protocol.
    pub protocol: PlanProtocol,
    /// The number of chunks that was requested.
    pub chunk_count: ChunkCount,
    /// The memory of the functions, MB, where a run renders with several sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
}

impl RenderId {
    /// The beginning of its file names: `N4`, `v1-N4` with the older protocol, or `2048-MB-N4` in a sweep of memory.
    pub fn file_stem(self) -> String {
        self.to_string().replace(' ', "-").replace('=', "")
    }

    /// The text in a column of chunk counts that ran: `4`, or `1 of 4` where the plan has fewer than were requested.
    pub fn chunks_as_planned(self, planned: Option<u64>) -> String {
        let fewer = planned.filter(|planned| *planned != u64::from(self.chunk_count.get()));
        let of = fewer.map(|planned| format!("{planned} of ")).unwrap_or_default();
        match self.protocol {
            PlanProtocol::V1 => format!("v1 {of}{}", self.chunk_count),
            PlanProtocol::V2 => format!("{of}{}", self.chunk_count),
        }
    }

    /// The text in a column of chunk counts: `4`, or `v1 4` with the older protocol.
    pub fn chunks(self) -> String {
        self.chunks_as_planned(None)
    }
}

/// `N=4`, `v1 N=4` with the older protocol, or `2048 MB N=4` in a sweep of memory.
impl fmt::Display for RenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mb) = self.memory_mb {
            write!(f, "{mb} MB ")?;
        }
        match self.protocol {
            PlanProtocol::V1 => write!(f, "v1 N={}", self.chunk_count),
            PlanProtocol::V2 => write!(f, "N={}", self.chunk_count),
        }
    }
}

/// Every render of one run, in order: those with the same chunk count follow each other.
pub fn render_ids(counts: &ChunkCounts, protocols: PlanProtocols) -> Vec<RenderId> {
    let id = |protocol, chunk_count| RenderId { protocol, chunk_count, memory_mb: None };
    let of_count = |&chunk_count| protocols.each().into_iter().map(move |protocol| id(protocol, chunk_count));
    counts.iter().flat_map(of_count).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_are_distinct_and_in_range() {
        assert_eq!("2,4, 8".parse::<ChunkCounts>().unwrap().iter().map(|c| c.get()).collect::<Vec<_>>(), [2, 4, 8]);
        for bad in ["", " ", ",", "2,", "2,x", "0", "257", "2,2", "-1", "+2", "1.5", "99999999999"] {
            assert!(bad.parse::<ChunkCounts>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn counts_and_sizes_in_files_are_checked() {
        let read = |json: &str| (serde_json::from_str(json).ok(), serde_json::from_str(json).ok());
        let of = |number: u16| (ChunkCount::new(number).unwrap(), ChunkSize(number.into()));
        assert_eq!(read("256"), (Some(of(256).0), Some(of(256).1)));
        assert_eq!(read("257"), (None, Some(ChunkSize(257))));
        assert_eq!(read("25000"), (None, Some(ChunkSize(25_000))));
        assert_eq!((read("0"), read("-1")), ((None, None), (None, None)));
        assert_eq!(serde_json::to_string(&of(4)).unwrap(), "[4,4]");
    }

    #[test]
    fn the_planner_enlarges_chunks_that_would_be_too_many() {
        let effective = |frames, size, count| {
            let size = ChunkSize::new(size).unwrap().effective(frames, ChunkCount::new(count).unwrap());
            (size.get(), size.chunks_of(frames))
        };
        assert_eq!(effective(480, 60, 4), (120, 4));
        assert_eq!(effective(60, 60, 4), (60, 1));
        assert_eq!(effective(60, 10, 4), (15, 4));
        // With two frames in each chunk there are five chunks; three of the eight would be empty.
        assert_eq!(effective(10, 1, 8), (2, 5));
        assert_eq!(effective(100_000, 3600, 4), (25_000, 4));
    }

    #[test]
    fn the_largest_counts_are_rendered_at_the_same_time() {
        let counts: ChunkCounts = "2,8,4".parse().unwrap();
        assert_eq!([1, 2, 9].map(|executions| counts.at_once(executions)), [8, 12, 14]);
    }

    proptest! {
        #[test]
        fn the_size_never_makes_more_chunks_than_requested(frames in 1u64..100_000, count in 1u16..=256) {
            let count = ChunkCount::new(count).unwrap();
            if let Ok(size) = ChunkSize::for_count(frames, count) {
                prop_assert!(size.chunks_of(frames) <= u64::from(count.get()));
            }
        }

        #[test]
        fn a_smaller_size_makes_the_same_chunks_as_the_count_alone(
            frames in 1u64..5_000, count in 1u16..=256, own in 1u64..=3600,
        ) {
            let count = ChunkCount::new(count).unwrap();
            let by_count = ChunkSize::for_count(frames, count);
            prop_assume!(by_count.is_ok());
            let by_count = by_count.unwrap();
            prop_assert_eq!(by_count.effective(frames, count), by_count);
            let sent = ChunkSize(by_count.0.min(own as u32));
            prop_assert_eq!(sent.effective(frames, count), by_count);
        }

        #[test]
        fn no_chunk_is_empty_and_there_are_not_too_many(frames in 1u64..5_000, count in 1u16..=256, size in 1u64..=3600) {
            let count = ChunkCount::new(count).unwrap();
            let effective = ChunkSize::new(size).unwrap().effective(frames, count);
            let chunks = effective.chunks_of(frames);
            prop_assert!(chunks <= u64::from(count.get()) && (chunks - 1) * u64::from(effective.get()) < frames);
        }
    }

    #[test]
    fn protocols_and_renders_have_names() {
        for (name, protocols) in [
            ("v1", PlanProtocols::One(PlanProtocol::V1)),
            ("v2", PlanProtocols::One(PlanProtocol::V2)),
            ("both", PlanProtocols::Both),
        ] {
            assert_eq!((name.parse::<PlanProtocols>().unwrap(), protocols.to_string().as_str()), (protocols, name));
        }
        assert!("v3".parse::<PlanProtocol>().is_err() && "none".parse::<PlanProtocols>().is_err());
        let ids = render_ids(&"2,4".parse().unwrap(), PlanProtocols::Both);
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["v1 N=2", "N=2", "v1 N=4", "N=4"]);
        assert_eq!(ids.iter().map(|id| id.chunks()).collect::<Vec<_>>(), ["v1 2", "2", "v1 4", "4"]);
        let swept = RenderId { memory_mb: Some(2048), ..ids[0] };
        assert_eq!((swept.to_string(), swept.file_stem()), ("2048 MB v1 N=2".to_owned(), "2048-MB-v1-N2".to_owned()));
        assert_eq!([ids[0].file_stem(), ids[1].file_stem()], ["v1-N2", "N2"]);
    }
}
