//! What a function said before it failed: the end of its log.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use serde_json::{Value, json};

use super::{
    Clients,
    signed_request::{Body, Call, refusal},
};

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Which instance of the function said it.
    pub stream: String,
    /// What it said.
    pub text: String,
}

/// Lines that are shown at most.
const MOST_LINES: usize = 20;

/// Characters of a line that are shown at most.
const MOST_CHARACTERS: usize = 300;

/// Pages that are read at most; the service may send empty ones.
const MOST_PAGES: usize = 5;

/// The log comes a moment after the function; then nobody waits longer for it.
const LIMIT: Duration = Duration::from_secs(8);
const LAG: Duration = Duration::from_millis(1500);

/// The end of what a function logged between two times, ms since 1970, by the
/// instance that one of `marks` tells (Logs FilterLogEvents). Best effort: what
/// can't be read soon is left out.
pub async fn tail(clients: &Clients, group: &str, from_ms: i64, to_ms: i64, marks: &[String]) -> Vec<String> {
    let read = async {
        let lines = lines(clients, group, from_ms, to_ms).await.ok()?;
        if !lines.is_empty() {
            return Some(lines);
        }
        tokio::time::sleep(LAG).await;
        self::lines(clients, group, from_ms, to_ms).await.ok()
    };
    let read = tokio::time::timeout(LIMIT, read).await.ok().flatten();
    end_of_one(&read.unwrap_or_default(), marks)
}

async fn lines(clients: &Clients, group: &str, from_ms: i64, to_ms: i64) -> anyhow::Result<Vec<LogLine>> {
    let (mut lines, mut token) = (Vec::new(), Value::Null);
    for _ in 0..MOST_PAGES {
        let mut input = json!({ "logGroupName": group, "startTime": from_ms, "endTime": to_ms });
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let body = Body::Json { target: "Logs_20140328.FilterLogEvents", input };
        let (status, body) = Call { service: "logs", method: "POST", path: "/", body }.send(clients).await?;
        if status != 200 {
            return Err(refusal(status, &body)).with_context(|| format!("reading log group {group}"));
        }
        let mut page: Value = serde_json::from_str(&body).context("FilterLogEvents gave no JSON")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = page["events"].as_array().context("FilterLogEvents gave no list")?;
        lines.extend(events.iter().map(|e| LogLine { stream: text(&e["logStreamName"]), text: text(&e["message"]) }));
        token = page["nextToken"].take();
        if token.is_null() {
            break;
        }
    }
    Ok(lines)
}

/// The last lines of the instance that failed: the last one that said something
/// with a mark, or else the only one. Of several that nothing tells apart, none.
fn end_of_one(lines: &[LogLine], marks: &[String]) -> Vec<String> {
    let mut streams: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        streams.entry(&line.stream).or_default().extend(line.text.trim_end().lines());
    }
    // The first mark is the most telling one.
    let marked = marks.iter().find_map(|mark| lines.iter().rev().find(|line| line.text.contains(mark)));
    let stream = match (marked, streams.len()) {
        (Some(line), _) => streams.remove(line.stream.as_str()),
        (None, 1) => streams.pop_first().map(|(_, lines)| lines),
        _ => None,
    };
    let said = stream.unwrap_or_default();
    let cut = |line: &&str| {
        // Runtimes set their fields apart by tabs.
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_CHARACTERS).collect()
    };
    said[said.len().saturating_sub(MOST_LINES)..].iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stream: &str, text: &str) -> LogLine {
        LogLine { stream: stream.into(), text: text.into() }
    }

    #[test]
    fn the_instance_that_failed_is_the_one_with_the_most_telling_mark() {
        let lines = [
            line("a", "START"),
            line("b", "START"),
            line("a", "BOOM id-1\n"),
            line("b", "BOOM\tid-2"),
            line("a", "END"),
        ];
        let marks = |marks: &[&str]| marks.iter().map(|mark| (*mark).to_owned()).collect::<Vec<_>>();
        assert_eq!(end_of_one(&lines, &marks(&["id-1", "BOOM"])), ["START", "BOOM id-1", "END"]);
        assert_eq!(end_of_one(&lines, &marks(&["id-9", "BOOM"])), ["START", "BOOM id-2"]);
        assert!(end_of_one(&lines, &marks(&["other"])).is_empty());
        assert_eq!(end_of_one(&lines[..1], &[]), ["START"]);
    }

    #[test]
    fn only_so_much_is_shown() {
        let long = line("a", &"x".repeat(10_000));
        let shown = end_of_one(&vec![long; 100], &[]);
        assert_eq!((shown.len(), shown[0].len()), (20, 300));
    }
}
