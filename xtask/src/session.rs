//! What every command has at hand.

use crate::{
    console::Console,
    env::Env,
    process::Children,
    repo::{Repo, RepoChoice},
    toolbox::Toolbox,
};

/// The caller's environment, the children, the terminal and the tools.
#[derive(Debug, Clone)]
pub struct Session {
    /// The caller's environment.
    pub env: Env,
    /// All children.
    pub children: Children,
    /// The terminal.
    pub console: Console,
    /// Provisioned tools.
    pub toolbox: Toolbox,
    /// What was said of the repository.
    pub repo: RepoChoice,
}

impl Session {
    /// The session of this process.
    pub fn of_process(env: Env, console: Console, repo: RepoChoice) -> Self {
        Self { children: Children::new(&console), console, toolbox: Toolbox::find(env.get(Toolbox::ENV)), env, repo }
    }

    /// The repository to work on.
    ///
    /// # Errors
    /// As [`RepoChoice::locate`].
    pub fn repo(&self) -> anyhow::Result<Repo> {
        self.repo.locate()
    }
}
