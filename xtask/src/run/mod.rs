//! One run on a stack of its own, from its target to its clean-up: what
//! `lambda-smoke` and `lambda-eval` share.

mod announcement;
mod cleanup;
mod deploy;
mod encoder;
mod ending;
mod evidence;
mod failed;
mod finish;
mod judge;
mod lint;
mod names;
mod packed;
mod plan_choice;
mod preview;
mod quota;
mod ready;
mod reference;
mod render;
mod reports;
mod sources;
mod spending;
mod stand_up;
mod state;
mod subject;
mod undeployed;
mod watch;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

pub(crate) use deploy::DeployedStack;
pub(crate) use names::RunNames;
pub(crate) use packed::Packed;
pub(crate) use plan_choice::PlanChoice;
pub(crate) use preview::{Preview, Told, render_line};
pub(crate) use ready::Ready;
pub(crate) use reference::Reference;
pub(crate) use render::{Render, RenderNames, Rendering};
pub(crate) use sources::Sources;
pub(crate) use state::{Run, known_times, prices};
pub(crate) use subject::{Record, Subject};

use crate::{
    exit::{ExitCode, Failure},
    measure::verdict::Conclusion,
    session::Session,
    signals::{Signal, Signals},
};

/// What a command does on a stack of its own.
pub(crate) trait Work {
    /// The run that it does it in.
    fn run(&self) -> &Run;

    /// Everything up to the last measurement.
    ///
    /// # Errors
    /// With the exit code of what failed, when going on makes no sense.
    async fn work(&self) -> Result<(), Failure>;

    /// The verdict over everything that there must be, as far as it is measured.
    fn conclusion(&self) -> Conclusion;

    /// What was measured, for people; `None` before the first measurement.
    fn table(&self) -> Option<String>;
}

/// How the work ended, before the clean-up.
enum Ended {
    Concluded(Conclusion),
    Failed(Failure),
    Signalled(Signal),
    Panicked(String),
}

/// Prints what a run would do, or what is wrong with what was asked for.
pub(crate) fn preview(session: &Session, told: anyhow::Result<Told>) -> ExitCode {
    let error = match told {
        Ok(told) => {
            session.console.result(&told.lines.join("\n"));
            told.refusal
        }
        Err(error) => Some(format!("{error:#}")),
    };
    match error {
        Some(error) => {
            session.console.say(&format!("error: {error}"));
            ExitCode::Preflight
        }
        None => ExitCode::Success,
    }
}

/// Prepares a command's work and brings it to its end, whatever happens; says how it ended.
pub(crate) async fn conduct<W: Work>(session: &Session, prepare: impl FnOnce() -> Result<W, Failure>) -> ExitCode {
    let complain = |failure: &Failure| {
        session.console.say(&format!("error: {failure}"));
        failure.code
    };
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return complain(&Failure::new(ExitCode::Preflight, error)),
    };
    let work = match prepare() {
        Ok(work) => work,
        Err(failure) => return complain(&failure),
    };
    let ended = tokio::select! {
        biased;
        signal = signals.next() => Ended::Signalled(signal),
        result = AssertUnwindSafe(concluded(&work)).catch_unwind() => match result {
            Ok(Ok(conclusion)) => Ended::Concluded(conclusion),
            Ok(Err(failure)) => Ended::Failed(failure),
            Err(panic) => Ended::Panicked(message_of(panic.as_ref())),
        },
    };
    finish::finish(&work, ended, &mut signals).await
}

/// The work and its verdict: a defect in either must not keep the clean-up from coming.
async fn concluded(work: &impl Work) -> Result<Conclusion, Failure> {
    work.work().await?;
    Ok(work.conclusion())
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
