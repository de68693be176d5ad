//! Packages beside the tools, for a program that not every run needs.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Toolbox, advice, remove_dir, stamp::Stamp};
use crate::{console::Console, env::Env, process::Children};

impl Toolbox {
    /// Provisions the packages of a hash-locked list into a folder of their own, and
    /// gives that folder: the tools' Python finds them by `PYTHONPATH`, and with them
    /// the tools' packages, which the list need not repeat. [`Toolbox::provide_all`]
    /// comes first.
    ///
    /// # Errors
    /// When a download fails or has the wrong hash.
    pub async fn provide_packages(
        &self,
        name: &str,
        list: &Path,
        console: &Console,
        children: &Children,
        env: &Env,
    ) -> anyhow::Result<PathBuf> {
        let _lock = self.lock(console).await?;
        let folder = self.dir.join(name);
        let stamp = Stamp::new(&self.dir, name, &[list], vec![folder.clone()])?;
        if stamp.holds() {
            return Ok(folder);
        }
        console.step("setup", &format!("installing {name} from a hash-locked list"));
        // pip would leave what another list brought.
        remove_dir(&folder)?;
        let (list, target) = (list.display().to_string(), folder.display().to_string());
        let install = self.pip(env, "install").args(["--no-compile", "--target", &target, "-r", &list]);
        install.run(children).await.with_context(advice)?;
        stamp.write()?;
        Ok(folder)
    }
}
