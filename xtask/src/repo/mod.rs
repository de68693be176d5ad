//! Where things are: this repository, or a HyperFrames checkout.

mod locate;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

pub use locate::RepoChoice;

/// What only a HyperFrames checkout has.
const CHECKOUT_MARKER: &str = "packages/aws-lambda/package.json";

const TEMPLATE: &str = "examples/aws-lambda/template.yaml";

/// A repository whose handler and fixtures the commands work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    root: PathBuf,
    layout: Layout,
}

/// How a repository is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// This project: `fixtures/`, and the handler beside its template.
    Own,
    /// A HyperFrames checkout, known by `packages/aws-lambda/package.json`.
    HyperFrames,
}

impl Layout {
    /// The layout of a folder; `None` when it has neither.
    fn of(root: &Path) -> Option<Self> {
        match (root.join(CHECKOUT_MARKER).is_file(), root.join(TEMPLATE).is_file()) {
            (true, _) => Some(Self::HyperFrames),
            (false, true) => Some(Self::Own),
            (false, false) => None,
        }
    }
}

impl Repo {
    /// The variable that points to another repository than this one.
    pub const ENV: &'static str = "HYPERFRAMES_REPO_ROOT";

    /// The repository at `root`.
    ///
    /// # Errors
    /// When it has neither layout, or lacks what both have: a template.
    pub fn at(root: &Path) -> anyhow::Result<Self> {
        ensure!(root.is_dir(), "{} is not a folder", root.display());
        let layout = Layout::of(root).with_context(|| {
            format!(
                "{} is neither a HyperFrames checkout nor this project: it has no {CHECKOUT_MARKER} and no {TEMPLATE}",
                root.display()
            )
        })?;
        let repo = Self { root: root.to_owned(), layout };
        ensure!(repo.template().is_file(), "there is no template {}", repo.template().display());
        Ok(repo)
    }

    /// The repository's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How it is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The SAM template.
    pub fn template(&self) -> PathBuf {
        self.root.join(TEMPLATE)
    }

    /// The handler's package.
    pub fn handler_package(&self) -> PathBuf {
        match self.layout {
            Layout::Own => self.root.join("examples/aws-lambda/handler"),
            Layout::HyperFrames => self.root.join("packages/aws-lambda"),
        }
    }

    /// The package that renders in-process, in a checkout.
    pub fn producer_package(&self) -> PathBuf {
        self.root.join("packages/producer")
    }

    /// Whether what a package of a checkout needs was ever installed, for it or for all of them.
    pub fn is_installed(&self, package: &Path) -> bool {
        [&self.root, package].iter().any(|dir| dir.join("node_modules").is_dir())
    }

    /// The folder that a command's artifacts go to, unless another is named.
    pub fn artifacts(&self, command: &str) -> PathBuf {
        self.root.join(format!("{command}-artifacts"))
    }

    /// The version of the package that brings Chromium, by the lockfile beside
    /// the handler or at the root; `None` where neither tells.
    pub fn chromium_package(&self) -> Option<String> {
        let locks = [self.handler_package().join("bun.lock"), self.root.join("bun.lock")];
        locks.iter().find_map(|lock| {
            let text = std::fs::read_to_string(lock).ok()?;
            let (_, version) = text.split_once("\"@sparticuz/chromium@")?;
            version.split('"').next().map(str::to_owned)
        })
    }

    /// The folders that fixtures lie in.
    pub fn fixture_roots(&self) -> Vec<PathBuf> {
        match self.layout {
            Layout::Own => vec![self.root.join("fixtures")],
            Layout::HyperFrames => {
                let tests = self.producer_package().join("tests");
                vec![tests.join("distributed"), tests]
            }
        }
    }

    /// The folder of the packages that this project's fixtures stage files of.
    pub fn fixture_packages(&self) -> PathBuf {
        self.root.join("fixtures")
    }

    /// All folders of this name where fixtures lie, whether they are fixtures or not.
    pub fn fixture_dirs(&self, name: &str) -> Vec<PathBuf> {
        self.fixture_roots().iter().map(|root| root.join(name)).filter(|dir| dir.is_dir()).collect()
    }

    /// All fixtures, name and folder, sorted; a folder with a meta.json is one.
    /// Where two have one name, the first root wins.
    pub fn fixtures(&self) -> Vec<(String, PathBuf)> {
        let mut found: Vec<(String, PathBuf)> = Vec::new();
        for root in self.fixture_roots() {
            for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if entry.path().join("meta.json").is_file() && !found.iter().any(|(known, _)| *known == name) {
                    found.push((name, entry.path()));
                }
            }
        }
        found.sort();
        found
    }
}

/// The repository that this tool was built in: its launcher, locks and tools lie there.
pub fn tool_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a workspace").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_known_by_its_marker() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Repo::at(dir.path()).is_err());
        std::fs::create_dir_all(dir.path().join("packages/aws-lambda")).unwrap();
        std::fs::write(dir.path().join("packages/aws-lambda/package.json"), "{}").unwrap();
        assert!(Repo::at(dir.path()).unwrap_err().to_string().contains("there is no template"));
        std::fs::create_dir_all(dir.path().join("examples/aws-lambda")).unwrap();
        std::fs::write(dir.path().join("examples/aws-lambda/template.yaml"), "").unwrap();
        for fixture in
            ["packages/producer/tests/distributed/a", "packages/producer/tests/a", "packages/producer/tests/b"]
        {
            std::fs::create_dir_all(dir.path().join(fixture)).unwrap();
            std::fs::write(dir.path().join(fixture).join("meta.json"), "{}").unwrap();
        }
        let repo = Repo::at(dir.path()).unwrap();
        assert_eq!(repo.layout(), Layout::HyperFrames);
        let fixtures = repo.fixtures();
        assert_eq!(fixtures.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(fixtures[0].1.ends_with("distributed/a"));
    }
}
