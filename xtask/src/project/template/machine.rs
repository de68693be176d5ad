//! The state machine of a template: its states, and the plan protocols that it offers.

use std::path::Path;

use anyhow::Context;
use execution_history::chunking::PlanProtocol;

use crate::project::template::{
    expression::{self, Values},
    yaml::{At, Node, Value},
};

/// A state machine as the template defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its name in the template.
    pub logical_id: String,
    pub(crate) name: Option<Node>,
    pub start_at: String,
    /// All states, including nested ones, in the template's order.
    pub states: Vec<String>,
    /// The states that call something.
    pub tasks: Vec<Task>,
    /// What the names in the definition stand for.
    substitutions: Vec<(String, Node)>,
    pub protocols: OfferedProtocols,
}

/// A state that calls a function, or another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub state: String,
    /// The action that it requests; `None` if it depends on the input, or there is none.
    pub action: Option<String>,
    /// The expression of the function, or of the service.
    called: Node,
}

/// What a task calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// A resource of the template, by its logical id.
    Resource(String),
    /// A function by its name, or a service by its ARN.
    Named(String),
    /// It is known only after the deployment.
    Unknown,
}

/// The plan protocols that a state machine offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferedProtocols {
    /// The execution's input chooses among these.
    Chosen(Vec<PlanProtocol>),
    /// There is no choice; the only protocol, if it is known.
    Fixed(Option<PlanProtocol>),
}

/// The path of the plan protocol in an execution's input, in both query languages.
const INPUT_PATHS: [&str; 3] = ["$.PlanProtocol", "$$.Execution.Input.PlanProtocol", "$states.input.PlanProtocol"];

/// A result of `Plan` that only the second protocol has.
const ONLY_IN_V2: &str = "PlanV2ManifestS3Uri";

/// A result that only the first protocol has.
const ONLY_IN_V1: &str = "PlanS3Uri";

impl Machine {
    /// Parses a resource; `file` reads a definition next to the template.
    pub(crate) fn read(
        logical_id: &str,
        resource: &At<'_>,
        file: &dyn Fn(&Path) -> anyhow::Result<String>,
    ) -> anyhow::Result<Self> {
        let properties = resource.get("Properties")?;
        for key in ["Type", "StateMachineType"] {
            if let Some(at) = properties.find(key).filter(|at| at.node.literal() == Some("EXPRESS")) {
                return Err(at.fault("is EXPRESS, whose executions AWS can't list or describe; a run needs STANDARD"));
            }
        }
        let name = properties.find("Name").or_else(|| properties.find("StateMachineName")).map(|at| at.node.clone());
        let definition = definition(&properties, file)?;
        let root = At::root(&definition);
        let within = || format!("the definition of {logical_id}");
        let top = root.get("States").with_context(within)?;
        let start_at = root.get("StartAt").and_then(|at| at.literal()).with_context(within)?.to_owned();
        let mut states = Vec::new();
        collect(top.node, &mut states);
        let protocols = protocols(top.node, &states);
        let tasks = states.iter().filter_map(|(name, state)| Task::read(name, state)).collect();
        let states = states.into_iter().map(|(name, _)| name.to_owned()).collect();
        let substitutions = properties.find("DefinitionSubstitutions").map(|at| at.node.entries().to_vec());
        let of_string = properties.find("DefinitionString").and_then(|at| Some(at.node.elements().get(1)?.entries()));
        let substitutions =
            substitutions.into_iter().flatten().chain(of_string.into_iter().flatten().cloned()).collect();
        Ok(Self { logical_id: logical_id.to_owned(), name, start_at, states, tasks, substitutions, protocols })
    }

    /// What a task calls, given the values of the parameters.
    pub(crate) fn called(&self, task: &Task, values: &Values) -> Called {
        let node = values.chosen(&task.called);
        // `${Name}` or `${Name.Arn}`, perhaps with a version behind it.
        let inner = node.literal().and_then(|text| text.strip_prefix("${")?.split_once('}')).map(|(name, _)| name);
        let node = match inner {
            None => node,
            Some(name) => match self.substitutions.iter().find(|(known, _)| known == name) {
                Some((_, node)) => values.chosen(node),
                None => return Called::Resource(name.split('.').next().unwrap_or(name).to_owned()),
            },
        };
        match expression::resource(node) {
            Some(id) => Called::Resource(id.to_owned()),
            None => values.expand(node).map_or(Called::Unknown, Called::Named),
        }
    }
}

impl Task {
    fn read(name: &str, state: &Node) -> Option<Self> {
        if state.get("Type").and_then(Node::literal) != Some("Task") {
            return None;
        }
        let resource = state.get("Resource")?;
        let given = state.get("Parameters").or_else(|| state.get("Arguments"));
        let integrated = given.and_then(|given| given.get("FunctionName"));
        let payload = given.and_then(|given| given.get("Payload").filter(|_| integrated.is_some()).or(Some(given)));
        let action = payload.and_then(|payload| payload.get("Action")?.literal()).map(str::to_owned);
        Some(Self { state: name.to_owned(), action, called: integrated.unwrap_or(resource).clone() })
    }
}

/// The definition, which may be inline, a string, or a file.
fn definition(properties: &At<'_>, file: &dyn Fn(&Path) -> anyhow::Result<String>) -> anyhow::Result<Node> {
    if let Some(inline) = properties.find("Definition") {
        return Ok(inline.node.clone());
    }
    if let Some(string) = properties.find("DefinitionString") {
        // A plain text, or a `Sub` with a list of arguments.
        let text = match &string.node.value {
            Value::Scalar(text) => text,
            Value::List(parts) => parts.first().and_then(Node::literal).unwrap_or_default(),
            Value::Map(_) => return Err(string.fault("is not text")),
        };
        return Node::parse(text).map_err(|error| string.fault(&format!("can't be read: {error:#}")));
    }
    let uri = properties.find("DefinitionUri").ok_or_else(|| properties.fault("has no Definition"))?;
    let path = uri.literal()?;
    let text = file(Path::new(path)).map_err(|error| uri.fault(&format!("can't be read: {error:#}")))?;
    Node::parse(&text).map_err(|error| uri.fault(&format!("can't be read: {error:#}")))
}

/// All states under a `States`, in order, including those of maps and parallel branches.
fn collect<'a>(states: &'a Node, found: &mut Vec<(&'a str, &'a Node)>) {
    for (name, state) in states.entries() {
        found.push((name, state));
        let inner = ["ItemProcessor", "Iterator"].into_iter().filter_map(|key| state.get(key));
        let branches = state.get("Branches").map(Node::elements).unwrap_or_default();
        for machine in inner.chain(branches) {
            if let Some(states) = machine.get("States") {
                collect(states, found);
            }
        }
    }
}

/// The protocols among which the input chooses. Only top-level states count, because `$` is another input inside
/// of a map.
fn protocols(top: &Node, all: &[(&str, &Node)]) -> OfferedProtocols {
    let chosen: Vec<PlanProtocol> = top.entries().iter().flat_map(|(_, state)| choices(state, top)).collect();
    let offered = |protocol: &PlanProtocol| chosen.contains(protocol);
    let both = [PlanProtocol::V1, PlanProtocol::V2];
    if !chosen.is_empty() {
        return OfferedProtocols::Chosen(both.into_iter().filter(offered).collect());
    }
    let passes_on = top.entries().iter().any(|(_, state)| passes_on(state));
    match passes_on {
        true => OfferedProtocols::Chosen(both.to_vec()),
        false => OfferedProtocols::Fixed(all.iter().find_map(|(_, state)| planned_by(state))),
    }
}

/// The protocols for which a choice on the execution's input does not fail.
fn choices(state: &Node, top: &Node) -> Vec<PlanProtocol> {
    let rules = state.get("Choices").map(Node::elements).unwrap_or_default();
    let leads_on = |rule: &&Node| {
        let next = rule.get("Next").and_then(Node::literal).and_then(|name| top.get(name));
        next.is_some_and(|next| next.get("Type").and_then(Node::literal) != Some("Fail"))
    };
    rules.iter().filter(leads_on).flat_map(compared).collect()
}

/// The protocols that a rule, or a nested rule, compares the input with.
fn compared(rule: &Node) -> Vec<PlanProtocol> {
    let on_input = rule.get("Variable").and_then(Node::literal).is_some_and(|v| INPUT_PATHS.contains(&v));
    let equals = rule.get("StringEquals").and_then(Node::literal).filter(|_| on_input);
    let by_condition = rule.get("Condition").and_then(Node::literal).filter(|text| names_input(text));
    let named = |text: &str| ["v1", "v2"].into_iter().filter(move |name| text.contains(name)).collect::<Vec<_>>();
    let inner = ["And", "Or"].into_iter().filter_map(|key| rule.get(key)).flat_map(Node::elements);
    let here = equals.into_iter().collect::<Vec<_>>();
    let in_condition = by_condition.map(named).unwrap_or_default();
    let here = here.into_iter().chain(in_condition).filter_map(|name| name.parse().ok());
    here.chain(inner.flat_map(compared)).collect()
}

/// Whether a state passes the input's protocol on to what it calls.
fn passes_on(state: &Node) -> bool {
    let given = ["Parameters", "Arguments", "Assign"].into_iter().filter_map(|key| state.get(key));
    given.flat_map(Node::texts).any(names_input)
}

fn names_input(text: &str) -> bool {
    INPUT_PATHS.iter().any(|name| text.contains(name)) || text.contains("Execution.Input.PlanProtocol")
}

/// The protocol of a state that plans, from its request or from the results that it reads.
fn planned_by(state: &Node) -> Option<PlanProtocol> {
    let given = state.get("Parameters").or_else(|| state.get("Arguments"))?;
    let payload = given.get("Payload").unwrap_or(given);
    if payload.get("Action").and_then(Node::literal) != Some("plan") {
        return None;
    }
    let requested = payload.get("PlanProtocol").and_then(Node::literal).and_then(|name| name.parse().ok());
    let reads = |field: &str| {
        let texts = state.get("ResultSelector").or_else(|| state.get("Output")).map(Node::texts).unwrap_or_default();
        texts.iter().any(|text| text.contains(field))
    };
    requested.or_else(|| match (reads(ONLY_IN_V2), reads(ONLY_IN_V1)) {
        (true, _) => Some(PlanProtocol::V2),
        (false, true) => Some(PlanProtocol::V1),
        (false, false) => None,
    })
}

#[cfg(test)]
mod tests {
    use PlanProtocol::{V1, V2};

    use super::*;

    fn read(properties: &str) -> anyhow::Result<Machine> {
        let node = Node::parse(&format!("Properties:\n{properties}")).unwrap();
        let file = |path: &Path| match path.to_str() {
            Some("machine.asl.json") => Ok(r#"{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}"#.to_owned()),
            _ => anyhow::bail!("there is no such file"),
        };
        Machine::read("M", &At::root(&node), &file)
    }

    fn offered(states: &str) -> OfferedProtocols {
        let indented: String = states.lines().map(|line| format!("      {line}\n")).collect();
        read(&format!("  Definition:\n    StartAt: A\n    States:\n{indented}")).unwrap().protocols
    }

    /// Which state calls what with which action, in a definition with these substitutions.
    fn called(substitutions: &str, states: &str) -> Vec<String> {
        let indented: String = states.lines().map(|line| format!("      {line}\n")).collect();
        let machine = read(&format!(
            "  DefinitionSubstitutions: {substitutions}\n  Definition:\n    StartAt: A\n    States:\n{indented}"
        ));
        let machine = machine.unwrap();
        let conditions = Node::parse("ByImage: !Equals [!Ref Image, yes]").unwrap();
        let values = Values::default().with("P", "p").with("Image", "yes").with_conditions(conditions.entries());
        let line = |task: &Task| {
            let called = machine.called(task, &values);
            format!("{} {called:?} {}", task.state, task.action.as_deref().unwrap_or("-"))
        };
        machine.tasks.iter().map(line).collect()
    }

    #[test]
    fn each_task_says_what_it_calls_however_it_is_written() {
        let lines = called(
            "{Fn: !GetAtt Plans.Arn, Chunks: !If [ByImage, !GetAtt Image.Arn, !Ref Zip]}",
            "\
A: {Type: Task, Resource: 'arn:aws:states:::lambda:invoke', Parameters: {FunctionName: '${Fn}', Payload: {Action: plan}}}
B:
  Type: Parallel
  Branches:
    - States:
        C:
          Type: Map
          ItemProcessor:
            States:
              D: {Type: Task, Resource: '${Chunks}', Parameters: {Action: renderChunk}}
    - States:
        E: {Type: Task, Resource: !GetAtt Mixes.Arn, Arguments: {Action: '{% $a %}'}}
        F: {Type: Task, Resource: 'arn:aws:states:::lambda:invoke', Arguments: {FunctionName: !Sub '${P}-mix:live', Payload: {Action.$: $.a}}}
G: {Type: Task, Resource: 'arn:aws:states:::lambda:invoke', Parameters: {FunctionName: '${Assembles.Arn}', Payload: {Action: assemble}}}
H: {Type: Task, Resource: 'arn:aws:states:::sqs:sendMessage', Parameters: {QueueUrl: q}}
I: {Type: Pass}
",
        );
        insta::assert_snapshot!(lines.join("\n"), @r#"
        A Resource("Plans") plan
        D Resource("Image") renderChunk
        E Resource("Mixes") {% $a %}
        F Named("p-mix:live") -
        G Resource("Assembles") assemble
        H Named("arn:aws:states:::sqs:sendMessage") -
        "#);
    }

    const CHOICE: &str = "\
A:
  Type: Choice
  Choices:
    - {Variable: $.PlanProtocol, IsPresent: false, Next: One}
    - {Variable: $.PlanProtocol, StringEquals: v2, Next: Two}
    - And: [{Variable: $.PlanProtocol, IsPresent: true}, {Variable: $.PlanProtocol, StringEquals: v1}]
      Next: One
  Default: No
One: {Type: Pass, Next: Z}
Two: {Type: Pass, Next: Z}
No: {Type: Fail}
Z: {Type: Succeed}";

    #[test]
    fn a_choice_on_the_input_offers_the_protocols_that_do_not_fail() {
        assert_eq!(offered(CHOICE), OfferedProtocols::Chosen(vec![V1, V2]));
        assert_eq!(offered(&CHOICE.replace("v2, Next: Two", "v2, Next: No")), OfferedProtocols::Chosen(vec![V1]));
        // The protocol in the plan's result is not the caller's choice.
        assert_eq!(offered(&CHOICE.replace("$.PlanProtocol", "$.Plan.PlanProtocol")), OfferedProtocols::Fixed(None));
        let jsonata = "\
A:
  Type: Choice
  Choices:
    - Condition: \"{% $states.input.PlanProtocol = 'v2' %}\"
      Next: B
  Default: B
B: {Type: Pass, End: true}";
        assert_eq!(offered(jsonata), OfferedProtocols::Chosen(vec![V2]));
    }

    #[test]
    fn a_protocol_that_is_passed_on_can_be_chosen() {
        let passed = "A: {Type: Task, Parameters: {Payload: {Action: plan, PlanProtocol.$: $.PlanProtocol}}}";
        assert_eq!(offered(passed), OfferedProtocols::Chosen(vec![V1, V2]));
    }

    #[test]
    fn without_a_choice_the_plan_state_decides() {
        let plan = |payload: &str, reads: &str| {
            offered(&format!("A: {{Type: Task, Parameters: {{Payload: {payload}}}, ResultSelector: {{x.$: {reads}}}}}"))
        };
        assert_eq!(plan("{Action: plan}", "$.Payload.PlanS3Uri"), OfferedProtocols::Fixed(Some(V1)));
        assert_eq!(plan("{Action: plan}", "$.Payload.PlanV2ManifestS3Uri"), OfferedProtocols::Fixed(Some(V2)));
        assert_eq!(plan("{Action: plan, PlanProtocol: v2}", "$.Payload"), OfferedProtocols::Fixed(Some(V2)));
        assert_eq!(plan("{Action: plan}", "$.Payload"), OfferedProtocols::Fixed(None));
        assert_eq!(plan("{Action: assemble}", "$.Payload.PlanS3Uri"), OfferedProtocols::Fixed(None));
    }

    #[test]
    fn nested_states_are_found() {
        let machine = read(
            "  Definition:\n    StartAt: A\n    States:\n      A: {Type: Map, ItemProcessor: {States: {B: {Type: Task}}}}\n      \
             C: {Type: Parallel, Branches: [{States: {D: {}}}, {States: {E: {}}}]}",
        );
        let machine = machine.unwrap();
        assert_eq!(
            (machine.start_at.as_str(), machine.states),
            ("A", ["A", "B", "C", "D", "E"].map(String::from).to_vec())
        );
    }

    #[test]
    fn a_definition_may_be_text_or_a_file() {
        for properties in [
            "  DefinitionUri: machine.asl.json",
            r#"  DefinitionString: '{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}'"#,
            r#"  DefinitionString: !Sub '{"StartAt": "A", "States": {"A": {"Resource": "${F.Arn}"}}}'"#,
        ] {
            assert_eq!(read(properties).unwrap().states, ["A"], "{properties}");
        }
        let error = |properties: &str| format!("{:#}", read(properties).unwrap_err());
        assert!(error("  DefinitionUri: s3://b/m.json").starts_with("Properties.DefinitionUri can't be read"));
        assert_eq!(error("  Name: m"), "Properties has no Definition (line 2)");
        assert_eq!(error("  Definition: {StartAt: A}"), "the definition of M: States is missing");
        assert!(error("  Type: EXPRESS\n  Definition: {}").starts_with("Properties.Type is EXPRESS, whose executions"));
    }
}
