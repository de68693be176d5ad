//! Whether the ffmpeg of this repository's handler ZIP encodes what a fixture asks for.

use anyhow::anyhow;

use super::Run;
use crate::{
    exit::{ExitCode, Failure, OrExit},
    fixture::Fixture,
    repo::Layout,
    toolbox::{decodes_png, is_linux_x86_64},
};

impl Run {
    /// Refuses a format with alpha where the ZIP that is about to be built can't encode it: every
    /// chunk would fail, five times each. A checkout's ZIP brings its own ffmpeg, and of one that
    /// is deployed as found it is not known.
    ///
    /// # Errors
    /// When its ffmpeg decodes no PNG, or can't be had.
    pub(crate) async fn check_encoder(&self, fixture: &Fixture) -> Result<(), Failure> {
        let format = fixture.meta.format;
        let is_of_zip = self.repo.layout() == Layout::Own && !self.options.skip_build;
        // Elsewhere the function's ffmpeg does not run.
        if !format.is_encoded_from_png() || !is_of_zip || !is_linux_x86_64() {
            return Ok(());
        }
        let (session, toolbox) = (&self.session, &self.session.toolbox);
        toolbox.provide_media(&session.runner).await.or_exit(ExitCode::Preflight)?;
        let ffmpeg = toolbox.media().join("ffmpeg");
        match decodes_png(&ffmpeg, &session.runner).await.or_exit(ExitCode::Preflight)? {
            true => Ok(()),
            false => Err(Failure::new(
                ExitCode::Preflight,
                anyhow!(
                    "fixture {}: the renderer hands ffmpeg the frames of a {} as PNG, for their alpha, and the ffmpeg of \
                     this repository's handler ZIP, {}, decodes none; run in a HyperFrames checkout, whose ZIP has an \
                     ffmpeg of its own, or deploy a ZIP with another one by --skip-build",
                    fixture.name,
                    format.handler_name(),
                    ffmpeg.display()
                ),
            )),
        }
    }
}
