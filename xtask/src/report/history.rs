//! The runs of a repository over time: the result of each, and which one a user means.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use execution_history::time_spent::median;
use serde::Serialize;

use crate::{
    aws::access::Target,
    console::text::{Align, columns_within},
    project::names::RunId,
    report::{RunReport, Word, artifacts, columns::Cell},
};

/// One run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When it began, RFC 3339.
    pub started_at: String,
    pub run_id: RunId,
    /// The command; of a comparison with the letter of the side.
    pub command: String,
    pub fixtures: Vec<String>,
    pub git_commit: Option<String>,
    /// What rendered: HyperFrames, ffmpeg, Chromium.
    pub versions: Vec<String>,
    pub target: String,
    pub verdict: Word,
    /// The exit code; null when it was killed.
    pub exit_code: Option<u8>,
    /// The number of renders that were measured.
    pub renders: usize,
    /// The median of the executions' wall-clock times, ms.
    pub median_wall_ms: Option<f64>,
    /// The lowest mean PSNR of its renders, dB.
    pub lowest_psnr_db: Option<f64>,
    /// What its executions cost, USD.
    pub usd: Option<f64>,
    pub folder: PathBuf,
}

impl Entry {
    fn of(folder: &Path, report: &RunReport) -> Self {
        let run = &report.run;
        let walls: Vec<f64> = report.renders.iter().map(|render| render.row.wall_clock_ms as f64).collect();
        let psnr = report.renders.iter().filter_map(|render| render.row.psnr_avg_db);
        Self {
            started_at: run.started_at.clone(),
            run_id: run.run_id.clone(),
            // A is the first letter of the name of side A.
            command: run
                .side
                .as_ref()
                .and_then(|side| side.chars().next())
                .map_or_else(|| run.command().to_owned(), |side| format!("lambda-ab {side}")),
            fixtures: run.fixtures().iter().map(ToString::to_string).collect(),
            git_commit: run.git_commit.clone(),
            versions: report.toolchains().into_iter().collect(),
            target: match &run.target {
                // Its port is another one each time.
                Some(Target::Endpoint { .. }) => "an emulator".to_owned(),
                Some(Target::Embedded { .. }) => "the embedded AWS".to_owned(),
                _ => run.target_name(),
            },
            verdict: report.ending().word,
            exit_code: run.exit_code,
            renders: report.renders.len(),
            median_wall_ms: median(&walls),
            lowest_psnr_db: psnr.reduce(f64::min),
            usd: report.total_usd(),
            folder: folder.to_owned(),
        }
    }

    pub fn passed(&self) -> bool {
        self.verdict == Word::Pass
    }

    /// The first characters of the commit, and whether it had changes.
    pub fn short_commit(&self) -> String {
        let Some(commit) = &self.git_commit else { return String::new() };
        let (hash, state) = commit.split_once('-').unwrap_or((commit, ""));
        let hash: String = hash.chars().take(8).collect();
        if state.is_empty() { hash } else { format!("{hash}-{state}") }
    }

    /// The median time, the lowest PSNR, and the cost, for people; empty where one is not known.
    pub fn figures(&self) -> [String; 3] {
        [
            self.median_wall_ms.map(|ms| Cell::Ms(ms).text()),
            self.lowest_psnr_db.map(|db| Cell::Db(db).text()),
            self.usd.map(|usd| format!("{usd:.4} USD")),
        ]
        .map(Option::unwrap_or_default)
    }

    /// The time without the seconds' fraction and without a T.
    pub fn time(&self) -> String {
        self.started_at.chars().take(16).collect::<String>().replace('T', " ")
    }
}

/// All runs in these artifact folders and in the folders next to them that concurrent runs made, the oldest first, and
/// the folders that can't be read, with the reason.
pub fn all(folders: &[PathBuf]) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
    for folder in folders.iter().flat_map(|folder| with_concurrent(folder)) {
        for run in artifacts::earlier_runs(&folder).into_iter().chain([folder]) {
            if !run.join(artifacts::RUN_JSON).is_file() {
                continue;
            }
            match artifacts::read_results(&run) {
                Ok(report) => entries.push(Entry::of(&run, &report)),
                Err(error) => unreadable.push(format!("{error:#}")),
            }
        }
    }
    entries.sort_by(|a, b| a.started_at.cmp(&b.started_at));
    (entries, unreadable)
}

/// The folder, and those whose names have a run's id after its own.
fn with_concurrent(folder: &Path) -> Vec<PathBuf> {
    let own = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let siblings = folder.parent().and_then(|parent| fs::read_dir(parent).ok()).into_iter().flatten().flatten();
    let is_concurrent = |name: &str| {
        name.strip_prefix(&own).and_then(|rest| rest.strip_prefix('-')).is_some_and(|id| id.parse::<RunId>().is_ok())
    };
    let concurrent = siblings.filter(|entry| entry.file_name().to_str().is_some_and(is_concurrent));
    concurrent.map(|entry| entry.path()).chain([folder.to_owned()]).collect()
}

/// The folder of the run that a user names: a folder, a run's id or its beginning, a commit or its beginning (the
/// newest run of it), `latest`, or `previous`, the one before `this`, where there is one.
///
/// # Errors
/// When no run has that name, or several have.
pub fn named(which: &str, entries: impl FnOnce() -> Vec<Entry>, this: Option<&RunId>) -> anyhow::Result<PathBuf> {
    if Path::new(which).is_dir() {
        return Ok(which.into());
    }
    let entries = entries();
    let position = entries.iter().position(|entry| Some(&entry.run_id) == this);
    let command = position.map(|at| entries[at].command.clone());
    let is_comparable = |entry: &&Entry| command.as_ref().is_none_or(|command| entry.command == *command);
    let found = match which {
        "latest" => entries.iter().rev().find(is_comparable),
        "previous" => entries[..position.unwrap_or(entries.len())].iter().rev().find(is_comparable),
        _ => {
            let of_id: Vec<&Entry> = entries.iter().filter(|entry| entry.run_id.as_str().starts_with(which)).collect();
            if of_id.len() > 1 {
                bail!("the ids of {} runs begin with {which}; give more of the id", of_id.len());
            }
            let of_commit = |entry: &&Entry| {
                let commit = entry.git_commit.as_deref().unwrap_or_default();
                which.len() >= 4 && commit.starts_with(which) && Some(&entry.run_id) != this
            };
            of_id.first().copied().or_else(|| entries.iter().rev().filter(is_comparable).find(of_commit))
        }
    };
    let found = found.with_context(|| {
        format!(
            "{which} is neither a folder nor a run; `cargo xtask lambda-history` lists the runs, whose ids and commits \
             can be named, and `latest` and `previous`"
        )
    })?;
    Ok(found.folder.clone())
}

/// For people, the newest first, in tables of this width at most.
pub fn table(entries: &[Entry], width: usize) -> String {
    let header =
        ["began (UTC)", "run", "command", "fixtures", "commit", "verdict", "renders", "median", "lowest PSNR", "cost"];
    let lines = entries.iter().rev().map(|entry| {
        [
            entry.time(),
            entry.run_id.to_string(),
            entry.command.clone(),
            entry.fixtures.join(","),
            entry.short_commit(),
            entry.verdict.to_string(),
            entry.renders.to_string(),
        ]
        .into_iter()
        .chain(entry.figures())
        .collect()
    });
    let lines: Vec<Vec<String>> = std::iter::once(header.map(str::to_owned).to_vec()).chain(lines).collect();
    columns_within(width, &lines, Align::Left, 2)
}

/// A line for each run, the oldest first. Lists are apart by semicolons.
pub fn csv(entries: &[Entry]) -> String {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let line = |entry: &Entry| {
        let cells = [
            entry.started_at.clone(),
            entry.run_id.to_string(),
            entry.command.clone(),
            entry.fixtures.join(";"),
            entry.git_commit.clone().unwrap_or_default(),
            entry.versions.join(";"),
            entry.target.clone(),
            entry.verdict.to_string(),
            entry.exit_code.map(|code| code.to_string()).unwrap_or_default(),
            entry.renders.to_string(),
            number(entry.median_wall_ms),
            number(entry.lowest_psnr_db),
            number(entry.usd),
            entry.folder.display().to_string(),
        ];
        cells.map(|text| Cell::Text(text).csv()).join(",") + "\n"
    };
    let header = "startedAt,runId,command,fixtures,gitCommit,versions,target,verdict,exitCode,renders,medianWallMs,\
                  lowestPsnrDb,usd,folder\n";
    std::iter::once(header.to_owned()).chain(entries.iter().map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(nth: u8, commit: &str, command: &str) -> Entry {
        Entry {
            started_at: format!("2026-11-{:02}T10:00:00.123Z", nth + 1),
            run_id: format!("{nth:x}bcdef012345").parse().unwrap(),
            command: command.to_owned(),
            fixtures: vec!["a".into(), "b".into()],
            git_commit: Some(commit.repeat(40)),
            versions: vec!["HyperFrames 0.9.66, ffmpeg 8".into()],
            target: "AWS account 1".into(),
            verdict: Word::Pass,
            exit_code: Some(0),
            renders: 2,
            median_wall_ms: Some(6100.0),
            lowest_psnr_db: Some(45.5),
            usd: Some(0.0123),
            folder: format!("/runs/{nth}").into(),
        }
    }

    #[test]
    fn a_run_is_named_by_its_id_its_commit_or_its_place() {
        let runs = [
            entry(0, "a", "lambda-smoke"),
            entry(1, "e", "lambda-smoke"),
            entry(2, "e", "lambda-eval"),
            entry(3, "f", "lambda-smoke"),
        ];
        let named = |which: &str| {
            named(which, || runs.to_vec(), Some(&runs[3].run_id)).map(|folder| folder.display().to_string())
        };
        let cases = [("0bcd", "/runs/0"), ("2bcdef012345", "/runs/2"), ("eeeee", "/runs/1"), ("latest", "/runs/3")];
        for (which, folder) in cases.into_iter().chain([("previous", "/runs/1"), ("aaaa", "/runs/0")]) {
            assert_eq!(named(which).unwrap(), folder, "{which}");
        }
        for nobody in ["", "eee", "ffff", "nope", "v1.2"] {
            assert!(named(nobody).is_err(), "{nobody}");
        }
        let there = tempfile::tempdir().unwrap();
        assert_eq!(named(there.path().to_str().unwrap()).unwrap(), there.path().to_str().unwrap());
    }

    #[test]
    fn runs_are_listed_for_people_and_programs() {
        let failed =
            Entry { verdict: Word::Fail, usd: None, median_wall_ms: None, git_commit: None, ..entry(1, "e", "x") };
        let runs = [entry(0, "a", "lambda-smoke"), failed];
        insta::assert_snapshot!(table(&runs, usize::MAX), @r"
        began (UTC)                run       command  fixtures    commit  verdict  renders  median  lowest PSNR        cost
        2026-11-02 10:00  1bcdef012345             x       a,b               FAIL        2             45.50 dB
        2026-11-01 10:00  0bcdef012345  lambda-smoke       a,b  aaaaaaaa     PASS        2   6.1 s     45.50 dB  0.0123 USD
        ");
        insta::assert_snapshot!(csv(&runs).replace(&"a".repeat(40), "<a>"), @r#"
        startedAt,runId,command,fixtures,gitCommit,versions,target,verdict,exitCode,renders,medianWallMs,lowestPsnrDb,usd,folder
        2026-11-01T10:00:00.123Z,0bcdef012345,lambda-smoke,a;b,<a>,"HyperFrames 0.9.66, ffmpeg 8",AWS account 1,PASS,0,2,6100,45.5,0.0123,/runs/0
        2026-11-02T10:00:00.123Z,1bcdef012345,x,a;b,,"HyperFrames 0.9.66, ffmpeg 8",AWS account 1,FAIL,0,2,,45.5,,/runs/1
        "#);
    }
}
