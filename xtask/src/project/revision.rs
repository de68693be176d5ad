//! The repository at another commit, without a trace in it.

use std::path::Path;

use anyhow::{Context, ensure};

use crate::{
    project::repo::{self, Repo},
    tools::{env::Child, runner::Runner},
};

/// The commit that a revision such as `v0.8.30` or `HEAD~2` is.
pub(crate) async fn resolved(repo: &Repo, revision: &str, runner: &Runner) -> anyhow::Result<String> {
    // A revision is no option.
    let commit = format!("{revision}^{{commit}}");
    let printed = git(repo.root(), &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit], runner).await;
    let commit = printed.with_context(|| {
        format!("git knows no commit {revision:?} in {}; fetch it, or name another", repo.root().display())
    })?;
    Ok(commit.trim_end().to_owned())
}

/// The repository at `commit`, in the empty folder `to`. Its objects are shared, so nothing is downloaded; large files
/// stay pointers.
pub(crate) async fn checked_out(repo: &Repo, commit: &str, to: &Path, runner: &Runner) -> anyhow::Result<Repo> {
    let what = || format!("checking out {commit} of {}", repo.root().display());
    let top = git(repo.root(), &["rev-parse", "--show-toplevel"], runner).await.with_context(what)?;
    let within = git(repo.root(), &["rev-parse", "--show-prefix"], runner).await.with_context(what)?;
    let to_text = to.to_str().context("a temporary folder has a plain name").with_context(what)?;
    let allowed = ["-c", "protocol.file.allow=always", "clone", "--quiet", "--shared", "--no-checkout", "--template="];
    git(to, &[&allowed[..], &[top.trim_end(), to_text]].concat(), runner).await.with_context(what)?;
    git(to, &["checkout", "--quiet", "--detach", commit], runner).await.with_context(what)?;
    let there = Repo::at(&to.join(within.trim_end())).with_context(what)?;
    ensure!(there.layout() == repo.layout(), "{}: that commit has another layout", what());
    Ok(there)
}

async fn git(root: &Path, args: &[&str], runner: &Runner) -> anyhow::Result<String> {
    let git = repo::git(&runner.sh, root, args).env("GIT_LFS_SKIP_SMUDGE", "1");
    Ok(runner.run_as(Child::Git, git).await?.stdout)
}
