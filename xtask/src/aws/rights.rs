//! Which permissions the credentials have: by calls that only read, about missing resources, and by IAM's own
//! simulation of policies. Nothing is created or changed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, stream};
use roxmltree::Document;

use crate::{
    aws::{
        buckets,
        clients::Clients,
        faults::{Fault, Refused},
        holder::Holder,
        policy::permissions,
        signed_request::{Body, Call, accepted, refusal},
        stacks::ByName,
    },
    context::Connection,
};

/// What a service answered to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    /// It is not; with what was answered.
    Denied(String),
    /// The answer does not say; with what was answered.
    Unclear(String),
}

/// A call that only reads, about a missing resource.
struct Probe {
    action: &'static str,
    asks: Asks,
}

enum Asks {
    /// A GET of a path of Lambda's.
    Path(&'static str),
    /// The query protocol, with its version and fields.
    Form(&'static str, &'static [(&'static str, &'static str)]),
    /// The JSON protocol: the target, and the input.
    Json(&'static str, &'static str),
}

use Asks::{Form, Json, Path};

const fn probe(action: &'static str, asks: Asks) -> Probe {
    Probe { action, asks }
}

const OF_STACKS: &str = "2010-05-15";
const OF_ROLES: &str = "2010-05-08";

/// The permissions to read that a run needs, as far as a call about a missing resource shows them. `{name}` stands for
/// a name that a run could have, and `{arn}` for the beginning of an ARN of the service.
const PROBES: [Probe; 27] = [
    probe("sts:GetCallerIdentity", Form("2011-06-15", &[])),
    probe("cloudformation:DescribeStacks", Form(OF_STACKS, STACK)),
    probe("cloudformation:DescribeStackResources", Form(OF_STACKS, STACK)),
    probe("cloudformation:ListStackResources", Form(OF_STACKS, STACK)),
    probe("cloudformation:DescribeStackEvents", Form(OF_STACKS, STACK)),
    probe("cloudformation:ListChangeSets", Form(OF_STACKS, STACK)),
    probe("cloudformation:DescribeChangeSet", Form(OF_STACKS, &[("StackName", "{name}"), ("ChangeSetName", "c")])),
    probe("cloudformation:GetTemplateSummary", Form(OF_STACKS, &[("TemplateBody", "{\"Resources\":{}}")])),
    probe("states:DescribeStateMachine", Json("AWSStepFunctions.DescribeStateMachine", MACHINE)),
    probe("states:ListExecutions", Json("AWSStepFunctions.ListExecutions", MACHINE)),
    probe("states:DescribeExecution", Json("AWSStepFunctions.DescribeExecution", EXECUTION)),
    probe("states:GetExecutionHistory", Json("AWSStepFunctions.GetExecutionHistory", EXECUTION)),
    probe("lambda:GetAccountSettings", Path("/2016-08-19/account-settings/")),
    probe("lambda:GetFunction", Path("/2015-03-31/functions/{name}")),
    probe("lambda:GetFunctionConfiguration", Path("/2015-03-31/functions/{name}/configuration")),
    probe("lambda:GetFunctionCodeSigningConfig", Path("/2020-06-30/functions/{name}/code-signing-config")),
    probe("lambda:GetFunctionRecursionConfig", Path("/2024-08-31/functions/{name}/recursion-config")),
    probe("lambda:GetRuntimeManagementConfig", Path("/2021-07-20/functions/{name}/runtime-management-config")),
    probe("iam:GetRole", Form(OF_ROLES, &[("RoleName", "{name}")])),
    probe("iam:GetRolePolicy", Form(OF_ROLES, &[("RoleName", "{name}"), ("PolicyName", "p")])),
    probe("iam:ListRolePolicies", Form(OF_ROLES, &[("RoleName", "{name}")])),
    probe("iam:ListAttachedRolePolicies", Form(OF_ROLES, &[("RoleName", "{name}")])),
    probe(
        "logs:DescribeLogGroups",
        Json("Logs_20140328.DescribeLogGroups", r#"{"logGroupNamePrefix": "/aws/lambda/{name}"}"#),
    ),
    probe("logs:FilterLogEvents", Json("Logs_20140328.FilterLogEvents", r#"{"logGroupName": "/aws/lambda/{name}"}"#)),
    probe(
        "logs:ListTagsForResource",
        Json("Logs_20140328.ListTagsForResource", r#"{"resourceArn": "{arn}log-group:/aws/lambda/{name}"}"#),
    ),
    probe("logs:DescribeResourcePolicies", Json("Logs_20140328.DescribeResourcePolicies", "{}")),
    probe("cloudwatch:DescribeAlarms", Form("2010-08-01", &[("AlarmNamePrefix", "{name}")])),
];

/// A name as runs choose them, of no stack that there is.
const NAME: &str = "hyperframes-lambda-smoke-0-000000";

const STACK: &[(&str, &str)] = &[("StackName", "{name}")];
const MACHINE: &str = r#"{"stateMachineArn": "{arn}stateMachine:{name}"}"#;
const EXECUTION: &str = r#"{"executionArn": "{arn}execution:{name}:e"}"#;

/// How many permissions only a run tries: all but those of the calls, of which one lists the buckets.
pub(crate) fn untried() -> usize {
    permissions().map(|right| right.action).collect::<BTreeSet<_>>().len() - PROBES.len() - 1
}

/// How many calls are made at the same time: so few that no service throttles them.
const AT_ONCE: usize = 4;

/// The permissions to read, each with the result of its call.
///
/// # Errors
/// When nobody answers.
pub async fn called(connection: &Connection) -> anyhow::Result<BTreeMap<&'static str, Answer>> {
    let (clients, holder) = (&connection.clients, holder(connection));
    let probed = stream::iter(&PROBES).map(|probe| async {
        let answer = probe.ask(clients, &holder).await.with_context(|| format!("trying {}", probe.action))?;
        anyhow::Ok((probe.action, answer))
    });
    let mut answers = BTreeMap::new();
    let mut probed = probed.buffer_unordered(AT_ONCE);
    while let Some(probed) = probed.next().await {
        let (action, answer) = probed?;
        answers.insert(action, answer);
    }
    let listed = buckets::buckets_starting(clients, &[]).await;
    answers.insert("s3:ListAllMyBuckets", listed.map_or_else(|error| of_error(&error), |_| Answer::Allowed));
    Ok(answers)
}

/// Whose permissions are checked, for the names that a run could choose.
fn holder(connection: &Connection) -> Holder {
    Holder {
        account: Some(connection.account.clone()),
        region: connection.access.region.clone(),
        stack: None,
        boundary: None,
    }
}

impl Probe {
    async fn ask(&self, clients: &Clients, holder: &Holder) -> anyhow::Result<Answer> {
        let (service, operation) = self.action.split_once(':').unwrap_or_default();
        let place = holder.arn(service, "");
        // CloudWatch's host has another name.
        let service = if service == "cloudwatch" { "monitoring" } else { service };
        let fill = |text: &str| text.replace("{arn}", &place).replace("{name}", NAME);
        let path = if let Path(path) = &self.asks { fill(path) } else { "/".to_owned() };
        let (method, body) = match &self.asks {
            Path(_) => ("GET", Body::None),
            Form(version, fields) => {
                let named = [("Action", operation.to_owned()), ("Version", (*version).to_owned())];
                ("POST", Body::form(named.into_iter().chain(fields.iter().map(|(name, value)| (*name, fill(value))))))
            }
            Json(target, input) => ("POST", Body::Json { target, input: serde_json::from_str(&fill(input))? }),
        };
        let (status, body) = Call { service, method, path: &path, body }.send(clients).await?;
        Ok(if status < 300 { Answer::Allowed } else { of_error(&refusal(status, &body).into()) })
    }
}

/// Services check permissions first: a caller that is answered that there is no such thing has the permission.
fn of_error(error: &anyhow::Error) -> Answer {
    let reported = format!("{error:#}");
    match Refused::behind(error).map(|refused| refused.fault) {
        Some(Fault::Denied) => Answer::Denied(reported),
        Some(Fault::Absent) => Answer::Allowed,
        Some(Fault::Other) if ABSENT.iter().any(|code| reported.contains(code)) => Answer::Allowed,
        _ => Answer::Unclear(reported),
    }
}

/// What services answer about something that is not there, where the code alone does not say it.
const ABSENT: [&str; 5] = ["ValidationError", "DoesNotExist", "NotFound", "NoSuchEntity", "ResourceNotFound"];

/// What IAM simulates at once at most.
const MOST_SIMULATED: &str = "1000";

/// All permissions that a run needs, each with whether the policies of the credentials allow it, by IAM's
/// SimulatePrincipalPolicy. The root user has no policies to simulate.
///
/// # Errors
/// When the simulation is not allowed, or there are no policies to simulate, as for the root user.
pub async fn simulated(connection: &Connection) -> anyhow::Result<BTreeMap<&'static str, Answer>> {
    let (clients, holder) = (&connection.clients, holder(connection));
    let source = principal(&connection.arn)?;
    let mut scopes = BTreeMap::<_, Vec<&'static str>>::new();
    permissions().for_each(|right| scopes.entry(right.scope).or_default().push(right.action));
    let mut answers = BTreeMap::new();
    for (scope, actions) in scopes {
        let fields = [
            ("Action".to_owned(), "SimulatePrincipalPolicy".to_owned()),
            ("Version".to_owned(), OF_ROLES.to_owned()),
            ("PolicySourceArn".to_owned(), source.clone()),
            ("ResourceArns.member.1".to_owned(), holder.example(scope)),
            ("MaxItems".to_owned(), MOST_SIMULATED.to_owned()),
        ];
        let named =
            (1..).zip(&actions).map(|(nth, action)| (format!("ActionNames.member.{nth}"), (*action).to_owned()));
        let body = Body::form(fields.into_iter().chain(named));
        let body = accepted(Call::post("iam", body).send(clients).await?)?;
        let decided = decisions(&body)?;
        for action in actions {
            let decision = decided.get(action).with_context(|| format!("IAM did not decide about {action}"))?;
            let allowed = if decision == "allowed" { Answer::Allowed } else { Answer::Denied(decision.clone()) };
            // A permission with two scopes is missing where one of them lacks it.
            answers.entry(action).and_modify(|known| *known = worse(known, &allowed)).or_insert(allowed);
        }
    }
    Ok(answers)
}

fn worse(one: &Answer, other: &Answer) -> Answer {
    if *one == Answer::Allowed { other.clone() } else { one.clone() }
}

/// The decision about each action.
fn decisions(xml: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let document = Document::parse(xml).context("SimulatePrincipalPolicy returned no XML")?;
    let members = document.descendants().filter(|node| node.text_of("EvalDecision").is_some());
    Ok(members.filter_map(|node| Some((node.text_of("EvalActionName")?, node.text_of("EvalDecision")?))).collect())
}

/// Whose policies are simulated: a user, or the role of a session.
fn principal(arn: &str) -> anyhow::Result<String> {
    let Some((before, session)) = arn.split_once(":assumed-role/") else {
        ensure!(arn.contains(":user/"), "{arn} has no policies that IAM simulates");
        return Ok(arn.to_owned());
    };
    // The path of a role is not in the ARN of its session; only those of single sign-on always have one.
    let role = session.split('/').next().unwrap_or_default();
    ensure!(!role.starts_with("AWSReservedSSO_"), "{arn} is a single sign-on role, whose path is not known");
    Ok(format!("{}:role/{role}", before.replace(":sts:", ":iam:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_to_read_is_tried() {
        let reads = ["Get", "List", "Describe", "BatchGet", "Filter"];
        let is_read = |action: &str| reads.iter().any(|verb| action.split_once(':').unwrap().1.starts_with(verb));
        let tried = |action: &str| PROBES.iter().any(|probe| probe.action == action) || action == "s3:ListAllMyBuckets";
        let mut untried: Vec<&str> =
            permissions().map(|right| right.action).filter(|name| is_read(name) && !tried(name)).collect();
        untried.sort_unstable();
        untried.dedup();
        // A bucket that is not there is reported as such to anyone; the others need an id, or are for images alone.
        insta::assert_snapshot!(untried.join("\n"), @r"
        cloudwatch:ListTagsForResource
        ecr:BatchGetImage
        ecr:GetDownloadUrlForLayer
        ecr:GetRepositoryPolicy
        lambda:ListTags
        logs:GetDataProtectionPolicy
        logs:GetLogDelivery
        logs:ListLogDeliveries
        s3:GetBucketLocation
        s3:GetBucketTagging
        s3:GetObject
        s3:ListBucket
        s3:ListBucketMultipartUploads
        s3:ListBucketVersions
        states:ListTagsForResource
        ");
        for probe in &PROBES {
            assert!(permissions().any(|right| right.action == probe.action), "a run does not need {}", probe.action);
        }
    }

    #[test]
    fn an_answer_says_whether_the_right_is_there() {
        let of = |status, code| of_error(&Refused::new(status, Some(code), Some("m")).into());
        for absent in ["NoSuchEntity", "ResourceNotFoundException", "StateMachineDoesNotExist", "ExecutionDoesNotExist"]
        {
            assert_eq!(of(400, absent), Answer::Allowed, "{absent}");
        }
        assert_eq!(of(400, "ValidationError"), Answer::Allowed);
        assert!(matches!(of(403, "AccessDenied"), Answer::Denied(_)));
        assert!(matches!(of(400, "AccessDeniedException"), Answer::Denied(_)));
        assert!(matches!(of(400, "InvalidAction"), Answer::Unclear(_)));
    }

    #[test]
    fn a_session_has_the_policies_of_its_role() {
        let of = |arn: &str| principal(arn).map_err(|error| error.to_string());
        assert_eq!(of("arn:aws:iam::1:user/a/b").unwrap(), "arn:aws:iam::1:user/a/b");
        assert_eq!(of("arn:aws-cn:sts::1:assumed-role/gate/me").unwrap(), "arn:aws-cn:iam::1:role/gate");
        assert!(of("arn:aws:iam::1:root").unwrap_err().contains("no policies"));
        assert!(of("arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_0/me").unwrap_err().contains("single sign-on"));
    }
}
