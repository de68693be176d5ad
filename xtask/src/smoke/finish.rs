//! The end of every run: clean up, say how it went, leave no process behind.

use std::panic::AssertUnwindSafe;

use anyhow::anyhow;
use futures_util::FutureExt;

use super::{Ended, message_of, run::Run};
use crate::{
    clock,
    exit::{ExitCode, Failure},
    journal::Entry,
    measure::verdict::{Outcome, Verdict},
    report::{TeardownRecord, VerdictRecord, counted, table},
    signals::{Signal, Signals},
    teardown::{self, Sweeper},
};

/// Cleans up and reports. The exit code is that of the first thing that went wrong.
pub(super) async fn finish(run: Run, ended: Ended, signals: &mut Signals) -> ExitCode {
    announce(&run, &ended);
    if !matches!(ended, Ended::Judged(_)) {
        run.session.children.stop_all().await;
    }
    let mut ended = ended;
    let cleanup = clean_up(&run, &mut ended, signals).await;
    if let Some(embedded) = run.embedded.take() {
        run.step("target", "stopping the embedded AWS");
        embedded.stop().await;
    }
    let code = report(&run, &ended, &cleanup);
    let mut record = run.record.borrow_mut();
    record.ended_at = Some(clock::now_rfc3339());
    record.exit_code = Some(code.status());
    drop(record);
    run.save_record();
    code
}

/// Says at once what ended the work, before the clean-up takes its time.
fn announce(run: &Run, ended: &Ended) {
    let console = &run.session.console;
    let created = run.journal.get().is_some();
    match ended {
        Ended::Judged(_) => {}
        Ended::Failed(failure) => console.say(&format!("error: {failure}")),
        Ended::Panicked(message) => console.say(&format!("error: a defect of this tool: it panicked: {message}")),
        Ended::Signalled(signal) if created && run.prepared.options.keep_stack => {
            console.say(&format!("{}: stopping; stack {} is kept, as asked for.", signal.name, run.prepared.stack));
        }
        Ended::Signalled(signal) if created => console.say(&format!(
            "{}: stopping; then cleaning up stack {} and its buckets. \
             A second signal ends that too, and prints the command that finishes it.",
            signal.name, run.prepared.stack
        )),
        Ended::Signalled(signal) => console.say(&format!("{}: stopping; nothing was created", signal.name)),
    }
}

/// How the clean-up ended.
enum CleanUp {
    Done(TeardownRecord),
    /// It failed: what is left can be finished by the printed command.
    Failed(anyhow::Error),
    /// A second signal ended it.
    Interrupted(Signal),
}

/// Cleans up. The run's first signal, if it comes only now, lets the clean-up
/// go on to its end; a second one ends it.
async fn clean_up(run: &Run, ended: &mut Ended, signals: &mut Signals) -> CleanUp {
    if run.journal.get().is_none() {
        return CleanUp::Done(TeardownRecord::NothingCreated);
    }
    let stop_executions = !matches!(ended, Ended::Judged(_));
    let work = async {
        match run.prepared.options.keep_stack {
            true => keep(run, stop_executions).await,
            false => run.stage("teardown", tear_down(run)).await,
        }
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
            run.session.children.kill_all();
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
        Ok(Err(error)) => CleanUp::Failed(error),
        Err(panic) => CleanUp::Failed(anyhow!("a defect of this tool: it panicked: {}", message_of(panic.as_ref()))),
    }
}

/// Leaves the stack, but nothing that is still running in it.
async fn keep(run: &Run, stop_executions: bool) -> anyhow::Result<TeardownRecord> {
    let machine = run.facts.borrow().state_machine.clone();
    if let (Some(machine), true) = (machine, stop_executions) {
        sweeper(run).stop_executions(&machine).await?;
    }
    let _ = run.journal(Entry::Finished { kept: true });
    Ok(TeardownRecord::Kept { recovery: run.recovery() })
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
    let known = run.facts.borrow().clone();
    let (swept, proof) = teardown::sweep_run(&sweeper(run), &run.prepared.stack, &run.prepared.run, &known).await?;
    // Everything may be gone although a full disk keeps it from being noted.
    warn(run, run.artifacts.save("cleanup-verification.json", &proof));
    let leaks: Vec<String> =
        proof.leaks().map(|c| format!("{} {} ({:?}: {})", c.kind, c.name, c.state, c.evidence)).collect();
    if !leaks.is_empty() {
        return Ok(TeardownRecord::Leaked { leaks, recovery: run.recovery() });
    }
    warn(run, run.journal(Entry::Finished { kept: false }));
    run.step("teardown", &format!("verified: {} gone", counted(proof.resources.len(), "resource")));
    Ok(TeardownRecord::Clean { swept, resources_verified: proof.resources.len() })
}

fn warn(run: &Run, result: anyhow::Result<()>) {
    if let Err(error) = result {
        run.session.console.say(&format!("warning: {error:#}"));
    }
}

/// Prints table, findings and verdict, fills in the record, and gives the exit code.
fn report(run: &Run, ended: &Ended, cleanup: &CleanUp) -> ExitCode {
    let console = &run.session.console;
    let rows = run.rows.borrow();
    if !rows.is_empty() {
        console.result(&format!("\n{}\n", table(&rows)));
    }
    let work = work_code(run, ended);
    let code = match (work, cleanup) {
        (ExitCode::Success, CleanUp::Done(TeardownRecord::Leaked { .. }) | CleanUp::Failed(_)) => ExitCode::Leak,
        (ExitCode::Success, CleanUp::Interrupted(signal)) => ExitCode::Signal(signal.number),
        (code, _) => code,
    };
    let cleaned = cleanup_line(run, cleanup);
    match (&code, ended) {
        (ExitCode::Success, _) => {
            console.result(&format!("PASS  {} of {} renders equal enough; {cleaned}", rows.len(), rows.len()));
        }
        (ExitCode::Signal(_), _) => console.result(&format!("STOPPED  {cleaned}")),
        (ExitCode::Leak, _) => console.result(&format!("LEAK  the renders pass, but {cleaned}")),
        _ => console.result(&format!("FAIL  {} (exit {}); {cleaned}", headline(ended), code.status())),
    }
    if run.artifacts.is_taken() {
        console.result(&format!("artifacts: {}", run.artifacts.dir().display()));
    }
    code
}

fn work_code(run: &Run, ended: &Ended) -> ExitCode {
    match ended {
        Ended::Judged(verdict) => judged_code(run, verdict),
        Ended::Failed(failure) => {
            if !run.rows.borrow().is_empty() {
                judged_code(run, &run.verdict());
            }
            run.record.borrow_mut().failure = Some(failure.to_string());
            failure.code
        }
        Ended::Panicked(message) => {
            run.record.borrow_mut().failure = Some(format!("panic: {message}"));
            // Never 0 to 7 of the gate: a defect proves nothing about the renders.
            ExitCode::Render
        }
        Ended::Signalled(signal) => {
            run.record.borrow_mut().failure = Some(signal.name.to_owned());
            ExitCode::Signal(signal.number)
        }
    }
}

fn judged_code(run: &Run, verdict: &Verdict) -> ExitCode {
    let console = &run.session.console;
    let mut findings = Vec::new();
    for judged in verdict.judged() {
        findings.extend(judged.findings.iter().map(|finding| format!("{}: {finding}", judged.render)));
    }
    findings.extend(verdict.unmeasured().iter().map(|render| format!("{render} was not measured")));
    for finding in &findings {
        console.result(&format!("  {finding}"));
    }
    let outcome = verdict.outcome();
    run.record.borrow_mut().verdict = Some(VerdictRecord { outcome, findings });
    match outcome {
        Outcome::Pass => ExitCode::Success,
        Outcome::Incomplete => ExitCode::Render,
        Outcome::Unequal => ExitCode::Quality,
        Outcome::Contradictory => ExitCode::Semantic,
    }
}

fn headline(ended: &Ended) -> String {
    match ended {
        Ended::Judged(verdict) => match verdict.outcome() {
            Outcome::Contradictory => "the records contradict the videos, or the plan protocols each other".to_owned(),
            Outcome::Incomplete => "not every planned render was measured".to_owned(),
            _ => "renders are not equal enough to the baseline".to_owned(),
        },
        Ended::Failed(Failure { code, .. }) => match code {
            ExitCode::Preflight => "pre-flight",
            ExitCode::Build => "the handler ZIP was not built",
            ExitCode::Deploy => "the stack was not deployed",
            ExitCode::Semantic => "the records contradict the videos",
            _ => "a render failed",
        }
        .to_owned(),
        Ended::Panicked(_) => "this tool has a defect".to_owned(),
        Ended::Signalled(signal) => signal.name.to_owned(),
    }
}

/// What became of everything that was created, in one phrase; leaks and recovery on lines of their own.
fn cleanup_line(run: &Run, cleanup: &CleanUp) -> String {
    let console = &run.session.console;
    let recovery = if run.embedded_target() {
        "nothing is left, as the embedded AWS has ended with everything in it".to_owned()
    } else {
        format!("finish the clean-up with: {}", run.recovery())
    };
    let (record, line) = match cleanup {
        CleanUp::Done(TeardownRecord::NothingCreated) => {
            (TeardownRecord::NothingCreated, "nothing was created".to_owned())
        }
        CleanUp::Done(record @ TeardownRecord::Clean { resources_verified, .. }) => {
            (record.clone(), format!("clean-up verified, {} gone", counted(resources_verified, "resource")))
        }
        CleanUp::Done(record @ TeardownRecord::Kept { recovery }) => {
            (record.clone(), format!("stack {} is kept; remove it with: {recovery}", run.prepared.stack))
        }
        CleanUp::Done(record @ TeardownRecord::Leaked { leaks, .. }) => {
            for leak in leaks {
                console.result(&format!("  leaked: {leak}"));
            }
            (record.clone(), format!("{} leaked or not proved gone; {recovery}", counted(leaks.len(), "resource")))
        }
        CleanUp::Failed(error) => {
            console.say(&format!("error: clean-up: {error:#}"));
            let leaks = vec![format!("the clean-up failed: {error:#}")];
            (TeardownRecord::Leaked { leaks, recovery: run.recovery() }, format!("the clean-up failed; {recovery}"))
        }
        CleanUp::Interrupted(signal) => {
            let leaks = vec![format!("the clean-up was interrupted by {}", signal.name)];
            (
                TeardownRecord::Leaked { leaks, recovery: run.recovery() },
                format!("the clean-up was interrupted; {recovery}"),
            )
        }
    };
    run.record.borrow_mut().teardown = Some(record);
    line
}
