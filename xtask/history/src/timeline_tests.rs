use serde_json::json;

use super::*;

fn recorded(name: &str) -> Timeline {
    timeline(&crate::tests::recorded(name)).unwrap()
}

fn lines(timeline: &Timeline) -> String {
    let line = |attempt: &Attempt| {
        let number = |ms: Option<u64>| ms.map_or("-".to_owned(), |ms| ms.to_string());
        format!(
            "{:?} {} {} {} {} {}",
            attempt.step,
            attempt.scheduled_ms,
            number(attempt.started_ms),
            number(attempt.ended_ms),
            number(attempt.handler_ms),
            attempt.error.as_deref().unwrap_or("ok")
        )
    };
    let lines: Vec<String> = timeline.attempts.iter().map(line).collect();
    format!("{} ms, {} transitions\n{}", timeline.duration_ms, timeline.transitions, lines.join("\n"))
}

#[test]
fn a_successful_execution() {
    insta::assert_snapshot!(lines(&recorded("success-n4-v2")), @r"
    14548 ms, 8 transitions
    Plan 159 159 3872 2283 ok
    Chunk(0) 3875 3875 7827 3855 ok
    Chunk(1) 3876 3876 13340 8181 ok
    Chunk(2) 3883 3883 13882 8608 ok
    Chunk(3) 3884 3884 14371 9120 ok
    Assemble 14372 14372 14548 131 ok
    ");
}

#[test]
fn retries_belong_to_their_chunk_and_are_charged() {
    insta::assert_snapshot!(lines(&recorded("failed-chunk")), @r"
    35387 ms, 11 transitions
    Plan 154 154 4024 2757 ok
    Chunk(0) 4026 4026 7840 3675 ok
    Chunk(1) 4036 4036 5364 - TypeError
    Chunk(2) 4037 4037 12086 6416 ok
    Chunk(3) 4044 4044 12577 7208 ok
    Chunk(1) 7372 7372 7382 - TypeError
    Chunk(1) 11382 11382 11384 - TypeError
    Chunk(1) 19384 19384 19385 - TypeError
    Chunk(1) 35386 35386 35387 - TypeError
    ");
}

#[test]
fn a_task_with_an_unknown_name_is_another_step() {
    let event = |id: u64, kind: &str| {
        json!({"id": id, "previousEventId": id - 1, "type": kind,
        "timestamp": "2026-01-31T12:00:00+00:00", "stateEnteredEventDetails": {"name": "Notify"}})
    };
    let events: Vec<Value> =
        (1..).zip(["TaskStateEntered", "TaskScheduled"]).map(|(id, kind)| event(id, kind)).collect();
    let found = timeline(&json!({ "events": events })).unwrap();
    assert_eq!((found.attempts[0].step, found.attempts[0].state.as_str()), (Step::Other, "Notify"));
    assert_eq!((found.requests(), found.function_ms()), (0, 0));
}

#[test]
fn the_history_says_which_function_was_called_with_which_action() {
    let found = recorded("two-functions-n2");
    let line = |attempt: &Attempt| {
        let function = attempt.function.as_deref().and_then(|name| name.rsplit('-').next()).unwrap_or_default();
        format!("{} {:?} {function} {}", attempt.state, attempt.step, attempt.action.as_deref().unwrap_or_default())
    };
    let lines: Vec<String> = found.attempts.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    Plan Plan render plan
    MixAudio Other render mixAudio
    RenderChunk Chunk(0) chunk renderChunk
    RenderChunk Chunk(1) chunk renderChunk
    Assemble Assemble render assemble
    ");
    assert_eq!(found.transitions, 8);
}

#[test]
fn the_action_decides_whatever_the_state_is_called() {
    let step = |state: &str, action: &str| {
        let entered = json!({"id": 1, "type": "TaskStateEntered", "timestamp": "2026-01-31T12:00:00+00:00",
            "stateEnteredEventDetails": {"name": state}});
        let parameters = json!({"FunctionName": "f", "Payload": {"Action": action, "ChunkIndex": 2}}).to_string();
        let scheduled = json!({"id": 2, "previousEventId": 1, "type": "TaskScheduled",
            "timestamp": "2026-01-31T12:00:00+00:00", "taskScheduledEventDetails": {"parameters": parameters}});
        timeline(&json!({"events": [entered, scheduled]})).unwrap().attempts[0].step
    };
    assert_eq!((step("Draw", "renderChunk"), step("Draw", "plan")), (Step::Chunk(2), Step::Plan));
    assert_eq!((step("Draw", "assemble"), step("PlanAudio", "mixAudio")), (Step::Assemble, Step::Other));
}

#[test]
fn a_function_is_named_in_each_way_that_lambda_takes() {
    for named in
        ["f", "f:2", "1:function:f", "arn:aws:lambda:eu-west-1:1:function:f", "arn:aws:lambda:x:1:function:f:live"]
    {
        assert_eq!(function_name(named), "f", "{named}");
    }
    let event = json!({"lambdaFunctionScheduledEventDetails":
        {"resource": "arn:aws:lambda:eu-west-1:1:function:f", "input": r#"{"Action": "mix", "ChunkIndex": 3}"#}});
    let call = Call::of(&event);
    assert_eq!((call.function.as_deref(), call.action.as_deref(), call.chunk), (Some("f"), Some("mix"), Some(3)));
}

#[test]
fn calls_and_their_run_times_are_summed() {
    let failed = recorded("failed-chunk");
    let took = (4024 - 154) + (7840 - 4026) + (5364 - 4036) + (12_086 - 4037) + (12_577 - 4044) + 10 + 2 + 1 + 1;
    assert_eq!((failed.requests(), failed.function_ms()), (9, took));
}

#[test]
fn invalid_histories_are_errors() {
    let event = |id: u64, previous: u64, time: &str| json!({"id": id, "previousEventId": previous, "type": "X", "timestamp": time});
    let good = "2026-01-31T12:00:00.123000+00:00";
    for history in [
        json!({}),
        json!({"events": []}),
        json!({"events": [event(1, 0, "noon")]}),
        json!({"events": [event(1, 1, good)]}),
        json!({"events": [{"id": 1, "type": "X"}]}),
        json!({"events": [event(1, 0, good), event(2, 1, "2026-01-31T11:00:00+00:00")]}),
    ] {
        assert!(timeline(&history).is_err(), "{history} was accepted");
    }
    assert!(timeline(&json!({"events": [event(1, 0, good)]})).unwrap().attempts.is_empty());
}

#[test]
fn a_long_history_is_read_in_one_pass() {
    let mut events = vec![
        json!({"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": "2026-01-31T12:00:00+00:00"}),
    ];
    let mut add = |previous: usize, kind: &str, details: Value| {
        let mut event = json!({"id": events.len() + 1, "previousEventId": previous, "type": kind, "timestamp": "2026-01-31T12:00:01+00:00"});
        event.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        events.push(event);
        events.len()
    };
    let map = add(1, "MapStateEntered", json!({"stateEnteredEventDetails": {"name": "Chunks"}}));
    for index in 0..5000 {
        let iteration = add(map, "MapIterationStarted", json!({"mapIterationStartedEventDetails": {"index": index}}));
        let state = add(iteration, "TaskStateEntered", json!({"stateEnteredEventDetails": {"name": "RenderChunk"}}));
        let scheduled = add(state, "TaskScheduled", json!({}));
        let started = add(scheduled, "TaskStarted", json!({}));
        add(started, "TaskSucceeded", json!({"taskSucceededEventDetails": {"output": "{\"DurationMs\": 7}"}}));
    }
    let found = timeline(&json!({ "events": events })).unwrap();
    assert_eq!((found.attempts.len(), found.transitions), (5000, 5001));
    assert!(found.attempts.iter().enumerate().all(|(i, a)| a.step == Step::Chunk(i as u64) && a.handler_ms == Some(7)));
}
