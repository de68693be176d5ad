//! A checkout's own test harness, which renders a fixture in-process and compares it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde_json::{Map, Value};
use tokio::time::Instant;
use xshell::cmd;

use super::{InProcess, Job, LIMIT};
use crate::{
    clock,
    fixture::RenderFormat,
    process::Runner,
    repo::{Layout, Repo},
};

/// What the commands of the harness's scripts have in common.
const HARNESS: &str = "regression-harness";

/// Scripts of other modes of it, and those that rewrite baselines, have one of these.
const OTHER_MODES: [&str; 3] = ["--update", "--mode", "docker"];

/// Where it renders to, in the temporary folder.
const RENDERS_TO: &str = "hyperframes-tests";

/// Settings of the renderer and its browser that a user may have made.
const SETTINGS: [&str; 3] = ["PRODUCER_*", "PUPPETEER_*", "HYPERFRAMES_*"];

/// The harness of a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harness {
    producer: PathBuf,
    script: String,
}

impl Harness {
    /// The harness, where the repository has one that can run: what it needs is installed.
    ///
    /// # Errors
    /// When the package.json that would tell can't be read.
    pub fn find(repo: &Repo) -> anyhow::Result<Option<Self>> {
        let producer = repo.producer_package();
        let path = producer.join("package.json");
        if repo.layout() == Layout::Own || !path.is_file() {
            return Ok(None);
        }
        let what = || path.display().to_string();
        let manifest: Value = serde_json::from_slice(&fs::read(&path).with_context(what)?).with_context(what)?;
        let scripts = manifest["scripts"].as_object().cloned().unwrap_or_default();
        let script = script(&scripts).filter(|_| repo.is_installed(&producer)).map(str::to_owned);
        Ok(script.map(|script| Self { producer, script }))
    }

    /// Renders a fixture as the harness does; its video goes where the job says, where it leaves one.
    ///
    /// # Errors
    /// When it fails: when a fixture can't be rendered, or not as its own baseline is.
    pub async fn render(&self, job: &Job<'_>, bun: &Path, runner: &Runner) -> anyhow::Result<InProcess> {
        let Self { producer, script } = self;
        let (sh, name) = (&runner.sh, &job.fixture.name);
        let what = || format!("rendering {name} by the checkout's harness (bun run {script})");
        // The harness names its folder after the fixture, so two runs on one machine would remove each other's.
        let scratch = tempfile::Builder::new().prefix("harness-").tempdir().with_context(what)?;
        let render = cmd!(sh, "{bun} run --silent --cwd {producer} {script} -- {name} --sequential --keep-temp");
        let render = render.envs(runner.env.only(&SETTINGS).iter()).env("TMPDIR", scratch.path());
        let started = Instant::now();
        let rendered = runner.run(render).log(job.log).limit(LIMIT).await;
        let wall_ms = clock::ms(started.elapsed());
        rendered.with_context(what)?;
        let left = scratch.path().join(RENDERS_TO).join(name);
        take(&left, job).with_context(what)?;
        Ok(InProcess { wall_ms, told: Value::Null })
    }
}

/// Moves what was rendered to where it was asked for.
fn take(left: &Path, job: &Job<'_>) -> anyhow::Result<()> {
    let rendered = match job.format {
        RenderFormat::Video(format) => left.join(format!("output.{}", format.extension())),
        RenderFormat::PngSequence => left.join("frames"),
    };
    if !rendered.exists() {
        return Ok(());
    }
    ensure!(!job.to.exists(), "{} is there already", job.to.display());
    // The temporary folder may be on another file system.
    if fs::rename(&rendered, job.to).is_err() {
        copy(&rendered, job.to).with_context(|| format!("copying {}", rendered.display()))?;
    }
    Ok(())
}

/// Copies a video, or a folder of frames.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The script that renders in-process and compares; `test` before others.
fn script(scripts: &Map<String, Value>) -> Option<&str> {
    let runs = |command: &Value| {
        command.as_str().is_some_and(|c| c.contains(HARNESS) && !OTHER_MODES.iter().any(|mode| c.contains(mode)))
    };
    let mut named = scripts.iter().filter(|(_, command)| runs(command)).map(|(name, _)| name.as_str());
    match scripts.get("test") {
        Some(command) if runs(command) => Some("test"),
        _ => named.next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_video_and_a_folder_of_frames_are_copied() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("frames")).unwrap();
        fs::write(path("frames/frame_000001.png"), "frame").unwrap();
        copy(&path("frames"), &path("kept")).unwrap();
        copy(&path("kept/frame_000001.png"), &path("alone")).unwrap();
        assert_eq!(fs::read_to_string(path("alone")).unwrap(), "frame");
        assert!(copy(&path("nothing"), &path("x")).is_err());
    }

    #[test]
    fn the_script_is_found_by_what_it_runs() {
        let found = |scripts: Value| script(scripts.as_object().unwrap()).map(str::to_owned);
        let seed = json!({"build": "x", "test:update": "tsx src/regression-harness.ts --update", "test": "tsx src/regression-harness.ts"});
        assert_eq!(found(seed).as_deref(), Some("test"));
        let later = json!({
            "test": "bun run test:unit",
            "test:distributed": "tsx src/regression-harness.ts --mode=distributed-simulated",
            "test:regression:update": "tsx src/regression-harness.ts --update --exclude-tags a",
            "test:regression": "tsx src/regression-harness.ts --exclude-tags a",
        });
        assert_eq!(found(later).as_deref(), Some("test:regression"));
        assert_eq!(found(json!({"test": "vitest", "docker:test": "docker run regression-harness", "x": 3})), None);
    }
}
