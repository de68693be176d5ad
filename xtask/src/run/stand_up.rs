//! From tools that fit to a stack that renders: everything that doesn't depend
//! on each other side by side.

use super::{DeployedStack, Run, deploy, quota};
use crate::{
    connect,
    exit::{ExitCode, Failure, OrExit},
    handler::{self, BuildTools, HandlerZip},
    preflight::Tools,
    repo::Layout,
};

impl Run {
    /// Builds the handler, checks the template and the account's quota for `chunks` at
    /// once, and proves the run's names unused, with `beside` at the same time; then
    /// deploys. What `beside` finds out is told before anything is created.
    ///
    /// # Errors
    /// With the exit code of what failed.
    pub(crate) async fn stand_up<T>(
        &self,
        tools: &Tools,
        chunks: u32,
        beside: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(DeployedStack, T), Failure> {
        let (zip, valid, unused, allowed, beside) = tokio::join!(
            self.stage("build", self.build(tools)),
            self.stage("validate", self.validate()),
            self.stage("names", deploy::prove_unused(self)),
            self.stage("quota", quota::allow(self, chunks)),
            beside,
        );
        unused?;
        allowed?;
        let zip = zip?;
        valid.or_exit(ExitCode::Deploy)?;
        let beside = beside?;
        self.step("build", &describe(&zip, self.options.skip_build));
        self.record.borrow_mut().handler = Some(zip);
        let stack = self.stage("deploy", deploy::deploy(self)).await?;
        Ok((stack, beside))
    }

    async fn build(&self, tools: &Tools) -> Result<HandlerZip, Failure> {
        let session = &self.session;
        if self.options.skip_build {
            return handler::existing(&self.template.function.code).or_exit(ExitCode::Build);
        }
        // A checkout's ZIP brings its own.
        if self.repo.layout() == Layout::Own {
            session.toolbox.provide_media(&session.runner).await.or_exit(ExitCode::Build)?;
        }
        let build_tools = BuildTools {
            bun: tools.path("bun").to_owned(),
            zip: tools.path("zip").to_owned(),
            media: session.toolbox.media(),
        };
        let runner = session.runner.with_env(&connect::tool_env(session, &self.connection().access.target));
        let (code, logs) = (&self.template.function.code, self.artifacts.logs());
        handler::build(&self.repo, code, &build_tools, &runner, &logs).await.or_exit(ExitCode::Build)
    }
}

fn describe(zip: &HandlerZip, skipped: bool) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "handler ZIP {:.1} MiB, {:.1} MiB unzipped ({})",
        mib(zip.sizes.zipped),
        mib(zip.sizes.unzipped),
        match (skipped, zip.built) {
            (true, _) => "as found: --skip-build",
            (false, true) => "built",
            (false, false) => "unchanged",
        }
    )
}
