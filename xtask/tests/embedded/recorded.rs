//! The calls of one run, the tool's and sam's: a smoke that keeps its stack, and its teardown.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::json;

use crate::{
    emulator::Emulator,
    proxy::Proxy,
    repository::Repository,
    run::{Runner, run as ran},
};

/// Each operation that was called, and how often. It runs once in each test process.
pub(crate) fn run() -> &'static BTreeMap<String, usize> {
    static CALLS: OnceLock<BTreeMap<String, usize>> = OnceLock::new();
    CALLS.get_or_init(|| {
        let emulator = Emulator::start();
        let proxy = Proxy::new(&emulator.endpoint);
        let repository = Repository::new(json!({}));
        let runner = Runner::new(&repository, &proxy.endpoint);
        let (status, reported) = ran(runner.smoke(&["--keep-stack", "--stack-name", "recorded"]));
        assert_eq!(status, Some(0), "{reported}");
        let (status, reported) = ran(runner.teardown(&["recorded"]));
        assert_eq!(status, Some(0), "{reported}");
        let calls = proxy.counted();
        println!("{} operations, {} calls: {calls:?}", calls.len(), calls.values().sum::<usize>());
        assert!(calls.len() > 20, "{calls:?}");
        calls
    })
}
