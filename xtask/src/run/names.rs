//! The names of one run, all drawn from its id.

use anyhow::Context;

use crate::{
    cli::RunOptions,
    clock,
    names::{ArtifactBucketName, ProjectName, Region, RunId, StackName},
    sam::Deployment,
    template::{Given, Template, Values},
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
            artifact_bucket: ArtifactBucketName::new(&stack, &options.target.region, &run),
            stack,
            epoch_s,
            run,
        })
    }

    /// What the template's parameters are given in this run.
    ///
    /// # Errors
    /// As [`Parameters::given`](crate::template::Parameters::given).
    pub(crate) fn given(&self, template: &Template, options: &RunOptions) -> anyhow::Result<Given> {
        let given = template.parameters.given(&self.project, options.capacity());
        given.with_context(|| format!("the template {}", template.path.display()))
    }

    /// What `sam deploy` is told.
    pub(crate) fn deployment<'a>(&'a self, template: &'a Template, given: &'a Given) -> Deployment<'a> {
        Deployment {
            template: &template.path,
            stack: &self.stack,
            run: &self.run,
            artifacts: &self.artifact_bucket,
            overrides: &given.overrides,
        }
    }

    /// What the parameters and pseudo parameters of the deployment stand for.
    pub(crate) fn values(&self, given: &Given, account: &str, region: &Region) -> Values {
        let values = given.values().with("AWS::AccountId", account).with("AWS::Region", region.as_str());
        values.with("AWS::StackName", self.stack.as_str()).with("AWS::Partition", region.partition())
    }
}
