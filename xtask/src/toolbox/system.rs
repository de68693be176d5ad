//! The one thing that comes from the system: `zip`, by apt where that is allowed.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use rustix::process::geteuid;

use crate::{
    console::Console,
    env::Env,
    process::{Children, Command},
};

/// Whether the embedded AWS runs here: its Chromium is Linux x86-64 only.
pub fn is_linux_x86_64() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// Finds `zip`, or installs it.
///
/// # Errors
/// When it is missing and may not be installed; the message says how to.
pub async fn ensure_zip(console: &Console, children: &Children, env: &Env) -> anyhow::Result<PathBuf> {
    if let Ok(zip) = which::which_in("zip", env.get("PATH"), ".") {
        return Ok(zip);
    }
    console.step("setup", "installing zip with apt-get");
    apt_install("zip", children, env).await?;
    which::which_in("zip", env.get("PATH"), ".").context("zip is not on PATH after it was installed")
}

/// Installs a Debian package as root, or with sudo where that asks for no password.
pub(super) async fn apt_install(package: &str, children: &Children, env: &Env) -> anyhow::Result<()> {
    let by_hand = format!("install it by hand: sudo apt-get install {package}");
    let Ok(apt) = which::which_in("apt-get", env.get("PATH"), ".") else {
        bail!("{package} is missing and there is no apt-get; install {package} with this system's package manager");
    };
    let sudo = which::which_in("sudo", env.get("PATH"), ".").ok();
    let command = |args: &[&str]| {
        let env = env.for_child().with("DEBIAN_FRONTEND", "noninteractive");
        let command = match (&sudo, geteuid().is_root()) {
            (_, true) => Command::new(&apt, &env),
            (Some(sudo), false) => Command::new(sudo, &env).arg("-n").arg(apt.display().to_string()),
            (None, false) => return None,
        };
        Some(command.args(args.iter().copied()).limit(Duration::from_secs(600)))
    };
    let Some(install) = command(&["install", "-y", package]) else {
        bail!("{package} is missing, and installing it needs root; {by_hand}");
    };
    if install.run(children).await.is_ok() {
        return Ok(());
    }
    // A fresh machine has no package lists yet.
    if let Some(update) = command(&["update"]) {
        update.run(children).await.with_context(|| by_hand.clone())?;
    }
    install.run(children).await.with_context(|| format!("{package} is missing; {by_hand}"))?;
    Ok(())
}
