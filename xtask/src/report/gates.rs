//! How each gate came out for a render. Pure.

use execution_history::chunking::PlanProtocol;
use render_verdict::{
    audio::AudioStatus,
    finding::Finding,
    gates::{Check, GATES, Gate, PLAN_PROTOCOLS},
    protocols::SemanticComparison,
};

use crate::report::{render::RenderReport, row::ResultRow};

/// How a gate came out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GateOutcome<'a> {
    Passed,
    Failed(Vec<&'a Finding>),
    /// Why it was not applied.
    NotApplied(&'static str),
}

impl RenderReport {
    /// The gates that apply to the render, and others that found something, in the order of the table of gates.
    /// `protocols` are the run's comparisons of both plan protocols.
    pub(crate) fn gates(&self, protocols: &[SemanticComparison]) -> Vec<(&str, GateOutcome<'_>)> {
        let row = &self.row;
        let is_its = |compared: &SemanticComparison| {
            compared.chunk_count == row.id.chunk_count && compared.fixture == row.fixture
        };
        let both = protocols.iter().any(is_its);
        let of_both = both && row.id.protocol == PlanProtocol::V2;
        // Two files can be compared without an execution.
        let has_run = !row.execution_arn.is_empty();
        let applies = |gate: &&Gate| match gate.check {
            Check::Contradiction => has_run && (gate.id != PLAN_PROTOCOLS.id || of_both),
            Check::Exact => row.exact.is_some(),
            Check::Run => has_run && row.exact.is_none(),
            Check::Structure | Check::Picture(_) | Check::Local(_) | Check::Audio(_) => row.exact.is_none(),
        };
        let mut gates: Vec<&str> = GATES.into_iter().filter(applies).map(|gate| gate.id).collect();
        for finding in &row.findings {
            if !gates.contains(&finding.gate.as_ref()) {
                gates.push(&finding.gate);
            }
        }
        let outcome = |gate: &str| {
            let findings: Vec<&Finding> = row.findings.iter().filter(|found| found.gate == gate).collect();
            match (findings.is_empty(), not_applied(row, gate)) {
                (false, _) => GateOutcome::Failed(findings),
                (true, Some(why)) => GateOutcome::NotApplied(why),
                (true, None) => GateOutcome::Passed,
            }
        };
        gates.into_iter().map(|gate| (gate, outcome(gate))).collect()
    }
}

/// Why a gate was not applied to a render.
fn not_applied(row: &ResultRow, gate: &str) -> Option<&'static str> {
    let unlike = row.exact.is_none() && row.picture.is_none();
    match (Gate::named(gate)?.check, row.audio_status) {
        (Check::Picture(_) | Check::Local(_) | Check::Audio(_) | Check::Run, _) if unlike => Some("the shapes differ"),
        (Check::Audio(_), AudioStatus::None) => Some("neither has audio"),
        (Check::Audio(_), AudioStatus::Mismatch | AudioStatus::NotCompared) => Some("the audio was not compared"),
        _ => None,
    }
}
