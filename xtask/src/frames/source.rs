//! Where a render's frames are: in a folder, as the in-process renderer leaves them, or in
//! an archive, as the handler delivers them.

use std::path::Path;

use super::{FrameArchive, FrameFolder};
use crate::measure::frame_sequence::{FrameIndex, FrameSequence};

/// A render's frames on the disk.
#[derive(Debug, Clone)]
pub enum FrameSource {
    /// As files.
    Folder(FrameFolder),
    /// Packed.
    Archive(FrameArchive),
}

impl FrameSource {
    /// The frames at this path.
    pub fn at(path: &Path) -> Self {
        match path.is_dir() {
            true => Self::Folder(FrameFolder::at(path)),
            false => Self::Archive(FrameArchive::at(path)),
        }
    }

    /// Reads and hashes every file.
    ///
    /// # Errors
    /// As [`FrameFolder::read`] and [`FrameArchive::read`].
    pub fn read(&self) -> anyhow::Result<FrameSequence> {
        match self {
            Self::Folder(folder) => folder.read(),
            Self::Archive(archive) => archive.read(),
        }
    }

    /// Reads the files of some frames, one after the other; `wanted` is sorted.
    ///
    /// # Errors
    /// When one can't be read, or from `take`.
    pub fn frames(
        &self,
        wanted: &[FrameIndex],
        mut take: impl FnMut(FrameIndex, Vec<u8>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Folder(folder) => wanted.iter().try_for_each(|&index| take(index, folder.frame(index)?)),
            Self::Archive(archive) => archive.frames(wanted, take),
        }
    }

    /// The bytes of one of the other files.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn file(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => folder.file(name),
            Self::Archive(archive) => archive.file(name),
        }
    }
}
