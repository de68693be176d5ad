//! What the fake CloudFormation says of the stacks that the fake sam makes.

use super::{
    account::{ACCOUNT, Account, Stack},
    http::{Request, Response},
};

pub(super) fn answer(account: &mut Account, request: &Request) -> Option<Response> {
    let operation = request.operation();
    match operation {
        "DescribeStacks" | "DeleteStack" => {}
        "DescribeStackEvents" => return Some(Response::ok(events(account))),
        _ => return None,
    }
    let asked = request.field("StackName");
    // By name or by ARN.
    let name = asked.rsplit(":stack/").next().unwrap_or_default().split('/').next().unwrap_or_default();
    let Some(stack) = account.stack(name) else {
        let message = format!("Stack with id {name} does not exist");
        return Some(Response::coded(400, "ValidationError", &message));
    };
    Some(if operation == "DeleteStack" {
        account.delete_stack(name);
        Response::ok("<DeleteStackResponse/>".to_owned())
    } else {
        Response::ok(described(name, &stack))
    })
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
    let outputs: String = match project.is_empty() {
        true => String::new(),
        false => [
            ("RenderBucketName", format!("{project}-{ACCOUNT}")),
            ("RenderFunctionArn", format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{project}-render")),
            ("RenderStateMachineArn", format!("arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{project}-render")),
        ]
        .iter()
        .map(|(key, value)| pair(key, value, ("OutputKey", "OutputValue")))
        .collect(),
    };
    let status = if stack.status.is_empty() { "CREATE_COMPLETE" } else { &stack.status };
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks>\
         <member><StackName>{name}</StackName><StackId>arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/{name}/1</StackId>\
         <StackStatus>{status}</StackStatus><EnableTerminationProtection>{}</EnableTerminationProtection>\
         <Outputs>{outputs}</Outputs><Tags>{tags}</Tags></member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        stack.protected
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
