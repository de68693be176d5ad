//! Building the handler ZIP, and its size budget.

use std::path::Path;

use xtask::{
    console::Console,
    project::repo::Repo,
    tools::{
        env::Env,
        handler::{self, BuildTools, HandlerZip},
        runner::Runner,
    },
};

use crate::support::{Test, repository::zip};

#[test]
fn no_zip_is_exit_2_before_anything_is_created() {
    let test = Test::new();
    std::fs::remove_file(test.repository.handler_zip()).unwrap();
    test.smoke(&[]).exit(2).warns("--skip-build: there is no <dir>/repository").says("nothing was created");
    test.assert_account_clean();
}

#[test]
fn a_zip_over_its_budget_or_cut_off_is_exit_2() {
    let test = Test::new();
    std::fs::write(test.repository.handler_zip(), zip(249 << 20)).unwrap();
    let ran = test.smoke(&[]);
    ran.exit(2).warns("error: the handler ZIP has 249.0 MiB unzipped, the budget is 248 MiB");
    ran.says("FAIL  the handler ZIP was not built (exit 2); nothing was created");
    std::fs::write(test.repository.handler_zip(), &zip(1)[..60]).unwrap();
    test.smoke(&[]).exit(2).warns("is not a ZIP that Lambda accepts");
    test.assert_account_clean();
}

#[test]
fn a_checkout_is_built_and_verified_by_its_own_scripts() {
    let test = Test::checkout();
    test.build_and_smoke(&[]).exit(0).warns("build     bun run build:zip").warns("build     bun run verify:zip-size");
    let run = test.artifact("run.json");
    assert_eq!((&run["handler"]["built"], &run["handler"]["sizes"]["unzipped"]), (&true.into(), &(2 << 20).into()));
}

#[test]
fn a_checkout_whose_build_or_check_fails_is_exit_2() {
    for script in ["build:zip", "verify:zip-size"] {
        let test = Test::checkout().tool(&format!("bun {script}"), "echo out of budget >&2; exit 1");
        let ran = test.build_and_smoke(&[]);
        ran.exit(2)
            .warns("out of budget")
            .warns("its log is <dir>/artifacts/logs/build.log")
            .says("nothing was created");
        test.assert_account_clean();
    }
}

#[test]
fn this_projects_zip_is_built_once_for_the_same_inputs() {
    let test = Test::new();
    let first = build(&test).unwrap();
    assert!(first.built);
    assert_eq!(std::fs::read_to_string(test.tools.packed_names()).unwrap(), "bin/ffmpeg\nbin/ffprobe\nindex.mjs\n");
    assert_eq!(build(&test).unwrap(), HandlerZip { built: false, ..first });
    std::fs::write(test.repository.root().join("examples/aws-lambda/handler/bundle.ts"), "changed").unwrap();
    assert!(build(&test).unwrap().built);
}

#[test]
fn this_projects_build_says_which_step_failed() {
    let test = Test::new().tool("bun install", "echo lockfile had changes >&2; exit 1");
    let error = format!("{:#}", build(&test).unwrap_err());
    assert!(error.contains("bun install --frozen-lockfile") && error.contains("lockfile had changes"), "{error}");
    test.tools.unhook("bun install");
    test.tools.build_zip(&zip(300 << 20));
    let error = build(&test).unwrap_err().to_string();
    assert_eq!(error, "the handler ZIP has 300.0 MiB unzipped, the budget is 248 MiB");
}

/// Builds in this process, with static ffmpeg and ffprobe of the test: the binary would provision real ones.
fn build(test: &Test) -> anyhow::Result<HandlerZip> {
    let bin = test.tools.bin();
    let media = test.repository.root().join("media");
    std::fs::create_dir_all(&media).unwrap();
    let programs = ["ffmpeg", "ffprobe"].map(|program| {
        std::fs::write(media.join(program), program).unwrap();
        media.join(program)
    });
    let tools = BuildTools { bun: bin.join("bun"), zip: bin.join("zip"), programs: programs.into() };
    let repo = Repo::at(test.repository.root()).unwrap();
    let env = Env::from([("PATH", "/nowhere")]);
    let zip = test.repository.handler_zip();
    let run = async |logs: &Path| {
        handler::build(&repo, &zip, &tools, &Runner::new(&env, &Console::default()).unwrap(), logs).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(test.repository.root()))
}

#[test]
fn a_function_whose_own_zip_is_not_there_is_exit_2_and_nothing_is_created() {
    let test = Test::checkout();
    let own = test.repository.render_chunks_from_their_own_zip();
    let ran = test.smoke(&[]);
    ran.exit(2)
        .warns("Resources.ChunkFunction is deployed from a ZIP of its own")
        .warns("chunk.zip, which is not there");
    assert!(!test.aws.calls().contains(&"CreateBucket".to_owned()), "{ran}");
    let zip = test.repository.handler_zip();
    std::fs::copy(&zip, own).unwrap();
    let release = zip.with_file_name("release.zip");
    std::fs::copy(&zip, &release).unwrap();
    let hash = render_verdict::picture::hashes::sha256_of_file(&release).unwrap();
    let ran = test.build_and_smoke(&["--handler-zip", release.to_str().unwrap(), "--sha256", &hash]);
    ran.exit(2).warns("which neither --handler-zip nor a commit replaces");
    assert!(!test.aws.calls().contains(&"CreateBucket".to_owned()), "{ran}");
}
