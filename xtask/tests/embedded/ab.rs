//! Two handlers, measured in turns on two stacks of one emulator; both stacks are gone whatever ends that.

use std::{fs, process::Command};

use rustix::process::Signal;
use serde_json::json;

use crate::{
    emulator::Emulator,
    proxy::{Fault, Proxy},
    python::listing,
    repository::Repository,
    run::{Runner, finish, run, side_by_side},
};

/// `lambda-ab` of the stand-in at 2 chunks.
fn ab(runner: &Runner<'_>, endpoint: &str, args: &[&str]) -> Command {
    let mut command = runner.command("lambda-ab");
    command.args(["--endpoint-url", endpoint, "--fixtures", "f", "--chunk-counts", "2", "--iterations", "2"]);
    command.arg("--artifacts").arg(runner.artifacts()).args(args);
    command
}

#[test]
fn a_zip_that_renders_other_frames_is_told_from_the_same_one() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let before = listing(&emulator);
    let zip = repository.root().join("examples/aws-lambda/handler/dist/handler.zip");
    let (built, other) = (fs::read(&zip).unwrap(), repository.root().join("other.zip"));
    let staging = repository.root().join("staging");
    fs::copy(staging.join("other.mp4"), staging.join("baseline.mp4")).unwrap();
    repository.pack();
    fs::rename(&zip, &other).unwrap();
    fs::write(&zip, built).unwrap();
    let compared = |args: &[&str], code, frames: &str| {
        let (status, reported) = run(ab(&runner, &emulator.endpoint, &[&["--skip-build"], args].concat()));
        assert_eq!(status, Some(code), "{reported}");
        assert!(reported.contains(&format!("f N=2: the frames of both are {frames}")), "{reported}");
        assert_eq!(listing(&emulator), before);
    };
    compared(&["--a", "checkout"], 0, "the same");
    let hash = render_verdict::picture::hashes::sha256_of_file(&other).unwrap();
    compared(&["--a", &format!("{},sha256={hash}", other.display()), "--b", "memory=2048"], 5, "different");
}

#[test]
fn a_commit_is_built_in_a_clone_and_compared_with_the_files_as_they_are() {
    let emulator = Emulator::start();
    let repository = Repository::checkout("today", json!({}));
    let (runner, before) = (Runner::new(&repository, &emulator.endpoint), listing(&emulator));
    let build = "cd ../../staging && rm -f ../packages/aws-lambda/dist/handler.zip && mkdir -p \
                 ../packages/aws-lambda/dist && zip -q -X -r ../packages/aws-lambda/dist/handler.zip .";
    let scripts = json!({"scripts": {"build:zip": build, "verify:zip-size": "true"}});
    fs::write(repository.root().join("packages/aws-lambda/package.json"), scripts.to_string()).unwrap();
    let git = |args: &[&str]| {
        let user = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let ended = Command::new("git").arg("-C").arg(repository.root()).args(user).args(args).output().unwrap();
        assert!(ended.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap()
    };
    fs::write(repository.root().join(".gitignore"), "dist/\n").unwrap();
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "the first"]);
    git(&["tag", "v1.2.3"]);
    let staging = repository.root().join("staging");
    fs::copy(staging.join("other.mp4"), staging.join("baseline.mp4")).unwrap();
    let there = git(&["status", "--porcelain"]);
    let (code, reported) = run(ab(&runner, &emulator.endpoint, &["--a", "1.2.3"]));
    // What lies there now delivers another video than the baseline.
    assert_eq!(code, Some(5), "{reported}");
    let commit = git(&["rev-parse", "v1.2.3"]);
    assert!(reported.contains(&format!("built from commit {}", commit.trim())), "{reported}");
    assert!(reported.contains("f N=2: the frames of both are different"), "{reported}");
    assert_eq!(
        (runner.json("a/run.json")["exitCode"].clone(), runner.json("b/run.json")["exitCode"].clone()),
        (json!(0), json!(5))
    );
    // The repository has no trace of the clone.
    assert_eq!((git(&["status", "--porcelain"]), git(&["worktree", "list"]).lines().count()), (there, 1));
    assert_eq!(listing(&emulator), before);
}

#[test]
fn a_killed_comparison_leaves_nothing_that_one_command_does_not_remove() {
    let repository = Repository::new(json!({"chunkMs": 500}));
    let emulator = Emulator::start();
    let before = listing(&emulator);
    let signals = [Signal::INT, Signal::TERM, Signal::KILL];
    let operations = ["CreateChangeSet", "DescribeExecution", "DeleteStack"];
    let moments = signals.map(|signal| operations.map(|operation| (signal, operation)));
    side_by_side(moments.as_flattened(), |&(signal, operation)| {
        let proxy = Proxy::new(&emulator.endpoint);
        let runner = Runner::new(&repository, &proxy.endpoint);
        proxy.at(operation, 1, Fault::Signal(signal));
        let child = ab(&runner, &proxy.endpoint, &["--a", "checkout", "--skip-build"]).spawn().unwrap();
        proxy.watch(child.id());
        let (code, reported) = finish(child);
        assert_eq!(proxy.unmet(), Vec::<&str>::new(), "{reported}");
        if signal == Signal::KILL {
            // The call that was on its way arrives sooner than anyone can type the command.
            std::thread::sleep(std::time::Duration::from_secs(1));
            let (code, reported) = run(runner.finish_all());
            assert_eq!(code, Some(0), "{operation}: {reported}");
        } else {
            assert_eq!(code, Some(128 + signal.as_raw()), "{operation}: {reported}");
        }
    });
    assert_eq!(listing(&emulator), before);
}
