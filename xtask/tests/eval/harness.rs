//! The local leg of a checkout: its own test harness.

use crate::support::{Test, video::Video};

/// A checkout whose producer has these scripts.
fn checkout(scripts: &str) -> Test {
    let test = Test::checkout();
    std::fs::write(test.tools.in_process(), Video::default().bytes()).unwrap();
    std::fs::create_dir(test.repository.root().join("node_modules")).unwrap();
    let package = test.repository.root().join("packages/producer/package.json");
    std::fs::write(package, format!(r#"{{"scripts": {{{scripts}}}}}"#)).unwrap();
    test
}

const SEED: &str = r#""test": "tsx src/regression-harness.ts""#;

#[test]
fn a_checkouts_fixtures_are_timed_by_its_own_harness() {
    let test = checkout(SEED).env("PUPPETEER_CACHE_DIR", "/cache");
    let ran = test.eval(&["--iterations", "2"]);
    ran.exit(0).says("local times are those of the checkout's test harness");
    let calls = test.tools.calls();
    let harness: Vec<&String> = calls.iter().filter(|call| call.contains(" -- f ")).collect();
    assert_eq!(harness.len(), 2, "{calls:?}");
    let call = test.redact(harness[0]);
    assert_eq!(call, "bun run --silent --cwd <dir>/repository/packages/producer test -- f --sequential --keep-temp");
    let environment = test.tools.environments("bun").join("\n");
    assert!(environment.contains("PUPPETEER_CACHE_DIR=/cache"), "{environment}");
    let case = &test.artifact("results.json")["cases"][0];
    assert!(case["speedup"]["ratio"].is_number() && case["rendererSpeedup"].is_null(), "{case}");
    assert!(!test.files().iter().any(|file| file.starts_with("renders/f-local")), "{:?}", test.files());
    test.assert_account_clean();
}

#[test]
fn a_later_checkouts_harness_has_another_name() {
    let later = r#""test": "bun run test:unit", "test:regression": "tsx src/regression-harness.ts --exclude-tags a""#;
    let test = checkout(later);
    test.eval(&["--keep-local"]).exit(0).warns("f N=4 #1 compared with the local render");
    assert!(test.tools.calls().iter().any(|call| call.contains("test:regression -- f ")));
    assert!(test.files().iter().any(|file| file == "renders/f-local-1.mp4"), "{:?}", test.files());
}

#[test]
fn a_harness_that_fails_fails_the_local_leg_and_says_why() {
    let test = checkout(SEED).tool("bun harness", "echo 'Test FAILED: f' >&2; exit 1");
    let ran = test.eval(&[]);
    ran.exit(4).says("rendering f by the checkout's harness (bun run test)").says("Test FAILED: f");
    test.assert_account_clean();
}

#[test]
fn a_harness_that_leaves_no_video_is_timed_all_the_same() {
    let test = checkout(SEED);
    std::fs::remove_file(test.tools.in_process()).unwrap();
    test.eval(&[]).exit(0);
    test.eval(&["--keep-local"]).exit(4).says("the local renderer left no video to keep");
}
