//! A run's work and its end: clean up, report how it went, and leave no process behind.

use std::{panic::AssertUnwindSafe, rc::Rc, time::Duration};

use anyhow::{Context, anyhow, ensure};
use futures_util::{FutureExt, future::join_all};
use render_verdict::verdict::Conclusion;

use crate::{
    console::text::counted,
    context,
    exit::{ExitCode, Failure, Signal, Signals},
    local::emulator::EmbeddedAws,
    report::{
        artifacts, distinct, markdown,
        run_record::{TeardownRecord, VerdictRecord},
    },
    run::{
        Run,
        ending::{Ending, Left, Stand, announcement},
    },
    teardown::{delete::Deleter, inventory::Hints, journal::record::Entry, rounds},
};

/// What is measured so far: the work updates it after every render, so that the last report has it
/// however the run ends.
pub(crate) struct Interim {
    /// For people.
    pub table: String,
    /// The verdict over everything that there must be, as far as it is measured.
    pub conclusion: Conclusion,
}

/// How the work ended, before the clean-up.
#[derive(Clone)]
pub(crate) enum Ended {
    Concluded(Conclusion),
    Failed(Rc<Failure>),
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
    let work = async |interims: &mut [Option<Interim>]| Ok(vec![work(&mut interims[0]).await?]);
    all_with_cleanup(&[run], signals, work).await[0]
}

/// The same for runs whose work is one: what ends it ends all of them, and all are cleaned up at the same time. The
/// work gives a conclusion for each run, and there is an exit code for each.
pub(crate) async fn all_with_cleanup(
    runs: &[&Run],
    signals: &mut Signals,
    work: impl AsyncFnOnce(&mut [Option<Interim>]) -> Result<Vec<Conclusion>, Failure>,
) -> Vec<ExitCode> {
    let mut interims: Vec<Option<Interim>> = runs.iter().map(|_| None).collect();
    let all = |ended: Ended| vec![ended; runs.len()];
    let mut ended: Vec<Ended> = tokio::select! {
        biased;
        signal = signals.next() => all(Ended::Signalled(signal)),
        failure = emulator_failure(runs) => all(Ended::Failed(failure.into())),
        result = AssertUnwindSafe(work(&mut interims)).catch_unwind() => match result {
            Ok(Ok(conclusions)) => conclusions.into_iter().map(Ended::Concluded).collect(),
            Ok(Err(failure)) => all(Ended::Failed(failure.into())),
            Err(panic) => all(Ended::Panicked(message_of(panic.as_ref()))),
        },
    };
    runs[0].phase(None);
    let announced = runs.iter().zip(&ended).flat_map(|(run, ended)| announced(run, ended));
    // What ended all of them is one error.
    let announced = distinct(announced);
    announced.iter().for_each(|line| runs[0].session.console.say(line));
    annotate(runs[0], announced.iter());
    if !matches!(ended[0], Ended::Concluded(_)) {
        runs[0].session.runner.children.stop_all().await;
    }
    runs[0].phase(Some("Clean-up"));
    let cleaned = clean_up(runs, &mut ended, signals).await;
    for run in runs {
        if let Some(embedded) = run.embedded.take() {
            run.step("target", "stopping the embedded AWS");
            embedded.stop().await;
        }
    }
    runs[0].phase(None);
    let mut codes = Vec::new();
    for (((run, ended), interim), cleanup) in runs.iter().zip(&ended).zip(interims).zip(&cleaned) {
        codes.push(report(run, ended, interim, cleanup));
        run.save_record();
        leave_reports(run);
    }
    codes
}

/// How often an emulator is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until the runs' own emulator has ended, which nothing that waits for its answers would soon see.
async fn emulator_failure(runs: &[&Run]) -> Failure {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(failure) = embedded_failure(runs) {
            return Failure::new(ExitCode::Render, anyhow!(failure));
        }
    }
}

fn embedded_failure(runs: &[&Run]) -> Option<String> {
    runs.iter().find_map(|run| run.embedded.borrow_mut().as_mut().and_then(EmbeddedAws::failure))
}

pub(crate) fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// What ended the work, to be said at once.
fn announced(run: &Run, ended: &Ended) -> Vec<String> {
    let stack = &run.names.stack;
    let left = match (run.journal.get(), &run.reused) {
        (None, _) => Left::Nothing,
        (Some(_), Some(_)) => Left::Reused(stack),
        (Some(_), None) if run.options.keep_stack => Left::Kept(stack),
        (Some(_), None) => Left::Stack(stack),
    };
    let remedy = match ended {
        Ended::Failed(failure) => run.remedy(&failure.error),
        _ => None,
    };
    announcement(ended, left, remedy)
}

/// Prints table, findings and verdict, fills in the record, and gives the exit code.
fn report(run: &Run, ended: &Ended, interim: Option<Interim>, cleanup: &CleanUp) -> ExitCode {
    let console = &run.session.console;
    if let Some(side) = &run.record.borrow().side {
        console.result(&format!("\n{side}"));
    }
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
    annotate(run, ending.findings.iter().chain(&ending.complaints));
    if run.artifacts.is_taken() {
        console.result(&format!("artifacts: {}", run.artifacts.dir().display()));
    }
    let mut record = run.record.borrow_mut();
    record.verdict = measured.as_ref().map(VerdictRecord::from);
    record.failure = ending.failure;
    record.teardown = Some(ending.teardown);
    record.ended_at = Some(context::now_rfc3339());
    record.exit_code = Some(ending.code.status());
    ending.code
}

impl Run {
    /// Begins a phase of the run, whose lines GitHub Actions folds in a run that they started; `None` only ends the last one.
    pub(crate) fn phase(&self, title: Option<&str>) {
        self.session.console.phase(title);
        if self.is_in_github_actions() {
            self.session.console.group(title);
        }
    }

    fn is_in_github_actions(&self) -> bool {
        self.session.env.get("GITHUB_ACTIONS").is_some()
    }
}

/// Prints what is wrong once more for GitHub Actions, in a run that they started.
fn annotate<'a>(run: &Run, wrong: impl Iterator<Item = &'a String>) {
    if run.is_in_github_actions() {
        wrong.for_each(|line| run.session.console.annotation(run.record.borrow().command(), line));
    }
}

/// Writes them. What keeps a report from being made changes nothing about the run, so it is only said.
fn leave_reports(run: &Run) {
    if !run.artifacts.is_taken() {
        return;
    }
    let folder = run.artifacts.folder();
    let write = || {
        let text = markdown::publish(folder, &artifacts::read(folder.path())?)?;
        run.session.console.result(&format!("report: {}", run.artifacts.path(markdown::PAGE).display()));
        markdown::append_step_summary(&run.session.env, &text)
    };
    run.warn(write().context("some reports of this run could not be written"));
}

// The clean-up at the end of every run.

pub(crate) enum CleanUp {
    Done(TeardownRecord),
    /// It failed: what is left can be finished by the printed command.
    Failed {
        /// Why, with its causes.
        error: String,
        remedy: Option<String>,
    },
    /// A second signal ended it.
    Interrupted(Signal),
    /// There is nothing to clean up: the emulator ended by itself.
    AwsGone,
}

/// Cleans up. The first signal, if it comes only now, lets the clean-up finish; a second one ends it.
async fn clean_up(runs: &[&Run], ended: &mut [Ended], signals: &mut Signals) -> Vec<CleanUp> {
    let aws_is_gone = embedded_failure(runs).is_some();
    let work = runs.iter().map(|run| AssertUnwindSafe(clean_up_one(run, aws_is_gone)).catch_unwind());
    let mut work = Box::pin(join_all(work));
    let results = loop {
        let signal = tokio::select! {
            biased;
            signal = signals.next() => signal,
            results = &mut work => break results,
        };
        if matches!(ended[0], Ended::Signalled(_)) {
            // Nothing more is to be started, and whoever asks twice does not want to wait.
            drop(work);
            runs[0].session.runner.children.kill_all();
            let interrupted = |run: &&Run| match run.journal.get() {
                None => CleanUp::Done(TeardownRecord::NothingCreated),
                Some(_) => CleanUp::Interrupted(signal),
            };
            return runs.iter().map(interrupted).collect();
        }
        runs[0].session.console.say(&format!(
            "{}: the clean-up continues; a second signal aborts it and prints the command that completes it.",
            signal.name
        ));
        ended.fill(Ended::Signalled(signal));
    };
    let cleaned = results.into_iter().zip(runs).map(|(result, run)| match result {
        Ok(Ok(cleaned)) => cleaned,
        Ok(Err(error)) => CleanUp::Failed { error: format!("{error:#}"), remedy: run.remedy(&error) },
        Err(panic) => {
            let error = format!("a defect of this tool: it panicked: {}", message_of(panic.as_ref()));
            CleanUp::Failed { error, remedy: None }
        }
    });
    cleaned.collect()
}

async fn clean_up_one(run: &Run, aws_is_gone: bool) -> anyhow::Result<CleanUp> {
    if run.journal.get().is_none() {
        return Ok(CleanUp::Done(TeardownRecord::NothingCreated));
    }
    if aws_is_gone {
        return Ok(CleanUp::AwsGone);
    }
    if (run.options.keep_stack || run.reused.is_some())
        && let Some(kept) = keep(run).await?
    {
        return Ok(CleanUp::Done(kept));
    }
    // Whatever it is by now, this run did not create it.
    ensure!(run.reused.is_none(), "stack {} is gone or has been replaced, so nothing was touched", run.names.stack);
    run.stage("teardown", tear_down(run)).await.map(CleanUp::Done)
}

/// Leaves the stack, but nothing that is still running in it; `None` where there is no stack
/// of this run, or of the one whose stack it reuses, except for a name lock at most.
async fn keep(run: &Run) -> anyhow::Result<Option<TeardownRecord>> {
    let (deleter, names) = (deleter(run), &run.names);
    let known = run.resources.borrow().clone();
    let hints = Hints { runs: std::slice::from_ref(&names.owner), known: &known };
    let (found, _) = deleter.survey(&names.stack, Some(&names.owner), hints).await?;
    let holds_something = found.stack().is_some_and(|stack| !stack.in_review());
    if found.run_of_stack().as_ref() != Some(&names.owner) || !holds_something {
        return Ok(None);
    }
    // Of a stack that is still being made the machine may come up later, but nothing starts it.
    deleter.stop_own_executions(&found, &names.owner).await?;
    let _ = run.journal(Entry::Finished { kept: true });
    Ok(Some(TeardownRecord::Kept { recovery: run.recovery() }))
}

fn deleter(run: &Run) -> Deleter {
    Deleter::at(run.connection(), &run.session.console)
}

async fn tear_down(run: &Run) -> anyhow::Result<TeardownRecord> {
    let _ = run.journal(Entry::TearingDown);
    let known = run.resources.borrow().clone();
    let (deleted, proof) = rounds::delete_run(&deleter(run), &run.names.stack, &run.names.run, &known).await?;
    // Everything may be gone although a full disk keeps it from being noted.
    run.warn(run.artifacts.save("cleanup-verification.json", &proof));
    let leaks: Vec<String> =
        proof.leaks().map(|c| format!("{} {} ({:?}: {})", c.kind, c.name, c.state, c.evidence)).collect();
    if !leaks.is_empty() {
        return Ok(TeardownRecord::Leaked { leaks, recovery: run.recovery() });
    }
    run.warn(run.journal(Entry::Finished { kept: false }));
    run.step("teardown", &format!("verified: {} gone", counted(proof.resources.len(), "resource")));
    Ok(TeardownRecord::Clean { deleted, resources_verified: proof.resources.len() })
}
