//! Executions of the state machine.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, anyhow};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sfn::types::{ExecutionStatus, LoggingConfiguration, StateMachineStatus};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::AfterDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, retry::RetryConfig};
use backon::Retryable;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::aws::{
    clients::Clients,
    faults::{self, Fault, settling},
    region::Region,
};

/// An execution that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    pub status: ExecutionStatus,
    /// The execution's own stopDate - startDate, ms.
    pub wall_clock_ms: u64,
    /// The execution in the shape that `aws stepfunctions describe-execution` prints.
    pub description: Value,
}

/// When an execution is stopped, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// After so long.
    pub after: Duration,
    /// The cause that the execution ends with.
    pub why: String,
}

impl Cap {
    /// For an execution that does not end.
    pub fn of_time(after: Duration) -> Self {
        Self { after, why: format!("not ended within {} minutes", after.as_secs() / 60) }
    }
}

/// The ARN that a state machine of this name has.
pub fn machine_arn(region: &Region, account: &str, name: &str) -> String {
    format!("arn:{}:states:{region}:{account}:stateMachine:{name}", region.partition())
}

/// Starts an execution of a machine that is this run's alone; its name makes a
/// repeated start harmless.
///
/// # Errors
/// When the start is refused or nobody answers.
pub async fn start(clients: &Clients, machine: &str, name: &str, input: &Value) -> anyhow::Result<String> {
    let request = clients.sfn.start_execution().state_machine_arn(machine).name(name).input(input.to_string());
    match (|| request.clone().send()).retry(settling()).when(faults::is_absent).await {
        Ok(answer) => Ok(answer.execution_arn().to_owned()),
        // The answer to an earlier try was lost, and the execution has ended since:
        // the service repeats its answer only as long as it runs.
        Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(execution_arn(machine, name)),
        Err(error) => Err(faults::as_error(error).context(format!("starting execution {name} of {machine}"))),
    }
}

fn execution_arn(machine: &str, name: &str) -> String {
    format!("{}:{name}", machine.replacen(":stateMachine:", ":execution:", 1))
}

/// How long a fresh execution may be unknown: DescribeExecution is eventually consistent.
const UNKNOWN_GRACE: Duration = Duration::from_secs(20);

/// How long an emulator may be silent before it counts as gone.
const SILENCE_OF_EMULATOR: Duration = Duration::from_secs(45);

/// The same for AWS, to which the way may be interrupted.
const SILENCE_OF_AWS: Duration = Duration::from_secs(300);

/// Polls until the execution has ended, densely at first. Throttling and
/// short outages are waited out. At its cap the execution is stopped, and has
/// ended as aborted.
///
/// # Errors
/// When the service gives an error that won't pass, or no answer for too long.
pub async fn wait(clients: &Clients, arn: &str, cap: &Cap) -> anyhow::Result<Ended> {
    let started = Instant::now();
    let (place, silence) = match clients.settings.endpoint_of("sfn") {
        Some(url) => (url, SILENCE_OF_EMULATOR),
        None => ("AWS", SILENCE_OF_AWS),
    };
    let mut silent_since = None;
    let ended = faults::until(faults::watching(clients.notice), async || {
        if started.elapsed() > cap.after {
            return Some(Ok(None));
        }
        let asked = Instant::now();
        let described = describe(clients, arn).await;
        if !matches!(described, Err((Fault::Unanswered, _))) {
            silent_since = None;
        }
        match described {
            Ok(Some(ended)) => Some(Ok(Some(ended))),
            Ok(None) | Err((Fault::Transient, _)) => None,
            Err((Fault::Unanswered, error)) => {
                let silent = silent_since.get_or_insert(asked).elapsed();
                let gone = || format!("{place} has not answered for {} s, while execution {arn} ran", silent.as_secs());
                (silent > silence).then(|| Err(error.context(gone())))
            }
            Err((Fault::Absent, _)) if started.elapsed() < UNKNOWN_GRACE => None,
            Err((_, error)) => Some(Err(error.context(format!("watching execution {arn}")))),
        }
    });
    if let Some(ended) = ended.await? {
        return Ok(ended);
    }
    stop(clients, arn, &cap.why).await?;
    let ended = describe(clients, arn).await.map_err(|(_, error)| error)?;
    ended.with_context(|| format!("execution {arn} was stopped, but is still running"))
}

async fn describe(clients: &Clients, arn: &str) -> Result<Option<Ended>, (Fault, anyhow::Error)> {
    let answer = clients.sfn.describe_execution().execution_arn(arn).send().await;
    let answer = answer.map_err(|e| (faults::of(&e), faults::as_error(e)))?;
    if matches!(answer.status(), ExecutionStatus::Running | ExecutionStatus::PendingRedrive) {
        return Ok(None);
    }
    // The service gives milliseconds as a fraction, which its floating-point value only approximates.
    let millis = |t: Option<&aws_sdk_sfn::primitives::DateTime>| t.map(|t| (t.as_secs_f64() * 1000.0).round() as i64);
    let (start, stop) = (millis(Some(answer.start_date())), millis(answer.stop_date()));
    let (Some(start), Some(stop)) = (start, stop) else {
        return Err((Fault::Other, anyhow!("the ended execution has no start or stop date")));
    };
    let time = |ms: i64| execution_history::cli_timestamp(&json!(ms as f64 / 1000.0)).unwrap_or_default();
    let mut description = json!({
        "executionArn": answer.execution_arn(),
        "stateMachineArn": answer.state_machine_arn(),
        "name": answer.name(),
        "status": answer.status().as_str(),
        "startDate": time(start),
        "stopDate": time(stop),
    });
    let optional =
        [("input", answer.input()), ("output", answer.output()), ("error", answer.error()), ("cause", answer.cause())];
    for (key, value) in optional {
        if let Some(value) = value {
            description[key] = value.into();
        }
    }
    Ok(Some(Ended { status: answer.status().clone(), wall_clock_ms: (stop - start).max(0) as u64, description }))
}

/// The bodies of all pages of an execution's history, as the service sent them.
///
/// # Errors
/// When a page can't be read.
pub async fn history_pages(clients: &Clients, arn: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let body = CapturedBody::default();
        let request =
            clients.sfn.get_execution_history().execution_arn(arn).include_execution_data(true).max_results(1000);
        let answer = request
            .set_next_token(token)
            .customize()
            .interceptor(body.clone())
            .send()
            .await
            .map_err(faults::as_error)
            .with_context(|| format!("the history of {arn}"))?;
        pages.push(body.take().with_context(|| format!("the history of {arn} came without a body"))?);
        token = answer.next_token().map(str::to_owned);
        if token.is_none() {
            return Ok(pages);
        }
    }
}

/// Events on a page of the newest ones: as many as a hundred chunks make in a moment,
/// and few enough to be asked for again and again.
const NEWEST: i32 = 200;

/// A page of the newest events of an execution, newest first, and the token of
/// the one before it. Asked once: what it shows can wait.
///
/// # Errors
/// When it can't be read.
pub async fn newest_events(
    clients: &Clients,
    arn: &str,
    token: Option<&str>,
) -> anyhow::Result<(Vec<u8>, Option<String>)> {
    let body = CapturedBody::default();
    let request = clients.sfn.get_execution_history().execution_arn(arn).include_execution_data(true);
    let once = aws_sdk_sfn::config::Builder::new().retry_config(RetryConfig::disabled());
    let answer = request
        .reverse_order(true)
        .max_results(NEWEST)
        .set_next_token(token.map(str::to_owned))
        .customize()
        .config_override(once)
        .interceptor(body.clone())
        .send()
        .await
        .map_err(faults::as_error)?;
    let bytes = body.take().context("the newest events came without a body")?;
    Ok((bytes, answer.next_token().map(str::to_owned)))
}

/// Keeps a response's body: the SDK's types can't be written as JSON, and
/// would lose fields that they don't know.
#[derive(Debug, Clone, Default)]
struct CapturedBody(Arc<Mutex<Option<Vec<u8>>>>);

impl CapturedBody {
    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().expect("no holder panics").take()
    }
}

impl Intercept for CapturedBody {
    fn name(&self) -> &'static str {
        "CapturedBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.0.lock().expect("no holder panics") = context.response().body().bytes().map(<[u8]>::to_vec);
        Ok(())
    }
}

/// All executions of a state machine that are still running.
///
/// # Errors
/// When they can't be listed. A machine that does not exist has none.
pub async fn running(clients: &Clients, machine: &str) -> anyhow::Result<Vec<String>> {
    let mut pages = clients
        .sfn
        .list_executions()
        .state_machine_arn(machine)
        .status_filter(ExecutionStatus::Running)
        .into_paginator()
        .send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => arns.extend(page.executions().iter().map(|e| e.execution_arn().to_owned())),
            Err(error) if faults::is_absent(&error) || is_express(&error) => return Ok(arns),
            Err(error) => return Err(faults::as_error(error).context(format!("listing the executions of {machine}"))),
        }
    }
    Ok(arns)
}

/// Whether the machine is an Express one: its executions can't be listed or stopped, and end within 5 minutes.
fn is_express<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("StateMachineTypeNotSupported")
}

/// Stops an execution and waits until it has ended.
///
/// # Errors
/// When it can't be stopped. One that is gone or has ended is fine.
pub async fn stop(clients: &Clients, arn: &str, cause: &str) -> anyhow::Result<()> {
    let stopped = clients.sfn.stop_execution().execution_arn(arn).cause(cause).send().await;
    match stopped {
        Ok(_) => {}
        Err(error) if faults::is_absent(&error) => return Ok(()),
        // One that has just ended can't be stopped; whether it has is seen below.
        Err(error) if matches!(faults::of(&error), Fault::Other | Fault::Transient | Fault::Unanswered) => {}
        Err(error) => return Err(faults::as_error(error).context(format!("stopping execution {arn}"))),
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    faults::until(faults::polling(), async || match describe(clients, arn).await {
        Ok(Some(_)) | Err((Fault::Absent, _)) => Some(Ok(())),
        Ok(None) | Err((Fault::Transient, _)) if Instant::now() < deadline => None,
        Ok(None) => Some(Err(anyhow!("execution {arn} is still running a minute after StopExecution"))),
        Err((_, error)) => Some(Err(error.context(format!("watching execution {arn} stop")))),
    })
    .await
}

/// What is known of a state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub tags: Vec<(String, String)>,
    /// The log groups that it writes to, by name.
    pub log_groups: Vec<String>,
    pub deleting: bool,
}

/// Waits a few seconds for a state machine that was just made: reading one is
/// eventually consistent. `None` when there is none even then.
///
/// # Errors
/// When the service refuses to say.
pub async fn new_machine(clients: &Clients, arn: &str) -> anyhow::Result<Option<Machine>> {
    let there = || clients.sfn.describe_state_machine().state_machine_arn(arn).send();
    // Whatever else is wrong with it, the call below reports.
    let _ = there.retry(settling()).when(faults::is_absent).await;
    machine(clients, arn).await
}

/// Reads a state machine's tags and log groups; `None` when there is none of that ARN.
///
/// # Errors
/// When the service refuses to say.
pub async fn machine(clients: &Clients, arn: &str) -> anyhow::Result<Option<Machine>> {
    let described = match clients.sfn.describe_state_machine().state_machine_arn(arn).send().await {
        Ok(described) => described,
        Err(error) if faults::is_absent(&error) => return Ok(None),
        Err(error) => return Err(faults::as_error(error).context(format!("describing {arn}"))),
    };
    let tags = match clients.sfn.list_tags_for_resource().resource_arn(arn).send().await {
        Ok(answer) => answer
            .tags()
            .iter()
            .map(|t| (t.key().unwrap_or_default().into(), t.value().unwrap_or_default().into()))
            .collect(),
        Err(error) if faults::is_absent(&error) => return Ok(None),
        Err(error) => return Err(faults::as_error(error).context(format!("reading the tags of {arn}"))),
    };
    let destinations = described.logging_configuration().map(LoggingConfiguration::destinations).unwrap_or_default();
    let log_groups = destinations
        .iter()
        .filter_map(|d| d.cloud_watch_logs_log_group()?.log_group_arn())
        .filter_map(|arn| arn.split(":log-group:").nth(1))
        .map(|name| name.trim_end_matches(":*").to_owned())
        .collect();
    Ok(Some(Machine { tags, log_groups, deleting: described.status() == Some(&StateMachineStatus::Deleting) }))
}
