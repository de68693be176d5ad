//! Writing one journal, so that every record outlives a crash.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{Begin, Entry, StateFolder};

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
            let what = || format!("the journal {}", path.display());
            let file = File::options().create(true).read(true).append(true).open(&path).with_context(what)?;
            // Nobody else has this run's number; who looks whether it lives is done at once.
            file.lock().with_context(what)?;
            sync_folder(&path).with_context(what)?;
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

/// Waits until the name of a new file is on the disk, as well as its content.
fn sync_folder(file: &Path) -> std::io::Result<()> {
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

pub(super) fn append(mut file: &File, path: &Path, entry: &Entry) -> anyhow::Result<()> {
    let mut line = Vec::new();
    if ends_in_the_middle_of_a_line(file) {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, entry).context("a journal record")?;
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
