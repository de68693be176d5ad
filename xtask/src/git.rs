//! The state of a repository in git.

use xshell::cmd;

use crate::{process::Runner, repo::Repo};

/// The repository's commit, with `-dirty` when it has changes; `None` outside of git.
pub async fn commit(repo: &Repo, runner: &Runner) -> Option<String> {
    let (sh, root) = (&runner.sh, repo.root());
    let commit = runner.run(cmd!(sh, "git -C {root} rev-parse HEAD")).await.ok()?.stdout;
    let changes = runner.run(cmd!(sh, "git -C {root} status --porcelain --untracked-files=no")).await.ok()?.stdout;
    let commit = commit.trim_end();
    Some(if changes.is_empty() { commit.to_owned() } else { format!("{commit}-dirty") })
}
