//! A Python that can hold the tools.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use xshell::{Shell, cmd};

use super::system;
use crate::{
    env::Env,
    process::{Children, Command},
};

/// The oldest Python that the locked packages run on.
const OLDEST: (u32, u32) = (3, 11);

const NAMES: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// The first Python on PATH that is new enough.
pub(super) fn find(env: &Env) -> anyhow::Result<PathBuf> {
    let shell = Shell::new().context("the current folder")?;
    let mut seen = Vec::new();
    for name in NAMES {
        let Ok(path) = which::which_in(name, env.get("PATH"), ".") else { continue };
        let version = cmd!(shell, "{path} -c 'import sys; print(sys.version_info[0], sys.version_info[1])'");
        let Ok(version) = version.quiet().ignore_stderr().read() else { continue };
        match parse(&version) {
            Some(version) if version >= OLDEST => return Ok(path),
            _ => seen.push(format!("{} is {}", path.display(), version.trim().replace(' ', "."))),
        }
    }
    let found = if seen.is_empty() { "none is on PATH".to_owned() } else { seen.join(", ") };
    bail!("Python {}.{} or newer is needed for the local tools; {found}", OLDEST.0, OLDEST.1);
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Makes a virtual environment; Debian's Python needs a package for that,
/// which is installed where that is allowed.
pub(super) async fn make_venv(python: &Path, dir: &Path, children: &Children, env: &Env) -> anyhow::Result<()> {
    let make = || Command::new(python, &env.for_child()).args(["-m", "venv"]).arg(dir.display().to_string());
    let output = make().run_any(children).await?;
    if output.status.success() {
        return Ok(());
    }
    let printed = format!("{}{}", output.stdout, output.stderr_tail);
    ensure!(printed.contains("ensurepip") || printed.contains("No module named venv"), "{}", make().complaint(&output));
    system::apt_install("python3-venv", children, env).await.context("this Python can't make virtual environments")?;
    let _ = std::fs::remove_dir_all(dir);
    make().run(children).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse("3 11\n"), Some((3, 11)));
        assert!(parse("3 9").unwrap() < OLDEST && parse("3 14").unwrap() > OLDEST);
        assert_eq!(parse("nonsense"), None);
    }
}
