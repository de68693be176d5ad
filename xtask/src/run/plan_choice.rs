//! Which plan protocols a run asks for, by its template and its flags. Pure.

use anyhow::{bail, ensure};

use crate::{
    chunking::{PlanProtocol, PlanProtocols, RenderId},
    fixture::{Fixture, LambdaFps},
    template::{OfferedProtocols, Template},
};

/// Which plan protocols run, and whether an execution's input says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanChoice {
    /// The input chooses.
    Chosen(PlanProtocols),
    /// The template has no choice. Its renders go by the newest protocol's name,
    /// which has no prefix; the one that must run, where it is known, may be another.
    Fixed(Option<PlanProtocol>),
}

impl PlanChoice {
    /// The choice that a template leaves.
    ///
    /// # Errors
    /// When a protocol was named that the template does not offer.
    pub(crate) fn new(template: &Template, named: Option<PlanProtocols>) -> anyhow::Result<Self> {
        let path = template.path.display();
        match &template.machine.protocols {
            OfferedProtocols::Chosen(offered) => {
                let protocols = named.unwrap_or_else(|| PlanProtocols::One(newest(offered)));
                for protocol in protocols.each() {
                    ensure!(
                        offered.contains(&protocol),
                        "--plan-protocol {protocols}: the state machine of {path} offers {} alone",
                        newest(offered)
                    );
                }
                Ok(Self::Chosen(protocols))
            }
            OfferedProtocols::Fixed(known) => match (named, known) {
                (Some(PlanProtocols::Both), _) => {
                    bail!("{path} has no choice of plan protocol, so --plan-protocol both can't compare two")
                }
                (Some(PlanProtocols::One(named)), Some(known)) if named != *known => {
                    bail!("--plan-protocol {named}: the state machine of {path} plans by {known}, without a choice")
                }
                (Some(PlanProtocols::One(named)), _) => Ok(Self::Fixed(Some(named))),
                (None, known) => Ok(Self::Fixed(*known)),
            },
        }
    }

    /// Refuses a frame rate that the plan protocol would, before anything is created. Where
    /// the template does not tell the protocol, only the execution shows which one runs.
    ///
    /// # Errors
    /// When plan protocol v2 runs and does not take the rate.
    pub(crate) fn check_fps(self, fixture: &Fixture) -> anyhow::Result<()> {
        let fps = fixture.meta.fps;
        let by_v2 = match self {
            Self::Chosen(protocols) => protocols.each().contains(&PlanProtocol::V2),
            Self::Fixed(known) => known == Some(PlanProtocol::V2),
        };
        let [a, b, c] = LambdaFps::OF_V2;
        ensure!(
            !by_v2 || fps.is_of_v2(),
            "fixture {}: renderConfig.fps is {fps}, and plan protocol v2 takes {a}, {b} or {c} frames a second only; \
             lambda-smoke --plan-protocol v1 renders it",
            fixture.name
        );
        Ok(())
    }

    /// The plan protocols to run.
    pub(crate) fn protocols(self) -> PlanProtocols {
        match self {
            Self::Chosen(protocols) => protocols,
            Self::Fixed(_) => PlanProtocols::One(PlanProtocol::V2),
        }
    }

    /// The protocol that goes into an execution's input: none where the template has no choice.
    pub(crate) fn asked(self, render: RenderId) -> Option<PlanProtocol> {
        matches!(self, Self::Chosen(_)).then_some(render.protocol)
    }

    /// The protocol that must have run, where that is known.
    pub(crate) fn required(self, render: RenderId) -> Option<PlanProtocol> {
        match self {
            Self::Chosen(_) => Some(render.protocol),
            Self::Fixed(known) => known,
        }
    }
}

fn newest(offered: &[PlanProtocol]) -> PlanProtocol {
    if offered.contains(&PlanProtocol::V2) { PlanProtocol::V2 } else { PlanProtocol::V1 }
}
