//! Stamps: which step of provisioning is done, with which list, at which place.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::hash::hex;

/// A note, written when a step is done, of what it was done with. A step whose
/// list, place or products have changed is done anew.
pub(super) struct Stamp {
    path: PathBuf,
    content: String,
    made: Vec<PathBuf>,
}

impl Stamp {
    pub(super) fn new(dir: &Path, name: &str, lists: &[&Path], made: Vec<PathBuf>) -> anyhow::Result<Self> {
        // Scripts in a Python environment hold its absolute path.
        let mut content = format!("{}\n", dir.display());
        for list in lists {
            let bytes = fs::read(list).with_context(|| format!("the list {}", list.display()))?;
            content.push_str(&hex(&Sha256::digest(&bytes)));
            content.push('\n');
        }
        Ok(Self { path: dir.join(format!("{name}.stamp")), content, made })
    }

    /// Whether the step was done once, with whatever list.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    pub(super) fn holds(&self) -> bool {
        let same = fs::read_to_string(&self.path).is_ok_and(|content| content == self.content);
        same && self.made.iter().all(|product| product.exists())
    }

    pub(super) fn write(&self) -> anyhow::Result<()> {
        fs::write(&self.path, &self.content).with_context(|| format!("{}", self.path.display()))
    }
}

/// Forgets all steps that build on the Python environment.
pub(super) fn remove_all(dir: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?.flatten() {
        if entry.file_name() == "python-tools.stamp" || entry.file_name() == "venv.stamp" {
            fs::remove_file(entry.path()).with_context(|| format!("{}", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_until_list_place_or_product_changes() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list");
        fs::write(&list, "a==1").unwrap();
        fs::write(dir.path().join("product"), "").unwrap();
        let stamp = || Stamp::new(dir.path(), "step", &[&list], vec![dir.path().join("product")]).unwrap();
        assert!(!stamp().holds());
        stamp().write().unwrap();
        assert!(stamp().holds());
        fs::write(&list, "a==2").unwrap();
        assert!(!stamp().holds());
        stamp().write().unwrap();
        fs::remove_file(dir.path().join("product")).unwrap();
        assert!(!stamp().holds());
    }
}
