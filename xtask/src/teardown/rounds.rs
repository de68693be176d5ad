//! Deleting one run's resources until nothing of it turns up any more.

use std::time::Duration;

use anyhow::{anyhow, bail};

use crate::{
    aws::{faults::Refused, resources::ResourceNames},
    console::text::counted,
    context::{self, Session},
    exit::{ExitCode, Failure, OrExit},
    project::names::{RunId, StackName},
    report::row::{Deletions, Proof},
    teardown::{
        conclude,
        delete::Deleter,
        inventory::Hints,
        journal::{Known, StateFolder, complaint},
        ownership::{Decision, StackOwnership},
        proof::is_only_undeletable,
        target::TeardownContext,
    },
};

/// A call that was cut off by a signal may still create something after the
/// first look, so it is looked again until a look finds nothing and the proof agrees.
const ROUNDS: u32 = 4;

/// A step that fails is tried once more: what is left costs money until someone finishes it.
const TRIES: u32 = 3;

/// After each try and each round, as S3 and CloudFormation may be a moment behind.
const BETWEEN_TRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(5)];

/// How long a call that a signal cut off may still take to create its thing.
const IN_FLIGHT: Duration = Duration::from_secs(3);

/// Deletes everything of `run` under the name `stack`, and nothing else. The
/// proof says whether all of it is gone.
///
/// # Errors
/// When a step fails; what is left can be deleted again.
pub async fn delete_run(
    deleter: &Deleter,
    stack: &StackName,
    run: &RunId,
    known: &ResourceNames,
) -> anyhow::Result<(Vec<Deletions>, Proof)> {
    let mut all = Vec::new();
    let mut round = 1;
    loop {
        match one_round(deleter, stack, run, known, &mut all).await {
            Ok(proof) if proof.clean || is_only_undeletable(&proof) || round == ROUNDS => return Ok((all, proof)),
            Ok(_) => tokio::time::sleep(BETWEEN_TRIES[0]).await,
            Err(error) if round >= TRIES || Refused::for_good(&error) => return Err(error),
            Err(error) => {
                deleter.console.step("teardown", &format!("retrying after an error: {error:#}"));
                tokio::time::sleep(BETWEEN_TRIES[round as usize - 1]).await;
            }
        }
        round += 1;
    }
}

async fn one_round(
    deleter: &Deleter,
    stack: &StackName,
    run: &RunId,
    known: &ResourceNames,
    all: &mut Vec<Deletions>,
) -> anyhow::Result<Proof> {
    let runs = std::slice::from_ref(run);
    let hints = Hints { runs, known };
    let (mut found, mut decision) = deleter.survey(stack, Some(run), hints).await?;
    if found.stack().is_none() && all.is_empty() {
        tokio::time::sleep(IN_FLIGHT).await;
        (found, decision) = deleter.survey(stack, Some(run), hints).await?;
    }
    match decision {
        Decision::Owned(ownership) => {
            if let StackOwnership::Foreign(why) = &ownership.stack {
                left_alone(deleter, stack, why);
            }
            let deleted = deleter.delete(stack, &found, &ownership, known).await?;
            let proof = deleted.proof.clone();
            all.push(deleted);
            Ok(proof)
        }
        decision => {
            if let Decision::Foreign(why) = &decision {
                left_alone(deleter, stack, why);
            }
            deleter.prove_nothing(stack, &found, runs, known, &decision).await
        }
    }
}

fn left_alone(deleter: &Deleter, stack: &StackName, why: &str) {
    deleter.console.step("teardown", &format!("stack {stack} is left alone: {why}"));
}

// Runs that ended without clean-up: finished one by one, or forgotten.

/// Finishes every run that ended without clean-up, each on its own target.
pub(crate) async fn all_unfinished(session: &Session, states: &StateFolder) -> Result<ExitCode, Failure> {
    let (unfinished, unreadable) = (states.unfinished(), states.unreadable());
    for path in &unreadable {
        session.console.say(&format!("error: {}", complaint(path)));
    }
    if unfinished.is_empty() && unreadable.is_empty() {
        session.console.result("no run is unfinished");
        return Ok(ExitCode::Success);
    }
    let mut failures: Vec<String> = unreadable.iter().map(|path| path.display().to_string()).collect();
    for known in &unfinished {
        if let Err(error) = finish_one(session, known).await {
            session.console.say(&format!("error: {}: {error:#}", known.state.begin.stack));
            failures.push(known.state.begin.stack.to_string());
        }
    }
    if failures.is_empty() {
        return Ok(ExitCode::Success);
    }
    let error = anyhow!(
        "{} of {} runs could not be finished: {}",
        failures.len(),
        unfinished.len() + unreadable.len(),
        failures.join(", ")
    );
    Err(Failure::new(ExitCode::Leak, error))
}

async fn finish_one(session: &Session, known: &Known) -> anyhow::Result<()> {
    let begin = &known.state.begin;
    if begin.target.is_embedded() {
        session.console.result(&format!("{} is gone: the embedded AWS that it was on has ended", begin.stack));
        return known.finish();
    }
    let connection = context::connect(session, begin.target.clone(), &begin.region).await;
    let context = TeardownContext::at(session, connection.map_err(|error| forgettable(&error, &begin.stack))?);
    if !context.is_home_of(known) {
        bail!(
            "its run was in account {}, but these credentials are for account {}",
            begin.account,
            context.deleter.account
        );
    }
    let (_, proof) = delete_run(&context.deleter, &begin.stack, &begin.run, &known.state.names).await?;
    conclude(session, &begin.stack, &context, std::slice::from_ref(known), None, &proof)
        .map(|_| ())
        .map_err(|failure| failure.error)
}

/// What to do when a run's AWS is not there any more.
pub(crate) fn forgettable(error: &anyhow::Error, stack: &StackName) -> anyhow::Error {
    anyhow!("{error:#}; if that AWS is gone for good: cargo xtask lambda-teardown {stack} --forget")
}

/// `--forget`: closes the journals, and promises nothing.
pub(crate) fn forget(session: &Session, stack: &StackName, journaled: &[Known]) -> Result<ExitCode, Failure> {
    let open: Vec<&Known> = journaled.iter().filter(|known| known.state.is_unfinished()).collect();
    if open.is_empty() {
        return Err(Failure::preflight(format!("no journal on this machine lists an unfinished run on stack {stack}")));
    }
    for known in &open {
        known.forget().or_exit(ExitCode::Leak)?;
    }
    let reported =
        format!("{} of {stack}: the journal is closed; AWS was not checked for leftovers", counted(open.len(), "run"));
    session.console.result(&reported);
    Ok(ExitCode::Success)
}
