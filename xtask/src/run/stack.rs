//! From nothing to a stack that renders: the target, the tools, the handler ZIP, the template, the quota.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};

use crate::{
    aws::{access::Target, buckets, signed_calls},
    console::text::counted,
    context::{self, Connection},
    exit::{ExitCode, Failure, OrExit},
    project::{
        repo::{self, Layout},
        revision,
        template::Template,
    },
    run::{
        Run,
        deploy::{self, DeployedStack},
        subject::Subject,
    },
    tools::{
        env::Env,
        ffmpeg::Media,
        handler::{self, BuildTools, HandlerZip},
        preflight::{self, Purpose, Tools},
        release::{self, HandlerCode},
        runner::Runner,
    },
};

/// What all later stages need.
pub(crate) struct Ready {
    pub tools: Tools,
    pub media: Media,
}

impl Run {
    /// Reaches the target, and checks credentials and tools, all problems at
    /// once. From here on the artifact folder is this run's.
    pub(crate) async fn make_ready(&self) -> Result<Ready, Failure> {
        let commit = repo::commit(&self.repo, &self.session.runner).await;
        self.record.borrow_mut().git_commit = commit;
        let target = self.stage("target", self.reach_target()).await?;
        self.stage("preflight", self.check(target)).await
    }

    /// Lets the run use the target that another one has reached.
    pub(crate) fn join_target_of(&self, other: &Self) {
        self.record.borrow_mut().target.clone_from(&other.record.borrow().target);
    }

    /// The target: for `--local` the tools and an emulator.
    async fn reach_target(&self) -> Result<Target, Failure> {
        if let Some(target) = self.record.borrow().target.clone() {
            return Ok(target);
        }
        let (target, embedded) =
            context::prepare(&self.session, &self.options.target.aws.choice()).await.or_exit(ExitCode::Preflight)?;
        *self.embedded.borrow_mut() = embedded;
        self.record.borrow_mut().target = Some(target.clone());
        Ok(target)
    }

    async fn check(&self, target: Target) -> Result<Ready, Failure> {
        let session = &self.session;
        let is_built = matches!(self.options.code(), HandlerCode::Built | HandlerCode::Commit(_));
        let purpose = if is_built { Purpose::BuildAndRender } else { Purpose::Render };
        let runner = session.runner.with_env(&context::tool_env(session, &target));
        let (connection, tools) = tokio::join!(
            context::connect(session, target, &self.options.target.region),
            preflight::check(purpose, &runner)
        );
        let (connection, tools) = all_or_problems(connection, tools)?;
        self.step("target", &connection.describe());
        connection
            .access
            .settings
            .lines(&connection.access.region)
            .iter()
            .for_each(|line| session.console.command(line));
        self.artifacts.take(self.options.keep_runs).or_exit(ExitCode::Preflight)?;
        self.record.borrow_mut().tools = tools.versions.clone();
        self.record.borrow_mut().account = Some(connection.account.clone());
        let sam = connection.sam(session, tools.path("sam"), &self.artifacts.logs()).or_exit(ExitCode::Preflight)?;
        let _ = self.sam.set(sam);
        let _ = self.connection.set(connection);
        self.step("preflight", &format!("all {} found, in versions that work", counted(tools.versions.len(), "tool")));
        Ok(Ready { media: Media::new(&tools, &runner), tools })
    }
}

/// Both, or a list of everything that is wrong with either.
fn all_or_problems(
    connection: anyhow::Result<Connection>,
    tools: Result<Tools, Vec<String>>,
) -> Result<(Connection, Tools), Failure> {
    let mut problems = Vec::new();
    let connection = connection.map_err(|error| problems.push(format!("{error:#}"))).ok();
    let tools = tools.map_err(|of_tools| problems.extend(of_tools)).ok();
    match (connection, tools) {
        (Some(connection), Some(tools)) => Ok((connection, tools)),
        _ if problems.len() == 1 => Err(Failure::preflight(&problems[0])),
        _ => Err(Failure::preflight(format!("pre-flight:\n  - {}", problems.join("\n  - ")))),
    }
}

impl Run {
    /// Builds the handler ZIP, which encodes formats with alpha if `has_alpha`. At the same time checks the template
    /// and the account's quota for `chunks` at once, and proves that the run's names are unused: all of that before
    /// anything is created.
    pub(crate) async fn build(&self, tools: &Tools, chunks: u32, has_alpha: bool) -> Result<(), Failure> {
        let (zip, valid, unused, allowed) = tokio::join!(
            self.stage("build", self.handler_zip(tools, has_alpha)),
            self.stage("validate", self.validate()),
            self.stage("names", deploy::prove_unused(self)),
            self.stage("quota", allow_quota(self, chunks)),
        );
        unused?;
        allowed?;
        let zip = zip?;
        self.check_other_zips().or_exit(ExitCode::Build)?;
        valid.or_exit(ExitCode::Deploy)?;
        self.step("build", &describe(&zip, self.options.code()));
        self.record.borrow_mut().handler = Some(zip);
        Ok(())
    }

    /// Refuses a function whose own ZIP is not there, or would not be of the handler that was asked for.
    fn check_other_zips(&self) -> anyhow::Result<()> {
        let values = self.template.values(self.given.values());
        for (function, zip) in self.template.other_zips(&values) {
            let what = format!("Resources.{function} is deployed from a ZIP of its own, {}", zip.display());
            let replaces = matches!(self.options.code(), HandlerCode::Release(..) | HandlerCode::Commit(_));
            ensure!(!replaces, "{what}, which neither --handler-zip nor a commit replaces");
            ensure!(zip.is_file(), "{what}, which is not there; build it first");
        }
        Ok(())
    }

    /// Deploys the run's stack and proves that it is this run's.
    pub(crate) async fn deploy(&self) -> Result<DeployedStack, Failure> {
        self.stage("deploy", deploy::deploy(self)).await
    }

    /// Uploads a packed composition to where executions look for it.
    pub(crate) async fn upload(
        &self,
        stack: &DeployedStack,
        subject: &Subject,
        tar_gz: Vec<u8>,
    ) -> Result<(), Failure> {
        let (clients, key) = (&self.connection().clients, subject.project_key());
        self.stage("upload", buckets::upload(clients, &stack.bucket, &key, tar_gz)).await.or_exit(ExitCode::Render)
    }

    async fn handler_zip(&self, tools: &Tools, has_alpha: bool) -> Result<HandlerZip, Failure> {
        let session = &self.session;
        match self.options.code() {
            HandlerCode::Built | HandlerCode::Commit(_) => {}
            HandlerCode::Existing => return handler::existing(&self.template.code).or_exit(ExitCode::Build),
            HandlerCode::Release(file, sha256) => {
                let zip = release::check(file, sha256).or_exit(ExitCode::Build)?;
                return release::place(zip, &self.template.code).or_exit(ExitCode::Build);
            }
        }
        let programs = match self.repo.layout() {
            Layout::Own => session.toolbox.provide_media(has_alpha, &session.runner).await.or_exit(ExitCode::Build)?,
            // A checkout's ZIP brings its own.
            Layout::HyperFrames => Vec::new(),
        };
        let build_tools = BuildTools { bun: tools.path("bun").to_owned(), zip: tools.path("zip").to_owned(), programs };
        let runner = session.runner.with_env(&context::tool_env(session, &self.connection().access.target));
        let (code, logs) = (&self.template.code, self.artifacts.logs());
        let built = match self.options.code() {
            HandlerCode::Commit(commit) => self.build_commit(commit, &build_tools, &runner).await,
            _ => handler::build(&self.repo, code, &build_tools, &runner, &logs).await,
        };
        built.or_exit(ExitCode::Build)
    }

    /// Builds the handler of another commit in a temporary folder, and puts its ZIP where the template deploys it from.
    async fn build_commit(&self, commit: &str, tools: &BuildTools, runner: &Runner) -> anyhow::Result<HandlerZip> {
        let what = || format!("the handler of commit {commit}");
        let folder = tempfile::tempdir().with_context(what)?;
        let repo = revision::checked_out(&self.repo, commit, folder.path(), runner).await?;
        let (code, logs) = (Template::read(&repo.template()).with_context(what)?.code, self.artifacts.logs());
        if repo.layout() == Layout::HyperFrames && repo.root().join("bun.lock").is_file() {
            handler::install_checkout(&repo, &tools.bun, runner, &logs.join("build.log")).await.with_context(what)?;
        }
        handler::check_scripts(&repo).with_context(what)?;
        let zip = handler::build(&repo, &code, tools, runner, &logs).await.with_context(what)?;
        release::place(zip, &self.template.code).with_context(what)
    }
}

fn describe(zip: &HandlerZip, code: HandlerCode<'_>) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "handler ZIP{} {:.1} MiB, {:.1} MiB unzipped ({})",
        zip.version.as_ref().map(|version| format!(" of version {version},")).unwrap_or_default(),
        mib(zip.sizes.zipped),
        mib(zip.sizes.unzipped),
        match (code, zip.built) {
            (HandlerCode::Existing, _) => "as found: --skip-build".to_owned(),
            (HandlerCode::Release(file, _), _) => format!("from {}, SHA-256 {}", file.display(), zip.sha256),
            (HandlerCode::Commit(commit), _) => format!("built from commit {commit}"),
            (HandlerCode::Built, true) => "built".to_owned(),
            (HandlerCode::Built, false) => "unchanged".to_owned(),
        }
    )
}

/// Refuses a reservation that Lambda would refuse in the middle of a deployment, and says
/// of chunks that will be throttled. `chunks` are rendered at once at most.
///
/// # Errors
/// When the account can't reserve so much. Where that can't be read, the deployment shows it.
async fn allow_quota(run: &Run, chunks: u32) -> Result<(), Failure> {
    // What a kept stack reserves is no longer among what the account could reserve.
    if run.reused.is_some() {
        return Ok(());
    }
    let asked = signed_calls::unreserved_concurrency(&run.connection().clients).await;
    let Ok(Some(unreserved)) = asked else { return Ok(()) };
    let values = run.template.values(run.given.values());
    let concurrency = run.template.concurrency(&values, unreserved);
    concurrency.check().map_err(Failure::preflight)?;
    if let Some(reported) = concurrency.throttles(chunks) {
        run.step("quota", &reported);
    }
    Ok(())
}

/// As many templates that were found valid are known; the oldest are forgotten.
const KNOWN: usize = 100;

impl Run {
    /// `sam validate --lint`, unless this very version of sam found this very template valid before.
    async fn validate(&self) -> anyhow::Result<()> {
        let template = &self.template.path;
        let content = fs::read(template).with_context(|| template.display().to_string())?;
        let folder = cache(&self.session.env);
        let known = folder.as_ref().map(|folder| folder.join(self.key(&content)));
        if known.as_ref().is_some_and(|file| file.is_file()) {
            self.step("validate", "skipped: this version of sam has validated this template before");
            return Ok(());
        }
        self.sam().validate(template).await.context("the template is not valid")?;
        if let Some((folder, known)) = folder.zip(known) {
            // Without this it is only checked again.
            let _ = fs::create_dir_all(&folder).and_then(|()| fs::write(known, template.display().to_string()));
            forget_the_oldest(&folder);
        }
        Ok(())
    }

    /// What the answer depends on.
    fn key(&self, content: &[u8]) -> String {
        let record = self.record.borrow();
        let sam = record.tools.get("sam").map(String::as_str).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(format!("{sam}\0{}\0", self.options.target.region));
        hash.update(content);
        hex::encode(hash.finalize())
    }
}

/// Where it is noted, a file each; `None` where there is no place for caches.
fn cache(env: &Env) -> Option<PathBuf> {
    let of_user = env.path("XDG_CACHE_HOME").or_else(|| Some(env.path("HOME")?.join(".cache")))?;
    Some(of_user.join("hyperframes-lambda/valid-templates"))
}

fn forget_the_oldest(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path()))).collect();
    files.sort();
    for (_, path) in files.iter().rev().skip(KNOWN) {
        let _ = fs::remove_file(path);
    }
}
