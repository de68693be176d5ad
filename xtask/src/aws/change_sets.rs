//! Change sets: taking a stack's name by one, and what those of a stack in review prove.

use anyhow::Context;
use roxmltree::Document;

use crate::{
    aws::{
        clients::Clients,
        signed_request::{Call, accepted, error_in, refusal},
        stacks::{ByName, name_in, pairs},
    },
    project::names::{RunId, StackName},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    pub stack: String,
    /// When it was created, as CloudFormation writes it.
    pub created: String,
    /// The tags that its execution gives to the stack. A stack in review does not show them yet.
    pub tags: Vec<(String, String)>,
}

/// A template needs a resource. This one is nothing but an address, and it is never created.
const PLACEHOLDER: &str = r#"{"Resources":{"Placeholder":{"Type":"AWS::CloudFormation::WaitConditionHandle"}}}"#;

/// Creates a stack that holds nothing, by a change set that is not meant to be executed (CreateChangeSet).
/// The execution of another change set of this stack deletes it.
///
/// # Errors
/// When a stack of the name is there, other than one in review.
pub async fn take_name(clients: &Clients, stack: &StackName, run: &RunId) -> anyhow::Result<ChangeSet> {
    let what = || format!("creating stack {stack}");
    let name = format!("run-{run}");
    let fields = [
        ("ChangeSetName", name.as_str()),
        ("ChangeSetType", "CREATE"),
        ("ClientToken", &name),
        ("TemplateBody", PLACEHOLDER),
        ("Tags.member.1.Key", RunId::TAG),
        ("Tags.member.1.Value", run.as_str()),
    ];
    let call = Call::cloudformation("CreateChangeSet", stack.as_str(), &fields);
    let (status, body) = call.send(clients).await.with_context(what)?;
    // The answer to an earlier try may have been lost.
    if status != 200 && error_in(&body).is_none_or(|(code, _)| code != "AlreadyExistsException") {
        return Err(refusal(status, &body)).with_context(what);
    }
    let taken = describe(clients, stack.as_str(), &name).await.with_context(what)?;
    match taken {
        Some(taken) => Ok(taken),
        None => Err(refusal(status, &body)).with_context(what),
    }
}

/// The change sets of a stack in review, by its ARN, the oldest first: that one created the stack.
///
/// # Errors
/// When they can't be read.
pub async fn of_stack(clients: &Clients, stack: &str) -> anyhow::Result<Vec<ChangeSet>> {
    let what = || format!("reading the change sets of stack {stack}");
    // The embedded AWS takes no ARN here; which stack a change set is of, is read below.
    let name = name_in(stack);
    let call = Call::cloudformation("ListChangeSets", name, &[]);
    let body = call.send(clients).await.and_then(accepted).with_context(what)?;
    let mut found = Vec::new();
    for id in read_ids(&body).with_context(what)? {
        found.extend(describe(clients, name, &id).await.with_context(what)?.filter(|set| set.stack == stack));
    }
    found.sort_by(|a, b| (&a.created, &a.id).cmp(&(&b.created, &b.id)));
    Ok(found)
}

/// Deletes a change set (DeleteChangeSet).
///
/// # Errors
/// When the call is refused.
pub async fn delete(clients: &Clients, change_set: &ChangeSet) -> anyhow::Result<()> {
    let ChangeSet { id, stack, .. } = change_set;
    let call = Call::cloudformation("DeleteChangeSet", stack, &[("ChangeSetName", id)]);
    let deleted = call.send(clients).await.and_then(accepted);
    deleted.with_context(|| format!("deleting change set {id}")).map(drop)
}

/// Reads a change set by its name or its ARN (DescribeChangeSet); `None` when there is none.
async fn describe(clients: &Clients, stack: &str, change_set: &str) -> anyhow::Result<Option<ChangeSet>> {
    let call = Call::cloudformation("DescribeChangeSet", stack, &[("ChangeSetName", change_set)]);
    match call.send(clients).await? {
        (200, body) => read(&body).map(Some),
        (_, body) if error_in(&body).is_some_and(|(code, _)| code == "ChangeSetNotFound") => Ok(None),
        (status, body) => Err(refusal(status, &body).into()),
    }
}

fn read(xml: &str) -> anyhow::Result<ChangeSet> {
    let document = Document::parse(xml).context("DescribeChangeSet returned no XML")?;
    let result = document.descendants().find(|node| node.child("ChangeSetId").is_some());
    let result = result.context("DescribeChangeSet returned no change set")?;
    let text = |name| result.text_of(name).with_context(|| format!("DescribeChangeSet returned no {name}"));
    let tags = pairs(result, "Tags", "Key", "Value").collect();
    Ok(ChangeSet { id: text("ChangeSetId")?, stack: text("StackId")?, created: text("CreationTime")?, tags })
}

fn read_ids(xml: &str) -> anyhow::Result<Vec<String>> {
    let document = Document::parse(xml).context("ListChangeSets returned no XML")?;
    let list = document.descendants().find(|node| node.tag_name().name() == "Summaries");
    let list = list.context("ListChangeSets returned no list")?;
    Ok(list.children().filter_map(|member| member.text_of("ChangeSetId")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_change_set_and_a_list_of_them() {
        let answer = "<R xmlns='u'><DescribeChangeSetResult><ChangeSetId>arn:c/1</ChangeSetId><StackId>arn:s/1</StackId><CreationTime>t</CreationTime>\
                      <Tags><member><Key>k</Key><Value>v</Value></member></Tags></DescribeChangeSetResult></R>";
        let read = read(answer).unwrap();
        assert_eq!((read.id.as_str(), read.stack.as_str()), ("arn:c/1", "arn:s/1"));
        assert_eq!(read.tags, [("k".to_owned(), "v".to_owned())]);
        let list = "<R xmlns='u'><Summaries><member><ChangeSetId>a</ChangeSetId></member></Summaries></R>";
        assert_eq!(read_ids(list).unwrap(), ["a"]);
        assert!(super::read("<html/>").is_err() && read_ids("<html/>").is_err());
    }
}
