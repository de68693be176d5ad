//! Two runs side by side: how this one differs from one before it. Pure.

mod caveats;
mod change;
mod limit;
mod text;

use crate::{
    chunking::RenderId,
    measure::Level,
    story::{RenderReport, RunReport},
};

pub use change::{Certainty, Change};
pub use limit::{MaxRegression, Regression};

/// How this run differs from one before.
#[derive(Debug, Clone, PartialEq)]
pub struct SideBySide {
    /// What both measured, in this run's order.
    pub pairs: Vec<Pair>,
    /// What only this run measured.
    pub only_now: Vec<String>,
    /// What only the run before measured.
    pub only_before: Vec<String>,
    /// What differs beside the renders, and may be why they do, a line each.
    pub caveats: Vec<String>,
}

/// One fixture at one chunk count and protocol, in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Such as `many-cuts N=4`.
    pub name: String,
    /// The executions' wall-clock, ms.
    pub wall_ms: Change,
    /// The executions' cost, USD; `None` unless both are known.
    pub usd: Option<Change>,
    /// The lowest mean PSNR of any iteration, dB; `None` unless both were compared.
    pub psnr_db: Option<Both<f64>>,
    /// The worst frame of any iteration; likewise.
    pub worst_frame: Option<Both<Level>>,
    /// Whether the first renders' decoded frames are the same; likewise.
    pub same_frames: Option<bool>,
}

/// A figure of both runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Both<T> {
    /// Of this run.
    pub now: T,
    /// Of the run before.
    pub before: T,
}

type Key<'a> = (&'a str, RenderId);

impl SideBySide {
    /// Sets `now` against `before`.
    pub fn of(now: &RunReport, before: &RunReport) -> Self {
        let (keys, earlier) = (keys(now), keys(before));
        let only = |these: &[Key<'_>], others: &[Key<'_>]| {
            these.iter().filter(|key| !others.contains(key)).map(|key| name(*key)).collect::<Vec<_>>()
        };
        let pairs = keys.iter().filter_map(|key| Pair::of(*key, now, before)).collect();
        Self {
            pairs,
            only_now: only(&keys, &earlier),
            only_before: only(&earlier, &keys),
            caveats: caveats::caveats(now, before),
        }
    }
}

impl Pair {
    fn of(key: Key<'_>, now: &RunReport, before: &RunReport) -> Option<Self> {
        let of = |report: &'_ RunReport| report.renders_of(key.0, key.1).cloned().collect::<Vec<RenderReport>>();
        let (now, before) = (of(now), of(before));
        let each = |value: fn(&RenderReport) -> Option<f64>| {
            let values = |renders: &[RenderReport]| renders.iter().filter_map(value).collect::<Vec<f64>>();
            (values(&now), values(&before))
        };
        let change = |value: fn(&RenderReport) -> Option<f64>| {
            let (now, before) = each(value);
            Change::of(&now, &before)
        };
        let least = |value: fn(&RenderReport) -> Option<f64>| {
            let (now, before) = each(value);
            let least = |values: Vec<f64>| values.into_iter().min_by(f64::total_cmp);
            Some(Both { now: least(now)?, before: least(before)? })
        };
        let hash = |renders: &[RenderReport]| Some(renders.first()?.row.picture.as_ref()?.frames_sha256.clone());
        Some(Self {
            name: name(key),
            wall_ms: change(|render| Some(render.row.wall_clock_ms as f64))?,
            usd: change(|render| Some(render.row.cost?.usd)),
            psnr_db: least(|render| render.row.psnr_avg_db),
            worst_frame: worst(&now).zip(worst(&before)).map(|(now, before)| Both { now, before }),
            same_frames: hash(&now).zip(hash(&before)).map(|(now, before)| now == before),
        })
    }
}

fn worst(renders: &[RenderReport]) -> Option<Level> {
    let levels = renders.iter().filter_map(|render| Some(render.row.picture.as_ref()?.worst_frame_db));
    levels.reduce(|least, level| if level < least { level } else { least })
}

/// What was measured, each once, in the order of measuring.
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

#[cfg(test)]
mod tests;
