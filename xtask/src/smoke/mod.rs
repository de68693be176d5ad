//! `lambda-smoke`: build, deploy, render at each chunk count, measure, judge, tear down.

mod body;
mod deploy;
mod expected;
mod finish;
mod judge;
mod prepare;
mod protocols;
mod reference;
mod render;
mod run;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::{
    cli::SmokeOptions,
    exit::{ExitCode, Failure},
    measure::verdict::Verdict,
    session::Session,
    signals::{Signal, Signals},
};
use run::Run;

/// How the work ended, before the clean-up.
enum Ended {
    Judged(Verdict),
    Failed(Failure),
    Signalled(Signal),
    Panicked(String),
}

/// Runs the gate to its end, whatever happens, and says how it ended.
pub async fn run(session: &Session, options: SmokeOptions) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return complain(session, &Failure::new(ExitCode::Preflight, error)),
    };
    let run = match Run::prepare(session, options) {
        Ok(run) => run,
        Err(failure) => return complain(session, &failure),
    };
    let ended = tokio::select! {
        biased;
        signal = signals.next() => Ended::Signalled(signal),
        result = AssertUnwindSafe(body::work(&run)).catch_unwind() => match result {
            Ok(Ok(verdict)) => Ended::Judged(verdict),
            Ok(Err(failure)) => Ended::Failed(failure),
            Err(panic) => Ended::Panicked(message_of(panic.as_ref())),
        },
    };
    finish::finish(run, ended, &mut signals).await
}

fn complain(session: &Session, failure: &Failure) -> ExitCode {
    session.console.say(&format!("error: {failure}"));
    failure.code
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
