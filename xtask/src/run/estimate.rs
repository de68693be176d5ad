//! What renders are going to cost, by how long calls took in earlier runs, or by a stated default.

use std::{collections::BTreeMap, fmt, path::Path};

use execution_history::{
    cost::{FunctionSize, Prices},
    time_spent::median,
};
use serde_json::Value;

use crate::{
    project::{plan::PlannedRender, template::functions::Sizes},
    tools::folder::Folder,
};

/// How one execution splits its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Split {
    pub frames: u64,
    pub chunks: u64,
}

/// How long the function's calls take, ms.
#[derive(Debug, Clone, PartialEq)]
pub struct CallTimes {
    /// Plan, a cold start with it.
    pub plan_ms: f64,
    /// A chunk without its frames: starting the function and the browser.
    pub chunk_start_ms: f64,
    pub per_frame_ms: f64,
    pub assemble_ms: f64,
    /// All calls together of executions that split so, where there were such.
    pub of_splits: BTreeMap<Split, f64>,
    /// Where these come from.
    pub source: String,
}

impl Default for CallTimes {
    /// What a 720p composition takes on a machine of two cores, cold, rounded up.
    fn default() -> Self {
        Self {
            plan_ms: 5000.0,
            chunk_start_ms: 8000.0,
            per_frame_ms: 80.0,
            assemble_ms: 3000.0,
            of_splits: BTreeMap::new(),
            source: "a default of 5 s a plan, 8 s + 80 ms a frame for each chunk, 3 s an assembly".to_owned(),
        }
    }
}

impl CallTimes {
    /// What the rows of an earlier run say: of smoke's results.json, or of an eval's
    /// samples. `None` when they have no chunk.
    ///
    /// What executions took that split as one that is asked for counts as it is. Of others the
    /// start of a chunk is the default's, or less where whole chunks took less; what they took
    /// beyond that is their frames'.
    pub fn of_rows(rows: &[&Value], source: String) -> Option<Self> {
        let default = Self::default();
        let mut chunks: Vec<(f64, f64)> = Vec::new();
        for row in rows {
            let reported = row["chunks"].as_array().map(Vec::as_slice).unwrap_or_default();
            chunks.extend(
                reported.iter().filter_map(|c| Some((c["framesEncoded"].as_f64()?, c["durationMs"].as_f64()?))),
            );
        }
        chunks.retain(|(frames, ms)| *frames >= 1.0 && *ms > 0.0);
        let shortest = chunks.iter().map(|(_, ms)| *ms).min_by(f64::total_cmp)?;
        let chunk_start_ms = default.chunk_start_ms.min(shortest / 2.0);
        let per_frame: Vec<f64> = chunks.iter().map(|(frames, ms)| (ms - chunk_start_ms) / frames).collect();
        let of = |key: &str| {
            let spent: Vec<f64> = rows.iter().filter_map(|row| row["timeSpent"][key].as_f64()).collect();
            median(&spent)
        };
        Some(Self {
            plan_ms: of("planMs").unwrap_or(default.plan_ms),
            chunk_start_ms,
            per_frame_ms: median(&per_frame)?,
            assemble_ms: of("assembleMs").unwrap_or(default.assemble_ms),
            of_splits: of_splits(rows),
            source,
        })
    }
}

/// The median run time of all calls, by how the rows' executions split.
fn of_splits(rows: &[&Value]) -> BTreeMap<Split, f64> {
    let mut took: BTreeMap<Split, Vec<f64>> = BTreeMap::new();
    for row in rows {
        let (Some(chunks), Some(ms)) = (row["chunks"].as_array(), row["cost"]["functionMs"].as_f64()) else { continue };
        let frames = chunks.iter().filter_map(|chunk| chunk["framesEncoded"].as_u64()).sum();
        took.entry(Split { frames, chunks: chunks.len() as u64 }).or_default().push(ms);
    }
    took.into_iter().filter_map(|(split, ms)| Some((split, median(&ms)?))).collect()
}

/// What executions are going to use, and cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    pub gb_seconds: f64,
    pub requests: u64,
    pub transitions: u64,
    /// All of it, USD; S3 and logs aside.
    pub usd: f64,
}

/// Transitions of an execution in addition to one for each chunk: choice, Plan, Map, Assemble.
const FIXED_TRANSITIONS: u64 = 4;

impl Estimate {
    /// Of executions that split like this, by functions of these sizes. Another step counts like an assembly.
    pub fn of(splits: &[Split], times: &CallTimes, sizes: &Sizes, prices: &Prices) -> Self {
        let others = sizes.others.len() as u64;
        let of_split = |split: &Split| {
            let chunks_ms = split.chunks as f64 * times.chunk_start_ms + split.frames as f64 * times.per_frame_ms;
            let (mut plan_ms, mut assemble_ms) = (times.plan_ms, times.assemble_ms);
            let mut of_chunks = chunks_ms;
            // Of what all calls took together, what is neither Plan's nor an assembly's is the chunks'.
            if let Some(all) = times.of_splits.get(split) {
                plan_ms = plan_ms.min(*all);
                assemble_ms = assemble_ms.min((all - plan_ms) / (others + 1) as f64);
                of_chunks = all - plan_ms - assemble_ms * (others + 1) as f64;
            }
            let parts = [(sizes.plan, plan_ms), (sizes.chunk, of_chunks), (sizes.assemble, assemble_ms)];
            let parts = parts.into_iter().chain(sizes.others.iter().map(|size| (*size, assemble_ms)));
            let (requests, transitions) = (split.chunks + 2 + others, split.chunks + FIXED_TRANSITIONS + others);
            let of_calls = prices.of_calls(requests as f64, transitions as f64);
            let of_parts = |(gb, usd): (f64, f64), (size, ms): (FunctionSize, f64)| {
                (gb + size.gb_seconds(ms), usd + size.usd(ms, prices))
            };
            let (gb_seconds, usd) = parts.fold((0.0, of_calls), of_parts);
            Self { gb_seconds, requests, transitions, usd }
        };
        splits.iter().map(of_split).sum()
    }
}

impl Estimate {
    /// Of one render of `frames` frames, with the memory that it has in a sweep.
    pub fn of_render(render: &PlannedRender, frames: u64, times: &CallTimes, sizes: &Sizes, prices: &Prices) -> Self {
        Self::of(&[render.split(frames)], times, &sizes.with_memory(render.id.memory_mb), prices)
    }

    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self {
            gb_seconds: self.gb_seconds * count as f64,
            requests: self.requests * count,
            transitions: self.transitions * count,
            usd: self.usd * count as f64,
        }
    }
}

impl std::iter::Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(estimates: I) -> Self {
        let nothing = Self { gb_seconds: 0.0, requests: 0, transitions: 0, usd: 0.0 };
        estimates.fold(nothing, |sum, next| Self {
            gb_seconds: sum.gb_seconds + next.gb_seconds,
            requests: sum.requests + next.requests,
            transitions: sum.transitions + next.transitions,
            usd: sum.usd + next.usd,
        })
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "about {:.5} USD ({:.0} GB-s, {} requests, {} state transitions)",
            self.usd, self.gb_seconds, self.requests, self.transitions
        )
    }
}

/// The results of earlier runs.
#[derive(Debug, Clone, Default)]
pub struct KnownTimes(Vec<(String, BTreeMap<String, Vec<Value>>)>);

impl KnownTimes {
    /// Reads the results in these artifact folders; what can't be read is left out.
    pub fn read(folders: &[&Path]) -> Self {
        let results = |folder: &&Path| {
            let (held, file) = (Folder::open(folder).ok()?, folder.join("results.json"));
            let read = |name: &str| serde_json::from_slice::<Value>(&held.read(name).ok()?).ok();
            let run = read("run.json");
            let rows = match read("results.json")? {
                // The rows of one fixture, which run.json names, do not name it.
                Value::Array(rows) => {
                    let only = run.as_ref().map_or(&Value::Null, |run| &run["fixture"]);
                    let fixture = |row: &Value| row["fixture"].as_str().or(only.as_str()).map(str::to_owned);
                    by_fixture(rows.into_iter().filter_map(|row| Some((fixture(&row)?, row))))
                }
                eval => by_fixture(samples(&eval)),
            };
            Some((file.display().to_string(), rows))
        };
        Self(folders.iter().filter_map(results).collect())
    }

    /// How long the calls of a fixture took, or the default.
    pub fn of(&self, fixture: &str) -> CallTimes {
        let known = self.0.iter().find_map(|(file, rows)| {
            let rows: Vec<&Value> = rows.get(fixture)?.iter().collect();
            CallTimes::of_rows(&rows, format!("what its chunks took in {file}"))
        });
        known.unwrap_or_default()
    }
}

/// The rows of an eval, each with its fixture.
fn samples(eval: &Value) -> impl Iterator<Item = (String, Value)> {
    let samples = eval["lambdaSamples"].as_array().into_iter().flatten();
    samples.filter_map(|sample| Some((sample["fixture"].as_str()?.to_owned(), sample.get("render")?.clone())))
}

fn by_fixture(rows: impl Iterator<Item = (String, Value)>) -> BTreeMap<String, Vec<Value>> {
    let mut found = BTreeMap::<String, Vec<Value>>::new();
    rows.for_each(|(fixture, row)| found.entry(fixture).or_default().push(row));
    found
}

#[cfg(test)]
mod tests {
    use execution_history::cost::Architecture;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_chunk_and_every_frame_is_reckoned() {
        let times = CallTimes {
            plan_ms: 1000.0,
            chunk_start_ms: 2000.0,
            per_frame_ms: 10.0,
            assemble_ms: 500.0,
            of_splits: BTreeMap::new(),
            source: String::new(),
        };
        let splits = [Split { frames: 60, chunks: 2 }, Split { frames: 60, chunks: 4 }];
        let sizes = Sizes::all(FunctionSize::LARGEST);
        let estimate = Estimate::of(&splits, &times, &sizes, &Prices::default());
        // (1 + 2 x 2 + 0.6 + 0.5) s and (1 + 4 x 2 + 0.6 + 0.5) s, 10 GB.
        assert!((estimate.gb_seconds - 10.0 * (6.1 + 10.1)).abs() < 1e-9);
        assert_eq!((estimate.requests, estimate.transitions), (4 + 6, 6 + 8));
        let usd = 162.0 * 0.000_016_666_7 + 10.0 * 0.000_000_2 + 14.0 * 0.000_025;
        assert!((estimate.usd - usd).abs() < 1e-12);
        // Chunks on 4 GB of arm64, and the sound by the first function: half a second like the assembly.
        let chunk = FunctionSize { memory_mb: 4096, architecture: Architecture::Arm, ..FunctionSize::LARGEST };
        let sizes = Sizes { chunk, others: vec![FunctionSize::LARGEST], ..sizes };
        let estimate = Estimate::of(&splits[..1], &times, &sizes, &Prices::default());
        assert_eq!((estimate.requests, estimate.transitions), (5, 7));
        let usd = 10.0 * 2.0 * 0.000_016_666_7 + 4.0 * 4.6 * 0.000_013_333_4 + 5.0 * 0.000_000_2 + 7.0 * 0.000_025;
        assert!((estimate.usd - usd).abs() < 1e-12, "{estimate}");
    }

    #[test]
    fn earlier_rows_tell_what_chunks_take() {
        let chunk = |frames: u64, ms: u64| json!({"framesEncoded": frames, "durationMs": ms});
        let row = json!({"timeSpent": {"planMs": 700, "assembleMs": 90}, "chunks": [chunk(30, 5000), chunk(30, 5600)]});
        let times = CallTimes::of_rows(&[&row], "there".into()).unwrap();
        assert_eq!((times.plan_ms, times.assemble_ms, times.chunk_start_ms), (700.0, 90.0, 2500.0));
        // Of two chunks of 30 frames 2.5 and 3.1 s are their frames'.
        assert!((times.per_frame_ms - 2800.0 / 30.0).abs() < 1e-9);
        assert_eq!(CallTimes::of_rows(&[&json!({"chunks": []})], String::new()), None);
    }

    #[test]
    fn an_execution_that_splits_as_an_earlier_one_takes_what_that_took() {
        let row = |chunks: u64, function_ms: u64| {
            let chunk = json!({"framesEncoded": 60 / chunks, "durationMs": 4000});
            json!({"chunks": vec![chunk; chunks as usize], "cost": {"functionMs": function_ms}})
        };
        let rows = [row(2, 10_000), row(4, 30_000), row(4, 40_000), row(4, 38_000)];
        let times = CallTimes::of_rows(&rows.iter().collect::<Vec<_>>(), String::new()).unwrap();
        let gb_seconds = |frames, chunks| {
            let split = Split { frames, chunks };
            let size = FunctionSize { memory_mb: 1024, ..FunctionSize::LARGEST };
            Estimate::of(&[split], &times, &Sizes::all(size), &Prices::default()).gb_seconds
        };
        assert_eq!((gb_seconds(60, 2), gb_seconds(60, 4)), (10.0, 38.0));
        // Others by their parts: plan and assembly by default, 2 s a chunk, and the median frame.
        assert!(
            (gb_seconds(120, 8) - (5.0 + 8.0 * 2.0 + 120.0 * 0.133_333_333 + 3.0)).abs() < 1e-3,
            "{}",
            gb_seconds(120, 8)
        );
    }

    fn folder(run: &Value, results: &Value) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("run.json"), run.to_string()).unwrap();
        std::fs::write(dir.path().join("results.json"), results.to_string()).unwrap();
        dir
    }

    #[test]
    fn smoke_and_eval_are_both_read_and_the_default_is_reported() {
        let row = json!({"chunks": [{"framesEncoded": 10, "durationMs": 3000}]});
        let smoke = folder(&json!({"fixture": "a"}), &json!([row]));
        let eval = folder(
            &json!({}),
            &json!({"lambdaSamples": [{"fixture": "b", "render": row}, {"fixture": "c", "failure": "x"}]}),
        );
        let nowhere = tempfile::tempdir().unwrap();
        let known = KnownTimes::read(&[smoke.path(), nowhere.path(), eval.path()]);
        assert!(known.of("a").source.contains(&smoke.path().display().to_string()));
        assert_eq!((known.of("a").chunk_start_ms, known.of("b").per_frame_ms), (1500.0, 150.0));
        assert_eq!(known.of("c"), CallTimes::default());
    }
}
