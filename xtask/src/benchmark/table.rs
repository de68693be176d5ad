//! What a run came to, at one look. Pure.

use super::{
    case::{Case, Speedup, TimeMedians},
    results::Results,
};
use crate::{
    cost::Prices,
    measure::{Level, residual::Residual},
    statistics::Summary,
    wording::{Align, columns, counted},
};

/// How long and for what money, where the time goes, how equal; then what a sweep
/// recommends, and what the figures can't tell.
pub(crate) fn table(results: &Results, prices: &Prices) -> String {
    let cases = &results.cases;
    let mut parts = vec![
        block("How long (medians), and what for", cases, &HOW_LONG, how_long),
        block("Where the time of an execution goes (medians)", cases, &WHERE_TIME_GOES, where_time_goes),
        block("How equal to the baseline (the worst of all iterations)", cases, &HOW_EQUAL, how_equal),
    ];
    for (fixture, scaling) in &results.scaling {
        parts.push(match scaling {
            Ok(scaling) => format!("Scaling of {fixture}\n{scaling}"),
            Err(reason) => format!("Scaling of {fixture}: no model, as {reason}"),
        });
    }
    parts.push(told(results, prices));
    parts.join("\n\n")
}

fn told(results: &Results, prices: &Prices) -> String {
    let mut lines: Vec<String> = results
        .cases
        .iter()
        .filter(|case| differs(case))
        .map(|case| {
            let made = counted(case.planned_chunk_count.unwrap_or(0), "chunk");
            format!("* {} {}: the plan made {made}", case.fixture, case.render)
        })
        .collect();
    lines.push(format!(
        "USD of one execution: Lambda's GB-seconds and requests, and state transitions ({}); \
         S3, logs, data transfer and the free tier are left out",
        prices.as_of
    ));
    if results.cases.iter().any(|case| case.speedup.is_some()) {
        lines.push(
            "speed-up: this machine's process / execution; renderer: its own share of that / execution".to_owned(),
        );
    }
    lines.extend(results.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(results.caveats.iter().map(|caveat| format!("note: {caveat}")));
    lines.join("\n")
}

fn block<const N: usize>(
    title: &str,
    cases: &[Case],
    header: &[&str; N],
    line: impl Fn(&Case) -> [String; N],
) -> String {
    let lines: Vec<[String; N]> = std::iter::once(header.map(str::to_owned)).chain(cases.iter().map(line)).collect();
    format!("{title}\n{}", columns(&lines, Align::Left))
}

const HOW_LONG: [&str; 9] =
    ["fixture", "chunks", "local", "Lambda", "min - max", "cold", "speed-up", "renderer", "USD"];

fn how_long(case: &Case) -> [String; 9] {
    let done = case.iterations - case.failed;
    [
        case.fixture.clone(),
        chunks(case),
        seconds(case.local_ms),
        match (case.lambda_ms, case.failed) {
            (None, _) => "failed".to_owned(),
            (ms, 0) => seconds(ms),
            (ms, failed) => format!("{} ({failed} failed)", seconds(ms)),
        },
        case.lambda_ms
            .filter(|ms| ms.count > 1)
            .map_or_else(String::new, |ms| format!("{:.1} - {:.1} s", ms.min / 1000.0, ms.max / 1000.0)),
        if done > 0 { format!("{} of {done}", case.cold) } else { String::new() },
        speedup(case.speedup),
        speedup(case.renderer_speedup),
        case.usd.map_or_else(String::new, |usd| format!("{:.5}", usd.median)),
    ]
}

const WHERE_TIME_GOES: [&str; 11] = [
    "fixture",
    "chunks",
    "queue",
    "cold start",
    "plan",
    "chunks take",
    "slowest",
    "median",
    "imbalance",
    "assemble",
    "efficiency",
];

fn where_time_goes(case: &Case) -> [String; 11] {
    let time = |of: fn(&TimeMedians) -> f64| {
        case.time.as_ref().map_or_else(String::new, |time| format!("{:.1} s", of(time) / 1000.0))
    };
    [
        case.fixture.clone(),
        chunks(case),
        time(|t| t.queue_ms),
        case.time
            .as_ref()
            .and_then(|time| time.cold_start_ms)
            .map_or_else(String::new, |ms| format!("{:.1} s", ms / 1000.0)),
        time(|t| t.plan_ms),
        time(|t| t.chunks_ms),
        time(|t| t.slowest_chunk_ms),
        time(|t| t.median_chunk_ms),
        case.time.as_ref().map_or_else(String::new, |time| format!("{:.2}", time.imbalance)),
        time(|t| t.assemble_ms),
        case.parallel_efficiency.map_or_else(String::new, |efficiency| format!("{:.0} %", 100.0 * efficiency)),
    ]
}

const HOW_EQUAL: [&str; 7] = ["fixture", "chunks", "PSNR mean", "worst frame", "audio", "residual", ""];

fn how_equal(case: &Case) -> [String; 7] {
    [
        case.fixture.clone(),
        chunks(case),
        case.psnr_avg_db.map_or_else(|| "-".to_owned(), |db| format!("{db:.2} dB")),
        case.worst_frame_db.map_or_else(|| "-".to_owned(), Level::told),
        case.audio_status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
        case.audio_residual_dbfs.map_or_else(String::new, |residual: Residual| format!("{residual} dBFS")),
        if case.passed { "ok" } else { "FAIL" }.to_owned(),
    ]
}

/// Chunks asked for, and a star where the plan made another number.
fn chunks(case: &Case) -> String {
    format!("{}{}", case.render.chunks(), if differs(case) { "*" } else { "" })
}

fn differs(case: &Case) -> bool {
    case.planned_chunk_count.is_some_and(|planned| planned != u64::from(case.render.chunk_count.get()))
}

fn seconds(ms: Option<Summary>) -> String {
    ms.map_or_else(String::new, |ms| format!("{:.1} s", ms.median / 1000.0))
}

fn speedup(speedup: Option<Speedup>) -> String {
    match speedup {
        None => String::new(),
        Some(Speedup { ratio, interval: None }) => format!("{ratio:.2}"),
        Some(Speedup { ratio, interval: Some(within) }) => {
            format!("{ratio:.2} [{:.2}, {:.2}]", within.low, within.high)
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
