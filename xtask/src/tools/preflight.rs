//! Tools and their versions, all problems at once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use futures_util::future::join_all;
use xshell::cmd;

use crate::tools::{
    env::{Child, Env, PASSED_ON},
    runner::Runner,
};

/// A program that a run needs.
#[derive(Debug, Clone, Copy)]
struct Need {
    name: &'static str,
    version_arg: &'static str,
    oldest: Option<(u32, u32)>,
    /// Lists that must name certain things: the argument for the list, and what must be in it.
    must_list: &'static [(&'static str, &'static [&'static str])],
    how_to_get: &'static str,
}

impl Need {
    /// Any version, of a program that can do only one thing.
    const fn any(name: &'static str, version_arg: &'static str, how_to_get: &'static str) -> Self {
        Self { name, version_arg, oldest: None, must_list: &[], how_to_get }
    }
}

const SAM: Need =
    Need { oldest: Some((1, 100)), ..Need::any("sam", "--version", "install it with `pipx install aws-sam-cli`") };

const BUN: Need =
    Need { oldest: Some((1, 3)), ..Need::any("bun", "--version", "install it with `npm install -g bun`") };

const FFMPEG: Need = Need {
    must_list: &[("-filters", &[" psnr ", " ssim "]), ("-encoders", &[" libx264 "])],
    ..Need::any("ffmpeg", "-version", "install it with `apt-get install ffmpeg` or `brew install ffmpeg`")
};

const FFPROBE: Need = Need::any("ffprobe", "-version", "it comes with ffmpeg");

const ZIP: Need = Need::any("zip", "-v", "install it with `apt-get install zip` or `brew install zip`");

/// Tool names, and the line with each one's version.
pub type ToolVersions = BTreeMap<String, String>;

/// Programs that are there, new enough and able.
#[derive(Debug, Clone)]
pub struct Tools {
    found: Vec<(&'static str, PathBuf)>,
    pub versions: ToolVersions,
}

/// What a command is going to do with its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Build, deploy and measure.
    BuildAndRender,
    /// Deploy what is built, and measure.
    Render,
    Compare,
}

impl Tools {
    pub fn path(&self, name: &str) -> &Path {
        let found = self.found.iter().find(|(known, _)| *known == name);
        found.map(|(_, path)| path.as_path()).expect("only the tools of the purpose are requested")
    }
}

/// Looks for all tools of `purpose` on the runner's PATH.
///
/// # Errors
/// All problems, a line each.
pub async fn check(purpose: Purpose, runner: &Runner) -> Result<Tools, Vec<String>> {
    let needs: &[Need] = match purpose {
        Purpose::BuildAndRender => &[SAM, BUN, FFMPEG, FFPROBE, ZIP],
        Purpose::Render => &[SAM, FFMPEG, FFPROBE],
        Purpose::Compare => &[FFMPEG, FFPROBE],
    };
    let results = join_all(needs.iter().map(|need| check_one(need, runner))).await;
    let mut tools = Tools { found: Vec::new(), versions: ToolVersions::new() };
    let mut problems = Vec::new();
    for (need, result) in needs.iter().zip(results) {
        match result {
            Ok((path, version)) => {
                tools.found.push((need.name, path));
                tools.versions.insert(need.name.to_owned(), version);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(tools) } else { Err(problems) }
}

async fn check_one(need: &Need, runner: &Runner) -> Result<(PathBuf, String), String> {
    let advice = format!("{}, or on Linux x86-64 with `cargo xtask setup`", need.how_to_get);
    let Some(path) = runner.find(need.name) else {
        return Err(format!("{} is not on PATH: {advice}", need.name));
    };
    let (sh, version_arg) = (&runner.sh, need.version_arg);
    let output = runner.run(cmd!(sh, "{path} {version_arg}").env("SAM_CLI_TELEMETRY", "0")).await;
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            let lacks = lacking(need, &path, runner).await.unwrap_or_default();
            let error = format!("{error:#}");
            return Err(format!("{} does not run: {}{lacks}; {advice}", path.display(), error.trim_end()));
        }
    };
    let version = version_line(need.name, &output.stdout);
    if let Some(oldest) = need.oldest {
        match parse_version(&version) {
            Some(found) if found >= oldest => {}
            Some((major, minor)) => {
                return Err(format!(
                    "{} is {major}.{minor}, {}.{} or newer is needed: {advice}",
                    path.display(),
                    oldest.0,
                    oldest.1
                ));
            }
            None => return Err(format!("{} does not report its version: {version:?}; {advice}", path.display())),
        }
    }
    for (list, wanted) in need.must_list {
        let listed = runner.run(cmd!(sh, "{path} -hide_banner {list}")).await.map_err(|error| format!("{error:#}"))?;
        if let Some(missing) = wanted.iter().find(|wanted| !listed.stdout.contains(*wanted)) {
            return Err(format!("{} has no {}: {advice}", path.display(), missing.trim()));
        }
    }
    Ok((path, version))
}

/// What to say of a program that runs with the whole environment: which variable it needs, and how it gets that.
async fn lacking(need: &Need, path: &Path, runner: &Runner) -> Option<String> {
    let (sh, version_arg) = (&runner.sh, need.version_arg);
    let withheld = runner.env.withheld_from(Child::Tool);
    let runs_with = async |env: &Env| runner.run(cmd!(sh, "{path} {version_arg}").envs(env.iter())).await.is_ok();
    if !runs_with(&withheld).await {
        return None;
    }
    let mut needed = "NAME,...".to_owned();
    for (name, _) in withheld.iter() {
        if runs_with(&withheld.only(&[name])).await {
            needed = name.to_owned();
            break;
        }
    }
    Some(format!(
        "; programs get a part of the environment only, and this one runs with all of it: set {PASSED_ON}={needed}, so \
         that it gets what it needs"
    ))
}

/// The line that names the version; zip begins with its copyright.
fn version_line(name: &str, printed: &str) -> String {
    let wanted = if name == "zip" { "This is Zip" } else { "" };
    printed
        .lines()
        .find(|line| line.starts_with(wanted) && !line.trim().is_empty())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The first `major.minor` in the line.
fn parse_version(line: &str) -> Option<(u32, u32)> {
    let start = line.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = line[start..].split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(parse_version("SAM CLI, version 1.167.0"), Some((1, 167)));
        assert_eq!(parse_version("1.4.4"), Some((1, 4)));
        assert!(parse_version("SAM CLI, version 1.99.0").unwrap() < SAM.oldest.unwrap());
        assert_eq!(parse_version("no version"), None);
        assert_eq!(
            version_line("zip", "Copyright (c) 1990\nThis is Zip 3.0 (July 5th 2008)\n"),
            "This is Zip 3.0 (July 5th 2008)"
        );
    }
}
