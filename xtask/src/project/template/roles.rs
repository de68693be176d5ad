//! The roles that a stack creates, and the permissions boundary that each must have.

use std::str::FromStr;

use anyhow::{bail, ensure};

use crate::project::{
    names::name_as_text,
    template::{
        Template,
        expression::Values,
        parameters::Assignment,
        yaml::{At, Node},
    },
};

/// The ARN of a managed policy that limits what a role can do, whatever its own policies allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionsBoundary(String);

name_as_text!(PermissionsBoundary);

impl FromStr for PermissionsBoundary {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let is_account = |id: &str| id == "aws" || (id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()));
        let is_arn = matches!(parts.as_slice(), ["arn", partition, "iam", "", account, policy]
            if partition.starts_with("aws") && is_account(account)
                && policy.strip_prefix("policy/").is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace)));
        ensure!(is_arn, "{text:?} is not the ARN of a managed policy, such as arn:aws:iam::111122223333:policy/NAME");
        Ok(Self(text.to_owned()))
    }
}

/// A resource that is a role, or for which SAM creates one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    logical_id: String,
    boundary: Option<Node>,
    condition: Option<String>,
    line: usize,
}

/// The resources with a role, in the template's order.
pub(crate) fn roles(root: &At<'_>) -> anyhow::Result<Vec<Role>> {
    let globals = |kind: &str| root.find("Globals").and_then(|at| at.find(kind));
    let role = |(logical_id, at): (&str, At<'_>)| {
        let properties = at.find("Properties");
        let own = |key: &str| properties.as_ref().and_then(|all| all.find(key));
        let general = match at.node.get("Type").and_then(Node::literal)? {
            "AWS::IAM::Role" => None,
            kind @ ("AWS::Serverless::Function" | "AWS::Serverless::StateMachine") => {
                let general = globals(kind.rsplit("::").next().unwrap_or_default());
                // Then it uses a role that exists, or that is another resource.
                if own("Role").or_else(|| general.as_ref()?.find("Role")).is_some() {
                    return None;
                }
                general
            }
            _ => return None,
        };
        let boundary = own("PermissionsBoundary").or_else(|| general?.find("PermissionsBoundary"));
        Some(Role {
            logical_id: logical_id.to_owned(),
            boundary: boundary.map(|at| at.node.clone()),
            condition: at.find("Condition").and_then(|at| at.node.literal().map(str::to_owned)),
            line: at.node.line,
        })
    };
    Ok(root.get("Resources")?.entries()?.into_iter().filter_map(role).collect())
}

/// What the names of parameters for a boundary have in common, in lower case.
const IN_NAMES: &str = "permissionsboundary";

impl Template {
    /// The parameter for a boundary, set to `boundary`; `None` where the template has none.
    pub(crate) fn parameter_of_boundary(&self, boundary: &PermissionsBoundary) -> Option<Assignment> {
        let name = self.parameters.names().find(|name| name.to_ascii_lowercase().contains(IN_NAMES))?;
        Some(Assignment { name: name.to_owned(), value: boundary.to_string() })
    }

    /// Requires that each role of the stack has this boundary.
    pub(crate) fn check_boundary(&self, boundary: &PermissionsBoundary, values: &Values) -> anyhow::Result<()> {
        let exists = |role: &&Role| role.condition.as_ref().and_then(|name| values.holds(name)).unwrap_or(true);
        for Role { logical_id, boundary: given, line, .. } in self.roles.iter().filter(exists) {
            let given = given.as_ref().map(|node| values.expand(node));
            let found = match given {
                Some(Some(arn)) if arn == boundary.as_str() => continue,
                Some(Some(arn)) => format!("has the boundary {arn:?}"),
                Some(None) => "has a boundary that is known only after the deployment".to_owned(),
                None => "has none".to_owned(),
            };
            bail!(
                "--permissions-boundary {boundary}: the role of Resources.{logical_id} (line {line}) {found}; add a \
                 parameter PermissionsBoundaryArn to the template, and PermissionsBoundary: !Ref \
                 PermissionsBoundaryArn to the properties of each role, and of each function and state machine without \
                 a Role"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project::repo::tool_root;

    const ARN: &str = "arn:aws:iam::111122223333:policy/limits/renders";

    fn checked(text: &str) -> Result<(), String> {
        let path = Path::new("/r/of/a/checkout/template.yaml");
        let file = |_: &Path| bail!("there is no file");
        let template = Template::parse(text, path, path.parent().unwrap(), &file).unwrap();
        let boundary = ARN.parse().unwrap();
        let defaults = template.parameters.defaults();
        let set = template.parameter_of_boundary(&boundary).into_iter();
        let values = set.fold(defaults, |values, Assignment { name, value }| values.with(&name, value));
        template.check_boundary(&boundary, &template.values(values)).map_err(|error| error.to_string())
    }

    fn read(relative: &str) -> String {
        std::fs::read_to_string(tool_root().join(relative)).unwrap()
    }

    #[test]
    fn both_roles_of_this_projects_template_get_it() {
        let own = read("examples/aws-lambda/template.yaml");
        checked(&own).unwrap();
        let boundary =
            "      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref \"AWS::NoValue\"]\n";
        assert_eq!(own.matches(boundary).count(), 2);
        for (nth, role) in ["RenderFunctionRole", "RenderStateMachineRole"].into_iter().enumerate() {
            let at = own.match_indices(boundary).nth(nth).unwrap().0;
            let without = [&own[..at], &own[at + boundary.len()..]].concat();
            let refused = checked(&without).unwrap_err();
            assert!(refused.contains(&format!("the role of Resources.{role} (line")), "{refused}");
            assert!(refused.contains("has none"), "{refused}");
        }
    }

    #[test]
    fn a_role_that_sam_creates_needs_it_too() {
        let checkout = read("xtask/tests/data/checkout/later.yaml");
        assert!(checked(&checkout).unwrap_err().contains("Resources.RenderFunction (line"), "its function has no Role");
        let globals = format!("Globals:\n  Function:\n    PermissionsBoundary: {ARN}\n");
        let bounded = checkout.replacen("Globals:\n  Function:\n", &globals, 1);
        assert_ne!(bounded, checkout);
        assert!(checked(&bounded).unwrap_err().contains("StateMachine"), "its state machine has no Role");
        let other = bounded.replace("policy/limits", "policy/other");
        assert!(checked(&other).unwrap_err().contains("has the boundary \"arn:aws:iam::111122223333:policy/other"));
    }

    #[test]
    fn only_the_arn_of_a_policy_is_one() {
        for good in [ARN, "arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws-cn:iam::111122223333:policy/x"] {
            assert_eq!(good.parse::<PermissionsBoundary>().unwrap().as_str(), good);
        }
        for wrong in
            ["", "renders", "arn:aws:iam::111122223333:role/x", "arn:aws:iam::1:policy/x", "arn:aws:s3:::x", &ARN[..33]]
        {
            assert!(wrong.parse::<PermissionsBoundary>().is_err(), "{wrong:?} was accepted");
        }
    }
}
