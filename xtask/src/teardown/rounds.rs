//! Sweeping one run until nothing of it turns up any more.

use anyhow::bail;

use super::{Decision, Proof, Sweeper, Swept};
use crate::{
    journal::StackFacts,
    names::{RunId, StackName},
};

/// A call that was cut off by a signal may still create something after the
/// first look, so it is looked again until a look finds nothing.
const ROUNDS: u32 = 4;

/// Deletes everything of `run` under the name `stack`, and nothing else, and
/// proves it gone.
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
    for _ in 0..ROUNDS {
        let (found, decision) = sweeper.survey(stack, Some(run), std::slice::from_ref(run)).await?;
        match decision {
            Decision::Owned(claim) => all.push(sweeper.sweep(stack, &found, &claim, known).await?),
            nothing_more => {
                if let Decision::Foreign(why) = nothing_more {
                    sweeper.console.step("teardown", &format!("stack {stack} is left alone: {why}"));
                }
                let proof = sweeper.prove_nothing(stack, &found, std::slice::from_ref(run), known).await;
                return Ok((all, proof));
            }
        }
    }
    bail!("things of run {run} turn up again after {ROUNDS} rounds of clean-up");
}
