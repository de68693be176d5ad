//! The edge: an artifact folder's files, read into memory.

use std::{fs, path::Path};

use anyhow::{Context, anyhow};

use super::{Files, RUN_JSON, Story};

/// Reads the artifact folder of a run, of smoke or of eval, finished or not.
///
/// # Errors
/// When it is no run's, or a file of it can't be read or understood.
pub fn read(dir: &Path) -> anyhow::Result<Story> {
    let what = || format!("the artifacts in {}", dir.display());
    // Before the folder is read: it may be any, and as large as a disk.
    if !dir.join(RUN_JSON).is_file() {
        return Err(anyhow!("{RUN_JSON} is not there: this is no run's artifact folder")).with_context(what);
    }
    let mut files = Files::default();
    collect(dir, "", &mut files).with_context(what)?;
    Story::of(&files).with_context(what)
}

fn collect(dir: &Path, prefix: &str, files: &mut Files) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{}", dir.display()))? {
        let entry = entry.with_context(|| format!("{}", dir.display()))?;
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        // Links are files here: a run makes none, and they may lead round in circles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            let text = match is_told_of(&name) {
                true => Some(fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?),
                false => None,
            };
            files.add(name, text);
        }
    }
    Ok(())
}

/// Whether a file's content is part of the story; videos and logs are only named.
fn is_told_of(name: &str) -> bool {
    let in_place = !name.contains('/') || name.starts_with("renders/");
    in_place && (name.ends_with(".json") || name.ends_with(".csv"))
}
