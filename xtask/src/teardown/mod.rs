//! The one way in which anything is deleted: prove, stop, empty, delete, verify.
//!
//! Success, failed gates, errors, panics and signals all end here, and so does
//! `lambda-teardown` after a crash.

pub mod delete;
pub mod inventory;
pub mod journal;
pub mod ours;
pub mod ownership;
pub mod proof;
pub mod rounds;
pub mod target;

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, anyhow, bail};
use serde_json::json;

use crate::{
    aws::resources::ResourceNames,
    cli::teardown::{TeardownOptions, TeardownSubject},
    console::text::counted,
    context::{self, Session},
    exit::{ExitCode, Failure, OrExit},
    project::names::{RunId, StackName},
    report::{
        artifacts::run_json,
        row::{Deletions, Proof},
    },
    teardown::{
        inventory::{Hints, Inventory},
        journal::{Known, StateFolder, record::Begin},
        ownership::{Decision, Ownership, StackOwnership},
        rounds::{all_unfinished, forget, forgettable},
        target::{TeardownContext, target_of},
    },
    tools::folder::Folder,
};

// `lambda-teardown`: a stack by name after any crash, or every unfinished run.

/// Tears down what the flags name.
///
/// # Errors
/// With exit code 1 when it may not be touched or is not known; with 7 when
/// something is left.
pub async fn run(session: &Session, args: &TeardownOptions) -> Result<ExitCode, Failure> {
    let states = StateFolder::of(&session.env).or_exit(ExitCode::Preflight)?;
    match args.subject() {
        TeardownSubject::Stack(stack) => one_stack(session, args, &states, &stack).await,
        TeardownSubject::Unfinished => all_unfinished(session, &states).await,
    }
}

async fn one_stack(
    session: &Session,
    args: &TeardownOptions,
    states: &StateFolder,
    stack: &StackName,
) -> Result<ExitCode, Failure> {
    let of_run = |known: &Known| args.run.as_ref().is_none_or(|run| *run == known.state.begin.run);
    let journaled: Vec<Known> = states.runs_of(stack).into_iter().filter(of_run).collect();
    if let Some(live) = journaled.iter().find(|known| known.alive) {
        let run = &live.state.begin.run;
        return Err(Failure::preflight(match live.state.kept {
            true => format!("a run is using stack {stack} of run {run}; stop it with Ctrl-C, then run this again"),
            false => format!("run {run} is still using stack {stack}; stop it with Ctrl-C, which cleans up too"),
        }));
    }
    if args.forget {
        return forget(session, stack, &journaled);
    }
    let Some(context) = context_for(session, args, stack, &journaled).await? else {
        session.console.result(&format!("nothing is left of {stack}: the embedded AWS that it was on has ended"));
        return Ok(ExitCode::Success);
    };
    // Journals of another account or region say nothing about this one.
    let (journaled, elsewhere): (Vec<Known>, Vec<Known>) = journaled.into_iter().partition(|k| context.is_home_of(k));
    let mut hints: Vec<RunId> = journaled.iter().map(|known| known.state.begin.run.clone()).collect();
    hints.extend(args.run.clone().filter(|run| !hints.contains(run)));
    let known = names_of(&journaled);
    let look = Hints { runs: &hints, known: &known };
    let (found, decision) =
        context.deleter.survey(stack, args.run.as_ref(), look).await.or_exit(ExitCode::Preflight)?;
    if let Some(there) = found.stack() {
        there.deletable(stack).or_exit(ExitCode::Preflight)?;
    }
    let ownership = match decision {
        Decision::Owned(Ownership { runs, stack: StackOwnership::Foreign(why), .. }) if args.force => {
            Ownership { runs, ..forced(session, args, stack, &found, &why).await.or_exit(ExitCode::Preflight)? }
        }
        Decision::Owned(ownership) => ownership,
        Decision::Nothing if journaled.is_empty() && args.run.is_none() => {
            return Err(unknown(stack, states, &context, &elsewhere));
        }
        Decision::Nothing => {
            let proof = context.deleter.prove_nothing(stack, &found, &hints, &known, &Decision::Nothing).await;
            let proof = proof.map_err(|error| context.leak(stack, &error))?;
            let code = conclude(session, stack, &context, &journaled, None, &proof)?;
            mention(session, &elsewhere);
            return Ok(code);
        }
        Decision::Foreign(why) if args.force => {
            forced(session, args, stack, &found, &why).await.or_exit(ExitCode::Preflight)?
        }
        Decision::Foreign(why) => {
            return Err(Failure::preflight(format!("{}; {FORCE_HINT}", not_a_runs(stack, &why))));
        }
    };
    session.console.step("teardown", &format!("{stack}: {}", ownership.evidence));
    let deleted = context.deleter.delete(stack, &found, &ownership, &known).await;
    let deleted = deleted.map_err(|error| context.leak(stack, &error))?;
    let proof = deleted.proof.clone();
    let code = conclude(session, stack, &context, &journaled, Some(deleted), &proof)?;
    mention(session, &elsewhere);
    match ownership.stack {
        StackOwnership::Foreign(why) => Err(Failure::preflight(format!("{}; {FORCE_HINT}", not_a_runs(stack, &why)))),
        _ => Ok(code),
    }
}

/// Where to look; `None` where all that the journals know was on an embedded AWS, which ends with its run.
async fn context_for(
    session: &Session,
    args: &TeardownOptions,
    stack: &StackName,
    journaled: &[Known],
) -> Result<Option<TeardownContext>, Failure> {
    let (target, region) = target_of(session, args, journaled).or_exit(ExitCode::Preflight)?;
    if target.is_embedded() {
        for known in journaled.iter().filter(|known| known.state.begin.target.is_embedded()) {
            known.finish().or_exit(ExitCode::Leak)?;
        }
        return Ok(None);
    }
    let connection = context::connect(session, target, &region).await.map_err(|error| match journaled.is_empty() {
        true => error,
        false => forgettable(&error, stack),
    });
    Ok(Some(TeardownContext::at(session, connection.or_exit(ExitCode::Preflight)?)))
}

/// Says what may be left of the same name where this did not look.
fn mention(session: &Session, elsewhere: &[Known]) {
    for Known { state, .. } in elsewhere.iter().filter(|known| known.state.may_have_left()) {
        let Begin { run, stack, target, region, account, .. } = &state.begin;
        if !target.is_embedded() {
            session.console.note(&format!(
                "a run on stack {stack} in account {account} left something too; remove it with: {}",
                context::recovery(stack, run, target, region)
            ));
        }
    }
}

const FORCE_HINT: &str = "`--force` deletes it anyway, after you type its name again";

fn not_a_runs(stack: &StackName, why: &str) -> String {
    format!("stack {stack} does not belong to a run, so it was not touched: {why}")
}

/// `--force`: the name, typed again, stands in for the tag.
async fn forced(
    session: &Session,
    args: &TeardownOptions,
    stack: &StackName,
    found: &Inventory,
    why: &str,
) -> anyhow::Result<Ownership> {
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            bail!("--force asks for the stack's name to be typed, and there is no terminal; add --yes");
        }
        session.console.say(&format!(
            "Stack {stack} does not belong to a run: {why}.\nThis deletes it with its buckets ({}) and the log groups of its functions. \
             Type its name to go on:",
            found.render_buckets.iter().map(|b| b.name.as_str()).collect::<Vec<_>>().join(", ")
        ));
        let typed = read_line().await.context("reading the stack's name")?;
        if typed.trim() != stack.as_str() {
            bail!("{:?} is not {stack}; nothing was touched", typed.trim());
        }
    }
    Ok(Ownership { runs: Vec::new(), stack: StackOwnership::Forced, evidence: "forced by the caller".to_owned() })
}

/// A line of the terminal, read on a thread of its own so that a signal ends the wait.
async fn read_line() -> anyhow::Result<String> {
    let (sender, line) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut typed = String::new();
        let _ = sender.send(std::io::stdin().lock().read_line(&mut typed).map(|_| typed));
    });
    Ok(line.await??)
}

/// Says how it ended, and closes the journals when everything is gone.
pub(crate) fn conclude(
    session: &Session,
    stack: &StackName,
    context: &TeardownContext,
    journaled: &[Known],
    deleted: Option<Deletions>,
    proof: &Proof,
) -> Result<ExitCode, Failure> {
    for known in journaled {
        save_proof(known, proof);
    }
    if !proof.clean {
        let leaks = proof.leaks().map(|c| format!("\n  {} {} ({:?}: {})", c.kind, c.name, c.state, c.evidence));
        return Err(
            context.leak(stack, &anyhow!("these are left, or can't be proved gone:{}", leaks.collect::<String>()))
        );
    }
    for known in journaled.iter().filter(|known| known.state.may_have_left()) {
        known.finish().or_exit(ExitCode::Leak)?;
    }
    let gone = counted(proof.resources.len(), "resource");
    // Where the stack is someone else's, its absence is not looked for.
    let theirs = proof.resources.iter().all(|check| check.kind != "stack");
    let line = match deleted {
        _ if theirs => format!("everything that runs left outside of stack {stack} is gone: {gone} verified absent"),
        Some(deleted) => {
            format!("{stack} is gone: {} deleted, {gone} verified absent", counted(deleted.objects_deleted, "object"))
        }
        None => format!("nothing is left of {stack}: {gone} verified absent"),
    };
    session.console.result(&line);
    Ok(ExitCode::Success)
}

/// The proof goes to the run's artifacts too, while they are that run's.
fn save_proof(known: &Known, proof: &Proof) {
    let Ok(folder) = Folder::open(&known.state.begin.artifacts) else { return };
    let run = run_json(&folder).unwrap_or_default();
    if run["runId"] == json!(known.state.begin.run)
        && let Ok(text) = serde_json::to_string_pretty(proof)
    {
        let _ = folder.write("cleanup-verification.json", text + "\n");
    }
}

fn names_of(journaled: &[Known]) -> ResourceNames {
    let names = journaled.iter().rev().map(|known| &known.state.names);
    names.into_iter().find(|names| !names.is_empty()).cloned().unwrap_or_default()
}

fn unknown(stack: &StackName, states: &StateFolder, context: &TeardownContext, elsewhere: &[Known]) -> Failure {
    if let Some(Known { state, .. }) = elsewhere.last() {
        let Begin { target, region, account, .. } = &state.begin;
        return Failure::preflight(format!(
            "there is no stack {stack} here ({}, account {}); its run was in account {account}: \
             use that account's credentials, and {}",
            context.flags,
            context.deleter.account,
            context::flags(target, region)
        ));
    }
    let mut names: Vec<String> = states.runs().into_iter().map(|known| known.state.begin.stack.to_string()).collect();
    names.sort_by_key(|name| strsim::levenshtein(name, stack.as_str()));
    names.dedup();
    let near = match names.as_slice() {
        [] => "no journal on this machine names a stack".to_owned(),
        names => format!("the nearest names in the journals: {}", names[..names.len().min(3)].join(", ")),
    };
    Failure::preflight(format!("neither AWS ({}) nor a journal knows a stack {stack}; {near}", context.flags))
}
