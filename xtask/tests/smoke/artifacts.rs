//! The artifact folder: one run's, and nobody else's.

use std::{fs, os::unix::fs::symlink};

use crate::support::{
    Test,
    fake_aws::{End, Fault},
};

#[test]
fn files_of_an_earlier_run_are_moved_and_others_stay() {
    let test = Test::new();
    test.smoke(&["--chunk-counts", "2,4"]).exit(0);
    fs::write(test.artifacts().join("notes.txt"), "mine").unwrap();
    // Another template, which is checked and refused before anything is created.
    let path = test.repository.root().join("examples/aws-lambda/template.yaml");
    let template = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{template}# changed\n")).unwrap();
    let test = test.tool("sam validate", "exit 1");
    test.smoke(&["--stack-name", "second"]).exit(3);
    let (moved, files): (Vec<String>, Vec<String>) =
        test.files().into_iter().partition(|file| file.starts_with("runs/"));
    assert!(moved.iter().any(|file| file.ends_with("/renders/N4-output.mp4")), "{moved:?}");
    assert!(!files.iter().any(|file| file.starts_with("renders/") || file == "results.json"), "{files:?}");
    assert!(!files.contains(&"cleanup-verification.json".to_owned()) && files.contains(&"notes.txt".to_owned()));
}

#[test]
fn a_folder_of_someone_else_is_refused() {
    let test = Test::new();
    fs::create_dir_all(test.artifacts().join("renders")).unwrap();
    fs::write(test.artifacts().join("renders/holiday.mp4"), "mine").unwrap();
    let ran = test.smoke(&[]);
    ran.exit(1).only_error(
        "--artifacts: <dir>/artifacts contains other files; choose an empty folder, because a run moves the files of an \
         earlier run in it",
    );
    assert_eq!(test.files(), ["renders/holiday.mp4"]);
    assert_eq!((test.tools.calls(), test.aws.calls()), (vec![], vec![]));
}

#[test]
fn a_folder_in_use_is_refused_and_the_default_one_is_shared_out() {
    let test = Test::new().render(|render| render.end = End::Never);
    let default = test.repository.root().join("lambda-smoke-artifacts").display().to_string();
    let child = test.spawn_smoke(&["--artifacts", &default]);
    test.aws.wait_for("DescribeExecution");
    let other = test.smoke(&["--artifacts", &default, "--stack-name", "other"]);
    other.exit(1).only_error(
        "another run is writing to <dir>/repository/lambda-smoke-artifacts; choose another folder with --artifacts",
    );
    test.render_ends();
    let args = ["lambda-smoke", "--skip-build", "--fixture", "f", "--chunk-counts", "2", "--endpoint-url"];
    let elsewhere = test.run(&[&args[..], &[&test.aws.endpoint]].concat());
    elsewhere.exit(0).says("artifacts: <dir>/repository/lambda-smoke-artifacts-<run>");
    crate::signals::send(&child, rustix::process::Signal::INT);
    test.finish(child).exit(130);
    test.assert_account_clean();
}

#[test]
fn links_in_the_folder_are_replaced_and_not_followed() {
    let test = Test::new();
    test.smoke(&["--chunk-counts", "2"]).exit(0);
    let (dir, theirs) = (test.artifacts(), test.artifacts().with_file_name("theirs"));
    fs::write(&theirs, "theirs").unwrap();
    for name in [".gitignore", "run.json", "run.json.part", "report.md", "journal.jsonl", "logs/sam.log"] {
        let _ = fs::remove_file(dir.join(name));
        symlink(&theirs, dir.join(name)).unwrap();
    }
    fs::remove_dir_all(dir.join("renders")).unwrap();
    symlink(theirs.parent().unwrap(), dir.join("renders")).unwrap();
    test.smoke(&["--stack-name", "second", "--chunk-counts", "2"]).exit(0);
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    assert!(!dir.join("renders").is_symlink() && dir.join("renders/N2-output.mp4").is_file());
    fs::remove_file(dir.join(".run.lock")).unwrap();
    symlink(&theirs, dir.join(".run.lock")).unwrap();
    test.smoke(&["--stack-name", "third", "--chunk-counts", "2"]).exit(1);
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
}

#[test]
fn its_name_need_not_be_unicode() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let test = Test::new();
    let dir = test.artifacts().with_file_name(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&dir).unwrap();
    test.smoke_in(&dir, &["--artifacts", "a"]).exit(0);
    assert!(dir.join("a/run.json").is_file() && dir.join("a/report.html").is_file());
}

#[test]
fn a_folder_that_takes_its_place_is_left_alone() {
    let test = Test::new().render(|render| render.end = End::Never);
    let child = test.spawn_smoke(&["--chunk-counts", "2"]);
    test.aws.wait_for("DescribeExecution");
    let dir = test.artifacts();
    fs::rename(&dir, dir.with_file_name("moved")).unwrap();
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("run.json"), "theirs").unwrap();
    crate::signals::send(&child, rustix::process::Signal::INT);
    test.finish(child).exit(130);
    assert_eq!(
        (test.files(), fs::read_to_string(dir.join("run.json")).unwrap().as_str()),
        (vec!["run.json".into()], "theirs")
    );
    test.assert_account_clean();
}

#[test]
fn a_killed_run_leaves_its_record() {
    let test = Test::new().fault("DescribeExecution", 1, Fault::Signal(rustix::process::Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    let run = test.artifact("run.json");
    assert!(run["exitCode"].is_null() && run["endedAt"].is_null() && run["stack"] == "smoke-test");
}

#[test]
fn sams_log_has_every_call() {
    let test = Test::new();
    test.smoke(&[]).exit(0);
    let log = fs::read_to_string(test.artifacts().join("logs/sam.log")).unwrap();
    for call in ["$ sam validate", "$ sam deploy"] {
        assert!(log.contains(call), "{call} is not in\n{log}");
    }
}
