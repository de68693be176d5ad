//! The in-process renderer: one composition, rendered by this machine alone.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    clock,
    fixture::{Fixture, RenderFormat},
    handler::install_packages,
    process::{Children, Command, Env},
    repo::{Layout, Repo, tool_root},
    session::Session,
};

const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The renderer's script in a handler package.
const SCRIPT: &str = "render-in-process.mjs";

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

/// The renderer, its packages installed.
#[derive(Debug, Clone)]
pub struct Renderer {
    node: PathBuf,
    package: PathBuf,
    env: Env,
    children: Children,
}

/// One render to do.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What is asked of the render.
    pub fixture: &'a Fixture,
    /// The composition's folder, as staged.
    pub project: &'a Path,
    /// What is to be made.
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
    /// What the renderer says of itself: versions, frames and its own time.
    pub told: Value,
}

impl InProcess {
    /// The renderer's share of the time, without the start of node and the unpacking of Chromium, ms.
    pub fn renderer_ms(&self) -> Option<u64> {
        self.told["durationMs"].as_u64()
    }
}

impl Renderer {
    /// Installs the renderer's packages, unless they are there.
    ///
    /// # Errors
    /// When they can't be had.
    pub async fn prepare(session: &Session, repo: &Repo, log: &Path) -> anyhow::Result<Self> {
        let package = match repo.layout() {
            Layout::Own => repo.handler_package(),
            // A checkout's package has no such script.
            Layout::HyperFrames => tool_root().join("examples/aws-lambda/handler"),
        };
        let bin = session.toolbox.bin();
        let env = session.env.clone().with_path_first(&bin);
        install_packages(&package, &bin.join("bun"), &env, &session.children, log, &session.console).await?;
        Ok(Self { node: bin.join("node"), package, env, children: session.children.clone() })
    }

    /// Renders with the provisioned node, Chromium and ffmpeg.
    ///
    /// # Errors
    /// When the renderer fails, or leaves nothing.
    pub async fn render(&self, job: &Job<'_>) -> anyhow::Result<InProcess> {
        let name = &job.fixture.name;
        let started = Instant::now();
        let output = self.command(job).log(job.log).run(&self.children).await;
        let wall_ms = clock::ms(started.elapsed());
        let output = output.with_context(|| format!("rendering {name} in-process"))?;
        ensure!(job.to.exists(), "the in-process renderer ended well but left no {}", job.to.display());
        let last = output.stdout.lines().last();
        let last = last.with_context(|| format!("the in-process renderer said nothing of its render of {name}"))?;
        let told = serde_json::from_str(last);
        let told = told.with_context(|| format!("the in-process renderer's last line is no JSON: {last}"))?;
        Ok(InProcess { wall_ms, told })
    }

    fn command(&self, job: &Job<'_>) -> Command {
        let meta = &job.fixture.meta;
        let mut command = Command::new(&self.node, &self.env.for_child())
            .arg(self.package.join(SCRIPT).display().to_string())
            .args(["--project", &job.project.display().to_string(), "--output", &job.to.display().to_string()])
            .args(["--fps", &meta.fps.to_string(), "--format", job.format.handler_name()])
            .limit(LIMIT);
        if let Some(variables) = meta.forwarded.get("variables") {
            command = command.args(["--variables", &variables.to_string()]);
        }
        if meta.forwarded.get("hdrMode").is_some_and(|mode| *mode == json!("auto")) {
            command = command.arg("--hdr");
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_told_what_is_needed() {
        assert!(check_platform("--exact", true).is_ok());
        let error = check_platform("--exact", false).unwrap_err().to_string();
        assert_eq!(
            error,
            "--exact needs the in-process renderer, whose Chromium is for Linux x86-64 only; \
             use such a machine, or leave --exact out"
        );
    }
}
