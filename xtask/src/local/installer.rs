//! Packages of hash-locked lists: uv installs them, as it takes a fraction of pip's time and keeps what it has
//! downloaded for other clones. uv itself comes by pip, whose settings it is given. Where it does not know one of them,
//! or fails, pip installs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use tokio::sync::Mutex;
use xshell::cmd;

use crate::{
    local::{
        provisioning::{Stamp, remove_dir},
        system,
    },
    tools::{env::Child, runner::Runner},
};

/// Installs packages into the environment of the tools, or into folders.
pub(super) struct Installer<'a> {
    runner: &'a Runner,
    venv: PathBuf,
    /// The Python that the environment is made of.
    python: PathBuf,
    uv: Option<Uv>,
    /// Held while the environment gets its pip, which two installations may need at the same time.
    getting_pip: Mutex<()>,
}

struct Uv {
    program: PathBuf,
    /// pip's settings, as variables.
    settings: Vec<(&'static str, String)>,
}

const LIMIT: Duration = Duration::from_secs(30 * 60);

impl<'a> Installer<'a> {
    /// Finds a Python and provides uv in the folder of the tools, where that works.
    pub(super) async fn prepare(dir: &Path, list: &Path, runner: &'a Runner) -> anyhow::Result<Self> {
        let python = system::find_python(runner).await?;
        let mut installer = Self { runner, venv: dir.join("venv"), python, uv: None, getting_pip: Mutex::default() };
        // Without it everything still can be installed.
        installer.uv = installer.provide_uv(&dir.join("uv"), list).await.unwrap_or_default();
        Ok(installer)
    }

    async fn provide_uv(&self, folder: &Path, list: &Path) -> anyhow::Result<Option<Uv>> {
        let (sh, mut python) = (&self.runner.sh, self.python.clone());
        let settings = async |python: &Path| {
            self.runner.run_as(Child::PackageManager, cmd!(sh, "{python} -m pip config list")).await
        };
        let mut listed = settings(&python).await;
        if listed.is_err() {
            // A Debian has no pip but the one that it puts into an environment.
            self.make_venv_with_pip().await?;
            python = self.in_venv();
            listed = settings(&python).await;
        }
        let listed = listed?;
        let Some(settings) = for_uv(&listed.stdout) else { return Ok(None) };
        let program = folder.join("bin/uv");
        let dir = folder.parent().context("the folder of the tools")?;
        let stamp = Stamp::new(dir, "uv", &[list], vec![program.clone()])?;
        if !stamp.holds() {
            remove_dir(folder)?;
            self.install_by_pip(&python, &[Path::new("--target"), folder], list).await?;
            self.runner.run(cmd!(sh, "{program} --version")).await?;
            stamp.write()?;
        }
        Ok(Some(Uv { program, settings }))
    }

    /// Makes the environment, in place of one that is there.
    pub(super) async fn make_venv(&self) -> anyhow::Result<()> {
        let (sh, venv, python) = (&self.runner.sh, &self.venv, &self.python);
        remove_dir(venv)?;
        if let Some(uv) = &self.uv {
            let program = &uv.program;
            let made = cmd!(sh, "{program} venv --quiet --no-config --no-python-downloads --python {python} {venv}");
            if self.runner.run_as(Child::PackageManager, made).await.is_ok() {
                return Ok(());
            }
            remove_dir(venv)?;
        }
        self.make_venv_with_pip().await
    }

    async fn make_venv_with_pip(&self) -> anyhow::Result<()> {
        system::make_venv(&self.python, &self.venv, self.runner).await
    }

    fn in_venv(&self) -> PathBuf {
        self.venv.join("bin/python")
    }

    /// Installs a list, into a folder if one is given, for Linux x86-64 then.
    pub(super) async fn install(&self, list: &Path, folder: Option<&Path>) -> anyhow::Result<()> {
        let (sh, python) = (&self.runner.sh, self.in_venv());
        let target = folder.map(|folder| [Path::new("--target"), folder]).into_iter().flatten();
        let mut target: Vec<&Path> = target.collect();
        if let Some(Uv { program, settings }) = &self.uv {
            let platform = folder.map(|_| "--python-platform=x86_64-manylinux2014");
            let target = &target;
            let install = cmd!(
                sh,
                "{program} pip install --quiet --no-config --python {python}
                    --no-deps --require-hashes --only-binary :all: {platform...} {target...} -r {list}"
            );
            let install = settings.iter().fold(install, |install, (name, value)| install.env(name, value));
            match self.runner.run_as(Child::PackageManager, install).limit(LIMIT).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    let note = format!("uv could not install {}, so pip does: {error:#}", list.display());
                    self.runner.console.note(&note);
                }
            }
        }
        {
            let _getting = self.getting_pip.lock().await;
            if !self.venv.join("bin/pip").exists() {
                self.make_venv_with_pip().await?;
            }
        }
        target.extend(folder.map(|_| Path::new("--platform=manylinux2014_x86_64")));
        self.install_by_pip(&python, &target, list).await.context(
            "the tools could not be installed; the package index must be reachable once (pip's settings are used), \
             then run the same command again",
        )
    }

    async fn install_by_pip(&self, python: &Path, into: &[&Path], list: &Path) -> anyhow::Result<()> {
        let sh = &self.runner.sh;
        // Compiling what is never imported would take as long as the rest.
        let install = cmd!(
            sh,
            "{python} -m pip install --quiet --disable-pip-version-check --no-input
                --no-deps --require-hashes --only-binary :all: --no-compile {into...} -r {list}"
        );
        self.runner.run_as(Child::PackageManager, install).limit(LIMIT).await.map(drop)
    }
}

/// What a setting of pip is for uv: variables with the same meaning.
const SETTINGS: [(&str, &[&str]); 9] = [
    ("index-url", &["UV_DEFAULT_INDEX"]),
    ("extra-index-url", &["UV_INDEX"]),
    ("find-links", &["UV_FIND_LINKS"]),
    ("cert", &["SSL_CERT_FILE"]),
    ("client-cert", &["SSL_CLIENT_CERT"]),
    ("proxy", &["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"]),
    ("trusted-host", &["UV_INSECURE_HOST"]),
    ("timeout", &["UV_HTTP_TIMEOUT"]),
    ("default-timeout", &["UV_HTTP_TIMEOUT"]),
];

/// Settings that change nothing about what is installed, or that the command line decides.
const WITHOUT_EFFECT: [&str; 17] = [
    "break-system-packages",
    "cache-dir",
    "disable-pip-version-check",
    "no-cache-dir",
    "no-color",
    "no-compile",
    "no-input",
    "no-warn-script-location",
    "only-binary",
    "prefer-binary",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "retries",
    "root-user-action",
    "user",
    "verbose",
];

/// The variables for uv that mean the same as what `pip config list` prints; `None` where one has no equal.
fn for_uv(listed: &str) -> Option<Vec<(&'static str, String)>> {
    // Of equal names the command's own counts, and before that a variable.
    let rank = |section: &str| ["global", "install", ":env:"].iter().position(|known| *known == section);
    let mut settings: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for line in listed.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once('=')?;
        let (section, name) = name.split_once('.')?;
        let Some(rank) = rank(section) else { continue };
        let known = settings.entry(name.to_owned()).or_default();
        if rank >= known.0 {
            *known = (rank, value.trim().trim_matches(['\'', '"']).replace("\\n", " "));
        }
    }
    settings.remove("config-file");
    // The hashes decide, whichever index a package comes from.
    let always = [("UV_SYSTEM_CERTS", "1"), ("UV_INDEX_STRATEGY", "unsafe-best-match")];
    let mut variables: Vec<_> = always.map(|(name, value)| (name, value.to_owned())).into();
    for (name, (_, value)) in settings {
        if WITHOUT_EFFECT.contains(&name.as_str()) {
            continue;
        }
        let (_, of_uv) = SETTINGS.iter().find(|(known, _)| *known == name)?;
        let value = value.split_whitespace().collect::<Vec<_>>().join(if name == "find-links" { "," } else { " " });
        variables.extend(of_uv.iter().map(|variable| (*variable, value.clone())));
    }
    Some(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(listed: &str) -> Option<Vec<(&'static str, String)>> {
        let variables = for_uv(listed)?;
        Some(
            variables
                .into_iter()
                .filter(|(name, _)| !["UV_SYSTEM_CERTS", "UV_INDEX_STRATEGY"].contains(name))
                .collect(),
        )
    }

    #[test]
    fn settings_of_pip_mean_the_same_for_uv() {
        assert_eq!(of(""), Some(vec![]));
        let listed = ":env:.find-links='/wheels  /more'\nglobal.index-url='https://mirror.example/simple'\n\
                      global.cert='/etc/ca.pem'\ninstall.cert='/etc/own.pem'\nglobal.retries='3'\ndownload.cert='/x'\n";
        let expected = [
            ("SSL_CERT_FILE", "/etc/own.pem"),
            ("UV_FIND_LINKS", "/wheels,/more"),
            ("UV_DEFAULT_INDEX", "https://mirror.example/simple"),
        ];
        assert_eq!(of(listed), Some(expected.map(|(name, value)| (name, value.to_owned())).into()));
        let several = "global.extra-index-url='\\nhttps://a/simple\\nhttps://b/simple'\n:env:.proxy='http://p:1'";
        let found = of(several).unwrap();
        assert!(found.contains(&("UV_INDEX", "https://a/simple https://b/simple".to_owned())), "{found:?}");
        assert!(found.contains(&("HTTPS_PROXY", "http://p:1".to_owned())), "{found:?}");
    }

    #[test]
    fn a_setting_without_an_equal_leaves_it_to_pip() {
        for unknown in ["global.no-index='true'", ":env:.constraint='/c.txt'", "install.keyring-provider='import'", "x"]
        {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }
}
