//! The renderer's own packages, driven by a script of ours.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tokio::time::Instant;
use xshell::cmd;

use super::{InProcess, Job, LIMIT};
use crate::{
    clock,
    handler::install_packages,
    process::{Run, Runner},
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
        Ok(Self { node: bin.join("node"), ffmpeg: bin.join("ffmpeg"), package, runner })
    }

    /// Renders with the provisioned node, Chromium and ffmpeg.
    ///
    /// # Errors
    /// When the renderer fails, or leaves nothing.
    pub async fn render(&self, job: &Job<'_>) -> anyhow::Result<InProcess> {
        let name = &job.fixture.name;
        if job.format.is_encoded_from_png() {
            ensure!(
                decodes_png(&self.ffmpeg, &self.runner).await?,
                "the in-process renderer hands ffmpeg the frames of a {} as PNG, for their alpha, and {} decodes none; \
                 a HyperFrames checkout's own harness can render fixture {name}",
                job.format.handler_name(),
                self.ffmpeg.display()
            );
        }
        let started = Instant::now();
        let output = self.run(job).log(job.log).await;
        let wall_ms = clock::ms(started.elapsed());
        let output = output.with_context(|| format!("rendering {name} in-process"))?;
        ensure!(job.to.exists(), "the in-process renderer ended well but left no {}", job.to.display());
        let last = output.stdout.lines().last();
        let last = last.with_context(|| format!("the in-process renderer said nothing of its render of {name}"))?;
        let told = serde_json::from_str(last);
        let told = told.with_context(|| format!("the in-process renderer's last line is no JSON: {last}"))?;
        Ok(InProcess { wall_ms, told })
    }

    fn run(&self, job: &Job<'_>) -> Run<'_> {
        let (Self { node, package, runner, .. }, Job { project, to, .. }) = (self, job);
        let (sh, script, meta) = (&runner.sh, tool_root().join(SCRIPT), &job.fixture.meta);
        let (fps, format) = (meta.fps.to_string(), job.format.handler_name());
        let variables = meta.forwarded.get("variables").map(|variables| ["--variables".into(), variables.to_string()]);
        let variables = variables.into_iter().flatten();
        let hdr = meta.hdr.then_some("--hdr");
        let render = cmd!(
            sh,
            "{node} --experimental-import-meta-resolve {script} --packages {package}
                --project {project} --output {to} --fps {fps} --format {format} {variables...} {hdr...}"
        );
        runner.run(render).limit(LIMIT)
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
