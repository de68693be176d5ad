//! The end of every run: clean up, say how it went, leave no process behind.

use super::{
    Ended, Run, Work,
    cleanup::{self, CleanUp},
    reports,
};
use crate::{
    artifacts::TeardownRecord,
    aws::faults::Refused,
    clock,
    exit::{ExitCode, Failure},
    measure::verdict::{Conclusion, Outcome},
    signals::Signals,
};

/// Cleans up and reports. The exit code is that of the first thing that went wrong.
pub(super) async fn finish(work: &impl Work, ended: Ended, signals: &mut Signals) -> ExitCode {
    let run = work.run();
    announce(run, &ended);
    if !matches!(ended, Ended::Concluded(_)) {
        run.session.children.stop_all().await;
    }
    let mut ended = ended;
    let cleanup = cleanup::clean_up(run, &mut ended, signals).await;
    if let Some(embedded) = run.embedded.take() {
        run.step("target", "stopping the embedded AWS");
        embedded.stop().await;
    }
    let code = report(work, &ended, &cleanup);
    let mut record = run.record.borrow_mut();
    record.ended_at = Some(clock::now_rfc3339());
    record.exit_code = Some(code.status());
    drop(record);
    run.save_record();
    reports::leave(run);
    code
}

/// Says at once what ended the work, before the clean-up takes its time.
fn announce(run: &Run, ended: &Ended) {
    let console = &run.session.console;
    let created = run.journal.get().is_some();
    match ended {
        Ended::Concluded(_) => {}
        Ended::Failed(failure) => {
            console.say(&format!("error: {}", failure.told()));
            // Of a clean-up that keys or clock keep from working, that tells it.
            let cleaned_up = created && Refused::for_good(&failure.error);
            if let Some(remedy) = run.remedy(&failure.error).filter(|_| !cleaned_up) {
                console.say(&remedy);
            }
        }
        Ended::Panicked(message) => console.say(&format!("error: a defect of this tool: it panicked: {message}")),
        Ended::Signalled(signal) if created && run.options.keep_stack => {
            console.say(&format!("{}: stopping; stack {} is kept, as asked for.", signal.name, run.names.stack));
        }
        Ended::Signalled(signal) if created => console.say(&format!(
            "{}: stopping; then cleaning up stack {} and its buckets. \
             A second signal ends that too, and prints the command that finishes it.",
            signal.name, run.names.stack
        )),
        Ended::Signalled(signal) => console.say(&format!("{}: stopping; nothing was created", signal.name)),
    }
}

/// Prints table, findings and verdict, fills in the record, and gives the exit code.
fn report(work: &impl Work, ended: &Ended, cleanup: &CleanUp) -> ExitCode {
    let run = work.run();
    let console = &run.session.console;
    let table = work.table();
    if let Some(table) = &table {
        console.result(&format!("\n{table}\n"));
    }
    let of_work = work_code(work, ended, table.is_some());
    let code = match (of_work, cleanup) {
        (ExitCode::Success, CleanUp::Done(TeardownRecord::Leaked { .. }) | CleanUp::Failed(_)) => ExitCode::Leak,
        (ExitCode::Success, CleanUp::Interrupted(signal)) => ExitCode::Signal(signal.number),
        (code, _) => code,
    };
    let cleaned = cleanup::told(run, cleanup);
    match (&code, ended) {
        (ExitCode::Success, Ended::Concluded(verdict)) => {
            let renders = verdict.measured();
            console.result(&format!("PASS  {renders} of {renders} renders equal enough; {cleaned}"));
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

fn work_code(work: &impl Work, ended: &Ended, has_measured: bool) -> ExitCode {
    let run = work.run();
    match ended {
        Ended::Concluded(conclusion) => concluded_code(run, conclusion),
        Ended::Failed(failure) => {
            if has_measured {
                concluded_code(run, &work.conclusion());
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

/// Prints why the verdict is what it is, and keeps it.
fn concluded_code(run: &Run, conclusion: &Conclusion) -> ExitCode {
    for finding in conclusion.findings() {
        run.session.console.result(&format!("  {finding}"));
    }
    run.record.borrow_mut().verdict = Some(conclusion.clone());
    match conclusion.outcome() {
        Outcome::Pass => ExitCode::Success,
        Outcome::Incomplete => ExitCode::Render,
        Outcome::Unequal => ExitCode::Quality,
        Outcome::Contradictory => ExitCode::Semantic,
    }
}

fn headline(ended: &Ended) -> String {
    match ended {
        Ended::Concluded(verdict) => match verdict.outcome() {
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
