//! Which plan protocols a run asks for, by its template and its flags.

use anyhow::ensure;

use crate::{
    plan::{PlanProtocol, PlanProtocols, RenderId},
    repo::Repo,
};

/// Which plan protocols can be asked for, and which were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlanChoice {
    /// Whether the template lets the caller choose.
    of_template: bool,
    /// What was named.
    named: Option<PlanProtocols>,
}

impl PlanChoice {
    /// The choice that the repository's template leaves.
    ///
    /// # Errors
    /// When both protocols were named and the template has no choice.
    pub(crate) fn new(repo: &Repo, named: Option<PlanProtocols>) -> anyhow::Result<Self> {
        ensure!(repo.template().is_file(), "there is no template {}", repo.template().display());
        let of_template = repo.has_plan_protocols();
        ensure!(
            of_template || named != Some(PlanProtocols::Both),
            "{} has no choice of plan protocol, so --plan-protocol both can't compare two",
            repo.template().display()
        );
        Ok(Self { of_template, named })
    }

    /// The plan protocols to run.
    pub(crate) fn protocols(self) -> PlanProtocols {
        self.named.unwrap_or(PlanProtocols::One(PlanProtocol::V2))
    }

    /// The protocol that goes into an execution's input: none where the template has no choice.
    pub(crate) fn asked(self, render: RenderId) -> Option<PlanProtocol> {
        self.of_template.then_some(render.protocol)
    }

    /// The protocol that must have run: where the template has no choice, only one that was named.
    pub(crate) fn required(self, render: RenderId) -> Option<PlanProtocol> {
        (self.of_template || self.named.is_some()).then_some(render.protocol)
    }
}
