//! A folder that is held open: what is written into it never follows a link out of it, and never goes to another
//! folder that took its place.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use rustix::{
    fs::{AtFlags, CWD, Dir, Mode, OFlags, fstat, mkdirat, openat, renameat, stat, unlinkat},
    io::Errno,
};

/// A folder. Names in it are relative paths such as `renders/N2-output.mp4`; no part of them may be a link.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    held: Arc<OwnedFd>,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// Opening a pipe must not wait for its other end.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

impl Folder {
    /// Creates the folder, with those above it, unless it exists.
    ///
    /// # Errors
    /// When it can't be created or opened.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("the folder {}", path.display()))?;
        Self::open(path)
    }

    /// Opens a folder that exists.
    ///
    /// # Errors
    /// When it is no folder, or can't be opened.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let held =
            openat(CWD, path, FOLDER, Mode::empty()).with_context(|| format!("the folder {}", path.display()))?;
        Ok(Self { path: path.to_owned(), held: Arc::new(held) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses to go on when another folder is at its path: it may have files of the same names.
    ///
    /// # Errors
    /// In that case.
    pub fn check(&self) -> anyhow::Result<()> {
        let held = fstat(&self.held).with_context(|| format!("the folder {}", self.path.display()))?;
        let is_there = stat(&self.path).is_ok_and(|found| (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino));
        ensure!(is_there, "the folder {} was moved, replaced or removed while it was in use", self.path.display());
        Ok(())
    }

    /// Begins a file that appears under its name only with [`Part::finish`], in the place of what had the name.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn begin(&self, name: impl AsRef<Path>) -> anyhow::Result<Part> {
        let name = name.as_ref();
        let what = || format!("{}", self.path.join(name).display());
        let (folder, file_name) = self.parent(name, true).with_context(what)?;
        let mut part = file_name.clone();
        part.push(".part");
        match unlinkat(&folder, &part, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error).with_context(what),
        }
        let flags = FILE | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = openat(&folder, &part, flags, FILE_MODE).with_context(what)?;
        Ok(Part { folder, part, name: file_name, path: self.path.join(name), file: file.into() })
    }

    /// Writes a file, which is complete or absent.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let mut part = self.begin(name)?;
        part.file.write_all(content.as_ref()).with_context(|| format!("{}", part.path.display()))?;
        part.finish()
    }

    /// Copies a file into the folder, where the copy is complete or absent.
    ///
    /// # Errors
    /// When the file can't be read, or the copy can't be written.
    pub fn copy(&self, name: impl AsRef<Path>, from: &Path) -> anyhow::Result<()> {
        let what = || format!("copying {}", from.display());
        let mut source = fs::File::open(from).with_context(what)?;
        let mut part = self.begin(name)?;
        std::io::copy(&mut source, &mut part.file).with_context(what)?;
        part.finish()
    }

    /// Opens a file to append to it; it is created unless it exists.
    ///
    /// # Errors
    /// When it is a link, a pipe, or a file that has another name too.
    pub fn append(&self, name: impl AsRef<Path>) -> anyhow::Result<File> {
        let name = name.as_ref();
        let what = || format!("{}", self.path.join(name).display());
        let (folder, file_name) = self.parent(name, true).with_context(what)?;
        let flags = FILE | OFlags::RDWR | OFlags::CREATE | OFlags::APPEND;
        let file = File::from(openat(&folder, &file_name, flags, FILE_MODE).with_context(what)?);
        let found = file.metadata().with_context(what)?;
        ensure!(
            found.nlink() == 1 && !found.file_type().is_fifo(),
            "{} is a pipe, or a file with a second name (a hard link); remove it",
            what()
        );
        Ok(file)
    }

    /// Reads a regular file.
    ///
    /// # Errors
    /// When it is anything else, or can't be read; [`is_absent`] says whether there is none.
    pub fn read(&self, name: impl AsRef<Path>) -> anyhow::Result<Vec<u8>> {
        let name = name.as_ref();
        let what = || format!("{}", self.path.join(name).display());
        let (folder, file_name) = self.parent(name, false).with_context(what)?;
        let mut file =
            File::from(openat(&folder, &file_name, FILE | OFlags::RDONLY, Mode::empty()).with_context(what)?);
        ensure!(file.metadata().with_context(what)?.is_file(), "{} is not a regular file", what());
        let mut content = Vec::new();
        file.read_to_end(&mut content).with_context(what)?;
        Ok(content)
    }

    /// Creates a folder in it, unless it exists.
    ///
    /// # Errors
    /// When something else has its name.
    pub fn create_folder(&self, name: impl AsRef<Path>) -> anyhow::Result<()> {
        let name = name.as_ref();
        self.parent(&name.join("in it"), true).with_context(|| format!("{}", self.path.join(name).display())).map(drop)
    }

    /// Removes a file, a link, or a folder with everything in it, if there is one.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn remove(&self, name: impl AsRef<Path>) -> anyhow::Result<()> {
        let name = name.as_ref();
        let what = || format!("{}", self.path.join(name).display());
        let (folder, file_name) = match self.parent(name, false) {
            Err(error) if is_absent(&error) => return Ok(()),
            found => found.with_context(what)?,
        };
        remove(folder.as_fd(), &file_name).with_context(what)
    }

    /// Gives a file, a link, or a folder another name in it; folders on the way to that are created.
    ///
    /// # Errors
    /// When it is not there, or a folder with content has the other name.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> anyhow::Result<()> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let what = || format!("moving {} to {}", self.path.join(from).display(), to.display());
        let (of_old, old) = self.parent(from, false).with_context(what)?;
        let (of_new, new) = self.parent(to, true).with_context(what)?;
        renameat(of_old, old, of_new, new).with_context(what)
    }

    /// The folder that a name is in, held open, and the last part of the name.
    fn parent(&self, name: &Path, create: bool) -> anyhow::Result<(OwnedFd, OsString)> {
        self.check()?;
        let mut parts = Vec::new();
        for part in name.components() {
            let Component::Normal(part) = part else { bail!("{name:?} leads out of its folder") };
            parts.push(part);
        }
        let last = parts.pop().context("a file without a name")?;
        let mut folder = self.held.try_clone()?;
        for part in parts {
            if create {
                match mkdirat(&folder, part, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let opened = openat(&folder, part, FOLDER | OFlags::NOFOLLOW, Mode::empty());
            folder = opened.with_context(|| format!("{} is no folder", part.display()))?;
        }
        Ok((folder, last.to_owned()))
    }
}

fn remove(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // A folder, in the words of Linux and of others.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    let inner = openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    let entries: Vec<OsString> = names_in(&inner)?;
    for entry in entries {
        remove(inner.as_fd(), &entry)?;
    }
    Ok(unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

fn names_in(folder: &OwnedFd) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::OsStringExt;
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(names)
}

/// Whether an error says that there is no such file.
pub fn is_absent(error: &anyhow::Error) -> bool {
    error.root_cause().downcast_ref::<Errno>() == Some(&Errno::NOENT)
}

/// A file that is being written.
#[derive(Debug)]
pub struct Part {
    folder: OwnedFd,
    part: OsString,
    name: OsString,
    path: PathBuf,
    /// Takes the content.
    pub file: File,
}

impl Part {
    /// The path that the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When a folder has that name.
    pub fn finish(self) -> anyhow::Result<()> {
        let renamed = renameat(&self.folder, &self.part, &self.folder, &self.name);
        renamed.with_context(|| format!("{}", self.path.display()))
    }
}

/// Writes a file whose folder exists; it is complete or absent, and a link with its name is replaced.
///
/// # Errors
/// When it can't be written.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let (folder, name) = parts_of(path)?;
    Folder::open(folder)?.write(name, content)
}

/// Opens a file to append to it, in a folder that exists.
///
/// # Errors
/// As [`Folder::append`].
pub fn append(path: &Path) -> anyhow::Result<File> {
    let (folder, name) = parts_of(path)?;
    Folder::open(folder)?.append(name)
}

/// Opens a log to append to it, in a folder that exists and is no link.
///
/// # Errors
/// As [`Folder::append`].
pub fn open_log(path: &Path) -> anyhow::Result<File> {
    let (folder, name) = parts_of(path)?;
    let held = openat(CWD, folder, FOLDER | OFlags::NOFOLLOW, Mode::empty());
    let held = Arc::new(held.with_context(|| format!("{}", folder.display()))?);
    Folder { path: folder.to_owned(), held }.append(name)
}

fn parts_of(path: &Path) -> anyhow::Result<(&Path, &OsStr)> {
    let name = path.file_name().with_context(|| format!("{} is not a name", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")), name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder `in`, and next to it a file of someone else.
    fn scene() -> (tempfile::TempDir, Folder, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let foreign = parent.path().join("foreign");
        fs::write(&foreign, "theirs").unwrap();
        let folder = Folder::create(&parent.path().join("in")).unwrap();
        (parent, folder, foreign)
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn what_is_written_replaces_links_and_never_follows_them() {
        let (parent, folder, foreign) = scene();
        for name in ["run.json", "run.json.part"] {
            symlink(&foreign, folder.path().join(name)).unwrap();
        }
        folder.write("run.json", "ours").unwrap();
        assert_eq!((read(&foreign).as_str(), read(&folder.path().join("run.json")).as_str()), ("theirs", "ours"));
        fs::create_dir(parent.path().join("elsewhere")).unwrap();
        symlink(parent.path().join("elsewhere"), folder.path().join("renders")).unwrap();
        assert!(folder.write("renders/a", "ours").is_err() && !parent.path().join("elsewhere/a").exists());
        for out in ["../foreign", "/tmp/x", "a/../../foreign", ""] {
            assert!(folder.write(out, "ours").is_err(), "{out}");
        }
    }

    #[test]
    fn a_log_is_no_link_no_pipe_and_no_file_of_another_folder() {
        let (_parent, folder, foreign) = scene();
        let mut log = folder.append("logs/a.log").unwrap();
        log.write_all(b"1").unwrap();
        folder.append("logs/a.log").unwrap().write_all(b"2").unwrap();
        assert_eq!(read(&folder.path().join("logs/a.log")), "12");
        symlink(&foreign, folder.path().join("link")).unwrap();
        fs::hard_link(&foreign, folder.path().join("hard")).unwrap();
        crate::tools::files::make_pipe(&folder.path().join("pipe")).unwrap();
        for name in ["link", "hard", "pipe"] {
            assert!(folder.append(name).is_err(), "{name}");
        }
        assert!(folder.read("link").is_err() && folder.read("pipe").is_err());
        folder.write("pipe", "ours").unwrap();
        assert_eq!(folder.read("pipe").unwrap(), b"ours");
        fs::create_dir(folder.path().join("real")).unwrap();
        symlink(folder.path().join("real"), folder.path().join("linked")).unwrap();
        assert!(open_log(&folder.path().join("linked/x.log")).is_err());
        assert!(open_log(&folder.path().join("real/x.log")).is_ok());
    }

    #[test]
    fn a_folder_that_took_its_place_is_not_written_to() {
        let (parent, folder, _) = scene();
        fs::rename(folder.path(), parent.path().join("moved")).unwrap();
        fs::create_dir(folder.path()).unwrap();
        fs::write(folder.path().join("run.json"), "theirs").unwrap();
        let error = folder.write("run.json", "ours").unwrap_err();
        assert!(format!("{error:#}").contains("was moved, replaced or removed"), "{error:#}");
        assert_eq!(read(&folder.path().join("run.json")), "theirs");
    }

    #[test]
    fn removing_takes_links_and_not_what_they_lead_to() {
        let (parent, folder, foreign) = scene();
        folder.write("renders/deep/a", "ours").unwrap();
        symlink(parent.path(), folder.path().join("renders/out")).unwrap();
        symlink(&foreign, folder.path().join("renders/deep/b")).unwrap();
        let has = |name: &str| fs::symlink_metadata(folder.path().join(name)).is_ok();
        folder.remove("renders").unwrap();
        folder.remove("renders").unwrap();
        folder.remove("none/at/all").unwrap();
        assert!(!has("renders") && foreign.exists());
        symlink(parent.path(), folder.path().join("logs")).unwrap();
        folder.remove("logs").unwrap();
        assert!(foreign.exists() && !has("logs"));
    }
}
