//! What is known of a run before anything is started.

use anyhow::ensure;
use xshell::{Shell, cmd};

use crate::{
    cli::SmokeOptions,
    clock,
    fixture::{Fixture, check_baseline_file},
    measure::{Decibels, probe::MediaShape, verdict::Gate},
    names::{ArtifactBucketName, ProjectName, RunId, StackName},
    plan::{PlanProtocol, PlannedRender, RenderSettings, planned_renders},
    process::Env,
    repo::{Layout, Repo},
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
}

impl Prepared {
    pub(super) fn new(session: &Session, options: SmokeOptions) -> anyhow::Result<Self> {
        let repo = Repo::find(session.env.get(Repo::ENV))?;
        let fixture = Fixture::load(&repo, &options.fixture)?;
        check_baseline_file(&fixture.baseline())?;
        ensure!(repo.template().is_file(), "there is no template {}", repo.template().display());
        let run = RunId::random()?;
        let epoch_s = clock::epoch_s();
        let stack = options.stack_name.clone().unwrap_or_else(|| StackName::for_run(epoch_s, &run));
        Ok(Self {
            gate: gate(&options, &fixture)?,
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

    /// The plan protocol to ask for.
    pub(super) fn protocol(&self) -> PlanProtocol {
        self.options.plan_protocol.unwrap_or(PlanProtocol::V2)
    }

    /// The protocol that must have run. The template of another checkout may have
    /// no choice: there only one that was named is required.
    pub(super) fn required_protocol(&self) -> Option<PlanProtocol> {
        match self.repo.layout() {
            Layout::Own => Some(self.protocol()),
            Layout::HyperFrames => self.options.plan_protocol,
        }
    }

    /// The renders to do. Length and size are the composition's own, or else its baseline's.
    pub(super) fn renders(&self, baseline: &MediaShape) -> anyhow::Result<(RenderSettings, Vec<PlannedRender>)> {
        let composition = &self.fixture.composition;
        let fps = self.fixture.meta.fps;
        let settings = RenderSettings {
            fps,
            format: self.fixture.meta.format,
            width: composition.width.unwrap_or(baseline.width),
            height: composition.height.unwrap_or(baseline.height),
            frames: composition.frames(fps.get()).unwrap_or(baseline.frames),
            forwarded: self.fixture.meta.forwarded.clone(),
        };
        let renders = planned_renders(&self.options.chunk_counts, self.options.chunk_size, settings.frames)?;
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

/// The gate: the flag's threshold, else the fixture's, else 40 dB.
fn gate(options: &SmokeOptions, fixture: &Fixture) -> anyhow::Result<Gate> {
    let psnr_db = match options.psnr_threshold.or(fixture.meta.min_psnr) {
        Some(threshold) => threshold,
        None => Decibels::new(40.0)?,
    };
    let audio = match fixture.meta.max_audio_residual {
        Some(limit) => limit,
        None => Decibels::new(Gate::AUDIO_RESIDUAL_DBFS)?,
    };
    // A fixture that allows no frame below its minPsnr means each single one.
    let each_frame = options.psnr_threshold.is_none() && fixture.meta.no_frame_failures;
    let margin = if each_frame { 0.0 } else { Gate::WORST_FRAME_MARGIN_DB };
    Ok(Gate {
        psnr_db,
        worst_frame_db: Decibels::new(psnr_db.db() - margin)?,
        audio_residual_dbfs: audio,
        audio_loudest_dbfs: Decibels::new(audio.db() + Gate::AUDIO_LOUDEST_MARGIN_DB)?,
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
