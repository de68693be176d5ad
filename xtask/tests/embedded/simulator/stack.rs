//! CloudFormation as it is on AWS: it takes its time, fails to delete, and rolls back.

use std::time::{Duration, Instant, SystemTime};

use aws_smithy_types::{DateTime, date_time::Format};

use super::mix::Event;

/// The run's only stack.
pub(crate) struct Stack {
    event: Event,
    takes: Duration,
    executed: Option<Instant>,
    deleted: Option<Instant>,
    deletion_failed: bool,
    /// What was last reported of it.
    known: String,
}

/// Why the stack of [`Event::RollsBack`] can't be created: what a user must be shown.
pub(crate) const REASON: &str = "The maximum number of functions was reached for this account";

/// Why the first deletion of [`Event::DeletionFails`] fails.
pub(crate) const STUCK: &str = "The following resource(s) failed to delete: [RenderBucket]. ";

impl Stack {
    pub(crate) fn new(event: Event, takes: Duration) -> Self {
        Self { event, takes, executed: None, deleted: None, deletion_failed: false, known: String::new() }
    }

    /// The answer to a call that the emulator does not get to see.
    pub(crate) fn answer_itself(&mut self, operation: &str) -> Option<String> {
        match operation {
            "DeleteStack" if self.event == Event::DeletionFails && !self.deletion_failed => {
                self.deletion_failed = true;
                Some(result("DeleteStack", ""))
            }
            "DescribeStackEvents" if self.rolled_back() => Some(result("DescribeStackEvents", &rollback_events())),
            _ => None,
        }
    }

    /// What is answered instead of the emulator's answer.
    pub(crate) fn instead(&mut self, operation: &str, reported: String) -> String {
        let at_work = |since: Option<Instant>| since.is_some_and(|since| since.elapsed() < self.takes);
        match operation {
            "ExecuteChangeSet" => self.executed = Some(Instant::now()),
            "DeleteStack" => {
                self.deletion_failed = false;
                self.event = if self.event == Event::DeletionFails { Event::Nothing } else { self.event };
                self.deleted = Some(Instant::now());
            }
            "DescribeStacks" => {
                let there = reported.contains("<StackStatus>");
                if there {
                    self.known.clone_from(&reported);
                }
                return match () {
                    () if self.deletion_failed && there => with_status(&reported, "DELETE_FAILED", Some(STUCK)),
                    () if self.rolled_back() && there => {
                        let status = if at_work(self.executed) { "ROLLBACK_IN_PROGRESS" } else { "ROLLBACK_COMPLETE" };
                        with_status(&reported, status, None)
                    }
                    () if at_work(self.deleted) && !self.known.is_empty() => {
                        with_status(&self.known, "DELETE_IN_PROGRESS", None)
                    }
                    () if at_work(self.executed) && self.deleted.is_none() => created_later(&reported),
                    () => reported,
                };
            }
            "DescribeStackEvents" if self.deleted.is_none() => return self.events_in_time(&reported),
            _ => {}
        }
        reported
    }

    /// Whether this was shown, so that a run can't have missed it.
    pub(crate) fn was_executed(&self) -> bool {
        self.executed.is_some()
    }

    /// Resources are complete when the stack is, and not before.
    fn events_in_time(&self, reported: &str) -> String {
        let Some(executed) = self.executed.filter(|_| self.takes > Duration::ZERO) else { return reported.to_owned() };
        let done = SystemTime::now() - executed.elapsed() + self.takes;
        let over = executed.elapsed() >= self.takes;
        let mut parts = reported.split("<member>");
        let mut all = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // What follows the last event stays.
            let (event, rest) = part.split_once("</member>").unwrap_or((part, ""));
            if !event.contains("_COMPLETE") {
                all.push_str(&format!("<member>{event}</member>"));
            } else if over {
                all.push_str(&format!("<member>{}</member>", with_text(event, "Timestamp", &time(done))));
            }
            all.push_str(rest);
        }
        all
    }

    fn rolled_back(&self) -> bool {
        self.event == Event::RollsBack && self.executed.is_some() && self.deleted.is_none()
    }
}

fn created_later(reported: &str) -> String {
    reported.replace("CREATE_COMPLETE", "CREATE_IN_PROGRESS")
}

fn with_status(reported: &str, status: &str, reason: Option<&str>) -> String {
    let reported = with_text(reported, "StackStatus", status);
    let Some(why) = reason else { return reported };
    reported.replacen("</StackStatus>", &format!("</StackStatus><StackStatusReason>{why}</StackStatusReason>"), 1)
}

/// The first element of this name with another text.
fn with_text(xml: &str, name: &str, text: &str) -> String {
    let Some((before, rest)) = xml.split_once(&format!("<{name}>")) else { return xml.to_owned() };
    let after = rest.split_once(&format!("</{name}>")).map_or("", |(_, after)| after);
    format!("{before}<{name}>{text}</{name}>{after}")
}

fn time(at: SystemTime) -> String {
    DateTime::from(at).fmt(Format::DateTime).unwrap()
}

fn result(operation: &str, content: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><{operation}Result>{content}\
         </{operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{operation}Response>"
    )
}

/// The newest first: what failed is buried under what that stopped.
fn rollback_events() -> String {
    let stack = "AWS::CloudFormation::Stack";
    let events = [
        ("simulated", stack, "ROLLBACK_COMPLETE", ""),
        ("RenderBucket", "AWS::S3::Bucket", "DELETE_COMPLETE", ""),
        (
            "simulated",
            stack,
            "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: [RenderBucket, RenderFunction]. Rollback requested by user.",
        ),
        ("RenderBucket", "AWS::S3::Bucket", "CREATE_FAILED", "Resource creation cancelled"),
        ("RenderFunction", "AWS::Lambda::Function", "CREATE_FAILED", REASON),
        ("RenderFunction", "AWS::Lambda::Function", "CREATE_IN_PROGRESS", ""),
        ("simulated", stack, "CREATE_IN_PROGRESS", "User Initiated"),
    ];
    let members: String = events
        .iter()
        .enumerate()
        .map(|(age, (id, kind, status, reason))| {
            let at = SystemTime::now() + Duration::from_secs(10) - Duration::from_millis(age as u64 * 100);
            let reason = if reason.is_empty() {
                String::new()
            } else {
                format!("<ResourceStatusReason>{reason}</ResourceStatusReason>")
            };
            // By this sam distinguishes the stack's events from its resources'.
            let physical = if *kind == stack { "arn:simulated" } else { id };
            format!(
                "<member><EventId>{age}</EventId><StackId>arn:simulated</StackId><StackName>simulated</StackName>\
                 <LogicalResourceId>{id}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
                 <ResourceType>{kind}</ResourceType><Timestamp>{}</Timestamp><ResourceStatus>{status}</ResourceStatus>\
                 {reason}</member>",
                time(at)
            )
        })
        .collect();
    format!("<StackEvents>{members}</StackEvents>")
}
