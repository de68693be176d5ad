//! CloudFormation's expressions, as far as they can be evaluated before a deployment.

use std::collections::BTreeMap;

use crate::project::template::yaml::{Node, Value};

/// How deep conditions refer to each other at most.
const MOST_NESTED: usize = 32;

/// The values of parameters and pseudo parameters, and the conditions that depend on them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    named: BTreeMap<String, String>,
    conditions: Vec<(String, Node)>,
}

impl Values {
    /// These values and one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.named.insert(name.to_owned(), value.into());
        self
    }

    /// These values with the conditions of a template.
    #[must_use]
    pub(crate) fn with_conditions(mut self, conditions: &[(String, Node)]) -> Self {
        self.conditions = conditions.to_vec();
        self
    }

    /// Whether a condition of the template holds; `None` if that is known only after the deployment.
    pub(crate) fn holds(&self, condition: &str) -> Option<bool> {
        self.is_true(&self.conditions.iter().find(|(name, _)| name == condition)?.1, MOST_NESTED)
    }

    /// `depth` limits conditions that refer to themselves.
    fn is_true(&self, node: &Node, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        let all = || node.elements().iter().map(|node| self.is_true(node, depth)).collect::<Option<Vec<bool>>>();
        match (node.function.as_deref()?, &node.value) {
            ("Equals", Value::List(sides)) => {
                let [a, b] = sides.as_slice() else { return None };
                Some(self.expand(a)? == self.expand(b)?)
            }
            ("Not", Value::List(_)) => all()?.first().map(|one| !one),
            ("And", Value::List(_)) => Some(!all()?.contains(&false)),
            ("Or", Value::List(_)) => Some(all()?.contains(&true)),
            ("Condition", Value::Scalar(name)) => {
                self.is_true(&self.conditions.iter().find(|(known, _)| known == name)?.1, depth)
            }
            _ => None,
        }
    }

    /// The branch of an `If` that its condition selects, or the node itself if it is no `If`, or one that is not known.
    pub(crate) fn chosen<'a>(&self, node: &'a Node) -> &'a Node {
        let [condition, then, otherwise] = node.elements() else { return node };
        let condition = condition.literal().filter(|_| node.function.as_deref() == Some("If"));
        match condition.and_then(|name| self.holds(name)) {
            Some(true) => self.chosen(then),
            Some(false) => self.chosen(otherwise),
            None => node,
        }
    }

    /// The value of an expression; `None` if it is known only after the deployment.
    pub(crate) fn expand(&self, node: &Node) -> Option<String> {
        let node = self.chosen(node);
        match (node.function.as_deref(), &node.value) {
            (None, Value::Scalar(text)) => Some(text.clone()),
            (Some("Ref"), Value::Scalar(name)) => self.named.get(name).cloned(),
            (Some("Sub"), Value::Scalar(text)) => self.fill(text),
            (Some("Sub"), Value::List(arguments)) => {
                let [text, own] = arguments.as_slice() else { return None };
                let with_own = |all: Option<Self>, (name, node): &(String, Node)| {
                    all.and_then(|all| Some(all.with(name, self.expand(node)?)))
                };
                own.entries().iter().fold(Some(self.clone()), with_own)?.fill(text.literal()?)
            }
            (Some("Join"), Value::List(arguments)) => {
                let [separator, parts] = arguments.as_slice() else { return None };
                let parts: Option<Vec<String>> = parts.elements().iter().map(|part| self.expand(part)).collect();
                Some(parts?.join(separator.literal()?))
            }
            _ => None,
        }
    }

    /// The text of a `Sub` with each `${name}` replaced; `${!name}` is a literal `${name}`.
    fn fill(&self, text: &str) -> Option<String> {
        let mut parts = text.split("${");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}')?;
            match name.strip_prefix('!') {
                Some(literal) => filled.push_str(&format!("${{{literal}}}")),
                None => filled.push_str(self.named.get(name.trim())?),
            }
            filled.push_str(rest);
        }
        Some(filled)
    }
}

/// The resource that an expression refers to: `!Ref X`, `!GetAtt X.Arn`, `!Sub "${X.Arn}"`.
pub(crate) fn resource(node: &Node) -> Option<&str> {
    let whole = match (node.function.as_deref()?, &node.value) {
        ("Ref" | "GetAtt", Value::Scalar(text)) => text.as_str(),
        ("GetAtt", Value::List(parts)) => parts.first()?.literal()?,
        ("Sub", Value::Scalar(text)) => {
            text.strip_prefix("${")?.strip_suffix('}').filter(|inner| !inner.contains('}'))?
        }
        _ => return None,
    };
    whole.split('.').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        Node::parse(&format!("x: {text}")).unwrap().get("x").unwrap().clone()
    }

    #[test]
    fn names_are_expanded() {
        let values = Values::default().with("ProjectName", "p-1").with("AWS::AccountId", "123456789012");
        for (text, expanded) in [
            ("plain", Some("plain")),
            ("!Ref ProjectName", Some("p-1")),
            (r#"!Sub "${ProjectName}-render""#, Some("p-1-render")),
            (r#"!Sub "/aws/${!x}/${ AWS::AccountId }""#, Some("/aws/${x}/123456789012")),
            (r#"!Sub ["${a}-${ProjectName}", {a: !Ref AWS::AccountId}]"#, Some("123456789012-p-1")),
            (r#"!Join ["-", [!Ref ProjectName, render]]"#, Some("p-1-render")),
            (r#"{"Fn::Join": ["", ["/aws/lambda/", {"Ref": "ProjectName"}]]}"#, Some("/aws/lambda/p-1")),
            ("!Ref RenderBucket", None),
            (r#"!Sub "${RenderBucket}-x""#, None),
            (r#"!Sub "${open""#, None),
            ("!GetAtt F.Arn", None),
            ("!Select [0, [a]]", None),
            ("[a]", None),
        ] {
            assert_eq!(values.expand(&node(text)).as_deref(), expanded, "{text}");
        }
    }

    #[test]
    fn conditions_are_evaluated() {
        let text = "A: !Equals [!Ref P, '']\nB: !Not [{Condition: A}]\nC: !And [{Condition: A}, {Condition: B}]\n\
                    D: !Or [{Condition: A}, {Condition: B}]\nE: {Condition: E}\nF: !Equals [!Ref Q, x]\n";
        let conditions = Node::parse(text).unwrap();
        let values = Values::default().with("P", "image").with_conditions(conditions.entries());
        let holds = ["A", "B", "C", "D", "E", "F", "G"].map(|name| values.holds(name));
        assert_eq!(holds, [Some(false), Some(true), Some(false), Some(true), None, None, None]);
        for (text, chosen) in
            [("!If [A, x, y]", Some("y")), ("!If [A, x, !If [B, z, y]]", Some("z")), ("!If [F, x, y]", None)]
        {
            assert_eq!(values.expand(&node(text)).as_deref(), chosen, "{text}");
        }
    }

    #[test]
    fn references_are_resolved_to_their_resource() {
        for text in ["!Ref F", "!GetAtt F.Arn", "!GetAtt [F, Arn]", r#"!Sub "${F.Arn}""#, "{Fn::GetAtt: [F, Arn]}"] {
            assert_eq!(resource(&node(text)), Some("F"), "{text}");
        }
        assert_eq!((resource(&node("F")), resource(&node(r#"!Sub "a-${F}""#))), (None, None));
    }
}
