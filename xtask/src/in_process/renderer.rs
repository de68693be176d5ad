//! The renderer's own packages, driven by a script of ours.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tokio::time::Instant;

use super::{InProcess, Job, LIMIT};
use crate::{
    clock,
    env::Env,
    handler::install_packages,
    process::{Children, Command},
    repo::{Layout, Repo, tool_root},
    session::Session,
    toolbox::decodes_png,
};

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

/// The renderer, its packages installed.
#[derive(Debug, Clone)]
pub struct Renderer {
    node: PathBuf,
    ffmpeg: PathBuf,
    package: PathBuf,
    env: Env,
    children: Children,
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
        let env = session.env.clone().with_path_first(&bin);
        if repo.layout() == Layout::Own {
            install_packages(&package, &bin.join("bun"), &env, &session.children, log, &session.console).await?;
        }
        Ok(Self {
            node: bin.join("node"),
            ffmpeg: bin.join("ffmpeg"),
            package,
            env,
            children: session.children.clone(),
        })
    }

    /// Renders with the provisioned node, Chromium and ffmpeg.
    ///
    /// # Errors
    /// When the renderer fails, or leaves nothing.
    pub async fn render(&self, job: &Job<'_>) -> anyhow::Result<InProcess> {
        let name = &job.fixture.name;
        if job.format.is_encoded_from_png() {
            ensure!(
                decodes_png(&self.ffmpeg, &self.env, &self.children).await?,
                "the in-process renderer hands ffmpeg the frames of a {} as PNG, for their alpha, and {} decodes none; \
                 a HyperFrames checkout's own harness can render fixture {name}",
                job.format.handler_name(),
                self.ffmpeg.display()
            );
        }
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
            .arg("--experimental-import-meta-resolve")
            .arg(tool_root().join(SCRIPT).display().to_string())
            .args(["--packages", &self.package.display().to_string()])
            .args(["--project", &job.project.display().to_string(), "--output", &job.to.display().to_string()])
            .args(["--fps", &meta.fps.to_string(), "--format", job.format.handler_name()])
            .limit(LIMIT);
        if let Some(variables) = meta.forwarded.get("variables") {
            command = command.args(["--variables", &variables.to_string()]);
        }
        if meta.hdr {
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
