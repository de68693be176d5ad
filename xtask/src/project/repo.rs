//! The layout of the repository: this project, or a HyperFrames checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use crate::tools::{env::Child, runner::Runner};

/// A file that only a HyperFrames checkout has.
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
    /// This project: `fixtures/`, and the handler next to its template.
    Own,
    /// A HyperFrames checkout, recognized by `packages/aws-lambda/package.json`.
    HyperFrames,
}

impl Layout {
    /// The layout of a folder; `None` if it has neither.
    fn of(root: &Path) -> Option<Self> {
        match (root.join(CHECKOUT_MARKER).is_file(), root.join(TEMPLATE).is_file()) {
            (true, _) => Some(Self::HyperFrames),
            (false, true) => Some(Self::Own),
            (false, false) => None,
        }
    }
}

impl Repo {
    /// The environment variable with the path of another repository.
    pub const ENV: &'static str = "HYPERFRAMES_REPO_ROOT";

    /// The published package with the handler.
    pub const HANDLER: &'static str = "@hyperframes/aws-lambda";

    /// The repository at `root`.
    ///
    /// # Errors
    /// When it has neither layout, or has no template.
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

    /// Whether the dependencies of a checkout's package were ever installed, for it or for all packages.
    pub fn is_installed(&self, package: &Path) -> bool {
        [&self.root, package].iter().any(|dir| dir.join("node_modules").is_dir())
    }

    /// The default folder for a command's artifacts.
    pub fn artifacts(&self, command: &str) -> PathBuf {
        self.root.join(format!("{command}-artifacts"))
    }

    /// The version of the handler's package that is built here: the one that this project pins, or a checkout's own.
    pub fn handler_version(&self) -> Option<String> {
        let list = std::fs::read(self.handler_package().join("package.json")).ok()?;
        let list: Value = serde_json::from_slice(&list).ok()?;
        let version = match self.layout {
            Layout::Own => &list["dependencies"][Self::HANDLER],
            Layout::HyperFrames => &list["version"],
        };
        version.as_str().map(str::to_owned)
    }

    /// The version of the package that contains Chromium, from the lockfile next to the handler or at the root;
    /// `None` if neither contains it.
    pub fn chromium_package(&self) -> Option<String> {
        let locks = [self.handler_package().join("bun.lock"), self.root.join("bun.lock")];
        locks.iter().find_map(|lock| {
            let text = std::fs::read_to_string(lock).ok()?;
            let (_, version) = text.split_once("\"@sparticuz/chromium@")?;
            version.split('"').next().map(str::to_owned)
        })
    }

    /// The folders that contain fixtures.
    pub fn fixture_roots(&self) -> Vec<PathBuf> {
        match self.layout {
            Layout::Own => vec![self.root.join("fixtures")],
            Layout::HyperFrames => {
                let tests = self.producer_package().join("tests");
                vec![tests.join("distributed"), tests]
            }
        }
    }

    /// The folder with the packages from which this project's fixtures stage files.
    pub fn fixture_packages(&self) -> PathBuf {
        self.root.join("fixtures")
    }

    /// All folders with this name among the fixtures, whether they are fixtures or not.
    pub fn fixture_dirs(&self, name: &str) -> Vec<PathBuf> {
        // By its listing: some file systems find a folder by a name in another case.
        let has =
            |root: &PathBuf| std::fs::read_dir(root).into_iter().flatten().flatten().any(|e| e.file_name() == name);
        let roots = self.fixture_roots();
        roots.iter().filter(|root| has(root)).map(|root| root.join(name)).filter(|dir| dir.is_dir()).collect()
    }

    /// All fixtures, that is, folders with a meta.json, with name and folder, sorted. Of two with the same name
    /// the one in the first root is used.
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

/// The repository in which this tool was built. Its launcher, locks and tools are there.
pub fn tool_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a workspace").to_owned()
}

// Which repository a command works on.

/// What the command line and the environment say about the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoChoice {
    /// `--repo`.
    flag: Option<PathBuf>,
    /// [`Repo::ENV`].
    variable: Option<PathBuf>,
    /// The working folder of the command, if it has one.
    working_dir: Option<PathBuf>,
}

impl RepoChoice {
    /// The choice, not checked yet.
    pub fn new(flag: Option<PathBuf>, variable: Option<PathBuf>, working_dir: Option<PathBuf>) -> Self {
        Self { flag, variable, working_dir }
    }

    /// The repository that the flag or else the variable names, or else the nearest one that contains the working
    /// folder, or else the one in which this tool was built.
    ///
    /// # Errors
    /// When that folder is not a repository, or has no template.
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

    /// Whether the command line names a repository, which must then exist.
    pub fn is_demanded(&self) -> bool {
        self.flag.is_some()
    }
}

// The state of a repository in git.

/// Settings by which git starts no program that the repository's own configuration names.
const NO_PROGRAMS: [&str; 9] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "core.pager=cat",
    "core.untrackedCache=false",
    "credential.helper=",
    "diff.external=",
    "protocol.allow=never",
    "submodule.recurse=false",
];

/// A command of git in the folder `root`, which starts no other program and asks for nothing.
pub(crate) fn git<'a>(sh: &'a Shell, root: &Path, args: &[&str]) -> Cmd<'a> {
    let settings = NO_PROGRAMS.iter().flat_map(|setting| ["-c", setting]);
    let git = cmd!(sh, "git {settings...} -C {root} {args...}");
    git.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_TERMINAL_PROMPT", "0")])
}

/// The programs through which git reads a file to see whether it was changed.
const FILTERS: &str = r"^filter\..*\.(clean|smudge|process)$";

/// The repository's commit, with `-dirty` if it has changes; `None` outside of git. Where looking for changes would run
/// filters that the repository's own configuration names, it is `-unchecked`.
pub async fn commit(repo: &Repo, runner: &Runner) -> Option<String> {
    let git = async |args: &[&str]| {
        let git = git(&runner.sh, repo.root(), args).env("GIT_OPTIONAL_LOCKS", "0");
        let printed = runner.run_as(Child::Git, git).any_status().await.ok()?;
        Some((printed.status.success(), printed.stdout))
    };
    let (true, commit) = git(&["rev-parse", "HEAD"]).await? else { return None };
    let (_, configured) = git(&["config", "--show-scope", "--includes", "--get-regexp", FILTERS]).await?;
    if configured.lines().any(|line| !line.starts_with("global\t") && !line.starts_with("command\t")) {
        return Some(format!("{}-unchecked", commit.trim_end()));
    }
    let status = ["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"];
    let (true, changes) = git(&status).await? else { return None };
    let commit = commit.trim_end();
    Some(if changes.is_empty() { commit.to_owned() } else { format!("{commit}-dirty") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_recognized_by_its_marker() {
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

    struct Folders(tempfile::TempDir);

    impl Folders {
        /// `checkout` and `own` with the two layouts, and `elsewhere`, which is not a repository.
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
            let [flag, variable] = [flag, variable].map(|name| name.map(|name| self.path(name)));
            let choice = RepoChoice::new(flag, variable, Some(self.path(working_dir)));
            choice.locate().map(|repo| repo.root().to_owned())
        }
    }

    #[test]
    fn the_flag_precedes_the_variable_and_that_the_folder() {
        let folders = Folders::new();
        let located = |flag, variable, dir| folders.located(flag, variable, dir).unwrap();
        assert_eq!(located(Some("own"), Some("checkout"), "checkout"), folders.path("own"));
        assert_eq!(located(None, Some("own"), "checkout"), folders.path("own"));
        assert_eq!(located(None, None, "checkout/packages/producer/tests/a"), folders.path("checkout"));
        assert_eq!(located(None, None, "own/examples"), folders.path("own"));
        assert_eq!(located(None, None, "elsewhere"), tool_root());
    }

    #[test]
    fn a_named_folder_must_be_a_repository() {
        let folders = Folders::new();
        let refused = |flag, variable| format!("{:#}", folders.located(flag, variable, "own").unwrap_err());
        let error = refused(Some("elsewhere"), Some("own"));
        assert!(
            error.starts_with("--repo ") && error.contains("neither a HyperFrames checkout nor this project"),
            "{error}"
        );
        let error = refused(None, Some("nowhere"));
        assert!(error.starts_with("HYPERFRAMES_REPO_ROOT=") && error.ends_with("is not a folder"), "{error}");
    }

    #[test]
    fn a_checkout_without_a_template_is_reported_and_not_skipped() {
        let folders = Folders::new();
        std::fs::remove_file(folders.path("checkout/examples/aws-lambda/template.yaml")).unwrap();
        let error = folders.located(None, None, "checkout/packages").unwrap_err().to_string();
        assert!(error.contains("examples/aws-lambda/template.yaml"), "{error}");
    }
}

#[cfg(test)]
#[path = "repo_git_tests.rs"]
mod git_tests;
