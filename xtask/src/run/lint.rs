//! Checking the template, once for each content of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::Run;
use crate::{env::Env, hash::hex};

/// As many templates that were found valid are known; the oldest are forgotten.
const KNOWN: usize = 100;

impl Run {
    /// `sam validate --lint`, unless this very version of sam found this very template valid before.
    ///
    /// # Errors
    /// When the template is not valid.
    pub(super) async fn validate(&self) -> anyhow::Result<()> {
        let template = &self.template.path;
        let content = fs::read(template).with_context(|| template.display().to_string())?;
        let folder = cache(&self.session.env);
        let known = folder.as_ref().map(|folder| folder.join(self.key(&content)));
        if known.as_ref().is_some_and(|file| file.is_file()) {
            self.step("validate", "the template was found valid before, by this version of sam");
            return Ok(());
        }
        self.sam().validate(template).await.context("the template is not valid")?;
        if let Some((folder, known)) = folder.zip(known) {
            // Without this it is only checked again.
            let _ = fs::create_dir_all(&folder).and_then(|()| fs::write(known, template.display().to_string()));
            forget_the_oldest(&folder);
        }
        Ok(())
    }

    /// What the answer depends on.
    fn key(&self, content: &[u8]) -> String {
        let record = self.record.borrow();
        let sam = record.tools.get("sam").map(String::as_str).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(format!("{sam}\0{}\0", self.options.target.region));
        hash.update(content);
        hex(&hash.finalize())
    }
}

/// Where it is noted, a file each; `None` where there is no place for caches.
fn cache(env: &Env) -> Option<PathBuf> {
    let of_user = env.get("XDG_CACHE_HOME").map(PathBuf::from);
    let of_user = of_user.or_else(|| Some(Path::new(env.get("HOME")?).join(".cache")))?;
    Some(of_user.join("hyperframes-lambda/valid-templates"))
}

fn forget_the_oldest(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path()))).collect();
    files.sort();
    for (_, path) in files.iter().rev().skip(KNOWN) {
        let _ = fs::remove_file(path);
    }
}
