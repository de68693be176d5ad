//! What a run is about: a fixture, and what its renders must reach.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use execution_history::chunking::{ChunkCounts, PlanProtocol, PlanProtocols, RenderId};
use render_verdict::{
    finding::Finding,
    gates::{Limits, Settings},
    known_good::{Deviation, FixtureHashes, KnownGood, RenderMetrics},
};

use crate::{
    context,
    exit::{ExitCode, Failure, OrExit},
    project::{
        fixture::{
            self, Chosen, Fixture,
            format::{LambdaFps, RenderFormat},
            staging::{litter_of, tar_gz},
        },
        plan::{Extent, RenderPlan, RenderSettings, Sizing, planned_renders},
        repo::Repo,
        template::{Template, machine::OfferedProtocols},
    },
    run::Run,
    tools::in_process,
};

/// A fixture under test.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The composition and what is asked of its renders.
    pub fixture: Fixture,
    /// What they must reach.
    pub gate: Limits,
    /// The fixture's known-good metrics.
    pub record: Record,
    /// What record and renders belong to.
    pub hashes: FixtureHashes,
    /// How the plan may go to the chunks.
    pub plan: PlanChoice,
    /// What was decided for this fixture that its user did not ask for.
    pub note: Option<String>,
}

/// How a fixture's known-good metrics are used, where it has any.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// Renders are compared with them; a deviation fails on an emulator.
    Held(Option<KnownGood>),
    /// Renders are compared with them; a deviation fails everywhere, and so does having none.
    HeldStrictly(Option<KnownGood>),
    /// The metrics of renders that pass replace them.
    Rewritten(Option<KnownGood>),
}

impl Record {
    pub(crate) fn is_none(&self) -> bool {
        let (Self::Held(known) | Self::HeldStrictly(known) | Self::Rewritten(known)) = self;
        known.is_none()
    }
}

impl Subject {
    /// Loads a fixture whose renders can be measured. `limits` are those that flags set; without `record`, neither
    /// baseline nor record is looked at.
    pub(crate) fn load(
        repo: &Repo,
        name: &str,
        plan: PlanChoice,
        limits: &Settings,
        record: Option<fn(Option<KnownGood>) -> Record>,
    ) -> anyhow::Result<Self> {
        let fixture = Fixture::load(repo, name)?;
        fixture.check_renderable()?;
        let (plan, note) = plan.for_rate_of(&fixture)?;
        let (record, hashes) = match record {
            None => (Record::Held(None), FixtureHashes::default()),
            Some(record) => {
                fixture.check_baseline()?;
                (record(fixture.read_known_good()?), fixture.hashes()?)
            }
        };
        let gate = Limits::new(&limits.clone().or(&fixture.meta.limits))?;
        Ok(Self { fixture, gate, record, hashes, plan, note })
    }

    /// Loads all fixtures that are chosen, and says what was decided for them that their user did not ask for.
    pub(crate) fn all(
        repo: &Repo,
        chosen: &Chosen,
        load: impl Fn(&str) -> anyhow::Result<Self>,
    ) -> anyhow::Result<(Vec<Self>, Vec<String>)> {
        let (names, mut notes) = fixture::names(repo, chosen)?;
        let (mut subjects, mut problems) = (Vec::new(), Vec::new());
        for name in &names {
            match load(name) {
                Ok(subject) => subjects.push(subject),
                Err(error) => problems.push(format!("{error:#}")),
            }
        }
        match problems.as_slice() {
            [] => {}
            [one] => bail!("{one}"),
            several => bail!("fixtures:\n  - {}", several.join("\n  - ")),
        }
        notes.extend(subjects.iter().filter_map(|subject| subject.note.clone()));
        Ok((subjects, notes))
    }

    /// What of a render's deviation from the known-good metrics fails it, and what is only a note.
    pub(crate) fn standing(&self, render: &RenderMetrics) -> (Vec<Finding>, Vec<String>) {
        let of = |known: &KnownGood| known.deviation(render, &self.hashes);
        match &self.record {
            // Without any record there is nothing to say, unless one is asked for.
            Record::Rewritten(_) | Record::Held(None) => (Vec::new(), Vec::new()),
            Record::Held(Some(known)) => of(known).findings(&render.made_by, false),
            Record::HeldStrictly(known) => {
                known.as_ref().map_or(Deviation::NoSuchRender, of).findings(&render.made_by, true)
            }
        }
    }

    /// Size and length, where the composition states both.
    pub(crate) fn stated_extent(&self) -> Option<Extent> {
        Extent::declared_by(&self.fixture.composition, self.fixture.meta.fps.get())
    }

    /// The renders for these chunk counts, and what each is asked for. Length and size are the composition's
    /// own, or else the reference's.
    pub(crate) fn planned(
        &self,
        counts: &ChunkCounts,
        sizing: Sizing,
        format: RenderFormat,
        reference: Extent,
    ) -> anyhow::Result<RenderPlan> {
        let meta = &self.fixture.meta;
        let Extent { width, height, frames } = reference.completing(&self.fixture.composition, meta.fps.get());
        let settings =
            RenderSettings { fps: meta.fps, format, width, height, frames, forwarded: meta.forwarded.clone() };
        let renders = planned_renders(counts, self.plan.protocols(), sizing, meta.chunk_size, frames)?;
        Ok(RenderPlan { settings, renders })
    }

    /// The key of the packed composition in the render bucket.
    pub(crate) fn project_key(&self) -> String {
        format!("projects/{}.tar.gz", self.fixture.name)
    }
}

/// Which plan protocols run, and whether an execution's input says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanChoice {
    /// The input chooses.
    Chosen {
        protocols: PlanProtocols,
        /// Whether the template offers the first protocol at all.
        offers_v1: bool,
        /// Whether the user named the protocols.
        is_named: bool,
    },
    /// The template has no choice. Its renders go by the newest protocol's name,
    /// which has no prefix; the one that must run, where it is known, may be another.
    Fixed(Option<PlanProtocol>),
}

impl PlanChoice {
    /// The choice that a template leaves.
    pub(crate) fn new(template: &Template, named: Option<PlanProtocols>) -> anyhow::Result<Self> {
        let path = template.path.display();
        match &template.machine.protocols {
            OfferedProtocols::Chosen(offered) => {
                let protocols = named.unwrap_or_else(|| PlanProtocols::One(newest(offered)));
                for protocol in protocols.each() {
                    ensure!(
                        offered.contains(&protocol),
                        "--plan-protocol {protocols}: the state machine of {path} offers only {}",
                        newest(offered)
                    );
                }
                let offers_v1 = offered.contains(&PlanProtocol::V1);
                Ok(Self::Chosen { protocols, offers_v1, is_named: named.is_some() })
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

    /// The choice for a fixture, and what to say of it: a frame rate that plan protocol v2 refuses, in all handlers or
    /// in early ones, is rendered by v1 where the template offers it and v2 alone was not named. Where the template
    /// does not say the protocol, only the execution shows which one runs.
    fn for_rate_of(self, fixture: &Fixture) -> anyhow::Result<(Self, Option<String>)> {
        let fps = fixture.meta.fps;
        let by_v2 = match self {
            Self::Chosen { protocols, .. } => protocols.each().contains(&PlanProtocol::V2),
            Self::Fixed(known) => known == Some(PlanProtocol::V2),
        };
        // A template that still offers v1 may be one of an early handler. Whoever names v2 alone knows theirs.
        let is_both = self.protocols() == PlanProtocols::Both;
        let may_be_early = matches!(self, Self::Chosen { offers_v1: true, is_named, .. } if !is_named || is_both);
        if !by_v2 || fps.is_supported_by_every_v2() || (fps.is_supported_by_v2() && !may_be_early) {
            return Ok((self, None));
        }
        let [a, b, c, d] = LambdaFps::SUPPORTED_BY_V2;
        let why = format!(
            "renderConfig.fps is {fps}, and plan protocol v2 accepts only {a}, {c}, {d}, and in new versions {b} frames \
             per second"
        );
        let name = &fixture.name;
        match self {
            _ if may_be_early => {
                let by_v1 =
                    Self::Chosen { protocols: PlanProtocols::One(PlanProtocol::V1), offers_v1: true, is_named: false };
                Ok((by_v1, Some(format!("fixture {name} is rendered by plan protocol v1: {why}"))))
            }
            Self::Chosen { offers_v1: true, .. } => {
                bail!("fixture {name}: {why}; lambda-smoke --plan-protocol v1 renders it")
            }
            _ => bail!("fixture {name}: {why}"),
        }
    }

    pub(crate) fn protocols(self) -> PlanProtocols {
        match self {
            Self::Chosen { protocols, .. } => protocols,
            Self::Fixed(_) => PlanProtocols::One(PlanProtocol::V2),
        }
    }

    /// The protocol that goes into an execution's input: none where the template has no choice.
    pub(crate) fn asked(self, render: RenderId) -> Option<PlanProtocol> {
        matches!(self, Self::Chosen { .. }).then_some(render.protocol)
    }

    /// The protocol that must have run, where that is known.
    pub(crate) fn required(self, render: RenderId) -> Option<PlanProtocol> {
        match self {
            Self::Chosen { .. } => Some(render.protocol),
            Self::Fixed(known) => known,
        }
    }
}

fn newest(offered: &[PlanProtocol]) -> PlanProtocol {
    if offered.contains(&PlanProtocol::V2) { PlanProtocol::V2 } else { PlanProtocol::V1 }
}

/// A composition, staged and packed.
pub(crate) struct Packed {
    /// The folder that was packed; the in-process renderer renders it too.
    pub project: PathBuf,
    /// The archive that the function gets.
    pub tar_gz: Vec<u8>,
}

impl Packed {
    /// Stages and packs a fixture's composition.
    pub(crate) async fn of(run: &Run, subject: &Subject) -> Result<Self, Failure> {
        let fixture = &subject.fixture;
        let env = context::tool_env(&run.session, &run.connection().access.target);
        let to = run.artifacts.vacated(&format!("packed/{}", fixture.name)).or_exit(ExitCode::Preflight)?;
        let log = run.artifacts.logs().join("staging.log");
        let staged = in_process::staged(&run.session, &run.repo, fixture, &env, &to, &log).await;
        let project = staged.or_exit(ExitCode::Preflight)?;
        for left_out in litter_of(&fixture.src()).or_exit(ExitCode::Preflight)? {
            run.session.console.command(&format!(
                "left out of the composition, because an editor or a file manager wrote them: {}",
                left_out.display()
            ));
        }
        let packing = project.clone();
        let packed = tokio::task::spawn_blocking(move || tar_gz(&packing)).await;
        let tar_gz = packed.context("packing the composition").or_exit(ExitCode::Preflight)?;
        Ok(Self { project, tar_gz: tar_gz.or_exit(ExitCode::Preflight)? })
    }
}
