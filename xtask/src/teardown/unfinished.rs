//! Runs that ended without clean-up: finished one by one, or forgotten.

use anyhow::{anyhow, bail};

use super::{command::conclude, site::Site, sweep_run};
use crate::{
    connect,
    exit::{ExitCode, Failure, OrExit},
    journal::{Known, StateFolder, complaint},
    names::StackName,
    session::Session,
    wording::counted,
};

/// Finishes every run that ended without clean-up, each on its own target.
pub(super) async fn all_unfinished(session: &Session, states: &StateFolder) -> Result<ExitCode, Failure> {
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
    let connection = connect::connect(session, begin.target.clone(), &begin.region).await;
    let site = Site::at(session, connection.map_err(|error| forgettable(&error, &begin.stack))?).await?;
    if !site.is_home_of(known) {
        bail!("its run was in account {}, these credentials are of {}", begin.account, site.sweeper.account);
    }
    let (_, proof) = sweep_run(&site.sweeper, &begin.stack, &begin.run, &known.state.names).await?;
    conclude(session, &begin.stack, &site, std::slice::from_ref(known), None, &proof)
        .map(|_| ())
        .map_err(|failure| failure.error)
}

/// What to do when a run's AWS is not there any more.
pub(super) fn forgettable(error: &anyhow::Error, stack: &StackName) -> anyhow::Error {
    anyhow!("{error:#}; if that AWS is gone for good: cargo xtask lambda-teardown {stack} --forget")
}

/// `--forget`: closes the journals, and promises nothing.
pub(super) fn forget(session: &Session, stack: &StackName, journaled: &[Known]) -> Result<ExitCode, Failure> {
    let open: Vec<&Known> = journaled.iter().filter(|known| known.state.is_unfinished()).collect();
    if open.is_empty() {
        return Err(Failure::preflight(format!("no journal here knows an unfinished run on stack {stack}")));
    }
    for known in &open {
        known.forget().or_exit(ExitCode::Leak)?;
    }
    let told = format!(
        "{} of {stack} forgotten; whether anything is left of it was not looked at",
        counted(open.len(), "run")
    );
    session.console.result(&told);
    Ok(ExitCode::Success)
}
