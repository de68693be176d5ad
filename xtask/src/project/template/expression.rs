//! CloudFormation's expressions, as far as they can be evaluated before a deployment.

use std::collections::BTreeMap;

use crate::project::template::yaml::{Node, Value};

/// The values of parameters and pseudo parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// These values and one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The value of an expression; `None` if it is known only after the deployment.
    pub(crate) fn expand(&self, node: &Node) -> Option<String> {
        match (node.function.as_deref(), &node.value) {
            (None, Value::Scalar(text)) => Some(text.clone()),
            (Some("Ref"), Value::Scalar(name)) => self.0.get(name).cloned(),
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
                None => filled.push_str(self.0.get(name.trim())?),
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
    fn references_are_resolved_to_their_resource() {
        for text in ["!Ref F", "!GetAtt F.Arn", "!GetAtt [F, Arn]", r#"!Sub "${F.Arn}""#, "{Fn::GetAtt: [F, Arn]}"] {
            assert_eq!(resource(&node(text)), Some("F"), "{text}");
        }
        assert_eq!((resource(&node("F")), resource(&node(r#"!Sub "a-${F}""#))), (None, None));
    }
}
