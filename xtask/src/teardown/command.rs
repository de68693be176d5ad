//! `lambda-teardown`: a stack by name after any crash, or every unfinished run.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, anyhow, bail};
use serde_json::json;

use super::{Claim, Decision, Inventory, Proof, StackClaim, Sweeper, Swept, sweep_run};
use crate::{
    aws::Target,
    cli::{TargetChoice, TeardownArgs, TeardownSubject},
    connect,
    exit::{ExitCode, Failure, OrExit},
    journal::{Known, StackFacts, StateFolder},
    names::{Region, RunId, StackName},
    preflight::{self, Purpose},
    report::counted,
    session::Session,
};

/// Tears down what the flags name.
///
/// # Errors
/// With exit code 1 when it may not be touched or is not known; with 7 when
/// something is left.
pub async fn run(session: &Session, args: &TeardownArgs) -> Result<ExitCode, Failure> {
    let states = StateFolder::of(&session.env).or_exit(ExitCode::Preflight)?;
    match args.subject() {
        TeardownSubject::Stack(stack) => one_stack(session, args, &states, &stack).await,
        TeardownSubject::Unfinished => all_unfinished(session, &states).await,
    }
}

/// What one teardown works with.
struct Site {
    sweeper: Sweeper,
    // Holds the log folder as long as sam may write to it.
    _logs: tempfile::TempDir,
    flags: String,
    endpoint: Option<String>,
}

async fn one_stack(
    session: &Session,
    args: &TeardownArgs,
    states: &StateFolder,
    stack: &StackName,
) -> Result<ExitCode, Failure> {
    let journaled = states.runs_of(stack);
    if let Some(live) = journaled.iter().find(|known| known.alive) {
        return Err(Failure::preflight(format!(
            "run {} is still using stack {stack}; stop it with Ctrl-C, which cleans up too",
            live.state.begin.run
        )));
    }
    let (target, region) = target_of(session, args, &journaled).or_exit(ExitCode::Preflight)?;
    if let Target::Embedded { .. } = target {
        for known in journaled.iter().filter(|known| matches!(known.state.begin.target, Target::Embedded { .. })) {
            known.finish().or_exit(ExitCode::Leak)?;
        }
        session.console.result(&format!("nothing is left of {stack}: the embedded AWS that it was on has ended"));
        return Ok(ExitCode::Success);
    }
    let site = site(session, target, &region).await.or_exit(ExitCode::Preflight)?;
    // Journals of another account or region say nothing about this one.
    let journaled: Vec<Known> = journaled.into_iter().filter(|known| site.is_home_of(known)).collect();
    let hints: Vec<RunId> = journaled.iter().map(|known| known.state.begin.run.clone()).collect();
    let (found, decision) = site.sweeper.survey(stack, None, &hints).await.or_exit(ExitCode::Preflight)?;
    if let Some(there) = &found.stack {
        there.deletable(stack).or_exit(ExitCode::Preflight)?;
    }
    let claim = match decision {
        Decision::Owned(Claim { runs, stack: StackClaim::Foreign(why), .. }) if args.force => {
            Claim { runs, ..forced(session, args, stack, &found, &why).await.or_exit(ExitCode::Preflight)? }
        }
        Decision::Owned(claim) => claim,
        Decision::Nothing if journaled.is_empty() => return Err(unknown(stack, states, &site)),
        Decision::Nothing => {
            let facts = facts_of(&journaled);
            let proof = site.sweeper.prove_nothing(stack, &found, &hints, &facts, &Decision::Nothing).await;
            return conclude(session, stack, &site, &journaled, None, &proof);
        }
        Decision::Foreign(why) if args.force => {
            forced(session, args, stack, &found, &why).await.or_exit(ExitCode::Preflight)?
        }
        Decision::Foreign(why) => {
            return Err(Failure::preflight(format!("{}; {FORCE_HINT}", not_a_runs(stack, &why))));
        }
    };
    session.console.step("teardown", &format!("{stack}: {}", claim.evidence));
    let swept = site.sweeper.sweep(stack, &found, &claim, &facts_of(&journaled)).await;
    let swept = swept.map_err(|error| site.leak(stack, &error))?;
    let proof = swept.proof.clone();
    let code = conclude(session, stack, &site, &journaled, Some(swept), &proof)?;
    match claim.stack {
        StackClaim::Foreign(why) => Err(Failure::preflight(format!("{}; {FORCE_HINT}", not_a_runs(stack, &why)))),
        _ => Ok(code),
    }
}

const FORCE_HINT: &str = "`--force` deletes it all the same, after its name is typed again";

fn not_a_runs(stack: &StackName, why: &str) -> String {
    format!("stack {stack} is not a run's and is left untouched: {why}")
}

/// `--force`: the name, typed again, stands in for the tag.
async fn forced(
    session: &Session,
    args: &TeardownArgs,
    stack: &StackName,
    found: &Inventory,
    why: &str,
) -> anyhow::Result<Claim> {
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            bail!("--force asks for the stack's name to be typed, and there is no terminal; add --yes");
        }
        session.console.say(&format!(
            "Stack {stack} is not a run's: {why}.\nThis deletes it with its buckets ({}) and its function's log group. \
             Type its name to go on:",
            found.render_buckets.iter().map(|b| b.name.as_str()).collect::<Vec<_>>().join(", ")
        ));
        let typed = read_line().await.context("reading the stack's name")?;
        if typed.trim() != stack.as_str() {
            bail!("{:?} is not {stack}; nothing was touched", typed.trim());
        }
    }
    Ok(Claim { runs: Vec::new(), stack: StackClaim::Forced, evidence: "forced by the caller".to_owned() })
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
fn conclude(
    session: &Session,
    stack: &StackName,
    site: &Site,
    journaled: &[Known],
    swept: Option<Swept>,
    proof: &Proof,
) -> Result<ExitCode, Failure> {
    for known in journaled {
        save_proof(known, proof);
    }
    if !proof.clean {
        let leaks = proof.leaks().map(|c| format!("\n  {} {} ({:?}: {})", c.kind, c.name, c.state, c.evidence));
        return Err(site.leak(stack, &anyhow!("these are left, or can't be proved gone:{}", leaks.collect::<String>())));
    }
    for known in journaled.iter().filter(|known| known.state.is_unfinished()) {
        known.finish().or_exit(ExitCode::Leak)?;
    }
    let gone = counted(proof.resources.len(), "resource");
    // Where the stack is someone else's, its absence is not looked for.
    let theirs = proof.resources.iter().all(|check| check.kind != "stack");
    let line = match swept {
        _ if theirs => format!("what runs left beside {stack} is gone: {gone} verified absent"),
        Some(swept) => {
            format!("{stack} is gone: {} deleted, {gone} verified absent", counted(swept.objects_deleted, "object"))
        }
        None => format!("nothing is left of {stack}: {gone} verified absent"),
    };
    session.console.result(&line);
    Ok(ExitCode::Success)
}

/// The proof goes to the run's artifacts too, while they are that run's.
fn save_proof(known: &Known, proof: &Proof) {
    let dir = &known.state.begin.artifacts;
    let run_json = std::fs::read(dir.join("run.json")).unwrap_or_default();
    let run: serde_json::Value = serde_json::from_slice(&run_json).unwrap_or_default();
    if run["runId"] == json!(known.state.begin.run)
        && let Ok(text) = serde_json::to_string_pretty(proof)
    {
        let _ = std::fs::write(dir.join("cleanup-verification.json"), text + "\n");
    }
}

fn facts_of(journaled: &[Known]) -> StackFacts {
    journaled
        .iter()
        .rev()
        .map(|known| known.state.facts.clone())
        .find(|facts| *facts != StackFacts::default())
        .unwrap_or_default()
}

fn unknown(stack: &StackName, states: &StateFolder, site: &Site) -> Failure {
    let mut names: Vec<String> = states.runs().into_iter().map(|known| known.state.begin.stack.to_string()).collect();
    names.sort_by_key(|name| super::nearest::distance(name, stack.as_str()));
    names.dedup();
    let near = match names.as_slice() {
        [] => "no journal here knows any stack".to_owned(),
        names => format!("the nearest names in the journals: {}", names[..names.len().min(3)].join(", ")),
    };
    Failure::preflight(format!("neither AWS ({}) nor a journal knows a stack {stack}; {near}", site.flags))
}

/// The flags' target; without flags the one in the journal of the stack's last
/// run, of those that may have left something.
fn target_of(session: &Session, args: &TeardownArgs, journaled: &[Known]) -> anyhow::Result<(Target, Region)> {
    let given = &args.target;
    let embedded = |known: &&Known| matches!(known.state.begin.target, Target::Embedded { .. });
    let left_something = journaled.iter().rev().find(|known| known.state.is_unfinished() && !embedded(known));
    let last = left_something.or(journaled.last()).map(|known| &known.state.begin);
    let no_flags = !given.local && given.endpoint_url.is_none() && given.profile.is_none();
    match (last, given.choice()) {
        (_, TargetChoice::Local) => match last {
            Some(begin) if matches!(begin.target, Target::Embedded { .. }) => {
                Ok((begin.target.clone(), begin.region.clone()))
            }
            _ => bail!(
                "the embedded AWS of a --local run ends with the run, and everything in it; use --endpoint-url for one that runs"
            ),
        },
        (Some(begin), _) if no_flags => {
            let region = given.region.clone().unwrap_or_else(|| begin.region.clone());
            Ok((begin.target.clone(), region))
        }
        (_, TargetChoice::Endpoint(url)) => Ok((Target::Endpoint { url }, region_of(session, args, last)?)),
        (_, TargetChoice::Account(profile)) => Ok((Target::Account { profile }, region_of(session, args, last)?)),
    }
}

fn region_of(session: &Session, args: &TeardownArgs, last: Option<&crate::journal::Begin>) -> anyhow::Result<Region> {
    match (&args.target.region, last) {
        (None, Some(begin)) => Ok(begin.region.clone()),
        _ => args.target.region(&session.env),
    }
}

async fn site(session: &Session, target: Target, region: &Region) -> anyhow::Result<Site> {
    let connection = connect::connect(session, target, region).await?;
    let env = connect::tool_env(session, &connection.access.target);
    let tools = preflight::check(Purpose::Teardown, &env, &session.children).await;
    let tools = tools.map_err(|problems| anyhow!("pre-flight: {}", problems.join("; ")))?;
    let logs = tempfile::tempdir().context("a temporary folder for logs")?;
    let sam = connection.sam(session, tools.path("sam"), logs.path())?;
    session.console.step("target", &connection.describe());
    let flags = connection.flags();
    let endpoint = connection.access.target.endpoint().map(str::to_owned);
    let sweeper = Sweeper {
        sam,
        clients: connection.clients,
        account: connection.account,
        region: region.clone(),
        console: session.console.clone(),
    };
    Ok(Site { sweeper, _logs: logs, flags, endpoint })
}

impl Site {
    fn is_home_of(&self, known: &Known) -> bool {
        let begin = &known.state.begin;
        // All emulators have the same account and regions; their addresses tell them apart.
        begin.account == self.sweeper.account
            && begin.region == self.sweeper.region
            && begin.target.endpoint() == self.endpoint.as_deref()
    }

    fn leak(&self, stack: &StackName, error: &anyhow::Error) -> Failure {
        let again = format!("{error:#}\nrun it again: cargo xtask lambda-teardown {stack} {}", self.flags);
        Failure::new(ExitCode::Leak, anyhow!(again))
    }
}

/// Finishes every run that ended without clean-up, each on its own target.
async fn all_unfinished(session: &Session, states: &StateFolder) -> Result<ExitCode, Failure> {
    let unfinished = states.unfinished();
    if unfinished.is_empty() {
        session.console.result("no run is unfinished");
        return Ok(ExitCode::Success);
    }
    let mut failures = Vec::new();
    for known in &unfinished {
        if let Err(error) = finish_one(session, known).await {
            session.console.say(&format!("error: {}: {error:#}", known.state.begin.stack));
            failures.push(known.state.begin.stack.to_string());
        }
    }
    if failures.is_empty() {
        return Ok(ExitCode::Success);
    }
    let error =
        anyhow!("{} of {} runs could not be finished: {}", failures.len(), unfinished.len(), failures.join(", "));
    Err(Failure::new(ExitCode::Leak, error))
}

async fn finish_one(session: &Session, known: &Known) -> anyhow::Result<()> {
    let begin = &known.state.begin;
    if let Target::Embedded { .. } = begin.target {
        session.console.result(&format!("{} is gone: the embedded AWS that it was on has ended", begin.stack));
        return known.finish();
    }
    let site = site(session, begin.target.clone(), &begin.region).await?;
    if !site.is_home_of(known) {
        bail!("its run was in account {}, these credentials are of {}", begin.account, site.sweeper.account);
    }
    let (_, proof) = sweep_run(&site.sweeper, &begin.stack, &begin.run, &known.state.facts).await?;
    conclude(session, &begin.stack, &site, std::slice::from_ref(known), None, &proof)
        .map(|_| ())
        .map_err(|failure| failure.error)
}
