//! What the fake account holds, and how stacks come to it and go from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::Value;

use super::{executions::Execution, render::Renders};

/// The account's number.
pub(crate) const ACCOUNT: &str = "123456789012";

/// Everything in the account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) machines: BTreeMap<String, Machine>,
    pub(crate) functions: BTreeSet<String>,
    /// The updates of their configurations: the function, and what was sent.
    pub(crate) updates: Vec<(String, Value)>,
    /// Whether the last of them is still going on.
    pub(crate) is_updating: bool,
    /// Whether the variables of functions can't be decrypted.
    pub(crate) hides_variables: bool,
    /// When each was created, milliseconds since 1970.
    pub(crate) log_groups: BTreeMap<String, i64>,
    /// What functions have logged: the instance, and what it said.
    pub(crate) function_log: Vec<(&'static str, String)>,
    pub(crate) executions: BTreeMap<String, Execution>,
    /// How many executions of functions at once are not reserved.
    pub(crate) unreserved: u64,
    /// The ids of the keys that calls were signed with.
    pub(crate) signed_by: BTreeSet<String>,
    /// How executions go.
    pub(crate) renders: Renders,
    /// Whether the buckets of stacks get the stack's tags, as on AWS.
    pub(crate) tags_buckets: bool,
    /// The resources that CloudFormation failed at, newest first: name, status and reason.
    pub(crate) stack_failures: Vec<[&'static str; 3]>,
    /// A stack's bucket, which CloudFormation names, is in no list before the stack goes.
    pub(crate) bucket_comes_late: bool,
    /// Functions outlive their stack.
    pub(crate) functions_linger: bool,
    /// Stacks have a second function, which CloudFormation names, and whose log group Lambda creates.
    pub(crate) has_second_function: bool,
    /// Log groups outlive their stack.
    pub(crate) log_groups_linger: bool,
    /// CloudFormation has rolled back what it failed to create.
    pub(crate) rolls_back: bool,
    /// What stacks no longer list, by physical id.
    pub(crate) unlisted: BTreeSet<String>,
    /// What happens when an artifact bucket is created.
    pub(crate) rival: Option<Rival>,
    /// The stacks that the fake sam has made, a file each.
    stack_files: PathBuf,
    pub(super) stacks: BTreeMap<String, Stack>,
    /// Deleted stacks, by ARN, with their names.
    deleted_stacks: BTreeMap<String, (String, Stack)>,
    stacks_created: usize,
    /// The change sets of stacks in review, oldest first.
    pub(crate) change_sets: Vec<ChangeSet>,
}

/// A change set that was not executed.
#[derive(Debug, Clone)]
pub(crate) struct ChangeSet {
    pub(crate) name: String,
    /// The run whose tag it has; none, where empty.
    pub(crate) run: String,
    /// The ARN of its stack.
    pub(crate) stack: String,
}

/// The status of a stack that is nothing but its change sets.
pub(crate) const IN_REVIEW: &str = "REVIEW_IN_PROGRESS";

/// Who is at work at the same moment as a run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rival {
    /// Another run, which locks the same name.
    TakesTheName,
    /// Someone who deploys a stack of this name.
    Deploys(&'static str),
    /// Someone else in this account, who creates this very bucket a moment earlier, and puts something into it.
    Fills,
    /// The same, who tags it.
    Tags,
}

/// A bucket.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) tags: Vec<(String, String)>,
    /// Contents by key and version; `None` is a delete marker.
    pub(crate) objects: BTreeMap<(String, String), Option<Vec<u8>>>,
    /// Multipart uploads by key and id.
    pub(crate) uploads: BTreeSet<(String, String)>,
}

/// A state machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) log_group: String,
}

/// What the fake sam noted of a stack.
#[derive(Debug, Default, Clone)]
pub(crate) struct Stack {
    pub(crate) project: String,
    pub(crate) run: String,
    pub(crate) artifacts: String,
    pub(crate) status: String,
    pub(crate) protected: bool,
    /// What its outputs name, where that is not what is in it: bucket, function, state machine.
    pub(crate) outputs: [String; 3],
    /// The ids of what it failed to create, as the names were taken.
    pub(crate) taken: BTreeSet<String>,
    /// What it lists in addition to its own: type, id and status.
    pub(crate) listed: Vec<[String; 3]>,
    /// Its ARN.
    pub(crate) id: String,
}

/// When the log groups of stacks are created: after any stack.
pub(crate) const NOW_MS: i64 = 1_900_000_000_000;

impl Account {
    pub(crate) fn new(stack_files: PathBuf) -> Self {
        Self { stack_files, unreserved: 1000, tags_buckets: true, ..Self::default() }
    }

    /// Makes what new stacks hold, and removes what vanished ones held.
    pub(crate) fn follow_stacks(&mut self) {
        let there = self.read_stacks();
        let gone: Vec<String> = self.stacks.keys().filter(|name| !there.contains_key(*name)).cloned().collect();
        for name in gone {
            let stack = self.stacks.remove(&name).expect("its name was listed");
            self.remove(&name, &stack);
            self.change_sets.retain(|set| set.stack != stack.id);
            self.deleted_stacks.insert(stack.id.clone(), (name, stack));
        }
        for (name, mut stack) in there {
            match self.stacks.get(&name) {
                // The execution of a change set keeps the stack, and takes the others.
                Some(there) if there.status == IN_REVIEW && stack.status != IN_REVIEW => {
                    stack.id.clone_from(&there.id);
                    self.change_sets.retain(|set| set.stack != stack.id);
                }
                Some(_) => continue,
                None => {
                    self.stacks_created += 1;
                    let nth = self.stacks_created;
                    stack.id = format!("arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/{name}/{nth}");
                }
            }
            self.create(&name, &mut stack);
            self.stacks.insert(name, stack);
        }
    }

    fn read_stacks(&self) -> BTreeMap<String, Stack> {
        let files = fs::read_dir(&self.stack_files).expect("the folder of stacks is there").flatten();
        files
            .filter_map(|file| {
                // One that is deleted at this moment is gone; others are whole, as they are renamed.
                let text = fs::read_to_string(file.path()).ok()?;
                let field = |name: &str| {
                    text.lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                        .unwrap_or_default()
                        .to_owned()
                };
                let stack = Stack {
                    project: field("project"),
                    run: field("run"),
                    artifacts: field("artifacts"),
                    status: field("status"),
                    protected: field("protected") == "true",
                    outputs: ["bucket", "function", "machine"].map(field),
                    ..Stack::default()
                };
                Some((file.file_name().to_string_lossy().into_owned(), stack))
            })
            .collect()
    }

    fn create(&mut self, name: &str, stack: &mut Stack) {
        let project = stack.project.clone();
        if project.is_empty() {
            return;
        }
        let tags = tags_of(stack);
        stack.taken =
            stack.ids().into_iter().filter(|(kind, id)| self.is_taken(kind, id, &tags)).map(|(_, id)| id).collect();
        if !self.bucket_comes_late {
            let bucket = self.bucket_of(name, stack);
            self.buckets.entry(format!("{project}-{ACCOUNT}")).or_insert(bucket);
        }
        if let Some(artifacts) = self.buckets.get_mut(&stack.artifacts) {
            artifacts.put("stack/handler.zip", "null", b"zip");
        }
        let log_group = format!("/aws/vendedlogs/states/{project}-render");
        for log_group in [log_group.clone(), format!("/aws/lambda/{project}-render")] {
            self.log_groups.entry(log_group).or_insert(NOW_MS);
        }
        self.functions.insert(format!("{project}-render"));
        if self.has_second_function {
            self.functions.insert(second_function(name));
            self.log_groups.insert(format!("/aws/lambda/{}", second_function(name)), NOW_MS);
        }
        self.machines.entry(machine_arn(&project)).or_insert(Machine { tags, log_group });
    }

    /// Whether something that a stack with these tags did not create has the name.
    fn is_taken(&self, kind: &str, id: &str, tags: &[(String, String)]) -> bool {
        match kind {
            "AWS::S3::Bucket" => self.buckets.get(id).is_some_and(|bucket| !bucket.tags.starts_with(tags)),
            "AWS::Lambda::Function" => self.functions.contains(id),
            "AWS::StepFunctions::StateMachine" => self.machines.contains_key(id),
            _ => self.log_groups.contains_key(id),
        }
    }

    fn bucket_of(&self, name: &str, stack: &Stack) -> Bucket {
        let mut bucket = Bucket::default();
        if self.tags_buckets {
            bucket.tags = tags_of(stack);
            bucket.tags.push(("aws:cloudformation:stack-name".to_owned(), name.to_owned()));
            bucket.tags.push(("aws:cloudformation:stack-id".to_owned(), stack.id.clone()));
        }
        bucket
    }

    /// What a template whose bucket is retained lets go.
    fn remove(&mut self, name: &str, stack: &Stack) {
        if self.bucket_comes_late {
            let mut bucket = self.bucket_of(name, stack);
            bucket.put("projects/late", "null", b"data");
            self.buckets.insert(format!("{name}-renderbucket-1x2y3z"), bucket);
        }
        for (kind, id) in stack.ids().into_iter().filter(|(_, id)| !stack.taken.contains(id)) {
            match kind {
                "AWS::Logs::LogGroup" if !self.log_groups_linger => _ = self.log_groups.remove(&id),
                "AWS::Lambda::Function" if !self.functions_linger => _ = self.functions.remove(&id),
                "AWS::StepFunctions::StateMachine" => _ = self.machines.remove(&id),
                _ => {}
            }
        }
        if !self.functions_linger {
            self.functions.remove(&second_function(name));
        }
    }

    /// A stack and its name, as CloudFormation knows it by its name or its ARN.
    pub(crate) fn stack(&self, asked: &str) -> Option<(String, Stack)> {
        let standing = self.stacks.iter().find(|(name, stack)| *name == asked || stack.id == asked);
        let standing = standing.map(|(name, stack)| (name.clone(), stack.clone()));
        standing.or_else(|| {
            let (name, stack) = self.deleted_stacks.get(asked)?.clone();
            Some((name, Stack { status: "DELETE_COMPLETE".to_owned(), ..stack }))
        })
    }

    /// Changes a stack that stands.
    pub(crate) fn change_stack(&mut self, name: &str, change: impl FnOnce(&mut Stack)) {
        change(self.stacks.get_mut(name).unwrap());
    }

    /// Adds a change set to a stack in review, which it creates where there is none.
    pub(crate) fn add_change_set(&mut self, stack: &str, name: &str, run: &str) {
        if !self.stacks.contains_key(stack) {
            self.add_stack(stack, &format!("status={IN_REVIEW}\n"));
        }
        let stack = self.stacks[stack].id.clone();
        self.change_sets.push(ChangeSet { name: name.to_owned(), run: run.to_owned(), stack });
    }

    /// Deletes a stack with what is in it.
    pub(crate) fn delete_stack(&mut self, name: &str) {
        fs::remove_file(self.stack_files.join(name)).unwrap();
        self.follow_stacks();
    }

    /// A stack of any content, by the lines of its file.
    pub(crate) fn add_stack(&mut self, name: &str, lines: &str) {
        fs::write(self.stack_files.join(name), lines).unwrap();
        self.follow_stacks();
    }

    /// A stack that no run has made, with a bucket that holds something.
    pub(crate) fn add_foreign(&mut self, stack: &str, project: &str) {
        fs::write(self.stack_files.join(stack), format!("project={project}\nrun=\nartifacts=\n")).unwrap();
        self.follow_stacks();
        self.buckets.get_mut(&format!("{project}-{ACCOUNT}")).unwrap().put("precious", "null", b"data");
    }

    /// A line for each thing, sorted: what a leak would add to.
    pub(crate) fn listing(&self) -> Vec<String> {
        let objects = |bucket: &Bucket| bucket.objects.len() + bucket.uploads.len();
        let mut lines: Vec<String> = self.stacks.keys().map(|name| format!("stack {name}")).collect();
        lines.extend(self.buckets.iter().map(|(name, bucket)| format!("bucket {name} ({} objects)", objects(bucket))));
        lines.extend(self.machines.keys().map(|arn| format!("stateMachine {arn}")));
        lines.extend(self.functions.iter().map(|name| format!("function {name}")));
        lines.extend(self.log_groups.keys().map(|name| format!("logGroup {name}")));
        lines.extend(
            self.executions.values().filter(|e| e.is_running()).map(|e| format!("running execution {}", e.name)),
        );
        lines.sort();
        lines
    }
}

fn tags_of(stack: &Stack) -> Vec<(String, String)> {
    match stack.run.as_str() {
        "" => Vec::new(),
        run => vec![("HyperframesSmokeRun".to_owned(), run.to_owned())],
    }
}

impl Stack {
    /// Types and physical ids of what it has.
    pub(crate) fn ids(&self) -> Vec<(&'static str, String)> {
        let project = &self.project;
        if project.is_empty() {
            return Vec::new();
        }
        vec![
            ("AWS::Lambda::Function", format!("{project}-render")),
            ("AWS::StepFunctions::StateMachine", machine_arn(project)),
            ("AWS::Logs::LogGroup", format!("/aws/lambda/{project}-render")),
            ("AWS::Logs::LogGroup", format!("/aws/vendedlogs/states/{project}-render")),
            ("AWS::S3::Bucket", format!("{project}-{ACCOUNT}")),
        ]
    }
}

impl Bucket {
    pub(crate) fn put(&mut self, key: &str, version: &str, content: &[u8]) {
        self.objects.insert((key.to_owned(), version.to_owned()), Some(content.to_vec()));
    }

    /// Old versions, delete markers and an unfinished upload, as in a bucket with a history.
    pub(crate) fn litter(&mut self) {
        for version in ["null", "v1", "v2", "v3"] {
            self.put("a & b/<odd> \"key\" ü+1", version, b"old");
        }
        self.put("\u{1} is not in XML", "v1", b"old");
        self.objects.insert(("deleted".to_owned(), "v4".to_owned()), None);
        self.uploads.insert(("half + \u{1}".to_owned(), "upload-1".to_owned()));
    }
}

/// The name that CloudFormation makes up for the second function of a stack.
pub(crate) fn second_function(stack: &str) -> String {
    format!("{stack}-ChunkFunction-A1b2C3d4E5f6")
}

pub(super) fn machine_arn(project: &str) -> String {
    format!("arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{project}-render")
}
