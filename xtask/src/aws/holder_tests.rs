use super::*;
use crate::project::names::{ProjectName, RunId};

fn holder(region: &str, stack: Option<&str>) -> Holder {
    Holder {
        account: Some("123456789012".into()),
        region: region.parse().unwrap(),
        stack: stack.map(|name| name.parse().unwrap()),
        boundary: None,
    }
}

fn resources(holder: &Holder, sid: &str) -> Vec<String> {
    let policy = policy(holder);
    let statement = policy["Statement"].as_array().unwrap().iter().find(|s| s["Sid"] == sid).unwrap().clone();
    serde_json::from_value(statement["Resource"].clone()).unwrap()
}

/// Whether IAM's wildcards match.
fn covers(patterns: &[String], arn: &str) -> bool {
    fn matches(pattern: &str, text: &str) -> bool {
        match pattern.split_once('*') {
            None => pattern == text,
            Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
                (0..=text.len()).any(|skipped| text.is_char_boundary(skipped) && matches(rest, &text[skipped..]))
            }),
        }
    }
    patterns.iter().any(|pattern| matches(pattern, arn))
}

#[test]
fn the_whole_policy() {
    insta::assert_json_snapshot!(policy(&holder("us-east-1", None)));
}

#[test]
fn names_of_any_run_are_covered_and_others_are_not() {
    let run: RunId = "0123456789ab".parse().unwrap();
    for (given, command) in
        [(None, "lambda-smoke"), (None, "lambda-eval"), (Some("My-Very-Own-Stack-With-A-Name-That-Is-Long-Enough"), "")]
    {
        let stack =
            given.map_or_else(|| StackName::for_run(command, 1_700_000_000, &run), |name| name.parse().unwrap());
        let project = ProjectName::new(&stack, &run);
        let holder = holder("eu-west-1", given);
        let of = |sid: &str| resources(&holder, sid);
        assert!(covers(&of("RenderBuckets"), &format!("arn:aws:s3:::{project}-123456789012")), "{project}");
        // As CloudFormation names one for a template that does not.
        let made_up = format!("{}-renderbucket-1abc", stack.as_str().to_ascii_lowercase());
        assert!(covers(&of("RenderBuckets"), &format!("arn:aws:s3:::{made_up}")), "{made_up}");
        let group = format!("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/states/{project}-render:*");
        assert!(covers(&of("LogGroups"), &group), "{group}");
        let function = format!("arn:aws:lambda:eu-west-1:123456789012:function:{project}-render");
        assert!(covers(&of("Functions"), &function), "{function}");
        // As CloudFormation names one, and Lambda its log group.
        let kept: String = stack.as_str().chars().take(24).collect();
        let function = format!("{kept}-ChunkFunction-A1b2C3d4E5f6");
        assert!(
            covers(&of("Functions"), &format!("arn:aws:lambda:eu-west-1:123456789012:function:{function}")),
            "{function}"
        );
        let group = format!("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/{function}:*");
        assert!(covers(&of("LogGroups"), &group), "{group}");
        let role = format!("arn:aws:iam::123456789012:role/{stack}-RenderFunctionRole-X");
        assert!(covers(&of("Roles"), &role), "{role}");
        let stack = format!("arn:aws:cloudformation:eu-west-1:123456789012:stack/{stack}/x");
        assert!(covers(&of("Stacks"), &stack), "{stack}");
        assert!(!covers(&of("RenderBuckets"), "arn:aws:s3:::production-123456789012"));
        assert!(!covers(&of("Functions"), "arn:aws:lambda:eu-west-1:123456789012:function:hyperframes-render"));
    }
}

#[test]
fn other_partitions_have_other_arns() {
    assert!(resources(&holder("cn-north-1", None), "Machines")[0].starts_with("arn:aws-cn:states:cn-north-1:"));
    assert_eq!(
        resources(&holder("us-gov-west-1", None), "ArtifactBuckets"),
        ["arn:aws-us-gov:s3:::hyperframes-smoke-*"]
    );
}

#[test]
fn nothing_may_be_done_to_anything_but_looked_at() {
    let looks = ["Get", "List", "Describe"];
    // Log delivery has no resource of its own.
    let delivery =
        ["logs:CreateLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:PutResourcePolicy"];
    for right in permissions().filter(|right| right.scope == Scope::Anything) {
        let name = right.action.split_once(':').unwrap().1;
        assert!(
            looks.iter().any(|look| name.starts_with(look)) || delivery.contains(&right.action),
            "{}",
            right.action
        );
    }
}

#[test]
fn with_a_boundary_no_role_gets_rights_without_it() {
    let boundary = "arn:aws:iam::123456789012:policy/limits";
    let bounded = Holder { boundary: Some(boundary.parse().unwrap()), ..holder("us-east-1", None) };
    let policy = policy(&bounded);
    let statements = policy["Statement"].as_array().unwrap();
    let of = |sid: &str| statements.iter().find(|s| s["Sid"] == sid).unwrap();
    insta::assert_json_snapshot!(of("BoundedRoles"), @r#"
    {
      "Sid": "BoundedRoles",
      "Effect": "Allow",
      "Action": [
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:PutRolePolicy"
      ],
      "Resource": [
        "arn:aws:iam::123456789012:role/hyperframes-lambda-smoke*",
        "arn:aws:iam::123456789012:role/hyperframes-lambda-eval-*"
      ],
      "Condition": {
        "StringEquals": {
          "iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/limits"
        }
      }
    }
    "#);
    let unbounded: Vec<String> = serde_json::from_value(of("Roles")["Action"].clone()).unwrap();
    let widening = ["Attach", "Create", "Put", "Update", "Add"];
    for action in &unbounded {
        let name = action.split_once(':').unwrap().1;
        assert!(!widening.iter().any(|verb| name.starts_with(verb)), "{action}");
        assert!(!name.contains("Boundary"), "{action} could take it away");
    }
    assert!(policy.to_string().len() <= 6144);
}

#[test]
fn it_fits_into_one_managed_policy() {
    // 6,144 characters without white space: IAM and STS quotas.
    assert!(policy(&holder("ap-southeast-2", None)).to_string().len() <= 6144);
}
