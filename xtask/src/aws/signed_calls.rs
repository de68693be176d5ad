//! Whether a function or a log group is gone, and removing a log group that
//! outlived its stack.

use anyhow::Context;
use serde_json::{Value, json};

use super::{
    Clients,
    signed_request::{Body, Call, refusal},
};

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The service says that there is none.
    Absent,
    /// It is there.
    Present,
}

/// Looks for a function (Lambda GetFunctionConfiguration).
///
/// # Errors
/// When the service gives no clear answer.
pub async fn function(clients: &Clients, name: &str) -> anyhow::Result<Presence> {
    let (status, body) = configuration(clients, name).await.with_context(|| format!("looking for function {name}"))?;
    match status {
        200 => Ok(Presence::Present),
        404 if body.contains("ot found") || body.contains("NotFound") => Ok(Presence::Absent),
        _ => Err(refusal(status, &body)).with_context(|| format!("looking for function {name}")),
    }
}

/// What a function may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionLimits {
    /// Memory, MB.
    pub memory_mb: u64,
    /// The longest that a call may take, seconds.
    pub timeout_s: u64,
}

/// Reads a function's limits (Lambda GetFunctionConfiguration); `None` when it does not tell.
///
/// # Errors
/// When the call is refused.
pub async fn function_limits(clients: &Clients, name: &str) -> anyhow::Result<Option<FunctionLimits>> {
    let (status, body) = configuration(clients, name).await.with_context(|| format!("reading function {name}"))?;
    if status != 200 {
        return Err(refusal(status, &body)).with_context(|| format!("reading function {name}"));
    }
    let told: Value = serde_json::from_str(&body).with_context(|| format!("reading function {name}"))?;
    let limits =
        || Some(FunctionLimits { memory_mb: told["MemorySize"].as_u64()?, timeout_s: told["Timeout"].as_u64()? });
    Ok(limits())
}

async fn configuration(clients: &Clients, name: &str) -> anyhow::Result<(u16, String)> {
    let path = format!("/2015-03-31/functions/{name}/configuration");
    Call { service: "lambda", method: "GET", path: &path, body: Body::None }.send(clients).await
}

/// How many executions at once the account has unreserved (Lambda GetAccountSettings);
/// `None` where the service does not tell.
///
/// # Errors
/// When the call is refused.
pub async fn unreserved_concurrency(clients: &Clients) -> anyhow::Result<Option<u64>> {
    let call = Call { service: "lambda", method: "GET", path: "/2016-08-19/account-settings/", body: Body::None };
    let (status, body) = call.send(clients).await.context("reading the account's quotas")?;
    if status != 200 {
        return Err(refusal(status, &body)).context("reading the account's quotas");
    }
    let told: Value = serde_json::from_str(&body).context("reading the account's quotas")?;
    Ok(told["AccountLimit"]["UnreservedConcurrentExecutions"].as_u64())
}

/// Looks for a log group of exactly this name (Logs DescribeLogGroups).
///
/// # Errors
/// When the service gives no clear answer.
pub async fn log_group(clients: &Clients, name: &str) -> anyhow::Result<Presence> {
    let mut token = Value::Null;
    loop {
        let mut input = json!({ "logGroupNamePrefix": name });
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let body = Body::Json { target: "Logs_20140328.DescribeLogGroups", input };
        let call = Call { service: "logs", method: "POST", path: "/", body };
        let (status, body) = call.send(clients).await.with_context(|| format!("looking for log group {name}"))?;
        if status != 200 {
            return Err(refusal(status, &body)).with_context(|| format!("looking for log group {name}"));
        }
        let answer: Value = serde_json::from_str(&body).with_context(|| format!("looking for log group {name}"))?;
        let groups = answer["logGroups"].as_array().context("DescribeLogGroups gave no list")?;
        if groups.iter().any(|group| group["logGroupName"] == name) {
            return Ok(Presence::Present);
        }
        token = answer["nextToken"].clone();
        if token.is_null() {
            return Ok(Presence::Absent);
        }
    }
}

/// Deletes a log group (Logs DeleteLogGroup). One that is gone is fine.
///
/// # Errors
/// When the call is refused.
pub async fn delete_log_group(clients: &Clients, name: &str) -> anyhow::Result<()> {
    let body = Body::Json { target: "Logs_20140328.DeleteLogGroup", input: json!({ "logGroupName": name }) };
    let call = Call { service: "logs", method: "POST", path: "/", body };
    let (status, body) = call.send(clients).await.with_context(|| format!("deleting log group {name}"))?;
    match status {
        200 => Ok(()),
        400 if body.contains("ResourceNotFoundException") => Ok(()),
        _ => Err(refusal(status, &body)).with_context(|| format!("deleting log group {name}")),
    }
}
