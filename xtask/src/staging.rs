//! A fixture's composition as it is packed and rendered, its packages installed first.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::{env::Env, fixture::Fixture, handler::install_packages, repo::Repo, session::Session};

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
        let bun = which::which_in("bun", env.get("PATH"), ".")
            .with_context(|| {
                format!("fixture {} needs packages, but bun, which installs them, is not on PATH", fixture.name)
            })
            .context("get bun by `npm install -g bun`, or on Linux x86-64 by `cargo xtask setup`")?;
        install_packages(&folder, &bun, &session.runner.with_env(env), log)
            .await
            .with_context(|| format!("installing the packages that fixture {} needs", fixture.name))?;
    }
    let (fixture, to) = (fixture.clone(), to.to_owned());
    tokio::task::spawn_blocking(move || fixture.stage(&packages, &to)).await.context("staging the composition")?
}
