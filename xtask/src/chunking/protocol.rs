//! Plan protocols.

use std::{fmt, str::FromStr};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

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
