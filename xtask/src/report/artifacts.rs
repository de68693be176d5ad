//! The artifact folder of a run: locked and written by the run, read by the reports.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail, ensure};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{project::names::RunId, report::RunReport};

/// The artifact folder of a run, locked while the run lives: it never contains the files of two runs.
#[derive(Debug)]
pub struct Artifacts {
    dir: PathBuf,
    _lock: File,
    taken: Cell<bool>,
}

/// Everything that a run writes; other files in the folder stay.
const OURS: [&str; 12] = [
    "results.json",
    "results.csv",
    "run.json",
    "report.html",
    "cleanup-verification.json",
    "semantic-comparisons.json",
    "report.md",
    "junit.xml",
    "journal.jsonl",
    "renders",
    "logs",
    "packed",
];

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
            None => Self::at(Path::new(&format!("{}-{run}", dir.display()))),
        }
    }

    /// `None` when another run uses the folder.
    fn open(dir: &Path) -> anyhow::Result<Option<Self>> {
        let context = || format!("the artifact folder {}", dir.display());
        refuse_foreign(dir)?;
        fs::create_dir_all(dir).with_context(context)?;
        let lock = File::create(dir.join(LOCK)).with_context(context)?;
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        Ok(Some(Self { dir: dir.to_owned(), _lock: lock, taken: Cell::new(false) }))
    }

    /// Removes the files of an earlier run. Called once this run has something to
    /// write: a wrong flag or missing credentials leave the earlier results alone.
    ///
    /// # Errors
    /// When a file can't be removed.
    pub fn take(&self) -> anyhow::Result<()> {
        let context = || format!("the artifact folder {}", self.dir.display());
        for name in OURS {
            let path = self.dir.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e).with_context(context),
                _ => {}
            }
        }
        for name in ["renders", "logs"] {
            fs::create_dir_all(self.dir.join(name)).with_context(context)?;
        }
        // The folder stays out of commits whatever the repository's own .gitignore says.
        fs::write(self.dir.join(".gitignore"), "*\n").with_context(context)?;
        self.taken.set(true);
        Ok(())
    }

    /// Whether the folder contains this run's files.
    pub fn is_taken(&self) -> bool {
        self.taken.get()
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of logs.
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a JSON file atomically.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self, name: &str, content: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(content).with_context(|| format!("{}", self.path(name).display()))?;
        self.write(name, text + "\n")
    }

    /// Writes a file atomically.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        write_whole(&self.path(name), content)
    }
}

/// Writes a file under a temporary name and renames it, so that it is complete or absent.
///
/// # Errors
/// When it can't be written.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    fs::write(&part, content).with_context(|| format!("{}", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("{}", path.display()))
}

/// A folder that is not empty is used only when a run created it.
fn refuse_foreign(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    ensure!(dir.is_dir(), "--artifacts: {} is not a folder", dir.display());
    let run_json = fs::read(dir.join("run.json")).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let is_of_run = |run: Value| run["runId"].as_str().is_some_and(|id| id.parse::<RunId>().is_ok());
    let made_by_run = dir.join(LOCK).exists() || run_json.is_some_and(is_of_run);
    let empty = fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?.next().is_none();
    ensure!(
        made_by_run || empty,
        "--artifacts: {} contains other files; choose an empty folder, because a run removes the files of an \
         earlier run from it",
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
    let what = || format!("the artifacts in {}", dir.display());
    // Checked before the folder is read: it may be any folder, and as large as a disk.
    if !dir.join(RUN_JSON).is_file() {
        return Err(anyhow!(missing_run_json())).with_context(what);
    }
    let mut files = Files::default();
    collect(dir, "", &mut files).with_context(what)?;
    RunReport::of(&files).with_context(what)
}

/// Why a folder without run.json is refused.
pub(crate) fn missing_run_json() -> String {
    format!("{RUN_JSON} is missing: this is not the artifact folder of a run")
}

fn collect(dir: &Path, prefix: &str, files: &mut Files) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{}", dir.display()))? {
        let entry = entry.with_context(|| format!("{}", dir.display()))?;
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        // A link counts as a file: a run creates none, and links may form circles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            let text = match is_part_of_reports(&name) {
                true => Some(fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?),
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

/// The files of an artifact folder in memory, by their relative paths: the names of all, and the
/// text of those that reports are made from.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, Option<String>>);

impl Files {
    /// Adds a file; `text` is `None` when only its name matters.
    pub fn add(&mut self, name: impl Into<String>, text: Option<String>) {
        self.0.insert(name.into(), text);
    }

    /// Every file's name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is such a file.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The text of a file; `None` when there is no such file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Parses a JSON file; `None` when there is none.
    ///
    /// # Errors
    /// When it is malformed: the error has the name of the file and the line of the problem. And when a figure in it
    /// is out of all proportion, because sums of such figures would be wrong.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if let Some(figure) = serde_json::from_str(text).ok().and_then(|value: Value| monstrous(&value)) {
            bail!("{name} was not written by this tool: no run measures {figure}");
        }
        let read = serde_json::from_str(text).map_err(|error| {
            let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().trim();
            let shown: String = line.chars().take(MAX_SHOWN).collect();
            anyhow::Error::new(error).context(format!("at `{shown}`"))
        });
        read.map(Some).with_context(|| format!("{name} was not written by this tool"))
    }
}

/// Figures are below this: milliseconds of 30,000 years, and bytes of a petabyte.
const GREATEST: f64 = 1e15;

/// The first figure that no run measures.
fn monstrous(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            number.as_f64().is_none_or(|figure| figure.abs() > GREATEST).then(|| number.to_string())
        }
        Value::Array(values) => values.iter().find_map(monstrous),
        Value::Object(fields) => fields.values().find_map(monstrous),
        _ => None,
    }
}

/// A line of JSON is one field, unless someone removed the line breaks, characters.
const MAX_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_an_earlier_run_are_removed_and_other_files_stay() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a");
        let first = Artifacts::at(&dir).unwrap();
        first.take().unwrap();
        first.save("results.json", &[1]).unwrap();
        fs::write(dir.join("renders/N9-output.mp4"), "old").unwrap();
        fs::write(dir.join("notes.txt"), "mine").unwrap();
        assert!(Artifacts::at(&dir).is_err(), "a folder in use was reserved");
        drop(first);
        let second = Artifacts::at(&dir).unwrap();
        assert!(dir.join("results.json").exists(), "the results were removed before there were new ones");
        second.take().unwrap();
        assert!(!dir.join("results.json").exists() && !dir.join("renders/N9-output.mp4").exists());
        assert!(dir.join("notes.txt").exists());
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
