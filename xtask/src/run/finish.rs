//! The end of every run: clean up, say how it went, leave no process behind.

use super::{
    Ended, Run, Work,
    announcement::{Left, announcement},
    cleanup::{self, CleanUp},
    ending::{Ending, Stand},
    reports,
};
use crate::{artifacts::VerdictRecord, clock, exit::ExitCode, signals::Signals};

/// Cleans up and reports. The exit code is that of the first thing that went wrong.
pub(super) async fn finish(work: &impl Work, ended: Ended, signals: &mut Signals) -> ExitCode {
    let run = work.run();
    announce(run, &ended);
    if !matches!(ended, Ended::Concluded(_)) {
        run.session.runner.children.stop_all().await;
    }
    let mut ended = ended;
    let cleanup = cleanup::clean_up(run, &mut ended, signals).await;
    if let Some(embedded) = run.embedded.take() {
        run.step("target", "stopping the embedded AWS");
        embedded.stop().await;
    }
    let code = report(work, &ended, &cleanup);
    run.save_record();
    reports::leave(run);
    code
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
fn report(work: &impl Work, ended: &Ended, cleanup: &CleanUp) -> ExitCode {
    let run = work.run();
    let console = &run.session.console;
    let table = work.table();
    if let Some(table) = &table {
        console.result(&format!("\n{table}\n"));
    }
    let measured = match ended {
        Ended::Concluded(conclusion) => Some(conclusion.clone()),
        Ended::Failed(_) => table.map(|_| work.conclusion()),
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
