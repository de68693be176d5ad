//! Two runs side by side: how this run differs from an earlier one. Pure.

pub mod change;
pub mod regression;

use std::fmt;

use execution_history::chunking::RenderId;
use render_verdict::{audio::residual::Residual, decibels::Level};

use crate::{
    console::text::Align,
    eval::{
        sample::Start,
        statistics::bootstrap::{pairs_needed, ratio_of_paired_medians},
    },
    report::{
        RunReport,
        columns::{Cell, Column},
        compare::{
            change::{Certainty, Change, percent},
            regression::Gate,
        },
        markdown::list,
        render::RenderReport,
        tables::{markdown, plain, terminal},
    },
};

/// How this run differs from an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct SideBySide {
    /// What is compared with what.
    pub title: String,
    /// What both measured, in this run's order.
    pub pairs: Vec<Pair>,
    /// What only this run measured.
    pub only_now: Vec<String>,
    /// What only the earlier run measured.
    pub only_before: Vec<String>,
    /// Other differences, which may be why the renders differ, a line each.
    pub caveats: Vec<String>,
    /// What a limit for regressions says of it, where there is one.
    pub gate: Option<Gate>,
}

impl SideBySide {
    /// As a comparison of B, this run, with A, the earlier one: what each figure says is remarked first.
    #[must_use]
    pub fn of_sides(mut self, a: &str, b: &str) -> Self {
        self.title = format!("{b}, compared with {a}");
        let legend = "before and the earlier run are A, now and this run are B".to_owned();
        let said = self.pairs.iter().flat_map(regression::said_of_sides).chain([legend]).collect::<Vec<_>>();
        self.caveats.splice(0..0, said);
        self
    }
}

/// One fixture at one chunk count and protocol, in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Such as `many-cuts N=4`.
    pub name: String,
    /// The median wall-clock of the executions, ms.
    pub wall_ms: Change,
    /// The median cost of the executions, USD; `None` unless both are known.
    pub usd: Option<Change>,
    /// The lowest mean PSNR of any iteration, dB; `None` unless both were compared.
    pub psnr_db: Option<Both<f64>>,
    /// The worst frame of any iteration; `None` unless both were compared.
    pub worst_frame: Option<Both<Level>>,
    /// The greatest difference of a region from the baseline in any iteration, in levels; `None` unless both have it.
    pub region_levels: Option<Both<f64>>,
    /// The loudest residual of any track and iteration; `None` unless both have sound.
    pub sound: Option<Both<Residual>>,
    /// Whether the decoded frames of the first renders are the same; `None` unless both were compared.
    pub same_frames: Option<bool>,
}

/// A figure from both runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Both<T> {
    /// In this run.
    pub now: T,
    /// In the earlier run.
    pub before: T,
}

type Key<'a> = (&'a str, RenderId);

impl SideBySide {
    /// Compares `now` with `before`.
    pub fn of(now: &RunReport, before: &RunReport) -> Self {
        let (keys, earlier) = (keys(now), keys(before));
        let only = |these: &[Key<'_>], others: &[Key<'_>]| {
            these.iter().filter(|key| !others.contains(key)).map(|key| name(*key)).collect::<Vec<_>>()
        };
        let pairs = keys.iter().filter_map(|key| Pair::of(*key, now, before)).collect();
        Self {
            title: "This run compared with the earlier run".to_owned(),
            pairs,
            only_now: only(&keys, &earlier),
            only_before: only(&earlier, &keys),
            caveats: regression::caveats(now, before),
            gate: None,
        }
    }
}

impl Pair {
    fn of(key: Key<'_>, now: &RunReport, before: &RunReport) -> Option<Self> {
        let of = |report: &'_ RunReport| report.renders_of(key.0, key.1).cloned().collect::<Vec<RenderReport>>();
        let in_turns = now.run.side.is_some() && before.run.side.is_some();
        let (now, before) = (of(now), of(before));
        let values = |renders: &[RenderReport], value: fn(&RenderReport) -> Option<f64>| {
            renders.iter().filter_map(value).collect::<Vec<f64>>()
        };
        // A cold start depends on what ran before.
        let warm = |renders: &[RenderReport]| {
            renders.iter().filter(|render| render.start == Start::Warm).cloned().collect::<Vec<RenderReport>>()
        };
        let (warm_now, warm_before) = (warm(&now), warm(&before));
        let timed = match warm_now.is_empty() || warm_before.is_empty() {
            true => (&now, &before),
            false => (&warm_now, &warm_before),
        };
        // In an A/B comparison, both have taken the same iteration one after the other.
        let paired = |value: fn(&RenderReport) -> Option<f64>| {
            let other =
                |render: &RenderReport| timed.1.iter().find(|other| other.key.iteration == render.key.iteration);
            let pairs = timed.0.iter().filter_map(|render| Some((value(render)?, value(other(render)?)?)));
            let pairs: Vec<(f64, f64)> = pairs.collect();
            ratio_of_paired_medians(&pairs).map(|interval| (interval, pairs.len()))
        };
        let change = |value| {
            let change = Change::of(&values(timed.0, value), &values(timed.1, value))?;
            let Some((interval, pairs)) = paired(value).filter(|_| in_turns) else { return Some(change) };
            let settled_by = pairs_needed(change.now / change.before, interval, pairs);
            Some(Change { certainty: Certainty::Within(interval), settled_by, ..change })
        };
        let extreme = |value, pick: fn(f64, f64) -> f64| {
            let (now, before) = (values(&now, value), values(&before, value));
            Some(Both { now: now.into_iter().reduce(pick)?, before: before.into_iter().reduce(pick)? })
        };
        let hash = |renders: &[RenderReport]| Some(renders.first()?.row.picture.as_ref()?.frames_sha256.clone());
        Some(Self {
            name: name(key),
            wall_ms: change(|render| Some(render.row.wall_clock_ms as f64))?,
            usd: change(|render| Some(render.row.cost.as_ref()?.usd)),
            psnr_db: extreme(|render| render.row.psnr_avg_db, f64::min),
            worst_frame: worst(&now).zip(worst(&before)).map(|(now, before)| Both { now, before }),
            region_levels: extreme(|render| Some(render.row.picture.as_ref()?.local.as_ref()?.region_levels), f64::max),
            sound: loudest(&now).zip(loudest(&before)).map(|(now, before)| Both { now, before }),
            same_frames: hash(&now).zip(hash(&before)).map(|(now, before)| now == before),
        })
    }
}

fn worst(renders: &[RenderReport]) -> Option<Level> {
    let levels = renders.iter().filter_map(|render| Some(render.row.picture.as_ref()?.worst_frame_db));
    levels.reduce(|least, level| if level < least { level } else { least })
}

fn loudest(renders: &[RenderReport]) -> Option<Residual> {
    let residuals = renders.iter().flat_map(|render| &render.row.audio_residual_dbfs).copied();
    residuals.reduce(|most, residual| if residual.db() > most.db() { residual } else { most })
}

/// What was measured, each once, in the order of measurement.
fn keys(report: &RunReport) -> Vec<Key<'_>> {
    let mut keys: Vec<Key<'_>> = Vec::new();
    for render in &report.renders {
        let key = (render.fixture.as_str(), render.row.id);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn name((fixture, id): Key<'_>) -> String {
    format!("{fixture} {id}")
}

// The comparison as a table, for the terminal and for Markdown.

pub(crate) type OfPair = Column<Pair>;

const COLUMNS: &[OfPair] = &[
    OfPair::name("", &[], |pair| Cell::Text(pair.name.clone())),
    OfPair::figure("before", &[], |pair| Cell::Ms(pair.wall_ms.before)),
    OfPair::figure("now", &[], |pair| Cell::Ms(pair.wall_ms.now)),
    OfPair::figure("wall clock", &[], |pair| Cell::Text(percent(pair.wall_ms.share()))),
    OfPair::name("certainty", &[], |pair| Cell::Text(pair.wall_ms.certainty.to_string())),
    OfPair::figure("USD before", &[], |pair| cost(pair, |usd| Cell::Usd(usd.before))),
    OfPair::figure("now", &[], |pair| cost(pair, |usd| Cell::Usd(usd.now))),
    OfPair::figure("cost", &[], |pair| cost(pair, |usd| Cell::Text(percent(usd.share())))),
    OfPair::figure("PSNR", &[], |pair| {
        let change = |both: Both<f64>| Cell::Text(format!("{:+.2} dB", rounded(both.now - both.before)));
        pair.psnr_db.map_or(Cell::Unmeasured, change)
    }),
    OfPair::figure("worst frame", &[], |pair| {
        pair.worst_frame.map_or(Cell::Unmeasured, |both| Cell::Text(levels(both)))
    }),
    OfPair::figure("worst region", &[], |pair| match pair.region_levels {
        None => Cell::Empty,
        Some(both) => Cell::Text(format!("{:+.1} levels", (both.now - both.before) + 0.0)),
    }),
    OfPair::figure("sound", &[], |pair| match pair.sound {
        None => Cell::Empty,
        Some(both) if both.now == both.before => Cell::Text("+0.0 dB".to_owned()),
        Some(Both { now: Residual::DbFs(now), before: Residual::DbFs(before) }) => {
            Cell::Text(format!("{:+.1} dB", now - before))
        }
        Some(both) => Cell::Text(format!("{} dBFS, {} before", both.now, both.before)),
    }),
    OfPair::name("frames", &[], |pair| match pair.same_frames {
        None => Cell::Unmeasured,
        Some(same) => Cell::Text(if same { "the same" } else { "different" }.to_owned()),
    }),
];

pub(crate) const LEGEND: &str = "Medians, of the warm executions if both have any. +10 % means that this run was \
                                 slower, or more expensive, than the earlier run by a tenth.";

impl fmt::Display for SideBySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        if !self.pairs.is_empty() {
            let (pairs, shown) = self.table();
            writeln!(f, "{}\n{LEGEND}", terminal(&pairs, &shown, Align::Left, usize::MAX))?;
        }
        if let Some(gate) = &self.gate {
            gate.found.iter().try_for_each(|regression| writeln!(f, "  {regression}"))?;
        }
        write!(f, "{}", self.remarks().map(|line| format!("note: {line}")).collect::<Vec<_>>().join("\n"))
    }
}

impl SideBySide {
    /// The section of report.md.
    pub fn markdown(&self) -> String {
        let (pairs, shown) = self.table();
        let body = match pairs.is_empty() {
            true => "Nothing was measured in both runs.".to_owned(),
            false => format!("{}\n\n{LEGEND}", markdown(&pairs, &shown, &[])),
        };
        let notes = list("", self.remarks().map(|line| plain(&line)));
        let (word, found) = match &self.gate {
            None => Default::default(),
            Some(Gate { standing, text, found, .. }) => (
                format!("**{standing}** {}", plain(text)),
                list("", found.iter().map(|regression| plain(&regression.to_string()))),
            ),
        };
        let parts = [format!("### {}", plain(&self.title)), word, found, body, notes];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n") + "\n"
    }

    pub(crate) fn table(&self) -> (Vec<&Pair>, Vec<&'static OfPair>) {
        (self.pairs.iter().collect(), COLUMNS.iter().collect())
    }

    pub(crate) fn remarks(&self) -> impl Iterator<Item = String> {
        let only = |names: &[String], whose: &str| match names.is_empty() {
            true => None,
            false => Some(format!("only {whose} measured {}", names.join(", "))),
        };
        let only = [only(&self.only_now, "this run"), only(&self.only_before, "the earlier run")];
        only.into_iter().flatten().chain(self.caveats.iter().cloned())
    }
}

fn cost(pair: &Pair, of: fn(&Change) -> Cell) -> Cell {
    pair.usd.as_ref().map_or(Cell::Unmeasured, of)
}

fn levels(both: Both<Level>) -> String {
    match (both.now, both.before) {
        (Level::Db(now), Level::Db(before)) => format!("{:+.2} dB", rounded(now - before)),
        (Level::Identical, Level::Identical) => "identical in both".to_owned(),
        (Level::Identical, before @ Level::Db(_)) => format!("identical, {before} dB before"),
        (now @ Level::Db(_), Level::Identical) => format!("{now} dB, identical before"),
    }
}

/// To 0.01 dB; -0 becomes +0.
fn rounded(db: f64) -> f64 {
    (db * 100.0).round() / 100.0 + 0.0
}

#[cfg(test)]
mod tests;
