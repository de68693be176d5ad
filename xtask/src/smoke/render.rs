//! One render: execute, download, read its history, measure, save.

use std::{cell::Cell, time::Duration};

use anyhow::{Context, anyhow};
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    deploy::DeployedStack,
    judge::{Judgement, frames_csv},
    reference::Reference,
    run::Run,
};
use crate::{
    aws::{
        executions::{self, Ended},
        objects,
    },
    backoff::Backoff,
    clock,
    cost::{Cost, Prices},
    exit::{ExitCode, Failure, OrExit},
    history::{self, Attempt, TimeSpent, Timeline},
    journal::{Entry, Resource},
    measure::{Level, comparison::Comparison, probe::MediaShape, verdict::Measured},
    media::Media,
    plan::{ExecutionInput, PlannedRender, RenderId, RenderSettings, execution_name},
    report::{ResultRow, counted},
};

/// What all renders of a run share.
pub(super) struct Render<'a> {
    pub run: &'a Run,
    pub stack: &'a DeployedStack,
    pub media: &'a Media,
    pub reference: &'a Reference,
    pub settings: &'a RenderSettings,
    pub project_key: &'a str,
}

/// An execution is stopped after this long.
const CAP: Duration = Duration::from_secs(25 * 60);

/// How long the last events of an execution that has ended are waited for.
const HISTORY_LAG: Duration = Duration::from_secs(30);

/// A call that takes more than this share of the function's time limit is warned of.
const NEAR_THE_LIMIT: f64 = 0.8;

impl Render<'_> {
    /// Does one render and saves everything that is known of it.
    pub(super) async fn run(&self, planned: &PlannedRender) -> Result<(), Failure> {
        let run = self.run;
        let (id, stem) = (planned.id, planned.id.file_stem());
        let name = execution_name(planned, run.prepared.epoch_s, &run.prepared.run);
        let asked = run.prepared.asked_protocol(id);
        let input = ExecutionInput::new(&self.stack.bucket, self.project_key, &name, self.settings, planned, asked);
        run.step("render", &format!("{id}: {} a chunk", counted(planned.chunk_size.get(), "frame")));

        let started = Instant::now();
        let (arn, ended) = self.execute(&name, &input.json, id).await.or_exit(ExitCode::Render)?;
        let client_wall_ms = clock::ms(started.elapsed());
        let history_file = format!("renders/{stem}-history.json");
        let history = self.save_history(&arn, &history_file).await;
        if ended.status != ExecutionStatus::Succeeded {
            return Err(self.failed(id, &ended, history));
        }
        let history = history.or_exit(ExitCode::Render)?;
        let told = history::rendered(&history)
            .with_context(|| format!("{id}: the history does not tell what was rendered"))
            .or_exit(ExitCode::Render)?;

        let output_file = format!("renders/{stem}-output.{}", self.settings.format.extension());
        let output = run.artifacts.path(&output_file);
        let clients = &run.connection().clients;
        objects::download(clients, &self.stack.bucket, &input.output_key, &output).await.or_exit(ExitCode::Render)?;
        let judgement = self.judge(planned, &told, &output).await.or_exit(ExitCode::Render)?;
        let Judgement { media, audio_status, measured, toolchain, notes, recorded } = judgement;
        let frames = self.save_frames(&measured, media.as_ref(), &stem).or_exit(ExitCode::Render)?;
        let gate = &run.prepared.gate;
        let timeline = history::timeline(&history).ok();
        let (time_spent, cost, slow) = timeline.as_ref().map_or((None, None, None), |timeline| self.spent(timeline));
        let notes = notes.into_iter().chain(slow).collect();
        let row = ResultRow {
            id,
            planned_chunk_count: told.plan.chunk_count,
            chunk_size: planned.chunk_size,
            asked_plan_protocol: asked,
            plan_protocol: told.plan.protocol_ran().to_owned(),
            wall_clock_ms: ended.wall_clock_ms,
            client_wall_ms,
            time_spent,
            cost,
            psnr_avg_db: None,
            psnr_from_mean_mse_db: None,
            picture: None,
            exact: None,
            audio_status,
            audio_residual_dbfs: Vec::new(),
            audio: Vec::new(),
            media,
            toolchain,
            passed: false,
            findings: Vec::new(),
            notes,
            output: output_file,
            history: history_file,
            frames,
            execution_arn: arn,
            chunks: told.chunks,
        };
        let row = {
            let done = run.measured.borrow();
            let first = done.first().and_then(|first| first.comparison.picture());
            row.compared(&measured.comparison, first).judged(&measured.judge(gate).findings)
        };
        run.step("render", &summary(&row, &measured.comparison));
        run.rows.borrow_mut().push(row);
        run.measured.borrow_mut().push(measured);
        run.recorded.borrow_mut().extend(recorded);
        run.save_rows().or_exit(ExitCode::Render)
    }

    /// What the execution's time went to, what it cost, and a warning of a chunk that hardly fits.
    fn spent(&self, timeline: &Timeline) -> (Option<TimeSpent>, Option<Cost>, Option<String>) {
        let (spent, limits) = (TimeSpent::of(timeline), self.stack.function);
        let cost = limits.map(|limits| Cost::of(timeline, limits.memory_mb, &Prices::US_EAST_1));
        let slow = spent.as_ref().zip(limits).and_then(|(spent, limits)| {
            let longest = timeline.attempts.iter().map(Attempt::run_ms).max().unwrap_or(0);
            (longest as f64 > NEAR_THE_LIMIT * limits.timeout_s as f64 * 1000.0).then(|| {
                format!(
                    "chunk {} took {:.0} s of the {} s that the function may take; use more chunks",
                    spent.slowest_chunk,
                    longest as f64 / 1000.0,
                    limits.timeout_s
                )
            })
        });
        (spent, cost, slow)
    }

    /// Saves each frame's figures; gives the file's name.
    fn save_frames(
        &self,
        measured: &Measured,
        media: Option<&MediaShape>,
        stem: &str,
    ) -> anyhow::Result<Option<String>> {
        let (Some(picture), Some(media)) = (measured.comparison.picture(), media) else { return Ok(None) };
        let file = format!("renders/{stem}-frames.csv");
        self.run.artifacts.write(&file, frames_csv(picture, media))?;
        Ok(Some(file))
    }

    async fn execute(&self, name: &str, input: &Value, id: RenderId) -> anyhow::Result<(String, Ended)> {
        let clients = &self.run.connection().clients;
        self.run.journal(Entry::Intent { resource: Resource::Execution { name: name.to_owned() } })?;
        let arn = executions::start(clients, &self.stack.machine, name, input).await?;
        let started = Instant::now();
        let polls = Cell::new(0u32);
        let progress = || {
            polls.set(polls.get() + 1);
            let text = format!("{id}: running for {:.0} s", started.elapsed().as_secs_f64());
            self.run.session.console.live("render", &text);
        };
        let ended = executions::wait(clients, &arn, CAP, &progress).await?;
        Ok((arn, ended))
    }

    async fn save_history(&self, arn: &str, file: &str) -> anyhow::Result<Value> {
        let deadline = Instant::now() + HISTORY_LAG;
        let mut backoff = Backoff::retrying();
        let history = loop {
            let pages = executions::history_pages(&self.run.connection().clients, arn).await?;
            let history = history::cli_events(&pages)?;
            if history::is_complete(&history) || Instant::now() > deadline {
                break history;
            }
            tokio::time::sleep(backoff.next_delay()).await;
        };
        self.run.artifacts.save(file, &history)?;
        Ok(history)
    }

    /// What to say of an execution that did not succeed.
    fn failed(&self, id: RenderId, ended: &Ended, history: anyhow::Result<Value>) -> Failure {
        let run = self.run;
        let file = format!("renders/{}-execution.json", id.file_stem());
        let saved = run.artifacts.save(&file, &ended.description);
        let status = ended.status.as_str();
        let error = match history {
            Ok(history) => {
                let failed = history::failed(&history);
                run.record.borrow_mut().execution_failure.clone_from(&failed);
                match failed {
                    Some(failed) => anyhow!("render {id} {status}: {failed}"),
                    None => anyhow!("render {id} {status}; its history does not tell why"),
                }
            }
            Err(error) => error.context(format!("render {id} {status}, and its history can't be read")),
        };
        let hint = match saved {
            Ok(()) => format!("; see {}", run.artifacts.path(&file).display()),
            Err(error) => format!("; {error:#}"),
        };
        Failure::new(ExitCode::Render, anyhow!("{error:#}{hint}"))
    }
}

fn summary(row: &ResultRow, comparison: &Comparison) -> String {
    let level = match comparison {
        Comparison::Unlike(differences) => format!("{} in shape", counted(differences.len(), "difference")),
        Comparison::Exact(frames) => format!("{} of {} frames identical", frames.identical_frames(), frames.frames()),
        Comparison::Alike { picture, .. } => match picture.psnr.worst {
            Level::Identical => "every frame identical".to_owned(),
            worst @ Level::Db(_) => format!("PSNR {:.2} dB, worst frame {worst} dB", picture.psnr.mean_db),
        },
    };
    let seconds = row.wall_clock_ms as f64 / 1000.0;
    let chunks = counted(row.planned_chunk_count, "chunk");
    format!("{}: {chunks} in {seconds:.1} s, {level}", row.id)
}
