//! What every command has at hand.

use crate::{
    console::Console,
    env::Env,
    process::Runner,
    repo::{Repo, RepoChoice},
    toolbox::Toolbox,
};

/// The caller's environment, its programs, the terminal and the tools.
#[derive(Debug, Clone)]
pub struct Session {
    /// The caller's environment.
    pub env: Env,
    /// Starts programs, and knows those that are alive.
    pub runner: Runner,
    /// The terminal.
    pub console: Console,
    /// Provisioned tools.
    pub toolbox: Toolbox,
    /// What was said of the repository.
    pub repo: RepoChoice,
}

impl Session {
    /// The session of this process.
    ///
    /// # Errors
    /// As [`Runner::new`].
    pub fn of_process(env: Env, console: Console, repo: RepoChoice) -> anyhow::Result<Self> {
        let (runner, toolbox) = (Runner::new(&env, &console)?, Toolbox::find(env.get(Toolbox::ENV)));
        Ok(Self { runner, console, toolbox, env, repo })
    }

    /// The repository to work on.
    ///
    /// # Errors
    /// As [`RepoChoice::locate`].
    pub fn repo(&self) -> anyhow::Result<Repo> {
        self.repo.locate()
    }
}
