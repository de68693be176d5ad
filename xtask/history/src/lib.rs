//! The history of a Step Functions execution, in the JSON format of the AWS CLI, and what follows from it. Pure.

pub mod chunking;
pub mod cost;
pub mod failure;
pub mod meaning;
pub mod progress;
pub mod rendered;
pub mod time_spent;
pub mod timeline;

use std::collections::HashSet;

use anyhow::{Context, bail};
use aws_smithy_types::{DateTime, date_time::Format as DateTimeFormat};
use serde_json::{Value, json};

/// Joins the bodies of all pages, as the service sent them, in the format of
/// `aws stepfunctions get-execution-history`: `{"events": [...]}`. Timestamps become ISO 8601,
/// and every other field stays. An event that is on two pages is included once.
///
/// # Errors
/// If a body is not a page of a history.
pub fn cli_events(pages: &[Vec<u8>]) -> anyhow::Result<Value> {
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    for body in pages {
        let mut page: Value = serde_json::from_slice(body).context("a page of the history is not JSON")?;
        let Some(Value::Array(events)) = page.get_mut("events").map(Value::take) else {
            bail!("a page of the history has no events");
        };
        for event in events {
            if event["id"].as_u64().is_none_or(|id| seen.insert(id)) {
                all.push(event);
            }
        }
    }
    for event in &mut all {
        if let Some(timestamp) = event.get_mut("timestamp") {
            *timestamp = cli_timestamp(timestamp)?;
        }
    }
    Ok(json!({ "events": all }))
}

/// Whether the history contains the end of the execution. The service may report that an
/// execution has ended a moment before it returns the last events.
pub fn is_complete(history: &Value) -> bool {
    const ENDS: [&str; 4] = ["ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"];
    let last = history["events"].as_array().and_then(|events| events.last());
    last.is_some_and(|event| event["type"].as_str().is_some_and(|kind| ENDS.contains(&kind)))
}

/// Converts epoch seconds to `2026-01-31T12:00:00.123000+00:00`; text is returned as it is.
///
/// # Errors
/// If it is neither a number of seconds nor text.
pub fn cli_timestamp(timestamp: &Value) -> anyhow::Result<Value> {
    if timestamp.is_string() {
        return Ok(timestamp.clone());
    }
    let seconds = timestamp.as_f64().with_context(|| format!("{timestamp} is not a time"))?;
    // The service sends milliseconds; the floating-point value only approximates them.
    let millis = (seconds * 1000.0).round() as i64;
    let whole = DateTime::from_secs(millis.div_euclid(1000)).fmt(DateTimeFormat::DateTime)?;
    let fraction = match millis.rem_euclid(1000) {
        0 => String::new(),
        ms => format!(".{ms:03}000"),
    };
    Ok(Value::String(format!("{}{fraction}+00:00", whole.trim_end_matches('Z'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history that was recorded on the embedded AWS.
    pub(crate) fn recorded(name: &str) -> Value {
        let path = format!("{}/../tests/data/histories/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn pages_are_joined_and_times_are_iso() {
        let pages = [
            br#"{"events":[{"id":1,"timestamp":1700000000.123,"type":"ExecutionStarted"}],"nextToken":"x"}"#.to_vec(),
            br#"{"events":[{"id":1,"timestamp":1700000000.123,"type":"ExecutionStarted"},{"id":2,"timestamp":1700000001,"type":"ExecutionSucceeded"}]}"#.to_vec(),
        ];
        let joined = cli_events(&pages).unwrap();
        assert_eq!(joined["events"][0]["timestamp"], "2023-11-14T22:13:20.123000+00:00");
        assert_eq!(joined["events"][1]["timestamp"], "2023-11-14T22:13:21+00:00");
        assert_eq!(joined["events"].as_array().unwrap().len(), 2);
        assert!(joined.get("nextToken").is_none());
        assert!(is_complete(&joined));
        assert!(!is_complete(&json!({"events": [{"id": 1, "type": "ExecutionStarted"}]})));
    }

    #[test]
    fn a_page_without_events_is_an_error() {
        assert!(cli_events(&[b"{}".to_vec()]).is_err());
        assert!(cli_events(&[b"<html>".to_vec()]).is_err());
    }
}
