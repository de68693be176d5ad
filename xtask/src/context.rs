//! What every command has at hand.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use aws_sdk_sfn::primitives::{DateTime, DateTimeFormat};

use crate::{
    aws::{
        access::{Access, Target, TargetChoice},
        clients::Clients,
        identity,
        region::{Profile, Region},
    },
    console::Console,
    local::{
        emulator::{EmbeddedAws, Options},
        provisioning::Toolbox,
        system::{ensure_zip, is_linux_x86_64},
    },
    project::{
        names::{RunId, StackName},
        repo::{Repo, RepoChoice},
    },
    tools::{children::quoted, env::Env, runner::Runner, sam::Sam},
};

/// The caller's environment, its programs, the terminal and the tools.
#[derive(Debug, Clone)]
pub struct Session {
    /// The caller's environment.
    pub env: Env,
    /// Starts programs, and knows those that are alive.
    pub runner: Runner,
    pub console: Console,
    pub toolbox: Toolbox,
    /// What was said of the repository.
    pub repo: RepoChoice,
}

impl Session {
    /// # Errors
    /// As [`Runner::new`].
    pub fn of_process(env: Env, console: Console, repo: RepoChoice) -> anyhow::Result<Self> {
        let (runner, toolbox) = (Runner::new(&env, &console)?, Toolbox::find(env.path(Toolbox::ENV)));
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

// From the target that was asked for to clients that work.

/// A target that answers, and the identity that we have there.
#[derive(Debug, Clone)]
pub struct Connection {
    pub access: Access,
    pub clients: Clients,
    pub account: String,
    /// The user or role.
    pub arn: String,
}

/// Makes everything ready that `choice` needs before it can be reached: for
/// `--local` the tools and an emulator.
///
/// # Errors
/// When this machine can't run it, or a tool can't be provisioned.
pub async fn prepare(session: &Session, choice: &TargetChoice) -> anyhow::Result<(Target, Option<EmbeddedAws>)> {
    match choice {
        TargetChoice::Account(profile) => Ok((Target::configured(&session.env, profile.as_ref())?, None)),
        TargetChoice::Endpoint(url) => Ok((Target::Endpoint { url: url.clone(), configured: None }, None)),
        TargetChoice::Local => {
            provision(session).await?;
            let embedded = EmbeddedAws::start(&session.toolbox, &Options::default(), &session.runner).await?;
            Ok((Target::Embedded { url: embedded.endpoint.clone() }, Some(embedded)))
        }
    }
}

/// # Errors
/// When this machine can't run them, or a tool can't be had.
pub async fn provision(session: &Session) -> anyhow::Result<()> {
    if !is_linux_x86_64() {
        bail!(
            "the embedded AWS and the in-process renderer run on Linux x86-64 only, as their Chromium does; here, run \
             in a Linux x86-64 container, against your own account, or against `cargo xtask local-aws` on a Linux \
             machine with --endpoint-url"
        );
    }
    ensure_zip(&session.runner).await?;
    session.toolbox.provide_all(&session.runner).await
}

/// Connects to a target and asks who we are.
///
/// # Errors
/// When nobody answers, or the credentials are missing or refused.
pub async fn connect(session: &Session, target: Target, region: &Region) -> anyhow::Result<Connection> {
    let access = Access::new(target, region.clone(), &session.env)?;
    let clients = Clients::new(&access, &session.console).await;
    let caller = identity::caller(&access, &clients).await?;
    clients.expect_bucket_owner(&caller.account);
    Ok(Connection { access, clients, account: caller.account, arn: caller.arn })
}

impl Connection {
    /// The SAM CLI at this target, logging to `logs`.
    ///
    /// # Errors
    /// When `logs` can't be written to.
    pub fn sam(&self, session: &Session, program: &std::path::Path, logs: &std::path::Path) -> anyhow::Result<Sam> {
        let home = session.toolbox.sam_home();
        let keys = self.access.target.has_keys_of_the_chain().then(|| self.clients.keys.clone());
        Sam::new(program, &self.access, &home, &session.runner, logs, keys).context("preparing sam")
    }

    /// The target in one phrase, without secrets.
    pub fn describe(&self) -> String {
        let place = match &self.access.target {
            Target::Account { profile: Some(profile) } => format!("AWS (profile {profile})"),
            Target::Account { profile: None } => "AWS".to_owned(),
            Target::Endpoint { url, configured } => {
                let profile = configured.as_ref().and_then(|configured| configured.profile.as_ref());
                let profile = profile.map(|profile| format!(" (profile {profile})")).unwrap_or_default();
                format!("emulator at {url}{profile}")
            }
            Target::Embedded { url } => format!("embedded AWS at {url}"),
        };
        format!("{place}, account {}, {}, as {}", self.account, self.access.region, self.arn)
    }

    /// The flags that lead another command to this target.
    pub fn flags(&self) -> String {
        flags(&self.access.target, &self.access.region)
    }
}

/// The environment in which tools are looked for: a local run uses the
/// provisioned ones, so that it is the same everywhere; another run uses the
/// user's, and the provisioned ones where those are missing.
pub fn tool_env(session: &Session, target: &Target) -> Env {
    match target {
        Target::Embedded { .. } => session.env.clone().with_path_first(&session.toolbox.bin()),
        _ => user_tools(session),
    }
}

/// The user's own tools, and the provisioned ones where those are missing.
pub fn user_tools(session: &Session) -> Env {
    session.env.clone().with_path_last(&session.toolbox.bin())
}

/// The command that finishes a run's clean-up.
pub fn recovery(stack: &StackName, run: &RunId, target: &Target, region: &Region) -> String {
    format!("cargo xtask lambda-teardown {stack} --run {run} {}", flags(target, region))
}

/// The flags that lead a command to a target.
pub fn flags(target: &Target, region: &Region) -> String {
    match target {
        Target::Account { profile: None } => format!("--region {region}"),
        target if target.profile().is_some() => {
            let profile = target.profile().map(Profile::as_str).unwrap_or_default();
            format!("--region {region} --profile {}", quoted(profile))
        }
        // The variables that name these endpoints will name them in the printed command too.
        Target::Endpoint { configured: Some(configured), .. } if !configured.services.is_empty() => {
            format!("--region {region}")
        }
        Target::Account { .. } => format!("--region {region}"),
        Target::Endpoint { url, .. } | Target::Embedded { url } => format!("--region {region} --endpoint-url {url}"),
    }
}

// The clock: wall time for what is written, monotonic time for durations.

/// Seconds since 1970.
pub fn epoch_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The time now, RFC 3339 in UTC with milliseconds.
pub fn now_rfc3339() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(millis).fmt(DateTimeFormat::DateTime).unwrap_or_default()
}

/// A duration in whole milliseconds.
pub fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
