//! The verdict: PASS only when every planned render was measured and is equal enough.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Comparison,
    finding::Finding,
    gates::{Check, Gate, Limits},
};

/// One render that was done and measured, and what it has to reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured<Id> {
    /// Which of the planned renders.
    pub render: Id,
    /// Against the baseline.
    pub comparison: Comparison,
    /// What speaks against it beside that comparison: frozen chunks, a record
    /// that was left, a history that says otherwise.
    pub beside: Vec<Finding>,
    /// What it must reach.
    pub limits: Limits,
}

/// One render's part of the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<Id> {
    /// Which of the planned renders.
    pub render: Id,
    /// Empty when the render passes.
    pub findings: Vec<Finding>,
}

/// How the whole gate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All planned renders measured, all equal enough.
    Pass,
    /// At least one render was not measured.
    Incomplete,
    /// At least one render differs too much.
    Unequal,
    /// Equal enough, but an execution's history contradicts its video, or the
    /// plan protocols rendered different ones.
    Contradictory,
}

impl Outcome {
    /// What keeps it from being a pass, in one line; `None` of a pass.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Pass => None,
            Self::Incomplete => Some("not every planned render was measured"),
            Self::Unequal => Some("renders are not equal enough to the baseline"),
            Self::Contradictory => Some("histories contradict their videos, or the plan protocols each other"),
        }
    }
}

/// The verdict over all planned renders. It can only be built from the plan
/// and the measurements, and there is none without a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<Id> {
    judged: Vec<Judged<Id>>,
    unmeasured: Vec<Id>,
}

impl<Id: Clone + Eq> Verdict<Id> {
    /// Holds every planned render against its gate. `None` when nothing was planned.
    pub fn judge(planned: &[Id], measured: &[Measured<Id>]) -> Option<Self> {
        let mut judged = Vec::new();
        let mut unmeasured = Vec::new();
        for render in planned {
            match measured.iter().find(|m| m.render == *render) {
                Some(measured) => judged.push(measured.judge()),
                None => unmeasured.push(render.clone()),
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
        } else if findings.all(is_contradiction) {
            Outcome::Contradictory
        } else {
            Outcome::Unequal
        }
    }

    /// The measured renders, in the plan's order.
    pub fn judged(&self) -> &[Judged<Id>] {
        &self.judged
    }

    /// The planned renders that were not measured.
    pub fn unmeasured(&self) -> &[Id] {
        &self.unmeasured
    }
}

fn is_contradiction(finding: &Finding) -> bool {
    Gate::named(&finding.gate).is_some_and(|gate| matches!(gate.check, Check::Contradiction))
}

impl<Id: Clone> Measured<Id> {
    /// Everything about this render that is not as it must be.
    pub fn judge(&self) -> Judged<Id> {
        let findings = self.comparison.findings(&self.limits).into_iter().chain(self.beside.iter().cloned());
        Judged { render: self.render.clone(), findings: findings.collect() }
    }
}

/// A verdict in words, as reports have it. Only a verdict gives one.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// pass, incomplete, unequal or contradictory.
    outcome: Outcome,
    /// Why not pass, a line each.
    findings: Vec<String>,
    /// How many renders were measured.
    measured: usize,
    /// The renders that were not, each with the cause where it is known.
    unmeasured: Vec<(String, Option<String>)>,
}

impl<Id: Clone + Eq + fmt::Display> Verdict<Id> {
    /// The verdict in words; `cause` may tell why a render was not measured.
    pub fn conclusion(&self, cause: impl Fn(&Id) -> Option<String>) -> Conclusion {
        let of_judged = |judged: &Judged<Id>| {
            let render = judged.render.clone();
            judged.findings.iter().map(move |finding| format!("{render}: {finding}")).collect::<Vec<_>>()
        };
        let unmeasured: Vec<_> = self.unmeasured.iter().map(|render| (render.to_string(), cause(render))).collect();
        let missing = unmeasured.iter().map(|(render, cause)| match cause {
            Some(cause) => format!("{render} was not measured: {cause}"),
            None => format!("{render} was not measured"),
        });
        Conclusion {
            outcome: self.outcome(),
            findings: self.judged.iter().flat_map(of_judged).chain(missing).collect(),
            measured: self.judged.len(),
            unmeasured,
        }
    }
}

impl Conclusion {
    /// What the verdict is.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why it is not a pass, a line each.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// How many renders were measured.
    pub fn measured(&self) -> usize {
        self.measured
    }

    /// The planned renders that were not measured, each with the cause where it is known.
    pub fn unmeasured(&self) -> &[(String, Option<String>)] {
        &self.unmeasured
    }

    /// The same when something else that was planned, a local render say, failed: never a pass.
    #[must_use]
    pub fn lacking(mut self, missing: impl IntoIterator<Item = String>) -> Self {
        let before = self.findings.len();
        self.findings.extend(missing);
        if self.findings.len() > before {
            self.outcome = Outcome::Incomplete;
        }
        self
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
