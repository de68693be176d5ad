//! A fixture's composition as it is uploaded and rendered.

use std::path::PathBuf;

use anyhow::Context;

use super::{Run, Subject};
use crate::{
    connect,
    exit::{ExitCode, Failure, OrExit},
    fixture::tar_gz,
    staging,
};

/// A composition, staged and packed.
pub(crate) struct Packed {
    /// The folder that was packed; the in-process renderer renders it too.
    pub project: PathBuf,
    /// The archive that the function gets.
    pub tar_gz: Vec<u8>,
}

impl Packed {
    /// Stages and packs a fixture's composition.
    ///
    /// # Errors
    /// When a package that it needs can't be had, or something in it can't be read.
    pub(crate) async fn of(run: &Run, subject: &Subject) -> Result<Self, Failure> {
        let fixture = &subject.fixture;
        let env = connect::tool_env(&run.session, &run.connection().access.target);
        let (to, log) = (run.artifacts.path("packed").join(&fixture.name), run.artifacts.logs().join("staging.log"));
        let staged = staging::staged(&run.session, &run.repo, fixture, &env, &to, &log).await;
        let project = staged.or_exit(ExitCode::Preflight)?;
        let packing = project.clone();
        let packed = tokio::task::spawn_blocking(move || tar_gz(&packing)).await;
        let tar_gz = packed.context("packing the composition").or_exit(ExitCode::Preflight)?;
        Ok(Self { project, tar_gz: tar_gz.or_exit(ExitCode::Preflight)? })
    }
}
