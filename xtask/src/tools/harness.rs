//! A checkout's own test harness, which renders a fixture in-process and compares it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde_json::{Map, Value};
use tokio::time::Instant;
use xshell::cmd;

use crate::{
    context::{self, Session},
    project::{
        fixture::format::RenderFormat,
        repo::{Layout, Repo},
    },
    tools::{
        env::{Child, Env},
        in_process::{InProcess, Job, LIMIT, Renderer, check_built, check_platform},
        runner::Runner,
    },
};

/// What the commands of the harness's scripts have in common.
const HARNESS: &str = "regression-harness";

/// Scripts of other modes of it, and those that rewrite baselines, have one of these.
const OTHER_MODES: [&str; 3] = ["--update", "--mode", "docker"];

/// Where it renders to, in the temporary folder.
const RENDERS_TO: &str = "hyperframes-tests";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harness {
    producer: PathBuf,
    script: String,
}

impl Harness {
    /// The harness, where the repository has one that can run: what it needs is installed.
    ///
    /// # Errors
    /// When the package.json that would say it can't be read.
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
        let render = render.env("TMPDIR", scratch.path());
        let started = Instant::now();
        let rendered = runner.run_as(Child::Renderer, render).log(job.log).limit(LIMIT).await;
        let wall_ms = context::ms(started.elapsed());
        rendered.with_context(what)?;
        let left = scratch.path().join(RENDERS_TO).join(name);
        take(&left, job).with_context(what)?;
        Ok(InProcess { wall_ms, reported: Value::Null })
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
    ensure!(!job.to.exists(), "{} already exists", job.to.display());
    // The temporary folder may be on another file system.
    if fs::rename(&rendered, job.to).is_err() {
        copy(&rendered, job.to).with_context(|| format!("copying {}", rendered.display()))?;
    }
    Ok(())
}

/// Copies a video, or a folder of frames.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return std::io::copy(&mut fs::File::open(from)?, &mut fs::File::create_new(to)?).map(drop);
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

// How this repository's fixtures are rendered locally, to be timed.

/// The way that a repository has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalWay {
    /// By the test harness of a checkout, whose start and own comparison take their time too.
    Harness(Harness),
    /// By the packages of this repository alone.
    Packages,
    /// By the published packages, as a checkout's own are not built.
    Published(Repo),
}

impl LocalWay {
    /// The way that there is. `own` is the repository that this tool was built in, where that is
    /// its own one and not a checkout that it was copied into.
    ///
    /// # Errors
    /// When there is none here: nothing is built, or the packages' Chromium is not for this machine.
    pub fn of(repo: &Repo, own: Option<Repo>, is_linux_x86_64: bool) -> anyhow::Result<Self> {
        if let Some(harness) = Harness::find(repo)? {
            return Ok(Self::Harness(harness));
        }
        let way = match (check_built(repo), own) {
            (Ok(()), _) => Self::Packages,
            (Err(_), Some(own)) => Self::Published(own),
            (Err(error), None) => return Err(error),
        };
        check_platform("the local leg", is_linux_x86_64)?;
        Ok(way)
    }
}

/// What renders locally, ready to do so.
#[derive(Debug, Clone)]
pub enum LocalRenderer {
    Harness { harness: Harness, bun: PathBuf, runner: Runner },
    Packages(Renderer),
}

impl LocalRenderer {
    /// Makes a way ready; `env` is where tools are looked for.
    ///
    /// # Errors
    /// When a tool or a package can't be had.
    pub async fn prepare(session: &Session, repo: &Repo, way: LocalWay, env: &Env, log: &Path) -> anyhow::Result<Self> {
        match way {
            LocalWay::Harness(harness) => {
                let runner = session.runner.with_env(env);
                let bun = runner.find("bun").context("the checkout's harness is run by bun, which is not on PATH")?;
                Ok(Self::Harness { harness, bun, runner })
            }
            LocalWay::Packages => Self::packages(session, repo, log).await,
            LocalWay::Published(own) => Self::packages(session, &own, log).await,
        }
    }

    async fn packages(session: &Session, of: &Repo, log: &Path) -> anyhow::Result<Self> {
        context::provision(session).await?;
        Renderer::prepare(session, of, log).await.map(Self::Packages)
    }

    /// # Errors
    /// When that fails.
    pub async fn render(&self, job: &Job<'_>) -> anyhow::Result<InProcess> {
        match self {
            Self::Harness { harness, bun, runner } => harness.render(job, bun, runner).await,
            Self::Packages(renderer) => renderer.render(job).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::project::repo::tool_root;

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

    struct Checkout(tempfile::TempDir);

    impl Checkout {
        fn with(files: &[(&str, &str)]) -> Self {
            let checkout = Self(tempfile::tempdir().unwrap());
            let always = [("packages/aws-lambda/package.json", "{}"), ("examples/aws-lambda/template.yaml", "")];
            for (name, content) in always.iter().chain(files) {
                let path = checkout.0.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, content).unwrap();
            }
            checkout
        }

        fn way(&self, own: Option<Repo>, is_linux_x86_64: bool) -> anyhow::Result<LocalWay> {
            LocalWay::of(&Repo::at(self.0.path()).unwrap(), own, is_linux_x86_64)
        }
    }

    const SCRIPT: (&str, &str) =
        ("packages/producer/package.json", r#"{"scripts": {"test": "tsx src/regression-harness.ts"}}"#);
    const BUILT: (&str, &str) = ("packages/producer/dist/index.js", "");
    const INSTALLED: (&str, &str) = ("node_modules/.bin/tsx", "");

    #[test]
    fn a_harness_that_can_run_comes_first_and_runs_anywhere() {
        let way = Checkout::with(&[SCRIPT, BUILT, INSTALLED]).way(None, false).unwrap();
        assert!(matches!(way, LocalWay::Harness(_)), "{way:?}");
    }

    #[test]
    fn then_comes_what_the_checkout_built_and_then_what_is_published() {
        assert_eq!(Checkout::with(&[SCRIPT, BUILT]).way(None, true).unwrap(), LocalWay::Packages);
        let own = Repo::at(&tool_root()).unwrap();
        assert_eq!(Checkout::with(&[SCRIPT]).way(Some(own.clone()), true).unwrap(), LocalWay::Published(own.clone()));
        assert_eq!(LocalWay::of(&own, Some(own.clone()), true).unwrap(), LocalWay::Packages);
    }

    #[test]
    fn without_any_it_is_reported_what_to_build() {
        let reported = Checkout::with(&[SCRIPT]).way(None, true).unwrap_err().to_string();
        assert!(reported.contains("is not built") && reported.contains("bun run build"), "{reported}");
        let reported = Checkout::with(&[BUILT]).way(None, false).unwrap_err().to_string();
        assert!(reported.contains("Linux x86-64"), "{reported}");
        let broken = Checkout::with(&[("packages/producer/package.json", "{")]).way(None, true).unwrap_err();
        assert!(format!("{broken:#}").contains("packages/producer/package.json"), "{broken:#}");
    }
}
