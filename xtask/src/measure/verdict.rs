//! The verdict: PASS only when every planned render was measured and is equal enough.

use serde::Serialize;

use super::{comparison::Comparison, finding::Finding, gate::Gate};
use crate::plan::RenderId;

/// One render that was done and measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Which of the plan's renders.
    pub render: RenderId,
    /// Against the baseline.
    pub comparison: Comparison,
    /// What speaks against it beside that comparison: frozen chunks, a record
    /// that was left, records that contradict each other.
    pub beside: Vec<Finding>,
}

/// One render's part of the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Which of the plan's renders.
    pub render: RenderId,
    /// Empty when the render passes.
    pub findings: Vec<Finding>,
}

/// How the whole gate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All planned renders measured, all equal enough.
    Pass,
    /// At least one render was not measured.
    Incomplete,
    /// At least one render differs too much.
    Unequal,
    /// Equal enough, but an execution's records contradict its video, or the
    /// plan protocols rendered different ones.
    Contradictory,
}

/// The verdict over all planned renders. It can only be built from the plan
/// and the measurements, and there is none without a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    judged: Vec<Judged>,
    unmeasured: Vec<RenderId>,
}

impl Verdict {
    /// Holds every planned render against the gate. `None` when nothing was planned.
    pub fn judge(planned: &[RenderId], measured: &[Measured], gate: &Gate) -> Option<Self> {
        let mut judged = Vec::new();
        let mut unmeasured = Vec::new();
        for &render in planned {
            match measured.iter().find(|m| m.render == render) {
                Some(measured) => judged.push(measured.judge(gate)),
                None => unmeasured.push(render),
            }
        }
        (!planned.is_empty()).then_some(Self { judged, unmeasured })
    }

    /// What the verdict is.
    pub fn outcome(&self) -> Outcome {
        let mut findings = self.judged.iter().flat_map(|judged| &judged.findings).peekable();
        if !self.unmeasured.is_empty() {
            Outcome::Incomplete
        } else if findings.peek().is_none() {
            Outcome::Pass
        } else if findings.all(|finding| matches!(finding, Finding::Contradiction(_) | Finding::Semantic(_))) {
            Outcome::Contradictory
        } else {
            Outcome::Unequal
        }
    }

    /// The measured renders, in the plan's order.
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// The planned renders that were not measured.
    pub fn unmeasured(&self) -> &[RenderId] {
        &self.unmeasured
    }
}

impl Measured {
    /// Everything about this render that is not as it must be.
    pub fn judge(&self, gate: &Gate) -> Judged {
        let findings = self.comparison.findings(gate).into_iter().chain(self.beside.iter().cloned());
        Judged { render: self.render, findings: findings.collect() }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
