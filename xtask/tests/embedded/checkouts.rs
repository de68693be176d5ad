//! HyperFrames checkouts of both ages on real parts: their layout, a template of their age,
//! and a ZIP of the published handler that goes with it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use xtask::{
    console::Console,
    local::provisioning::Toolbox,
    project::repo::{Repo, tool_root},
    tools::{
        env::Env,
        handler::{self, BuildTools},
        runner::Runner,
    },
};

use crate::{
    emulator::{XTASK, block_on, tool},
    repository::copy_all,
};

#[test]
fn the_first_age_of_checkouts_passes_as_it_is() {
    let zip = seed_zip();
    let checkout = Checkout::new("seed.yaml", &zip);
    // From inside of it, without being given its path.
    // That HyperFrames fades some parts in half a frame earlier than the one that made the baseline, by up to 2.4 levels.
    let limits = "--max-shift 1 --max-region-difference 5 --max-tone-difference 2 --max-histogram-difference 2";
    let limits: Vec<&str> = limits.split(' ').collect();
    let reported = checkout.smoke(&checkout.path("packages/producer/tests"), &limits);
    assert!(reported.contains("/aws/lambda/") && reported.contains("which outlived the stack"), "{reported}");
    let row = &checkout.results()[0];
    assert_eq!((&row["planProtocol"], &row["askedPlanProtocol"]), (&json!("v1"), &json!(null)));
    assert_eq!(row["toolchain"]["producer"], "0.7.48", "{row}");
    assert!(row["notes"].to_string().contains("HyperFrames 0.7.48, baseline 0.8.31"), "{row}");
}

#[test]
fn the_later_age_passes_with_both_plan_protocols() {
    let zip = own_zip();
    let checkout = Checkout::new("later.yaml", &zip);
    let repo = checkout.dir.path().display().to_string();
    let reported = checkout.smoke(Path::new("/"), &["--repo", &repo, "--plan-protocol", "both"]);
    assert!(reported.contains("N=2: v1 and v2 delivered identical files"), "{reported}");
    let ran: Vec<Value> = checkout.results().iter().map(|row| row["planProtocol"].clone()).collect();
    assert_eq!(ran, ["v1", "v2"]);
}

/// A checkout with one fixture, a copy of this project's main one.
struct Checkout {
    dir: tempfile::TempDir,
}

const FIXTURE: &str = "packages/producer/tests/distributed/mp4-h264-sdr";

impl Checkout {
    fn new(template: &str, zip: &Path) -> Self {
        let checkout = Self { dir: tempfile::tempdir().unwrap() };
        let own = tool_root();
        checkout.copy(&own.join("xtask/tests/data/checkout").join(template), "examples/aws-lambda/template.yaml");
        checkout.copy(zip, "packages/aws-lambda/dist/handler.zip");
        fs::write(checkout.path("packages/aws-lambda/package.json"), "{}").unwrap();
        let fixture = own.join("fixtures/mp4-h264-sdr");
        for file in ["meta.json", "output/output.mp4", "output/provenance.json"] {
            checkout.copy(&fixture.join(file), &format!("{FIXTURE}/{file}"));
        }
        copy_all(&fixture.join("src"), &checkout.path(&format!("{FIXTURE}/src")));
        checkout
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn copy(&self, from: &Path, to: &str) {
        let to = self.path(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, &to).unwrap();
    }

    /// Runs the gate at 2 chunks in a folder, to its good end; gives what it printed.
    fn smoke(&self, folder: &Path, args: &[&str]) -> String {
        let output = Command::new(XTASK)
            .args(["lambda-smoke", "--local", "--skip-build", "--chunk-counts", "2"])
            .args(args)
            .current_dir(folder)
            .env("HYPERFRAMES_STATE_DIR", self.path("state"))
            .env_remove("HYPERFRAMES_REPO_ROOT")
            .output()
            .unwrap();
        let reported =
            format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        println!("{reported}");
        assert_eq!(output.status.code(), Some(0), "{reported}");
        assert_eq!(self.json("cleanup-verification.json")["clean"], true);
        reported
    }

    fn results(&self) -> Vec<Value> {
        self.json("results.json").as_array().unwrap().clone()
    }

    /// A file of the artifacts, which lie in the checkout.
    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path("lambda-smoke-artifacts").join(name)).unwrap()).unwrap()
    }
}

/// The ZIP of this project's handler, built unless it is there.
fn own_zip() -> PathBuf {
    let repo = Repo::at(&tool_root()).unwrap();
    let zip = repo.handler_package().join("dist/handler.zip");
    build(&repo, &zip);
    zip
}

/// The ZIP of the handler that plans by v1 unless it is asked otherwise; built once.
fn seed_zip() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seed-handler");
    let package = root.join("examples/aws-lambda/handler");
    fs::create_dir_all(package.join("dist")).unwrap();
    let own = tool_root();
    let copy = |from: &str, to: &str| {
        fs::copy(own.join(from), root.join(to)).unwrap();
    };
    copy("examples/aws-lambda/template.yaml", "examples/aws-lambda/template.yaml");
    for file in ["bundle.ts", "index.mjs"] {
        let name = format!("examples/aws-lambda/handler/{file}");
        copy(&name, &name);
    }
    for file in ["package.json", "bun.lock"] {
        copy(&format!("xtask/tests/data/checkout/seed-handler/{file}"), &format!("examples/aws-lambda/handler/{file}"));
    }
    let zip = package.join("dist/handler.zip");
    build(&Repo::at(&root).unwrap(), &zip);
    zip
}

fn build(repo: &Repo, zip: &Path) {
    let toolbox = Toolbox::of_repository();
    let env = Env::of_process().with_path_first(&toolbox.bin());
    let runner = Runner::new(&env, &Console::default()).unwrap();
    let logs = tempfile::tempdir().unwrap();
    let build = async {
        let programs = toolbox.provide_media(false, &runner).await?;
        let tools = BuildTools { bun: tool("bun"), zip: "/usr/bin/zip".into(), programs };
        handler::build(repo, zip, &tools, &runner, logs.path()).await
    };
    block_on(build).unwrap();
}
