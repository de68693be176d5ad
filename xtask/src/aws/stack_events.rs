//! Which resources a stack failed at, and why: what its own status does not say.

use anyhow::Context;
use roxmltree::Document;

use crate::{
    aws::{
        clients::Clients,
        signed_request::{Body, Call, refusal},
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
pub async fn failed(clients: &Clients, stack: &str, doing: Doing) -> anyhow::Result<Vec<FailedResource>> {
    let what = || format!("reading the events of stack {stack}");
    let (mut newest_first, mut token) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let mut fields = vec![
            ("Action", "DescribeStackEvents".to_owned()),
            ("Version", "2010-05-15".to_owned()),
            ("StackName", stack.to_owned()),
        ];
        fields.extend(token.take().map(|token| ("NextToken", token)));
        let call = Call::post("cloudformation", Body::form(fields));
        let (status, body) = call.send(clients).await.with_context(what)?;
        if status != 200 {
            return Err(refusal(status, &body)).with_context(what);
        }
        let page = read(&body).with_context(what)?;
        newest_first.extend(page.events);
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    Ok(causes(newest_first, doing))
}

const STACK: &str = "AWS::CloudFormation::Stack";

struct Page {
    events: Vec<Event>,
    next: Option<String>,
}

#[derive(Debug, Clone)]
struct Event {
    name: String,
    kind: String,
    status: String,
    reason: String,
}

fn read(xml: &str) -> anyhow::Result<Page> {
    let document = Document::parse(xml).context("DescribeStackEvents returned no XML")?;
    let text = |of: roxmltree::Node<'_, '_>, name: &str| {
        let found = of.children().find(|n| n.tag_name().name() == name);
        found.and_then(|n| n.text()).map(str::to_owned)
    };
    let list = document.descendants().find(|n| n.tag_name().name() == "StackEvents");
    let list = list.context("DescribeStackEvents returned no events")?;
    let event = |member: roxmltree::Node<'_, '_>| {
        let field = |name| text(member, name).unwrap_or_default();
        Event {
            name: field("LogicalResourceId"),
            kind: field("ResourceType"),
            status: field("ResourceStatus"),
            reason: one_line(&excerpt(&field("ResourceStatusReason"))),
        }
    };
    let events = list.children().filter(roxmltree::Node::is_element).map(event).collect();
    Ok(Page { events, next: list.parent().and_then(|result| text(result, "NextToken")) })
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
        let page = read(ANSWER).unwrap();
        assert_eq!(page.next.as_deref(), Some("more"));
        let reported = |doing| -> Vec<String> {
            let causes = causes(page.events.clone(), doing);
            causes.into_iter().map(|cause| format!("{}: {}", cause.name, cause.reason)).collect()
        };
        assert_eq!(reported(Doing::Creation), ["Function: a < b", "Alarm: later"]);
        assert_eq!(reported(Doing::Deletion), ["Bucket: not empty"]);
        assert!(read("<html>").is_err());
    }
}
