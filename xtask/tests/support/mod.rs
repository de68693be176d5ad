//! Runs of the whole binary in a world of its own: a temporary repository, fake
//! tools on an empty PATH, and a fake AWS.

#![allow(dead_code, unused_imports, reason = "each test crate uses its own part of this")]

mod checks;
pub(crate) mod fake_aws;
pub(crate) mod frames;
mod journals;
mod pty;
mod ran;
mod redact;
pub(crate) mod repository;
pub(crate) mod schemas;
mod screen;
mod toolbox;
mod tools;
pub(crate) mod video;
mod watchdog;

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

pub(crate) use checks::FOREIGN;
use fake_aws::{Account, FakeAws, Fault, Render};
pub(crate) use pty::Recording;
pub(crate) use ran::Ran;
use repository::Repository;
use tools::Tools;
use video::Video;
use watchdog::wait;

/// Secrets in every run's environment: none of them may turn up anywhere but in sam's environment.
pub(crate) const SECRETS: [&str; 3] = ["wJalrFAKEsecretKEY", "FwoGFAKEsessionTOKEN", "ghp_FAKEgithubTOKEN"];

/// The stack of every run that names no other.
pub(crate) const STACK: &str = "smoke-test";

/// Where a build that counts what is covered writes its counts; docs/testing.md has how.
pub(crate) fn coverage() -> Option<(&'static str, std::ffi::OsString)> {
    std::env::var_os(COUNTS).map(|file| (COUNTS, file))
}

const COUNTS: &str = "LLVM_PROFILE_FILE";

/// A world in which the binary is run.
pub(crate) struct Test {
    pub(crate) aws: FakeAws,
    pub(crate) tools: Tools,
    pub(crate) repository: Repository,
    env: BTreeMap<String, String>,
    forced: Cell<bool>,
    dir: tempfile::TempDir,
}

impl Test {
    /// With a repository laid out like this project.
    pub(crate) fn new() -> Self {
        Self::with(Repository::own)
    }

    /// With a repository laid out like a HyperFrames checkout.
    pub(crate) fn checkout() -> Self {
        Self::with(Repository::checkout)
    }

    fn with(layout: fn(&Path) -> Repository) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in ["home", "tmp"] {
            fs::create_dir(path(folder)).unwrap();
        }
        let tools = Tools::new(&path("tools"));
        toolbox::lay_out(&path("toolbox"), &tools.bin());
        let aws = FakeAws::start(&tools.stacks());
        aws.account().add_foreign("production", "prod");
        let repository = layout(&path("repository"));
        let text = |path: &Path| path.display().to_string();
        let env = [
            ("PATH", text(&tools.bin())),
            ("HOME", text(&path("home"))),
            ("TMPDIR", text(&path("tmp"))),
            ("HYPERFRAMES_REPO_ROOT", text(repository.root())),
            ("HYPERFRAMES_STATE_DIR", text(&path("state"))),
            ("HYPERFRAMES_TOOLS_DIR", text(&path("toolbox"))),
            ("AWS_ACCESS_KEY_ID", "AKIAFAKE".into()),
            ("AWS_SECRET_ACCESS_KEY", SECRETS[0].into()),
            ("AWS_SESSION_TOKEN", SECRETS[1].into()),
            ("GITHUB_TOKEN", SECRETS[2].into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { aws, tools, repository, env, forced: Cell::new(false), dir }
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Unsets an environment variable.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Runs a shell script first when a tool is called with a verb, such as `sam deploy`.
    pub(crate) fn tool(self, call: &str, script: &str) -> Self {
        self.tools.hook(call, script);
        self
    }

    /// Takes a tool off the PATH.
    pub(crate) fn without_tool(self, name: &str) -> Self {
        self.tools.remove(name);
        self
    }

    /// Changes what the account holds.
    pub(crate) fn account(self, change: impl FnOnce(&mut Account)) -> Self {
        change(&mut self.aws.account());
        self
    }

    /// Changes how executions go.
    pub(crate) fn render(self, change: impl FnOnce(&mut Render)) -> Self {
        self.account(|account| change(&mut account.renders.usual))
    }

    /// Changes how executions with one chunk count go.
    pub(crate) fn render_of(self, chunk_count: u64, change: impl FnOnce(&mut Render)) -> Self {
        self.account(|account| change(account.renders.special.entry(chunk_count).or_default()))
    }

    /// Changes how the executions of one fixture go.
    pub(crate) fn render_of_fixture(self, fixture: &str, change: impl FnOnce(&mut Render)) -> Self {
        self.account(|account| change(account.renders.of_fixture.entry(fixture.to_owned()).or_default()))
    }

    /// Changes how one execution goes, counted from 1.
    pub(crate) fn nth_render(self, nth: usize, change: impl FnOnce(&mut Render)) -> Self {
        self.account(|account| change(account.renders.nth.entry(nth).or_default()))
    }

    /// Changes the video that executions deliver.
    pub(crate) fn video(self, video: &Video) -> Self {
        self.render(|render| render.video = video.bytes())
    }

    /// The first calls of an operation meet a fault.
    pub(crate) fn fault(self, operation: &'static str, times: usize, fault: Fault) -> Self {
        self.aws.faults().add(operation, 1..=times, fault);
        self
    }

    /// One call of an operation meets a fault, counted from 1.
    pub(crate) fn fault_at(self, operation: &'static str, call: usize, fault: Fault) -> Self {
        self.aws.faults().add(operation, call..=call, fault);
        self
    }

    /// Replaces a file of the fixture.
    pub(crate) fn fixture_file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.repository.fixture_file(name), content).unwrap();
        self
    }

    /// Runs `lambda-smoke` of the prebuilt ZIP at 2 chunks against the fake AWS, unless `args` say otherwise.
    #[track_caller]
    pub(crate) fn smoke(&self, args: &[&str]) -> Ran {
        self.build_and_smoke(&[&["--skip-build"], args].concat())
    }

    /// Starts what [`Test::smoke`] runs.
    pub(crate) fn spawn_smoke(&self, args: &[&str]) -> Child {
        self.spawn_build_and_smoke(&[&["--skip-build"], args].concat())
    }

    /// Starts what [`Test::smoke`] runs, as `nohup` would.
    pub(crate) fn spawn_ignoring_hangup(&self) -> Child {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_xtask")]);
        self.spawn_by(command, &self.smoke_args(&["--skip-build"]))
    }

    /// Runs what [`Test::smoke`] does in another working folder.
    #[track_caller]
    pub(crate) fn smoke_in(&self, dir: &Path, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.current_dir(dir);
        self.finish(self.spawn_by(command, &self.smoke_args(&[&["--skip-build"], args].concat())))
    }

    /// Runs `lambda-smoke` with a build.
    #[track_caller]
    pub(crate) fn build_and_smoke(&self, args: &[&str]) -> Ran {
        self.finish(self.spawn_build_and_smoke(args))
    }

    fn spawn_build_and_smoke(&self, args: &[&str]) -> Child {
        self.spawn(&self.smoke_args(args))
    }

    fn smoke_args(&self, args: &[&str]) -> Vec<String> {
        let usual = [("--chunk-counts", "2"), ("--fixture", "f")];
        let usual = match () {
            () if args.contains(&"--rerun-failed") => &usual[..0],
            () if args.contains(&"--fixtures") || args.contains(&"--tag") => &usual[..1],
            () => &usual[..],
        };
        self.args("lambda-smoke", usual, args)
    }

    /// Runs `lambda-eval` of the prebuilt ZIP over the fixture `f` against the fake AWS, unless `args` say otherwise.
    #[track_caller]
    pub(crate) fn eval(&self, args: &[&str]) -> Ran {
        let iterations = self.env.get("ITERATIONS").map_or("1", |value| value.as_str());
        let mut of_command = vec![("--iterations", iterations)];
        if !args.contains(&"--rerun-failed") {
            of_command.push(("--fixtures", "f"));
        }
        let args = self.args("lambda-eval", &of_command, &[&["--skip-build"], args].concat());
        self.finish(self.spawn(&args))
    }

    /// Runs `lambda-ab` of the prebuilt ZIP over the fixture `f` against the fake AWS, unless `args` say otherwise.
    #[track_caller]
    pub(crate) fn ab(&self, args: &[&str]) -> Ran {
        self.finish(self.spawn(&self.ab_args(args)))
    }

    pub(crate) fn ab_args(&self, args: &[&str]) -> Vec<String> {
        let of_command = [("--fixtures", "f"), ("--iterations", "2"), ("--a", "checkout")];
        self.args("lambda-ab", &of_command, &[&["--skip-build"], args].concat())
    }

    /// A command's arguments: `of_command` and what every run of a test has, as far as `args` don't say otherwise.
    fn args(&self, command: &str, of_command: &[(&str, &str)], args: &[&str]) -> Vec<String> {
        let artifacts = self.artifacts().display().to_string();
        let of_all = [
            ("--stack-name", STACK),
            ("--artifacts", artifacts.as_str()),
            ("--endpoint-url", self.aws.endpoint.as_str()),
        ];
        // A run on a kept stack takes its name from there.
        let given = |flag: &str| args.contains(&flag) || (flag == "--stack-name" && args.contains(&"--reuse-stack"));
        let defaults = of_command.iter().chain(&of_all).filter(|(flag, _)| !given(flag));
        let missing = defaults.flat_map(|(flag, value)| [*flag, *value]);
        [command].into_iter().chain(missing).chain(args.iter().copied()).map(str::to_owned).collect()
    }

    /// Runs `lambda-teardown` against the fake AWS.
    #[track_caller]
    pub(crate) fn teardown(&self, args: &[&str]) -> Ran {
        self.run(&[&["lambda-teardown", "--endpoint-url", self.aws.endpoint.as_str()], args].concat())
    }

    /// Runs the binary.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.finish(self.spawn(args))
    }

    /// Starts the binary; the fake AWS sends its signals to it.
    pub(crate) fn spawn(&self, args: &[impl AsRef<str>]) -> Child {
        self.spawn_by(Command::new(env!("CARGO_BIN_EXE_xtask")), args)
    }

    fn spawn_by(&self, mut command: Command, args: &[impl AsRef<str>]) -> Child {
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        command.args(&args).env_clear().envs(coverage()).envs(&self.env);
        if command.get_current_dir().is_none() {
            command.current_dir(self.dir.path());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.forced.set(self.forced.get() || (args.contains(&"--force") && args.contains(&"--yes")));
        let child = command.spawn().unwrap();
        self.aws.faults().watch(child.id());
        child
    }

    /// Waits for a run's end, and checks what must hold after every run.
    #[track_caller]
    pub(crate) fn finish(&self, child: Child) -> Ran {
        let output = wait(child);
        let text = |bytes: &[u8]| self.redact(&String::from_utf8_lossy(bytes));
        let ran = Ran { status: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
        self.assert_no_secret(&ran);
        self.assert_foreign_untouched(&ran);
        schemas::assert_artifacts(&self.artifacts());
        if ran.status.is_some() {
            assert_eq!(self.tools.alive(), [0; 0], "tools are still running\n{ran}");
            assert_eq!(list(&self.dir.path().join("tmp")), [""; 0], "temporary files are left\n{ran}");
        }
        ran
    }

    /// A text without what differs from run to run.
    pub(crate) fn redact(&self, text: &str) -> String {
        let dir = self.dir.path().display().to_string();
        redact::redact(&text.replace(&dir, "<dir>").replace(&self.aws.endpoint, "<endpoint>"))
    }

    /// Executions that are started from now on succeed.
    pub(crate) fn render_ends(&self) {
        self.aws.account().renders.usual = Render::default();
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.dir.path().join("artifacts")
    }

    /// A JSON file of the artifacts.
    #[track_caller]
    pub(crate) fn artifact(&self, name: &str) -> Value {
        let path = self.artifacts().join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// The files of the artifacts, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        list(&self.artifacts())
    }
}

/// A text without what differs from run to run.
pub(crate) fn redacted(text: &str) -> String {
    redact::redact(text)
}

/// The files under a folder, sorted.
fn list(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => found.push(entry.path().strip_prefix(dir).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}
