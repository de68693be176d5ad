//! The SAM CLI: validating, deploying, reading and deleting a stack.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::{
    aws::{Access, Target},
    names::{ArtifactBucketName, ProjectName, RunId, StackName},
    process::{Children, Command, Env, Output},
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
}

/// What is known of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackState {
    /// There is no stack of this name.
    Absent,
    /// There is one, with these outputs; none as long as it is not complete.
    Present(BTreeMap<String, String>),
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
    /// The name of everything in it.
    pub project: &'a ProjectName,
    /// The bucket to upload to.
    pub artifacts: &'a ArtifactBucketName,
    /// The function's reserved concurrency; `None` reserves nothing.
    pub reserved_concurrency: Option<u32>,
}

const DEPLOY_LIMIT: Duration = Duration::from_secs(30 * 60);
const DELETE_LIMIT: Duration = Duration::from_secs(30 * 60);

impl Sam {
    /// `sam` as `program`, for `access`; its log goes to the folder `logs`.
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
    ) -> anyhow::Result<Self> {
        // A samconfig.toml beside the template could add options that nobody asked for.
        let no_config = logs.join("samconfig.toml");
        std::fs::write(&no_config, "version = 0.1\n").with_context(|| format!("{}", no_config.display()))?;
        let mut env = env.for_child().and(access.child_env());
        if !matches!(access.target, Target::Account { .. }) {
            // An emulator answers at once, and a local run must not ask the network for news.
            env = env.with("SAM_CLI_POLL_DELAY", "1").with("__SAM_CLI_APP_DIR", sam_home.display().to_string());
        }
        Ok(Self {
            program: program.to_owned(),
            env,
            region: access.region.to_string(),
            children: children.clone(),
            logs: logs.to_owned(),
            no_config,
        })
    }

    /// `sam validate --lint`.
    ///
    /// # Errors
    /// When the template is not valid.
    pub async fn validate(&self, template: &Path) -> anyhow::Result<()> {
        let command =
            self.command(&["validate"]).args(["--lint", "--template-file"]).arg(template.display().to_string());
        command.run(&self.children).await.map(|_| ())
    }

    /// `sam deploy` of a new stack, tagged with its run.
    ///
    /// # Errors
    /// When the deployment fails.
    pub async fn deploy(&self, deployment: &Deployment<'_>) -> anyhow::Result<()> {
        let concurrency = deployment.reserved_concurrency.map_or("-1".to_owned(), |n| n.to_string());
        let parameters = [
            format!("ProjectName={}", deployment.project),
            "ChromeSource=sparticuz".to_owned(),
            format!("ReservedConcurrency={concurrency}"),
        ];
        let command = self
            .command(&["deploy"])
            .arg("--template-file")
            .arg(deployment.template.display().to_string())
            .args(["--stack-name", deployment.stack.as_str()])
            .args(["--s3-bucket", deployment.artifacts.as_str()])
            .args(["--s3-prefix", deployment.stack.as_str()])
            .args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"])
            .args(["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"])
            .arg("--parameter-overrides")
            .args(parameters)
            .arg("--tags")
            .arg(format!("{}={}", RunId::TAG, deployment.run));
        command.limit(DEPLOY_LIMIT).run(&self.children).await.map(|_| ())
    }

    /// What is known of a stack.
    ///
    /// # Errors
    /// When sam gives no clear answer.
    pub async fn stack(&self, stack: &StackName) -> anyhow::Result<StackState> {
        let command =
            self.command(&["list", "stack-outputs"]).args(["--output", "json", "--stack-name", stack.as_str()]);
        let output = command.run_any(&self.children).await?;
        stack_state(&output).with_context(|| command.complaint(&output))
    }

    /// `sam delete`; waits until the stack is gone. A stack that is not there is fine.
    ///
    /// # Errors
    /// When the deletion fails.
    pub async fn delete(&self, stack: &StackName) -> anyhow::Result<()> {
        let command = self.command(&["delete"]).args(["--no-prompts", "--stack-name", stack.as_str()]);
        command.limit(DELETE_LIMIT).run(&self.children).await.map(|_| ())
    }

    fn command(&self, verb: &[&str]) -> Command {
        Command::new(&self.program, &self.env)
            .args(verb.iter().copied())
            .args(["--region", &self.region, "--config-file", &self.no_config.display().to_string()])
            .cwd(&self.logs)
            .log(&self.logs.join("sam.log"))
            .limit(Duration::from_secs(180))
    }
}

#[derive(Deserialize)]
struct StackOutput {
    #[serde(rename = "OutputKey")]
    key: String,
    #[serde(rename = "OutputValue")]
    value: String,
}

/// Reads the answer of `sam list stack-outputs --output json`.
fn stack_state(output: &Output) -> anyhow::Result<StackState> {
    if output.status.success() {
        let outputs: Vec<StackOutput> =
            serde_json::from_str(&output.stdout).context("sam's list of outputs is no JSON")?;
        return Ok(StackState::Present(outputs.into_iter().map(|o| (o.key, o.value)).collect()));
    }
    if output.stderr_tail.contains("does not exist on Cloudformation") {
        Ok(StackState::Absent)
    } else if output.stderr_tail.contains("Outputs do not exist") {
        Ok(StackState::Present(BTreeMap::new()))
    } else {
        bail!("sam can't tell whether the stack exists")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        let status = std::process::ExitStatus::from_raw(code << 8);
        Output { status, stdout: stdout.into(), stderr_tail: stderr.into() }
    }

    #[test]
    fn absence_is_told_from_trouble() {
        let absent = "Error: The input stack x does not exist on Cloudformation in the region us-east-1.";
        assert_eq!(stack_state(&output(1, "", absent)).unwrap(), StackState::Absent);
        let none = "Error: Outputs do not exist for the input stack x on Cloudformation in the region us-east-1";
        assert_eq!(stack_state(&output(1, "", none)).unwrap(), StackState::Present(BTreeMap::new()));
        assert!(stack_state(&output(1, "", "Error: Rate exceeded")).is_err());
        let outputs = r#"[{"OutputKey":"RenderBucketName","OutputValue":"b","Description":""}]"#;
        let StackState::Present(outputs) = stack_state(&output(0, outputs, "")).unwrap() else { panic!("absent") };
        assert_eq!(outputs["RenderBucketName"], "b");
    }
}
