//! Which repository: a flag that every command has.

use std::{env::current_dir, path::PathBuf};

use clap::{Args, ValueHint};

use crate::{
    env::Env,
    repo::{Repo, RepoChoice},
};

/// The flag for the repository.
#[derive(Debug, Clone, Args)]
pub struct RepoArgs {
    /// Repository to work on [default: the one around this folder].
    ///
    /// A HyperFrames checkout, or a repository of this project's layout. Without it: the nearest around the
    /// working folder, else the one that this tool was built in. [env: HYPERFRAMES_REPO_ROOT]
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub repo: Option<PathBuf>,
}

impl RepoArgs {
    /// What this command line, its environment and its working folder say.
    pub fn choice(&self, env: &Env) -> RepoChoice {
        RepoChoice::new(self.repo.clone(), env.get(Repo::ENV), current_dir().ok())
    }
}
