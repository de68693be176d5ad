//! The handler ZIP: built only when its inputs changed, the same bytes every time.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use render_verdict::picture::hashes::sha256_of_file;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xshell::cmd;

use crate::{
    project::repo::{Layout, Repo},
    tools::{
        env::Child,
        files,
        handler_zip::{self, ZipSizes, check_budget, inspect},
        runner::Runner,
    },
};

/// The programs and files that a build needs.
#[derive(Debug, Clone)]
pub struct BuildTools {
    /// The `bun` program.
    pub bun: PathBuf,
    /// The `zip` program.
    pub zip: PathBuf,
    /// The static programs of the ZIP, which a checkout's own build adds itself.
    pub programs: Vec<PathBuf>,
}

/// A handler ZIP that is ready to deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandlerZip {
    /// Where it is.
    #[serde(serialize_with = "files::in_json")]
    pub path: PathBuf,
    /// Its hash.
    pub sha256: String,
    /// Its sizes, in bytes.
    pub sizes: ZipSizes,
    /// The version of the package that it was made from, if it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether this run built it, or found it built from the same inputs.
    pub built: bool,
}

/// What the ZIP was made from, written next to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    inputs_sha256: String,
    zip_sha256: String,
    zipped_bytes: u64,
    unzipped_bytes: u64,
    files: u64,
}

const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);

/// Builds the repository's handler ZIP at `target`, unless the one there has the same inputs.
///
/// # Errors
/// When a step fails, or the ZIP breaks its size budget.
pub async fn build(
    repo: &Repo,
    target: &Path,
    tools: &BuildTools,
    runner: &Runner,
    logs: &Path,
) -> anyhow::Result<HandlerZip> {
    let log = logs.join("build.log");
    let zip = match repo.layout() {
        Layout::Own => build_own(repo, target, tools, runner, &log).await?,
        Layout::HyperFrames => checkout_build(repo, target, &tools.bun, runner, &log).await?,
    };
    check_budget(&zip.sizes)?;
    Ok(zip)
}

/// The ZIP that is there already, for `--skip-build`.
///
/// # Errors
/// When there is none, it is no ZIP, or it breaks the size budget.
pub fn existing(path: &Path) -> anyhow::Result<HandlerZip> {
    ensure!(path.is_file(), "--skip-build: there is no {}; run once without that flag", path.display());
    let zip = read(path.to_owned(), false)?;
    check_budget(&zip.sizes)?;
    Ok(zip)
}

/// A ZIP that is there.
pub(crate) fn read(path: PathBuf, built: bool) -> anyhow::Result<HandlerZip> {
    let (sizes, version) = inspect(&path)?;
    Ok(HandlerZip { sha256: sha256_of_file(&path)?, sizes, version, path, built })
}

async fn build_own(
    repo: &Repo,
    target: &Path,
    tools: &BuildTools,
    runner: &Runner,
    log: &Path,
) -> anyhow::Result<HandlerZip> {
    let package = repo.handler_package();
    let dist = package.join("dist");
    let (sh, console) = (&runner.sh, &runner.console);
    let waiting = || console.step("build", "waiting for another run that is building");
    let _lock = files::lock(&dist.join("lock"), waiting).await?;
    let inputs = handler_zip::inputs_digest(&package, &tools.programs)?;
    let manifest_path = dist.join("handler-manifest.json");
    if let Some(zip) = up_to_date(target, &manifest_path, &inputs) {
        return Ok(zip);
    }
    let _ = fs::remove_file(&manifest_path);
    let staging = tempfile::Builder::new().prefix("staging-").tempdir_in(&dist).context("a staging folder")?;
    let [root, programs, fresh] = ["root", "programs", "handler.zip"].map(|name| staging.path().join(name));
    let bundle = async {
        install_packages(&package, &tools.bun, runner, log).await?;
        console.step("build", "bun bundle");
        let bun = &tools.bun;
        runner.run(cmd!(sh, "{bun} run bundle.ts {root}")).cwd(&package).log(log).limit(BUILD_LIMIT).await
    };
    // They are most of the ZIP, and are there before the packages.
    let programs = handler_zip::pack_programs(&tools.programs, &programs, &fresh, &tools.zip, runner);
    tokio::try_join!(bundle, programs)?;
    console.step("build", "zip");
    handler_zip::pack(&root, &fresh, &tools.zip, runner).await?;
    fs::rename(&fresh, target).with_context(|| format!("{}", target.display()))?;
    let zip = read(target.to_owned(), true)?;
    let manifest = Manifest {
        schema_version: 1,
        inputs_sha256: inputs,
        zip_sha256: zip.sha256.clone(),
        zipped_bytes: zip.sizes.zipped,
        unzipped_bytes: zip.sizes.unzipped,
        files: zip.sizes.files,
    };
    fs::write(&manifest_path, serde_json::to_string_pretty(&manifest)? + "\n")
        .with_context(|| format!("{}", manifest_path.display()))?;
    Ok(zip)
}

/// Installs the package's dependencies from its lockfile, unless the ones
/// there came from the same lockfile.
///
/// # Errors
/// When the lockfile does not fit, or a package can't be had.
pub async fn install_packages(package: &Path, bun: &Path, runner: &Runner, log: &Path) -> anyhow::Result<()> {
    let (sh, console) = (&runner.sh, &runner.console);
    let waiting = || console.step("build", "waiting for another bun install");
    // The build and the in-process render of one run both come here at once.
    let _one_at_a_time = files::lock(&package.join("dist/install.lock"), waiting).await?;
    let stamp = package.join("node_modules/.installed-from");
    let lock = sha256_of_file(&package.join("bun.lock"))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    console.step("build", "bun install (from the lockfile)");
    let install = cmd!(sh, "{bun} install --frozen-lockfile --ignore-scripts --no-progress");
    runner.run_as(Child::PackageManager, install).cwd(package).log(log).limit(BUILD_LIMIT).await?;
    fs::write(&stamp, lock).with_context(|| format!("{}", stamp.display()))
}

/// The ZIP that is there, when its manifest names these inputs and its own content.
fn up_to_date(target: &Path, manifest: &Path, inputs: &str) -> Option<HandlerZip> {
    let manifest: Manifest = serde_json::from_slice(&fs::read(manifest).ok()?).ok()?;
    if manifest.inputs_sha256 != inputs || !target.is_file() {
        return None;
    }
    let zip = read(target.to_owned(), false).ok()?;
    (zip.sha256 == manifest.zip_sha256).then_some(zip)
}

// A checkout's own build of its handler: scripts of its package.

/// Builds the ZIP, then compares it with its budget; in this order.
pub const CHECKOUT_SCRIPTS: [&str; 2] = ["build:zip", "verify:zip-size"];

/// Refuses a checkout whose handler can't be built, before anything is started.
///
/// # Errors
/// When its package.json has not the scripts, or its packages are not installed.
pub fn check_scripts(repo: &Repo) -> anyhow::Result<()> {
    if repo.layout() == Layout::Own {
        return Ok(());
    }
    let path = repo.handler_package().join("package.json");
    let what = || path.display().to_string();
    let manifest: Value = serde_json::from_slice(&fs::read(&path).with_context(what)?).with_context(what)?;
    for script in CHECKOUT_SCRIPTS {
        ensure!(
            manifest["scripts"][script].as_str().is_some_and(|command| !command.trim().is_empty()),
            "{}: scripts.{script} is missing; --skip-build deploys an existing ZIP",
            path.display()
        );
    }
    ensure!(
        !repo.root().join("bun.lock").is_file() || repo.is_installed(&repo.handler_package()),
        "the packages of {} are not installed; run `bun install` there, or deploy an existing ZIP with --skip-build",
        repo.root().display()
    );
    Ok(())
}

/// Installs all packages of a checkout from its lockfile.
pub(crate) async fn install_checkout(repo: &Repo, bun: &Path, runner: &Runner, log: &Path) -> anyhow::Result<()> {
    let sh = &runner.sh;
    runner.console.step("build", "bun install (from the lockfile)");
    let install = cmd!(sh, "{bun} install --frozen-lockfile --no-progress");
    runner.run_as(Child::PackageManager, install).cwd(repo.root()).log(log).limit(BUILD_LIMIT).await.map(drop)
}

/// Runs the scripts, which leave the ZIP at `target`.
pub(crate) async fn checkout_build(
    repo: &Repo,
    target: &Path,
    bun: &Path,
    runner: &Runner,
    log: &Path,
) -> anyhow::Result<HandlerZip> {
    let (sh, package) = (&runner.sh, repo.handler_package());
    for script in CHECKOUT_SCRIPTS {
        runner.console.step("build", &format!("bun run {script}"));
        let build = cmd!(sh, "{bun} run --cwd {package} {script}");
        runner.run_as(Child::PackageManager, build).cwd(repo.root()).log(log).limit(BUILD_LIMIT).await?;
    }
    ensure!(
        target.is_file(),
        "build:zip succeeded but did not write {}, which is what the template deploys",
        target.display()
    );
    read(target.to_owned(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(manifest: &str, others: &[&str]) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            fs::write(dir.path().join(name), content).unwrap();
        };
        file("packages/aws-lambda/package.json", manifest);
        file("examples/aws-lambda/template.yaml", "");
        others.iter().for_each(|name| file(name, ""));
        let reported = check_scripts(&Repo::at(dir.path()).unwrap()).map_err(|error| format!("{error:#}"));
        reported.map_err(|reported| reported.replace(&dir.path().display().to_string(), "<it>"))
    }

    const BOTH: &str = r#"{"scripts": {"build:zip": "tsx a.ts", "verify:zip-size": "tsx b.ts"}}"#;

    #[test]
    fn a_checkout_has_to_have_both_scripts() {
        assert_eq!(checked(BOTH, &[]), Ok(()));
        let reported = checked(&BOTH.replace("verify:zip-size", "verify"), &[]).unwrap_err();
        assert!(
            reported.starts_with("<it>/packages/aws-lambda/package.json: scripts.verify:zip-size is missing"),
            "{reported}"
        );
        for manifest in
            ["{}", r#"{"scripts": []}"#, r#"{"scripts": {"build:zip": 3}}"#, r#"{"scripts": {"build:zip": " "}}"#]
        {
            assert!(checked(manifest, &[]).unwrap_err().contains("scripts.build:zip is missing"), "{manifest}");
        }
        assert!(checked("{", &[]).unwrap_err().starts_with("<it>/packages/aws-lambda/package.json: "));
    }

    #[test]
    fn its_packages_have_to_be_installed() {
        assert!(checked(BOTH, &["bun.lock"]).unwrap_err().contains("run `bun install`"));
        assert_eq!(checked(BOTH, &["bun.lock", "node_modules/.bin/tsx"]), Ok(()));
        assert_eq!(checked(BOTH, &["bun.lock", "packages/aws-lambda/node_modules/.bin/tsx"]), Ok(()));
    }
}
