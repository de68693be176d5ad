//! How much slower or more expensive a run may be than an earlier one. Pure.

use std::{collections::BTreeSet, fmt, str::FromStr};

use anyhow::{Context, ensure};
use render_verdict::gates::{Limit, Limits};

use crate::{
    aws::access::Target,
    eval::sample::Start,
    report::{
        RunReport,
        compare::{Change, Pair, SideBySide, percent},
        distinct,
        row::ResultRow,
        run_record::RunRecord,
    },
};

/// By how much a median may exceed the earlier run's, as a share of the earlier one.
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

/// A median that rose by more than the limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// Which fixture, chunk count and protocol.
    pub name: String,
    /// What rose.
    pub what: Rising,
    /// By how much it rose.
    pub change: Change,
    /// By how much it may rise.
    pub limit: MaxRegression,
}

/// What a limit applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rising {
    /// Wall-clock, ms.
    WallClock,
    /// Cost, USD.
    Cost,
}

impl SideBySide {
    /// The pairs without a known cost in both runs, so that no limit applies to the cost.
    pub fn without_cost(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(|pair| pair.usd.is_none()).map(|pair| pair.name.as_str())
    }

    /// Everything that exceeds `limit`, certain or not.
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
        let values = match what {
            Rising::WallClock => {
                format!("slower, {:.1} s before, {:.1} s now", change.before / 1000.0, change.now / 1000.0)
            }
            Rising::Cost => format!("more expensive, {:.5} USD before, {:.5} now", change.before, change.now),
        };
        write!(f, "{name}: {values}: {share}, allowed {limit} ({certainty})")
    }
}

/// Differences of the runs apart from their renders, which may be why the renders differ, a line each.
pub(crate) fn caveats(now: &RunReport, before: &RunReport) -> Vec<String> {
    let mut found = Vec::new();
    let (a, b) = (&now.run, &before.run);
    if a.command() != b.command() {
        found.push(format!("this run was a {} run, the earlier run a {} run", a.command(), b.command()));
    }
    found.extend(targets(a, b));
    found.extend(differ("region", a.region.as_str(), b.region.as_str()));
    found.extend(differ("commit", &or_unknown(a.git_commit.as_deref()), &or_unknown(b.git_commit.as_deref())));
    let zip = |run: &RunRecord| run.handler.as_ref().map(|zip| zip.sha256.chars().take(12).collect::<String>());
    found.extend(differ("handler ZIP", &or_unknown(zip(a).as_deref()), &or_unknown(zip(b).as_deref())));
    let tools: BTreeSet<&String> = a.tools.keys().chain(b.tools.keys()).collect();
    for tool in tools {
        let version = |run: &RunRecord| or_unknown(run.tools.get(tool).map(String::as_str));
        found.extend(differ(tool, &version(a), &version(b)));
    }
    found.extend(differ("what rendered", &rendered(now), &rendered(before)));
    if a.prices != b.prices {
        found.push(format!(
            "costs are calculated with the prices of {} now, of {} before",
            a.prices.as_of, b.prices.as_of
        ));
    }
    found.extend(of_renders(now, before));
    found
}

/// Times on different machines say nothing about the code.
fn targets(now: &RunRecord, before: &RunRecord) -> Option<String> {
    let kind = |run: &RunRecord| match &run.target {
        Some(Target::Account { .. }) => "AWS".to_owned(),
        Some(Target::Endpoint { url, .. }) => format!("an emulator at {url}"),
        Some(Target::Embedded { .. }) => "the embedded AWS".to_owned(),
        None => "no target".to_owned(),
    };
    let emulated = |run: &RunRecord| !matches!(run.target, Some(Target::Account { .. }));
    let (a, b) = (kind(now), kind(before));
    if a != b {
        return Some(format!("this run used {a} and the earlier run used {b}: their times can't be compared"));
    }
    emulated(now).then(|| {
        format!("both runs used {a}: times also depend on the machine and its load, which run.json does not record")
    })
}

/// What differs between the renders of each pair.
fn of_renders(now: &RunReport, before: &RunReport) -> Vec<String> {
    let mut found = Vec::new();
    for (fixture, id) in crate::report::compare::keys(now) {
        let name = crate::report::compare::name((fixture, id));
        let (of_now, of_before) = (now.renders_of(fixture, id), before.renders_of(fixture, id));
        let (Some(a), Some(b)) = (of_now.into_iter().next(), of_before.into_iter().next()) else { continue };
        found.extend(limits(fixture, a.gate, b.gate));
        let frames = |row: &ResultRow| row.chunks.iter().map(|chunk| chunk.frames_encoded).sum::<u64>();
        found.extend(differ(&format!("{name}: frames"), &frames(&a.row).to_string(), &frames(&b.row).to_string()));
        let chunks = |row: &ResultRow| row.planned_chunk_count.to_string();
        found.extend(differ(&format!("{name}: chunks"), &chunks(&a.row), &chunks(&b.row)));
        let cold =
            |report: &RunReport| report.renders_of(fixture, id).filter(|render| render.start == Start::Cold).count();
        let of = |report: &RunReport| format!("{} of {}", cold(report), report.renders_of(fixture, id).count());
        if cold(now) != cold(before) {
            found.extend(differ(&format!("{name}: executions with cold starts"), &of(now), &of(before)));
        }
    }
    distinct(found)
}

fn rendered(report: &RunReport) -> String {
    let all: Vec<String> = report.toolchains().into_iter().collect();
    if all.is_empty() { "unknown".to_owned() } else { all.join("; ") }
}

fn differ(what: &str, now: &str, before: &str) -> Option<String> {
    (now != before).then(|| format!("{what}: {now} now, {before} before"))
}

fn or_unknown(text: Option<&str>) -> String {
    text.unwrap_or("unknown").to_owned()
}

/// The limits of a fixture that differ.
fn limits(fixture: &str, now: Option<Limits>, before: Option<Limits>) -> Vec<String> {
    let shown = |of: Option<Limits>, limit: &Limit| or_unknown(of.map(|of| limit.shown(of.value(limit))).as_deref());
    let each = Limit::all().map(|limit| (limit.what, shown(now, limit), shown(before, limit)));
    each.filter_map(|(what, now, before)| differ(&format!("limit of {fixture}, {what}"), &now, &before)).collect()
}
