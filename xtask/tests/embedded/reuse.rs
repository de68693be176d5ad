//! A kept stack, three rounds on it with an edit of the handler between them, and its end.

use std::{fs, time::Instant};

use serde_json::json;

use crate::{
    account::listing,
    emulator::Emulator,
    repository::Repository,
    run::{Runner, run},
};

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
