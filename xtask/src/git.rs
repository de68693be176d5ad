//! What git says of a repository.

use xshell::{Shell, cmd};

use crate::{env::Env, repo::Repo};

/// The repository's commit, with `-dirty` when it has changes; `None` outside of git.
pub fn commit(repo: &Repo, env: &Env) -> Option<String> {
    let shell = Shell::new().ok()?;
    let root = repo.root();
    let read = |command: xshell::Cmd<'_>| {
        let env = env.for_child();
        command.env_clear().envs(env.iter()).quiet().ignore_stderr().read().ok()
    };
    let commit = read(cmd!(shell, "git -C {root} rev-parse HEAD"))?;
    let changes = read(cmd!(shell, "git -C {root} status --porcelain --untracked-files=no"))?;
    Some(if changes.is_empty() { commit } else { format!("{commit}-dirty") })
}
