//! `--reuse-stack`: a run on a stack that an earlier run created and kept.
//!
//! The journal of that run says what the stack was deployed from, and locks it; its tag and its ARN prove that it is
//! still that stack. Whatever ends the run, the stack stays.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use anyhow::{Context, bail, ensure};
use render_verdict::picture::hashes::sha256_of_file;

use crate::{
    aws::{
        resources::{Place, Resource},
        stack_events::Doing,
        stacks,
    },
    cli::run::RunOptions,
    context::{flags, recovery},
    exit::{ExitCode, Failure, OrExit},
    run::{
        Run,
        deploy::{self, DeployedStack},
    },
    teardown::{
        inventory::{self, Hints},
        journal::{
            Journal, Known, StateFolder,
            record::{Deployed, Entry, RunState},
        },
    },
};

/// The run that created the stack that is to be reused; `None` where none is asked for.
pub(crate) fn find(states: &StateFolder, options: &RunOptions) -> anyhow::Result<Option<Known>> {
    let Some(stack) = &options.reuse_stack else { return Ok(None) };
    let all = states.runs_of(stack);
    // Of equals the last one: other targets may have had a stack of this name.
    let is_likely = |known: &&Known| {
        let begin = &known.state.begin;
        let endpoint = options.target.aws.endpoint_url.as_deref();
        (begin.target.endpoint() == endpoint, begin.region == options.target.region)
    };
    if let Some(kept) = all.iter().filter(|known| known.state.kept).max_by_key(is_likely) {
        ensure!(!kept.alive, "{}", in_use(stack.as_str()));
        return Ok(Some(kept.clone()));
    }
    match all.iter().max_by_key(|known| (known.alive, known.state.is_unfinished())) {
        Some(known) if known.alive => bail!("{}", in_use(stack.as_str())),
        Some(Known { state, .. }) if state.is_unfinished() => {
            let begin = &state.begin;
            bail!(
                "--reuse-stack {stack}: the run of {} did not come to its end, so its stack may be half created; remove \
                 it with: {}",
                begin.started_at,
                recovery(stack, &begin.run, &begin.target, &begin.region)
            )
        }
        _ => bail!(
            "--reuse-stack {stack}: no journal on this machine knows a stack of this name that a run kept, so nothing \
             was touched; create one with --keep-stack --stack-name {stack}"
        ),
    }
}

fn in_use(stack: &str) -> String {
    format!("--reuse-stack {stack}: another run is using the stack; wait for its end, or stop it with Ctrl-C")
}

/// A look at the journal locks it for a moment.
const LOOKS: u32 = 5;

/// Locks the stack for this run, and proves that it is the kept one, can be used, and was deployed from the same
/// template and parameters. Nothing is changed.
///
/// # Errors
/// When one of this is not so: what differs, and what to do.
pub(crate) async fn prove(run: &Run, kept: &RefCell<Known>) -> anyhow::Result<()> {
    let (stack, connection) = (&run.names.stack, run.connection());
    let known = kept.borrow().clone();
    let begin = &known.state.begin;
    ensure!(
        begin.is_at(&connection.account, &connection.access.region, &connection.access.target),
        "stack {stack} was kept in account {} ({}), and this is account {} ({}); give the flags of that run",
        begin.account,
        flags(&begin.target, &begin.region),
        connection.account,
        connection.flags()
    );
    let (journal, state) = lock(&known).await?.with_context(|| in_use(stack.as_str()))?;
    ensure!(
        state.kept,
        "stack {stack} was removed a moment ago; create another with --keep-stack --stack-name {stack}"
    );
    is_usable(run, &state).await?;
    let remove = run.recovery();
    let there = state.deployed.as_ref().with_context(|| {
        format!(
            "the journal does not say what stack {stack} was deployed from, as one of an earlier version of this tool; \
             remove it with: {remove}"
        )
    })?;
    let differences = differences(there, &sources(run)?);
    ensure!(
        differences.is_empty(),
        "stack {stack} was deployed from something else, and only another handler ZIP is deployed to a stack that is \
         reused: {}; give the same parameters, or remove it with: {remove}",
        differences.join("; ")
    );
    run.resources.replace(state.names.clone());
    kept.borrow_mut().state = state;
    // From here on the clean-up stops what still runs in the stack.
    let _ = run.journal.set(journal);
    Ok(())
}

async fn lock(known: &Known) -> anyhow::Result<Option<(Journal, RunState)>> {
    for _ in 1..LOOKS {
        if let Some(locked) = Journal::resume(known)? {
            return Ok(Some(locked));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Journal::resume(known)
}

/// Whether the stack of the journal is there, is still the run's, and no deployment of it is in progress.
async fn is_usable(run: &Run, state: &RunState) -> anyhow::Result<()> {
    let (names, connection) = (&run.names, run.connection());
    let (stack, remove) = (&names.stack, run.recovery());
    let place = Place { stack, account: &connection.account, region: &connection.access.region };
    let hints = Hints { runs: std::slice::from_ref(&names.owner), known: &state.names };
    let found = inventory::take(&connection.clients, place, hints).await?;
    let there = found.stack().with_context(|| {
        format!(
            "stack {stack} is gone; what may be left of it is removed by: {remove}; then keep another with --keep-stack"
        )
    })?;
    ensure!(
        found.run_of_stack().as_ref() == Some(&names.owner),
        "stack {stack} is not the one that run {} created and kept: someone replaced it, or took its tag, so it is left \
         alone; choose another --stack-name",
        names.owner
    );
    match there.status.as_str() {
        status if USABLE.contains(&status) => {}
        status if status.ends_with("_IN_PROGRESS") && !there.in_review() => {
            bail!("stack {stack} is {status}: wait until that has ended, then run this again")
        }
        status => bail!("stack {stack} is {status}, so it can't be reused; remove it with: {remove}"),
    }
    // sam uploads to the bucket that locks the name, and another run's lock says that it is at work here too.
    let locks: Vec<&str> = found.artifact_buckets.iter().map(|bucket| bucket.name.as_str()).collect();
    ensure!(
        locks == [names.artifact_bucket.as_str()] && found.artifact_buckets[0].is_tagged,
        "stack {stack} can't be reused without its bucket {}, or with that of another run ({}); remove it with: {remove}",
        names.artifact_bucket,
        locks.join(", ")
    );
    Ok(())
}

/// The states in which a stack renders and can be updated.
const USABLE: [&str; 3] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];

/// What a run deploys; the ZIPs are not there before they are built.
pub(crate) fn sources(run: &Run) -> anyhow::Result<Deployed> {
    let handler = run.record.borrow().handler.as_ref().map(|zip| zip.sha256.clone());
    let all = |handler: String| {
        let values = run.template.values(run.given.values());
        let others = run.template.other_zips(&values).into_iter().map(|(_, zip)| sha256_of_file(zip));
        let others = others.collect::<anyhow::Result<BTreeSet<String>>>()?;
        anyhow::Ok([handler].into_iter().chain(others).collect::<Vec<_>>().join(" "))
    };
    Ok(Deployed {
        zip: handler.map(all).transpose()?,
        template: sha256_of_file(&run.template.path)?,
        parameters: run.given.overrides.iter().cloned().collect(),
    })
}

/// What of template and parameters differs, in words.
fn differences(there: &Deployed, here: &Deployed) -> Vec<String> {
    let template = (there.template != here.template).then(|| "the template has changed since".to_owned());
    let names: BTreeSet<&String> = there.parameters.keys().chain(here.parameters.keys()).collect();
    let value = |of: &Deployed, name: &String| match of.parameters.get(name) {
        Some(value) => value.clone(),
        None => "the template's own".to_owned(),
    };
    let parameters = names.into_iter().filter(|name| there.parameters.get(*name) != here.parameters.get(*name));
    let parameters = parameters
        .map(|name| format!("parameter {name} is {} there and {} here", value(there, name), value(here, name)));
    template.into_iter().chain(parameters).collect()
}

/// Lets sam deploy the run's ZIP to the kept stack, unless it has that one, and proves again what is there.
pub(crate) async fn deploy(run: &Run, kept: &RefCell<Known>) -> Result<DeployedStack, Failure> {
    let (stack, state) = (&run.names.stack, kept.borrow().state.clone());
    let arn = state.names.of(Resource::Stack).next().context("the journal names no stack").or_exit(ExitCode::Deploy)?;
    let here = sources(run).or_exit(ExitCode::Deploy)?;
    if state.deployed.as_ref() == Some(&here) {
        run.step("deploy", &format!("stack {stack} is reused as it is: it has this handler ZIP"));
    } else {
        run.step("deploy", &format!("sam deploy {stack}, which is reused, with another handler ZIP"));
        // sam updates whatever has the name.
        let there = stacks::describe(&run.connection().clients, stack.as_str()).await.or_exit(ExitCode::Deploy)?;
        let there = there.filter(|there| there.id == *arn);
        let there =
            there.with_context(|| format!("stack {stack} is gone or has been replaced, so nothing is deployed"));
        let before = there.or_exit(ExitCode::Deploy)?.status;
        // Whatever ends the update halfway, the next run deploys again.
        let unknown = Deployed { zip: None, ..here.clone() };
        run.journal(Entry::Deployed(Box::new(unknown))).or_exit(ExitCode::Deploy)?;
        deploy::by_sam(run, arn, &before, Doing::Update).await?;
        run.journal(Entry::Deployed(Box::new(here))).or_exit(ExitCode::Deploy)?;
    }
    deploy::read_stack(run, arn).await.or_exit(ExitCode::Deploy)
}
