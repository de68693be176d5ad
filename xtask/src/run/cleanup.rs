//! The clean-up at the end of every run.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::{Ended, Run, message_of};
use crate::{
    artifacts::TeardownRecord,
    journal::Entry,
    signals::{Signal, Signals},
    teardown::{self, Hints, Sweeper},
    wording::counted,
};

/// How the clean-up ended.
pub(super) enum CleanUp {
    Done(TeardownRecord),
    /// It failed: what is left can be finished by the printed command.
    Failed {
        /// Why, with its causes.
        error: String,
        /// What the user can do about it.
        remedy: Option<String>,
    },
    /// A second signal ended it.
    Interrupted(Signal),
}

/// Cleans up. The run's first signal, if it comes only now, lets the clean-up
/// go on to its end; a second one ends it.
pub(super) async fn clean_up(run: &Run, ended: &mut Ended, signals: &mut Signals) -> CleanUp {
    if run.journal.get().is_none() {
        return CleanUp::Done(TeardownRecord::NothingCreated);
    }
    let work = async {
        if run.options.keep_stack
            && let Some(kept) = keep(run).await?
        {
            return Ok(kept);
        }
        run.stage("teardown", tear_down(run)).await
    };
    let mut work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    let result = loop {
        let signal = tokio::select! {
            biased;
            signal = signals.next() => signal,
            result = &mut work => break result,
        };
        if matches!(ended, Ended::Signalled(_)) {
            // Nothing more is to be started, and whoever asks twice does not want to wait.
            drop(work);
            run.session.runner.children.kill_all();
            return CleanUp::Interrupted(signal);
        }
        run.session.console.say(&format!(
            "{}: the clean-up goes on; a second signal ends it, and prints the command that finishes it.",
            signal.name
        ));
        *ended = Ended::Signalled(signal);
    };
    match result {
        Ok(Ok(record)) => CleanUp::Done(record),
        Ok(Err(error)) => CleanUp::Failed { error: format!("{error:#}"), remedy: run.remedy(&error) },
        Err(panic) => {
            let error = format!("a defect of this tool: it panicked: {}", message_of(panic.as_ref()));
            CleanUp::Failed { error, remedy: None }
        }
    }
}

/// Leaves the run's stack, but nothing that is still running in it; `None` where there is no stack
/// of this run to leave, but a claim at most.
async fn keep(run: &Run) -> anyhow::Result<Option<TeardownRecord>> {
    let (sweeper, names) = (sweeper(run), &run.names);
    let known = run.resources.borrow().clone();
    let hints = Hints { runs: std::slice::from_ref(&names.run), known: &known };
    let (found, _) = sweeper.survey(&names.stack, Some(&names.run), hints).await?;
    if found.run_of_stack().as_ref() != Some(&names.run) {
        return Ok(None);
    }
    // Of a stack that is still being made the machine may come up later, but nothing starts it.
    sweeper.stop_own_executions(&found, &names.run).await?;
    let _ = run.journal(Entry::Finished { kept: true });
    Ok(Some(TeardownRecord::Kept { recovery: run.recovery() }))
}

fn sweeper(run: &Run) -> Sweeper {
    let connection = run.connection();
    Sweeper {
        sam: run.sam().clone(),
        clients: connection.clients.clone(),
        account: connection.account.clone(),
        region: connection.access.region.clone(),
        console: run.session.console.clone(),
    }
}

async fn tear_down(run: &Run) -> anyhow::Result<TeardownRecord> {
    let _ = run.journal(Entry::TearingDown);
    let known = run.resources.borrow().clone();
    let (swept, proof) = teardown::sweep_run(&sweeper(run), &run.names.stack, &run.names.run, &known).await?;
    // Everything may be gone although a full disk keeps it from being noted.
    run.warn(run.artifacts.save("cleanup-verification.json", &proof));
    let leaks: Vec<String> =
        proof.leaks().map(|c| format!("{} {} ({:?}: {})", c.kind, c.name, c.state, c.evidence)).collect();
    if !leaks.is_empty() {
        return Ok(TeardownRecord::Leaked { leaks, recovery: run.recovery() });
    }
    run.warn(run.journal(Entry::Finished { kept: false }));
    run.step("teardown", &format!("verified: {} gone", counted(proof.resources.len(), "resource")));
    Ok(TeardownRecord::Clean { swept, resources_verified: proof.resources.len() })
}
