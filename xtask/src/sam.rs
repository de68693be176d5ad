//! The SAM CLI: validating, deploying and deleting a stack.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;

use crate::{
    aws::{Access, Keys, Target},
    env::Env,
    names::{ArtifactBucketName, RunId, StackName},
    process::{Children, Command},
};

/// The `sam` program, in one region of one target.
#[derive(Debug, Clone)]
pub struct Sam {
    program: PathBuf,
    env: Env,
    region: String,
    children: Children,
    logs: PathBuf,
    no_config: PathBuf,
    keys: Option<Keys>,
}

/// What a deployment needs to know.
#[derive(Debug)]
pub struct Deployment<'a> {
    /// The template.
    pub template: &'a Path,
    /// The stack to create.
    pub stack: &'a StackName,
    /// The run that creates it.
    pub run: &'a RunId,
    /// The bucket to upload to.
    pub artifacts: &'a ArtifactBucketName,
    /// Name and value of each parameter that is set.
    pub overrides: &'a [(String, String)],
}

const DEPLOY_LIMIT: Duration = Duration::from_secs(30 * 60);
const DELETE_LIMIT: Duration = Duration::from_secs(30 * 60);

impl Sam {
    /// `sam` as `program`, for `access`; its log goes to the folder `logs`. With
    /// `keys` sam acts with what they give, as the same caller as the SDK: its own
    /// chain of credentials has another order.
    ///
    /// # Errors
    /// When that folder can't be written to.
    pub fn new(
        program: &Path,
        access: &Access,
        sam_home: &Path,
        env: &Env,
        children: &Children,
        logs: &Path,
        keys: Option<Keys>,
    ) -> anyhow::Result<Self> {
        // A samconfig.toml beside the template could add options that nobody asked for.
        let no_config = logs.join("samconfig.toml");
        std::fs::write(&no_config, "version = 0.1\n").with_context(|| format!("{}", no_config.display()))?;
        let mut env = env.for_child().and(access.child_env());
        if !matches!(access.target, Target::Account { .. }) {
            // An emulator answers at once, and a local run must not ask the network for news.
            env = env.with("SAM_CLI_POLL_DELAY", "0.1").with("__SAM_CLI_APP_DIR", sam_home.display().to_string());
        }
        Ok(Self {
            program: program.to_owned(),
            env,
            region: access.region.to_string(),
            children: children.clone(),
            logs: logs.to_owned(),
            no_config,
            keys,
        })
    }

    /// `sam validate --lint`.
    ///
    /// # Errors
    /// When the template is not valid.
    pub async fn validate(&self, template: &Path) -> anyhow::Result<()> {
        let command = self.command(&validate_args(template)).await?;
        command.run(&self.children).await.map(|_| ())
    }

    /// `sam deploy` of a new stack, tagged with its run.
    ///
    /// # Errors
    /// When the deployment fails.
    pub async fn deploy(&self, deployment: &Deployment<'_>) -> anyhow::Result<()> {
        let command = self.command(&deploy_args(deployment)).await?;
        command.limit(DEPLOY_LIMIT).run(&self.children).await.map(|_| ())
    }

    /// `sam delete`; waits until the stack is `gone`, which sam itself looks for every
    /// 30 s. A stack that is not there is fine.
    ///
    /// # Errors
    /// When the deletion fails.
    pub async fn delete(
        &self,
        stack: &StackName,
        artifacts: &ArtifactBucketName,
        gone: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let command = self.command(&delete_args(stack, artifacts)).await?;
        command.limit(DELETE_LIMIT).run_until(&self.children, gone).await
    }

    async fn command(&self, args: &[String]) -> anyhow::Result<Command> {
        let (verb, options) = args.split_first().expect("a command of sam has a verb");
        Ok(Command::new(&self.program, &self.env_now().await?)
            .arg(verb)
            .args(["--region", &self.region, "--config-file", &self.no_config.display().to_string()])
            .args(options)
            .cwd(&self.logs)
            .log(&self.logs.join("sam.log"))
            .limit(Duration::from_secs(180)))
    }

    /// The environment, with keys that are valid now.
    async fn env_now(&self) -> anyhow::Result<Env> {
        let Some(keys) = &self.keys else { return Ok(self.env.clone()) };
        let keys = keys.now().await.context("credentials for sam")?;
        let mut env = self.env.clone();
        for other in OTHER_IDENTITIES {
            env = env.without(other);
        }
        env =
            env.with("AWS_ACCESS_KEY_ID", keys.access_key_id()).with("AWS_SECRET_ACCESS_KEY", keys.secret_access_key());
        Ok(match keys.session_token() {
            Some(token) => env.with("AWS_SESSION_TOKEN", token),
            None => env.without("AWS_SESSION_TOKEN"),
        })
    }
}

/// What `sam validate` is called with, region and configuration aside.
pub fn validate_args(template: &Path) -> Vec<String> {
    ["validate", "--lint", "--template-file"].map(str::to_owned).into_iter().chain([shown(template)]).collect()
}

/// What `sam deploy` is called with, likewise.
pub fn deploy_args(deployment: &Deployment<'_>) -> Vec<String> {
    let before = [
        "deploy",
        "--template-file",
        &shown(deployment.template),
        "--stack-name",
        deployment.stack.as_str(),
        "--s3-bucket",
        deployment.artifacts.as_str(),
        "--s3-prefix",
        deployment.stack.as_str(),
        "--capabilities",
        "CAPABILITY_IAM",
        "CAPABILITY_NAMED_IAM",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        "--parameter-overrides",
    ]
    .map(str::to_owned);
    let overrides = deployment.overrides.iter().map(|(name, value)| format!("{name}={value}"));
    let tags = ["--tags".to_owned(), format!("{}={}", RunId::TAG, deployment.run)];
    before.into_iter().chain(overrides).chain(tags).collect()
}

/// What `sam delete` is called with, likewise. It deletes uploads too: without a bucket it would
/// take that of the first uploaded thing in the template, whosever it is, and all under its prefix.
pub fn delete_args(stack: &StackName, artifacts: &ArtifactBucketName) -> Vec<String> {
    let of_run = ["--s3-bucket", artifacts.as_str(), "--s3-prefix", stack.as_str()];
    let args = ["delete", "--no-prompts", "--stack-name", stack.as_str()].into_iter().chain(of_run);
    args.map(str::to_owned).collect()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
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
