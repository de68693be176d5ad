//! Which resources a stack failed at, and why: what its own status does not say.

use anyhow::Context;
use roxmltree::{Document, Node};

use crate::{
    aws::{
        clients::Clients,
        signed_request::{Call, accepted},
        stacks::ByName,
    },
    console::text::{excerpt, one_line},
};

/// A resource that CloudFormation could not create or delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedResource {
    pub name: String,
    /// Such as `AWS::Lambda::Function`.
    pub kind: String,
    /// What the service behind it said.
    pub reason: String,
}

/// What CloudFormation was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Creation,
    Update,
    Deletion,
}

/// Pages of 100 events that are read at most: a stack of this tool's has half of one.
const MOST_PAGES: usize = 5;

/// The resources that a stack failed at, the first one first (DescribeStackEvents).
///
/// # Errors
/// When the events can't be read.
pub async fn failed(clients: &Clients, stack: &str, doing: Doing) -> anyhow::Result<Vec<FailedResource>> {
    let what = || format!("reading the events of stack {stack}");
    let (mut newest_first, mut token) = (Vec::new(), String::new());
    for _ in 0..MOST_PAGES {
        let call = Call::cloudformation("DescribeStackEvents", stack, &[("NextToken", &token)]);
        let body = call.send(clients).await.and_then(accepted).with_context(what)?;
        let (events, next) = read(&body).with_context(what)?;
        newest_first.extend(events);
        match next {
            Some(next) => token = next,
            None => break,
        }
    }
    Ok(causes(newest_first, doing))
}

const STACK: &str = "AWS::CloudFormation::Stack";

#[derive(Debug, Clone)]
struct Event {
    name: String,
    kind: String,
    status: String,
    reason: String,
}

/// The events of a page, and the token of the next one.
fn read(xml: &str) -> anyhow::Result<(Vec<Event>, Option<String>)> {
    let document = Document::parse(xml).context("DescribeStackEvents returned no XML")?;
    let list = document.descendants().find(|n| n.has_tag_name_of("StackEvents"));
    let list = list.context("DescribeStackEvents returned no events")?;
    let event = |member: Node<'_, '_>| {
        let field = |name| member.text_of(name).unwrap_or_default();
        Event {
            name: field("LogicalResourceId"),
            kind: field("ResourceType"),
            status: field("ResourceStatus"),
            reason: one_line(&excerpt(&field("ResourceStatusReason"))),
        }
    };
    let events = list.children().filter(Node::is_element).map(event).collect();
    Ok((events, list.parent().and_then(|result| result.text_of("NextToken")).filter(|token| !token.is_empty())))
}

/// What failed by itself. What was stopped because of that, and the stack, which says
/// their names once more, are its consequences.
fn causes(newest_first: Vec<Event>, doing: Doing) -> Vec<FailedResource> {
    let failed = match doing {
        Doing::Creation => "CREATE_FAILED",
        Doing::Update => "UPDATE_FAILED",
        Doing::Deletion => "DELETE_FAILED",
    };
    // A stack that is updated more than once has the events of all its updates.
    let begins = |event: &Event| event.kind == STACK && event.status == "UPDATE_IN_PROGRESS";
    let newest_first = newest_first.into_iter().take_while(|event| doing != Doing::Update || !begins(event));
    let by_itself = |event: &Event| {
        event.status == failed
            && event.kind != STACK
            && !event.reason.is_empty()
            && !event.reason.ends_with("cancelled")
    };
    let mut causes: Vec<FailedResource> = Vec::new();
    for event in newest_first.collect::<Vec<_>>().into_iter().rev().filter(by_itself) {
        let cause = FailedResource { name: event.name, kind: event.kind, reason: event.reason };
        // A deletion that is tried again fails again.
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"<DescribeStackEventsResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
      <DescribeStackEventsResult><StackEvents>
      <member><LogicalResourceId>s</LogicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType><ResourceStatus>ROLLBACK_COMPLETE</ResourceStatus></member>
      <member><LogicalResourceId>Bucket</LogicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType><ResourceStatus>DELETE_FAILED</ResourceStatus><ResourceStatusReason>not empty</ResourceStatusReason></member>
      <member><LogicalResourceId>s</LogicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>[Function, Bucket]</ResourceStatusReason></member>
      <member><LogicalResourceId>Bucket</LogicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>Resource creation cancelled</ResourceStatusReason></member>
      <member><LogicalResourceId>Alarm</LogicalResourceId><ResourceType>AWS::CloudWatch::Alarm</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>later</ResourceStatusReason></member>
      <member><LogicalResourceId>Function</LogicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>a &lt; b</ResourceStatusReason></member>
      </StackEvents><NextToken>more</NextToken></DescribeStackEventsResult></DescribeStackEventsResponse>"#;

    #[test]
    fn the_cause_is_what_failed_by_itself_first() {
        let (events, next) = read(ANSWER).unwrap();
        assert_eq!(next.as_deref(), Some("more"));
        let reported = |doing| -> Vec<String> {
            let causes = causes(events.clone(), doing);
            causes.into_iter().map(|cause| format!("{}: {}", cause.name, cause.reason)).collect()
        };
        assert_eq!(reported(Doing::Creation), ["Function: a < b", "Alarm: later"]);
        assert_eq!(reported(Doing::Deletion), ["Bucket: not empty"]);
        assert!(read("<html>").is_err());
    }
}
