//! The SAM CLI: validating a template and deploying a stack.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::{
    aws::{access::Access, clients::Keys},
    project::{
        names::{ArtifactBucketName, RunId, StackName},
        repo::tool_root,
    },
    tools::{
        env::{Child, Env},
        runner::{Run, Runner},
    },
};

/// The `sam` program, in one region of one target.
#[derive(Debug, Clone)]
pub struct Sam {
    program: PathBuf,
    env: Env,
    runner: Runner,
    options: Vec<OsString>,
    logs: PathBuf,
    keys: Option<Keys>,
}

#[derive(Debug)]
pub struct Deployment<'a> {
    pub template: &'a Path,
    pub stack: &'a StackName,
    pub run: &'a RunId,
    pub artifacts: &'a ArtifactBucketName,
    /// Name and value of each parameter that is set.
    pub overrides: &'a [(String, String)],
    /// Whether a function of the template is a container image.
    pub has_images: bool,
}

const VALIDATE_LIMIT: Duration = Duration::from_secs(3 * 60);

const DEPLOY_LIMIT: Duration = Duration::from_secs(30 * 60);

impl Sam {
    /// `sam` as `program`, for `access`; its log goes to the folder `logs`. With `keys` sam
    /// acts as the same caller as the SDK: its own chain of credentials has another order.
    ///
    /// # Errors
    /// When the configuration of this repository is missing.
    pub fn new(
        program: &Path,
        access: &Access,
        sam_home: &Path,
        runner: &Runner,
        logs: &Path,
        keys: Option<Keys>,
    ) -> anyhow::Result<Self> {
        // One next to the template could add options that nobody asked for.
        let no_config = place().join("samconfig.toml");
        ensure!(no_config.is_file(), "{} is missing; it is part of this repository", no_config.display());
        let mut env = access.child_env();
        if access.target.endpoint().is_some() {
            // An emulator answers at once, and a local run must not look for newer versions of sam.
            env = env.with("SAM_CLI_POLL_DELAY", "0.1").with("__SAM_CLI_APP_DIR", sam_home);
        }
        let region = access.region.as_str().into();
        Ok(Self {
            program: program.to_owned(),
            env,
            runner: runner.clone(),
            options: vec!["--region".into(), region, "--config-file".into(), no_config.into()],
            logs: logs.to_owned(),
            keys,
        })
    }

    /// # Errors
    /// When the template is not valid; the message has the rules that it breaks.
    pub async fn validate(&self, template: &Path) -> anyhow::Result<()> {
        let command = validate(&self.runner.sh, &self.program, &self.options, template);
        let output = self.run(command).await?.any_status().await?;
        let broken = broken_rules(&output.stdout);
        let result = output.successful().map(drop);
        if broken.is_empty() { result } else { result.context(broken.join("; ")) }
    }

    /// Deploys a new stack, tagged with its run.
    ///
    /// # Errors
    /// When the deployment fails.
    pub async fn deploy(&self, deployment: &Deployment<'_>) -> anyhow::Result<()> {
        let command = deploy(&self.runner.sh, &self.program, &self.options, deployment);
        self.run(command).await?.limit(DEPLOY_LIMIT).await.map(drop)
    }

    async fn run(&self, command: Cmd<'_>) -> anyhow::Result<Run<'_>> {
        let command = command.envs(self.env_now().await?.iter());
        Ok(self.runner.run_as(Child::Sam, command).cwd(&place()).log(&self.logs.join("sam.log")).limit(VALIDATE_LIMIT))
    }

    /// The AWS variables, with keys that are valid now.
    async fn env_now(&self) -> anyhow::Result<Env> {
        let Some(keys) = &self.keys else { return Ok(self.env.clone()) };
        let keys = keys.now().await.context("credentials for sam")?;
        let env = OTHER_IDENTITIES.into_iter().fold(self.env.clone(), Env::without);
        let env =
            env.with("AWS_ACCESS_KEY_ID", keys.access_key_id()).with("AWS_SECRET_ACCESS_KEY", keys.secret_access_key());
        Ok(match keys.session_token() {
            Some(token) => env.with("AWS_SESSION_TOKEN", token),
            None => env.without("AWS_SESSION_TOKEN"),
        })
    }
}

/// The rules of cfn-lint that a template breaks, at most five. sam prints all in one line, as Python prints a list.
fn broken_rules(printed: &str) -> Vec<String> {
    let rules: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("[[")?.strip_suffix(']')).collect();
    let rules: Vec<&str> = rules.iter().flat_map(|line| line.split(", [")).collect();
    let shown = rules.iter().take(5).map(|rule| match rule.rsplit_once(" matched ") {
        Some((what, line)) => format!("line {line}: {}", what.replacen("] (", " (", 1)),
        None => (*rule).to_owned(),
    });
    let more = rules.len().saturating_sub(5);
    shown.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

/// Where sam runs, with its configuration: not in the artifact folder, where a run's files are.
fn place() -> PathBuf {
    tool_root().join("xtask/toolbox")
}

/// The call that validates a template; `options` say where.
pub(crate) fn validate<'a>(sh: &'a Shell, sam: &Path, options: &[OsString], template: &Path) -> Cmd<'a> {
    cmd!(sh, "{sam} validate {options...} --lint --template-file {template}")
}

/// The call that deploys a stack.
pub(crate) fn deploy<'a>(sh: &'a Shell, sam: &Path, options: &[OsString], deployment: &Deployment<'_>) -> Cmd<'a> {
    let Deployment { template, .. } = deployment;
    let (stack, bucket) = (deployment.stack.as_str(), deployment.artifacts.as_str());
    let overrides = deployment.overrides.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let images = deployment.has_images.then_some(["--image-repository", NO_REPOSITORY]).into_iter().flatten();
    let (tag, run) = (RunId::TAG, deployment.run.to_string());
    cmd!(
        sh,
        "{sam} deploy {options...} --template-file {template} --stack-name {stack}
            --s3-bucket {bucket} --s3-prefix {stack}
            --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM
            --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar
            {images...} --parameter-overrides {overrides...} --tags {tag}={run}"
    )
}

/// A repository that sam demands where a template has images, and does not use: a run gives it no image to upload.
const NO_REPOSITORY: &str = "000000000000.dkr.ecr.us-east-1.amazonaws.com/unused";

/// A value as sam reads it: one that is empty or has other characters than names and addresses have needs quotes.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/:@+".contains(c);
    match !value.is_empty() && value.chars().all(is_plain) {
        true => value.to_owned(),
        false => format!("\"{}\"", value.replace('"', "\\\"")),
    }
}

/// Variables by which sam could come to act as someone else.
const OTHER_IDENTITIES: [&str; 8] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];
