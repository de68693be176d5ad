//! Pages of GetExecutionHistory, and all that is read out of them. The first
//! byte chooses: pages as they are, separated by NUL, or a recorded history, edited.
#![no_main]

use std::sync::LazyLock;

use execution_history::{
    chunking::{ChunkSize, PlanProtocol},
    cost, failure, meaning, progress, rendered, time_spent, timeline,
};
use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use serde_json::Value;
use xtask::run::contradictions::contradictions;

static RECORDED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    ["success-n2-v1", "success-n4-v2", "failed-chunk", "protocol-refused"]
        .map(|name| {
            let path = format!("{}/../tests/data/histories/{name}.json", env!("CARGO_MANIFEST_DIR"));
            let recorded = serde_json::from_slice(&std::fs::read(path).expect("a recorded history")).expect("JSON");
            without_inputs(xtask_fuzz::opened(&recorded))
        })
        .to_vec()
});

/// Half of a history, which nothing reads.
fn without_inputs(json: Value) -> Value {
    match json {
        Value::Array(elements) => elements.into_iter().map(without_inputs).collect(),
        Value::Object(fields) => {
            let read =
                fields.into_iter().filter(|(key, _)| !["input", "parameters", "resource"].contains(&key.as_str()));
            read.map(|(key, field)| (key, without_inputs(field))).collect()
        }
        other => other,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let pages: Vec<Vec<u8>> = match bytes.split_first() {
        Some((choice @ 0..=3, rest)) => {
            let edited = xtask_fuzz::edited(RECORDED[usize::from(*choice)].clone(), &mut Unstructured::new(rest));
            if let Ok(history) = edited {
                reported(&xtask_fuzz::closed(history));
            }
            return;
        }
        Some(_) => bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect(),
        None => return,
    };
    if pages.len() > 1 {
        tail(&pages);
    }
    let Ok(history) = execution_history::cli_events(&pages) else { return };
    reported(&history);
});

/// Read from its end, a history grows and stays in order.
fn tail(pages: &[Vec<u8>]) {
    let mut tail = progress::Tail::default();
    let mut known = 0;
    for page in pages {
        let _ = tail.add(page, Some("more".to_owned()));
        let events = tail.history()["events"].as_array().map_or(0, Vec::len);
        assert!(events >= known, "events are forgotten");
        known = events;
    }
}

fn reported(history: &Value) {
    execution_history::is_complete(history);
    if let Some(failed) = failure::failed(history) {
        meaning::meaning(&failed.error);
        assert!(!failed.to_string().is_empty());
    }
    if let Ok(rendered) = rendered::rendered(history) {
        serde_json::to_string(&rendered).expect("facts are JSON");
        contradictions(&rendered, Some(PlanProtocol::V2), ChunkSize::new(30).expect("a size"), 60);
    }
    if let Ok(timeline) = timeline::timeline(history) {
        serde_json::to_string(&timeline).expect("a timeline is JSON");
        let ends = timeline.attempts.iter().filter_map(|attempt| attempt.ended_ms);
        assert!(ends.max().is_none_or(|last| last <= timeline.duration_ms), "an attempt ends after its execution");
        let cost = cost::Cost::of(&timeline, 10_240, &cost::Prices::default());
        assert!(cost.usd.is_finite() && cost.usd >= 0.0);
        if let Some(spent) = time_spent::TimeSpent::of(&timeline) {
            serde_json::to_string(&spent).expect("time spent is JSON");
            assert!(spent.busy_share.is_finite() && spent.imbalance.is_finite());
        }
    }
    let Some(progress) = progress::progress(history, 60_000) else { return };
    let pace = progress::Pace::of(&progress);
    for earlier in [None, pace.as_ref()] {
        progress::left_ms(&progress, 60, 4, earlier);
    }
}
