//! A fake AWS on 127.0.0.1: S3, Step Functions, STS and some calls of Lambda,
//! Logs and CloudFormation, as far as the tool uses them. What it holds can be inspected, and any
//! call can be made to fail.

mod account;
mod executions;
mod faults;
mod http;
pub(crate) mod identities;
mod render;
mod s3;
mod stacks;
mod theirs;

use std::{
    io::BufReader,
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::json;

pub(crate) use account::{ACCOUNT, Account, NOW_MS, Rival};
pub(crate) use faults::Fault;
use faults::Faults;
use http::{Request, Response};
pub(crate) use render::{End, Render};
pub(crate) use theirs::Thing;

/// The running fake; it serves until the test process ends.
pub(crate) struct FakeAws {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    account: Mutex<Account>,
    faults: Faults,
    changes: Mutex<Vec<Change>>,
    calls: Mutex<Vec<String>>,
}

/// What someone else does right before a call of an operation, when it was called so many times.
type Change = (&'static str, usize, Box<dyn FnOnce(&mut Account) + Send>);

impl FakeAws {
    /// A fake whose stacks are the files in `stacks`.
    pub(crate) fn start(stacks: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let account = Mutex::new(Account::new(stacks.to_owned()));
        let shared =
            Arc::new(Shared { account, faults: Faults::default(), changes: Mutex::default(), calls: Mutex::default() });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { endpoint, shared }
    }

    /// The account, as it is now.
    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        let mut account = self.shared.account.lock().unwrap();
        account.follow_stacks();
        account
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Someone else changes the account right before a call of `operation`, counted from 1.
    pub(crate) fn before(
        &self,
        operation: &'static str,
        call: usize,
        change: impl FnOnce(&mut Account) + Send + 'static,
    ) {
        let called = self.calls().iter().filter(|called| *called == operation).count();
        self.shared.changes.lock().unwrap().push((operation, called + call, Box::new(change)));
    }

    /// Whether all those changes were made.
    pub(crate) fn is_changed(&self) -> bool {
        self.shared.changes.lock().unwrap().is_empty()
    }

    /// From now on nobody changes anything. Whether all changes were made.
    pub(crate) fn forget_changes(&self) -> bool {
        std::mem::take(&mut *self.shared.changes.lock().unwrap()).is_empty()
    }

    /// The operations that were called, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Waits until an operation has been called.
    pub(crate) fn wait_for(&self, operation: &str) {
        for _ in 0..1000 {
            if self.calls().iter().any(|call| call == operation) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{operation} was not called within 10 s");
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = Request::read(&mut reader) {
            let operation = request.operation().to_owned();
            let fault = self.faults.next(&operation);
            self.calls.lock().unwrap().push(operation.clone());
            self.change(&operation);
            let answer = match fault {
                Some(Fault::Error(status, code)) => Response::error(&request, status, code),
                Some(Fault::EveryKey(code)) => s3::every_key_refused(&request, code),
                _ => self.answer(&request),
            };
            let keep = match fault {
                Some(Fault::Reset) => None,
                Some(Fault::Truncate) => Some(answer.body.len() / 2),
                Some(Fault::Signal(signal)) => {
                    self.faults.send(signal);
                    Some(usize::MAX)
                }
                _ => Some(usize::MAX),
            };
            let written = keep.is_some_and(|keep| answer.write(&mut stream, keep).is_ok());
            if !written || keep != Some(usize::MAX) {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn change(&self, operation: &str) {
        let called = self.calls.lock().unwrap().iter().filter(|called| *called == operation).count();
        let mut changes = self.changes.lock().unwrap();
        while let Some(due) = changes.iter().position(|(at, call, _)| *at == operation && *call == called) {
            let mut account = self.account.lock().unwrap();
            account.follow_stacks();
            (changes.remove(due).2)(&mut account);
            account.follow_stacks();
        }
    }

    fn answer(&self, request: &Request) -> Response {
        let mut account = self.account.lock().unwrap();
        account.follow_stacks();
        account.signed_by.extend(request.key_id().map(str::to_owned));
        let answer = executions::answer(&mut account, request)
            .or_else(|| stacks::answer(&mut account, request))
            .or_else(|| identities::answer(request))
            .or_else(|| configuration(&mut account, request))
            .or_else(|| reads(&account, request))
            .or_else(|| delete_log_group(&mut account, request))
            .or_else(|| s3::answer(&mut account, request));
        answer.unwrap_or_else(|| panic!("the fake AWS does not know {} {}", request.method, request.path))
    }
}

/// STS, and the single reads of Lambda and Logs.
fn reads(account: &Account, request: &Request) -> Option<Response> {
    match request.operation() {
        "GetCallerIdentity" => Some(Response::ok(format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/tester</Arn>\
             <UserId>U</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        ))),
        "GetAccountSettings" => {
            let limit = json!({"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": account.unreserved});
            Some(Response::ok(json!({"AccountLimit": limit}).to_string()))
        }
        "FilterLogEvents" => {
            let input = request.json();
            let group = input["logGroupName"].as_str().unwrap_or_default();
            if account.function_log.is_empty() || !account.log_groups.contains_key(group) {
                return Some(Response::error(request, 400, "ResourceNotFoundException"));
            }
            // A page without a match comes first, as the service may send one.
            if input.get("nextToken").is_none() {
                return Some(Response::ok(json!({"events": [], "nextToken": "more"}).to_string()));
            }
            let at = input["endTime"].as_i64().unwrap_or_default();
            let event =
                |(stream, text): &(&str, String)| json!({"logStreamName": stream, "timestamp": at, "message": text});
            let events: Vec<_> = account.function_log.iter().map(event).collect();
            Some(Response::ok(json!({"events": events}).to_string()))
        }
        "DescribeLogGroups" => {
            let input = request.json();
            let prefix = input["logGroupNamePrefix"].as_str().unwrap_or_default();
            // A page without a match comes first, as the service may send one.
            if input.get("nextToken").is_none() {
                return Some(Response::ok(json!({"logGroups": [], "nextToken": "more"}).to_string()));
            }
            let found = account.log_groups.iter().filter(|(name, _)| name.starts_with(prefix));
            let group = |(name, created): (&String, &i64)| json!({"logGroupName": name, "creationTime": created});
            let groups: Vec<_> = found.map(group).collect();
            Some(Response::ok(json!({"logGroups": groups}).to_string()))
        }
        _ => None,
    }
}

/// A function's configuration. An update has ended when it is asked for the second time.
fn configuration(account: &mut Account, request: &Request) -> Option<Response> {
    let is_update = request.operation() == "UpdateFunctionConfiguration";
    if !is_update && request.operation() != "GetFunctionConfiguration" {
        return None;
    }
    let name = request.path.split('/').nth(3).unwrap_or_default();
    if !account.functions.contains(name) {
        return Some(Response::error(request, 404, "ResourceNotFoundException"));
    }
    if is_update {
        account.updates.push((name.to_owned(), request.json()));
        account.is_updating = true;
    }
    let mut shown = json!({"FunctionName": name, "MemorySize": 10240, "Timeout": 900});
    shown["Environment"] = match account.hides_variables {
        true => json!({"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt"}}),
        false => json!({"Variables": {"OWN": "a value that nobody may see"}}),
    };
    let updates = account.updates.iter().filter(|(function, _)| function == name);
    for (field, value) in updates.flat_map(|(_, update)| update.as_object().into_iter().flatten()) {
        shown[field] = value.clone();
    }
    shown["LastUpdateStatus"] = if account.is_updating { "InProgress" } else { "Successful" }.into();
    account.is_updating = is_update;
    Some(Response::ok(shown.to_string()))
}

fn delete_log_group(account: &mut Account, request: &Request) -> Option<Response> {
    (request.operation() == "DeleteLogGroup").then(|| {
        let name = request.json()["logGroupName"].as_str().unwrap_or_default().to_owned();
        match account.log_groups.remove(&name) {
            Some(_) => Response::empty(200),
            None => Response::error(request, 400, "ResourceNotFoundException"),
        }
    })
}
