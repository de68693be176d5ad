//! What renders are told apart by.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ChunkCount, ChunkCounts, PlanProtocol, PlanProtocols};

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

/// Every render of a run, in order: those of one chunk count follow each other.
pub fn render_ids(counts: &ChunkCounts, protocols: PlanProtocols) -> Vec<RenderId> {
    let of_count = |&chunk_count| protocols.each().into_iter().map(move |protocol| RenderId { protocol, chunk_count });
    counts.iter().flat_map(of_count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
