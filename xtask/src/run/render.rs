//! One render: execute, download, read its history, measure, save.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use aws_sdk_sfn::types::ExecutionStatus;
use execution_history::{
    chunking::RenderId,
    cost::{Cost, Functions},
    rendered::{self, Rendered},
    time_spent::{TimeSpent, close_to_timeout},
    timeline::{self, Timeline},
};
use render_verdict::{known_good::RenderMetrics, verdict::Measured};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    aws::{
        buckets,
        executions::{self, Cap, Ended},
        faults,
    },
    console::text::counted,
    context,
    exit::{ExitCode, Failure, OrExit},
    project::{
        execution::ExecutionInput,
        plan::{PlannedRender, RenderSettings},
    },
    report::{evidence::Evidence, render::kept_baseline, row::ResultRow},
    run::{
        Run, deploy::DeployedStack, estimate::Estimate, judge::Judgement, run_baseline::RunBaseline, subject::Subject,
    },
    teardown::journal::record::{Creation, Entry},
    tools::ffmpeg::Media,
};

/// What the renders of one fixture share.
pub(crate) struct Render<'a> {
    pub run: &'a Run,
    pub stack: &'a DeployedStack,
    pub media: &'a Media,
    pub subject: &'a Subject,
    pub reference: &'a RunBaseline,
    pub settings: &'a RenderSettings,
    /// An execution is stopped after this long.
    pub cap: Duration,
}

pub(crate) struct RenderNames {
    pub execution: String,
    /// What the names of its files begin with.
    pub file_stem: String,
    /// For people.
    pub label: String,
}

/// One render that was done and measured, but not judged.
pub(crate) struct Rendering {
    /// Everything about it but its comparison.
    pub row: ResultRow,
    /// Against the reference.
    pub measured: Measured<RenderId>,
    /// What `--update-expected` would record.
    pub recorded: Option<RenderMetrics>,
    /// What happened when; `None` where its history does not say.
    pub timeline: Option<Timeline>,
}

struct Executed {
    arn: String,
    /// Its own stopDate - startDate, ms.
    wall_clock_ms: u64,
    /// From the start call to the last poll, as this machine saw it, ms.
    client_wall_ms: u64,
    output_key: String,
    history: Value,
    /// Relative to the artifact folder.
    history_file: String,
    /// `None` where its history does not say.
    timeline: Option<Timeline>,
}

/// That renders at the same time affect each other's times.
pub(crate) fn side_by_side(jobs: usize) -> String {
    format!("up to {jobs} renders ran at the same time (--jobs), so their times are not those of a single render")
}

/// How long the last events of an execution that has ended are waited for.
const HISTORY_LAG: Duration = Duration::from_secs(30);

impl Render<'_> {
    /// Does one render and saves everything that it leaves.
    pub(crate) async fn render(&self, planned: &PlannedRender, names: &RenderNames) -> Result<Rendering, Failure> {
        let (run, label) = (self.run, &names.label);
        run.step("render", &format!("{label}: {} a chunk", counted(planned.chunk_size.get(), "frame")));
        let executed = self.executed(planned, names).await?;
        let reported = rendered::rendered(&executed.history)
            .with_context(|| format!("{label}: the history does not say what was rendered"))
            .or_exit(ExitCode::Render)?;

        let stem = format!("renders/{}", names.file_stem);
        let output_file = format!("{stem}-output.{}", self.settings.format.extension());
        let output = run.artifacts.path(&output_file);
        let (clients, key) = (&run.connection().clients, &executed.output_key);
        let (bucket, folder) = (&self.stack.bucket, run.artifacts.folder());
        buckets::download(clients, bucket, key, folder, &output_file).await.or_exit(ExitCode::Render)?;
        run.warn(self.keep_baseline());
        let judgement = self.judge(planned, &reported, &stem, &output).await.or_exit(ExitCode::Render)?;
        let evidence = self.keep_evidence(&judgement, &output, &stem).await.or_exit(ExitCode::Render)?;
        Ok(self.rendering(planned, executed, reported, judgement, evidence, output_file))
    }

    /// Executes to a good end; its history is saved however it ends.
    async fn executed(&self, planned: &PlannedRender, names: &RenderNames) -> Result<Executed, Failure> {
        let asked = self.subject.plan.asked(planned.id);
        let (project_key, name) = (self.subject.project_key(), &names.execution);
        let input = ExecutionInput::new(&self.stack.bucket, &project_key, name, self.settings, planned, asked);
        let started = Instant::now();
        let executed = self.execute(planned, names, &input.json).await;
        self.run.session.console.render_ended();
        let (arn, ended) = executed.or_exit(ExitCode::Render)?;
        let client_wall_ms = context::ms(started.elapsed());
        let history_file = format!("renders/{}-history.json", names.file_stem);
        let history = self.save_history(&arn, &history_file).await;
        if ended.status != ExecutionStatus::Succeeded {
            return Err(self.failed(names, &ended, history.map(|(history, _)| history)).await);
        }
        let (history, timeline) = history.or_exit(ExitCode::Render)?;
        self.keep_pace(&history);
        let (wall_clock_ms, output_key) = (ended.wall_clock_ms, input.output_key);
        Ok(Executed { arn, wall_clock_ms, client_wall_ms, output_key, history, history_file, timeline })
    }

    /// Keeps the baseline next to the renders, so that the report shows both in step.
    fn keep_baseline(&self) -> anyhow::Result<()> {
        let (fixture, folder) = (&self.subject.fixture, self.run.artifacts.folder());
        let name = kept_baseline(&fixture.name, self.settings.format.extension());
        let baseline = fixture.baseline();
        if folder.path().join(&name).exists() || !baseline.is_file() {
            return Ok(());
        }
        folder.copy(&name, &baseline)
    }

    /// Everything about a render except the result of its comparison.
    fn rendering(
        &self,
        planned: &PlannedRender,
        executed: Executed,
        reported: Rendered,
        judgement: Judgement,
        evidence: Evidence,
        output: String,
    ) -> Rendering {
        let Executed { arn, wall_clock_ms, client_wall_ms, history_file, timeline, .. } = executed;
        let Judgement { media, audio_status, measured, toolchain, notes, recorded, .. } = judgement;
        let (time_spent, cost, took_long) =
            timeline.as_ref().map_or((None, None, Vec::new()), |timeline| self.spent(timeline));
        let row = ResultRow {
            fixture: None,
            id: planned.id,
            planned_chunk_count: reported.plan.chunk_count,
            chunk_size: planned.chunk_size,
            asked_plan_protocol: self.subject.plan.asked(planned.id),
            plan_protocol: reported.plan.protocol_ran().to_owned(),
            wall_clock_ms,
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
            notes: notes.into_iter().chain(took_long).collect(),
            output,
            history: history_file,
            frames: evidence.frames,
            audio_levels: evidence.audio_levels,
            worst_frame_images: evidence.worst_frame_images,
            execution_arn: arn,
            chunks: reported.chunks,
        };
        Rendering { row, measured, recorded, timeline }
    }

    /// Renders, and looks at nothing but whether it succeeded.
    pub(crate) async fn warm_up(&self, planned: &PlannedRender, names: &RenderNames) -> Result<(), Failure> {
        self.run.step("warm-up", &names.label);
        self.executed(planned, names).await.map(drop)
    }

    /// What the execution's time went to, what it cost, and notes on what took long.
    fn spent(&self, timeline: &Timeline) -> (Option<TimeSpent>, Option<Cost>, Vec<String>) {
        let (spent, functions) = (TimeSpent::of(timeline), self.stack.functions.as_ref());
        let cost = functions.map(|functions| Cost::of(timeline, functions, &self.run.prices));
        let awaited = spent.as_ref().and_then(TimeSpent::awaited);
        let notes = awaited.into_iter().chain(functions.and_then(|functions| close_to_timeout(timeline, functions)));
        (spent, cost, notes.collect())
    }

    async fn execute(
        &self,
        planned: &PlannedRender,
        names: &RenderNames,
        input: &Value,
    ) -> anyhow::Result<(String, Ended)> {
        let (clients, name) = (&self.run.connection().clients, &names.execution);
        self.run.journal(Entry::Intent { resource: Creation::Execution { name: name.clone() } })?;
        let arn = executions::start(clients, &self.stack.machine, name, input).await?;
        let started = Instant::now();
        let cap = self.cap_of(planned);
        let ended = tokio::select! {
            biased;
            ended = executions::wait(clients, &arn, &cap) => ended?,
            never = self.watch(&arn, planned, &names.label, started) => match never {},
        };
        Ok((arn, ended))
    }

    /// Reads the whole history, counts what the execution cost and saves it; gives it with
    /// what it says about times.
    async fn save_history(&self, arn: &str, file: &str) -> anyhow::Result<(Value, Option<Timeline>)> {
        let deadline = Instant::now() + HISTORY_LAG;
        let read = async || {
            let pages = executions::history_pages(&self.run.connection().clients, arn).await?;
            execution_history::cli_events(&pages)
        };
        let enough = async || {
            let history = read().await;
            let is_last = || Instant::now() > deadline;
            (history.as_ref().map_or(true, execution_history::is_complete) || is_last()).then_some(history)
        };
        let history = faults::until(faults::retrying(0), enough).await?;
        let timeline = timeline::timeline(&history).ok();
        self.spend(timeline.as_ref());
        self.run.artifacts.save(file, &history)?;
        Ok((history, timeline))
    }
}

impl Render<'_> {
    /// The estimated cost of a render.
    pub(crate) fn estimate(&self, planned: &PlannedRender) -> Estimate {
        let times = self.run.known.of(&self.subject.fixture.name);
        Estimate::of_render(planned, self.settings.frames, &times, &self.run.sizes(), &self.run.prices)
    }

    /// When the execution is stopped: when it takes too long, or could cost too much.
    fn cap_of(&self, planned: &PlannedRender) -> Cap {
        let chunks = planned.split(self.settings.frames).chunks;
        let sizes = self.run.sizes().with_memory(planned.id.memory_mb);
        let time_left = self.run.budget.time_left(chunks, &sizes, &self.run.prices);
        match (time_left, self.run.options.max_cost) {
            (Some(after), Some(most)) if after < self.cap => {
                Cap { after, why: format!("the run could come to cost more than --max-cost-usd allows ({most})") }
            }
            _ => Cap::of_time(self.cap),
        }
    }

    /// Counts what an execution cost, whether it succeeded or not. A function of unknown size counts as the largest.
    fn spend(&self, timeline: Option<&Timeline>) {
        let unknown = || Functions { main: self.run.sizes().plan, by_name: BTreeMap::new() };
        if let Some(timeline) = timeline {
            let functions = self.stack.functions.clone().unwrap_or_else(unknown);
            self.run.budget.spend(Cost::of(timeline, &functions, &self.run.prices).usd);
        }
    }
}
