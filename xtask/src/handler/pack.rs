//! Packing the staged folder: sorted entries, fixed times and modes, so that
//! the same inputs give the same bytes on every machine.

use std::{
    fs::{self, File, FileTimes},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, ensure};

use crate::{
    env::Env,
    process::{Children, Command},
};

/// 2000-01-01: after 1980, where ZIP's times begin.
const FIXED_TIME_S: u64 = 946_684_800;

/// Adds ffmpeg and ffprobe to the staged folder and packs it.
pub(super) async fn pack(
    root: &Path,
    media: &Path,
    to: &Path,
    zip: &Path,
    env: &Env,
    children: &Children,
) -> anyhow::Result<()> {
    let bin = root.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("{}", bin.display()))?;
    for program in ["ffmpeg", "ffprobe"] {
        let (from, to) = (media.join(program), bin.join(program));
        fs::copy(&from, &to).with_context(|| format!("copying {} into the ZIP", from.display()))?;
    }
    let mut files = Vec::new();
    normalize(root, Path::new(""), &mut files)?;
    files.sort();
    let list = root.with_extension("list");
    fs::write(&list, files.iter().map(|f| format!("{}\n", f.display())).collect::<String>())
        .with_context(|| format!("{}", list.display()))?;
    // ZIP stores local times: the zone is part of the recipe.
    let env = env.for_child().with("TZ", "UTC");
    let command = Command::new(zip, &env).args(["-X", "-D", "-q", "-@"]).arg(to.display().to_string());
    command.input(&list).cwd(root).limit(Duration::from_secs(600)).run(children).await.map(|_| ())
}

/// Gives every file its fixed time and mode, and collects their names.
fn normalize(root: &Path, relative: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let dir = root.join(relative);
    for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
        let path = relative.join(entry.with_context(|| format!("{}", dir.display()))?.file_name());
        let full = root.join(&path);
        let meta = fs::symlink_metadata(&full).with_context(|| format!("{}", full.display()))?;
        ensure!(!meta.is_symlink(), "{} is a symbolic link, which a Lambda ZIP can't hold", full.display());
        if meta.is_dir() {
            normalize(root, &path, files)?;
            continue;
        }
        ensure!(!path.to_string_lossy().contains('\n'), "{path:?} can't be packed");
        let executable = meta.permissions().mode() & 0o111 != 0;
        fs::set_permissions(&full, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
            .with_context(|| format!("{}", full.display()))?;
        let time = UNIX_EPOCH + Duration::from_secs(FIXED_TIME_S);
        let file = File::options().write(true).open(&full).with_context(|| format!("{}", full.display()))?;
        file.set_times(FileTimes::new().set_modified(time).set_accessed(time))
            .with_context(|| format!("{}", full.display()))?;
        files.push(path);
    }
    Ok(())
}
