//! How each gate came out for a render. Pure.

use execution_history::chunking::PlanProtocol;
use render_verdict::{
    audio::AudioStatus,
    finding::Finding,
    gates::{Check, GATES, Gate, PLAN_PROTOCOLS},
};

use crate::report::{RunReport, render::RenderReport};

/// How a gate came out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GateOutcome<'a> {
    Passed,
    Failed(Vec<&'a Finding>),
    /// Why it was not applied.
    NotApplied(&'static str),
}

impl RunReport {
    /// The gates that apply to a render, and others that found something, in the order of the table of gates.
    pub(crate) fn gates<'a>(&self, render: &'a RenderReport) -> Vec<(&'a str, GateOutcome<'a>)> {
        let row = &render.row;
        let both = self
            .semantic
            .iter()
            .any(|compared| compared.chunk_count == row.id.chunk_count && compared.fixture == row.fixture);
        let of_both = both && row.id.protocol == PlanProtocol::V2;
        let applies = |gate: &&Gate| match gate.check {
            Check::Contradiction => gate.id != PLAN_PROTOCOLS.id || of_both,
            Check::Exact => row.exact.is_some(),
            Check::Structure | Check::Picture(_) | Check::Local(_) | Check::Audio(_) | Check::Run => {
                row.exact.is_none()
            }
        };
        let mut gates: Vec<&str> = GATES.into_iter().filter(applies).map(|gate| gate.id).collect();
        for finding in &row.findings {
            if !gates.contains(&finding.gate.as_ref()) {
                gates.push(&finding.gate);
            }
        }
        let outcome = |gate: &str| {
            let findings: Vec<&Finding> = row.findings.iter().filter(|found| found.gate == gate).collect();
            match (findings.is_empty(), not_applied(render, gate)) {
                (false, _) => GateOutcome::Failed(findings),
                (true, Some(why)) => GateOutcome::NotApplied(why),
                (true, None) => GateOutcome::Passed,
            }
        };
        gates.into_iter().map(|gate| (gate, outcome(gate))).collect()
    }
}

/// Why a gate was not applied to a render.
fn not_applied(render: &RenderReport, gate: &str) -> Option<&'static str> {
    let row = &render.row;
    let unlike = row.exact.is_none() && row.picture.is_none();
    match (Gate::named(gate)?.check, row.audio_status) {
        (Check::Picture(_) | Check::Local(_) | Check::Audio(_) | Check::Run, _) if unlike => Some("the shapes differ"),
        (Check::Audio(_), AudioStatus::None) => Some("neither has audio"),
        (Check::Audio(_), AudioStatus::Mismatch | AudioStatus::NotCompared) => Some("the audio was not compared"),
        _ => None,
    }
}
