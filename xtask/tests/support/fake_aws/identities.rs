//! Where keys come from: roles, containers, instances.

use serde_json::json;

use super::http::{Request, Response};

/// What keys are good for long after the test.
const EXPIRES: &str = "2099-01-01T00:00:00Z";

/// A secret that a source of keys gives away; it must not be seen anywhere.
pub(crate) const SECRET: &str = "secret-of-a-source";

pub(super) fn answer(request: &Request) -> Option<Response> {
    Some(match request.operation() {
        "AssumeRole" if request.field("RoleArn").ends_with("/wants-mfa") => Response::coded(
            403,
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/tester is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::123456789012:role/wants-mfa",
        ),
        "AssumeRole" => assumed("AssumeRole", "ASIAROLE"),
        "AssumeRoleWithWebIdentity" => assumed("AssumeRoleWithWebIdentity", "ASIAWEB"),
        "ContainerCredentials" => keys("ASIACONTAINER"),
        "InstanceToken" => Response::ok("token-of-the-instance"),
        "InstanceRole" => Response::ok("role"),
        "InstanceCredentials" => keys("ASIAINSTANCE"),
        _ => return None,
    })
}

fn assumed(action: &str, id: &str) -> Response {
    Response::ok(format!(
        "<{action}Response><{action}Result><AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/role/s</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>session</SessionToken>\
         <Expiration>{EXPIRES}</Expiration></Credentials></{action}Result></{action}Response>"
    ))
}

fn keys(id: &str) -> Response {
    let keys = json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
        "AccessKeyId": id, "SecretAccessKey": SECRET, "Token": "session", "Expiration": EXPIRES,
    });
    Response::ok(keys.to_string())
}
