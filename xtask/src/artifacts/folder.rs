//! The artifact folder: one run's, never mixed with another's.

use std::{
    cell::Cell,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::names::RunId;

/// A run's artifact folder, locked while the run lives.
#[derive(Debug)]
pub struct Artifacts {
    dir: PathBuf,
    _lock: File,
    taken: Cell<bool>,
}

/// All that a run writes; what else is in the folder stays.
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
    /// When it holds files that are no run's, or a run is using it.
    pub fn at(dir: &Path) -> anyhow::Result<Self> {
        let dir = std::path::absolute(dir).with_context(|| format!("{}", dir.display()))?;
        match Self::open(&dir)? {
            Some(artifacts) => Ok(artifacts),
            None => bail!("another run is writing to {}; choose another folder with --artifacts", dir.display()),
        }
    }

    /// Reserves `<command>-artifacts` in `root`, or, while another run has it,
    /// a folder beside it that carries the run's id.
    ///
    /// # Errors
    /// As [`Artifacts::at`].
    pub fn default_in(dir: &Path, run: &RunId) -> anyhow::Result<Self> {
        match Self::open(dir)? {
            Some(artifacts) => Ok(artifacts),
            None => Self::at(Path::new(&format!("{}-{run}", dir.display()))),
        }
    }

    /// `None` when another run has the folder.
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

    /// Removes an earlier run's files. Called once this run has something to
    /// say: a wrong flag or missing credentials leave the last run's results alone.
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
        // In any repository, whatever its own .gitignore says.
        fs::write(self.dir.join(".gitignore"), "*\n").with_context(context)?;
        self.taken.set(true);
        Ok(())
    }

    /// Whether the folder holds this run's files.
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

    /// Writes a JSON file; it is whole or not there.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self, name: &str, content: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(content).with_context(|| format!("{}", self.path(name).display()))?;
        self.write(name, text + "\n")
    }

    /// Writes a file; it is whole or not there.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        write_whole(&self.path(name), content)
    }
}

/// Writes a file beside its place first, so that it is whole or not there.
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

/// A folder with something in it is taken only when a run made it.
fn refuse_foreign(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    ensure!(dir.is_dir(), "--artifacts: {} is not a folder", dir.display());
    let run_json = fs::read(dir.join("run.json")).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let of_a_run = |run: Value| run["runId"].as_str().is_some_and(|id| id.parse::<RunId>().is_ok());
    let made_by_run = dir.join(LOCK).exists() || run_json.is_some_and(of_a_run);
    let empty = fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?.next().is_none();
    ensure!(
        made_by_run || empty,
        "--artifacts: {} holds other files; choose an empty folder, as an earlier run's files are removed from it",
        dir.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_go_foreign_files_stay() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a");
        let first = Artifacts::at(&dir).unwrap();
        first.take().unwrap();
        first.save("results.json", &[1]).unwrap();
        fs::write(dir.join("renders/N9-output.mp4"), "old").unwrap();
        fs::write(dir.join("notes.txt"), "mine").unwrap();
        assert!(Artifacts::at(&dir).is_err(), "a folder in use was taken");
        drop(first);
        let second = Artifacts::at(&dir).unwrap();
        assert!(dir.join("results.json").exists(), "results went before there were others");
        second.take().unwrap();
        assert!(!dir.join("results.json").exists() && !dir.join("renders/N9-output.mp4").exists());
        assert!(dir.join("notes.txt").exists());
    }

    #[test]
    fn a_folder_of_other_files_is_refused_untouched() {
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
    fn two_runs_of_the_default_folder_do_not_meet() {
        let root = tempfile::tempdir().unwrap();
        let run = |digit: &str| digit.repeat(12).parse::<RunId>().unwrap();
        let first = Artifacts::default_in(&root.path().join("artifacts"), &run("a")).unwrap();
        let second = Artifacts::default_in(&root.path().join("artifacts"), &run("b")).unwrap();
        assert_ne!(first.dir(), second.dir());
    }
}
