//! The handler ZIP: built only when its inputs changed, the same bytes every time.

mod checkout;
mod pack;
mod zip_file;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use xshell::cmd;

pub use checkout::{CHECKOUT_SCRIPTS, check_scripts};
pub use zip_file::{ZipSizes, check_budget, sizes};

use crate::{
    exclusive,
    hash::sha256_of_file,
    process::Runner,
    repo::{Layout, Repo},
};

/// The programs and files that a build needs.
#[derive(Debug, Clone)]
pub struct BuildTools {
    /// The `bun` program.
    pub bun: PathBuf,
    /// The `zip` program.
    pub zip: PathBuf,
    /// The folder with the static ffmpeg and ffprobe of the ZIP.
    pub media: PathBuf,
}

/// A handler ZIP that is ready to deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandlerZip {
    /// Where it is.
    pub path: PathBuf,
    /// Its hash.
    pub sha256: String,
    /// Its sizes, in bytes.
    pub sizes: ZipSizes,
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
        Layout::HyperFrames => checkout::build(repo, target, &tools.bun, runner, &log).await?,
    };
    check_budget(&zip.sizes)?;
    Ok(zip)
}

/// The ZIP that is there already, for `--skip-build`.
///
/// # Errors
/// When there is none, it is no ZIP, or it breaks the size budget.
pub fn existing(path: &Path) -> anyhow::Result<HandlerZip> {
    ensure!(path.is_file(), "--skip-build: there is no {}; run once without it", path.display());
    let zip = read(path.to_owned(), false)?;
    check_budget(&zip.sizes)?;
    Ok(zip)
}

fn read(path: PathBuf, built: bool) -> anyhow::Result<HandlerZip> {
    Ok(HandlerZip { sha256: sha256_of_file(&path)?, sizes: sizes(&path)?, path, built })
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
    let _lock = exclusive::lock(&dist.join("lock"), waiting).await?;
    let inputs = pack::inputs_digest(&package, &tools.media)?;
    let manifest_path = dist.join("handler-manifest.json");
    if let Some(zip) = up_to_date(target, &manifest_path, &inputs) {
        return Ok(zip);
    }
    let _ = fs::remove_file(&manifest_path);
    install_packages(&package, &tools.bun, runner, log).await?;
    console.step("build", "bun bundle");
    let staging = tempfile::Builder::new().prefix("staging-").tempdir_in(&dist).context("a staging folder")?;
    let (bun, root, fresh) = (&tools.bun, staging.path().join("root"), staging.path().join("handler.zip"));
    runner.run(cmd!(sh, "{bun} run bundle.ts {root}")).cwd(&package).log(log).limit(BUILD_LIMIT).await?;
    console.step("build", "zip");
    pack::pack(&root, &tools.media, &fresh, &tools.zip, runner).await?;
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
    let _one_at_a_time = exclusive::lock(&package.join("dist/install.lock"), waiting).await?;
    let stamp = package.join("node_modules/.installed-from");
    let lock = sha256_of_file(&package.join("bun.lock"))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    console.step("build", "bun install (from the lockfile)");
    let install = cmd!(sh, "{bun} install --frozen-lockfile --ignore-scripts --no-progress");
    runner.run(install).cwd(package).log(log).limit(BUILD_LIMIT).await?;
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
