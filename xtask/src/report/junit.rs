//! junit.xml: every gate of every render as a test case. Pure.

use std::fmt::Write as _;

use render_verdict::finding::{ComparedWith, Finding, Place};

use crate::{
    eval::sample::{self, LocalSample},
    report::{
        RunReport, Unmeasured, Word,
        compare::{
            Pair, SideBySide,
            regression::{Regression, Standing},
        },
        gates::GateOutcome,
        render::{RenderReport, facts},
        run_record::TeardownRecord,
    },
};

/// The report in JUnit's XML; times in seconds.
pub fn junit(report: &RunReport) -> String {
    let renders = report.renders.iter().flat_map(|render| of_render(report, render));
    let unmeasured = report.unmeasured.iter().map(|unmeasured| of_unmeasured(report, unmeasured));
    let local = report.local.iter().map(|local| of_local(report, local));
    let whole = [of_clean_up(report), of_run(report)];
    let compared = report.compared.iter().flat_map(|compared| of_comparison(report, compared));
    let cases: Vec<TestCase> = renders.chain(unmeasured).chain(local).chain(whole).chain(compared).collect();
    let count = |is: fn(&Outcome) -> bool| cases.iter().filter(|case| is(&case.outcome)).count();
    let (failures, errors, skipped) = (
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::Error(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    let seconds = report.run.stages.iter().map(|stage| stage.ms).sum::<u64>() as f64 / 1000.0;
    let name = escaped(&format!("{} {}", report.run.command(), report.run.fixtures().join(",")));
    let counts = format!(
        r#"name="{name}" tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{seconds:.3}""#,
        cases.len()
    );
    let began = escaped(&report.run.started_at);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  \
         <testsuite {counts} timestamp=\"{began}\">\n"
    );
    cases.iter().for_each(|case| case.write(&mut xml));
    xml + "  </testsuite>\n</testsuites>\n"
}

struct TestCase {
    class: String,
    name: String,
    seconds: f64,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    /// The same, with something to say.
    Noted(String),
    /// What exceeds its limit.
    Failed(Vec<Finding>),
    /// Why there is no result.
    Error(String),
    /// Why the case does not apply.
    Skipped(String),
}

/// The render itself, whose time is the execution's wall-clock, then its gates, which take no time.
fn of_render(report: &RunReport, render: &RenderReport) -> Vec<TestCase> {
    let class = class(report, &render.label);
    let case = |name: &str, seconds, outcome| TestCase::new(&class, name, seconds, outcome);
    let measured = case("render", render.wall_clock_s(), Outcome::Passed);
    let of_gate = |(gate, outcome): (&str, GateOutcome<'_>)| match outcome {
        GateOutcome::Failed(findings) => case(gate, 0.0, Outcome::Failed(findings.into_iter().cloned().collect())),
        GateOutcome::NotApplied(why) => case(gate, 0.0, Outcome::Skipped(why.to_owned())),
        GateOutcome::Passed => case(gate, 0.0, Outcome::Passed),
    };
    [measured].into_iter().chain(render.gates(&report.semantic).into_iter().map(of_gate)).collect()
}

fn of_unmeasured(report: &RunReport, unmeasured: &Unmeasured) -> TestCase {
    let outcome = match unmeasured.not_run {
        true => Outcome::Skipped(format!("was not run: {}", unmeasured.cause)),
        false => {
            let failed = report.failed.iter().find(|failed| failed.is_of(&unmeasured.key));
            let facts = failed.and_then(|failed| failed.failure.as_ref()).map(facts).unwrap_or_default();
            let facts = facts.iter().map(|(name, text)| format!("{name}: {text}"));
            let all: Vec<String> =
                [format!("was not measured: {}", unmeasured.cause)].into_iter().chain(facts).collect();
            Outcome::Error(all.join("\n"))
        }
    };
    TestCase::new(&class(report, &unmeasured.key.to_string()), "render", 0.0, outcome)
}

fn of_local(report: &RunReport, local: &LocalSample) -> TestCase {
    let (seconds, outcome) = match &local.outcome {
        sample::Outcome::Done(render) => (render.wall_ms as f64 / 1000.0, Outcome::Passed),
        sample::Outcome::Failed { failure } => (0.0, Outcome::Error(format!("the local render failed: {failure}"))),
    };
    let label = format!("{} local #{}", local.fixture, local.iteration);
    TestCase::new(&class(report, &label), "render", seconds, outcome)
}

fn of_clean_up(report: &RunReport) -> TestCase {
    let stage = report.run.stages.iter().filter(|stage| stage.stage == "teardown").map(|stage| stage.ms).sum::<u64>();
    let finding = |leak: &String| Finding {
        gate: "clean-up".into(),
        value: leak.clone(),
        limit: "gone".to_owned(),
        message: format!("left behind, or not proved to be gone: {leak}"),
        place: Place::default(),
        change: None,
        compared_with: ComparedWith::default(),
    };
    let outcome = match &report.run.teardown {
        Some(TeardownRecord::Clean { .. } | TeardownRecord::NothingCreated) => Outcome::Passed,
        Some(TeardownRecord::Leaked { leaks, .. }) => Outcome::Failed(leaks.iter().map(finding).collect()),
        Some(TeardownRecord::Kept { .. }) => {
            Outcome::Skipped(format!("the stack is kept because of {}", report.run.keeps_by()))
        }
        None => Outcome::Error("the run ended before the clean-up".to_owned()),
    };
    TestCase::new(report.run.command(), "clean-up", stage as f64 / 1000.0, outcome)
}

/// The run as a whole: an error whenever the exit code is not 0, also for reasons that no
/// other case has, such as a failed warm-up.
fn of_run(report: &RunReport) -> TestCase {
    let ending = report.ending();
    let outcome = match ending.word {
        Word::Pass => Outcome::Passed,
        word => Outcome::Error([vec![format!("{word} {}", ending.text)], ending.reasons].concat().join("\n")),
    };
    TestCase::new(report.run.command(), "run", 0.0, outcome)
}

/// A case for each render that an earlier run has too, and one for the limit as a whole.
fn of_comparison(report: &RunReport, compared: &SideBySide) -> Vec<TestCase> {
    let class = format!("{}.compared with the earlier run", report.run.command());
    let found = |name: &str| {
        let gate = compared.gate.iter().flat_map(|gate| &gate.found);
        gate.filter(|found| found.name == name).cloned().collect::<Vec<Regression>>()
    };
    let (pairs, shown) = compared.table();
    let of_pair = |pair: &&Pair| {
        let cells = shown.iter().skip(1).map(|column| format!("{}: {}", column.title, (column.cell)(pair).text()));
        let found = found(&pair.name);
        let (certain, maybe): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|found| found.change.certainty.is_certain());
        let maybe: Vec<String> = maybe.iter().map(ToString::to_string).collect();
        let outcome = match (certain.is_empty(), maybe.is_empty()) {
            (false, _) => Outcome::Failed(certain.iter().map(finding_of).collect()),
            (true, false) => Outcome::Skipped(maybe.join("; ")),
            (true, true) => Outcome::Noted(cells.collect::<Vec<_>>().join(", ")),
        };
        TestCase::new(&class, &pair.name, 0.0, outcome)
    };
    let of_gate = compared.gate.as_ref().map(|gate| {
        let text = format!("{} {}", gate.standing, gate.text);
        let outcome = match gate.standing {
            Standing::Passed => Outcome::Noted(text),
            Standing::Undecided => Outcome::Skipped(text),
            Standing::Failed | Standing::Unmeasured => Outcome::Error(text),
        };
        TestCase::new(&class, "max-regression", 0.0, outcome)
    });
    pairs.iter().map(of_pair).chain(of_gate).collect()
}

fn finding_of(regression: &Regression) -> Finding {
    Finding {
        gate: "max-regression".into(),
        value: regression.share(),
        limit: regression.limit.to_string(),
        message: regression.to_string(),
        place: Place::default(),
        change: None,
        compared_with: ComparedWith::default(),
    }
}

/// Readers group cases by the dots in class names, so that labels must not contain any.
fn class(report: &RunReport, label: &str) -> String {
    let fixture = match report.run.names_fixtures() {
        true => String::new(),
        false => format!("{} ", report.run.fixtures().join(",")),
    };
    format!("{}.{}", report.run.command(), format!("{fixture}{label}").replace('.', "_"))
}

impl TestCase {
    fn new(class: &str, name: &str, seconds: f64, outcome: Outcome) -> Self {
        Self { class: class.to_owned(), name: name.to_owned(), seconds, outcome }
    }

    fn write(&self, xml: &mut String) {
        let (class, name, seconds) = (escaped(&self.class), escaped(&self.name), self.seconds);
        let open = format!(r#"    <testcase classname="{class}" name="{name}" time="{seconds:.3}""#);
        let inner: String = match &self.outcome {
            Outcome::Passed => String::new(),
            Outcome::Noted(text) => format!("      <system-out>{}</system-out>\n", escaped(text)),
            Outcome::Failed(findings) => findings.iter().map(failure).collect(),
            Outcome::Error(why) => format!("      <error message=\"{}\"/>\n", escaped(why)),
            Outcome::Skipped(why) => format!("      <skipped message=\"{}\"/>\n", escaped(why)),
        };
        _ = match inner.is_empty() {
            true => writeln!(xml, "{open}/>"),
            false => writeln!(xml, "{open}>\n{inner}    </testcase>"),
        };
    }
}

fn failure(finding: &Finding) -> String {
    let Finding { gate, value, limit, message, .. } = finding;
    format!(
        "      <failure type=\"{}\" message=\"{}\">value: {}\nlimit: {}</failure>\n",
        escaped(gate),
        escaped(message),
        escaped(value),
        escaped(limit)
    )
}

/// Text for attributes and elements; characters that XML 1.0 can't express become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for symbol in text.chars() {
        match symbol {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => {
                _ = write!(out, "&#{};", u32::from(symbol));
            }
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            control if control < ' ' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
    out
}
