//! What a run deploys from.

use crate::{handler, repo::Repo, session::Session, template::Template};

/// A repository and its template, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    /// Where things are.
    pub repo: Repo,
    /// What is deployed.
    pub template: Template,
}

impl Sources {
    /// Finds them. Unless the ZIP is deployed as it is, the package must be one that can be built.
    ///
    /// # Errors
    /// When there is no repository, its template lacks what a run needs, or its handler's
    /// package has no script to build it by.
    pub(crate) fn find(session: &Session, skip_build: bool) -> anyhow::Result<Self> {
        let repo = session.repo()?;
        let template = Template::read(&repo.template())?;
        if !skip_build {
            handler::check_scripts(&repo)?;
        }
        Ok(Self { repo, template })
    }
}
