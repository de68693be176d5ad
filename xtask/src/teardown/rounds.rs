//! Sweeping one run until nothing of it turns up any more.

use super::{Decision, Proof, Sweeper, Swept};
use crate::{
    journal::StackFacts,
    names::{RunId, StackName},
};

/// A call that was cut off by a signal may still create something after the
/// first look, so it is looked again until a look finds nothing and the proof agrees.
const ROUNDS: u32 = 4;

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
    let run = std::slice::from_ref(run);
    let mut all = Vec::new();
    let mut round = 1;
    loop {
        let (found, decision) = sweeper.survey(stack, run.first(), run).await?;
        let proof = match decision {
            Decision::Owned(claim) => {
                let swept = sweeper.sweep(stack, &found, &claim, known).await?;
                let proof = swept.proof.clone();
                all.push(swept);
                proof
            }
            Decision::Foreign(why) => {
                sweeper.console.step("teardown", &format!("stack {stack} is left alone: {why}"));
                sweeper.prove_nothing(stack, &found, run, known).await
            }
            Decision::Nothing => sweeper.prove_nothing(stack, &found, run, known).await,
        };
        if proof.clean || round == ROUNDS {
            return Ok((all, proof));
        }
        round += 1;
    }
}
