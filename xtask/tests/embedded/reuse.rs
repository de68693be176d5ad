//! A kept stack, three rounds on it with an edit of the handler between them, and its end.

use std::{fs, time::Instant};

use serde_json::json;

use crate::{
    emulator::Emulator,
    python::listing,
    repository::Repository,
    run::{Runner, run},
};

/// A policy that each account has.
const BOUNDARY: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

#[test]
fn every_role_has_the_boundary() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let before = listing(&emulator);
    let runner = Runner::new(&repository, &emulator.endpoint);
    let bounded = ["--permissions-boundary", BOUNDARY];
    let (code, reported) = run(runner.smoke(&[&["--keep-stack", "--stack-name", "dev"], &bounded[..]].concat()));
    assert_eq!(code, Some(0), "{reported}");
    let listed = listing(&emulator);
    let roles: Vec<&String> = listed.iter().filter(|line| line.starts_with("iam dev-")).collect();
    assert_eq!(roles.len(), 2, "{listed:?}");
    assert!(roles.iter().all(|role| role.ends_with(&format!("within {BOUNDARY}"))), "{roles:?}");
    // Without it the stack has other parameters.
    let (code, reported) = run(runner.smoke(&["--reuse-stack", "dev"]));
    assert_eq!(code, Some(1), "{reported}");
    assert!(reported.contains("PermissionsBoundaryArn"), "{reported}");
    let (code, reported) = run(runner.teardown(&["dev"]));
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(listing(&emulator), before);
}

#[test]
fn three_rounds_with_an_edit_between_them_run_on_one_stack() {
    let emulator = Emulator::start();
    let repository = Repository::new(json!({}));
    let before = listing(&emulator);
    let runner = Runner::new(&repository, &emulator.endpoint);
    let zip = repository.root().join("examples/aws-lambda/handler/dist/handler.zip");
    let built = fs::read(&zip).unwrap();
    let timed = |what: &str, command, expected: i32, says: &str| {
        let began = Instant::now();
        let (code, reported) = run(command);
        assert_eq!(code, Some(expected), "{what}: {reported}");
        assert!(reported.contains(says), "{what}: {reported}");
        println!("{what}: {:.1} s", began.elapsed().as_secs_f64());
    };
    let round = || runner.smoke(&["--reuse-stack", "dev"]);
    timed("keep", runner.smoke(&["--keep-stack", "--stack-name", "dev"]), 0, "stack dev is kept");
    let deployed = listing(&emulator);
    timed("the same ZIP", round(), 0, "it has this handler ZIP");
    // The stand-in delivers another picture, which shows that its edit runs.
    let staging = repository.root().join("staging");
    fs::copy(staging.join("other.mp4"), staging.join("baseline.mp4")).unwrap();
    repository.pack();
    timed("an edit", round(), 5, "which is reused, with another handler ZIP");
    fs::write(&zip, built).unwrap();
    timed("the edit undone", round(), 0, "which is reused, with another handler ZIP");
    assert_eq!(listing(&emulator), deployed, "an update added something to the account");
    timed("teardown", runner.teardown(&["dev"]), 0, "dev is gone");
    assert_eq!(listing(&emulator), before);
}
