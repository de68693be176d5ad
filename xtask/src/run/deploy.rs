//! From a proof that the names are unused to a stack that is proved ours.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, anyhow, bail, ensure};
use execution_history::cost::Functions;
use futures_util::future::join_all;

use crate::{
    aws::{
        buckets::{self, BucketState, LISTED},
        change_sets,
        clients::Clients,
        executions,
        resources::{Resource, ResourceNames, function_log_group},
        signed_calls,
        stack_events::Doing,
        stacks::{self, IN_REVIEW},
    },
    context,
    exit::{ExitCode, Failure, OrExit},
    project::{
        names::{ArtifactBucketName, RunId},
        template::{StackNames, expression::Values},
    },
    run::{Run, advice::explained, reuse},
    teardown::{
        inventory::STACK_TAG,
        journal::{
            Journal,
            record::{Begin, Creation, Entry},
        },
        ours::{StackContents, run_of},
    },
};

/// The parts of a deployed stack that renders need.
pub(crate) struct DeployedStack {
    /// Its ARN.
    pub id: String,
    pub bucket: String,
    /// The state machine's ARN.
    pub machine: String,
    /// The sizes of its functions, where all of them are known.
    pub functions: Option<Functions>,
}

/// Proves that nothing of the run's names is there, or that the stack that it is to reuse may be. Another existing stack
/// would be updated by `sam deploy`, so it is refused while it is untouched.
pub(crate) async fn prove_unused(run: &Run) -> Result<(), Failure> {
    if let Some(kept) = &run.reused {
        return reuse::prove(run, kept).await.or_exit(ExitCode::Preflight);
    }
    let names = &run.names;
    let connection = run.connection();
    let clients = &connection.clients;
    let StackNames { functions, bucket, log_groups, .. } = names_in_stack(run);
    let looked = async {
        let (stack, name_locks, lock_state, bucket_state, functions, groups) = tokio::join!(
            stacks::describe(clients, names.stack.as_str()),
            name_locks(run),
            buckets::bucket_state(clients, names.artifact_bucket.as_str()),
            bucket_state(clients, bucket.as_deref()),
            join_all(functions.iter().map(|name| present(name, signed_calls::has_function(clients, name)))),
            join_all(log_groups.iter().map(|name| present(name, has_log_group(clients, name)))),
        );
        ensure!(stack?.is_none(), "{}", exists(run));
        let name_locks = name_locks?;
        let others: Vec<String> = name_locks
            .iter()
            .filter_map(|name| Some(run.recovery_of(&name.parse::<ArtifactBucketName>().ok()?.run())))
            .collect();
        ensure!(
            name_locks.is_empty(),
            "another run uses the stack name {} or left things of it ({}); choose another --stack-name, or, if that \
             run is not going on any more, anywhere, finish it: {}",
            names.stack,
            name_locks.join(", "),
            others.join("; ")
        );
        ensure!(lock_state? == BucketState::Absent, "bucket {} exists already", names.artifact_bucket);
        ensure!(bucket_state? == BucketState::Absent, "bucket {} exists already", bucket.unwrap_or_default());
        for (kind, found) in
            functions.into_iter().map(|f| ("function", f)).chain(groups.into_iter().map(|g| ("log group", g)))
        {
            if let Some(name) = found? {
                bail!("{kind} {name} exists already");
            }
        }
        anyhow::Ok(())
    };
    looked.await.or_exit(ExitCode::Preflight)
}

/// The names of the stack's resources, as far as the template determines them.
fn names_in_stack(run: &Run) -> StackNames {
    run.template.names(&values(run))
}

/// What the template's parameters, pseudo parameters and conditions stand for.
pub(super) fn values(run: &Run) -> Values {
    let connection = run.connection();
    run.template.values(run.names.values(&run.given, &connection.account, &connection.access.region))
}

/// A name that CloudFormation is going to make up is nobody's yet.
async fn bucket_state(clients: &Clients, name: Option<&str>) -> anyhow::Result<BucketState> {
    match name {
        Some(name) => buckets::bucket_state(clients, name).await,
        None => Ok(BucketState::Absent),
    }
}

/// The name, if something has it.
async fn present(name: &str, look: impl Future<Output = anyhow::Result<bool>>) -> anyhow::Result<Option<&str>> {
    Ok(look.await?.then_some(name))
}

async fn has_log_group(clients: &Clients, name: &str) -> anyhow::Result<bool> {
    Ok(signed_calls::log_group(clients, name).await?.is_some())
}

/// Locks the stack's name, deploys, and proves that what is there is this run's.
pub(crate) async fn deploy(run: &Run) -> Result<DeployedStack, Failure> {
    if let Some(kept) = &run.reused {
        return reuse::deploy(run, kept).await;
    }
    begin_journal(run).or_exit(ExitCode::Preflight)?;
    lock_name(run).await?;
    let names = &run.names;
    run.step("deploy", &format!("sam deploy {}", names.stack));
    let expected = expected_names(run);
    run.resources.replace(expected.clone());
    run.journal(Entry::Intent { resource: Creation::Stack { facts: Some(expected) } }).or_exit(ExitCode::Deploy)?;
    let stack_id = create_stack(run).await.or_exit(ExitCode::Deploy)?;
    by_sam(run, &stack_id, IN_REVIEW, Doing::Creation).await?;
    run.journal(Entry::Deployed(Box::new(reuse::sources(run).or_exit(ExitCode::Deploy)?))).or_exit(ExitCode::Deploy)?;
    let stack = read_stack(run, &stack_id).await.or_exit(ExitCode::Deploy)?;
    run.step("deploy", &format!("bucket {}", stack.bucket));
    Ok(stack)
}

/// Lets sam deploy into a stack whose status is `before`.
pub(crate) async fn by_sam(run: &Run, stack_id: &str, before: &str, doing: Doing) -> Result<(), Failure> {
    let deployment = run.names.deployment(&run.template, &run.given);
    let deployed = tokio::select! {
        biased;
        deployed = run.sam().deploy(&deployment) => deployed,
        // Its end stops sam, as that of any failure does.
        rival = late_rival(run) => return Err(rival),
        replaced = deleted_meanwhile(run, stack_id, before) => return Err(replaced),
    };
    match deployed {
        Ok(()) => Ok(()),
        Err(by_sam) => Err(Failure::new(ExitCode::Deploy, explained(run, stack_id, doing, by_sam).await)),
    }
}

/// Creates the stack, without anything in it, and gives its ARN. sam takes a stack in review for none, so without
/// this it would update a stack that someone else creates while it uploads.
async fn create_stack(run: &Run) -> anyhow::Result<String> {
    let (names, clients) = (&run.names, &run.connection().clients);
    let taken = change_sets::take_name(clients, &names.stack, &names.run).await?;
    let change_sets = change_sets::of_stack(clients, &taken.stack).await?;
    if change_sets.first().is_some_and(|first| run_of(&first.tags).as_ref() != Some(&names.run)) {
        change_sets::delete(clients, &taken).await?;
        bail!(
            "someone else created stack {} at this moment, so it is left alone; choose another --stack-name",
            names.stack
        );
    }
    let mut resources = run.resources.borrow_mut();
    resources.add(Resource::Stack, [taken.stack.clone()]);
    run.journal(Entry::Created { resource: Creation::Stack { facts: Some(resources.clone()) } })?;
    Ok(taken.stack)
}

/// What will be in the stack by names that are this run's alone: a run that is killed
/// while it deploys knows what it may have left. Names without the run's id may be anyone's.
fn expected_names(run: &Run) -> ResourceNames {
    let StackNames { functions, bucket, machine, log_groups } = names_in_stack(run);
    let connection = run.connection();
    let own = |name: &String| name.contains(run.names.run.as_str());
    let arn = |name: String| executions::machine_arn(&connection.access.region, &connection.account, &name);
    let mut names = ResourceNames::default();
    names.add(Resource::Bucket, bucket.filter(own));
    names.add(Resource::StateMachine, machine.filter(own).map(arn));
    names.add(Resource::Function, functions.into_iter().filter(own));
    names.add(Resource::LogGroup, log_groups.into_iter().filter(own));
    names
}

fn begin_journal(run: &Run) -> anyhow::Result<()> {
    let (names, connection) = (&run.names, run.connection());
    let begin = Begin {
        run: names.run.clone(),
        stack: names.stack.clone(),
        project: names.project.clone(),
        target: connection.access.target.clone(),
        region: connection.access.region.clone(),
        account: connection.account.clone(),
        artifacts: run.artifacts.dir().to_owned(),
        started_at: context::now_rfc3339(),
    };
    let _ = run.journal.set(Journal::begin(&run.states, begin)?);
    Ok(())
}

/// Creates the artifact bucket, whose tags lock the stack's name. Of two runs
/// that lock one name at the same moment, neither continues.
async fn lock_name(run: &Run) -> Result<(), Failure> {
    let (names, connection) = (&run.names, run.connection());
    let bucket = &names.artifact_bucket;
    let resource = || Creation::ArtifactBucket { name: bucket.clone() };
    run.journal(Entry::Intent { resource: resource() }).or_exit(ExitCode::Deploy)?;
    let tags = [(RunId::TAG, names.run.as_str()), (STACK_TAG, names.stack.as_str())];
    buckets::create_bucket(&connection.clients, bucket.as_str(), &connection.access.region, &tags)
        .await
        .or_exit(ExitCode::Deploy)?;
    run.journal(Entry::Created { resource: resource() }).or_exit(ExitCode::Deploy)?;
    // The build may have taken minutes; sam would update a stack that came up meanwhile.
    let (name_locks, stack) =
        tokio::join!(name_locks(run), stacks::describe(&connection.clients, names.stack.as_str()),);
    if let Some(rival) = rival(run, &name_locks.or_exit(ExitCode::Deploy)?) {
        return Err(rival);
    }
    if stack.or_exit(ExitCode::Deploy)?.is_some() {
        return Err(Failure::preflight(exists(run)));
    }
    Ok(())
}

/// All locks on the stack's name, by their buckets.
async fn name_locks(run: &Run) -> anyhow::Result<Vec<String>> {
    let connection = run.connection();
    let prefix = [ArtifactBucketName::prefix_of(&run.names.stack, &connection.access.region)];
    buckets::buckets_starting(&connection.clients, &prefix).await
}

/// Another run's lock on the name, among these.
fn rival(run: &Run, name_locks: &[String]) -> Option<Failure> {
    let names = &run.names;
    let others: Vec<&str> =
        name_locks.iter().map(String::as_str).filter(|name| *name != names.artifact_bucket.as_str()).collect();
    (!others.is_empty()).then(|| {
        let why = format!("another run took the stack name {} at the same time ({})", names.stack, others.join(", "));
        Failure::preflight(why)
    })
}

/// Another run with this stack's name that was in no list yet; while sam uploads there is time for another
/// look. Generated names are unique. Where that is not known, there is nothing to wait for.
async fn late_rival(run: &Run) -> Failure {
    if run.options.stack_name.is_some() {
        tokio::time::sleep(LISTED).await;
        if let Some(rival) = name_locks(run).await.ok().and_then(|name_locks| rival(run, &name_locks)) {
            return rival;
        }
    }
    std::future::pending().await
}

/// How often a stack that sam has not filled yet is looked at.
const LOOK: Duration = Duration::from_secs(3);

/// Waits until someone has deleted the run's stack while it was as `before`. sam, which may upload for minutes, would
/// update whatever has the name by then. What can't be seen is seen after the deployment.
async fn deleted_meanwhile(run: &Run, stack_id: &str, before: &str) -> Failure {
    loop {
        tokio::time::sleep(LOOK).await;
        match stacks::describe(&run.connection().clients, stack_id).await {
            Ok(None) => {
                let why = format!(
                    "someone deleted stack {} while sam uploaded, so nothing is deployed; run this again",
                    run.names.stack
                );
                return Failure::new(ExitCode::Deploy, anyhow!(why));
            }
            Ok(Some(stack)) if stack.status != before => return std::future::pending().await,
            Ok(Some(_)) | Err(_) => {}
        }
    }
}

fn exists(run: &Run) -> String {
    format!(
        "stack {0} exists already and is left untouched; a run creates its own stack: choose another --stack-name, \
         or none, or, if it is a run's that is not going on any more, anywhere: cargo xtask lambda-teardown {0} {1}",
        run.names.stack,
        run.connection().flags()
    )
}

/// Reads what was deployed. Nothing is used before it is proved to be in this run's stack.
pub(crate) async fn read_stack(run: &Run, stack_id: &str) -> anyhow::Result<DeployedStack> {
    let clients = &run.connection().clients;
    let contents = proved_contents(run, stack_id).await?;
    let bucket = contents.named(&run.template.bucket.logical_id, Resource::Bucket)?;
    let arn = contents.named(&run.template.machine.logical_id, Resource::StateMachine)?;
    let planner = contents.named(&run.template.planner, Resource::Function)?;
    let functions: Vec<&str> = contents.names(Resource::Function).collect();
    let (machine, sizes) =
        tokio::join!(executions::new_machine(clients, &arn), sizes(clients, &planner, functions.iter().copied()));
    let machine = machine?.with_context(|| format!("state machine {arn} is not there"))?;
    let mut resources = ResourceNames::default();
    resources.add(Resource::Stack, [contents.stack.id.clone()]);
    resources.add(Resource::Bucket, [bucket.clone()]);
    resources.add(Resource::StateMachine, [arn.clone()]);
    resources.add(Resource::Function, functions.iter().copied().map(str::to_owned));
    resources.add(Resource::LogGroup, functions.iter().copied().map(function_log_group));
    resources.add(Resource::LogGroup, run.resources.borrow().of(Resource::LogGroup).cloned());
    resources.add(Resource::LogGroup, machine.log_groups);
    run.journal(Entry::Created { resource: Creation::Stack { facts: Some(resources.clone()) } })?;
    *run.resources.borrow_mut() = resources;
    Ok(DeployedStack { id: contents.stack.id, bucket, machine: arn, functions: sizes })
}

/// What is in the run's stack, once it is proved to be that one.
pub(super) async fn proved_contents(run: &Run, stack_id: &str) -> anyhow::Result<StackContents> {
    let (names, clients) = (&run.names, &run.connection().clients);
    let there = stacks::describe(clients, names.stack.as_str()).await?;
    let there = there.with_context(|| format!("stack {} does not exist after its deployment", names.stack))?;
    let is_tagged = run_of(&there.tags).as_ref() == Some(&names.owner);
    ensure!(is_tagged, "stack {} does not carry this run's tag: it is not this run's", names.stack);
    ensure!(
        there.id == stack_id,
        "stack {} is {}, and this run created {stack_id}: someone replaced it, so it is left alone",
        names.stack,
        there.id
    );
    StackContents::read(clients, there).await
}

/// The sizes of the functions, if all are readable: only figures outside of the verdict depend on them.
pub(super) async fn sizes(
    clients: &Clients,
    planner: &str,
    functions: impl Iterator<Item = &str>,
) -> Option<Functions> {
    let size = async |name| Some((String::from(name), signed_calls::function_size(clients, name).await.ok()??));
    let by_name: Option<BTreeMap<_, _>> = join_all(functions.map(size)).await.into_iter().collect();
    let by_name = by_name?;
    Some(Functions { main: *by_name.get(planner)?, by_name })
}
