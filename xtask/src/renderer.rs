//! The in-process renderer: one composition, rendered by this machine alone.

use std::{path::Path, time::Duration};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, RenderFormat},
    handler::install_packages,
    process::{Command, Env},
    repo::{Layout, Repo, tool_root},
    session::Session,
};

const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The renderer's script in a handler package.
const SCRIPT: &str = "render-in-process.mjs";

/// Refuses machines that the renderer's Chromium is not for.
///
/// # Errors
/// When `is_linux_x86_64` is false; `what_for` says what needs the renderer.
pub fn check_platform(what_for: &str, is_linux_x86_64: bool) -> anyhow::Result<()> {
    if !is_linux_x86_64 {
        bail!(
            "{what_for} needs the in-process renderer, whose Chromium is for Linux x86-64 only; \
             use such a machine, or leave {what_for} out"
        );
    }
    Ok(())
}

/// Renders a fixture's composition to `to`, a file or, for a png-sequence, a folder, with
/// the provisioned node, Chromium and ffmpeg. `log` gets everything that is printed.
/// Gives what the renderer says of itself: versions, frames and its time.
///
/// # Errors
/// When its packages can't be had, or it fails.
pub async fn render(
    session: &Session,
    repo: &Repo,
    fixture: &Fixture,
    format: RenderFormat,
    to: &Path,
    log: &Path,
) -> anyhow::Result<Value> {
    let package = match repo.layout() {
        Layout::Own => repo.handler_package(),
        // A checkout's package has no such script.
        Layout::HyperFrames => tool_root().join("examples/aws-lambda/handler"),
    };
    let bin = session.toolbox.bin();
    let env = session.env.clone().with_path_first(&bin);
    install_packages(&package, &bin.join("bun"), &env, &session.children, log, &session.console).await?;
    let output = command(&bin.join("node"), &package, fixture, format, to, &env)
        .log(log)
        .run(&session.children)
        .await
        .with_context(|| format!("rendering {} in-process", fixture.name))?;
    ensure!(to.exists(), "the in-process renderer ended well but left no {}", to.display());
    let last = output.stdout.lines().last().context("the in-process renderer said nothing of its render")?;
    serde_json::from_str(last).with_context(|| format!("the in-process renderer's last line is no JSON: {last}"))
}

fn command(node: &Path, package: &Path, fixture: &Fixture, format: RenderFormat, to: &Path, env: &Env) -> Command {
    let mut command = Command::new(node, &env.for_child())
        .arg(package.join(SCRIPT).display().to_string())
        .args(["--project", &fixture.src().display().to_string(), "--output", &to.display().to_string()])
        .args(["--fps", &fixture.meta.fps.to_string(), "--format", format.handler_name()])
        .limit(LIMIT);
    if let Some(variables) = fixture.meta.forwarded.get("variables") {
        command = command.args(["--variables", &variables.to_string()]);
    }
    if fixture.meta.forwarded.get("hdrMode").is_some_and(|mode| *mode == json!("auto")) {
        command = command.arg("--hdr");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_told_what_is_needed() {
        assert!(check_platform("--exact", true).is_ok());
        let error = check_platform("--exact", false).unwrap_err().to_string();
        assert_eq!(
            error,
            "--exact needs the in-process renderer, whose Chromium is for Linux x86-64 only; \
             use such a machine, or leave --exact out"
        );
    }
}
