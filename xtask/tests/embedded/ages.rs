//! Templates of the ages of HyperFrames: what they create is used, counted, and gone afterwards.

use serde_json::json;

use crate::{
    account::listing,
    emulator::Emulator,
    repository::Repository,
    run::{Runner, run},
};

#[test]
fn a_template_of_today_leaves_nothing_of_its_second_function() {
    let emulator = Emulator::start();
    let repository = Repository::checkout("today", json!({"audioMs": 700}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let before = listing(&emulator);
    let (code, reported) = run(runner.smoke(&["--chunk-counts", "2,4"]));
    assert_eq!(code, Some(0), "{reported}");
    assert_eq!(listing(&emulator), before, "{reported}");
}
