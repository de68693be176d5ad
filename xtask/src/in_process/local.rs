//! How this repository's fixtures are rendered locally, to be timed.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Harness, InProcess, Job, Renderer, check_built, check_platform};
use crate::{
    connect,
    process::{Children, Env},
    repo::Repo,
    session::Session,
};

/// The way that a repository has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalWay {
    /// By the test harness of a checkout, whose start and own comparison take their time too.
    Harness(Harness),
    /// By the renderer's packages alone.
    Packages,
}

impl LocalWay {
    /// The way that there is.
    ///
    /// # Errors
    /// When there is none here: the checkout is not installed or not built, or the packages'
    /// Chromium is not for this machine.
    pub fn of(repo: &Repo, is_linux_x86_64: bool) -> anyhow::Result<Self> {
        if let Some(harness) = Harness::find(repo)? {
            return Ok(Self::Harness(harness));
        }
        check_built(repo)?;
        check_platform("the local leg", is_linux_x86_64)?;
        Ok(Self::Packages)
    }
}

/// What renders locally, ready to do so.
#[derive(Debug, Clone)]
pub enum LocalRenderer {
    /// A checkout's harness.
    Harness {
        /// The harness.
        harness: Harness,
        /// The `bun` that runs it.
        bun: PathBuf,
        /// What of its environment it may see.
        env: Env,
        /// Where its processes are registered.
        children: Children,
    },
    /// The renderer's packages.
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
                let bun = which::which_in("bun", env.get("PATH"), ".");
                let bun = bun.context("the checkout's harness is run by bun, which is not on PATH")?;
                Ok(Self::Harness { harness, bun, env: env.clone(), children: session.children.clone() })
            }
            LocalWay::Packages => {
                connect::provision(session).await?;
                Renderer::prepare(session, repo, log).await.map(Self::Packages)
            }
        }
    }

    /// Renders a fixture.
    ///
    /// # Errors
    /// When that fails.
    pub async fn render(&self, job: &Job<'_>) -> anyhow::Result<InProcess> {
        match self {
            Self::Harness { harness, bun, env, children } => harness.render(job, bun, env, children).await,
            Self::Packages(renderer) => renderer.render(job).await,
        }
    }
}
