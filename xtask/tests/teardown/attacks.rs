//! The attack table: what someone else has stays as it is, however a run comes to name it, and whatever deletes.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::{
    killed,
    support::{
        STACK, Test,
        fake_aws::{ACCOUNT, Account, Thing},
    },
};

/// What deletes.
const COMMANDS: [&str; 6] = [END, FAILED, BY_NAME, "teardown --run", "teardown --unfinished", FORCED];

const END: &str = "a run's end";
const FAILED: &str = "a failed deployment";
const BY_NAME: &str = "teardown by name";
const FORCED: &str = "teardown --force --yes";

/// How a run comes to name what someone else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The template's output leads to a parameter.
    Parameter(Thing),
    /// Outputs of the stack have their names: by a literal, an import of another stack's value, or a computation.
    Output(&'static [Thing]),
    /// The template gives a resource its name, so the stack could not create that. The status is what it lists.
    Literal(&'static str),
    /// Someone imported it into the stack.
    Import,
    /// It took the name that a resource of the run was going to have.
    Derived,
    /// The same, and CloudFormation has rolled back what it did not create.
    DerivedAndRolledBack,
    /// It has the tag of another run, and a name that begins as those of the run's stack.
    OtherRun,
    /// It has the tag of another run, and the run's stack lists it.
    OtherRunInStack,
    /// The run's journal was edited.
    Journal,
    /// It took the place of the run's own.
    Replaced,
    /// It is in a stack that took the place of the run's.
    StackReplaced,
}

/// One world.
#[derive(Debug, Clone, Copy)]
struct Row {
    command: &'static str,
    /// Several, where they are not in each other's way.
    ways: &'static [Way],
    /// The operation before whose call it happens, and which call that is.
    at: (&'static str, usize),
}

impl Way {
    /// What someone else has.
    fn things(self) -> Vec<Thing> {
        match self {
            Self::Parameter(thing) => vec![thing],
            Self::Output(things) => things.to_vec(),
            // What has tags that the tool reads.
            Self::OtherRun | Self::OtherRunInStack => vec![Thing::Bucket, Thing::Machine],
            Self::Replaced => vec![Thing::Bucket],
            _ => Thing::ALL.to_vec(),
        }
    }
}

const LISTED: [Way; 5] =
    [Way::Literal("CREATE_FAILED"), Way::Literal("DELETE_COMPLETE"), Way::Import, Way::OtherRun, Way::OtherRunInStack];

/// The first one that is found ends a run.
const OUTPUTS: [&[Way]; 3] =
    [&[Way::Output(&[Thing::Bucket])], &[Way::Output(&[Thing::Machine])], &[Way::Output(&[Thing::Function])]];

const PARAMETERS: [&[Way]; 3] =
    [&[Way::Parameter(Thing::Bucket)], &[Way::Parameter(Thing::Machine)], &[Way::Parameter(Thing::Function)]];

/// The moments at which something is replaced: which call of which operation, once something is to be deleted.
const MOMENTS: [(&str, usize); 13] = [
    ("GetBucketTagging", 1),
    ("DeleteObjects", 1),
    ("DeleteStack", 1),
    ("DeleteBucket", 1),
    ("DescribeStackResources", 1),
    ("DescribeStateMachine", 1),
    ("ListExecutions", 1),
    ("ListTagsForResource", 2),
    ("StopExecution", 1),
    ("GetBucketTagging", 3),
    ("ListObjectVersions", 1),
    ("DescribeLogGroups", 1),
    ("DeleteBucket", 2),
];

/// The steps of a deployment before which someone takes names.
const STEPS: [(&str, usize); 5] = [
    ("CreateChangeSet", 1),
    ("PutBucketTagging", 1),
    ("PutPublicAccessBlock", 1),
    ("ListChangeSets", 1),
    ("DescribeChangeSet", 1),
];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for command in COMMANDS {
        let at = match command {
            END => ("DescribeStacks", 3),
            FAILED => ("DescribeStackEvents", 1),
            _ => ("GetCallerIdentity", 1),
        };
        let mut add = |ways, at| rows.push(Row { command, ways, at });
        add(&LISTED, at);
        match command {
            END => OUTPUTS.into_iter().chain(PARAMETERS).for_each(|ways| add(ways, at)),
            FAILED | FORCED => add(&[Way::Output(&[Thing::Bucket, Thing::Machine, Thing::Function])], at),
            _ => add(&[Way::Journal, Way::Output(&[Thing::Bucket, Thing::Machine, Thing::Function])], at),
        }
        // A forced deletion has no run, and deletes no stack but the one that was found.
        if command != FORCED {
            let steps = if command == FAILED { &STEPS[..] } else { &STEPS[..1] };
            steps.iter().for_each(|step| add(&[Way::Derived], *step));
            add(&[Way::DerivedAndRolledBack], STEPS[0]);
        }
        for (nth, (operation, call)) in MOMENTS.into_iter().enumerate() {
            // What a run has called before it deletes anything: in its pre-flight, and for its new bucket.
            let earlier = match (command, operation) {
                (END | FAILED, "GetBucketTagging" | "ListObjectVersions") => 1,
                (END, "DescribeStackResources" | "ListTagsForResource") => 1,
                (END, "DescribeStateMachine") => 2,
                (END | FAILED, "DescribeLogGroups") => 4,
                _ => 0,
            };
            let at = (operation, call + earlier);
            // The other commands share their code with these two.
            if nth < 4 || [FAILED, BY_NAME].contains(&command) {
                add(&[Way::StackReplaced], at);
                add(&[Way::Replaced], at);
            }
        }
    }
    rows
}

/// What someone else does.
fn act(account: &mut Account, nth: usize, way: Way) {
    if way == Way::StackReplaced {
        if account.stack(STACK).is_some() {
            account.delete_stack(STACK);
        }
        return account.add_foreign(STACK, "theirs");
    }
    let owner = [("Owner", "team")];
    let another = "b".repeat(12);
    let of_another_run = [("HyperframesSmokeRun", another.as_str()), ("aws:cloudformation:stack-name", "smoke-test-2")];
    let (project, theirs) = (project(account), format!("theirs-{nth}"));
    account.rolls_back = way == Way::DerivedAndRolledBack;
    for thing in way.things() {
        let (id, tags) = match way {
            Way::OtherRun => (thing.id("smoke-test-2"), &of_another_run[..]),
            Way::OtherRunInStack => (thing.id(&theirs), &of_another_run[..]),
            Way::Derived | Way::DerivedAndRolledBack | Way::Replaced => (thing.id(&project), &owner[..]),
            _ => (thing.id(&theirs), &owner[..]),
        };
        account.put_theirs(thing, &id, tags);
        let status = match way {
            Way::Literal(status) => status,
            Way::Import => "IMPORT_COMPLETE",
            Way::OtherRunInStack => "CREATE_COMPLETE",
            Way::Output(_) => {
                let (nth, value) = match thing {
                    Thing::Bucket => (0, id),
                    Thing::Function => (1, format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{id}")),
                    _ => (2, id),
                };
                account.change_stack(STACK, |stack| stack.outputs[nth] = value);
                continue;
            }
            _ => continue,
        };
        account.change_stack(STACK, |stack| stack.listed.push([thing.kind(), &id, status].map(str::to_owned)));
    }
}

/// What the resources of the run's stack are named after.
fn project(account: &Account) -> String {
    run_of(account).map_or_else(|| "forced".to_owned(), |run| format!("{STACK}-{run}"))
}

/// The run, by its lock on the stack's name.
fn run_of(account: &Account) -> Option<String> {
    account.buckets.keys().find_map(|name| Some(name.strip_prefix("hyperframes-smoke-a222bf3f-")?.to_owned()))
}

/// Lets an output of the template lead to a parameter.
fn edit_template(test: &Test, output: Thing) {
    let path = test.repository.root().join("examples/aws-lambda/template.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, outputs) = text.split_at(text.find("\nOutputs:").unwrap());
    let own = match output {
        Thing::Bucket => "!Ref RenderBucket",
        Thing::Machine => "!Ref RenderStateMachine",
        _ => "!GetAtt RenderFunction.Arn",
    };
    assert!(outputs.contains(own));
    fs::write(&path, head.to_owned() + &outputs.replacen(own, "!Ref ProjectName", 1)).unwrap();
}

/// Adds someone's things to what the journal says of the run's stack.
fn edit_journal(test: &Test) {
    let kinds = ["bucket", "stateMachine", "function", "logGroup"];
    let edited = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        for (kind, thing) in kinds.iter().zip(Thing::ALL) {
            if let Some(names) = entry["resource"]["facts"][kind].as_array_mut() {
                names.push(thing.id("theirs-0").into());
            }
        }
        format!("{entry}\n")
    };
    test.rewrite_journal(|text| text.lines().map(edited).collect());
}

/// How it went.
struct Outcome {
    row: Row,
    /// Whether the moment came.
    came: bool,
    touched: BTreeSet<String>,
    leaked: BTreeSet<String>,
}

fn attack(row: Row) -> Outcome {
    let Row { command, ways, at: (operation, call) } = row;
    let theirs = Arc::new(Mutex::new(BTreeSet::new()));
    let noted = Arc::clone(&theirs);
    let someone = move |account: &mut Account| {
        let before = account.contents();
        ways.iter().enumerate().for_each(|(nth, way)| act(account, nth, *way));
        *noted.lock().unwrap() = account.contents().difference(&before).cloned().collect();
    };
    let new = Test::new();
    let at_first = new.aws.account().contents();
    let failing = |how: &str| format!("make_stack; {how}; echo 'Error: it failed' >&2; exit 1");
    // Where names are taken while a run deploys, it is killed right after that.
    let is_taken = matches!(ways, [Way::Derived | Way::DerivedAndRolledBack]);
    let test = match command {
        END => new,
        FAILED => new.tool("sam deploy", &failing(":")),
        FORCED => new.account(|account| account.add_stack(STACK, "project=forced\nrun=\nartifacts=\n")),
        _ if is_taken => new.tool("sam deploy", &failing("kill -KILL $PPID")),
        _ => killed(),
    };
    if let [Way::Parameter(output)] = ways {
        edit_template(&test, *output);
        someone(&mut test.aws.account());
    } else {
        test.aws.before(operation, call, someone);
    }
    if is_taken || [END, FAILED].contains(&command) {
        test.smoke(&[]);
    }
    if ways.contains(&Way::Journal) {
        edit_journal(&test);
    }
    let run = run_of(&test.aws.account()).unwrap_or_default();
    match command {
        END | FAILED => {}
        BY_NAME => _ = test.teardown(&[STACK]),
        FORCED => _ = test.teardown(&[STACK, "--force", "--yes"]),
        "teardown --run" => _ = test.teardown(&[STACK, "--run", &run]),
        _ => _ = test.run(&["lambda-teardown", "--unfinished"]),
    }
    let came = test.aws.forget_changes();
    // What was left because of a proof that failed is for the next command.
    test.run(&["lambda-teardown", "--unfinished"]);
    let (theirs, now) = (theirs.lock().unwrap().clone(), test.aws.account().contents());
    let touched = theirs.difference(&now).cloned().collect();
    let is_left = |line: &&String| !theirs.contains(*line) && !at_first.contains(*line);
    let leaked = now.iter().filter(is_left).filter(|line| !may_be_left(row, line)).cloned().collect();
    Outcome { row, came, touched, leaked }
}

/// What is no leak.
fn may_be_left(Row { command, ways, .. }: Row, line: &str) -> bool {
    match ways[0] {
        // On AWS an execution ends with its state machine, which whoever replaced the stack has deleted.
        Way::StackReplaced if line.starts_with("running execution") => true,
        // Whose stack it was is only known to whoever replaced it.
        Way::StackReplaced if command == FORCED => line.starts_with("bucket forced-"),
        // A function's tags are not read, so one that has the run's name is reported, and the lock stays as its proof.
        Way::Derived | Way::DerivedAndRolledBack => line.starts_with("bucket hyperframes-smoke-"),
        _ => false,
    }
}

#[test]
fn nothing_foreign_is_touched_and_nothing_leaks() {
    let (rows, next, outcomes) = (rows(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let outcome = attack(*row);
                    outcomes.lock().unwrap().push(outcome);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap();
    outcomes.sort_by_key(|outcome| format!("{:?}", outcome.row));
    let never: Vec<Row> = outcomes.iter().filter(|outcome| !outcome.came).map(|outcome| outcome.row).collect();
    let came: usize = outcomes
        .iter()
        .filter(|outcome| outcome.came)
        .map(|outcome| outcome.row.ways.iter().map(|way| way.things().len()).sum::<usize>())
        .sum();
    let of = |lines: fn(&Outcome) -> &BTreeSet<String>| -> Vec<String> {
        let short = |line: &String| line.chars().take(120).collect::<String>();
        let of_one = |outcome| lines(outcome).iter().map(|line| format!("{:?}: {}", outcome.row, short(line)));
        outcomes.iter().flat_map(of_one).collect()
    };
    let (touched, leaked) = (of(|outcome| &outcome.touched), of(|outcome| &outcome.leaked));
    println!("{came} combinations, {} foreign things touched, {} leaks", touched.len(), leaked.len());
    assert!(touched.is_empty() && leaked.is_empty(), "touched: {touched:#?}\nleaked: {leaked:#?}");
    // A failed deployment has no execution to stop, and a forced deletion no artifact bucket.
    assert!(
        never.iter().all(|row| matches!(row.ways, [Way::Replaced | Way::StackReplaced])) && never.len() <= 8,
        "{never:#?}"
    );
}
