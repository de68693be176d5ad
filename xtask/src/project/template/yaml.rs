//! YAML with CloudFormation's tags, as a simple tree with line numbers.

use anyhow::{Context, anyhow, ensure};
use saphyr::{MarkedYaml, Tag, YamlData, YamlLoader};
use saphyr_parser::{Event, Parser, ScanError, SpannedEventReceiver};

/// The greatest nesting depth. Real templates have about 20 levels.
const DEEPEST: usize = 64;

/// How many values aliases may expand to: each copies all values of its anchor, and nests them further.
const MOST_BY_ALIASES: usize = 10_000;

/// A value and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The line in which it starts, from 1.
    pub line: usize,
    /// The CloudFormation function that is applied to it, such as `Sub` or `GetAtt`, whether written as
    /// `!Sub x` or `Fn::Sub: x`.
    pub function: Option<String>,
    pub value: Value,
}

/// A value without its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Text, numbers and booleans, as written; an absent value is an empty text.
    Scalar(String),
    List(Vec<Node>),
    /// A mapping, in the written order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Parses the first document of a YAML or JSON text.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let no_yaml = |error: &ScanError| anyhow!("it is not YAML: {error}");
        let mut loader = YamlLoader::<MarkedYaml<'_>>::default();
        // Unparsed: an account id is not a number, and `0755` stays as written.
        loader.early_parse(false);
        loader.alias_limit(MOST_BY_ALIASES);
        let mut depth = 0_usize;
        // Event by event: the parser's own loop is recursive, and could overflow the stack.
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| no_yaml(&error))?;
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
                Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
                _ => {}
            }
            ensure!(depth <= DEEPEST, "it is nested deeper than {DEEPEST} levels (line {})", span.start.line());
            let is_last = event == Event::DocumentEnd;
            loader.on_event(event, span);
            if let Some(error) = loader.error() {
                return Err(no_yaml(error));
            }
            if is_last {
                break;
            }
        }
        let document = loader.into_documents().into_iter().next().context("it is empty")?;
        Ok(Self::from(&document))
    }

    /// The value of a key; `None` if it is absent, or this is not a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// The entries of a mapping; empty if this is not a mapping.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// The elements of a sequence; empty if this is not a sequence.
    pub(crate) fn elements(&self) -> &[Self] {
        match &self.value {
            Value::List(elements) => elements,
            Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// The text, if it is a literal and not computed.
    pub(crate) fn literal(&self) -> Option<&str> {
        match (&self.function, &self.value) {
            (None, Value::Scalar(text)) => Some(text),
            _ => None,
        }
    }

    /// Every text in it, without keys.
    pub(crate) fn texts(&self) -> Vec<&str> {
        match &self.value {
            Value::Scalar(text) => vec![text],
            Value::List(elements) => elements.iter().flat_map(Self::texts).collect(),
            Value::Map(entries) => entries.iter().flat_map(|(_, node)| node.texts()).collect(),
        }
    }
}

impl From<&MarkedYaml<'_>> for Node {
    fn from(marked: &MarkedYaml<'_>) -> Self {
        let line = marked.span.start.line();
        let (tag, value) = match &marked.data {
            YamlData::Representation(text, _, tag) => (tag.as_deref(), Value::Scalar(text.to_string())),
            YamlData::Sequence(elements) => (None, Value::List(elements.iter().map(Self::from).collect())),
            YamlData::Mapping(entries) => {
                let entry = |(key, node): (&MarkedYaml<'_>, &MarkedYaml<'_>)| {
                    let Value::Scalar(key) = Self::from(key).value else { return None };
                    Some((key, Self::from(node)))
                };
                (None, Value::Map(merged(entries.iter().filter_map(entry).collect())))
            }
            YamlData::Tagged(tag, node) => {
                let inner = Self::from(&**node);
                return Self { line, function: function(tag).or(inner.function), value: inner.value };
            }
            YamlData::Value(_) | YamlData::Alias(_) | YamlData::BadValue => (None, Value::Scalar(String::new())),
        };
        Self { line, function: tag.and_then(function), value }.without_long_form()
    }
}

/// The entries of a mapping with those that `<<` merges into it, as sam does. Its own entries win, then earlier ones.
fn merged(entries: Vec<(String, Node)>) -> Vec<(String, Node)> {
    let (merges, mut all): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key == "<<");
    let sources = merges.iter().flat_map(|(_, node)| match &node.value {
        Value::List(several) => several.as_slice(),
        Value::Scalar(_) | Value::Map(_) => std::slice::from_ref(node),
    });
    for (key, node) in sources.flat_map(Node::entries) {
        if !all.iter().any(|(known, _)| known == key) {
            all.push((key.clone(), node.clone()));
        }
    }
    all
}

impl Node {
    /// Converts `{Ref: x}` and `{Fn::Sub: x}` to the form of `!Ref x` and `!Sub x`.
    fn without_long_form(mut self) -> Self {
        let Value::Map(entries) = &mut self.value else { return self };
        let [(key, _)] = entries.as_slice() else { return self };
        let name = match key.as_str() {
            "Ref" | "Condition" => key.clone(),
            key => match key.strip_prefix("Fn::") {
                Some(name) => name.to_owned(),
                None => return self,
            },
        };
        let (_, argument) = entries.pop().expect("it has one entry");
        Self { line: self.line, function: Some(name), value: argument.value }
    }
}

/// The function of a tag; `None` for YAML's own tags.
fn function(tag: &Tag) -> Option<String> {
    (tag.handle == "!").then(|| tag.suffix.clone())
}

/// A node with its path for messages, such as `Resources.RenderFunction.Properties`.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub node: &'a Node,
    path: String,
}

impl<'a> At<'a> {
    /// The whole document.
    pub(crate) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    /// The value of a key, if it exists.
    pub(crate) fn find(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        Some(Self { node, path: self.inner(key) })
    }

    pub(crate) fn get(&self, key: &str) -> anyhow::Result<Self> {
        self.find(key).ok_or_else(|| anyhow!("{} is missing{}", self.inner(key), self.place()))
    }

    pub(crate) fn entries(&self) -> anyhow::Result<Vec<(&'a str, Self)>> {
        let Value::Map(entries) = &self.node.value else { return Err(self.fault("is not a mapping")) };
        Ok(entries.iter().map(|(key, node)| (key.as_str(), Self { node, path: self.inner(key) })).collect())
    }

    pub(crate) fn literal(&self) -> anyhow::Result<&'a str> {
        self.node.literal().ok_or_else(|| self.fault("is not plain text"))
    }

    /// An error about this node: its path, what is wrong, and the line.
    pub(crate) fn fault(&self, what: &str) -> anyhow::Error {
        anyhow!("{} {what}{}", self.path, self.place())
    }

    fn inner(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" (line {})", self.node.line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Value {
        Value::Scalar(text.to_owned())
    }

    #[test]
    fn tags_and_long_forms_are_equivalent() {
        for text in ["a: !Sub x", "a: {Fn::Sub: x}", r#"{"a": {"Fn::Sub": "x"}}"#, "a:\n  Fn::Sub: x"] {
            let node = Node::parse(text).unwrap();
            let a = node.get("a").unwrap();
            assert_eq!((a.function.as_deref(), &a.value), (Some("Sub"), &scalar("x")), "{text}");
            assert_eq!(a.literal(), None);
        }
        let node = Node::parse("a: !GetAtt [F, Arn]\nb: !If\n  - C\n  - 1\n  - !Ref AWS::NoValue").unwrap();
        assert_eq!(node.get("a").unwrap().elements().len(), 2);
        let b = node.get("b").unwrap();
        assert_eq!((b.function.as_deref(), b.elements()[2].function.as_deref()), (Some("If"), Some("Ref")));
        assert_eq!(b.elements()[2].line, 5);
    }

    #[test]
    fn scalars_stay_as_written() {
        let node = Node::parse("id: 012345678901\nempty:\nyes: true\nquoted: \"40\"\ntagged: !!str 5").unwrap();
        let text = |key| node.get(key).unwrap().literal().unwrap();
        assert_eq!(["id", "empty", "yes", "quoted", "tagged"].map(text), ["012345678901", "", "true", "40", "5"]);
        assert_eq!(node.texts(), ["012345678901", "", "true", "40", "5"]);
    }

    #[test]
    fn anchors_are_resolved() {
        let node = Node::parse("a: &x {b: [1, 2]}\nc: *x").unwrap();
        assert_eq!(node.get("c").unwrap().get("b").unwrap().elements().len(), 2);
    }

    #[test]
    fn merged_mappings_have_the_entries_of_their_anchors() {
        let texts = |text: &str| {
            let node = Node::parse(text).unwrap();
            let entries = node.get("c").unwrap().entries().iter();
            entries.map(|(key, node)| format!("{key}={}", node.literal().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(texts("a: &a {x: 1, y: 2}\nc: {<<: *a, y: 3, z: 4}"), ["y=3", "z=4", "x=1"]);
        assert_eq!(texts("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}"), ["x=1", "y=2"]);
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        let reported = Node::parse("a: 1\nb: [1, 2").unwrap_err().to_string();
        assert!(reported.contains("it is not YAML") && reported.contains("line 3"), "{reported}");
        let twice = Node::parse("a: 1\na: 2").unwrap_err().to_string();
        assert!(twice.contains("it is not YAML") && twice.contains("line 2"), "{twice}");
        assert_eq!(Node::parse("").unwrap_err().to_string(), "it is empty");
        assert_eq!(Node::parse("# only a comment\n").unwrap_err().to_string(), "it is empty");
    }

    #[test]
    fn endless_nesting_is_refused_before_the_stack_overflows() {
        for levels in ["- ", "? ", "a: {b: ", "["] {
            let reported = Node::parse(&levels.repeat(100_000)).unwrap_err().to_string();
            assert!(
                reported.contains("deeper than 64 levels (line 1)") || reported.contains("not YAML"),
                "{levels:?}: {reported}"
            );
        }
        let reported = Node::parse(&"- ".repeat(65)).unwrap_err().to_string();
        assert_eq!(reported, "it is nested deeper than 64 levels (line 1)");
        assert!(Node::parse(&("- ".repeat(64) + "x")).is_ok());
    }

    #[test]
    fn aliases_of_aliases_are_refused_before_they_fill_the_memory() {
        let tenfold = |i: usize| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
        let doubled: String = (1..9).map(tenfold).collect();
        let reported = Node::parse(&format!("a0: &a0 [x]\n{doubled}")).unwrap_err().to_string();
        assert!(reported.contains("alias") && reported.contains("line 5"), "{reported}");
        // As deep as aliases can nest what is as deep as it may be.
        let nested = |i: usize| format!("a{i}: &a{i} {}*a{}{}\n", "[".repeat(60), i - 1, "]".repeat(60));
        let deep: String = (1..99).map(nested).collect();
        assert!(Node::parse(&format!("a0: &a0 [x]\n{deep}")).unwrap_err().to_string().contains("alias"));
        let most: String = (1..17).map(nested).collect();
        assert!(Node::parse(&format!("a0: &a0 [x]\n{most}")).is_ok());
    }
}
