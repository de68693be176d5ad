//! A run's journal: what it is about to create, and what it has created.
//!
//! It is written before and after each creation, to the state folder of the
//! user and to the run's artifacts, so that a run that was killed can be
//! finished later.

pub mod record;

use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use render_verdict::frames::archive::open_regular;

use crate::{
    console::text::visible,
    project::names::StackName,
    teardown::journal::record::{Begin, Entry, RunState},
    tools::{env::Env, folder},
};

// All journals of this user.

/// The folder of all journals of this user: it survives the clean-up of
/// artifacts, and is shared by all clones of the repository.
#[derive(Debug, Clone)]
pub struct StateFolder(pub(crate) PathBuf);

#[derive(Debug, Clone)]
pub struct Known {
    pub state: RunState,
    pub alive: bool,
    path: PathBuf,
}

impl StateFolder {
    /// `$HYPERFRAMES_STATE_DIR`, else `$XDG_STATE_HOME/hyperframes-lambda`, else `~/.local/state/hyperframes-lambda`.
    ///
    /// # Errors
    /// When none of the variables is set, or the current folder is gone.
    pub fn of(env: &Env) -> anyhow::Result<Self> {
        let own = env.path("HYPERFRAMES_STATE_DIR");
        let xdg = || env.path("XDG_STATE_HOME").map(|dir| dir.join("hyperframes-lambda"));
        let home = || env.path("HOME").map(|dir| dir.join(".local/state/hyperframes-lambda"));
        let dir = own.or_else(xdg).or_else(home);
        let dir = dir.context("there is no place for the journal: set HOME or HYPERFRAMES_STATE_DIR")?;
        Ok(Self(std::path::absolute(&dir).with_context(|| format!("the state folder {}", dir.display()))?))
    }

    /// Proves that a journal can be written, before anything depends on it.
    ///
    /// # Errors
    /// When the folder can't be made or written to.
    pub fn check_writable(&self) -> anyhow::Result<()> {
        let write = || {
            fs::create_dir_all(&self.0)?;
            let path = self.0.join(format!(".writable-{}", std::process::id()));
            // What has the name, a link of someone else for example, is not written to.
            let _ = fs::remove_file(&path);
            File::options().write(true).create_new(true).open(&path)?.write_all(b"a journal's worth of bytes")?;
            fs::remove_file(&path)
        };
        write().with_context(|| {
            format!("journals can't be written to {}; make it writable, or set HYPERFRAMES_STATE_DIR", self.0.display())
        })
    }

    /// All runs that journals name, oldest first.
    pub fn runs(&self) -> Vec<Known> {
        let mut known: Vec<Known> = self.journals().filter_map(|path| read(path).ok()).collect();
        known.sort_by(|a, b| a.state.begin.started_at.cmp(&b.state.begin.started_at));
        known
    }

    /// The journals that don't say whose they are: their runs may have left
    /// anything. The folder itself is one of them when it can't be read.
    pub fn unreadable(&self) -> Vec<PathBuf> {
        let folder = match fs::read_dir(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Some(self.0.clone()),
            _ => None,
        };
        let mut paths: Vec<PathBuf> = self.journals().filter_map(|path| read(path).err()).collect();
        paths.sort();
        folder.into_iter().chain(paths).collect()
    }

    /// All journals but empty ones: before the first line of one nothing is created.
    fn journals(&self) -> impl Iterator<Item = PathBuf> {
        let paths = fs::read_dir(&self.0).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_empty = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.len() == 0);
        paths.filter(move |path| path.extension().is_some_and(|ext| ext == "jsonl") && !is_empty(path))
    }

    pub fn runs_of(&self, stack: &StackName) -> Vec<Known> {
        self.runs().into_iter().filter(|known| known.state.begin.stack == *stack).collect()
    }

    /// The runs that ended before they were sure to have left nothing.
    pub fn unfinished(&self) -> Vec<Known> {
        self.runs().into_iter().filter(|known| known.state.is_unfinished() && !known.alive).collect()
    }
}

/// Reads a journal; one that can't be read is given back.
fn read(path: PathBuf) -> Result<Known, PathBuf> {
    let known = || {
        // What a crash left need not be text.
        let mut text = Vec::new();
        open_regular(&path).and_then(|mut file| file.read_to_end(&mut text)).ok()?;
        let state = RunState::replay(&String::from_utf8_lossy(&text))?;
        let file = File::options().append(true).open(&path).ok()?;
        // Shared: two that look at once must not take each other for the run.
        let alive = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        Some((state, alive))
    };
    match known() {
        Some((state, alive)) => Ok(Known { state, alive, path }),
        None => Err(path),
    }
}

/// What to say of a journal that [`StateFolder::unreadable`] names.
pub fn complaint(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // A stack's name has no dots, and a journal is named STACK.RUN.jsonl.
    let stack = name.strip_suffix(".jsonl").and_then(|name| name.split_once('.'));
    let todo = match stack.filter(|(stack, _)| stack.parse::<StackName>().is_ok()) {
        Some((stack, _)) => format!(
            "remove what its run left with `cargo xtask lambda-teardown {stack}` and the flags of that run, then delete the file"
        ),
        None => "make it readable, or delete it when nothing is left of its run".to_owned(),
    };
    format!("journal {} can't be read; {todo}", path.display())
}

impl Known {
    /// Notes that everything of this run is gone.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub fn finish(&self) -> anyhow::Result<()> {
        self.note(&Entry::Finished { kept: false })
    }

    /// Notes that this run's AWS is gone, or whatever it left is someone else's to remove.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub fn forget(&self) -> anyhow::Result<()> {
        self.note(&Entry::Forgotten)
    }

    fn note(&self, entry: &Entry) -> anyhow::Result<()> {
        let file = File::options().read(true).append(true).open(&self.path);
        let file = file.with_context(|| format!("the journal {}", self.path.display()))?;
        append(&file, &self.path, entry)
    }
}

// Writing one journal, so that every record outlives a crash.

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
    pub fn begin(states: &StateFolder, begin: Begin) -> anyhow::Result<Self> {
        fs::create_dir_all(&states.0).with_context(|| format!("the state folder {}", states.0.display()))?;
        let paths =
            [states.0.join(format!("{}.{}.jsonl", begin.stack, begin.run)), begin.artifacts.join("journal.jsonl")];
        let mut files = Vec::new();
        for path in paths {
            let what = || format!("the journal {}", path.display());
            let file = folder::append(&path).with_context(what)?;
            // Nobody else has this run's number; who looks whether it lives is done at once.
            file.lock().with_context(what)?;
            sync_folder(&path).with_context(what)?;
            files.push((file, path));
        }
        let journal = Self { files };
        journal.note(Entry::Begin(Box::new(begin)))?;
        Ok(journal)
    }

    /// Continues the journal of a kept stack, and returns the run's state; `None` while another run uses it.
    ///
    /// # Errors
    /// When the file is gone, or can't be read or locked.
    pub fn resume(known: &Known) -> anyhow::Result<Option<(Self, RunState)>> {
        let path = known.path.clone();
        let what = || format!("the journal {}", path.display());
        let mut file = File::options().read(true).append(true).open(&path).with_context(what)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error).with_context(what),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(what)?;
        let state = RunState::replay(&String::from_utf8_lossy(&text)).with_context(what)?;
        Ok(Some((Self { files: vec![(file, path)] }, state)))
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

/// Waits until the name of a new file is on the disk, as well as its content.
fn sync_folder(file: &Path) -> std::io::Result<()> {
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

pub(crate) fn append(mut file: &File, path: &Path, entry: &Entry) -> anyhow::Result<()> {
    let mut line = Vec::new();
    if ends_in_the_middle_of_a_line(file) {
        line.push(b'\n');
    }
    let record = serde_json::to_string(entry).context("a journal record")?;
    line.extend_from_slice(visible(&record).as_bytes());
    line.push(b'\n');
    let written = file.write_all(&line).and_then(|()| file.sync_data());
    written.with_context(|| format!("the journal {}", path.display()))
}

/// A crash or a full disk may have cut off the last record.
fn ends_in_the_middle_of_a_line(mut file: &File) -> bool {
    let mut last = [b'\n'];
    let read = file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last));
    read.is_ok() && last != [b'\n']
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_that_a_journal_can_be_written_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let (state, theirs) = (dir.path().join("state"), dir.path().join("theirs"));
        fs::create_dir(&state).unwrap();
        fs::write(&theirs, "precious").unwrap();
        std::os::unix::fs::symlink(&theirs, state.join(format!(".writable-{}", std::process::id()))).unwrap();
        StateFolder(state.clone()).check_writable().unwrap();
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "precious");
        assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
    }
}
