//! The handler ZIP of a release, in place of one that is built here.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, bail, ensure};
use render_verdict::picture::hashes::sha256_of_file;

use crate::tools::{
    handler::HandlerZip,
    handler_zip::{check_budget, inspect},
};

/// Which ZIP a run deploys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandlerCode<'a> {
    /// One that it builds.
    Built,
    /// The one that is where the template deploys it from.
    Existing,
    /// One that is built from this commit of the repository.
    Commit(&'a str),
    /// This one, with the SHA-256 that it must have; without that, the one in the file next to it.
    Release(&'a Path, Option<&'a Sha256Hex>),
}

/// A SHA-256 as 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sha256Hex(String);

impl FromStr for Sha256Hex {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let is_hash = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
        ensure!(is_hash, "{text:?} is not a SHA-256 (64 hexadecimal digits)");
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// Checks the hash and the size of a release's ZIP before anything starts.
pub(crate) fn check(file: &Path, expected: Option<&Sha256Hex>) -> anyhow::Result<HandlerZip> {
    ensure!(file.is_file(), "--handler-zip: there is no file {}", file.display());
    let expected = match expected {
        Some(expected) => expected.clone(),
        None => next_to(file)?,
    };
    let sha256 = sha256_of_file(file).with_context(|| file.display().to_string())?;
    ensure!(
        sha256 == expected.0,
        "--handler-zip: {} has the SHA-256 {sha256}, and not {}; download it again",
        file.display(),
        expected.0
    );
    let (sizes, version) = inspect(file)?;
    check_budget(&sizes)?;
    Ok(HandlerZip { sha256, sizes, version, path: file.to_owned(), built: false })
}

/// Puts a ZIP where the template deploys it from.
pub(crate) fn place(zip: HandlerZip, target: &Path) -> anyhow::Result<HandlerZip> {
    let what = || format!("copying {} to {}", zip.path.display(), target.display());
    let folder = target.parent().with_context(what)?;
    fs::create_dir_all(folder).with_context(what)?;
    let copy = tempfile::NamedTempFile::new_in(folder).with_context(what)?;
    fs::copy(&zip.path, copy.path()).with_context(what)?;
    ensure!(sha256_of_file(copy.path())? == zip.sha256, "{} changed while it was copied", zip.path.display());
    copy.persist(target).with_context(what)?;
    Ok(zip)
}

/// The hash in `FILE.sha256`, which `sha256sum` writes as `HASH  NAME`.
fn next_to(file: &Path) -> anyhow::Result<Sha256Hex> {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    let path = PathBuf::from(name);
    let Ok(text) = fs::read_to_string(&path) else {
        bail!("--handler-zip: give the ZIP's --sha256, or put it into {}", path.display());
    };
    let first = text.split_whitespace().next().unwrap_or_default();
    first.parse().with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty stored file `a` in a ZIP, by hand.
    fn zip() -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(31, 0);
        let mut entry = b"PK\x01\x02".to_vec();
        entry.resize(46, 0);
        entry[28] = 1;
        entry.push(b'a');
        let mut end = b"PK\x05\x06".to_vec();
        end.resize(22, 0);
        (end[10], end[12], end[16]) = (1, 47, 31);
        [bytes, entry, end].concat()
    }

    #[test]
    fn a_zip_is_taken_by_the_hash_that_is_given_or_next_to_it_and_by_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (file, target) = (dir.path().join("handler.zip"), dir.path().join("dist/handler.zip"));
        let check = |expected: Option<&str>| {
            let expected: Option<Sha256Hex> = expected.map(|hash| hash.parse().unwrap());
            super::check(&file, expected.as_ref()).map_err(|error| format!("{error:#}"))
        };
        assert!(check(None).unwrap_err().contains("there is no file"));
        fs::write(&file, zip()).unwrap();
        let hash = sha256_of_file(&file).unwrap();
        assert!(check(None).unwrap_err().contains("handler.zip.sha256"));
        assert!(
            check(Some(&"0".repeat(64))).unwrap_err().ends_with(&format!("not {}; download it again", "0".repeat(64)))
        );
        assert_eq!(place(check(Some(&hash.to_uppercase())).unwrap(), &target).unwrap().sha256, hash);
        assert_eq!(fs::read(&target).unwrap(), zip());
        fs::write(dir.path().join("handler.zip.sha256"), format!("{hash}  handler.zip\n")).unwrap();
        let release = check(None).unwrap();
        fs::write(&file, b"another").unwrap();
        assert!(place(release, &target).unwrap_err().to_string().ends_with("changed while it was copied"));
        fs::write(dir.path().join("handler.zip.sha256"), "404: Not Found").unwrap();
        assert!(check(None).unwrap_err().contains("handler.zip.sha256: \"404:\" is not a SHA-256"));
        let no_zip = sha256_of_file(&file).unwrap();
        assert!(check(Some(&no_zip)).unwrap_err().contains("is not a ZIP that Lambda accepts"));
    }
}
