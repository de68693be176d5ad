//! What comes from the system: a Python that can hold the tools, and `zip`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::geteuid;
use xshell::{Cmd, cmd};

use crate::tools::{env::Child, runner::Runner};

/// The oldest Python that the locked packages run on.
const OLDEST: (u32, u32) = (3, 11);

const NAMES: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// Whether the embedded AWS runs here: its Chromium is Linux x86-64 only.
pub fn is_linux_x86_64() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// The first Python on PATH that is new enough.
pub(crate) async fn find_python(runner: &Runner) -> anyhow::Result<PathBuf> {
    let (sh, mut seen) = (&runner.sh, Vec::new());
    for python in NAMES.into_iter().filter_map(|name| runner.find(name)) {
        let version = cmd!(sh, "{python} -c 'import sys; print(sys.version_info[0], sys.version_info[1])'");
        let Ok(version) = runner.run(version).await else { continue };
        match parse(&version.stdout) {
            Some(version) if version >= OLDEST => return Ok(python),
            _ => seen.push(format!("{} is {}", python.display(), version.stdout.trim().replace(' ', "."))),
        }
    }
    let found = if seen.is_empty() { "none is on PATH".to_owned() } else { seen.join(", ") };
    bail!("Python {}.{} or newer is needed for the local tools; {found}", OLDEST.0, OLDEST.1);
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Makes a virtual environment; Debian's Python needs a package for that, which is
/// installed where that is allowed.
pub(crate) async fn make_venv(python: &Path, dir: &Path, runner: &Runner) -> anyhow::Result<()> {
    let sh = &runner.sh;
    let made = runner.run(cmd!(sh, "{python} -m venv {dir}")).any_status().await?;
    let lacks_venv = ["ensurepip", "No module named venv"]
        .iter()
        .any(|words| made.stdout.contains(words) || made.stderr_tail.contains(words));
    if made.status.success() || !lacks_venv {
        return made.successful().map(drop);
    }
    apt_install("python3-venv", runner).await.context("this Python can't make virtual environments")?;
    let _ = std::fs::remove_dir_all(dir);
    runner.run(cmd!(sh, "{python} -m venv {dir}")).await.map(drop)
}

/// Finds `zip`, or installs it.
///
/// # Errors
/// When it is missing and may not be installed; the message says how to.
pub async fn ensure_zip(runner: &Runner) -> anyhow::Result<PathBuf> {
    if let Some(zip) = runner.find("zip") {
        return Ok(zip);
    }
    runner.console.step("setup", "installing zip with apt-get");
    apt_install("zip", runner).await?;
    runner.find("zip").context("zip is not on PATH after it was installed")
}

/// Installs a Debian package as root, or with sudo where that asks for no password.
async fn apt_install(package: &str, runner: &Runner) -> anyhow::Result<()> {
    let by_hand = || format!("install it by hand: sudo apt-get install {package}");
    let Some(apt) = runner.find("apt-get") else {
        bail!("{package} is missing and there is no apt-get; install {package} with this system's package manager");
    };
    let (sh, is_root, sudo) = (&runner.sh, geteuid().is_root(), runner.find("sudo"));
    if !is_root && sudo.is_none() {
        bail!("{package} is missing, and installing it needs root; {}", by_hand());
    }
    let sudo = sudo.filter(|_| !is_root);
    let as_root = |command: Cmd<'_>| {
        runner
            .run_as(Child::PackageManager, command.env("DEBIAN_FRONTEND", "noninteractive"))
            .limit(Duration::from_secs(600))
    };
    let apt_get = |args: &[&str]| {
        as_root(match &sudo {
            Some(sudo) => cmd!(sh, "{sudo} -n {apt} {args...}"),
            None => cmd!(sh, "{apt} {args...}"),
        })
    };
    let install = || apt_get(&["install", "-y", package]);
    if install().await.is_ok() {
        return Ok(());
    }
    // A fresh machine has no package lists yet.
    apt_get(&["update"]).await.with_context(by_hand)?;
    install().await.with_context(|| format!("{package} is missing; {}", by_hand())).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_versions_compare_as_numbers() {
        assert_eq!(parse("3 11\n"), Some((3, 11)));
        assert!(parse("3 9").unwrap() < OLDEST && parse("3 14").unwrap() > OLDEST);
        assert_eq!(parse("nonsense"), None);
    }
}
