//! From the files of a handler to the bytes of its ZIP: what they are made from, as one hash, and
//! packing them so that the same inputs give the same bytes on every machine.

use std::{
    fs::{self, File, FileTimes},
    io::{Read, Seek, SeekFrom},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use flate2::read::DeflateDecoder;
use render_verdict::picture::hashes::sha256_of_file;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use xshell::cmd;

use crate::tools::runner::Runner;

/// Changes when the way of packing does, so that old ZIPs are rebuilt.
const RECIPE: &str = "2";

/// What builds make, which is no input.
const PRODUCTS: [&str; 2] = ["node_modules", "dist"];

/// The hash over names and contents of the package's files and of `programs`.
pub(crate) fn inputs_digest(package: &Path, programs: &[PathBuf]) -> anyhow::Result<String> {
    let mut all = Sha256::new();
    all.update(RECIPE);
    let files = files_below(package, &PRODUCTS)?.into_iter().map(|file| (package.join(&file), file));
    let programs = programs.iter().map(|program| (program.clone(), name_of(program)));
    for (path, name) in files.chain(programs) {
        all.update(name.to_string_lossy().as_bytes());
        all.update([0]);
        all.update(sha256_of_file(&path)?);
    }
    Ok(hex::encode(all.finalize()))
}

fn name_of(program: &Path) -> PathBuf {
    program.file_name().map(PathBuf::from).unwrap_or_default()
}

/// The files below `root` in a fixed order, relative to it; `skipped` names are left out.
fn files_below(root: &Path, skipped: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let dir = root.join(&folder);
        for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
            let entry = entry.with_context(|| format!("{}", dir.display()))?;
            let path = folder.join(entry.file_name());
            if skipped.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// 2000-01-01: after 1980, where ZIP's times begin.
const FIXED_TIME_S: u64 = 946_684_800;

const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Packs `programs` as what is in `bin`, from copies in `folder`.
pub(crate) async fn pack_programs(
    programs: &[PathBuf],
    folder: &Path,
    to: &Path,
    zip: &Path,
    runner: &Runner,
) -> anyhow::Result<()> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("{}", bin.display()))?;
    for program in programs {
        let to = bin.join(name_of(program));
        fs::copy(program, &to).with_context(|| format!("copying {} into the ZIP", program.display()))?;
    }
    pack(folder, to, zip, runner).await
}

/// Packs a folder, next to what is in the ZIP already: sorted entries, fixed times and modes.
pub(crate) async fn pack(root: &Path, to: &Path, zip: &Path, runner: &Runner) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for file in files_below(root, &[])? {
        normalize(&root.join(&file))?;
        ensure!(!file.as_os_str().as_bytes().contains(&b'\n'), "{file:?} can't be packed");
        names.extend([file.as_os_str().as_bytes(), b"\n"].concat());
    }
    let list = root.with_extension("list");
    fs::write(&list, names).with_context(|| format!("{}", list.display()))?;
    let sh = &runner.sh;
    // ZIP stores local times, so the time zone is part of the recipe.
    let zip = cmd!(sh, "{zip} -X -D -q -@ {to}").env("TZ", "UTC");
    runner.run(zip).input(&list).cwd(root).limit(LIMIT).await.map(drop)
}

/// Gives a file its fixed time and mode.
fn normalize(file: &Path) -> anyhow::Result<()> {
    let what = || format!("{}", file.display());
    let meta = fs::symlink_metadata(file).with_context(what)?;
    ensure!(!meta.is_symlink(), "{} is a symbolic link, which a Lambda ZIP can't hold", file.display());
    let executable = meta.permissions().mode() & 0o111 != 0;
    let mode = fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 });
    fs::set_permissions(file, mode).with_context(what)?;
    let time = UNIX_EPOCH + Duration::from_secs(FIXED_TIME_S);
    let opened = File::options().write(true).open(file).with_context(what)?;
    opened.set_times(FileTimes::new().set_modified(time).set_accessed(time)).with_context(what)
}

// The sizes in a ZIP's central directory, which Lambda counts, and their budget.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZipSizes {
    /// Bytes of the file itself.
    pub zipped: u64,
    /// Bytes of its content.
    pub unzipped: u64,
    /// Entries.
    pub files: u64,
}

const END: [u8; 4] = *b"PK\x05\x06";

const ENTRY: [u8; 4] = *b"PK\x01\x02";

const FILE: [u8; 4] = *b"PK\x03\x04";

const FILE_LEN: usize = 30;

const END_LEN: usize = 22;

const ENTRY_LEN: usize = 46;

/// The file in which the renderer's version is; the renderer itself reads it there.
const PACKAGE: &[u8] = b"package.json";

/// As much of that file is read at most.
const LONGEST_PACKAGE: u64 = 1 << 20;

/// Reads the sizes, and the version of the package that the ZIP was made from, if it says one. Format: APPNOTE.TXT
/// 4.3.7, 4.3.12 and 4.3.16; ZIP64, which starts at 4 GB, is far over what Lambda takes and is refused.
///
/// # Errors
/// When the file is no ZIP.
pub fn inspect(path: &Path) -> anyhow::Result<(ZipSizes, Option<String>)> {
    read(path).with_context(|| format!("{} is not a ZIP that Lambda accepts", path.display()))
}

fn read(path: &Path) -> anyhow::Result<(ZipSizes, Option<String>)> {
    let mut file = File::open(path)?;
    let zipped = file.seek(SeekFrom::End(0))?;
    // The end record is followed by a comment of 64 KiB at most.
    let tail_len = zipped.min((END_LEN + 0xffff) as u64);
    file.seek(SeekFrom::Start(zipped - tail_len))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let end =
        tail.windows(4).rposition(|w| w == END).context("it has no end record: the file is truncated or not a ZIP")?;
    let end = tail.get(end..end + END_LEN).context("the end record is truncated")?;
    let (files, size, offset) = (u16_at(end, 10), u32_at(end, 12), u32_at(end, 16));
    ensure!(offset != u32::MAX && u64::from(offset) + u64::from(size) <= zipped, "its directory is truncated");

    file.seek(SeekFrom::Start(offset.into()))?;
    let mut directory = vec![0; size as usize];
    file.read_exact(&mut directory)?;
    ensure!(files > 0, "it has no files");
    let (mut at, mut unzipped, mut version) = (0, 0, None);
    for _ in 0..files {
        let entry = directory.get(at..at + ENTRY_LEN).context("its directory is too short")?;
        ensure!(entry[..4] == ENTRY, "its directory is damaged");
        unzipped += u64::from(u32_at(entry, 24));
        let mut begins = [0; 4];
        file.seek(SeekFrom::Start(u32_at(entry, 42).into()))?;
        file.read_exact(&mut begins).context("its files are truncated")?;
        ensure!(begins == FILE, "its directory does not match its files");
        let name = directory.get(at + ENTRY_LEN..at + ENTRY_LEN + usize::from(u16_at(entry, 28)));
        if name == Some(PACKAGE) {
            version = version_in(&mut file, entry);
        }
        at += ENTRY_LEN + [28, 30, 32].iter().map(|&field| usize::from(u16_at(entry, field))).sum::<usize>();
    }
    Ok((ZipSizes { zipped, unzipped, files: files.into() }, version))
}

/// The version in a stored or deflated package.json; `file` is right behind the first four bytes of its header.
fn version_in(file: &mut File, entry: &[u8]) -> Option<String> {
    let mut header = [0; FILE_LEN - FILE.len()];
    file.read_exact(&mut header).ok()?;
    // The fields are counted from behind the signature.
    file.seek(SeekFrom::Current(i64::from(u16_at(&header, 22)) + i64::from(u16_at(&header, 24)))).ok()?;
    let stored = file.take(u32_at(entry, 20).into());
    let mut text = String::new();
    match u16_at(entry, 10) {
        0 => stored.take(LONGEST_PACKAGE).read_to_string(&mut text).ok()?,
        8 => DeflateDecoder::new(stored).take(LONGEST_PACKAGE).read_to_string(&mut text).ok()?,
        _ => return None,
    };
    let package: Value = serde_json::from_str(&text).ok()?;
    let version = package.get("version")?.as_str()?;
    // It is shown, so nothing else than a version is taken.
    let is_version = version.len() <= 64 && version.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c));
    is_version.then(|| version.to_owned())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Lambda's ceiling is 250 MiB unzipped; the budget leaves room for its own runtime files.
const UNZIPPED_MIB: u64 = 248;

/// What an upload should not exceed.
const ZIPPED_MIB: u64 = 150;

/// Compares the sizes of a ZIP with the budget.
///
/// # Errors
/// When it is over; the message says by how much.
pub fn check_budget(sizes: &ZipSizes) -> anyhow::Result<()> {
    let over = |what: &str, bytes: u64, budget: u64| {
        let mib = bytes as f64 / f64::from(1 << 20);
        ensure!(bytes <= budget << 20, "the handler ZIP has {mib:.1} MiB {what}, the budget is {budget} MiB");
        Ok(())
    };
    over("unzipped", sizes.unzipped, UNZIPPED_MIB)?;
    over("zipped", sizes.zipped, ZIPPED_MIB)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, read::DeflateEncoder};

    use super::*;

    #[test]
    fn the_digest_follows_names_and_contents_but_no_products() {
        let (package, media) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (usual, alpha) = (media.path().join("ffmpeg"), media.path().join("ffmpeg-alpha"));
        for program in [&usual, &alpha] {
            fs::write(program, "same").unwrap();
        }
        let digest_with = |programs: &[PathBuf]| inputs_digest(package.path(), programs).unwrap();
        let digest = || digest_with(std::slice::from_ref(&usual));
        fs::write(package.path().join("a"), "1").unwrap();
        let first = digest();
        fs::create_dir(package.path().join("dist")).unwrap();
        fs::write(package.path().join("dist/handler.zip"), "z").unwrap();
        assert_eq!(digest(), first);
        fs::write(package.path().join("a"), "2").unwrap();
        let second = digest();
        assert_ne!(second, first);
        fs::write(&usual, "another").unwrap();
        let third = digest();
        assert_ne!(third, second);
        assert_ne!(digest_with(&[usual.clone(), alpha]), third);
    }

    /// A ZIP of one file, by hand.
    fn zip_of(name: &str, method: u8, unzipped: usize, stored: &[u8]) -> Vec<u8> {
        let mut bytes = FILE.to_vec();
        bytes.resize(FILE_LEN, 0);
        bytes[26] = name.len() as u8;
        bytes.extend([name.as_bytes(), stored].concat());
        let offset = bytes.len() as u32;
        let mut entry = ENTRY.to_vec();
        entry.resize(ENTRY_LEN, 0);
        entry[10] = method;
        entry[20..24].copy_from_slice(&(stored.len() as u32).to_le_bytes());
        entry[24..28].copy_from_slice(&(unzipped as u32).to_le_bytes());
        entry[28] = name.len() as u8;
        entry.extend(name.as_bytes());
        let mut end = END.to_vec();
        end.resize(END_LEN, 0);
        end[10] = 1;
        end[12] = entry.len() as u8;
        end[16..20].copy_from_slice(&offset.to_le_bytes());
        [bytes, entry, end].concat()
    }

    fn zip() -> Vec<u8> {
        zip_of("a", 0, 10, b"aaaaaaaaaa")
    }

    #[test]
    fn reads_the_directory_and_refuses_what_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("z.zip");
        std::fs::write(&path, zip()).unwrap();
        assert_eq!(inspect(&path).unwrap(), (ZipSizes { zipped: zip().len() as u64, unzipped: 10, files: 1 }, None));
        let none = [&END[..], &[0; END_LEN - 4]].concat();
        let overwritten = [b"<html>", &zip()[6..]].concat();
        for broken in [&zip()[..60], &zip()[5..], b"", b"not a zip", &none, &overwritten] {
            std::fs::write(&path, broken).unwrap();
            assert!(inspect(&path).is_err());
        }
    }

    #[test]
    fn the_version_is_read_from_a_stored_or_deflated_package() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("z.zip");
        let version = |zip: Vec<u8>| {
            fs::write(&path, zip).unwrap();
            inspect(&path).unwrap().1
        };
        let package = format!(r#"{{"version": "0.9.66-rc.1", "x": "{}"}}"#, "a".repeat(500));
        let mut deflated = Vec::new();
        DeflateEncoder::new(package.as_bytes(), Compression::default()).read_to_end(&mut deflated).unwrap();
        let stored = |name, text: &str| zip_of(name, 0, text.len(), text.as_bytes());
        assert_eq!(version(stored("package.json", &package)).as_deref(), Some("0.9.66-rc.1"));
        assert_eq!(version(zip_of("package.json", 8, package.len(), &deflated)).as_deref(), Some("0.9.66-rc.1"));
        assert_eq!(version(stored("other.json", &package)), None);
        for none in ["{}", "no JSON", r#"{"version": 1}"#, r#"{"version": "::error"}"#] {
            assert_eq!(version(stored("package.json", none)), None, "{none}");
        }
    }

    #[test]
    fn the_budget_is_a_ceiling() {
        let sizes = |unzipped, zipped| ZipSizes { zipped, unzipped, files: 1 };
        assert!(check_budget(&sizes(248 << 20, 150 << 20)).is_ok());
        assert!(check_budget(&sizes((248 << 20) + 1, 1)).unwrap_err().to_string().contains("unzipped"));
        assert!(check_budget(&sizes(1, (150 << 20) + 1)).unwrap_err().to_string().contains(" zipped"));
    }
}
