//! The samples of an eval run for other programs: a line each as CSV and as JSON Lines, and hyperfine's JSON, which
//! plotting scripts read. Pure.

use std::collections::BTreeSet;

use execution_history::chunking::PlanProtocol;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    eval::{
        case::{local_wall_clocks, steady_wall_clocks},
        results::EvalResults,
        sample::{LambdaSample, LocalSample, Start},
        statistics::Summary,
    },
    report::columns::Cell,
};

/// One sample. Its fields are the columns of samples.csv.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    fixture: &'a str,
    /// lambda, or local for the in-process renderer.
    leg: &'static str,
    /// As requested; empty for a local render, as the next ones.
    protocol: Option<PlanProtocol>,
    chunk_count: Option<u16>,
    planned_chunk_count: Option<u64>,
    iteration: u32,
    start: Option<Start>,
    /// stopDate - startDate, or the time of the process, ms.
    wall_ms: Option<u64>,
    usd: Option<f64>,
    psnr_avg_db: Option<f64>,
    passed: Option<bool>,
    failure: Option<&'a str>,
    /// Of a sweep of memory, MB.
    memory_mb: Option<u32>,
    /// By one call at most, on AWS, MB.
    memory_used_mb: Option<u32>,
}

fn lines(results: &EvalResults) -> Vec<Line<'_>> {
    let of_lambda = results.lambda_samples.iter().map(|sample| {
        let render = sample.outcome.done().map(|execution| &execution.render);
        Line {
            fixture: &sample.id.fixture,
            leg: "lambda",
            protocol: Some(sample.id.render.protocol),
            chunk_count: Some(sample.id.render.chunk_count.get()),
            planned_chunk_count: render.map(|render| render.planned_chunk_count),
            iteration: sample.id.iteration,
            start: sample.outcome.done().map(|execution| execution.start),
            wall_ms: render.map(|render| render.wall_clock_ms),
            usd: render.and_then(|render| Some(render.cost.as_ref()?.usd)),
            psnr_avg_db: render.and_then(|render| render.psnr_avg_db),
            passed: render.map(|render| render.passed),
            failure: sample.outcome.failure(),
            memory_mb: sample.id.render.memory_mb,
            memory_used_mb: sample.outcome.done().and_then(|execution| execution.memory_used_mb),
        }
    });
    let of_this_machine = results.local_samples.iter().map(|sample| Line {
        fixture: &sample.fixture,
        leg: "local",
        iteration: sample.iteration,
        wall_ms: sample.outcome.done().map(|render| render.wall_ms),
        failure: sample.outcome.failure(),
        ..Line::default()
    });
    of_lambda.chain(of_this_machine).collect()
}

/// samples.jsonl: a JSON object for each sample.
pub(crate) fn json_lines(results: &EvalResults) -> anyhow::Result<String> {
    lines(results).iter().map(|line| Ok(serde_json::to_string(line)? + "\n")).collect()
}

/// samples.csv: the same in columns. What does not apply is empty.
pub(crate) fn csv(results: &EvalResults) -> anyhow::Result<String> {
    let mut csv = String::new();
    for line in lines(results) {
        let Value::Object(fields) = serde_json::to_value(line)? else { continue };
        if csv.is_empty() {
            csv = fields.keys().map(String::as_str).collect::<Vec<_>>().join(",") + "\n";
        }
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => Cell::Text(text.clone()).csv(),
            other => other.to_string(),
        };
        csv += &(fields.values().map(cell).collect::<Vec<_>>().join(",") + "\n");
    }
    Ok(csv)
}

/// hyperfine.json: a result for each case and for each fixture's local renders, in seconds, as `hyperfine --export-
/// json` writes them. The times of a case are those that its median is of. `user` and `system` are not known, and 0.
pub(crate) fn hyperfine(results: &EvalResults) -> Value {
    let of_case = results.cases.iter().filter_map(|case| {
        let is_of_case = |s: &&LambdaSample| (&s.id.fixture, s.id.render) == (&case.fixture, case.render);
        let of_it: Vec<&LambdaSample> = results.lambda_samples.iter().filter(is_of_case).collect();
        let mut parameters = json!({"fixture": case.fixture, "chunks": case.render.chunk_count.to_string()});
        if let Some(memory_mb) = case.render.memory_mb {
            parameters["memory"] = memory_mb.to_string().into();
        }
        result(&format!("{} {}", case.fixture, case.render), &steady_wall_clocks(&of_it), &parameters)
    });
    let fixtures: BTreeSet<&str> = results.local_samples.iter().map(|sample| sample.fixture.as_str()).collect();
    let of_fixture = fixtures.into_iter().filter_map(|fixture| {
        let of_it: Vec<&LocalSample> =
            results.local_samples.iter().filter(|sample| sample.fixture == fixture).collect();
        result(&format!("{fixture} local"), &local_wall_clocks(&of_it), &json!({"fixture": fixture}))
    });
    json!({"results": of_case.chain(of_fixture).collect::<Vec<_>>()})
}

fn result(command: &str, times_ms: &[f64], parameters: &Value) -> Option<Value> {
    let times: Vec<f64> = times_ms.iter().map(|ms| ms / 1000.0).collect();
    let Summary { median, min, max, .. } = Summary::of(&times)?;
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
    let stddev = (times.len() > 1).then(|| (squares / (times.len() - 1) as f64).sqrt());
    Some(json!({
        "command": command, "mean": mean, "stddev": stddev, "median": median, "user": 0.0, "system": 0.0,
        "min": min, "max": max, "times": times, "exit_codes": vec![0; times.len()], "parameters": parameters,
    }))
}
