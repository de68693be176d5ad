//! Which repository a command works on.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Layout, Repo, tool_root};

/// What a command line and its environment say of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoChoice {
    /// `--repo`.
    flag: Option<PathBuf>,
    /// [`Repo::ENV`].
    variable: Option<PathBuf>,
    /// The folder that the command was given in, where there is one.
    working_dir: Option<PathBuf>,
}

impl RepoChoice {
    /// What was said, unlooked at.
    pub fn new(flag: Option<PathBuf>, variable: Option<&str>, working_dir: Option<PathBuf>) -> Self {
        let variable = variable.filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { flag, variable, working_dir }
    }

    /// The repository: the one that was named, by flag before variable; else the nearest one around
    /// the working folder; else the one that this tool was built in.
    ///
    /// # Errors
    /// When the named folder is no repository, or the one found lacks what every layout has.
    pub fn locate(&self) -> anyhow::Result<Repo> {
        let named = |path: &Path, by: String| {
            let root = std::path::absolute(path).with_context(|| by.clone())?;
            Repo::at(&root).with_context(|| by)
        };
        if let Some(path) = &self.flag {
            return named(path, format!("--repo {}", path.display()));
        }
        if let Some(path) = &self.variable {
            return named(path, format!("{}={}", Repo::ENV, path.display()));
        }
        let around = self.working_dir.iter().flat_map(|dir| dir.ancestors());
        match around.into_iter().find(|dir| Layout::of(dir).is_some()) {
            Some(root) => Repo::at(root),
            None => Repo::at(&tool_root()),
        }
    }

    /// Whether a repository was named on the command line, so that it must be one.
    pub fn is_demanded(&self) -> bool {
        self.flag.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folders(tempfile::TempDir);

    impl Folders {
        /// `checkout` and `own`, of either layout, and `elsewhere`, which is none.
        fn new() -> Self {
            let folders = Self(tempfile::tempdir().unwrap());
            for file in [
                "checkout/packages/aws-lambda/package.json",
                "checkout/examples/aws-lambda/template.yaml",
                "checkout/packages/producer/tests/a/meta.json",
                "own/examples/aws-lambda/template.yaml",
                "elsewhere/file",
            ] {
                std::fs::create_dir_all(folders.path(file).parent().unwrap()).unwrap();
                std::fs::write(folders.path(file), "{}").unwrap();
            }
            folders
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn located(&self, flag: Option<&str>, variable: Option<&str>, working_dir: &str) -> anyhow::Result<PathBuf> {
            let variable = variable.map(|name| self.path(name).display().to_string());
            let choice = RepoChoice::new(flag.map(|f| self.path(f)), variable.as_deref(), Some(self.path(working_dir)));
            choice.locate().map(|repo| repo.root().to_owned())
        }
    }

    #[test]
    fn a_flag_wins_over_the_variable_and_that_over_the_folder() {
        let folders = Folders::new();
        let located = |flag, variable, dir| folders.located(flag, variable, dir).unwrap();
        assert_eq!(located(Some("own"), Some("checkout"), "checkout"), folders.path("own"));
        assert_eq!(located(None, Some("own"), "checkout"), folders.path("own"));
        assert_eq!(located(None, None, "checkout/packages/producer/tests/a"), folders.path("checkout"));
        assert_eq!(located(None, None, "own/examples"), folders.path("own"));
        assert_eq!(located(None, None, "elsewhere"), tool_root());
        assert_eq!(RepoChoice::new(None, Some(""), None).locate().unwrap().root(), tool_root());
    }

    #[test]
    fn what_was_named_must_be_a_repository() {
        let folders = Folders::new();
        let refused = |flag, variable| format!("{:#}", folders.located(flag, variable, "own").unwrap_err());
        let told = refused(Some("elsewhere"), Some("own"));
        assert!(
            told.starts_with("--repo ") && told.contains("neither a HyperFrames checkout nor this project"),
            "{told}"
        );
        let told = refused(None, Some("nowhere"));
        assert!(told.starts_with("HYPERFRAMES_REPO_ROOT=") && told.ends_with("is not a folder"), "{told}");
    }

    #[test]
    fn a_checkout_without_a_template_is_told_of_and_not_passed_over() {
        let folders = Folders::new();
        std::fs::remove_file(folders.path("checkout/examples/aws-lambda/template.yaml")).unwrap();
        let told = folders.located(None, None, "checkout/packages").unwrap_err().to_string();
        assert!(told.contains("examples/aws-lambda/template.yaml"), "{told}");
    }
}
