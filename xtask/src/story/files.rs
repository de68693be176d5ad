//! The files of an artifact folder, read into memory.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, anyhow};
use serde::de::DeserializeOwned;

use super::RunReport;

/// The file that makes a folder a run's.
pub(super) const RUN_JSON: &str = "run.json";

/// Reads the artifact folder of a run, of smoke or of eval, finished or not.
///
/// # Errors
/// When it is no run's, or a file of it can't be read or understood.
pub fn read(dir: &Path) -> anyhow::Result<RunReport> {
    let what = || format!("the artifacts in {}", dir.display());
    // Checked before the folder is read: it may be any folder, and as large as a disk.
    if !dir.join(RUN_JSON).is_file() {
        return Err(anyhow!("{RUN_JSON} is not there: this is no run's artifact folder")).with_context(what);
    }
    let mut files = Files::default();
    collect(dir, "", &mut files).with_context(what)?;
    RunReport::of(&files).with_context(what)
}

fn collect(dir: &Path, prefix: &str, files: &mut Files) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{}", dir.display()))? {
        let entry = entry.with_context(|| format!("{}", dir.display()))?;
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        // A link counts as a file: a run makes none, and they may form circles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            let text = match is_part_of_reports(&name) {
                true => Some(fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?),
                false => None,
            };
            files.add(name, text);
        }
    }
    Ok(())
}

/// Whether reports use a file's content; videos and logs are only listed.
fn is_part_of_reports(name: &str) -> bool {
    let in_place = !name.contains('/') || name.starts_with("renders/");
    in_place && (name.ends_with(".json") || name.ends_with(".csv"))
}

/// The folder's files by their paths relative to it: the text of those that
/// reports are made of, the names of all.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, Option<String>>);

impl Files {
    /// Adds a file; `text` is `None` where only its being there matters.
    pub fn add(&mut self, name: impl Into<String>, text: Option<String>) {
        self.0.insert(name.into(), text);
    }

    /// Every file's name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is such a file.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A file's text; `None` where there is no such file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Reads a JSON file; `None` where there is none.
    ///
    /// # Errors
    /// When it is not what it should be: the error has the file's name, and the
    /// line that the trouble is in.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = serde_json::from_str(text).map_err(|error| {
            let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().trim();
            let shown: String = line.chars().take(SHOWN_OF_A_LINE).collect();
            anyhow::Error::new(error).context(format!("at `{shown}`"))
        });
        read.map(Some).with_context(|| format!("{name} is not what this tool writes"))
    }
}

/// A line of JSON is a field, unless someone took the line breaks out.
const SHOWN_OF_A_LINE: usize = 80;
