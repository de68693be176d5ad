//! The committed JSON schemas, and a validator of the part of draft 2020-12 that they use.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use serde_json::Value;

/// What says something about a schema and nothing about a document.
const ANNOTATIONS: [&str; 5] = ["$schema", "$id", "$defs", "title", "description"];

/// Asserts that the JSON files of an artifact folder are what the schemas say, as far as they are there.
#[track_caller]
pub(crate) fn assert_artifacts(dir: &Path) {
    let read = |name: &str| {
        let text = fs::read_to_string(dir.join(name)).ok()?;
        serde_json::from_str::<Value>(&text).ok()
    };
    let Some(run) = read("run.json") else { return };
    assert_valid("run.v1.schema.json", &run);
    if let Some(results) = read("results.json") {
        let name = if run["command"] == "lambda-eval" { "eval" } else { "smoke" };
        assert_valid(&format!("results-{name}.v1.schema.json"), &results);
    }
}

/// Asserts that a document is what a schema says.
#[track_caller]
pub(crate) fn assert_valid(schema: &str, document: &Value) {
    let found = violations(schema, document);
    assert!(found.is_empty(), "against schemas/{schema}:\n{}", found.join("\n"));
}

/// What of a document is not as a schema says, a line each with its place.
pub(crate) fn violations(schema: &str, document: &Value) -> Vec<String> {
    let validator = Validator::of(schema);
    validator.violations(validator.root, document, "$")
}

/// Every committed schema by its file's name.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas");
    let read = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), read(&file.path()))).collect()
});

/// A file of schemas, which its references are relative to.
struct Validator {
    file: &'static str,
    root: &'static Value,
}

impl Validator {
    fn of(file: &str) -> Self {
        let (file, root) = SCHEMAS.get_key_value(file).unwrap_or_else(|| panic!("there is no schemas/{file}"));
        Self { file, root }
    }

    fn violations(&self, schema: &Value, document: &Value, at: &str) -> Vec<String> {
        let rules = match schema {
            Value::Bool(true) => return Vec::new(),
            Value::Bool(false) => return vec![format!("{at} may not be there")],
            Value::Object(rules) => rules,
            other => panic!("{}: {other} is no schema", self.file),
        };
        let rules = rules.iter().filter(|(rule, _)| !ANNOTATIONS.contains(&rule.as_str()));
        rules.flat_map(|(rule, value)| self.violation(rule, value, schema, document, at)).collect()
    }

    fn violation(&self, rule: &str, value: &Value, schema: &Value, document: &Value, at: &str) -> Vec<String> {
        let unless = |holds: bool, what: String| if holds { Vec::new() } else { vec![format!("{at} {what}")] };
        let branches = || value.as_array().unwrap().iter().map(|branch| self.violations(branch, document, at));
        match rule {
            "$ref" => self.by_reference(value.as_str().unwrap(), document, at),
            "type" => {
                unless(types(value).iter().any(|kind| is_of(document, kind)), format!("is no {value}: {document}"))
            }
            "const" => unless(document == value, format!("is {document}, not {value}")),
            "enum" => unless(value.as_array().unwrap().contains(document), format!("is {document}, none of {value}")),
            "minimum" => {
                let limit = value.as_f64();
                unless(document.as_f64().is_none_or(|n| Some(n) >= limit), format!("is {document}, below {value}"))
            }
            "maximum" => {
                let limit = value.as_f64();
                unless(document.as_f64().is_none_or(|n| Some(n) <= limit), format!("is {document}, above {value}"))
            }
            "minItems" => {
                let enough = document.as_array().is_none_or(|items| items.len() as u64 >= value.as_u64().unwrap());
                unless(enough, format!("has fewer than {value} items"))
            }
            "items" => {
                let items = document.as_array().into_iter().flatten().enumerate();
                items.flat_map(|(i, item)| self.violations(value, item, &format!("{at}[{i}]"))).collect()
            }
            "required" => {
                let names = value.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                let missing =
                    names.filter(|name| document.as_object().is_some_and(|fields| !fields.contains_key(*name)));
                missing.map(|name| format!("{at}.{name} is missing")).collect()
            }
            "properties" => {
                let known = value.as_object().unwrap().iter();
                let there = known.filter_map(|(name, schema)| Some((name, schema, document.as_object()?.get(name)?)));
                there
                    .flat_map(|(name, schema, field)| self.violations(schema, field, &format!("{at}.{name}")))
                    .collect()
            }
            "additionalProperties" => {
                let is_known = |name: &str| schema["properties"].get(name).is_some();
                let others = document.as_object().into_iter().flatten().filter(|(name, _)| !is_known(name));
                others.flat_map(|(name, field)| self.violations(value, field, &format!("{at}.{name}"))).collect()
            }
            "anyOf" => match branches().any(|found| found.is_empty()) {
                true => Vec::new(),
                false => fewest(branches()),
            },
            "oneOf" => match branches().filter(Vec::is_empty).count() {
                1 => Vec::new(),
                0 => fewest(branches()),
                _ => vec![format!("{at} is several of what it may be one of")],
            },
            // What is not checked must not look as if it were.
            unknown => panic!("{}: this validator does not know {unknown:?}", self.file),
        }
    }

    fn by_reference(&self, reference: &str, document: &Value, at: &str) -> Vec<String> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let within = Self::of(if file.is_empty() { self.file } else { file });
        let schema = within.root.pointer(pointer).unwrap_or_else(|| panic!("{}: {reference} leads nowhere", self.file));
        within.violations(schema, document, at)
    }
}

/// What is wrong with the branch that fits best.
fn fewest(branches: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    branches.min_by_key(Vec::len).unwrap()
}

fn types(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().map(|kind| kind.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    }
}

fn is_of(document: &Value, kind: &str) -> bool {
    match kind {
        "null" => document.is_null(),
        "boolean" => document.is_boolean(),
        "string" => document.is_string(),
        "number" => document.is_number(),
        "integer" => document.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => document.is_array(),
        "object" => document.is_object(),
        unknown => panic!("{unknown:?} is no type of JSON Schema"),
    }
}
