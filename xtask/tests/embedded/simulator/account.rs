//! What an account shows late: new executions, buckets that were made or deleted a moment ago.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::service::Refusal;
use crate::proxy::http::Request;

/// DescribeExecution is eventually consistent.
const UNKNOWN: Duration = Duration::from_secs(2);

/// A list of buckets may lack a new one, and still have a deleted one.
const LISTED_LATE: Duration = Duration::from_secs(2);

/// What happened when.
#[derive(Default)]
pub(crate) struct Account {
    started: HashMap<String, Instant>,
    created: HashMap<String, Instant>,
    deleted: HashMap<String, Instant>,
    conflicts: usize,
}

impl Account {
    /// What is refused because the account does not know of it yet.
    pub(crate) fn refuses(&mut self, operation: &str, request: &Request) -> Option<Refusal> {
        match operation {
            "DescribeExecution" | "GetExecutionHistory" => {
                let input: Value = serde_json::from_slice(&request.body).ok()?;
                let started = self.started.get(input["executionArn"].as_str()?)?;
                (started.elapsed() < UNKNOWN).then_some(Refusal::NoExecution)
            }
            "PutBucketTagging" | "PutPublicAccessBlock" if self.conflicts < 2 => {
                self.conflicts += 1;
                Some(Refusal::Conflict)
            }
            _ => None,
        }
    }

    /// Hears of an answer, and gives what is answered instead.
    pub(crate) fn instead(&mut self, operation: &str, request: &Request, reported: String) -> String {
        let (_, target) = request.method_and_target();
        let bucket = || target.trim_matches('/').split(['/', '?']).next().unwrap_or_default().to_owned();
        match operation {
            "StartExecution" => {
                let answer: Value = serde_json::from_str(&reported).unwrap_or_default();
                if let Some(arn) = answer["executionArn"].as_str() {
                    self.started.entry(arn.to_owned()).or_insert_with(Instant::now);
                }
            }
            "CreateBucket" => drop(self.created.insert(bucket(), Instant::now())),
            "DeleteBucket" => drop(self.deleted.insert(bucket(), Instant::now())),
            "ListBuckets" => return self.listed(reported),
            _ => {}
        }
        reported
    }

    fn listed(&self, reported: String) -> String {
        let lately = |of: &HashMap<String, Instant>| -> Vec<String> {
            of.iter().filter(|(_, at)| at.elapsed() < LISTED_LATE).map(|(name, _)| name.clone()).collect()
        };
        let mut reported = reported;
        for name in lately(&self.created) {
            let Some(at) = reported.find(&format!("<Name>{name}</Name>")) else { continue };
            let (Some(from), Some(to)) = (reported[..at].rfind("<Bucket>"), reported[at..].find("</Bucket>")) else {
                continue;
            };
            reported.replace_range(from..at + to + "</Bucket>".len(), "");
        }
        for name in lately(&self.deleted) {
            let listed = format!(
                "<Buckets><Bucket><Name>{name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
            );
            reported = reported.replacen("<Buckets/>", "<Buckets></Buckets>", 1).replacen("<Buckets>", &listed, 1);
        }
        reported
    }
}
