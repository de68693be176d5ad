//! The work of a run and its end: clean up, report how it went, and leave no process behind.

use std::panic::AssertUnwindSafe;

use anyhow::Context;
use futures_util::FutureExt;

use super::{
    Run,
    cleanup::{self, CleanUp},
    ending::{Ending, Left, Stand, announcement},
};
use crate::{
    artifacts::VerdictRecord,
    clock,
    exit::{ExitCode, Failure},
    measure::verdict::Conclusion,
    publish,
    signals::{Signal, Signals},
    story,
};

/// What is measured so far: the work hands it up after every render, so that the last report has it
/// however the run ends.
pub(crate) struct Interim {
    /// For people.
    pub table: String,
    /// The verdict over everything that there must be, as far as it is measured.
    pub conclusion: Conclusion,
}

/// How the work ended, before the clean-up.
pub(super) enum Ended {
    Concluded(Conclusion),
    Failed(Failure),
    Signalled(Signal),
    Panicked(String),
}

/// Brings a run's work to its end, cleans up, and reports. Success, an error, a panic and a signal all end
/// here. The exit code is that of the first thing that went wrong.
pub(crate) async fn with_cleanup(
    run: &Run,
    signals: &mut Signals,
    work: impl AsyncFnOnce(&mut Option<Interim>) -> Result<Conclusion, Failure>,
) -> ExitCode {
    let mut interim = None;
    let mut ended = tokio::select! {
        biased;
        signal = signals.next() => Ended::Signalled(signal),
        result = AssertUnwindSafe(work(&mut interim)).catch_unwind() => match result {
            Ok(Ok(conclusion)) => Ended::Concluded(conclusion),
            Ok(Err(failure)) => Ended::Failed(failure),
            Err(panic) => Ended::Panicked(message_of(panic.as_ref())),
        },
    };
    announce(run, &ended);
    if !matches!(ended, Ended::Concluded(_)) {
        run.session.runner.children.stop_all().await;
    }
    let cleanup = cleanup::clean_up(run, &mut ended, signals).await;
    if let Some(embedded) = run.embedded.take() {
        run.step("target", "stopping the embedded AWS");
        embedded.stop().await;
    }
    let code = report(run, &ended, interim, &cleanup);
    run.save_record();
    leave_reports(run);
    code
}

pub(super) fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Says at once what ended the work.
fn announce(run: &Run, ended: &Ended) {
    let left = match (run.journal.get(), run.options.keep_stack) {
        (None, _) => Left::Nothing,
        (Some(_), true) => Left::Kept(&run.names.stack),
        (Some(_), false) => Left::Stack(&run.names.stack),
    };
    let remedy = match ended {
        Ended::Failed(failure) => run.remedy(&failure.error),
        _ => None,
    };
    announcement(ended, left, remedy).iter().for_each(|line| run.session.console.say(line));
}

/// Prints table, findings and verdict, fills in the record, and gives the exit code.
fn report(run: &Run, ended: &Ended, interim: Option<Interim>, cleanup: &CleanUp) -> ExitCode {
    let console = &run.session.console;
    if let Some(Interim { table, .. }) = &interim {
        console.result(&format!("\n{table}\n"));
    }
    let measured = match ended {
        Ended::Concluded(conclusion) => Some(conclusion.clone()),
        Ended::Failed(_) => interim.map(|interim| interim.conclusion),
        Ended::Panicked(_) | Ended::Signalled(_) => None,
    };
    let (recovery, aws_is_gone) = (run.recovery(), run.embedded_target());
    let stand = Stand { stack: &run.names.stack, recovery: &recovery, aws_is_gone };
    let ending = Ending::of(ended, measured.as_ref(), cleanup, stand);
    ending.findings.iter().for_each(|line| console.result(line));
    ending.complaints.iter().for_each(|line| console.say(line));
    ending.last_words.iter().for_each(|line| console.result(line));
    if run.artifacts.is_taken() {
        console.result(&format!("artifacts: {}", run.artifacts.dir().display()));
    }
    let mut record = run.record.borrow_mut();
    record.verdict = measured.as_ref().map(VerdictRecord::from);
    record.failure = ending.failure;
    record.teardown = Some(ending.teardown);
    record.ended_at = Some(clock::now_rfc3339());
    record.exit_code = Some(ending.code.status());
    ending.code
}

/// Writes them. What keeps a report from being made changes nothing about the run, so it is only said.
fn leave_reports(run: &Run) {
    if !run.artifacts.is_taken() {
        return;
    }
    let dir = run.artifacts.dir();
    let write = || {
        let text = publish::publish(dir, &story::read(dir)?, "")?;
        run.session.console.result(&format!("report: {}", dir.join(publish::PAGE).display()));
        publish::append_step_summary(&run.session.env, &text)
    };
    run.warn(write().context("the reports of this run were not all made"));
}
