//! What is known of a run before anything is started.

use anyhow::ensure;
use xshell::{Shell, cmd};

use crate::{
    cli::SmokeOptions,
    clock,
    fixture::{Fixture, RenderFormat, check_baseline_file},
    measure::{
        expected::{Expected, Recorded, Standing},
        finding::Finding,
        gate::{Gate, GateSettings},
    },
    names::{ArtifactBucketName, ProjectName, RunId, StackName},
    plan::{Extent, PlanProtocol, PlanProtocols, PlannedRender, RenderId, RenderSettings, planned_renders, render_ids},
    process::Env,
    repo::Repo,
    report::{RunRecord, ToolVersions},
    session::Session,
};

/// A run's options, its names, and its fixture.
pub(super) struct Prepared {
    pub options: SmokeOptions,
    pub repo: Repo,
    pub fixture: Fixture,
    pub gate: Gate,
    pub run: RunId,
    pub stack: StackName,
    pub project: ProjectName,
    pub artifact_bucket: ArtifactBucketName,
    pub epoch_s: u64,
    /// The fixture's record, where it has one.
    pub expected: Option<Expected>,
    /// What the record and its renders belong to.
    pub fixture_sha256: String,
    /// Whether the template lets the caller choose the plan protocol.
    protocol_choice: bool,
}

impl Prepared {
    pub(super) fn new(session: &Session, options: SmokeOptions) -> anyhow::Result<Self> {
        let repo = Repo::find(session.env.get(Repo::ENV))?;
        let fixture = Fixture::load(&repo, &options.fixture)?;
        let (expected, fixture_sha256) = match options.exact {
            // Neither baseline nor record is looked at.
            true => (None, String::new()),
            false => {
                check_baseline_file(&fixture.baseline())?;
                (fixture.read_expected()?, fixture.sha256()?)
            }
        };
        ensure!(repo.template().is_file(), "there is no template {}", repo.template().display());
        let protocol_choice = repo.has_plan_protocols();
        ensure!(
            protocol_choice || options.plan_protocols != Some(PlanProtocols::Both),
            "{} has no choice of plan protocol, so --plan-protocol both can't compare two",
            repo.template().display()
        );
        let run = RunId::random()?;
        let epoch_s = clock::epoch_s();
        let stack = options.stack_name.clone().unwrap_or_else(|| StackName::for_run(epoch_s, &run));
        Ok(Self {
            gate: gate(&options, &fixture)?,
            expected,
            fixture_sha256,
            protocol_choice,
            project: ProjectName::new(&stack, &run),
            artifact_bucket: ArtifactBucketName::new(&stack, &options.region, &run),
            options,
            repo,
            fixture,
            run,
            stack,
            epoch_s,
        })
    }

    /// The plan protocols to run.
    fn protocols(&self) -> PlanProtocols {
        self.options.plan_protocols.unwrap_or(PlanProtocols::One(PlanProtocol::V2))
    }

    /// The renders that there must be.
    pub(super) fn render_ids(&self) -> Vec<RenderId> {
        render_ids(&self.options.chunk_counts, self.protocols())
    }

    /// The protocol that goes into an execution's input: none where the template has no choice.
    pub(super) fn asked_protocol(&self, render: RenderId) -> Option<PlanProtocol> {
        self.protocol_choice.then_some(render.protocol)
    }

    /// The protocol that must have run: where the template has no choice, only one that was named.
    pub(super) fn required_protocol(&self, render: RenderId) -> Option<PlanProtocol> {
        (self.protocol_choice || self.options.plan_protocols.is_some()).then_some(render.protocol)
    }

    /// What of a render's distance from the fixture's record fails it, and what is only said.
    pub(super) fn standing(&self, render: &Recorded) -> (Vec<Finding>, Vec<String>) {
        let standing = match &self.expected {
            Some(expected) => expected.standing(render, &self.fixture_sha256),
            // Without any record there is nothing to say, unless one is asked for.
            None if !self.options.strict => return (Vec::new(), Vec::new()),
            None => Standing::NoRecord,
        };
        standing.findings(&render.made_by, self.options.strict)
    }

    /// Size and length, where the composition tells both.
    pub(super) fn told_extent(&self) -> Option<Extent> {
        Extent::told_by(&self.fixture.composition, self.fixture.meta.fps.get())
    }

    /// The renders to do. Length and size are the composition's own, or else the reference's.
    pub(super) fn renders(&self, reference: Extent) -> anyhow::Result<(RenderSettings, Vec<PlannedRender>)> {
        let fps = self.fixture.meta.fps;
        let Extent { width, height, frames } = reference.or_told_by(&self.fixture.composition, fps.get());
        let settings = RenderSettings {
            fps,
            format: match self.options.exact {
                true => RenderFormat::PngSequence,
                false => RenderFormat::Video(self.fixture.meta.format),
            },
            width,
            height,
            frames,
            forwarded: self.fixture.meta.forwarded.clone(),
        };
        let renders =
            planned_renders(&self.options.chunk_counts, self.protocols(), self.options.chunk_size, settings.frames)?;
        Ok((settings, renders))
    }

    pub(super) fn record(&self, env: &Env) -> RunRecord {
        RunRecord {
            schema_version: 1,
            run_id: self.run.clone(),
            started_at: clock::now_rfc3339(),
            ended_at: None,
            exit_code: None,
            target: None,
            account: None,
            region: self.options.region.clone(),
            stack: self.stack.clone(),
            fixture: self.fixture.name.clone(),
            chunk_counts: self.options.chunk_counts.clone(),
            gate: Some(self.gate),
            git_commit: git_commit(&self.repo, env),
            tools: ToolVersions::new(),
            handler: None,
            stages: Vec::new(),
            verdict: None,
            failure: None,
            execution_failure: None,
            teardown: None,
        }
    }
}

/// The gate: each limit by its flag, else by the fixture, else by default.
fn gate(options: &SmokeOptions, fixture: &Fixture) -> anyhow::Result<Gate> {
    Gate::new(GateSettings {
        psnr: options.psnr_threshold.or(fixture.meta.min_psnr),
        frame_margin: options.frame_psnr_margin,
        max_frame_failures: fixture.meta.max_frame_failures,
        audio_residual: fixture.meta.max_audio_residual,
    })
}

/// The repository's commit, with `-dirty` when it has changes; `None` outside of git.
fn git_commit(repo: &Repo, env: &Env) -> Option<String> {
    let shell = Shell::new().ok()?;
    let root = repo.root();
    let read = |command: xshell::Cmd<'_>| {
        let env = env.for_child();
        command.env_clear().envs(env.iter()).quiet().ignore_stderr().read().ok()
    };
    let commit = read(cmd!(shell, "git -C {root} rev-parse HEAD"))?;
    let changes = read(cmd!(shell, "git -C {root} status --porcelain --untracked-files=no"))?;
    Some(if changes.is_empty() { commit } else { format!("{commit}-dirty") })
}
