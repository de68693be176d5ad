//! Journals on the disk.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};

use super::{Begin, Entry, RunState};
use crate::{names::StackName, process::Env};

/// The folder of all journals of this user: it survives the clean-up of
/// artifacts, and is shared by all clones of the repository.
#[derive(Debug, Clone)]
pub struct StateFolder(PathBuf);

/// A run that a journal tells of.
#[derive(Debug, Clone)]
pub struct Known {
    /// What the journal comes to.
    pub state: RunState,
    /// Whether the run's process is still there.
    pub alive: bool,
    path: PathBuf,
}

impl StateFolder {
    /// `$HYPERFRAMES_STATE_DIR`, else `$XDG_STATE_HOME/hyperframes-lambda`, else `~/.local/state/hyperframes-lambda`.
    ///
    /// # Errors
    /// When none of the variables is set.
    pub fn of(env: &Env) -> anyhow::Result<Self> {
        let own = env.get("HYPERFRAMES_STATE_DIR").map(PathBuf::from);
        let xdg = || env.get("XDG_STATE_HOME").map(|dir| Path::new(dir).join("hyperframes-lambda"));
        let home = || env.get("HOME").map(|dir| Path::new(dir).join(".local/state/hyperframes-lambda"));
        let dir = own.or_else(xdg).or_else(home);
        dir.map(Self).context("there is no place for the journal: set HOME or HYPERFRAMES_STATE_DIR")
    }

    /// All runs that journals tell of, oldest first. Files that are no journals are passed over.
    pub fn runs(&self) -> Vec<Known> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut known: Vec<Known> = entries.filter_map(|entry| read(entry.path())).collect();
        known.sort_by(|a, b| a.state.begin.started_at.cmp(&b.state.begin.started_at));
        known
    }

    /// The runs that used `stack`.
    pub fn runs_of(&self, stack: &StackName) -> Vec<Known> {
        self.runs().into_iter().filter(|known| known.state.begin.stack == *stack).collect()
    }

    /// The runs that ended before they were sure to have left nothing.
    pub fn unfinished(&self) -> Vec<Known> {
        self.runs().into_iter().filter(|known| known.state.is_unfinished() && !known.alive).collect()
    }
}

fn read(path: PathBuf) -> Option<Known> {
    if path.extension().is_none_or(|ext| ext != "jsonl") {
        return None;
    }
    let state = RunState::replay(&fs::read_to_string(&path).ok()?)?;
    let file = File::options().append(true).open(&path).ok()?;
    let alive = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    Some(Known { state, alive, path })
}

impl Known {
    /// Notes that everything of this run is gone.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub fn finish(&self) -> anyhow::Result<()> {
        let file = File::options().append(true).open(&self.path);
        let file = file.with_context(|| format!("the journal {}", self.path.display()))?;
        append(&file, &self.path, &Entry::Finished { kept: false })
    }
}

/// The journal of the run that is going on. The file is locked as long as this process lives.
#[derive(Debug)]
pub struct Journal {
    files: Vec<(File, PathBuf)>,
}

impl Journal {
    /// Starts a run's journal in the state folder and in its artifacts.
    ///
    /// # Errors
    /// When a file can't be written: without a journal nothing may be created.
    pub fn begin(folder: &StateFolder, begin: Begin) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder.0).with_context(|| format!("the state folder {}", folder.0.display()))?;
        let paths =
            [folder.0.join(format!("{}.{}.jsonl", begin.stack, begin.run)), begin.artifacts.join("journal.jsonl")];
        let mut files = Vec::new();
        for path in paths {
            let file = File::options().create(true).append(true).open(&path);
            let file = file.with_context(|| format!("the journal {}", path.display()))?;
            file.try_lock().map_err(|e| anyhow!("the journal {} is in use: {e}", path.display()))?;
            files.push((file, path));
        }
        let journal = Self { files };
        journal.note(Entry::Begin(Box::new(begin)))?;
        Ok(journal)
    }

    /// Appends a record and waits until it is on the disk.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn note(&self, entry: Entry) -> anyhow::Result<()> {
        // The first is the state folder's, which recovery reads; the copy in the artifacts may be gone.
        let (file, path) = self.files.first().expect("opened by begin");
        append(file, path, &entry)?;
        for (file, path) in &self.files[1..] {
            let _ = append(file, path, &entry);
        }
        Ok(())
    }
}

fn append(mut file: &File, path: &Path, entry: &Entry) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(entry).context("a journal record")?;
    line.push(b'\n');
    let written = file.write_all(&line).and_then(|()| file.sync_data());
    written.with_context(|| format!("the journal {}", path.display()))
}
