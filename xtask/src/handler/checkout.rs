//! A checkout's own build of its handler: scripts of its package.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::cmd;

use super::{BUILD_LIMIT, HandlerZip, read};
use crate::{
    process::Runner,
    repo::{Layout, Repo},
};

/// Builds the ZIP, then compares it with its budget; in this order.
pub const CHECKOUT_SCRIPTS: [&str; 2] = ["build:zip", "verify:zip-size"];

/// Refuses a checkout whose handler can't be built, before anything is started.
///
/// # Errors
/// When its package.json has not the scripts, or its packages are not installed.
pub fn check_scripts(repo: &Repo) -> anyhow::Result<()> {
    if repo.layout() == Layout::Own {
        return Ok(());
    }
    let path = repo.handler_package().join("package.json");
    let what = || path.display().to_string();
    let manifest: Value = serde_json::from_slice(&fs::read(&path).with_context(what)?).with_context(what)?;
    for script in CHECKOUT_SCRIPTS {
        ensure!(
            manifest["scripts"][script].as_str().is_some_and(|command| !command.trim().is_empty()),
            "{}: scripts.{script} is missing; --skip-build deploys a ZIP that is there already",
            path.display()
        );
    }
    ensure!(
        !repo.root().join("bun.lock").is_file() || repo.is_installed(&repo.handler_package()),
        "the packages of {} are not installed; run `bun install` there, or deploy a ZIP that is there by --skip-build",
        repo.root().display()
    );
    Ok(())
}

/// Runs the scripts, which leave the ZIP at `target`.
pub(super) async fn build(
    repo: &Repo,
    target: &Path,
    bun: &Path,
    runner: &Runner,
    log: &Path,
) -> anyhow::Result<HandlerZip> {
    let (sh, package) = (&runner.sh, repo.handler_package());
    for script in CHECKOUT_SCRIPTS {
        runner.console.step("build", &format!("bun run {script}"));
        let build = cmd!(sh, "{bun} run --cwd {package} {script}");
        runner.run(build).cwd(repo.root()).log(log).limit(BUILD_LIMIT).await?;
    }
    ensure!(
        target.is_file(),
        "build:zip succeeded but left no {}, which is what the template deploys",
        target.display()
    );
    read(target.to_owned(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(manifest: &str, others: &[&str]) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            fs::write(dir.path().join(name), content).unwrap();
        };
        file("packages/aws-lambda/package.json", manifest);
        file("examples/aws-lambda/template.yaml", "");
        others.iter().for_each(|name| file(name, ""));
        let told = check_scripts(&Repo::at(dir.path()).unwrap()).map_err(|error| format!("{error:#}"));
        told.map_err(|told| told.replace(&dir.path().display().to_string(), "<it>"))
    }

    const BOTH: &str = r#"{"scripts": {"build:zip": "tsx a.ts", "verify:zip-size": "tsx b.ts"}}"#;

    #[test]
    fn a_checkout_has_to_have_both_scripts() {
        assert_eq!(checked(BOTH, &[]), Ok(()));
        let told = checked(&BOTH.replace("verify:zip-size", "verify"), &[]).unwrap_err();
        assert!(
            told.starts_with("<it>/packages/aws-lambda/package.json: scripts.verify:zip-size is missing"),
            "{told}"
        );
        for manifest in
            ["{}", r#"{"scripts": []}"#, r#"{"scripts": {"build:zip": 3}}"#, r#"{"scripts": {"build:zip": " "}}"#]
        {
            assert!(checked(manifest, &[]).unwrap_err().contains("scripts.build:zip is missing"), "{manifest}");
        }
        assert!(checked("{", &[]).unwrap_err().starts_with("<it>/packages/aws-lambda/package.json: "));
    }

    #[test]
    fn its_packages_have_to_be_installed() {
        assert!(checked(BOTH, &["bun.lock"]).unwrap_err().contains("run `bun install`"));
        assert_eq!(checked(BOTH, &["bun.lock", "node_modules/.bin/tsx"]), Ok(()));
        assert_eq!(checked(BOTH, &["bun.lock", "packages/aws-lambda/node_modules/.bin/tsx"]), Ok(()));
    }
}
