//! A run's artifact folder: locked and written by the run, read by the reports.

use std::{
    cell::Cell,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::{
    console::text::visible,
    context,
    project::names::RunId,
    report::{RunReport, files::Files},
    tools::folder::Folder,
};

/// A run's artifact folder, locked while the run lives: it never contains the files of two runs.
#[derive(Debug)]
pub struct Artifacts {
    folder: Folder,
    _lock: File,
    taken: Cell<bool>,
}

/// Everything that a run writes; other files in the folder stay. run.json is moved last, as it names the run.
const OURS: [&str; 12] = [
    "results.json",
    "results.csv",
    "report.html",
    "cleanup-verification.json",
    "semantic-comparisons.json",
    "report.md",
    "junit.xml",
    "journal.jsonl",
    "renders",
    "logs",
    "packed",
    RUN_JSON,
];

/// The folder of earlier runs in an artifact folder: one for each, named after its time and its id.
pub(crate) const RUNS: &str = "runs";

const LOCK: &str = ".run.lock";

impl Artifacts {
    /// Reserves the folder that the user named; [`Artifacts::take`] then clears it.
    ///
    /// # Errors
    /// When it contains files that no run wrote, or a run is using it.
    pub fn at(dir: &Path) -> anyhow::Result<Self> {
        let dir = std::path::absolute(dir).with_context(|| format!("{}", dir.display()))?;
        match Self::open(&dir)? {
            Some(artifacts) => Ok(artifacts),
            None => bail!("another run is writing to {}; choose another folder with --artifacts", dir.display()),
        }
    }

    /// Reserves `dir`; while another run uses it, a folder next to it whose name ends with
    /// the run's id.
    ///
    /// # Errors
    /// See [`Artifacts::at`].
    pub fn default_in(dir: &Path, run: &RunId) -> anyhow::Result<Self> {
        match Self::open(dir)? {
            Some(artifacts) => Ok(artifacts),
            None => {
                let mut own = dir.as_os_str().to_owned();
                own.push(format!("-{run}"));
                Self::at(Path::new(&own))
            }
        }
    }

    /// `None` when another run uses the folder.
    fn open(dir: &Path) -> anyhow::Result<Option<Self>> {
        let context = || format!("the artifact folder {}", dir.display());
        refuse_foreign(dir)?;
        let folder = Folder::create(dir).with_context(context)?;
        let lock = folder.append(LOCK).with_context(context)?;
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        Ok(Some(Self { folder, _lock: lock, taken: Cell::new(false) }))
    }

    /// Moves the files of an earlier run to [`RUNS`]; of the older ones there, only the last `keep` that passed and the
    /// last `keep` that did not keep their renders. Called once this run has something to
    /// write: a wrong flag or missing credentials leave the earlier results where they are.
    ///
    /// # Errors
    /// When a file can't be moved or removed.
    pub fn take(&self, keep: usize) -> anyhow::Result<()> {
        let context = || format!("the artifact folder {}", self.dir().display());
        self.set_aside().with_context(context)?;
        self.thin_out(keep).with_context(context)?;
        ["renders", "logs"].iter().try_for_each(|name| self.folder.create_folder(name)).with_context(context)?;
        // The folder stays out of commits whatever the repository's own .gitignore says.
        self.folder.write(".gitignore", "*\n").with_context(context)?;
        self.taken.set(true);
        Ok(())
    }

    fn set_aside(&self) -> anyhow::Result<()> {
        let there: Vec<&str> = OURS.into_iter().filter(|name| self.path(name).symlink_metadata().is_ok()).collect();
        if there.is_empty() {
            return Ok(());
        }
        let name = run_json(&self.folder).as_ref().and_then(folder_name);
        // Without its run.json it has no id, and a run that began in this second is not there yet.
        let name = name.unwrap_or_else(|| compact(&context::now_rfc3339()) + "-unknown");
        // What a move left halfway is of the same run.
        there.iter().try_for_each(|file| {
            let to = format!("{RUNS}/{name}/{file}");
            self.folder.remove(&to)?;
            self.folder.rename(file, &to)
        })
    }

    fn thin_out(&self, keep: usize) -> anyhow::Result<()> {
        let mut newest_first = earlier_runs(self.dir());
        newest_first.reverse();
        let (passed, others): (Vec<PathBuf>, Vec<PathBuf>) = newest_first.into_iter().partition(|run| has_passed(run));
        for run in passed.iter().skip(keep).chain(others.iter().skip(keep)) {
            let Some(name) = run.file_name().and_then(|name| name.to_str()) else { continue };
            for entry in fs::read_dir(run.join("renders")).into_iter().flatten().flatten() {
                let file = format!("renders/{}", entry.file_name().to_string_lossy());
                if !is_part_of_reports(&file) {
                    self.folder.remove(format!("{RUNS}/{name}/{file}"))?;
                }
            }
            self.folder.remove(format!("{RUNS}/{name}/packed"))?;
        }
        Ok(())
    }

    /// Whether the folder contains this run's files.
    pub fn is_taken(&self) -> bool {
        self.taken.get()
    }

    /// The folder, through which everything is written.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Where the folder is.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of logs, to which programs are logged by [`crate::tools::folder::open_log`].
    pub fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    /// A file in the folder, for programs that read it and for people.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// The path at which a program makes a file or a folder of frames; nothing is there, not even a link.
    ///
    /// # Errors
    /// When what was there can't be removed.
    pub fn vacated(&self, name: &str) -> anyhow::Result<PathBuf> {
        self.folder.remove(name)?;
        Ok(self.path(name))
    }

    /// Writes a JSON file atomically.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self, name: &str, content: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(content).with_context(|| format!("{}", self.path(name).display()))?;
        self.write(name, visible(&(text + "\n")).as_bytes())
    }

    /// Writes a file atomically.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        self.folder.write(name, content)
    }
}

/// The folders of the earlier runs in an artifact folder, the oldest first.
pub(crate) fn earlier_runs(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join(RUNS)).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut found: Vec<PathBuf> = entries.filter(is_folder).map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn has_passed(dir: &Path) -> bool {
    Folder::open(dir).is_ok_and(|folder| run_json(&folder).is_some_and(|run| run["exitCode"] == 0))
}

/// What a run says of itself in a folder, where one does.
pub(crate) fn run_json(folder: &Folder) -> Option<Value> {
    serde_json::from_slice(&folder.read(RUN_JSON).ok()?).ok()
}

/// `20261129T031500Z-0123456789ab`, for a run that says when it began and who it is.
fn folder_name(run: &Value) -> Option<String> {
    let id: RunId = run["runId"].as_str()?.parse().ok()?;
    Some(format!("{}-{id}", compact(run["startedAt"].as_str()?)))
}

/// A time without the characters that names of files had better not have, and without fractions of a second.
fn compact(time: &str) -> String {
    let whole = time.split('.').next().unwrap_or_default().trim_end_matches('Z');
    whole.chars().filter(char::is_ascii_alphanumeric).collect::<String>() + "Z"
}

/// A folder that is not empty is used only when a run created it.
fn refuse_foreign(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    ensure!(dir.is_dir(), "--artifacts: {} is not a folder", dir.display());
    let folder = Folder::open(dir)?;
    let is_of_run = |run: Value| run["runId"].as_str().is_some_and(|id| id.parse::<RunId>().is_ok());
    let made_by_run = folder.read(LOCK).is_ok() || run_json(&folder).is_some_and(is_of_run);
    let empty = fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?.next().is_none();
    ensure!(
        made_by_run || empty,
        "--artifacts: {} contains other files; choose an empty folder, because a run moves the files of an \
         earlier run in it",
        dir.display()
    );
    Ok(())
}

/// The file that every run writes.
pub(crate) const RUN_JSON: &str = "run.json";

/// Reads the artifact folder of a smoke or eval run, finished or not.
///
/// # Errors
/// When no run wrote the folder, or a file in it can't be read or understood.
pub fn read(dir: &Path) -> anyhow::Result<RunReport> {
    read_files(dir, |_| true)
}

/// As [`read`], without the files of single renders: their rows in results.json are enough for a list of runs.
pub(crate) fn read_results(dir: &Path) -> anyhow::Result<RunReport> {
    read_files(dir, |folder| folder != "renders")
}

/// Reads the files of the folder, and of the folders in it that are `wanted`.
fn read_files(dir: &Path, wanted: fn(&str) -> bool) -> anyhow::Result<RunReport> {
    let what = || format!("the artifacts in {}", dir.display());
    // Checked before the folder is read: it may be any folder, and as large as a disk.
    if !dir.join(RUN_JSON).is_file() {
        return Err(anyhow!(missing_run_json())).with_context(what);
    }
    let mut files = Files::default();
    collect(&Folder::open(dir)?, "", wanted, &mut files).with_context(what)?;
    RunReport::of(&files).with_context(what)
}

/// Why a folder without run.json is refused.
pub(crate) fn missing_run_json() -> String {
    format!("{RUN_JSON} is missing: this is not a run's artifact folder")
}

fn collect(folder: &Folder, prefix: &str, wanted: fn(&str) -> bool, files: &mut Files) -> anyhow::Result<()> {
    let dir = folder.path().join(prefix);
    for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
        let entry = entry.with_context(|| format!("{}", dir.display()))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Earlier runs are no part of this one.
        if name == RUNS || !wanted(&name) {
            continue;
        }
        // A link counts as a file that can't be read: a run creates none, and links may form circles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(folder, &format!("{name}/"), wanted, files)?;
        } else {
            let is_plain = entry.file_name().to_str().is_some();
            let text = match is_plain && is_part_of_reports(&name) {
                true => {
                    Some(String::from_utf8(folder.read(&name)?).with_context(|| entry.path().display().to_string())?)
                }
                false => None,
            };
            files.add(name, text);
        }
    }
    Ok(())
}

/// Whether reports use the content of a file; videos and logs are only listed.
fn is_part_of_reports(name: &str) -> bool {
    let in_place = !name.contains('/') || name.starts_with("renders/");
    in_place && (name.ends_with(".json") || name.ends_with(".csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = 20;

    /// Writes what a run leaves, and gives the folder that it is moved to.
    fn leave(artifacts: &Artifacts, nth: usize, exit_code: u8) -> String {
        let run = serde_json::json!({
            "runId": format!("{nth:012x}"), "startedAt": format!("2026-11-29T03:{nth:02}:00.5Z"), "exitCode": exit_code,
        });
        artifacts.save(RUN_JSON, &run).unwrap();
        artifacts.save("renders/N2-history.json", &nth).unwrap();
        artifacts.write("renders/N2-output.mp4", "video").unwrap();
        format!("runs/20261129T03{nth:02}00Z-{nth:012x}")
    }

    #[test]
    fn files_of_an_earlier_run_are_moved_and_other_files_stay() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a");
        let first = Artifacts::at(&dir).unwrap();
        first.take(ALL).unwrap();
        let moved_to = leave(&first, 1, 0);
        fs::write(dir.join("notes.txt"), "mine").unwrap();
        assert!(Artifacts::at(&dir).is_err(), "a folder in use was reserved");
        drop(first);
        let second = Artifacts::at(&dir).unwrap();
        assert!(dir.join("run.json").exists(), "the results were moved before there were new ones");
        second.take(ALL).unwrap();
        assert!(!dir.join("run.json").exists() && !dir.join("renders/N2-output.mp4").exists());
        assert!(dir.join("notes.txt").exists());
        assert_eq!(fs::read(dir.join(moved_to).join("renders/N2-output.mp4")).unwrap(), b"video");
        // A run that was killed before it wrote its run.json.
        second.write("logs/sam.log", "deploying").unwrap();
        second.take(ALL).unwrap();
        let earlier = earlier_runs(&dir);
        assert!(earlier.len() == 2 && earlier[1].to_str().unwrap().ends_with("-unknown"), "{earlier:?}");
        assert!(earlier[1].join("logs/sam.log").exists());
    }

    #[test]
    fn older_runs_lose_their_renders_and_keep_their_figures() {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::at(dir.path()).unwrap();
        let exit_codes = [0, 5, 0, 0, 5];
        let moved: Vec<String> = exit_codes
            .iter()
            .enumerate()
            .map(|(nth, code)| {
                let to = leave(&artifacts, nth, *code);
                artifacts.take(2).unwrap();
                to
            })
            .collect();
        let kept = |file: &str| moved.iter().map(|run| dir.path().join(run).join(file).exists()).collect::<Vec<_>>();
        assert_eq!(kept("renders/N2-output.mp4"), [false, true, true, true, true]);
        assert_eq!(kept("renders/N2-history.json"), [true; 5]);
    }

    #[test]
    fn a_folder_with_other_files_is_refused_and_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("logs")).unwrap();
        fs::write(dir.path().join("logs/a"), "mine").unwrap();
        assert!(Artifacts::at(dir.path()).is_err());
        fs::write(dir.path().join("run.json"), r#"{"runId": "of another tool"}"#).unwrap();
        assert!(Artifacts::at(dir.path()).is_err());
        assert!(dir.path().join("logs/a").exists());
        fs::write(dir.path().join("run.json"), r#"{"runId": "0123456789ab"}"#).unwrap();
        assert!(Artifacts::at(dir.path()).is_ok());
    }

    #[test]
    fn two_runs_with_the_default_folder_get_different_ones() {
        let root = tempfile::tempdir().unwrap();
        let run = |digit: &str| digit.repeat(12).parse::<RunId>().unwrap();
        let first = Artifacts::default_in(&root.path().join("artifacts"), &run("a")).unwrap();
        let second = Artifacts::default_in(&root.path().join("artifacts"), &run("b")).unwrap();
        assert_ne!(first.dir(), second.dir());
    }
}
