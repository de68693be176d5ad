//! Lambda functions and their logs: what is there, what a function logged before it failed, and
//! the removal of a log group that outlived its stack.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, anyhow, bail, ensure};
use execution_history::cost::{Architecture, FunctionSize};
use serde_json::{Value, json};

use crate::aws::{
    clients::Clients,
    faults,
    signed_request::{Body, Call, accepted, error_in},
};

/// Whether there is a function of this name (Lambda GetFunctionConfiguration).
pub async fn has_function(clients: &Clients, name: &str) -> anyhow::Result<bool> {
    let what = || format!("looking for function {name}");
    match configuration(clients, name).await.with_context(what)? {
        (404, body) if body.contains("ot found") || body.contains("NotFound") => Ok(false),
        answer => accepted(answer).with_context(what).map(|_| true),
    }
}

/// Reads a function's size (Lambda GetFunctionConfiguration); `None` when it does not say.
///
/// # Errors
/// When the call is refused.
pub async fn function_size(clients: &Clients, name: &str) -> anyhow::Result<Option<FunctionSize>> {
    let reported = reported(clients, name).await?;
    let size = || {
        Some(FunctionSize {
            memory_mb: reported["MemorySize"].as_u64()?,
            timeout_s: reported["Timeout"].as_u64()?,
            architecture: reported["Architectures"][0].as_str().map_or(Ok(Architecture::X86), str::parse).ok()?,
        })
    };
    Ok(size())
}

/// The configuration of a function that is there.
async fn reported(clients: &Clients, name: &str) -> anyhow::Result<Value> {
    let answer = configuration(clients, name).await.and_then(accepted);
    let read = answer.and_then(|body| Ok(serde_json::from_str(&body)?));
    read.with_context(|| format!("reading function {name}"))
}

async fn configuration(clients: &Clients, name: &str) -> anyhow::Result<(u16, String)> {
    Call { service: "lambda", method: "GET", path: &configuration_of(name), body: Body::None }.send(clients).await
}

fn configuration_of(name: &str) -> String {
    format!("/2015-03-31/functions/{name}/configuration")
}

/// How long a function is waited for while its configuration changes.
const UPDATE_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Changes the memory of a function, MB, and waits until that is done. From then on, every environment is a new one.
///
/// # Errors
/// When the call is refused, or the update fails or does not end.
pub async fn set_memory(clients: &Clients, name: &str, memory_mb: u32) -> anyhow::Result<()> {
    let what = || format!("giving function {name} {memory_mb} MB");
    update(clients, name, json!({ "MemorySize": memory_mb })).await.and_then(accepted).with_context(what)?;
    updated(clients, name).await.with_context(what)
}

/// Changes one variable in the environment of a function, keeps the others, and waits until that is done. From then on,
/// every environment is a new one. No value is shown, whatever fails.
///
/// # Errors
/// When the variables can't be read, the call is refused, or the update fails or does not end.
pub async fn set_variable(clients: &Clients, name: &str, variable: &str, value: &str) -> anyhow::Result<()> {
    let what = || format!("setting {variable} of function {name}");
    let mut environment = reported(clients, name).await?["Environment"].take();
    // What Lambda can't decrypt for us would be lost.
    ensure!(environment["Error"].is_null(), "the variables of function {name} can't be read, so none is changed");
    environment["Variables"][variable] = value.into();
    let (status, body) = update(clients, name, json!({ "Environment": environment })).await.with_context(what)?;
    if status != 200 {
        // Lambda's message may repeat the variables.
        let code = error_in(&body).map_or_else(|| "an error".to_owned(), |(code, _)| code);
        return Err(anyhow!("Lambda answered {code} (HTTP {status})")).with_context(what);
    }
    updated(clients, name).await.with_context(what)
}

/// Sends a change of a function's configuration (Lambda UpdateFunctionConfiguration).
async fn update(clients: &Clients, name: &str, input: Value) -> anyhow::Result<(u16, String)> {
    Call { service: "lambda", method: "PUT", path: &configuration_of(name), body: Body::Rest(input) }
        .send(clients)
        .await
}

/// Waits until the last change is done.
async fn updated(clients: &Clients, name: &str) -> anyhow::Result<()> {
    let ended = faults::until(faults::polling(), async || match reported(clients, name).await {
        Ok(reported) => match reported["LastUpdateStatus"].as_str() {
            Some("InProgress") => None,
            Some("Failed") => {
                let why = reported["LastUpdateStatusReason"].as_str().unwrap_or("Lambda does not say why");
                Some(Err(anyhow!("the update failed: {why}")))
            }
            _ => Some(Ok(())),
        },
        Err(error) => Some(Err(error)),
    });
    let ended = tokio::time::timeout(UPDATE_LIMIT, ended).await;
    ended.unwrap_or_else(|_| bail!("the update has not ended within {} s", UPDATE_LIMIT.as_secs()))
}

/// How many executions at once the account has unreserved (Lambda GetAccountSettings);
/// `None` where the service does not say.
///
/// # Errors
/// When the call is refused.
pub async fn unreserved_concurrency(clients: &Clients) -> anyhow::Result<Option<u64>> {
    let call = Call { service: "lambda", method: "GET", path: "/2016-08-19/account-settings/", body: Body::None };
    let body = call.send(clients).await.and_then(accepted).context("reading the account's quotas")?;
    let reported: Value = serde_json::from_str(&body).context("reading the account's quotas")?;
    Ok(reported["AccountLimit"]["UnreservedConcurrentExecutions"].as_u64())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGroup {
    /// When it was created, milliseconds since 1970.
    pub created_ms: Option<i64>,
}

/// Looks for a log group of exactly this name (Logs DescribeLogGroups).
///
/// # Errors
/// When the service gives no clear answer.
pub async fn log_group(clients: &Clients, name: &str) -> anyhow::Result<Option<LogGroup>> {
    let (what, mut token) = (|| format!("looking for log group {name}"), Value::Null);
    loop {
        let mut input = json!({ "logGroupNamePrefix": name });
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let body = Body::Json { target: "Logs_20140328.DescribeLogGroups", input };
        let body = Call::post("logs", body).send(clients).await.and_then(accepted).with_context(what)?;
        let answer: Value = serde_json::from_str(&body).with_context(what)?;
        let groups = answer["logGroups"].as_array().context("DescribeLogGroups returned no list")?;
        if let Some(group) = groups.iter().find(|group| group["logGroupName"] == name) {
            return Ok(Some(LogGroup { created_ms: group["creationTime"].as_i64() }));
        }
        token = answer["nextToken"].clone();
        if token.is_null() {
            return Ok(None);
        }
    }
}

/// Deletes a log group (Logs DeleteLogGroup). One that is gone is fine.
///
/// # Errors
/// When the call is refused.
pub async fn delete_log_group(clients: &Clients, name: &str) -> anyhow::Result<()> {
    let body = Body::Json { target: "Logs_20140328.DeleteLogGroup", input: json!({ "logGroupName": name }) };
    let what = || format!("deleting log group {name}");
    match Call::post("logs", body).send(clients).await.with_context(what)? {
        (400, body) if body.contains("ResourceNotFoundException") => Ok(()),
        answer => accepted(answer).with_context(what).map(drop),
    }
}

#[derive(Debug, Clone)]
pub struct LogLine {
    /// The instance of the function that wrote it.
    pub stream: String,
    pub text: String,
    /// When, ms since 1970.
    pub at_ms: i64,
}

/// Lines that are shown at most.
const MOST_LINES: usize = 20;

/// Characters of a line that are shown at most.
const MOST_CHARACTERS: usize = 300;

/// Pages that are read at most; the service may send empty ones.
const MOST_PAGES: usize = 5;

/// The log arrives a moment after the function has ended; after this long it is left out.
const LIMIT: Duration = Duration::from_secs(8);

const LAG: Duration = Duration::from_millis(1500);

/// What a function logged between two times, ms since 1970 (Logs FilterLogEvents). Best effort: what
/// can't be read soon is left out.
pub async fn log(clients: &Clients, group: &str, from_ms: i64, to_ms: i64) -> Vec<LogLine> {
    let read = async {
        let first = lines(clients, group, (from_ms, to_ms), None).await.ok()?;
        if !first.is_empty() {
            return Some(first);
        }
        tokio::time::sleep(LAG).await;
        lines(clients, group, (from_ms, to_ms), None).await.ok()
    };
    tokio::time::timeout(LIMIT, read).await.ok().flatten().unwrap_or_default()
}

/// The memory that calls of a function used, MB, by the ids of the calls: what the REPORT lines of its log say (Logs
/// FilterLogEvents).
///
/// # Errors
/// When the log can't be read.
pub async fn memory_used(
    clients: &Clients,
    group: &str,
    from_ms: i64,
    to_ms: i64,
) -> anyhow::Result<BTreeMap<String, u32>> {
    let reports = lines(clients, group, (from_ms, to_ms), Some("REPORT")).await?;
    Ok(reports.iter().filter_map(|line| memory_in(&line.text)).collect())
}

/// The call that a REPORT line is about, and the memory that it used, MB.
fn memory_in(line: &str) -> Option<(String, u32)> {
    let after = |name: &str| line.split_once(name)?.1.split_whitespace().next();
    Some((after("REPORT RequestId: ")?.to_owned(), after("Max Memory Used: ")?.parse().ok()?))
}

/// With a `filter`, all lines that have that word; without one, those of the first pages.
async fn lines(
    clients: &Clients,
    group: &str,
    (from_ms, to_ms): (i64, i64),
    filter: Option<&str>,
) -> anyhow::Result<Vec<LogLine>> {
    let (mut lines, mut token) = (Vec::new(), Value::Null);
    let most_pages = if filter.is_some() { usize::MAX } else { MOST_PAGES };
    for _ in 0..most_pages {
        let mut input = json!({ "logGroupName": group, "startTime": from_ms, "endTime": to_ms });
        if let Some(filter) = filter {
            input["filterPattern"] = filter.into();
        }
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let body = Body::Json { target: "Logs_20140328.FilterLogEvents", input };
        let answer = Call::post("logs", body).send(clients).await?;
        let body = accepted(answer).with_context(|| format!("reading log group {group}"))?;
        let mut page: Value = serde_json::from_str(&body).context("FilterLogEvents returned no JSON")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = page["events"].as_array().context("FilterLogEvents returned no list")?;
        let line = |event: &Value| LogLine {
            stream: text(&event["logStreamName"]),
            text: text(&event["message"]),
            at_ms: event["timestamp"].as_i64().unwrap_or(i64::MAX),
        };
        lines.extend(events.iter().map(line));
        token = page["nextToken"].take();
        if token.is_null() {
            break;
        }
    }
    Ok(lines)
}

/// The last lines of the instance that failed: the last one that said something
/// with a mark, or else the only one. Of several that nothing distinguishes, none.
pub(crate) fn end_of_one(lines: &[LogLine], marks: &[String]) -> Vec<String> {
    let mut streams: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        streams.entry(&line.stream).or_default().extend(line.text.trim_end().lines());
    }
    // The first mark is the clearest one.
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
        LogLine { stream: stream.into(), text: text.into(), at_ms: 0 }
    }

    #[test]
    fn the_instance_that_failed_is_the_one_with_the_clearest_mark() {
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
    fn a_report_has_the_call_and_its_memory() {
        let line = "REPORT RequestId: 3f8c-1\tDuration: 5123.45 ms\tBilled Duration: 5124 ms\tMemory Size: 2048 MB\tMax \
                    Memory Used: 913 MB\tInit Duration: 612.30 ms\t\n";
        assert_eq!(memory_in(line), Some(("3f8c-1".to_owned(), 913)));
        // The emulator's lines have no memory, and a function may log anything.
        assert_eq!(memory_in("REPORT RequestId: 3f8c-1\tDuration: 1.00 ms\tMemory Size: 128 MB\t"), None);
        assert_eq!(memory_in("Max Memory Used: 5 MB"), None);
    }

    #[test]
    fn only_so_much_is_shown() {
        let long = line("a", &"x".repeat(10_000));
        let shown = end_of_one(&vec![long; 100], &[]);
        assert_eq!((shown.len(), shown[0].len()), (20, 300));
    }
}
