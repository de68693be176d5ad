//! The reports that every run ends with, made of what it left in its folder.

use anyhow::Context;

use super::Run;
use crate::{publish, story};

/// Writes them. What keeps a report from being made changes nothing about the run, so it is only said.
pub(super) fn leave(run: &Run) {
    if !run.artifacts.is_taken() {
        return;
    }
    let dir = run.artifacts.dir();
    let write = || {
        let text = publish::publish(dir, &story::read(dir)?, "")?;
        run.session.console.result(&format!("report: {}", dir.join(publish::PAGE).display()));
        publish::append_step_summary(&run.session.env, &text)
    };
    run.warn(write().context("the reports of this run were not all made"));
}
