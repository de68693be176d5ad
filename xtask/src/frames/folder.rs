//! A folder of frames, as the in-process renderer leaves it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

use crate::measure::frame_sequence::{FrameIndex, FrameSequence, SequenceReader};

/// A folder with a PNG file for each frame.
#[derive(Debug, Clone)]
pub struct FrameFolder {
    dir: PathBuf,
}

impl FrameFolder {
    /// The folder at this path.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Reads and hashes every file.
    ///
    /// # Errors
    /// When the folder can't be read, holds no frame, or holds anything that is
    /// misnumbered, no whole PNG file or no file at all.
    pub fn read(&self) -> anyhow::Result<FrameSequence> {
        let in_folder = || format!("the frames in {}", self.dir.display());
        let mut reader = SequenceReader::default();
        for entry in fs::read_dir(&self.dir).with_context(in_folder)? {
            let entry = entry.with_context(in_folder)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            ensure!(entry.file_type().with_context(in_folder)?.is_file(), "{}: {name} is no file", in_folder());
            let bytes = fs::read(entry.path()).with_context(|| format!("{}", entry.path().display()))?;
            reader.add(&name, &bytes).with_context(in_folder)?;
        }
        reader.finish().with_context(in_folder)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The bytes of one frame's file.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn frame(&self, index: FrameIndex) -> anyhow::Result<Vec<u8>> {
        self.file(&index.file_name())
    }

    /// The bytes of any of its files.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn file(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.dir.join(name);
        fs::read(&path).with_context(|| format!("{}", path.display()))
    }
}
