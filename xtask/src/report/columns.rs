//! The table of columns: what the terminal, report.md, report.html and results.csv show
//! about renders and cases. A new column is a row here. Pure.

use render_verdict::{
    audio::{AudioStatus, residual::Residual},
    decibels::Level,
};

use self::Table::{Durations, Markdown, Page, Parts, Quality, Terminal};
use crate::{
    eval::{
        case::{Case, Speedup, TimeMedians},
        statistics::bootstrap::Interval,
    },
    report::row::ResultRow,
};

/// A column of a table whose rows are `T`s.
pub struct Column<T: 'static> {
    /// The heading for people.
    pub title: &'static str,
    /// The heading in results.csv; empty when results.csv does not have the column.
    pub csv: &'static str,
    /// Whether the cells are figures, which are aligned to the right.
    pub is_figure: bool,
    /// Which tables for people have the column.
    pub tables: &'static [Table],
    pub cell: fn(&T) -> Cell,
}

/// A table for people, which shows some of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Terminal,
    /// Cases in the terminal: how long they take and what they cost.
    Durations,
    /// Cases in the terminal: where the time of an execution goes.
    Parts,
    /// Cases in the terminal: how close they are to the baseline.
    Quality,
    /// The table of report.md.
    Markdown,
    /// The table of report.html.
    Page,
}

/// The columns of the original script's results.csv in its order and spelling; they come first.
pub const OF_THE_SCRIPT: [&str; 7] =
    ["fixture", "localMs", "lambdaMs", "speedup", "psnrLambdaVsBaselineDb", "audioStatus", "audioResidualRmsDb"];

/// A value that people and programs read in different forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// It does not apply.
    Empty,
    Unmeasured,
    Text(String),
    Ms(f64),
    /// A price, USD.
    Usd(f64),
    Ratio(f64),
    /// A ratio, and its 95 % confidence interval.
    Within(f64, Option<(f64, f64)>),
    Share(f64),
    /// A mean level, dB.
    Db(f64),
    Level(Level),
    /// An audio level.
    Residual(Residual),
    Passed(bool),
}

impl Cell {
    /// The form for people, as in the terminal.
    pub fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Unmeasured => "-".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Ms(ms) => format!("{:.1} s", ms / 1000.0),
            Self::Usd(usd) => format!("{usd:.5}"),
            Self::Ratio(ratio) | Self::Within(ratio, None) => format!("{ratio:.2}"),
            Self::Within(ratio, Some((low, high))) => format!("{ratio:.2} [{low:.2}, {high:.2}]"),
            Self::Share(share) => format!("{:.0} %", 100.0 * share),
            Self::Db(db) => format!("{db:.2} dB"),
            Self::Level(level) => level.with_unit(),
            Self::Residual(residual) => format!("{residual} dBFS"),
            Self::Passed(passed) => if *passed { "ok" } else { "FAIL" }.to_owned(),
        }
    }

    /// The form for programs: no unit, and nothing where nothing was measured. Perfect
    /// cancellation of the audio is -200.
    pub fn csv(&self) -> String {
        match self {
            Self::Empty | Self::Unmeasured => String::new(),
            // RFC 4180: the name of a fixture is the name of a folder and may contain a comma.
            Self::Text(text) if text.contains([',', '"', '\n']) => format!("\"{}\"", text.replace('"', "\"\"")),
            Self::Text(text) => text.clone(),
            Self::Ms(ms) => format!("{ms:.0}"),
            Self::Usd(usd) => format!("{usd:.6}"),
            Self::Ratio(value)
            | Self::Within(value, _)
            | Self::Share(value)
            | Self::Db(value)
            | Self::Level(Level::Db(value)) => format!("{value:.3}"),
            Self::Level(Level::Identical) => "inf".to_owned(),
            Self::Residual(residual) => format!("{:.2}", residual.db().max(-200.0)),
            Self::Passed(passed) => passed.to_string(),
        }
    }
}

impl<T> Column<T> {
    /// A column of names.
    pub(crate) const fn name(title: &'static str, tables: &'static [Table], cell: fn(&T) -> Cell) -> Self {
        Self { title, csv: "", is_figure: false, tables, cell }
    }

    /// A column of figures.
    pub(crate) const fn figure(title: &'static str, tables: &'static [Table], cell: fn(&T) -> Cell) -> Self {
        Self { title, csv: "", is_figure: true, tables, cell }
    }

    /// A column for programs only.
    const fn only_csv(csv: &'static str, cell: fn(&T) -> Cell) -> Self {
        Self { title: "", csv, is_figure: true, tables: &[], cell }
    }

    /// Adds the column to results.csv.
    const fn csv(mut self, csv: &'static str) -> Self {
        self.csv = csv;
        self
    }
}

type OfRender = Column<ResultRow>;

/// The title of the last column that says which render, or which case, a row is about.
pub const CHUNKS: &str = "chunks";
/// The title of the column that only a run of several fixtures has.
pub const FIXTURE: &str = "fixture";

pub const RENDERS: &[OfRender] = &[
    OfRender::name(FIXTURE, &[Terminal, Markdown], |row| row.fixture.as_ref().map_or(Cell::Empty, text)),
    OfRender::figure(CHUNKS, &[Terminal, Markdown], |row| text(row.id.chunks())),
    OfRender::figure("planned", &[Terminal], |row| {
        text(format!("{}{}", row.planned_chunk_count, if row.count_differs() { "*" } else { "" }))
    }),
    OfRender::figure("planned", &[Markdown, Page], |row| match row.count_differs() {
        true => text(format!("{} of {} requested", row.planned_chunk_count, row.id.chunk_count)),
        false => text(row.planned_chunk_count),
    }),
    OfRender::figure("wall clock", &[Terminal, Markdown, Page], |row| Cell::Ms(row.wall_clock_ms as f64)),
    OfRender::figure("slowest chunk", &[Markdown, Page], |row| {
        row.time_spent.as_ref().map_or(Cell::Unmeasured, |spent| Cell::Ms(spent.slowest_chunk_ms as f64))
    }),
    OfRender::figure("USD", &[Markdown, Page], |row| {
        row.cost.as_ref().map_or(Cell::Unmeasured, |cost| Cell::Usd(cost.usd))
    }),
    OfRender::figure("PSNR mean", &[Terminal, Markdown, Page], |row| match &row.exact {
        Some(_) => text("exact"),
        None => row.psnr_avg_db.map_or(Cell::Unmeasured, Cell::Db),
    }),
    OfRender::figure("worst frame", &[Terminal, Markdown, Page], worst_frame),
    OfRender::figure("unlike first", &[Terminal], |row| match row.picture.as_ref() {
        None => Cell::Unmeasured,
        Some(picture) => text(match picture.frames_unlike_first {
            None => "first".to_owned(),
            Some(0) => "none".to_owned(),
            Some(unlike) => format!("{unlike} of {}", picture.frames),
        }),
    }),
    OfRender::figure("audio", &[Terminal], |row| match row.audio_status {
        AudioStatus::None if row.audio_residual_dbfs.is_empty() => text("none"),
        _ => residuals(row),
    }),
    OfRender::name("audio", &[Markdown, Page], |row| match residuals(row) {
        Cell::Text(levels) => text(format!("{} ({levels})", row.audio_status)),
        _ => text(row.audio_status),
    }),
    OfRender::name("", &[Terminal], |row| Cell::Passed(row.passed)),
    OfRender::name("verdict", &[Markdown, Page], |row| Cell::Passed(row.passed)),
];

fn worst_frame(row: &ResultRow) -> Cell {
    if let Some(frames) = &row.exact {
        let first = frames.first().map(|first| format!(", #{}: {}", first.frame, first.why)).unwrap_or_default();
        return text(format!("{} of {} identical{first}", frames.identical_frames(), frames.frames()));
    }
    row.picture.as_ref().map_or(Cell::Unmeasured, |picture| match picture.worst_frame_db {
        Level::Identical => Cell::Level(Level::Identical),
        level @ Level::Db(_) => text(format!("{level} dB (#{})", picture.worst_frame)),
    })
}

fn residuals(row: &ResultRow) -> Cell {
    let levels: Vec<String> = row.audio_residual_dbfs.iter().map(|level| format!("{level} dBFS")).collect();
    if levels.is_empty() { Cell::Unmeasured } else { text(levels.join(", ")) }
}

type OfCase = Column<Case>;

/// The columns of a table of cases. results.csv has the columns that the script did not have
/// in this order.
pub const CASES: &[OfCase] = &[
    OfCase::name("fixture", &[Durations, Parts, Quality, Markdown], |case| text(case.fixture.clone())).csv("fixture"),
    OfCase::figure("memory", &[Durations, Parts, Quality, Markdown], |case| megabytes(case.render.memory_mb)),
    OfCase::figure(CHUNKS, &[Durations, Parts, Quality, Markdown], |case| {
        text(case.render.chunks_as_planned(case.planned_chunk_count))
    }),
    OfCase::only_csv("chunkCount", |case| text(case.render.chunk_count)),
    OfCase::only_csv("plannedChunkCount", |case| case.planned_chunk_count.map_or(Cell::Empty, text)),
    OfCase::only_csv("iterations", |case| text(case.iterations)),
    OfCase::only_csv("failed", |case| text(case.failed)),
    OfCase::only_csv("passed", |case| Cell::Passed(case.passed)),
    OfCase::figure("local", &[Durations, Markdown], |case| ms(case.local_ms.map(|ms| ms.median))).csv("localMs"),
    OfCase::figure("Lambda", &[Durations], lambda),
    OfCase::figure("Lambda (median)", &[Markdown], lambda),
    OfCase::only_csv("lambdaMs", |case| ms(case.lambda_ms.map(|ms| ms.median))),
    OfCase::figure("min - max", &[Durations, Markdown], |case| match case.steady_ms() {
        Some(ms) if ms.count > 1 => text(format!("{:.1} - {:.1} s", ms.min / 1000.0, ms.max / 1000.0)),
        _ => Cell::Empty,
    }),
    OfCase::only_csv("lambdaMinMs", |case| ms(case.lambda_ms.map(|ms| ms.min))),
    OfCase::only_csv("lambdaMaxMs", |case| ms(case.lambda_ms.map(|ms| ms.max))),
    OfCase::only_csv("lambdaMadMs", |case| ms(case.lambda_ms.map(|ms| ms.mad))),
    OfCase::figure("relative", &[Durations, Markdown], |case| match case.relative {
        Some(relative) if relative > 1.0 => text(format!("{relative:.2} x")),
        Some(_) => text("fastest"),
        None => Cell::Empty,
    }),
    OfCase::only_csv("coldExecutions", |case| text(case.cold)),
    OfCase::only_csv("warmLambdaMs", |case| ms(case.warm_lambda_ms.map(|ms| ms.median))),
    OfCase::only_csv("localRendererMs", |case| ms(case.local_renderer_ms.map(|ms| ms.median))),
    OfCase::figure("speed-up", &[Durations, Markdown], |case| speedup(case.speedup)).csv("speedup"),
    OfCase::only_csv("rendererSpeedup", |case| speedup(case.renderer_speedup)),
    OfCase::only_csv("speedupLow95", |case| ratio(case.speedup.and_then(|speedup| Some(speedup.interval?.low)))),
    OfCase::only_csv("speedupHigh95", |case| ratio(case.speedup.and_then(|speedup| Some(speedup.interval?.high)))),
    OfCase::figure("PSNR mean", &[Quality, Markdown], |case| case.psnr_avg_db.map_or(Cell::Unmeasured, Cell::Db))
        .csv("psnrLambdaVsBaselineDb"),
    OfCase::figure("worst frame", &[Quality, Markdown], |case| {
        case.worst_frame_db.map_or(Cell::Unmeasured, Cell::Level)
    })
    .csv("worstFrameDb"),
    OfCase::name("audio", &[Quality, Markdown], |case| case.audio_status.map_or(Cell::Unmeasured, text))
        .csv("audioStatus"),
    OfCase::figure("residual", &[Quality], |case| case.audio_residual_dbfs.map_or(Cell::Empty, Cell::Residual))
        .csv("audioResidualRmsDb"),
    OfCase::figure("queue", &[Parts], |case| part(case, |time| time.queue_ms)).csv("queueMs"),
    OfCase::figure("cold start", &[Parts], |case| ms(case.time.as_ref().and_then(|time| time.cold_start_ms))),
    OfCase::figure("plan", &[Parts], |case| part(case, |time| time.plan_ms)).csv("planMs"),
    OfCase::figure("chunks take", &[Parts], |case| part(case, |time| time.chunks_ms)),
    OfCase::figure("slowest", &[Parts], |case| part(case, |time| time.slowest_chunk_ms)).csv("slowestChunkMs"),
    OfCase::figure("median", &[Parts], |case| part(case, |time| time.median_chunk_ms)).csv("medianChunkMs"),
    OfCase::figure("imbalance", &[Parts], |case| ratio(case.time.as_ref().map(|time| time.imbalance))).csv("imbalance"),
    OfCase::figure("assemble", &[Parts], |case| part(case, |time| time.assemble_ms)).csv("assembleMs"),
    OfCase::figure("efficiency", &[Parts], |case| case.parallel_efficiency.map_or(Cell::Empty, Cell::Share))
        .csv("parallelEfficiency"),
    OfCase::figure("USD", &[Durations, Markdown], |case| case.usd.map_or(Cell::Empty, |usd| Cell::Usd(usd.median)))
        .csv("usd"),
    OfCase::figure("memory used", &[Durations, Markdown], |case| megabytes(case.memory_used_mb)),
    OfCase::figure("cold", &[Durations, Markdown], |case| match (case.cold_lambda_ms, case.warm_lambda_ms) {
        (Some(cold), Some(_)) => {
            text(format!("{} ({} of {})", Cell::Ms(cold.median).text(), cold.count, case.measured()))
        }
        (Some(_), None) => text("only"),
        (None, _) => Cell::Empty,
    }),
    OfCase::only_csv("coldLambdaMs", |case| ms(case.cold_lambda_ms.map(|ms| ms.median))),
    OfCase::figure("USD cold", &[Durations, Markdown], |case| match (case.cold_usd, case.warm_lambda_ms) {
        (Some(usd), Some(_)) => Cell::Usd(usd.median),
        _ => Cell::Empty,
    }),
    OfCase::only_csv("coldUsd", |case| case.cold_usd.map_or(Cell::Empty, |usd| Cell::Usd(usd.median))),
    OfCase::name("", &[Quality], |case| Cell::Passed(case.passed)),
    OfCase::name("verdict", &[Markdown], |case| Cell::Passed(case.passed)),
    OfCase::only_csv("memoryMb", |case| case.render.memory_mb.map_or(Cell::Empty, text)),
    OfCase::only_csv("memoryUsedMb", |case| case.memory_used_mb.map_or(Cell::Empty, text)),
];

fn megabytes(memory_mb: Option<u32>) -> Cell {
    memory_mb.map_or(Cell::Empty, |mb| text(format!("{mb} MB")))
}

fn text(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

fn ms(ms: Option<f64>) -> Cell {
    ms.map_or(Cell::Empty, Cell::Ms)
}

/// The median of the warm executions, or of the cold ones where there are no others, and how many failed.
fn lambda(case: &Case) -> Cell {
    match (case.steady_ms(), case.failed) {
        (None, _) => text("failed"),
        (Some(ms), 0) => Cell::Ms(ms.median),
        (Some(ms), failed) => text(format!("{} ({failed} failed)", Cell::Ms(ms.median).text())),
    }
}

fn part(case: &Case, of: fn(&TimeMedians) -> f64) -> Cell {
    ms(case.time.as_ref().map(of))
}

fn ratio(ratio: Option<f64>) -> Cell {
    ratio.map_or(Cell::Empty, Cell::Ratio)
}

fn speedup(speedup: Option<Speedup>) -> Cell {
    let bounds = |interval: Interval| (interval.low, interval.high);
    speedup.map_or(Cell::Empty, |speedup| Cell::Within(speedup.ratio, speedup.interval.map(bounds)))
}
