//! results.csv: the script's columns first, in its order and spelling, then more. Pure.

use super::case::Case;
use crate::measure::Level;

/// The script's header.
const OF_THE_SCRIPT: &str = "fixture,localMs,lambdaMs,speedup,psnrLambdaVsBaselineDb,audioStatus,audioResidualRmsDb";

/// What the script has not.
const FURTHER: &str = "chunkCount,plannedChunkCount,iterations,failed,passed,lambdaMinMs,lambdaMaxMs,lambdaMadMs,\
    coldExecutions,warmLambdaMs,localRendererMs,rendererSpeedup,speedupLow95,speedupHigh95,worstFrameDb,queueMs,planMs,\
    slowestChunkMs,medianChunkMs,imbalance,assembleMs,parallelEfficiency,usd";

/// A line for each case. What was not measured is empty; perfect cancellation of sound is -200.
pub(crate) fn csv(cases: &[Case]) -> String {
    let mut text = format!("{OF_THE_SCRIPT},{FURTHER}\n");
    for case in cases {
        text.push_str(&line(case).join(","));
        text.push('\n');
    }
    text
}

fn line(case: &Case) -> Vec<String> {
    let number = |value: Option<f64>, digits: usize| value.map_or_else(String::new, |v| format!("{v:.digits$}"));
    let lambda = |of: fn(&crate::statistics::Summary) -> f64| number(case.lambda_ms.as_ref().map(of), 0);
    let time = |of: fn(&super::case::TimeMedians) -> f64, digits| number(case.time.as_ref().map(of), digits);
    let interval = case.speedup.and_then(|speedup| speedup.interval);
    vec![
        quoted(&case.fixture),
        number(case.local_ms.map(|ms| ms.median), 0),
        lambda(|ms| ms.median),
        number(case.speedup.map(|speedup| speedup.ratio), 3),
        number(case.psnr_avg_db, 3),
        case.audio_status.map_or_else(String::new, |status| status.to_string()),
        number(case.audio_residual_dbfs.map(|residual| residual.db().max(-200.0)), 2),
        case.render.chunk_count.to_string(),
        case.planned_chunk_count.map_or_else(String::new, |count| count.to_string()),
        case.iterations.to_string(),
        case.failed.to_string(),
        case.passed.to_string(),
        lambda(|ms| ms.min),
        lambda(|ms| ms.max),
        lambda(|ms| ms.mad),
        case.cold.to_string(),
        number(case.warm_lambda_ms.map(|ms| ms.median), 0),
        number(case.local_renderer_ms.map(|ms| ms.median), 0),
        number(case.renderer_speedup.map(|speedup| speedup.ratio), 3),
        number(interval.map(|interval| interval.low), 3),
        number(interval.map(|interval| interval.high), 3),
        case.worst_frame_db.map_or_else(String::new, |level| match level {
            Level::Identical => "inf".to_owned(),
            Level::Db(db) => format!("{db:.3}"),
        }),
        time(|t| t.queue_ms, 0),
        time(|t| t.plan_ms, 0),
        time(|t| t.slowest_chunk_ms, 0),
        time(|t| t.median_chunk_ms, 0),
        time(|t| t.imbalance, 3),
        time(|t| t.assemble_ms, 0),
        number(case.parallel_efficiency, 3),
        number(case.usd.map(|usd| usd.median), 6),
    ]
}

/// A field of CSV by RFC 4180; a fixture's name is a folder's, which may have a comma.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
