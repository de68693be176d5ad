//! The names of one run, all drawn from its id.

use crate::{
    cli::RunOptions,
    clock,
    names::{ArtifactBucketName, ProjectName, RunId, StackName},
    repo::Repo,
    sam::Deployment,
};

/// What a run, its stack and its bucket are called.
#[derive(Debug, Clone)]
pub(crate) struct RunNames {
    /// The run.
    pub run: RunId,
    /// The stack.
    pub stack: StackName,
    /// What the stack's resources are named after.
    pub project: ProjectName,
    /// The bucket that `sam` uploads to.
    pub artifact_bucket: ArtifactBucketName,
    /// When the run began, seconds since 1970.
    pub epoch_s: u64,
}

impl RunNames {
    /// Draws the names of a new run of `command`.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn draw(command: &str, options: &RunOptions) -> anyhow::Result<Self> {
        let run = RunId::random()?;
        let epoch_s = clock::epoch_s();
        let stack = options.stack_name.clone().unwrap_or_else(|| StackName::for_run(command, epoch_s, &run));
        Ok(Self {
            project: ProjectName::new(&stack, &run),
            artifact_bucket: ArtifactBucketName::new(&stack, &options.region, &run),
            stack,
            epoch_s,
            run,
        })
    }

    /// What `sam deploy` is told.
    pub(crate) fn deployment(&self, repo: &Repo, reserved_concurrency: Option<u32>) -> Deployment<'_> {
        Deployment {
            template: repo.template(),
            stack: &self.stack,
            run: &self.run,
            project: &self.project,
            artifacts: &self.artifact_bucket,
            reserved_concurrency,
        }
    }
}
