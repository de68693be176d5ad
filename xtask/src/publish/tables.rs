//! The table of a report: a line for each render of smoke, for each case of eval. Pure.

use super::markdown::plain;
use crate::{
    artifacts::{PictureRecord, ResultRow},
    benchmark::{Case, Speedup},
    measure::{Level, exact::ExactComparison},
    story::RunReport,
};

const UNMEASURED: &str = "-";

/// How a column's cells are aligned.
#[derive(Clone, Copy)]
pub(crate) enum Column {
    /// Names.
    Name(&'static str),
    /// Figures.
    Figure(&'static str),
}

/// A table in Markdown; nothing without lines.
pub(crate) fn table<const N: usize>(columns: [Column; N], lines: &[[String; N]]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let joined = |cells: &[String; N]| format!("| {} |", cells.join(" | "));
    let title = columns.map(|column| match column {
        Column::Name(title) | Column::Figure(title) => title.to_owned(),
    });
    let rule = columns.map(|column| match column {
        Column::Name(_) => "---".to_owned(),
        Column::Figure(_) => "---:".to_owned(),
    });
    [title, rule].iter().chain(lines).map(joined).collect::<Vec<_>>().join("\n")
}

/// Smoke: how long, for what money, how equal each render is.
pub(super) fn renders(report: &RunReport) -> String {
    let measured = report.renders.iter().map(|render| render_line(&render.row));
    let missing = report.unmeasured.iter().map(|unmeasured| {
        let mut line: [String; 9] = std::array::from_fn(|_| UNMEASURED.to_owned());
        (line[0], line[8]) = (plain(&unmeasured.label.replace("N=", "")), "**not measured**".to_owned());
        line
    });
    let columns = [
        Column::Figure("chunks"),
        Column::Figure("planned"),
        Column::Figure("wall clock"),
        Column::Figure("slowest chunk"),
        Column::Figure("USD"),
        Column::Figure("PSNR mean"),
        Column::Figure("worst frame"),
        Column::Name("audio"),
        Column::Name("verdict"),
    ];
    table(columns, &measured.chain(missing).collect::<Vec<_>>())
}

fn render_line(row: &ResultRow) -> [String; 9] {
    [
        row.id.chunks(),
        row.planned_chunk_count.to_string(),
        seconds(row.wall_clock_ms as f64),
        row.time_spent.as_ref().map_or_else(unmeasured, |spent| seconds(spent.slowest_chunk_ms as f64)),
        row.cost.map_or_else(unmeasured, |cost| usd(cost.usd)),
        match &row.exact {
            Some(_) => "exact".to_owned(),
            None => row.psnr_avg_db.map_or_else(unmeasured, |db| format!("{db:.2} dB")),
        },
        match &row.exact {
            Some(frames) => identical(frames),
            None => row.picture.as_ref().map_or_else(unmeasured, worst_frame),
        },
        audio(row),
        verdict(row.passed),
    ]
}

fn identical(frames: &ExactComparison) -> String {
    format!("{} of {} identical", frames.identical_frames(), frames.frames())
}

fn worst_frame(picture: &PictureRecord) -> String {
    match picture.worst_frame_db {
        Level::Identical => "identical".to_owned(),
        level @ Level::Db(_) => format!("{level} dB (frame {})", picture.worst_frame),
    }
}

fn audio(row: &ResultRow) -> String {
    let residuals: Vec<String> = row.audio_residual_dbfs.iter().map(|residual| format!("{residual} dBFS")).collect();
    match residuals.is_empty() {
        true => row.audio_status.to_string(),
        false => format!("{} ({})", row.audio_status, residuals.join(", ")),
    }
}

/// Eval: how long, how many times faster, for what money, how equal each case is.
pub(super) fn cases(report: &RunReport) -> String {
    let columns = [
        Column::Name("fixture"),
        Column::Figure("chunks"),
        Column::Figure("local"),
        Column::Figure("Lambda (median)"),
        Column::Figure("min - max"),
        Column::Figure("cold"),
        Column::Figure("speed-up"),
        Column::Figure("USD"),
        Column::Figure("PSNR mean"),
        Column::Figure("worst frame"),
        Column::Name("audio"),
        Column::Name("verdict"),
    ];
    table(columns, &report.cases.iter().map(case_line).collect::<Vec<_>>())
}

fn case_line(case: &Case) -> [String; 12] {
    let done = case.iterations.saturating_sub(case.failed);
    [
        plain(&case.fixture),
        case.render.chunks(),
        case.local_ms.map_or_else(unmeasured, |ms| seconds(ms.median)),
        case.lambda_ms.map_or_else(unmeasured, |ms| seconds(ms.median)),
        case.lambda_ms
            .filter(|ms| ms.count > 1)
            .map_or_else(unmeasured, |ms| format!("{} - {}", seconds(ms.min), seconds(ms.max))),
        format!("{} of {done}", case.cold),
        case.speedup.map_or_else(unmeasured, speedup),
        case.usd.map_or_else(unmeasured, |cost| usd(cost.median)),
        case.psnr_avg_db.map_or_else(unmeasured, |db| format!("{db:.2} dB")),
        case.worst_frame_db.map_or_else(unmeasured, Level::told),
        case.audio_status.map_or_else(unmeasured, |status| status.to_string()),
        match case.failed {
            0 => verdict(case.passed),
            failed => format!("**{failed} of {} not measured**", case.iterations),
        },
    ]
}

fn speedup(speedup: Speedup) -> String {
    match speedup.interval {
        None => format!("{:.2} x", speedup.ratio),
        Some(within) => format!("{:.2} x ({:.2} to {:.2})", speedup.ratio, within.low, within.high),
    }
}

fn verdict(passed: bool) -> String {
    if passed { "ok" } else { "**FAIL**" }.to_owned()
}

fn seconds(ms: f64) -> String {
    format!("{:.1} s", ms / 1000.0)
}

fn usd(usd: f64) -> String {
    format!("{usd:.5}")
}

fn unmeasured() -> String {
    UNMEASURED.to_owned()
}
