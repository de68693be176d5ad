//! Progress and estimates, from recorded histories that are cut off.

use serde_json::json;

use super::*;

fn recorded(name: &str) -> Vec<Value> {
    crate::tests::recorded(name)["events"].as_array().unwrap().clone()
}

/// The history up to the `nth` answer of a task.
fn up_to_answer(name: &str, nth: usize) -> Value {
    let events = recorded(name);
    let answers = events.iter().enumerate().filter(|(_, event)| event["type"] == "TaskSucceeded");
    let last = answers.map(|(i, _)| i).nth(nth - 1).unwrap();
    json!({ "events": events[..=last] })
}

#[test]
fn an_execution_is_followed_from_its_start_to_its_end() {
    let started = json!({ "events": recorded("success-n4-v2")[..1] });
    let at = progress(&started, 500).unwrap();
    assert_eq!((at.chunks_planned, at.frames_planned, at.chunks_done()), (None, None, 0));

    let planned = progress(&up_to_answer("success-n4-v2", 1), 0).unwrap();
    assert_eq!((planned.chunks_planned, planned.frames_planned, planned.frames_done), (Some(4), Some(60), 0));

    let two_done = progress(&up_to_answer("success-n4-v2", 3), 0).unwrap();
    assert_eq!((two_done.chunks_done(), two_done.frames_done, two_done.running_ms.len()), (2, 30, 2));
    assert_eq!(two_done.assembling_ms, None);

    let whole = json!({ "events": recorded("success-n4-v2") });
    let done = progress(&whole, 0).unwrap();
    assert_eq!((done.chunks_done(), done.frames_done, done.running_ms.len()), (4, 60, 0));
    assert!(done.assembling_ms.is_some());
    assert_eq!(done.so_far, timeline(&whole).unwrap());
    assert_eq!(progress(&json!({}), 0), None);
}

#[test]
fn running_calls_count_until_now() {
    let planned = up_to_answer("success-n4-v2", 1);
    let used = |now_ms: u64| {
        let at = progress(&planned, now_ms).unwrap();
        at.so_far.attempts.iter().map(Attempt::run_ms).sum::<u64>()
    };
    assert_eq!(used(60_000), used(0), "Plan has ended, and no chunk is running yet");
    let rendering = up_to_answer("success-n4-v2", 3);
    let at = |now_ms: u64| progress(&rendering, now_ms).unwrap();
    let more = at(100_000).so_far.attempts.iter().map(Attempt::run_ms).sum::<u64>()
        - at(90_000).so_far.attempts.iter().map(Attempt::run_ms).sum::<u64>();
    assert_eq!(more, 20_000, "two chunks ran for 10 s");
    let began: Vec<u64> = timeline(&rendering).unwrap().attempts.iter().map(|attempt| attempt.scheduled_ms).collect();
    assert_eq!(at(100_000).running_ms.iter().sum::<u64>(), 200_000 - began[3] - began[4]);
    let assembling = json!({ "events": recorded("success-n4-v2") });
    let scheduled_ms = timeline(&assembling).unwrap().attempts.last().unwrap().scheduled_ms;
    assert_eq!(progress(&assembling, 100_000).unwrap().assembling_ms, Some(100_000 - scheduled_ms));
}

#[test]
fn the_sum_of_frames_does_not_overflow() {
    let answer = |id: u64| {
        json!({"id": id, "previousEventId": id - 1, "type": "TaskSucceeded",
        "timestamp": "2026-01-31T12:00:00+00:00",
        "taskSucceededEventDetails": {"output": format!("{{\"ChunkIndex\": {id}, \"FramesEncoded\": {}}}", u64::MAX)}})
    };
    let at = progress(&json!({"events": [answer(1), answer(2)]}), 0).unwrap();
    assert_eq!(at.frames_done, u64::MAX);
}

fn state(done: &[u64], running: &[u64], planned: Option<u64>, now_ms: u64) -> Progress {
    Progress {
        chunks_planned: planned,
        frames_planned: planned.map(|_| 400),
        frames_done: 0,
        done_ms: done.to_vec(),
        running_ms: running.to_vec(),
        assembling_ms: None,
        so_far: Timeline { duration_ms: now_ms, attempts: Vec::new(), transitions: 0 },
    }
}

const PACE: Pace = Pace { plan: 3000.0, each_frame: 100.0, assemble: 2000.0 };

#[test]
fn before_the_first_chunk_ends_the_estimate_uses_an_earlier_render() {
    let left = |at: &Progress| left_ms(at, 400, 4, Some(&PACE));
    assert_eq!(left(&state(&[], &[], None, 1000)), Some(2000 + 10_000 + 2000));
    assert_eq!(left(&state(&[], &[], None, 9000)), None, "the plan is overdue");
    assert_eq!(left(&state(&[], &[4000, 3000, 3000, 3000], Some(4), 7000)), Some(7000 + 2000));
    assert_eq!(left_ms(&state(&[], &[4000], Some(4), 7000), 400, 4, None), None);
}

#[test]
fn after_that_the_estimate_uses_the_chunks_that_are_done() {
    assert_eq!(left_ms(&state(&[5000, 7000], &[2000, 1000], Some(4), 9000), 400, 4, None), Some(5000));
    // Two chunks at a time: two are running, and two are waiting.
    assert_eq!(left_ms(&state(&[6000], &[3000, 3000], Some(5), 9000), 400, 5, None), Some(9000));
    assert_eq!(left_ms(&state(&[6000], &[60_000], Some(2), 66_000), 400, 2, None), None, "it is overdue");
    let with_assembly = left_ms(&state(&[6000], &[60_000], Some(2), 66_000), 400, 2, Some(&PACE));
    assert_eq!(with_assembly, None, "the time of the assembly is no estimate of the chunk's");
    let assembling = Progress { assembling_ms: Some(500), ..state(&[1, 1], &[], Some(2), 9000) };
    assert_eq!(left_ms(&assembling, 400, 2, Some(&PACE)), Some(1500));
    assert_eq!(left_ms(&assembling, 400, 2, None), None);
}

#[test]
fn a_finished_render_gives_the_pace_of_the_next_one() {
    let done = progress(&json!({ "events": recorded("success-n4-v2") }), 0).unwrap();
    let pace = Pace::of(&done).unwrap();
    assert_eq!(pace.each_frame, *done.done_ms.iter().max().unwrap() as f64 / 15.0);
    // From the recorded history: the end of Plan, and the time from the assembly to the execution's end.
    assert_eq!((pace.plan, pace.assemble), (3872.0, 176.0));
    assert_eq!(Pace::of(&state(&[], &[], None, 0)), None);
}
