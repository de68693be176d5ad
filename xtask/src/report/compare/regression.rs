//! How much slower or dearer a run may be than the one before. Pure.

use std::{collections::BTreeSet, fmt, str::FromStr};

use anyhow::{Context, ensure};
use render_verdict::{
    gates::{Limit, Limits},
    known_good::Toolchain,
};

use crate::{
    aws::access::Target,
    eval::sample::Start,
    report::{
        RunReport,
        compare::{Change, Pair, SideBySide, percent},
        row::ResultRow,
        run_record::RunRecord,
    },
};

/// By how much a median may be above the one before, as a share of it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct MaxRegression(f64);

impl FromStr for MaxRegression {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let number = text.trim().strip_suffix('%').unwrap_or(text.trim()).trim_end();
        let percent: f64 =
            number.parse().ok().with_context(|| format!("{text:?} is not a percentage (write 10% or 10)"))?;
        ensure!(percent.is_finite() && percent >= 0.0, "a percentage is 0 or more, not {text}");
        Ok(Self(percent / 100.0))
    }
}

impl fmt::Display for MaxRegression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", (self.0 * 1e6).round() / 1e4)
    }
}

/// A median that rose by more than is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// Which fixture, chunk count and protocol.
    pub name: String,
    /// What rose.
    pub what: Rising,
    /// How.
    pub change: Change,
    /// By how much it may.
    pub limit: MaxRegression,
}

/// What may rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rising {
    /// Wall-clock, ms.
    WallClock,
    /// Cost, USD.
    Cost,
}

impl SideBySide {
    /// The pairs whose cost is not known of both, so that no limit holds it.
    pub fn without_cost(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(|pair| pair.usd.is_none()).map(|pair| pair.name.as_str())
    }

    /// Everything that is beyond `limit`, certain or not.
    pub fn regressions(&self, limit: MaxRegression) -> Vec<Regression> {
        let of_pair = |pair: &Pair| {
            let rising = [(Rising::WallClock, Some(pair.wall_ms)), (Rising::Cost, pair.usd)];
            let beyond = |(what, change): (Rising, Option<Change>)| {
                let change = change.filter(|change| change.exceeds(limit.0))?;
                Some(Regression { name: pair.name.clone(), what, change, limit })
            };
            rising.into_iter().filter_map(beyond).collect::<Vec<_>>()
        };
        self.pairs.iter().flat_map(of_pair).collect()
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, what, change, limit } = self;
        let (share, certainty) = (percent(change.share()), change.certainty);
        match what {
            Rising::WallClock => {
                let (before, now) = (change.before / 1000.0, change.now / 1000.0);
                write!(
                    f,
                    "{name}: slower, {before:.1} s before, {now:.1} s now: {share}, allowed {limit} ({certainty})"
                )
            }
            Rising::Cost => {
                let (before, now) = (change.before, change.now);
                write!(
                    f,
                    "{name}: dearer, {before:.5} USD before, {now:.5} now: {share}, allowed {limit} ({certainty})"
                )
            }
        }
    }
}

// What differs between two runs beside their renders. Pure.

/// A line for everything that may be why the runs differ.
pub(crate) fn caveats(now: &RunReport, before: &RunReport) -> Vec<String> {
    let mut told = Vec::new();
    let (a, b) = (&now.run, &before.run);
    if a.command() != b.command() {
        told.push(format!("this run is of {}, the one before of {}", a.command(), b.command()));
    }
    told.extend(targets(a, b));
    told.extend(differ("region", a.region.as_str(), b.region.as_str()));
    told.extend(differ("commit", &known(a.git_commit.as_deref()), &known(b.git_commit.as_deref())));
    let zip = |run: &RunRecord| run.handler.as_ref().map(|zip| zip.sha256.chars().take(12).collect::<String>());
    told.extend(differ("handler ZIP", &known(zip(a).as_deref()), &known(zip(b).as_deref())));
    let tools: BTreeSet<&String> = a.tools.keys().chain(b.tools.keys()).collect();
    for tool in tools {
        let version = |run: &RunRecord| known(run.tools.get(tool).map(String::as_str));
        told.extend(differ(tool, &version(a), &version(b)));
    }
    told.extend(differ("what rendered", &toolchains(now), &toolchains(before)));
    if a.prices != b.prices {
        told.push(format!("costs are by prices of {} now, of {} before", a.prices.as_of, b.prices.as_of));
    }
    told.extend(of_renders(now, before));
    told
}

/// Times of different machines say nothing of the code.
fn targets(now: &RunRecord, before: &RunRecord) -> Option<String> {
    let kind = |run: &RunRecord| match &run.target {
        Some(Target::Account { .. }) => "AWS".to_owned(),
        Some(Target::Endpoint { url }) => format!("an emulator at {url}"),
        Some(Target::Embedded { .. }) => "the embedded AWS".to_owned(),
        None => "no target".to_owned(),
    };
    let emulated = |run: &RunRecord| !matches!(run.target, Some(Target::Account { .. }));
    let (a, b) = (kind(now), kind(before));
    if a != b {
        return Some(format!("this run was on {a}, the one before on {b}: their times can't be compared"));
    }
    emulated(now)
        .then(|| format!("both were on {a}: times are also of its machine and of its load, which no run.json tells"))
}

/// What each pair of renders has that differs.
fn of_renders(now: &RunReport, before: &RunReport) -> Vec<String> {
    let mut told = Vec::new();
    for (fixture, id) in crate::report::compare::keys(now) {
        let name = crate::report::compare::name((fixture, id));
        let (of_now, of_before) = (now.renders_of(fixture, id), before.renders_of(fixture, id));
        let (Some(a), Some(b)) = (of_now.into_iter().next(), of_before.into_iter().next()) else { continue };
        told.extend(limits(fixture, a.gate, b.gate));
        let frames = |row: &ResultRow| row.chunks.iter().map(|chunk| chunk.frames_encoded).sum::<u64>();
        told.extend(differ(&format!("{name}: frames"), &frames(&a.row).to_string(), &frames(&b.row).to_string()));
        let chunks = |row: &ResultRow| row.planned_chunk_count.to_string();
        told.extend(differ(&format!("{name}: chunks made"), &chunks(&a.row), &chunks(&b.row)));
        let cold =
            |report: &RunReport| report.renders_of(fixture, id).filter(|render| render.start == Start::Cold).count();
        let of = |report: &RunReport| format!("{} of {}", cold(report), report.renders_of(fixture, id).count());
        if cold(now) != cold(before) {
            told.extend(differ(&format!("{name}: executions with cold starts"), &of(now), &of(before)));
        }
    }
    let mut once: Vec<String> = Vec::new();
    told.into_iter().for_each(|line| {
        if !once.contains(&line) {
            once.push(line);
        }
    });
    once
}

fn toolchains(report: &RunReport) -> String {
    let one = |toolchain: &Toolchain| {
        let Toolchain { producer, ffmpeg, chromium } = toolchain;
        let [producer, ffmpeg, chromium] = [producer, ffmpeg, chromium].map(|version| known(version.as_deref()));
        format!("HyperFrames {producer}, ffmpeg {ffmpeg}, Chromium {chromium}")
    };
    let all: BTreeSet<String> = report.renders.iter().map(|render| one(&render.row.toolchain)).collect();
    all.into_iter().collect::<Vec<_>>().join("; ")
}

fn differ(what: &str, now: &str, before: &str) -> Option<String> {
    (now != before).then(|| format!("{what}: {now} now, {before} before"))
}

fn known(text: Option<&str>) -> String {
    text.unwrap_or("not known").to_owned()
}

/// Every limit of a fixture that differs.
fn limits(fixture: &str, now: Option<Limits>, before: Option<Limits>) -> Vec<String> {
    let shown = |of: Option<Limits>, limit: &Limit| known(of.map(|of| limit.shown(of.value(limit))).as_deref());
    let each = Limit::all().map(|limit| (limit.what, shown(now, limit), shown(before, limit)));
    each.filter_map(|(what, now, before)| differ(&format!("limit of {fixture}, {what}"), &now, &before)).collect()
}
