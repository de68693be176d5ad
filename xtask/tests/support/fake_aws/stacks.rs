//! What the fake CloudFormation says of the stacks that the fake sam makes.

use super::{
    account::{ACCOUNT, Account, ChangeSet, IN_REVIEW, Stack, second_function},
    http::{Request, Response},
};

pub(super) fn answer(account: &mut Account, request: &Request) -> Option<Response> {
    let operation = request.operation();
    match operation {
        "DescribeStacks" | "DescribeStackResources" | "DeleteStack" => {}
        "CreateChangeSet" | "DescribeChangeSet" | "ListChangeSets" | "DeleteChangeSet" => {
            return Some(change_sets(account, request));
        }
        "DescribeStackEvents" => return Some(Response::ok(events(account))),
        _ => return None,
    }
    let asked = request.field("StackName");
    let Some((name, stack)) = account.stack(&asked) else {
        let message = format!("Stack with id {asked} does not exist");
        return Some(Response::coded(400, "ValidationError", &message));
    };
    Some(match operation {
        "DeleteStack" => {
            if stack.status != DELETED {
                account.delete_stack(&name);
            }
            Response::ok("<DeleteStackResponse/>".to_owned())
        }
        "DescribeStackResources" => Response::ok(resources(account, &name, &stack)),
        _ => Response::ok(described(&name, &stack)),
    })
}

fn change_sets(account: &mut Account, request: &Request) -> Response {
    let (asked, name) = (request.field("StackName"), request.field("ChangeSetName"));
    let stack = account.stack(&asked).filter(|(_, stack)| stack.status != DELETED);
    let is_of_stack = |set: &&ChangeSet| stack.as_ref().is_some_and(|(_, stack)| set.stack == stack.id);
    let id_of = |set: &ChangeSet| format!("arn:aws:cloudformation:us-east-1:{ACCOUNT}:changeSet/{}/1", set.name);
    let is_asked = |set: &&ChangeSet| is_of_stack(set) && (set.name == name || id_of(set) == name);
    let found = account.change_sets.iter().position(|set| is_asked(&set));
    match (request.operation(), found) {
        ("CreateChangeSet", Some(_)) => Response::coded(400, "AlreadyExistsException", "said the fake AWS"),
        ("CreateChangeSet", None) if stack.as_ref().is_some_and(|(_, stack)| stack.status != IN_REVIEW) => {
            let message =
                format!("Stack [{asked}] already exists and cannot be created again with the changeSet [{name}].");
            Response::coded(400, "ValidationError", &message)
        }
        ("CreateChangeSet", None) => {
            assert_eq!(request.field("Tags.member.1.Key"), "HyperframesSmokeRun");
            account.add_change_set(&asked, &name, &request.field("Tags.member.1.Value"));
            Response::ok("<CreateChangeSetResponse/>")
        }
        ("ListChangeSets", _) => {
            let ids = account.change_sets.iter().filter(is_of_stack).map(id_of);
            let members: String = ids.map(|id| format!("<member><ChangeSetId>{id}</ChangeSetId></member>")).collect();
            Response::ok(format!(
                "<R><ListChangeSetsResult><Summaries>{members}</Summaries></ListChangeSetsResult></R>"
            ))
        }
        (_, None) => Response::coded(404, "ChangeSetNotFound", "said the fake AWS"),
        ("DeleteChangeSet", Some(nth)) => {
            account.change_sets.remove(nth);
            Response::ok("<DeleteChangeSetResponse/>")
        }
        (_, Some(nth)) => {
            let set = &account.change_sets[nth];
            let tags = match set.run.as_str() {
                "" => String::new(),
                run => format!("<member><Key>HyperframesSmokeRun</Key><Value>{run}</Value></member>"),
            };
            Response::ok(format!(
                "<R><DescribeChangeSetResult><ChangeSetId>{}</ChangeSetId><StackId>{}</StackId>\
                 <CreationTime>{nth:03}</CreationTime><Tags>{tags}</Tags></DescribeChangeSetResult></R>",
                id_of(set),
                set.stack
            ))
        }
    }
}

const DELETED: &str = "DELETE_COMPLETE";

const FUNCTION: &str = "AWS::Lambda::Function";

/// What a template makes that retains its bucket.
fn resources(account: &Account, name: &str, stack: &Stack) -> String {
    let is_deleted = stack.status == DELETED;
    let status = |kind: &str, id: &String| match kind {
        _ if stack.taken.contains(id) && !is_deleted && !account.rolls_back => "CREATE_FAILED",
        _ if stack.taken.contains(id) => DELETED,
        "AWS::S3::Bucket" if is_deleted => "DELETE_SKIPPED",
        _ if is_deleted => DELETED,
        _ => "CREATE_COMPLETE",
    };
    let own = stack.ids().into_iter().map(|(kind, id)| [kind.to_owned(), id.clone(), status(kind, &id).to_owned()]);
    let is_listed = |[kind, id, _]: &[String; 3]| {
        let is_late = account.bucket_comes_late && kind == "AWS::S3::Bucket";
        !is_late && !account.unlisted.contains(id)
    };
    let second =
        [FUNCTION.to_owned(), second_function(name), if is_deleted { DELETED } else { "CREATE_COMPLETE" }.to_owned()];
    let second = Some(second).filter(|_| account.has_second_function && !stack.project.is_empty());
    let resources: Vec<[String; 3]> = own.filter(is_listed).chain(second).chain(stack.listed.clone()).collect();
    let member = |[kind, id, status]: &[String; 3]| {
        let logical_id = if *id == second_function(name) { "ChunkFunction" } else { logical_id(kind) };
        format!(
            "<member><LogicalResourceId>{logical_id}</LogicalResourceId>\
             <PhysicalResourceId>{id}</PhysicalResourceId><ResourceType>{kind}</ResourceType>\
             <ResourceStatus>{status}</ResourceStatus></member>"
        )
    };
    let members: String = resources.iter().map(member).collect();
    format!(
        "<DescribeStackResourcesResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStackResourcesResult><StackResources>{members}</StackResources></DescribeStackResourcesResult>\
         </DescribeStackResourcesResponse>"
    )
}

/// What a template calls the resource of a kind.
fn logical_id(kind: &str) -> &'static str {
    match kind {
        "AWS::S3::Bucket" => "RenderBucket",
        FUNCTION => "RenderFunction",
        "AWS::StepFunctions::StateMachine" => "RenderStateMachine",
        _ => "Another",
    }
}

fn described(name: &str, stack: &Stack) -> String {
    let pair = |key: &str, value: &str, names: (&str, &str)| {
        format!("<member><{0}>{key}</{0}><{1}>{value}</{1}></member>", names.0, names.1)
    };
    let tags = match stack.run.as_str() {
        "" => String::new(),
        run => pair("HyperframesSmokeRun", run, ("Key", "Value")),
    };
    let project = &stack.project;
    let [bucket, function, machine] = &stack.outputs;
    let or = |named: &String, own: String| if named.is_empty() { own } else { named.clone() };
    let outputs: String = match project.is_empty() {
        true => String::new(),
        false => [
            ("RenderBucketName", or(bucket, format!("{project}-{ACCOUNT}"))),
            (
                "RenderFunctionArn",
                or(function, format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{project}-render")),
            ),
            (
                "RenderStateMachineArn",
                or(machine, format!("arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{project}-render")),
            ),
        ]
        .iter()
        .map(|(key, value)| pair(key, value, ("OutputKey", "OutputValue")))
        .collect(),
    };
    let status = if stack.status.is_empty() { "CREATE_COMPLETE" } else { &stack.status };
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks>\
         <member><StackName>{name}</StackName><StackId>{}</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
         <StackStatus>{status}</StackStatus><EnableTerminationProtection>{}</EnableTerminationProtection>\
         <Outputs>{outputs}</Outputs><Tags>{tags}</Tags></member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        stack.id, stack.protected
    )
}

fn events(account: &Account) -> String {
    let event = |[name, status, reason]: &[&str; 3]| {
        format!(
            "<member><LogicalResourceId>{name}</LogicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType>\
             <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    };
    let events: String = account.stack_failures.iter().map(event).collect();
    format!(
        "<DescribeStackEventsResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStackEventsResult><StackEvents>{events}</StackEvents></DescribeStackEventsResult>\
         </DescribeStackEventsResponse>"
    )
}
