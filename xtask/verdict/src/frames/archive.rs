//! Where a render's frames are stored: in a tar.gz from the handler, or in a folder from the in-process
//! renderer. Archives are not unpacked, so that no path in them can do harm.

use std::{
    cell::Cell,
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use anyhow::{Context, bail, ensure};
use flate2::bufread::GzDecoder;
use tar::{Archive, EntryType};

use crate::frames::sequence::{FrameIndex, FrameSequence, SequenceReader};

/// An archive with a PNG file for each frame.
#[derive(Debug, Clone)]
pub struct FrameArchive {
    path: PathBuf,
}

impl FrameArchive {
    /// The archive at this path.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Reads and hashes every file.
    ///
    /// # Errors
    /// When the archive is not a tar.gz, is truncated or damaged, has no frames, or contains misnumbered files,
    /// incomplete PNG files, links, or other folders.
    pub fn read(&self) -> anyhow::Result<FrameSequence> {
        let mut reader = SequenceReader::default();
        self.visit(|name, bytes| reader.add(name, &bytes))?;
        reader.finish().with_context(|| self.what())
    }

    /// Reads the files of some frames; `wanted` is sorted.
    ///
    /// # Errors
    /// As [`FrameArchive::read`], or from `take`.
    pub fn frames(
        &self,
        wanted: &[FrameIndex],
        mut take: impl FnMut(FrameIndex, Vec<u8>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.visit(|name, bytes| match FrameIndex::of_file(name)? {
            Some(index) if wanted.binary_search(&index).is_ok() => take(index, bytes),
            _ => Ok(()),
        })
    }

    /// The bytes of one of the other files.
    ///
    /// # Errors
    /// As [`FrameArchive::read`], or when there is no such file.
    pub fn file(&self, wanted: &str) -> anyhow::Result<Vec<u8>> {
        let mut found = None;
        self.visit(|name, bytes| {
            if name == wanted {
                found = Some(bytes);
            }
            Ok(())
        })?;
        found.with_context(|| format!("{} has no {wanted}", self.what()))
    }

    fn what(&self) -> String {
        format!("the archive of frames {}", self.path.display())
    }

    /// Passes on every file by name, and reads the archive to its end, where its checksum is.
    fn visit(&self, mut take: impl FnMut(&str, Vec<u8>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let damaged =
            || format!("{} can't be read to its end: it is not a tar.gz, or it is truncated or damaged", self.what());
        let file = open_regular(&self.path).with_context(|| self.what())?;
        let left = Rc::new(Cell::new(MOST_BETWEEN));
        let unpacked = Bounded { inner: GzDecoder::new(BufReader::new(file)), left: left.clone() };
        let mut archive = Archive::new(unpacked);
        for (count, entry) in archive.entries().with_context(damaged)?.enumerate() {
            let mut entry = entry.with_context(damaged)?;
            ensure!(
                count < MOST_FILES,
                "{} has more than {MOST_FILES} files; unpack it, and name the folder in its place",
                self.what()
            );
            let kind = entry.header().entry_type();
            let path = entry.path().with_context(damaged)?.into_owned();
            let Some(name) = file_name(&path, kind).with_context(|| self.what())? else { continue };
            let size = entry.size();
            ensure!(size <= MOST_BYTES, "{}: {name} has {size} bytes, more than {MOST_BYTES}", self.what());
            left.set(size + MOST_BETWEEN);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(damaged)?;
            ensure!(bytes.len() as u64 == size, "{}", damaged());
            take(&name, bytes).with_context(|| self.what())?;
            left.set(MOST_BETWEEN);
        }
        let mut unpacked = archive.into_inner();
        io::copy(&mut unpacked, &mut io::sink()).with_context(damaged)?;
        let mut after = Vec::new();
        unpacked.inner.into_inner().take(1).read_to_end(&mut after).with_context(damaged)?;
        ensure!(after.is_empty(), "{}: data follows its end", self.what());
        Ok(())
    }
}

// An archive of a few megabytes may unpack to any size: what is in memory at one time is bounded.

/// The largest file, in bytes: more than a frame of 8K with 16 bits a sample, uncompressed.
const MOST_BYTES: u64 = 320 << 20;

/// What the archive may have between two files, in bytes: headers, long names and padding.
const MOST_BETWEEN: u64 = 4 << 20;

/// The most files: five hours at 60 frames a second.
const MOST_FILES: usize = 1_100_000;

/// A reader that fails after a number of bytes.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("it unpacks to far more than frames"))?);
        Ok(read)
    }
}

/// Opens a file, and nothing else: reading a pipe would wait for its other end, which may never come.
///
/// # Errors
/// When it is no regular file, or can't be opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let regular = |found: fs::Metadata| match found.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    };
    // Before opening, which would already wait; and after, because it may have been replaced.
    regular(fs::metadata(path)?)?;
    let file = File::open(path)?;
    regular(file.metadata()?)?;
    Ok(file)
}

/// What editors, file managers, systems and version control leave in the folders that people work in.
const LITTER: [&str; 10] =
    [".DS_Store", "Thumbs.db", "desktop.ini", ".directory", "__MACOSX", ".git", ".svn", ".hg", ".idea", ".vscode"];

/// Whether a file or a folder with this name is such litter.
pub fn is_litter(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    // vim counts down from .swp, and kate has a word of its own.
    let vim = name.starts_with('.') && name.rsplit_once(".sw").is_some_and(|(_, end)| end.chars().count() == 1);
    let emacs = name.starts_with(".#") || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'));
    let hidden = ["._", ".nfs", ".fuse_hidden"].iter().any(|start| name.starts_with(start));
    let ends = name.ends_with('~') || name.ends_with(".kate-swp");
    vim || emacs || hidden || ends || LITTER.contains(&name.as_ref())
}

/// The name of a file in the archive's top folder; `None` for that folder itself.
fn file_name(path: &Path, kind: EntryType) -> anyhow::Result<Option<String>> {
    let shown = path.display();
    let parts: Vec<Component<'_>> = path.components().filter(|part| *part != Component::CurDir).collect();
    match (parts.as_slice(), kind) {
        (_, EntryType::Regular | EntryType::Directory) => {}
        _ => bail!("{shown} is neither a file nor a folder"),
    }
    let outside = |part: &Component<'_>| !matches!(part, Component::Normal(_));
    ensure!(!parts.iter().any(outside), "{shown} leads out of the archive's folder");
    match (parts.as_slice(), kind) {
        ([], EntryType::Directory) => Ok(None),
        ([Component::Normal(name)], EntryType::Regular) => {
            Ok(Some(name.to_str().with_context(|| format!("{shown} is not valid Unicode"))?.to_owned()))
        }
        _ => bail!("{shown} is in another folder than the frames"),
    }
}

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

    /// Reads and hashes every file; those of editors are left out.
    ///
    /// # Errors
    /// When the folder can't be read, has no frames, or contains misnumbered files, incomplete PNG files, or
    /// folders.
    pub fn read(&self) -> anyhow::Result<FrameSequence> {
        let in_folder = || format!("the frames in {}", self.dir.display());
        let mut reader = SequenceReader::default();
        for entry in fs::read_dir(&self.dir).with_context(in_folder)? {
            let entry = entry.with_context(in_folder)?;
            let name = entry.file_name();
            if is_litter(&name) {
                continue;
            }
            let name = name.to_string_lossy();
            ensure!(entry.file_type().with_context(in_folder)?.is_file(), "{}: {name} is not a file", in_folder());
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

    /// The bytes of one of its files.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn file(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.dir.join(name);
        fs::read(&path).with_context(|| format!("{}", path.display()))
    }
}

/// A render's frames on the disk.
#[derive(Debug, Clone)]
pub enum FrameSource {
    /// A folder from the in-process renderer.
    Folder(FrameFolder),
    /// An archive from the handler.
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

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
