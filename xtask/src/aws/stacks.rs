//! What CloudFormation says of a stack, and its deletion.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, bail};
use aws_sdk_sfn::primitives::{DateTime, DateTimeFormat};
use backon::BackoffBuilder;
use roxmltree::{Document, Node};
use tokio::time::Instant;

use crate::{
    aws::{
        clients::Clients,
        faults,
        resources::Resource,
        signed_request::{Call, accepted},
        stack_events::{self, Doing, FailedResource},
    },
    project::names::StackName,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN, which no later stack of the same name has.
    pub id: String,
    /// Such as CREATE_COMPLETE.
    pub status: String,
    /// When it was created, milliseconds since 1970.
    pub created_ms: Option<i64>,
    pub tags: Vec<(String, String)>,
    /// Whether it is protected from being deleted.
    pub protected: bool,
}

/// The name in a stack's ARN, `arn:aws:cloudformation:region:account:stack/NAME/ID`.
pub(crate) fn name_in(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

/// What is known of a stack by its name or its ARN (DescribeStacks). `None`
/// when there is none.
///
/// # Errors
/// When the service gives no clear answer.
pub async fn describe(clients: &Clients, stack: &str) -> anyhow::Result<Option<Stack>> {
    Ok(describe_even_deleted(clients, stack).await?.filter(|stack| stack.status != DELETED))
}

/// The status of a stack that is only a change set.
pub(crate) const IN_REVIEW: &str = "REVIEW_IN_PROGRESS";

const DELETED: &str = "DELETE_COMPLETE";

/// The same, of a deleted stack too: CloudFormation knows one by its ARN for 90 days.
///
/// # Errors
/// When the service gives no clear answer.
pub async fn describe_even_deleted(clients: &Clients, stack: &str) -> anyhow::Result<Option<Stack>> {
    let what = || format!("looking for stack {stack}");
    match Call::cloudformation("DescribeStacks", stack, &[]).send(clients).await.with_context(what)? {
        answer if is_gone(&answer) => Ok(None),
        answer => accepted(answer).and_then(|body| read(&body)).with_context(what),
    }
}

fn is_gone((status, body): &(u16, String)) -> bool {
    *status == 400 && body.contains("ValidationError") && body.contains("does not exist")
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    /// Its name in the template.
    pub logical_id: String,
    /// Such as `AWS::S3::Bucket`.
    pub kind: String,
    /// Its name or ARN.
    pub physical_id: String,
    /// Such as CREATE_COMPLETE.
    pub status: String,
}

/// The resources of a stack and of the stacks nested in it, by its ARN; also those that a deleted stack had. Its own come
/// first.
///
/// # Errors
/// When the service gives no clear answer.
pub async fn resources(clients: &Clients, stack: &Stack) -> anyhow::Result<Vec<StackResource>> {
    let (mut all, mut seen, mut stacks) = (Vec::new(), BTreeSet::new(), vec![stack.id.clone()]);
    while let Some(id) = stacks.pop() {
        if seen.insert(id.clone()) {
            let found = resources_of(clients, &id).await?;
            let nested = found.iter().filter(|found| Resource::Stack.has_type(&found.kind));
            stacks.extend(nested.map(|found| found.physical_id.clone()));
            all.extend(found);
        }
    }
    Ok(all)
}

/// The resources of one stack (DescribeStackResources).
async fn resources_of(clients: &Clients, stack: &str) -> anyhow::Result<Vec<StackResource>> {
    let what = || format!("listing the resources of stack {stack}");
    match Call::cloudformation("DescribeStackResources", stack, &[]).send(clients).await.with_context(what)? {
        answer if is_gone(&answer) => Ok(Vec::new()),
        answer => accepted(answer).and_then(|body| read_resources(&body)).with_context(what),
    }
}

const DELETE_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Deletes a stack (DeleteStack) and waits until it is gone.
///
/// # Errors
/// When the deletion is refused or fails.
pub async fn delete(clients: &Clients, stack: &Stack) -> anyhow::Result<()> {
    let answer = Call::cloudformation("DeleteStack", &stack.id, &[]).send(clients).await?;
    accepted(answer).with_context(|| format!("deleting stack {}", stack.id))?;
    let deadline = Instant::now() + DELETE_LIMIT;
    for pause in faults::polling().build() {
        match describe(clients, &stack.id).await? {
            None => break,
            Some(stack) if stack.status == "DELETE_FAILED" => {
                let failed = stack_events::failed(clients, &stack.id, Doing::Deletion).await.unwrap_or_default();
                let reported = |cause: &FailedResource| format!("; {} ({}): {}", cause.name, cause.kind, cause.reason);
                let causes: String = failed.iter().map(reported).collect();
                bail!("stack {} could not be deleted{causes}", stack.id)
            }
            Some(_) if Instant::now() > deadline => bail!("stack {} is still being deleted", stack.id),
            Some(_) => tokio::time::sleep(pause).await,
        }
    }
    Ok(())
}

/// Reads DescribeStacks' answer.
fn read(xml: &str) -> anyhow::Result<Option<Stack>> {
    let document = Document::parse(xml).context("DescribeStacks returned no XML")?;
    let stacks = document.descendants().find(|n| n.has_tag_name_of("Stacks"));
    let stacks = stacks.context("DescribeStacks returned no list of stacks")?;
    let Some(stack) = stacks.member() else { return Ok(None) };
    let text = |name| stack.text_of(name).with_context(|| format!("DescribeStacks returned no {name}"));
    Ok(Some(Stack {
        id: text("StackId")?,
        status: text("StackStatus")?,
        created_ms: stack.text_of("CreationTime").and_then(|time| millis(&time)),
        tags: pairs(stack, "Tags", "Key", "Value").collect(),
        protected: stack.text_of("EnableTerminationProtection").as_deref() == Some("true"),
    }))
}

/// The members of a list in `node`, as keys and values.
pub(crate) fn pairs<'a>(
    node: Node<'a, 'a>,
    list: &'static str,
    key: &'static str,
    value: &'static str,
) -> impl Iterator<Item = (String, String)> {
    let members = node.child(list).into_iter().flat_map(|n| n.children());
    members.filter_map(move |n| Some((n.text_of(key)?, n.text_of(value)?)))
}

fn millis(time: &str) -> Option<i64> {
    DateTime::from_str(time, DateTimeFormat::DateTimeWithOffset).ok()?.to_millis().ok()
}

fn read_resources(xml: &str) -> anyhow::Result<Vec<StackResource>> {
    let document = Document::parse(xml).context("DescribeStackResources returned no XML")?;
    let list = document.descendants().find(|n| n.has_tag_name_of("StackResources"));
    let list = list.context("DescribeStackResources returned no list")?;
    let resources = list.children().filter_map(|member| {
        Some(StackResource {
            logical_id: member.text_of("LogicalResourceId")?,
            kind: member.text_of("ResourceType")?,
            // Empty as long as the resource does not exist.
            physical_id: member.text_of("PhysicalResourceId").filter(|id| !id.is_empty())?,
            status: member.text_of("ResourceStatus")?,
        })
    });
    Ok(resources.collect())
}

/// Elements by their local names: the namespace is always the service's.
pub(crate) trait ByName<'a> {
    fn has_tag_name_of(&self, name: &str) -> bool;
    fn child(&self, name: &str) -> Option<Node<'a, 'a>>;
    fn member(&self) -> Option<Node<'a, 'a>>;
    fn text_of(&self, name: &str) -> Option<String>;
}

impl<'a> ByName<'a> for Node<'a, 'a> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }

    fn child(&self, name: &str) -> Option<Node<'a, 'a>> {
        self.children().find(|n| n.has_tag_name_of(name))
    }

    fn member(&self) -> Option<Node<'a, 'a>> {
        self.child("member")
    }

    fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).map(|n| n.text().unwrap_or_default().to_owned())
    }
}

impl Stack {
    /// Its name, which is in its ARN.
    pub fn name(&self) -> &str {
        name_in(&self.id)
    }

    /// Whether it is only a change set that was never executed: it holds nothing.
    pub fn in_review(&self) -> bool {
        self.status == IN_REVIEW
    }

    /// The stack, or an error that says what to do where it is protected.
    ///
    /// # Errors
    /// When it has termination protection.
    pub fn deletable(&self, name: &StackName) -> anyhow::Result<()> {
        if self.protected {
            bail!(
                "stack {name} has termination protection, so nothing was changed; turn the protection off and run this again"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"<?xml version="1.0"?><DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
      <DescribeStacksResult><Stacks><member><StackName>s</StackName><StackId>arn:s/1</StackId><StackStatus>CREATE_COMPLETE</StackStatus>
      <CreationTime>1970-01-01T00:00:01.500Z</CreationTime><EnableTerminationProtection>true</EnableTerminationProtection>
      <Tags><member><Key>HyperframesSmokeRun</Key><Value>0123456789ab</Value></member><member><Key>x &amp; y</Key><Value/></member></Tags>
      </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"#;

    #[test]
    fn reads_a_stack() {
        let stack = read(ANSWER).unwrap().unwrap();
        assert_eq!((stack.id.as_str(), stack.status.as_str(), stack.protected), ("arn:s/1", "CREATE_COMPLETE", true));
        assert_eq!(stack.created_ms, Some(1500));
        assert_eq!(stack.tags[0], ("HyperframesSmokeRun".to_owned(), "0123456789ab".to_owned()));
        assert_eq!(stack.tags[1], ("x & y".to_owned(), String::new()));
        assert!(stack.deletable(&"s".parse().unwrap()).is_err());
    }

    #[test]
    fn reads_the_resources_that_are_there() {
        let resource = |id: &str, status: &str| {
            format!(
                "<member><LogicalResourceId>B</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType>\
                 <ResourceStatus>{status}</ResourceStatus></member>"
            )
        };
        let members = resource("b", "CREATE_COMPLETE") + &resource("", "CREATE_FAILED");
        let answer = format!("<R xmlns='u'><StackResources>{members}</StackResources></R>");
        let read = read_resources(&answer).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].physical_id.as_str(), read[0].status.as_str()), ("b", "CREATE_COMPLETE"));
        assert!(read_resources("<html/>").is_err());
    }

    #[test]
    fn an_answer_without_stacks_is_none() {
        assert_eq!(read("<a><Stacks/></a>").unwrap(), None);
        assert!(read("<html>").is_err());
        assert!(read("<html/>").is_err(), "an answer without a list names no stack");
    }
}
