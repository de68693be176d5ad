//! How much slower, more expensive, or less like its baseline a run may be than an earlier one. Pure.

use std::{collections::BTreeSet, fmt, str::FromStr};

use anyhow::{Context, ensure};
use render_verdict::gates::{Limit, Limits};

use crate::{
    aws::access::Target,
    console::text::counted,
    eval::sample::Start,
    report::{
        RunReport, Word,
        compare::{
            Both, Pair, SideBySide,
            change::{Change, percent},
        },
        distinct,
        row::ResultRow,
        run_record::RunRecord,
    },
};

/// By how much a figure may exceed the earlier run's, as a share of the earlier one.
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

/// A figure that a limit applies to, and that should not rise.
#[derive(Debug)]
pub struct Figure {
    /// What a run is in which it rose.
    worse: &'static str,
    /// What a run is in which it fell.
    better: &'static str,
    /// Its change, where both runs have it.
    of: fn(&Pair) -> Option<Change>,
    /// Below this it counts as this much: nobody sees or hears it.
    least: f64,
    /// Its value for people.
    shown: fn(f64) -> String,
}

/// Time and cost; of picture and sound the power of what differs from the baseline.
static FIGURES: [Figure; 5] = [
    Figure {
        worse: "slower",
        better: "faster",
        of: |pair| Some(pair.wall_ms),
        least: 0.0,
        shown: |ms| format!("{:.1} s", ms / 1000.0),
    },
    Figure {
        worse: "more expensive",
        better: "cheaper",
        of: |pair| pair.usd,
        least: 0.0,
        shown: |usd| format!("{usd:.5} USD"),
    },
    Figure {
        worse: "less like the baseline in its PSNR",
        better: "more like the baseline in its PSNR",
        of: |pair| pair.psnr_db.map(|db| powers(Both { now: -db.now, before: -db.before })),
        // 60 dB: what rounding to 8 bits makes.
        least: 1e-6,
        shown: |error| format!("{:.2} dB", -10.0 * error.log10()),
    },
    Figure {
        worse: "less like the baseline in its worst region",
        better: "more like the baseline in its worst region",
        of: |pair| pair.region_levels.map(Change::not_by_chance),
        least: 0.5,
        shown: |levels| format!("{levels:.1} levels"),
    },
    Figure {
        worse: "less like the baseline in its sound",
        better: "more like the baseline in its sound",
        of: |pair| pair.sound.map(|sound| powers(Both { now: sound.now.db(), before: sound.before.db() })),
        // -90 dBFS: what rounding to 16 bits makes.
        least: 1e-9,
        shown: |power| if power > 0.0 { format!("{:.1} dBFS", 10.0 * power.log10()) } else { "silent".to_owned() },
    },
];

/// Powers of levels in dB.
fn powers(Both { now, before }: Both<f64>) -> Change {
    let power = |db: f64| 10_f64.powf(db / 10.0);
    Change::not_by_chance(Both { now: power(now), before: power(before) })
}

impl Figure {
    /// The change, with what nobody sees or hears left out.
    fn counted(&self, change: Change) -> Change {
        let least = |value: f64| value.max(self.least);
        Change { now: least(change.now), before: least(change.before), ..change }
    }
}

/// A figure that rose by more than the limit.
#[derive(Debug, Clone)]
pub struct Regression {
    /// Which fixture, chunk count and protocol.
    pub name: String,
    /// What rose.
    pub figure: &'static Figure,
    /// By how much it rose.
    pub change: Change,
    /// By how much it may rise.
    pub limit: MaxRegression,
}

impl PartialEq for Regression {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.change, self.limit) == (&other.name, other.change, other.limit)
            && std::ptr::eq(self.figure, other.figure)
    }
}

impl Regression {
    /// The change, with what nobody sees or hears left out.
    fn counted(&self) -> Change {
        self.figure.counted(self.change)
    }

    /// By how much it rose, in percent.
    pub fn share(&self) -> String {
        percent(self.counted().share())
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, figure: Figure { worse, shown, .. }, change, limit } = self;
        let (before, now, share) = (shown(change.before), shown(change.now), self.share());
        write!(f, "{name}: {worse}, {before} before, {now} now: {share}, allowed {limit} ({})", change.certainty)
    }
}

/// What each figure of a pair says of B, this run, and A, the earlier one, a line each.
pub(crate) fn said_of_sides(pair: &Pair) -> Vec<String> {
    let of_figure = |figure: &'static Figure| {
        let Figure { worse, better, shown, .. } = figure;
        let change = (figure.of)(pair)?;
        let counted = figure.counted(change);
        let (a, b, share) = (shown(change.before), shown(change.now), percent(counted.share()));
        let by = format!("{b}, A {a}: {share} ({})", change.certainty);
        let said = match (change.certainty.is_certain(), counted.exceeds(0.0), counted.now < counted.before) {
            (true, true, _) => format!("B is {worse}: {by}"),
            (true, false, true) => format!("B is {better}: {by}"),
            (true, false, false) => return None,
            (false, ..) => {
                let settled = change.settled_by.map(|by| format!("; about {by} iterations would settle it"));
                format!("B is neither {better} nor {worse} for sure: {by}{}", settled.unwrap_or_default())
            }
        };
        Some(format!("{}: {said}", pair.name))
    };
    let frames = pair
        .same_frames
        .map(|same| format!("{}: the frames of both are {}", pair.name, if same { "the same" } else { "different" }));
    FIGURES.iter().filter_map(of_figure).chain(frames).collect()
}

/// What a limit says of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The limit.
    pub limit: MaxRegression,
    /// Everything that exceeds it, certain or not.
    pub found: Vec<Regression>,
    /// The result.
    pub standing: Standing,
    /// Why, in a line.
    pub text: String,
}

/// The result of a comparison with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing exceeds the limit.
    Passed,
    /// What exceeds it may be chance.
    Undecided,
    /// Something exceeds it by more than chance, or the run itself did not pass.
    Failed,
    /// Not everything was measured.
    Unmeasured,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "PASS",
            Self::Undecided => "UNDECIDED",
            Self::Failed | Self::Unmeasured => "FAIL",
        })
    }
}

impl SideBySide {
    /// The pairs without a known cost in both runs, so that no limit applies to the cost.
    pub fn without_cost(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(|pair| pair.usd.is_none()).map(|pair| pair.name.as_str())
    }

    /// Everything that exceeds `limit`, certain or not.
    pub fn regressions(&self, limit: MaxRegression) -> Vec<Regression> {
        let of_pair = |pair: &Pair| {
            let regression = |figure: &'static Figure| {
                let change = (figure.of)(pair)?;
                let regression = Regression { name: pair.name.clone(), figure, change, limit };
                regression.counted().exceeds(limit.0).then_some(regression)
            };
            FIGURES.iter().filter_map(regression).collect::<Vec<_>>()
        };
        self.pairs.iter().flat_map(of_pair).collect()
    }

    /// The same under a limit for what got worse in the run `now`.
    #[must_use]
    pub fn held_to(self, limit: MaxRegression, now: &RunReport) -> Self {
        let found = self.regressions(limit);
        let (pairs, ending) = (self.pairs.len(), now.ending());
        let certain = found.iter().filter(|regression| regression.change.certainty.is_certain()).count();
        let (standing, text) = match (now.unmeasured.first(), certain, found.len() - certain) {
            (Some(first), ..) => {
                let text = format!(
                    "renders that were not measured in this run: {} ({}: {}); they can't be compared with the earlier run; \
                     repeat this run",
                    now.unmeasured.len(),
                    first.key,
                    first.cause
                );
                (Standing::Unmeasured, text)
            }
            (None, 1.., _) => {
                let (found, all) = (counted(certain, "regression"), counted(pairs, "comparison"));
                (Standing::Failed, format!("{found} of more than {limit} in {all}"))
            }
            (None, 0, _) if ending.word != Word::Pass => {
                let text =
                    format!("none is worse for sure, and the run itself did not pass: {} {}", ending.word, ending.text);
                (Standing::Failed, text)
            }
            (None, 0, 0) => (
                Standing::Passed,
                format!("none of {pairs} is more than {limit} slower, more expensive, or less like its baseline"),
            ),
            (None, 0, maybe) => {
                let needed: Option<Vec<u32>> = found.iter().map(|regression| regression.change.settled_by).collect();
                let command = if now.run.side.is_some() { "lambda-ab" } else { "lambda-eval" };
                let todo = match needed.and_then(|needed| needed.into_iter().max()) {
                    Some(needed) => format!(
                        "about {needed} iterations in each run would settle it ({command} --iterations {needed})"
                    ),
                    None => "they are so alike that more iterations would not settle it soon".to_owned(),
                };
                let found = counted(maybe, "figure");
                (
                    Standing::Undecided,
                    format!("{found} exceeded {limit}, which may be chance and fails nothing: {todo}"),
                )
            }
        };
        Self { gate: Some(Gate { limit, found, standing, text }), ..self }
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
