//! Rendering in-process: one composition, by this machine alone.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::time::Instant;
use xshell::cmd;

use crate::{
    console::text::excerpt,
    context::{self, Session},
    local::{provisioning::Toolbox, system::is_linux_x86_64},
    project::{
        fixture::{Fixture, format::RenderFormat},
        repo::{Layout, Repo, tool_root},
    },
    tools::{
        env::{Child, Env},
        handler::install_packages,
        runner::{Run, Runner},
    },
};

/// A render in-process takes no longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(60 * 60);

/// One render to do.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What is asked of the render.
    pub fixture: &'a Fixture,
    /// The composition's folder, as staged.
    pub project: &'a Path,
    pub format: RenderFormat,
    /// The file, or for a png-sequence the folder, that it goes to.
    pub to: &'a Path,
    /// Gets everything that is printed.
    pub log: &'a Path,
}

/// One render that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct InProcess {
    /// From the start of the process to its end, ms.
    pub wall_ms: u64,
    /// What the renderer says of itself: versions, frames and its own time; null where it says nothing.
    pub reported: Value,
}

impl InProcess {
    /// The renderer's share of the time, without the start of node and the unpacking of Chromium, ms.
    pub fn renderer_ms(&self) -> Option<u64> {
        self.reported["durationMs"].as_u64()
    }
}

// The renderer's own packages, driven by a script of ours.

/// The script, in the repository that this tool was built in.
const SCRIPT: &str = "xtask/in-process/render.mjs";

/// What a checkout has when its renderer is built.
const BUILT: &str = "packages/producer/dist/index.js";

/// Refuses machines that the renderer's Chromium is not for.
///
/// # Errors
/// When `is_linux_x86_64` is false; `what_for` says what needs the renderer.
pub fn check_platform(what_for: &str, is_linux_x86_64: bool) -> anyhow::Result<()> {
    if !is_linux_x86_64 {
        bail!(
            "{what_for} needs the in-process renderer, whose Chromium is for Linux x86-64 only; \
             use such a machine, or leave {what_for} out"
        );
    }
    Ok(())
}

/// Refuses a checkout whose renderer is not built: what is published is not what its handler has.
///
/// # Errors
/// With what to do.
pub fn check_built(repo: &Repo) -> anyhow::Result<()> {
    ensure!(
        repo.layout() == Layout::Own || repo.root().join(BUILT).is_file(),
        "the in-process renderer of {} is not built: there is no {BUILT}; run `bun install` and `bun run build` there",
        repo.root().display()
    );
    Ok(())
}

/// Whether this machine can render without installing anything first.
pub(crate) fn is_ready(session: &Session, repo: &Repo) -> bool {
    is_linux_x86_64() && check_built(repo).is_ok() && session.toolbox.bin().join("node").exists()
}

/// The renderer, its packages installed.
#[derive(Debug, Clone)]
pub struct Renderer {
    node: PathBuf,
    toolbox: Toolbox,
    package: PathBuf,
    runner: Runner,
}

impl Renderer {
    /// Installs the renderer's packages, unless they are there; a checkout's are its own.
    ///
    /// # Errors
    /// When they can't be had, or a checkout's renderer is not built.
    pub async fn prepare(session: &Session, repo: &Repo, log: &Path) -> anyhow::Result<Self> {
        check_built(repo)?;
        let package = repo.handler_package();
        let bin = session.toolbox.bin();
        let runner = session.runner.with_env(&session.env.clone().with_path_first(&bin));
        if repo.layout() == Layout::Own {
            install_packages(&package, &bin.join("bun"), &runner, log).await?;
        }
        Ok(Self { node: bin.join("node"), toolbox: session.toolbox.clone(), package, runner })
    }

    /// Renders with the provisioned node, Chromium and ffmpeg.
    ///
    /// # Errors
    /// When the renderer fails, or leaves nothing, or the encoder for alpha can't be had.
    pub async fn render(&self, job: &Job<'_>) -> anyhow::Result<InProcess> {
        let name = &job.fixture.name;
        if job.format.has_alpha() {
            self.toolbox.provide_media(true, &self.runner).await?;
        }
        let started = Instant::now();
        let what = || format!("rendering {name} in-process");
        let output = self.run(job).log(job.log).any_status().await.with_context(what)?;
        let wall_ms = context::ms(started.elapsed());
        if let (false, Some(why)) = (output.status.success(), why(&output.stderr_tail)) {
            bail!("{}: {why}; its log is {}", what(), job.log.display());
        }
        let output = output.successful().with_context(what)?;
        ensure!(job.to.exists(), "the in-process renderer succeeded but did not write {}", job.to.display());
        let last = output.stdout.lines().last();
        let last =
            last.with_context(|| format!("the in-process renderer printed nothing about its render of {name}"))?;
        let reported = serde_json::from_str(last);
        let reported = reported.with_context(|| format!("the in-process renderer's last line is not JSON: {last}"))?;
        Ok(InProcess { wall_ms, reported })
    }

    fn run(&self, job: &Job<'_>) -> Run<'_> {
        let (Self { node, package, runner, toolbox }, Job { project, to, .. }) = (self, job);
        let (sh, script, meta) = (&runner.sh, tool_root().join(SCRIPT), &job.fixture.meta);
        let (fps, format) = (meta.fps.to_string(), job.format.handler_name());
        let variables = meta.forwarded.get("variables").map(|variables| ["--variables".into(), variables.to_string()]);
        let variables = variables.into_iter().flatten();
        let hdr = meta.hdr.then_some("--hdr");
        let encoder = job.format.has_alpha().then(|| ("HYPERFRAMES_FFMPEG_PATH", toolbox.alpha_encoder()));
        let render = cmd!(
            sh,
            "{node} --experimental-import-meta-resolve {script} --packages {package}
                --project {project} --output {to} --fps {fps} --format {format} {variables...} {hdr...}"
        )
        .envs(encoder);
        runner.run_as(Child::Renderer, render).limit(LIMIT)
    }
}

/// What the script says of a failure, in its last lines.
fn why(stderr: &str) -> Option<String> {
    let lines: Vec<&str> = stderr.lines().collect();
    let (begin, first) =
        lines.iter().enumerate().rev().find_map(|(i, line)| Some((i, line.strip_prefix("error: ")?)))?;
    let lines = [&[first], &lines[begin + 1..]].concat();
    Some(excerpt(&lines.join("\n")).replace('\n', "; "))
}

// A fixture's composition as it is packed and rendered, its packages installed first.

/// Gives the folder to pack and to render: the fixture's own, or, where it declares
/// files of packages, a copy at `to` that has them. The packages are those of
/// `fixtures/package.json`, installed by the `bun` on `env`'s PATH unless they are
/// there; `log` gets what it prints.
///
/// # Errors
/// When a package can't be had, or a file is not the declared one.
pub async fn staged(
    session: &Session,
    repo: &Repo,
    fixture: &Fixture,
    env: &Env,
    to: &Path,
    log: &Path,
) -> anyhow::Result<PathBuf> {
    let folder = repo.fixture_packages();
    let packages = folder.join("node_modules");
    if !fixture.has_packages(&packages) {
        let lock = folder.join("bun.lock");
        ensure!(lock.is_file(), "fixture {} needs packages, but there is no {}", fixture.name, lock.display());
        let bun = which::which_in("bun", env.os("PATH"), ".")
            .with_context(|| {
                format!("fixture {} needs packages, but bun, which installs them, is not on PATH", fixture.name)
            })
            .context("install bun with `npm install -g bun`, or on Linux x86-64 with `cargo xtask setup`")?;
        install_packages(&folder, &bun, &session.runner.with_env(env), log)
            .await
            .with_context(|| format!("installing the packages that fixture {} needs", fixture.name))?;
    }
    let (fixture, to) = (fixture.clone(), to.to_owned());
    tokio::task::spawn_blocking(move || fixture.stage(&packages, &to)).await.context("staging the composition")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_what_the_script_says_of_it_last() {
        let said = "error: no\n    at x (y.js)\n}\nerror: NOT_FOUND: no such font\nthe browser's last error: [Browser:HTTP404] GET /a\n";
        assert_eq!(why(said).unwrap(), "NOT_FOUND: no such font; the browser's last error: [Browser:HTTP404] GET /a");
        assert_eq!(why("Killed\n"), None);
    }

    #[test]
    fn other_machines_are_reported_what_is_needed() {
        assert!(check_platform("--exact", true).is_ok());
        let error = check_platform("--exact", false).unwrap_err().to_string();
        assert_eq!(
            error,
            "--exact needs the in-process renderer, whose Chromium is for Linux x86-64 only; \
             use such a machine, or leave --exact out"
        );
    }
}
