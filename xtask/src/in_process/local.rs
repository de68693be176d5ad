//! How this repository's fixtures are rendered locally, to be timed.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Harness, InProcess, Job, Renderer, check_built, check_platform};
use crate::{connect, env::Env, process::Runner, repo::Repo, session::Session};

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
    /// A checkout's harness.
    Harness {
        /// The harness.
        harness: Harness,
        /// The `bun` that runs it.
        bun: PathBuf,
        /// Starts it.
        runner: Runner,
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
                let runner = session.runner.with_env(env);
                let bun = runner.find("bun").context("the checkout's harness is run by bun, which is not on PATH")?;
                Ok(Self::Harness { harness, bun, runner })
            }
            LocalWay::Packages => Self::packages(session, repo, log).await,
            LocalWay::Published(own) => Self::packages(session, &own, log).await,
        }
    }

    async fn packages(session: &Session, of: &Repo, log: &Path) -> anyhow::Result<Self> {
        connect::provision(session).await?;
        Renderer::prepare(session, of, log).await.map(Self::Packages)
    }

    /// Renders a fixture.
    ///
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
    use super::*;
    use crate::repo::tool_root;

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
    fn without_any_it_is_told_what_to_build() {
        let told = Checkout::with(&[SCRIPT]).way(None, true).unwrap_err().to_string();
        assert!(told.contains("is not built") && told.contains("bun run build"), "{told}");
        let told = Checkout::with(&[BUILT]).way(None, false).unwrap_err().to_string();
        assert!(told.contains("Linux x86-64"), "{told}");
        let broken = Checkout::with(&[("packages/producer/package.json", "{")]).way(None, true).unwrap_err();
        assert!(format!("{broken:#}").contains("packages/producer/package.json"), "{broken:#}");
    }
}
