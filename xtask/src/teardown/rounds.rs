//! Sweeping one run until nothing of it turns up any more.

use std::time::Duration;

use super::{Decision, Proof, Sweeper, Swept};
use crate::{
    journal::StackFacts,
    names::{RunId, StackName},
};

/// A call that was cut off by a signal may still create something after the
/// first look, so it is looked again until a look finds nothing and the proof agrees.
const ROUNDS: u32 = 4;

/// A step that fails is tried once more: what is left costs money until someone finishes it.
const TRIES: u32 = 2;

const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Deletes everything of `run` under the name `stack`, and nothing else. The
/// proof tells whether all of it is gone.
///
/// # Errors
/// When a step fails; what is left can be swept again.
pub async fn sweep_run(
    sweeper: &Sweeper,
    stack: &StackName,
    run: &RunId,
    known: &StackFacts,
) -> anyhow::Result<(Vec<Swept>, Proof)> {
    let mut all = Vec::new();
    let mut round = 1;
    loop {
        match one_round(sweeper, stack, run, known, &mut all).await {
            Ok(proof) if proof.clean || round == ROUNDS => return Ok((all, proof)),
            Ok(_) => {}
            Err(error) if round >= TRIES => return Err(error),
            Err(error) => {
                sweeper.console.step("teardown", &format!("once more, as this failed: {error:#}"));
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
        }
        round += 1;
    }
}

async fn one_round(
    sweeper: &Sweeper,
    stack: &StackName,
    run: &RunId,
    known: &StackFacts,
    all: &mut Vec<Swept>,
) -> anyhow::Result<Proof> {
    let runs = std::slice::from_ref(run);
    let (found, decision) = sweeper.survey(stack, Some(run), runs).await?;
    match decision {
        Decision::Owned(claim) => {
            let swept = sweeper.sweep(stack, &found, &claim, known).await?;
            let proof = swept.proof.clone();
            all.push(swept);
            Ok(proof)
        }
        Decision::Foreign(why) => {
            sweeper.console.step("teardown", &format!("stack {stack} is left alone: {why}"));
            Ok(sweeper.prove_nothing(stack, &found, runs, known).await)
        }
        Decision::Nothing => Ok(sweeper.prove_nothing(stack, &found, runs, known).await),
    }
}
