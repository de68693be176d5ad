//! The verdict: it passes only if every planned render was measured and matches its baseline.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{Comparison, finding::Finding, gates::Limits};

/// A measured render.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured<Id> {
    /// Which of the planned renders.
    pub render: Id,
    /// How it compares with the baseline.
    pub comparison: Comparison,
    /// Whether the gates for parts of the picture apply to that comparison. They do not if the fixture accepts another
    /// renderer's baseline and the render is compared with a better reference by them.
    pub local_gates: bool,
    /// Findings from elsewhere: the in-process render, frozen chunks, known-good metrics, the execution's history.
    pub other_findings: Vec<Finding>,
    /// Its limits.
    pub limits: Limits,
    /// The number of frames in each chunk; 0 if that is not known.
    pub chunk_frames: u64,
}

/// The findings about one render.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<Id> {
    /// Which of the planned renders.
    pub render: Id,
    /// Empty if the render passes.
    pub findings: Vec<Finding>,
}

/// The result for all renders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All planned renders were measured and match the baseline.
    Pass,
    /// At least one render was not measured.
    Incomplete,
    /// At least one render differs too much.
    Unequal,
    /// All match the baseline, but an execution's history contradicts its video, or the plan protocols
    /// rendered different videos.
    Contradictory,
}

impl Outcome {
    /// Why it is not a pass, in one line; `None` for a pass. So many of the measured renders differ from the baseline.
    pub fn reason(self, unequal: usize, measured: usize) -> Option<Cow<'static, str>> {
        let do_not = if unequal == 1 { "does not" } else { "do not" };
        match self {
            Self::Pass => None,
            Self::Incomplete => Some("not every planned render was measured".into()),
            Self::Unequal => Some(format!("{unequal} of {measured} renders {do_not} match the baseline").into()),
            Self::Contradictory => Some("histories contradict their videos, or the plan protocols each other".into()),
        }
    }
}

/// The verdict on all planned renders. It can only be built from a plan and measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<Id> {
    judged: Vec<Judged<Id>>,
    unmeasured: Vec<Id>,
}

impl<Id: Clone + Eq> Verdict<Id> {
    /// Judges every planned render. `None` if nothing was planned.
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

    /// The result.
    pub fn outcome(&self) -> Outcome {
        let mut findings = self.judged.iter().flat_map(|judged| &judged.findings).peekable();
        if !self.unmeasured.is_empty() {
            Outcome::Incomplete
        } else if findings.peek().is_none() {
            Outcome::Pass
        } else if findings.all(Finding::is_contradiction) {
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

impl<Id> Measured<Id> {
    /// The same measurement, of a render by another name.
    pub fn of<Other>(self, render: Other) -> Measured<Other> {
        let Self { comparison, local_gates, other_findings, limits, chunk_frames, .. } = self;
        Measured { render, comparison, local_gates, other_findings, limits, chunk_frames }
    }
}

impl<Id: Clone> Measured<Id> {
    /// All findings about this render.
    pub fn judge(&self) -> Judged<Id> {
        let findings = self.comparison.findings(&self.limits).into_iter();
        let findings = findings.filter(|finding| self.local_gates || !finding.is_local());
        let findings = findings.chain(self.other_findings.iter().cloned());
        let findings = findings.map(|finding| finding.in_chunks(self.chunk_frames)).collect();
        Judged { render: self.render.clone(), findings }
    }
}

/// A verdict in words, for reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// pass, incomplete, unequal or contradictory.
    outcome: Outcome,
    /// Why it is not a pass, a line each.
    findings: Vec<String>,
    /// How many renders were measured.
    measured: usize,
    /// How many of these differ from the baseline.
    unequal: usize,
    /// The renders that were not measured, each with the reason.
    unmeasured: Vec<(String, Missing)>,
}

/// Why a planned render was not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// It is not known.
    Unknown,
    /// It failed.
    Failed(String),
    /// It was not run.
    NotRun(String),
}

impl<Id: Clone + Eq + fmt::Display> Verdict<Id> {
    /// All findings, a line each; those that are alike in several renders once, with the names of all of these.
    fn distinct(&self) -> Vec<String> {
        let mut groups: Vec<(Vec<String>, &Finding)> = Vec::new();
        for judged in &self.judged {
            let render = judged.render.to_string();
            for finding in &judged.findings {
                // Two in one render are two.
                let group = groups.iter_mut().find(|(of, first)| !of.contains(&render) && first.is_like(finding));
                match group {
                    Some((of, _)) => of.push(render.clone()),
                    None => groups.push((vec![render.clone()], finding)),
                }
            }
        }
        let line = |(of, finding): (Vec<String>, &Finding)| match of.as_slice() {
            [render] => format!("{render}: {finding}"),
            // Each render has other chunks.
            renders => format!("{}: {}", listed(renders), finding.without_chunks()),
        };
        groups.into_iter().map(line).collect()
    }

    /// The verdict in words. `cause` returns why a render was not measured.
    pub fn conclusion(&self, cause: impl Fn(&Id) -> Missing) -> Conclusion {
        let unmeasured: Vec<_> = self.unmeasured.iter().map(|render| (render.to_string(), cause(render))).collect();
        let missing = unmeasured.iter().map(|(render, cause)| match cause {
            Missing::Failed(cause) => format!("{render} was not measured: {cause}"),
            Missing::NotRun(why) => format!("{render} was not run: {why}"),
            Missing::Unknown => format!("{render} was not measured"),
        });
        Conclusion {
            outcome: self.outcome(),
            findings: self.distinct().into_iter().chain(missing).collect(),
            measured: self.judged.len(),
            unequal: self.judged.iter().filter(|judged| !judged.findings.iter().all(Finding::is_contradiction)).count(),
            unmeasured,
        }
    }
}

impl Conclusion {
    /// The result.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why it is not a pass, in one line; `None` for a pass.
    pub fn reason(&self) -> Option<Cow<'static, str>> {
        self.outcome.reason(self.unequal, self.measured)
    }

    /// Why it is not a pass, a line each.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// How many renders were measured.
    pub fn measured(&self) -> usize {
        self.measured
    }

    /// The planned renders that were not measured, each with the reason.
    pub fn unmeasured(&self) -> &[(String, Missing)] {
        &self.unmeasured
    }

    /// The same conclusion with other planned steps that failed, such as a local render: never a pass.
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

/// Names in one line: all of them, or the first three of more than four.
pub fn listed(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [first, second, third, others @ ..] if others.len() > 1 => {
            format!("{first}, {second}, {third}, and {} more", others.len())
        }
        all => all.join(", "),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
