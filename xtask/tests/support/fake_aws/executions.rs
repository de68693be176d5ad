//! The calls of Step Functions that the tool makes.

use serde_json::{Value, json};

use super::{
    account::Account,
    http::{Request, Response},
    render::{End, Render, STARTED},
};

/// An execution.
#[derive(Debug)]
pub(crate) struct Execution {
    /// Which of the account's executions it is, from 1.
    pub(crate) nth: usize,
    pub(crate) name: String,
    pub(crate) input: Value,
    machine: String,
    events: Vec<Value>,
    render: Render,
    polls_left: u32,
    stopped: bool,
}

/// Events on a page of a history.
const PAGE: usize = 7;

impl Execution {
    /// One of someone else, which does not end by itself.
    pub(super) fn of_someone(machine: &str, nth: usize) -> Self {
        let render = Render { end: End::Never, ..Render::default() };
        let (name, input) = ("theirs".to_owned(), Value::Null);
        Self {
            nth,
            name,
            input,
            machine: machine.to_owned(),
            events: Vec::new(),
            render,
            polls_left: 0,
            stopped: false,
        }
    }

    pub(crate) fn arn(&self) -> String {
        execution_arn(&self.machine, &self.name)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.status() == "RUNNING"
    }

    fn status(&self) -> &'static str {
        match self.render.end {
            _ if self.stopped => "ABORTED",
            End::Never | End::Throttled => "RUNNING",
            _ if self.polls_left > 0 => "RUNNING",
            End::Succeeds => "SUCCEEDED",
            End::Fails(..) => "FAILED",
        }
    }
}

/// Answers a call; `None` when Step Functions has no such operation.
pub(super) fn answer(account: &mut Account, request: &Request) -> Option<Response> {
    let body = request.json();
    let arn = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let absent = |what| Response::error(request, 400, what);
    Some(match request.operation() {
        "StartExecution" => start(account, request, &body),
        "DescribeStateMachine" => match account.machines.get(&arn("stateMachineArn")) {
            Some(machine) => {
                let log = format!("arn:aws:logs:us-east-1:123456789012:log-group:{}:*", machine.log_group);
                ok(&json!({
                    "stateMachineArn": arn("stateMachineArn"), "name": "m", "definition": "{}", "roleArn": "r",
                    "type": "STANDARD", "creationDate": STARTED, "status": "ACTIVE",
                    "loggingConfiguration": {"destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": log}}]},
                }))
            }
            None => absent("StateMachineDoesNotExist"),
        },
        "ListTagsForResource" => match account.machines.get(&arn("resourceArn")) {
            Some(machine) => {
                let tags: Vec<Value> = machine.tags.iter().map(|(k, v)| json!({"key": k, "value": v})).collect();
                ok(&json!({"tags": tags}))
            }
            None => absent("ResourceNotFound"),
        },
        "ListExecutions" => {
            let of_machine = |e: &&Execution| e.machine == arn("stateMachineArn") && e.is_running();
            let shown = |e: &Execution| {
                json!({"executionArn": execution_arn(&e.machine, &e.name), "stateMachineArn": e.machine, "name": e.name,
                       "status": "RUNNING", "startDate": STARTED})
            };
            let running: Vec<Value> = account.executions.values().filter(of_machine).map(shown).collect();
            ok(&json!({"executions": running}))
        }
        "DescribeExecution" => match account.executions.get_mut(&arn("executionArn")) {
            Some(execution) => describe(execution),
            None => absent("ExecutionDoesNotExist"),
        },
        "StopExecution" => match account.executions.get_mut(&arn("executionArn")) {
            Some(execution) => {
                execution.stopped = execution.is_running();
                ok(&json!({"stopDate": execution.render.ended}))
            }
            None => absent("ExecutionDoesNotExist"),
        },
        "GetExecutionHistory" => match account.executions.get_mut(&arn("executionArn")) {
            Some(execution) if body["reverseOrder"] == true => newest(execution, &body),
            Some(execution) => oldest(execution, &body),
            None => absent("ExecutionDoesNotExist"),
        },
        _ => return None,
    })
}

/// A page of the oldest events first; at first the last ones may be missing.
fn oldest(execution: &mut Execution, body: &Value) -> Response {
    let from: usize = body["nextToken"].as_str().map_or(0, |token| token.parse().unwrap());
    let mut known = execution.events.len();
    if execution.render.history_lag > 0 {
        execution.render.history_lag -= 1;
        known -= 3;
    }
    let to = (from + PAGE).min(known);
    let mut page = json!({"events": &execution.events[from.min(to)..to]});
    if to < known {
        page["nextToken"] = to.to_string().into();
    }
    ok(&page)
}

/// The newest events first. A running execution has as many as polls have found it running.
fn newest(execution: &Execution, body: &Value) -> Response {
    let polls = execution.render.polls as usize + 1;
    let done = polls - (execution.polls_left as usize).min(polls);
    let known = execution.events.len() * done / polls;
    let to: usize = body["nextToken"].as_str().map_or(known, |token| token.parse().unwrap());
    let from = to.saturating_sub(body["maxResults"].as_u64().unwrap_or(100) as usize);
    let events: Vec<&Value> = execution.events[from..to].iter().rev().collect();
    let mut page = json!({"events": events});
    if from > 0 {
        page["nextToken"] = from.to_string().into();
    }
    ok(&page)
}

fn start(account: &mut Account, request: &Request, body: &Value) -> Response {
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let (name, machine) = (text("name"), text("stateMachineArn"));
    if !account.machines.contains_key(&machine) {
        return Response::error(request, 400, "StateMachineDoesNotExist");
    }
    let arn = execution_arn(&machine, &name);
    let input: Value = serde_json::from_str(&text("input")).expect("the input is JSON");
    // The same start succeeds again, as long as the execution runs.
    if account.executions.get(&arn).is_some_and(|e| !e.is_running() || e.input != input) {
        return Response::error(request, 400, "ExecutionAlreadyExists");
    }
    if !account.executions.contains_key(&arn) {
        let nth = account.executions.len() + 1;
        let render = account.renders.of(&input, nth).clone();
        let of_v1 = account.renders.v1.clone().filter(|_| input["PlanProtocol"] == "v1");
        let video = of_v1.unwrap_or_else(|| render.video.clone());
        if render.end == End::Succeeds {
            let uri = input["OutputS3Uri"].as_str().unwrap_or_default().trim_start_matches("s3://");
            let (bucket, key) = uri.split_once('/').expect("the output has a bucket");
            let bucket = account.buckets.get_mut(bucket).expect("the output's bucket is there");
            bucket.put(key, "null", &video);
        }
        let events = render.history(&input);
        let polls_left = render.polls;
        let execution = Execution { nth, name, input, machine, events, render, polls_left, stopped: false };
        account.executions.insert(arn.clone(), execution);
    }
    ok(&json!({"executionArn": arn, "startDate": STARTED}))
}

fn describe(execution: &mut Execution) -> Response {
    let status = execution.status();
    execution.polls_left = execution.polls_left.saturating_sub(1);
    let mut answer = json!({
        "executionArn": execution_arn(&execution.machine, &execution.name), "stateMachineArn": execution.machine, "name": execution.name,
        "status": status, "startDate": STARTED, "input": execution.input.to_string(),
    });
    if status != "RUNNING" {
        answer["stopDate"] = execution.render.ended.into();
    }
    if let End::Fails(error, message) = execution.render.end {
        (answer["error"], answer["cause"]) = (error.into(), message.into());
    }
    ok(&answer)
}

fn execution_arn(machine: &str, name: &str) -> String {
    format!("{}:{name}", machine.replace(":stateMachine:", ":execution:"))
}

fn ok(body: &Value) -> Response {
    Response::ok(body.to_string())
}
