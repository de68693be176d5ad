//! The calls of one run, the tool's and sam's: a smoke that keeps its stack, and its teardown.

use std::{collections::BTreeMap, path::PathBuf, sync::OnceLock};

use serde_json::json;

use crate::{
    emulator::Emulator,
    proxy::Proxy,
    repository::Repository,
    run::{Runner, run as ran},
};

/// What one run called.
struct Recorded {
    calls: BTreeMap<String, usize>,
    exchanges: PathBuf,
    _dir: tempfile::TempDir,
}

/// Each operation that was called, and how often.
pub(crate) fn run() -> &'static BTreeMap<String, usize> {
    &recorded().calls
}

/// The file with each request and its answer, as `Proxy::recording` writes it.
pub(crate) fn exchanges() -> &'static PathBuf {
    &recorded().exchanges
}

/// The run happens once in each test process.
fn recorded() -> &'static Recorded {
    static RECORDED: OnceLock<Recorded> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let exchanges = dir.path().join("exchanges.jsonl");
        let emulator = Emulator::start();
        let proxy = Proxy::recording(&emulator.endpoint, &exchanges);
        let repository = Repository::new(json!({}));
        let runner = Runner::new(&repository, &proxy.endpoint);
        let (status, reported) = ran(runner.smoke(&["--keep-stack", "--stack-name", "recorded"]));
        assert_eq!(status, Some(0), "{reported}");
        let (status, reported) = ran(runner.teardown(&["recorded"]));
        assert_eq!(status, Some(0), "{reported}");
        let calls = proxy.counted();
        println!("{} operations, {} calls: {calls:?}", calls.len(), calls.values().sum::<usize>());
        assert!(calls.len() > 20, "{calls:?}");
        Recorded { calls, exchanges, _dir: dir }
    })
}
