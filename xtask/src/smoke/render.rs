//! One render: execute, download, read its history, measure, save.

use std::{cell::Cell, path::Path, time::Duration};

use anyhow::{Context, anyhow};
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::Value;
use tokio::time::Instant;

use super::{deploy::DeployedStack, run::Run};
use crate::{
    aws::{
        executions::{self, Ended},
        objects,
    },
    backoff::Backoff,
    clock,
    exit::{ExitCode, Failure, OrExit},
    history::{self, Rendered},
    journal::{Entry, Resource},
    measure::{
        probe::MediaShape,
        records::contradictions,
        verdict::{Comparison, Judged, Measured, findings},
    },
    media::Media,
    plan::{ExecutionInput, PlannedRender, RenderSettings, execution_name},
    report::{ResultRow, counted},
};

/// What all renders of a run share.
pub(super) struct Render<'a> {
    pub run: &'a Run,
    pub stack: &'a DeployedStack,
    pub media: &'a Media,
    pub baseline: &'a MediaShape,
    pub settings: &'a RenderSettings,
    pub project_key: &'a str,
}

/// An execution is stopped after this long.
const CAP: Duration = Duration::from_secs(25 * 60);

/// How long the last events of an execution that has ended are waited for.
const HISTORY_LAG: Duration = Duration::from_secs(30);

impl Render<'_> {
    /// Renders at one chunk count and saves everything that is known of it.
    pub(super) async fn run(&self, planned: &PlannedRender) -> Result<(), Failure> {
        let run = self.run;
        let label = format!("N={}", planned.chunk_count);
        let name = execution_name(planned, run.prepared.epoch_s, &run.prepared.run);
        let protocol = run.prepared.protocol();
        let input = ExecutionInput::new(&self.stack.bucket, self.project_key, &name, protocol, self.settings, planned);
        run.step("render", &format!("{label}: {} a chunk", counted(planned.chunk_size.get(), "frame")));

        let started = Instant::now();
        let (arn, ended) = self.execute(&name, &input.json, &label).await.or_exit(ExitCode::Render)?;
        let client_wall_ms = clock::ms(started.elapsed());
        let history_file = format!("renders/N{}-history.json", planned.chunk_count);
        let history = self.save_history(&arn, &history_file).await;
        if ended.status != ExecutionStatus::Succeeded {
            return Err(self.failed(planned, &ended, history));
        }
        let history = history.or_exit(ExitCode::Render)?;
        let told = history::rendered(&history)
            .with_context(|| format!("{label}: the history does not tell what was rendered"))
            .or_exit(ExitCode::Render)?;

        let output_file = format!("renders/N{}-output.{}", planned.chunk_count, self.settings.format.extension());
        let output = run.artifacts.path(&output_file);
        let clients = &run.connection().clients;
        objects::download(clients, &self.stack.bucket, &input.output_key, &output).await.or_exit(ExitCode::Render)?;
        let (media, measured) = self.measure(planned, &told, &output).await.or_exit(ExitCode::Render)?;
        let judged = Judged { chunk_count: planned.chunk_count, findings: findings(&measured, &run.prepared.gate) };
        let row = ResultRow {
            chunk_count: planned.chunk_count,
            planned_chunk_count: told.plan.chunk_count,
            chunk_size: planned.chunk_size,
            asked_plan_protocol: protocol,
            plan_protocol: told.plan.protocol_ran().to_owned(),
            wall_clock_ms: ended.wall_clock_ms,
            client_wall_ms,
            psnr_avg_db: None,
            psnr_worst_db: None,
            worst_frame: None,
            identical_frames: None,
            audio_residual_dbfs: Vec::new(),
            audio: Vec::new(),
            media,
            passed: false,
            findings: Vec::new(),
            output: output_file,
            history: history_file,
            execution_arn: arn,
            chunks: told.chunks,
        }
        .judged(&measured.comparison, &judged);
        run.step("render", &summary(&row, &measured.comparison));
        run.rows.borrow_mut().push(row);
        run.measured.borrow_mut().push(measured);
        run.save_rows().or_exit(ExitCode::Render)
    }

    async fn execute(&self, name: &str, input: &Value, label: &str) -> anyhow::Result<(String, Ended)> {
        let clients = &self.run.connection().clients;
        self.run.journal(Entry::Intent { resource: Resource::Execution { name: name.to_owned() } })?;
        let arn = executions::start(clients, &self.stack.machine, name, input).await?;
        let started = Instant::now();
        let polls = Cell::new(0u32);
        let progress = || {
            polls.set(polls.get() + 1);
            let text = format!("{label}: running for {:.0} s", started.elapsed().as_secs_f64());
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
    fn failed(&self, planned: &PlannedRender, ended: &Ended, history: anyhow::Result<Value>) -> Failure {
        let run = self.run;
        let label = format!("N={}", planned.chunk_count);
        let file = format!("renders/N{}-execution.json", planned.chunk_count);
        let saved = run.artifacts.save(&file, &ended.description);
        let status = ended.status.as_str();
        let error = match history {
            Ok(history) => {
                let failed = history::failed(&history);
                run.record.borrow_mut().execution_failure.clone_from(&failed);
                match failed {
                    Some(failed) => anyhow!("render {label} {status}: {failed}"),
                    None => anyhow!("render {label} {status}; its history does not tell why"),
                }
            }
            Err(error) => error.context(format!("render {label} {status}, and its history can't be read")),
        };
        let hint = match saved {
            Ok(()) => format!("; see {}", run.artifacts.path(&file).display()),
            Err(error) => format!("; {error:#}"),
        };
        Failure::new(ExitCode::Render, anyhow!("{error:#}{hint}"))
    }

    async fn measure(
        &self,
        planned: &PlannedRender,
        told: &Rendered,
        output: &Path,
    ) -> anyhow::Result<(MediaShape, Measured)> {
        let baseline = self.run.prepared.fixture.baseline();
        let (media, comparison) = self.media.compare(output, &baseline, self.baseline).await?;
        let contradictions = contradictions(told, self.run.prepared.required_protocol(), media.frames);
        Ok((media, Measured { chunk_count: planned.chunk_count, comparison, contradictions }))
    }
}

fn summary(row: &ResultRow, comparison: &Comparison) -> String {
    let level = match comparison {
        Comparison::Unlike(differences) => format!("{} in shape", counted(differences.len(), "difference")),
        Comparison::Alike { psnr, .. } => {
            format!("PSNR {} dB, worst frame {} dB", psnr.mean, psnr.worst)
        }
    };
    let seconds = row.wall_clock_ms as f64 / 1000.0;
    let chunks = counted(row.planned_chunk_count, "chunk");
    format!("N={}: {chunks} in {seconds:.1} s, {level}", row.chunk_count)
}
