//! Deleting what a claim covers, in the order that leaves nothing behind.

use std::cell::Cell;

use anyhow::{Context, bail};
use futures_util::future::try_join_all;

use super::{
    inventory::{self, Inventory},
    ownership::{Claim, Decision, StackClaim, decide},
    proof::{self, Expected},
};
use crate::{
    artifacts::{Proof, Swept},
    aws::{
        Clients, emptying, executions,
        faults::Refused,
        objects::{self, Deleted},
        signed_calls::{self, Presence},
        stacks,
    },
    backoff::Backoff,
    console::Console,
    journal::StackFacts,
    names::{ArtifactBucketName, ProjectName, Region, RunId, StackName},
    sam::Sam,
    wording::counted,
};

/// How often a bucket that was emptied may still be told to be full.
const STILL_FULL: u32 = 5;

/// Everything that deleting needs.
#[derive(Debug, Clone)]
pub struct Sweeper {
    /// The SAM CLI.
    pub sam: Sam,
    /// The SDK.
    pub clients: Clients,
    /// The account that is swept.
    pub account: String,
    /// Its region.
    pub region: Region,
    /// Where progress is shown.
    pub console: Console,
}

impl Sweeper {
    /// What is there of `stack`, and whose it is. With `only`, one run's alone.
    ///
    /// # Errors
    /// When something can't be seen.
    pub async fn survey(
        &self,
        stack: &StackName,
        only: Option<&RunId>,
        hints: &[RunId],
    ) -> anyhow::Result<(Inventory, Decision)> {
        let found = inventory::take(&self.clients, &self.account, &self.region, stack, hints).await?;
        let decision = decide(&found.evidence(), only);
        Ok((found, decision))
    }

    /// Deletes what `claim` covers and proves it gone. `known` are names that
    /// must be gone too, whoever told them.
    ///
    /// # Errors
    /// When a step fails; what is left stays proved and can be swept again.
    pub async fn sweep(
        &self,
        stack: &StackName,
        found: &Inventory,
        claim: &Claim,
        known: &StackFacts,
    ) -> anyhow::Result<Swept> {
        if claim.stack.deletes()
            && let Some(there) = &found.stack
        {
            there.deletable(stack)?;
        }
        let buckets = owned_buckets(found, claim);
        let mut executions_stopped = 0;
        if claim.stack.deletes()
            && let Some((arn, _)) = &found.machine
        {
            executions_stopped = self.stop_executions(arn).await?;
        }
        // What is not proved ours loses no data before it is sure that the stack may go.
        let gone = claim.stack == StackClaim::Forced && self.delete_stack(stack, found).await.is_ok();
        if claim.stack == StackClaim::Forced && !gone {
            self.may_go_on(stack).await?;
        }
        // Before the stack goes: a template may let CloudFormation delete its
        // bucket, which only works when it is empty.
        let mut objects_deleted = 0;
        for bucket in &buckets {
            objects_deleted += self.empty(bucket).await?;
        }
        if claim.stack.deletes() && !gone {
            self.delete_stack(stack, found).await?;
        }
        // Once more, since functions may have written up to their deletion.
        for bucket in &buckets {
            objects_deleted += self.remove(bucket).await?;
        }
        let expected = self.expected(stack, found, claim, known, &buckets);
        self.delete_outlived_log_groups(&expected).await?;
        let proof = proof::verify(&expected, &self.clients).await;
        // The artifact buckets are the proof of the claim: they go when all else is gone.
        let anchors: Vec<_> = found.anchors.iter().filter(|a| claim.runs.contains(&a.run())).collect();
        for anchor in &anchors {
            objects_deleted += match proof.clean {
                true => self.remove(anchor.as_str()).await?,
                false => self.empty(anchor.as_str()).await?,
            };
        }
        let proof = proof.and(proof::verify(&self.expected_anchors(stack, &claim.runs), &self.clients).await);
        Ok(Swept {
            runs: claim.runs.clone(),
            evidence: claim.evidence.clone(),
            objects_deleted,
            executions_stopped,
            proof,
        })
    }

    /// Proves that nothing of these runs is there, where nothing had to be deleted.
    pub async fn prove_nothing(
        &self,
        stack: &StackName,
        found: &Inventory,
        runs: &[RunId],
        known: &StackFacts,
        decision: &Decision,
    ) -> Proof {
        let stack_claim = match decision {
            Decision::Foreign(why) => StackClaim::Foreign(why.clone()),
            _ => StackClaim::Absent,
        };
        let claim = Claim { runs: runs.to_vec(), stack: stack_claim, evidence: String::new() };
        let expected = self.expected(stack, found, &claim, known, &[]);
        let proof = proof::verify(&expected, &self.clients).await;
        proof.and(proof::verify(&self.expected_anchors(stack, runs), &self.clients).await)
    }

    /// `sam delete`; where sam can't, as without a change set to read or a bucket
    /// to look into, CloudFormation itself.
    async fn delete_stack(&self, stack: &StackName, found: &Inventory) -> anyhow::Result<()> {
        self.console.step("teardown", &format!("sam delete {stack}"));
        let Some(there) = &found.stack else { return self.sam.delete(stack, std::future::pending()).await };
        let Err(by_sam) = self.sam.delete(stack, stacks::gone(&self.clients, there)).await else { return Ok(()) };
        self.console.step("teardown", &format!("sam could not, so CloudFormation deletes {stack}"));
        // What it says as well is told once.
        let joined = |error| if Refused::for_good(&error) { error } else { by_sam.context(format!("{error:#}")) };
        stacks::delete(&self.clients, there).await.map_err(joined)
    }

    /// Whether a forced deletion that did not succeed was allowed: then it met something
    /// that emptying the buckets may clear.
    async fn may_go_on(&self, stack: &StackName) -> anyhow::Result<()> {
        let status = stacks::describe(&self.clients, stack.as_str()).await?.map(|there| there.status);
        match status.as_deref() {
            None | Some("DELETE_FAILED") => Ok(()),
            Some(status) => bail!("stack {stack} may not be deleted (it is {status}), so its buckets were not touched"),
        }
    }

    /// A template that declares no log group for its function leaves the one
    /// that Lambda made; a late line can bring back a declared one too. Their
    /// names are those of the claim's own functions.
    async fn delete_outlived_log_groups(&self, expected: &Expected) -> anyhow::Result<()> {
        let each = expected.log_groups.iter().map(|name| async move {
            // One that can't be seen is for the proof to tell.
            if matches!(signed_calls::log_group(&self.clients, name).await, Ok(Presence::Present)) {
                self.console.step("teardown", &format!("deleting log group {name}, which outlived the stack"));
                signed_calls::delete_log_group(&self.clients, name).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(each).await.map(drop)
    }

    /// Stops all running executions of a state machine, and waits for their ends.
    ///
    /// # Errors
    /// When one can't be stopped.
    pub async fn stop_executions(&self, machine: &str) -> anyhow::Result<usize> {
        let running = executions::running(&self.clients, machine).await?;
        if !running.is_empty() {
            self.console.step("teardown", &format!("stopping {}", counted(running.len(), "running execution")));
        }
        let stops = running.iter().map(|arn| executions::stop(&self.clients, arn, "the run is being torn down"));
        try_join_all(stops).await?;
        Ok(running.len())
    }

    /// Empties a bucket and deletes it. One that S3 still takes for full is emptied again.
    async fn remove(&self, bucket: &str) -> anyhow::Result<u64> {
        let mut objects_deleted = self.empty(bucket).await?;
        let mut backoff = Backoff::retrying();
        for _ in 0..STILL_FULL {
            if objects::delete_bucket(&self.clients, bucket).await? == Deleted::Gone {
                return Ok(objects_deleted);
            }
            tokio::time::sleep(backoff.next_delay()).await;
            objects_deleted += self.empty(bucket).await?;
        }
        bail!("bucket {bucket} is told to be not empty, though a listing finds nothing in it");
    }

    async fn empty(&self, bucket: &str) -> anyhow::Result<u64> {
        let shown = Cell::new(0);
        let progress = |total: u64| {
            self.console.now(&format!("{} deleted from {bucket}", counted(total, "object")));
            if total / 10_000 > shown.get() {
                shown.set(total / 10_000);
                self.console.step("teardown", &format!("{} deleted from {bucket}", counted(total, "object")));
            }
        };
        let emptied = emptying::empty(&self.clients, bucket, &progress).await;
        let emptied = emptied.with_context(|| format!("emptying bucket {bucket}"))?;
        if emptied.versions > 0 {
            self.console.step("teardown", &format!("{} deleted from {bucket}", counted(emptied.versions, "object")));
        }
        Ok(emptied.versions)
    }

    /// The names of all that must be gone: found, told, and derived from the runs.
    fn expected(
        &self,
        stack: &StackName,
        found: &Inventory,
        claim: &Claim,
        known: &StackFacts,
        buckets: &[String],
    ) -> Expected {
        let theirs = matches!(claim.stack, StackClaim::Foreign(_));
        let mut expected = Expected { stack: (!theirs).then(|| stack.clone()), ..Expected::default() };
        expected.buckets.extend(buckets.iter().cloned());
        let in_stack = found.facts();
        for facts in [&in_stack, known].into_iter().filter(|_| claim.stack.deletes()) {
            expected.buckets.extend(facts.render_bucket.clone());
            expected.machines.extend(facts.state_machine.clone());
            expected.functions.extend(facts.function.clone());
            // A machine may log to a group that others share: only one named after a run is its stack's.
            let of_a_run = |group: &&String| claim.runs.iter().any(|run| group.contains(run.as_str()));
            expected.log_groups.extend(facts.log_groups.iter().filter(of_a_run).cloned());
            expected.log_groups.extend(facts.function.iter().map(|f| format!("/aws/lambda/{f}")));
        }
        for run in &claim.runs {
            let project = ProjectName::new(stack, run);
            expected.buckets.insert(format!("{project}-{}", self.account));
            expected.machines.insert(inventory::machine_arn(&self.region, &self.account, &project));
            expected.functions.insert(format!("{project}-render"));
            expected.log_groups.insert(format!("/aws/vendedlogs/states/{project}-render"));
            expected.log_groups.insert(format!("/aws/lambda/{project}-render"));
        }
        expected
    }

    /// The artifact buckets of these runs.
    fn expected_anchors(&self, stack: &StackName, runs: &[RunId]) -> Expected {
        let names = runs.iter().map(|run| ArtifactBucketName::new(stack, &self.region, run).to_string());
        Expected { buckets: names.collect(), ..Expected::default() }
    }
}

/// The render buckets of the claim's runs, and of the stack itself where that is theirs.
fn owned_buckets(found: &Inventory, claim: &Claim) -> Vec<String> {
    let owned = |run: &Option<RunId>| match run {
        Some(run) => claim.runs.contains(run),
        None => claim.stack.deletes(),
    };
    found.render_buckets.iter().filter(|b| owned(&b.run)).map(|b| b.name.clone()).collect()
}
