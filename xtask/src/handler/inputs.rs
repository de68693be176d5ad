//! What a ZIP is made from, as one hash.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::hash::{hex, sha256_of_file};

/// Changes when the way of packing does, so that old ZIPs are built anew.
const RECIPE: &str = "1";

/// What is made by builds, and so is no input.
const PRODUCTS: [&str; 2] = ["node_modules", "dist"];

/// The hash over names and contents of the package's files and of the programs in `media`.
pub(super) fn digest(package: &Path, media: &Path) -> anyhow::Result<String> {
    let mut all = Sha256::new();
    all.update(RECIPE);
    for dir in [package, media] {
        let mut files = Vec::new();
        collect(dir, Path::new(""), &mut files)?;
        files.sort();
        for file in files {
            all.update(file.to_string_lossy().as_bytes());
            all.update([0]);
            all.update(sha256_of_file(&dir.join(&file))?);
        }
    }
    Ok(hex(&all.finalize()))
}

fn collect(root: &Path, relative: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let dir = root.join(relative);
    for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
        let entry = entry.with_context(|| format!("{}", dir.display()))?;
        if PRODUCTS.iter().any(|product| entry.file_name() == *product) {
            continue;
        }
        let path = relative.join(entry.file_name());
        if entry.path().is_dir() {
            collect(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_names_and_contents_but_no_products() {
        let (package, media) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let digest = || digest(package.path(), media.path()).unwrap();
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
