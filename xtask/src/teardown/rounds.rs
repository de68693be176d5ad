//! Sweeping one run until nothing of it turns up any more.

use std::time::Duration;

use super::{Decision, Hints, StackOwnership, Sweeper};
use crate::{
    artifacts::{Proof, Swept},
    aws::faults::Refused,
    names::{RunId, StackName},
    policy::ResourceNames,
};

/// A call that was cut off by a signal may still create something after the
/// first look, so it is looked again until a look finds nothing and the proof agrees.
const ROUNDS: u32 = 4;

/// A step that fails is tried once more: what is left costs money until someone finishes it.
const TRIES: u32 = 3;

/// After each try and each round, as S3 and CloudFormation may be a moment behind.
const BETWEEN_TRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(5)];

/// How long a call that a signal cut off may still take to create its thing.
const IN_FLIGHT: Duration = Duration::from_secs(3);

/// Deletes everything of `run` under the name `stack`, and nothing else. The
/// proof tells whether all of it is gone.
///
/// # Errors
/// When a step fails; what is left can be swept again.
pub async fn sweep_run(
    sweeper: &Sweeper,
    stack: &StackName,
    run: &RunId,
    known: &ResourceNames,
) -> anyhow::Result<(Vec<Swept>, Proof)> {
    let mut all = Vec::new();
    let mut round = 1;
    loop {
        match one_round(sweeper, stack, run, known, &mut all).await {
            Ok(proof) if proof.clean || round == ROUNDS => return Ok((all, proof)),
            Ok(_) => tokio::time::sleep(BETWEEN_TRIES[0]).await,
            Err(error) if round >= TRIES || Refused::for_good(&error) => return Err(error),
            Err(error) => {
                sweeper.console.step("teardown", &format!("once more, as this failed: {error:#}"));
                tokio::time::sleep(BETWEEN_TRIES[round as usize - 1]).await;
            }
        }
        round += 1;
    }
}

async fn one_round(
    sweeper: &Sweeper,
    stack: &StackName,
    run: &RunId,
    known: &ResourceNames,
    all: &mut Vec<Swept>,
) -> anyhow::Result<Proof> {
    let runs = std::slice::from_ref(run);
    let hints = Hints { runs, known };
    let (mut found, mut decision) = sweeper.survey(stack, Some(run), hints).await?;
    if found.stack().is_none() && all.is_empty() {
        tokio::time::sleep(IN_FLIGHT).await;
        (found, decision) = sweeper.survey(stack, Some(run), hints).await?;
    }
    match decision {
        Decision::Owned(ownership) => {
            if let StackOwnership::Foreign(why) = &ownership.stack {
                left_alone(sweeper, stack, why);
            }
            let swept = sweeper.sweep(stack, &found, &ownership, known).await?;
            let proof = swept.proof.clone();
            all.push(swept);
            Ok(proof)
        }
        decision => {
            if let Decision::Foreign(why) = &decision {
                left_alone(sweeper, stack, why);
            }
            Ok(sweeper.prove_nothing(stack, &found, runs, known, &decision).await)
        }
    }
}

fn left_alone(sweeper: &Sweeper, stack: &StackName, why: &str) {
    sweeper.console.step("teardown", &format!("stack {stack} is left alone: {why}"));
}
