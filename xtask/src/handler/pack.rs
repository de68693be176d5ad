//! From the files of a handler to the bytes of its ZIP: what they are made from, as one hash, and
//! packing them so that the same inputs give the same bytes on every machine.

use std::{
    fs::{self, File, FileTimes},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use xshell::cmd;

use crate::{
    hash::{hex, sha256_of_file},
    process::Runner,
};

/// Changes when the way of packing does, so that old ZIPs are rebuilt.
const RECIPE: &str = "1";

/// What builds make, which is no input.
const PRODUCTS: [&str; 2] = ["node_modules", "dist"];

/// The hash over names and contents of the package's files and of the programs in `media`.
pub(super) fn inputs_digest(package: &Path, media: &Path) -> anyhow::Result<String> {
    let mut all = Sha256::new();
    all.update(RECIPE);
    for dir in [package, media] {
        for file in files_below(dir, &PRODUCTS)? {
            all.update(file.to_string_lossy().as_bytes());
            all.update([0]);
            all.update(sha256_of_file(&dir.join(&file))?);
        }
    }
    Ok(hex(&all.finalize()))
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

/// Adds ffmpeg and ffprobe of the folder `media` to the staged folder and packs it: sorted
/// entries, fixed times and modes.
pub(super) async fn pack(root: &Path, media: &Path, to: &Path, zip: &Path, runner: &Runner) -> anyhow::Result<()> {
    let bin = root.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("{}", bin.display()))?;
    for program in ["ffmpeg", "ffprobe"] {
        let (from, to) = (media.join(program), bin.join(program));
        fs::copy(&from, &to).with_context(|| format!("copying {} into the ZIP", from.display()))?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_names_and_contents_but_no_products() {
        let (package, media) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let digest = || inputs_digest(package.path(), media.path()).unwrap();
        fs::write(package.path().join("a"), "1").unwrap();
        let first = digest();
        fs::create_dir(package.path().join("dist")).unwrap();
        fs::write(package.path().join("dist/handler.zip"), "z").unwrap();
        assert_eq!(digest(), first);
        fs::write(package.path().join("a"), "2").unwrap();
        let second = digest();
        assert_ne!(second, first);
        fs::write(media.path().join("ffmpeg"), "f").unwrap();
        assert_ne!(digest(), second);
    }
}
