use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::frames::png::tests::rgba;

struct Packed(tempfile::TempDir);

impl Packed {
    fn bytes(bytes: &[u8]) -> Self {
        let packed = Self(tempfile::tempdir().unwrap());
        std::fs::write(packed.path(), bytes).unwrap();
        packed
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("output.tar.gz")
    }

    fn read(&self) -> Result<FrameSequence, String> {
        let read = FrameArchive::at(&self.path()).read().map_err(|error| format!("{error:#}"));
        read.map_err(|error| error.replace(&self.path().display().to_string(), "<it>"))
    }
}

/// An archive with entry names that a builder would refuse.
fn tar_gz(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        if *kind == EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

const FILE: EntryType = EntryType::Regular;

fn three() -> Vec<u8> {
    let frames = [1, 2, 3].map(|sample| rgba(&[sample; 8], ""));
    tar_gz(&[
        ("./", EntryType::Directory, b""),
        ("./frame_000001.png", FILE, &frames[0]),
        ("./frame_000002.png", FILE, &frames[1]),
        ("frame_000003.png", FILE, &frames[2]),
        ("./audio.m4a", FILE, b"sound"),
    ])
}

#[test]
fn frames_are_read_from_the_archives_folder() {
    let packed = Packed::bytes(&three());
    let sequence = packed.read().unwrap();
    assert_eq!((sequence.count(), sequence.others().keys().next().unwrap().as_str()), (3, "audio.m4a"));
    let second = FrameIndex::of_file("frame_000002.png").unwrap().unwrap();
    let mut taken = Vec::new();
    let take = |index, bytes| {
        taken.push((index, bytes));
        Ok(())
    };
    FrameArchive::at(&packed.path()).frames(&[second], take).unwrap();
    assert_eq!(taken, [(second, rgba(&[2; 8], ""))]);
    assert_eq!(FrameArchive::at(&packed.path()).file("audio.m4a").unwrap(), b"sound");
    assert!(FrameArchive::at(&packed.path()).file("x").unwrap_err().to_string().ends_with("has no x"));
}

#[test]
fn a_truncated_archive_is_refused() {
    let whole = three();
    for length in 0..whole.len() {
        let error = Packed::bytes(&whole[..length]).read().unwrap_err();
        assert!(error.starts_with("the archive of frames <it> can't be read to its end"), "{length}: {error}");
    }
    let error = Packed::bytes(&[&whole[..], b"more"].concat()).read().unwrap_err();
    assert_eq!(error, "the archive of frames <it>: data follows its end");
}

#[test]
fn a_damaged_archive_is_refused() {
    let whole = three();
    for at in [0, whole.len() / 2, whole.len() - 6] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert!(Packed::bytes(&damaged).read().is_err(), "byte {at}");
    }
    assert!(Packed::bytes(b"<html>").read().unwrap_err().contains("it is not a tar.gz"));
}

#[test]
fn an_archive_that_unpacks_to_far_more_than_frames_is_refused_early() {
    /// A header that promises `size` zeros, and some of them.
    fn bomb(name: &str, kind: EntryType, size: u64) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        io::Write::write_all(&mut gz, header.as_bytes()).unwrap();
        io::copy(&mut io::repeat(0).take(8 << 20), &mut gz).unwrap();
        gz.finish().unwrap()
    }
    let error = Packed::bytes(&bomb("frame_000001.png", FILE, 6 << 30)).read().unwrap_err();
    assert!(error.contains("frame_000001.png has 6442450944 bytes"), "{error}");
    let error = Packed::bytes(&bomb("long", EntryType::GNULongName, 6 << 30)).read().unwrap_err();
    assert!(error.ends_with("it unpacks to far more than frames"), "{error}");
}

#[test]
fn editors_files_are_no_part_of_a_sequence_and_pipes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("frame_000001.png"), rgba(&[1; 8], "")).unwrap();
    for litter in [".DS_Store", "._frame_000001.png", "Thumbs.db", ".frame.swn", "#x#", "x.png~", ".x.kate-swp"] {
        std::fs::write(dir.path().join(litter), "").unwrap();
    }
    std::os::unix::fs::symlink("me@host.1:2", dir.path().join(".#frame_000001.png")).unwrap();
    assert!(FrameFolder::at(dir.path()).read().unwrap().others().is_empty());
    assert!(["audio.m4a", ".htaccess", "x.swf", ".swift", "é"].iter().all(|name| !is_litter(OsStr::new(name))));
    assert!(open_regular(Path::new("/dev/null")).is_err() && open_regular(dir.path()).is_err());
}

#[test]
fn a_git_lfs_pointer_is_called_one() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let error = Packed::bytes(&tar_gz(&[("frame_000001.png", FILE, pointer)])).read().unwrap_err();
    assert!(error.ends_with("it is a git-LFS pointer, not the file itself; run `git lfs pull`"), "{error}");
}

#[test]
fn an_archive_without_frames_is_refused() {
    let none = "the archive of frames <it>: it contains no frames";
    assert_eq!(Packed::bytes(&tar_gz(&[])).read().unwrap_err(), none);
    assert_eq!(Packed::bytes(&tar_gz(&[("./", EntryType::Directory, b"")])).read().unwrap_err(), none);
}

#[test]
fn other_entries_than_frames_are_refused() {
    let frame = rgba(&[1; 8], "");
    for (name, kind, content, end) in [
        ("../frame_000001.png", FILE, frame.as_slice(), "leads out of the archive's folder"),
        ("/tmp/frame_000001.png", FILE, &frame, "leads out of the archive's folder"),
        ("a/../../frame_000001.png", FILE, &frame, "leads out of the archive's folder"),
        ("more/frame_000001.png", FILE, &frame, "is in another folder than the frames"),
        ("more/", EntryType::Directory, b"", "is in another folder than the frames"),
        ("frame_000001.png", EntryType::Symlink, b"", "is neither a file nor a folder"),
        ("frame_000001.png", EntryType::Link, b"", "is neither a file nor a folder"),
        ("frame_1.png", FILE, &frame, "frame 1 is in frame_000001.png"),
        ("frame_000001.png", FILE, b"<html>", "frame_000001.png is not a frame: it is not a PNG file"),
        ("frame_000001.png", FILE, &frame[..40], "frame_000001.png is not a frame: it is truncated"),
    ] {
        let error = Packed::bytes(&tar_gz(&[(name, kind, content)])).read().unwrap_err();
        assert!(error.starts_with("the archive of frames <it>: ") && error.ends_with(end), "{name}: {error}");
    }
}
