//! From nothing to a target that answers and tools that fit.

use super::Run;
use crate::{
    aws::Target,
    connect::{self, Connection},
    exit::{ExitCode, Failure, OrExit},
    git,
    media::Media,
    preflight::{self, Purpose, Tools},
    wording::counted,
};

/// What all later stages need.
pub(crate) struct Ready {
    /// Programs that are there, new enough and able.
    pub tools: Tools,
    /// ffmpeg and ffprobe.
    pub media: Media,
}

impl Run {
    /// Reaches the target, and checks credentials and tools, all problems at
    /// once. From here on the artifact folder is this run's.
    ///
    /// # Errors
    /// When anything is missing.
    pub(crate) async fn make_ready(&self) -> Result<Ready, Failure> {
        let commit = git::commit(&self.repo, &self.session.runner).await;
        self.record.borrow_mut().git_commit = commit;
        let target = self.stage("target", self.reach_target()).await?;
        self.stage("preflight", self.check(target)).await
    }

    /// The target: for `--local` the tools and an emulator.
    async fn reach_target(&self) -> Result<Target, Failure> {
        let (target, embedded) =
            connect::prepare(&self.session, &self.options.target.aws.choice()).await.or_exit(ExitCode::Preflight)?;
        *self.embedded.borrow_mut() = embedded;
        self.record.borrow_mut().target = Some(target.clone());
        Ok(target)
    }

    async fn check(&self, target: Target) -> Result<Ready, Failure> {
        let session = &self.session;
        let purpose = if self.options.skip_build { Purpose::Render } else { Purpose::BuildAndRender };
        let runner = session.runner.with_env(&connect::tool_env(session, &target));
        let (connection, tools) = tokio::join!(
            connect::connect(session, target, &self.options.target.region),
            preflight::check(purpose, &runner)
        );
        let (connection, tools) = all_or_problems(connection, tools)?;
        self.step("target", &connection.describe());
        self.artifacts.take().or_exit(ExitCode::Preflight)?;
        self.record.borrow_mut().tools = tools.versions.clone();
        self.record.borrow_mut().account = Some(connection.account.clone());
        let sam = connection.sam(session, tools.path("sam"), &self.artifacts.logs()).or_exit(ExitCode::Preflight)?;
        let _ = self.sam.set(sam);
        let _ = self.connection.set(connection);
        self.step("preflight", &format!("{} fit", counted(tools.versions.len(), "tool")));
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
