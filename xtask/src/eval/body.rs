//! The work of an eval run: everything measured, round by round.

use std::collections::HashMap;

use super::{Eval, bench::Bench, lambda_leg, local_leg};
use crate::{
    aws::identity,
    benchmark::{Leg, Outcome, Round, Turn},
    exit::{ExitCode, Failure, OrExit},
    original::Original,
};

/// The last local render of each fixture that was kept: for the comparisons with it.
pub(super) type KeptRenders = HashMap<usize, Original>;

/// All stages. A sample that fails is recorded and the others go on; what makes all of
/// them impossible ends the work.
pub(super) async fn work(eval: &Eval) -> Result<(), Failure> {
    let bench = Bench::set_up(eval).await?;
    let mut kept = KeptRenders::new();
    for turn in eval.turns() {
        let name = format!("{} {}", eval.subjects[turn.fixture].fixture.name, stage_of(&turn));
        lambda_leg::allow(eval, &bench, &turn)?;
        let failed = eval.run.stage(&name, one(eval, &bench, &mut kept, turn)).await?;
        if failed {
            still_there(eval).await?;
        }
    }
    Ok(())
}

fn stage_of(turn: &Turn) -> String {
    let leg = match turn.leg {
        Leg::Local => "local".to_owned(),
        Leg::Lambda(render) => render.to_string(),
    };
    match turn.round {
        Round::Warmup(nth) => format!("{leg} warm-up {nth}"),
        Round::Measured(iteration) => format!("{leg} #{iteration}"),
    }
}

/// Does one thing and saves what it gave; says whether it failed.
async fn one(eval: &Eval, bench: &Bench, kept: &mut KeptRenders, turn: Turn) -> Result<bool, Failure> {
    let failed = match (turn.leg, turn.round) {
        (Leg::Local, Round::Warmup(nth)) => {
            let warmed_up = local_leg::warm_up(eval, bench, turn.fixture, nth).await;
            note_warm_up(eval, &turn, warmed_up)
        }
        (Leg::Lambda(render), Round::Warmup(nth)) => {
            let warmed_up = lambda_leg::warm_up(eval, bench, turn.fixture, render, nth).await;
            note_warm_up(eval, &turn, warmed_up)
        }
        (Leg::Local, Round::Measured(iteration)) => {
            kept.remove(&turn.fixture);
            let sample = local_leg::sample(eval, bench, kept, turn.fixture, iteration).await;
            let failed = sample.outcome.failure().is_some();
            eval.local.borrow_mut().push(sample);
            failed
        }
        (Leg::Lambda(render), Round::Measured(iteration)) => {
            let local = kept.get(&turn.fixture);
            let (sample, measured) = lambda_leg::sample(eval, bench, local, turn.fixture, render, iteration).await;
            eval.lambda.borrow_mut().push(sample);
            let failed = measured.is_none();
            eval.measured.borrow_mut().extend(measured);
            failed
        }
    };
    eval.save().or_exit(ExitCode::Render)?;
    Ok(failed)
}

fn note_warm_up(eval: &Eval, turn: &Turn, warmed_up: Result<(), Failure>) -> bool {
    let Err(failure) = warmed_up else { return false };
    let fixture = &eval.subjects[turn.fixture].fixture.name;
    let told = format!("{fixture} {} failed: {failure}", stage_of(turn));
    let shown = failure.details().map_or(told.as_str(), |detailed| detailed.lines.as_str());
    eval.run.session.console.say(&format!("error: {shown}"));
    eval.failed_warmups.borrow_mut().push(told);
    true
}

/// After a failure: whether the next sample can succeed at all.
async fn still_there(eval: &Eval) -> Result<(), Failure> {
    let connection = eval.run.connection();
    let caller = identity::caller(&connection.access, &connection.clients).await;
    caller.map(drop).map_err(|error| error.context("nothing more can be measured")).or_exit(ExitCode::Render)
}

/// A failure as a sample's outcome, said at once.
pub(super) fn failed<T>(eval: &Eval, name: &str, failure: &Failure) -> Outcome<T> {
    let shown = failure.details().map_or_else(|| format!("{name}: {failure}"), |detailed| detailed.lines.clone());
    eval.run.session.console.say(&format!("error: {shown}"));
    Outcome::Failed { failure: failure.to_string() }
}
