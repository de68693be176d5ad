//! The figures of all iterations of one fixture at one chunk count, in a sweep with one memory. Pure.

use execution_history::{
    chunking::RenderId,
    time_spent::{TimeSpent, median},
};
use render_verdict::{
    audio::{AudioStatus, residual::Residual},
    decibels::Level,
};
use serde::{Deserialize, Serialize};

use crate::eval::{
    sample::{Execution, LambdaSample, LocalSample, Start},
    statistics::{
        Summary,
        bootstrap::{self, Interval},
    },
};

/// One fixture at one chunk count, in a sweep with one memory. Times in ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    pub fixture: String,
    /// The requested chunk count and plan protocol.
    #[serde(flatten)]
    pub render: RenderId,
    /// The number of chunks in the plan; null when no execution succeeded.
    pub planned_chunk_count: Option<u64>,
    /// How many executions are planned.
    pub iterations: usize,
    /// How many of them failed or were not started.
    pub failed: usize,
    /// stopDate - startDate of the executions.
    pub lambda_ms: Option<Summary>,
    /// The same, only of executions without a cold start.
    pub warm_lambda_ms: Option<Summary>,
    /// The same, only of executions with one, such as the first of a new stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_lambda_ms: Option<Summary>,
    /// How many executions had a cold start.
    pub cold: usize,
    /// The median time by that of the fixture's fastest case, as [`Case::steady_ms`] has both; null for a single case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// The process of the in-process renderer on this machine, from its start to its end.
    pub local_ms: Option<Summary>,
    /// The time of the renderer within that process.
    pub local_renderer_ms: Option<Summary>,
    /// Time of the process / time of the execution; of the warm executions if there are any, like all below.
    pub speedup: Option<Speedup>,
    /// Time of the renderer / time of the execution.
    pub renderer_speedup: Option<Speedup>,
    /// Where the time of an execution goes.
    pub time: Option<TimeMedians>,
    /// How close N chunks come to N times the speed: T(1) / (N T(N)) with medians; null unless one
    /// chunk was measured too.
    pub parallel_efficiency: Option<f64>,
    /// The cost of an execution without S3 and logs, USD.
    pub usd: Option<Summary>,
    /// The same with a cold start, USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_usd: Option<Summary>,
    /// The most memory that a call of any iteration used, MB, as Lambda's log reports it; on AWS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_mb: Option<u32>,
    /// The lowest mean PSNR of any iteration, dB.
    pub psnr_avg_db: Option<f64>,
    /// The worst frame of any iteration, dB.
    pub worst_frame_db: Option<Level>,
    /// The worst audio status of any iteration.
    pub audio_status: Option<AudioStatus>,
    /// The loudest audio residual of any iteration, dBFS.
    pub audio_residual_dbfs: Option<Residual>,
    /// Whether all iterations were measured and match the baseline.
    pub passed: bool,
}

/// How many times faster Lambda is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Speedup {
    /// Local median / Lambda median.
    pub ratio: f64,
    /// Its 95 % confidence interval; null with fewer than 5 samples.
    pub interval: Option<Interval>,
}

/// Where the time of an execution goes: medians over the iterations, ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeMedians {
    /// The longest wait of a call for its start.
    pub queue_ms: f64,
    /// The longest start of a function in the cold executions; null when none was cold, or it is unknown.
    pub cold_start_ms: Option<f64>,
    /// From the start to the end of Plan: on the critical path.
    pub plan_ms: f64,
    /// From the end of Plan to the end of the last chunk: on the critical path.
    pub chunks_ms: f64,
    pub slowest_chunk_ms: f64,
    pub median_chunk_ms: f64,
    /// Slowest by median chunk.
    pub imbalance: f64,
    /// From the end of the last chunk to the execution's end: on the critical path.
    pub assemble_ms: f64,
    /// The share of the time between Plan and Assemble in which chunks were rendered.
    pub busy_share: f64,
    /// Calls that failed and were repeated, in all iterations.
    pub retries: u64,
}

impl Case {
    /// Summarizes the executions of `render`, of which `iterations` are planned, and the local
    /// renders of the same fixture.
    pub(crate) fn of(
        fixture: &str,
        render: RenderId,
        iterations: usize,
        lambda: &[&LambdaSample],
        local: &[&LocalSample],
    ) -> Self {
        let done: Vec<&Execution> = lambda.iter().filter_map(|sample| sample.outcome.done()).collect();
        let of_start = |start: Start| -> Vec<&Execution> {
            done.iter().copied().filter(|execution| execution.start == start).collect()
        };
        let (steady, cold) = (steady(&done), of_start(Start::Cold));
        let local_walls = local_wall_clocks(local);
        let renderer: Vec<f64> =
            local.iter().filter_map(|s| s.outcome.done()?.renderer_ms).map(|ms| ms as f64).collect();
        let failed = iterations.saturating_sub(done.len());
        Self {
            fixture: fixture.to_owned(),
            render,
            planned_chunk_count: done.first().map(|e| e.render.planned_chunk_count),
            iterations,
            failed,
            lambda_ms: Summary::of(&walls(&done)),
            warm_lambda_ms: Summary::of(&walls(&of_start(Start::Warm))),
            cold_lambda_ms: Summary::of(&walls(&cold)),
            cold: cold.len(),
            relative: None,
            local_ms: Summary::of(&local_walls),
            local_renderer_ms: Summary::of(&renderer),
            speedup: Speedup::of(&local_walls, &walls(&steady)),
            renderer_speedup: Speedup::of(&renderer, &walls(&steady)),
            time: TimeMedians::of(&steady, &cold),
            parallel_efficiency: None,
            usd: Summary::of(&usd(&steady)),
            cold_usd: Summary::of(&usd(&cold)),
            memory_used_mb: done.iter().filter_map(|e| e.memory_used_mb).max(),
            psnr_avg_db: done.iter().filter_map(|e| e.render.psnr_avg_db).min_by(f64::total_cmp),
            worst_frame_db: done.iter().filter_map(|e| Some(e.render.picture.as_ref()?.worst_frame_db)).min_by(worse),
            audio_status: done.iter().map(|e| e.render.audio_status).max_by_key(|status| badness(*status)),
            audio_residual_dbfs: done
                .iter()
                .flat_map(|e| e.render.audio_residual_dbfs.iter().copied())
                .max_by(|a, b| a.db().total_cmp(&b.db())),
            passed: failed == 0 && done.iter().all(|e| e.render.passed),
        }
    }

    /// The time of an execution, ms: of the warm ones if there are any, because a cold start depends on the environment
    /// and not on the chunk count.
    pub fn steady_ms(&self) -> Option<Summary> {
        self.warm_lambda_ms.or(self.lambda_ms)
    }

    pub fn measured(&self) -> usize {
        self.iterations.saturating_sub(self.failed)
    }

    /// Whether the plan has another number of chunks than was requested.
    pub fn count_differs(&self) -> bool {
        self.planned_chunk_count.is_some_and(|planned| planned != u64::from(self.render.chunk_count.get()))
    }

    /// Compares the cases of one fixture with its fastest, and with one chunk of the same memory if that was measured too.
    pub(crate) fn compare(cases: &mut [Self]) {
        let medians: Vec<f64> = cases.iter().filter_map(|case| Some(case.steady_ms()?.median)).collect();
        // A single one is not faster than others.
        let fastest = medians.iter().copied().min_by(f64::total_cmp).filter(|_| medians.len() > 1);
        let one_chunk = cases.iter().filter(|case| case.planned_chunk_count == Some(1));
        let one_chunk: Vec<_> = one_chunk.filter_map(|case| Some((case.render.memory_mb, case.steady_ms()?))).collect();
        for case in cases {
            let Some((ms, chunks)) = case.steady_ms().zip(case.planned_chunk_count) else { continue };
            let one_chunk = one_chunk.iter().find(|(memory_mb, _)| *memory_mb == case.render.memory_mb);
            case.relative = fastest.filter(|fastest| *fastest > 0.0).map(|fastest| ms.median / fastest);
            case.parallel_efficiency = one_chunk.map(|(_, one)| one.median / (chunks as f64 * ms.median));
        }
    }
}

/// What a model is of: a fixture, in a sweep of memory with one of the sizes, MB.
pub(crate) fn group(fixture: &str, memory_mb: Option<u32>) -> String {
    memory_mb.map_or_else(|| fixture.to_owned(), |mb| format!("{fixture} {mb} MB"))
}

/// The wall-clock times of the executions that [`Case::steady_ms`] is of, ms, in the order of measurement.
pub(crate) fn steady_wall_clocks(samples: &[&LambdaSample]) -> Vec<f64> {
    walls(&steady(&samples.iter().filter_map(|sample| sample.outcome.done()).collect::<Vec<_>>()))
}

/// The warm executions if there are any, otherwise all.
fn steady<'a>(done: &[&'a Execution]) -> Vec<&'a Execution> {
    let warm: Vec<&Execution> = done.iter().copied().filter(|execution| execution.start == Start::Warm).collect();
    if warm.is_empty() { done.to_vec() } else { warm }
}

fn walls(executions: &[&Execution]) -> Vec<f64> {
    executions.iter().map(|execution| execution.render.wall_clock_ms as f64).collect()
}

fn usd(executions: &[&Execution]) -> Vec<f64> {
    executions.iter().filter_map(|execution| Some(execution.render.cost.as_ref()?.usd)).collect()
}

/// The wall-clock times of the local renders, ms, in the order of measurement.
pub(crate) fn local_wall_clocks(samples: &[&LocalSample]) -> Vec<f64> {
    samples.iter().filter_map(|s| s.outcome.done()).map(|render| render.wall_ms as f64).collect()
}

impl Speedup {
    fn of(local: &[f64], lambda: &[f64]) -> Option<Self> {
        let ratio = median(local)? / median(lambda).filter(|ms| *ms > 0.0)?;
        Some(Self { ratio, interval: bootstrap::ratio_of_medians(local, lambda) })
    }
}

impl TimeMedians {
    fn of(steady: &[&Execution], cold: &[&Execution]) -> Option<Self> {
        let spent: Vec<&TimeSpent> = steady.iter().filter_map(|e| e.render.time_spent.as_ref()).collect();
        let of = |value: fn(&TimeSpent) -> f64| median(&spent.iter().map(|s| value(s)).collect::<Vec<_>>());
        let started = |e: &&Execution| Some(e.render.time_spent.as_ref()?.longest_overhead_ms as f64);
        let cold: Vec<f64> = cold.iter().filter_map(started).collect();
        Some(Self {
            queue_ms: of(|s| s.longest_queue_ms as f64)?,
            cold_start_ms: median(&cold),
            plan_ms: of(|s| s.plan_ms as f64)?,
            chunks_ms: of(|s| s.chunks_ms as f64)?,
            slowest_chunk_ms: of(|s| s.slowest_chunk_ms as f64)?,
            median_chunk_ms: of(|s| s.median_chunk_ms)?,
            imbalance: of(|s| s.imbalance)?,
            assemble_ms: of(|s| s.assemble_ms as f64)?,
            busy_share: of(|s| s.busy_share)?,
            retries: spent.iter().map(|s| s.retries).sum(),
        })
    }
}

fn worse(a: &Level, b: &Level) -> std::cmp::Ordering {
    let db = |level: &Level| match level {
        Level::Identical => f64::INFINITY,
        Level::Db(db) => *db,
    };
    db(a).total_cmp(&db(b))
}

fn badness(status: AudioStatus) -> u8 {
    match status {
        AudioStatus::None => 0,
        AudioStatus::Ok => 1,
        AudioStatus::NotCompared => 2,
        AudioStatus::Drift => 3,
        AudioStatus::Mismatch => 4,
    }
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
