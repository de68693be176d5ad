//! Deleting what is owned, in the order that leaves nothing behind.

use std::cell::Cell;

use anyhow::{Context, bail};
use backon::BackoffBuilder;
use futures_util::future::try_join_all;

use super::{
    expected::{artifact_buckets, expected},
    inventory::{self, Inventory},
    ownership::{Decision, Ownership, StackOwnership, decide},
    resources,
};
use crate::{
    artifacts::{Proof, Swept},
    aws::{
        Clients, emptying, executions,
        faults::Refused,
        objects::{self, Deleted, LISTED},
        signed_calls::{self, Presence},
        stacks,
    },
    backoff,
    console::Console,
    names::{ArtifactBucketName, Region, RunId, StackName},
    policy::{Place, Resource, ResourceNames},
    sam::Sam,
    wording::counted,
};

/// How often a bucket that was emptied may still be told to be full.
const STILL_FULL: usize = 5;

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

    /// Deletes what is owned and proves it gone. `known` are names that
    /// must be gone too, whoever told them.
    ///
    /// # Errors
    /// When a step fails; what is left stays proved and can be swept again.
    pub async fn sweep(
        &self,
        stack: &StackName,
        found: &Inventory,
        ownership: &Ownership,
        known: &ResourceNames,
    ) -> anyhow::Result<Swept> {
        if ownership.stack.deletes()
            && let Some(there) = &found.stack
        {
            there.deletable(stack)?;
        }
        let buckets = ownership.buckets(found);
        let mut executions_stopped = 0;
        // Of a stack that is gone the machine may still be on its way out, with an execution in it.
        if let Some((arn, machine)) = &found.machine
            && (ownership.stack.deletes()
                || inventory::run_tag(&machine.tags).is_some_and(|run| ownership.runs.contains(&run)))
        {
            executions_stopped = self.stop_executions(arn).await?;
        }
        // What is not proved ours loses no data before it is sure that the stack may go.
        let forced = ownership.stack == StackOwnership::Forced;
        let gone = forced && self.delete_stack(stack, found, ownership).await.is_ok();
        if forced && !gone {
            self.may_go_on(stack).await?;
        }
        // Before the stack goes: a template may let CloudFormation delete its
        // bucket, which only works when it is empty.
        let mut objects_deleted = 0;
        for bucket in &buckets {
            objects_deleted += self.empty(bucket).await?;
        }
        if ownership.stack.deletes() && !gone {
            self.delete_stack(stack, found, ownership).await?;
        }
        let buckets = self.outlived(stack, ownership, buckets).await?;
        // Once more, since functions may have written up to their deletion.
        for bucket in &buckets {
            objects_deleted += self.remove(bucket).await?;
        }
        let mut expected = expected(self.place(stack), found, ownership, known);
        expected.add(Resource::Bucket, buckets);
        self.delete_outlived_log_groups(&expected).await?;
        let proof = resources::verify(&expected, &self.clients).await;
        // The artifact buckets are the proof of ownership: they go when all else is gone.
        for bucket in found.artifact_buckets.iter().filter(|bucket| ownership.runs.contains(&bucket.run())) {
            objects_deleted += match proof.clean {
                true => self.remove(bucket.as_str()).await?,
                false => self.empty(bucket.as_str()).await?,
            };
        }
        let of_runs = artifact_buckets(self.place(stack), &ownership.runs);
        let proof = proof.and(resources::verify(&of_runs, &self.clients).await);
        Ok(Swept {
            runs: ownership.runs.clone(),
            evidence: ownership.evidence.clone(),
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
        known: &ResourceNames,
        decision: &Decision,
    ) -> Proof {
        let stack_ownership = match decision {
            Decision::Foreign(why) => StackOwnership::Foreign(why.clone()),
            _ => StackOwnership::Absent,
        };
        let ownership = Ownership { runs: runs.to_vec(), stack: stack_ownership, evidence: String::new() };
        let expected = expected(self.place(stack), found, &ownership, known);
        let proof = resources::verify(&expected, &self.clients).await;
        proof.and(resources::verify(&artifact_buckets(self.place(stack), runs), &self.clients).await)
    }

    /// The owned buckets once their stack is gone, with those that came up after the first look: a
    /// stack that was still being made may not have had its bucket then, and keeps it.
    async fn outlived(
        &self,
        stack: &StackName,
        ownership: &Ownership,
        mut buckets: Vec<String>,
    ) -> anyhow::Result<Vec<String>> {
        if !ownership.stack.deletes() || ownership.runs.is_empty() {
            return Ok(buckets);
        }
        if buckets.is_empty() {
            tokio::time::sleep(LISTED).await;
        }
        let (later, _) = self.survey(stack, None, &ownership.runs).await?;
        let of_runs = later.render_buckets.into_iter();
        let of_runs = of_runs.filter(|bucket| bucket.run.as_ref().is_some_and(|run| ownership.runs.contains(run)));
        buckets.extend(of_runs.map(|bucket| bucket.name));
        buckets.sort();
        buckets.dedup();
        Ok(buckets)
    }

    /// `sam delete`; where sam can't, as without a change set to read or a bucket
    /// to look into, CloudFormation itself. So where no run is proved to have made the
    /// stack: sam deletes uploads with it, and those may be anyone's.
    async fn delete_stack(&self, stack: &StackName, found: &Inventory, ownership: &Ownership) -> anyhow::Result<()> {
        let (run, there) = match (found.run_of_stack().filter(|run| ownership.runs.contains(run)), &found.stack) {
            (Some(run), Some(there)) => (run, there),
            (_, Some(there)) => {
                self.console.step("teardown", &format!("CloudFormation deletes {stack}"));
                return stacks::delete(&self.clients, there).await;
            }
            (_, None) => return Ok(()),
        };
        self.console.step("teardown", &format!("sam delete {stack}"));
        let artifacts = ArtifactBucketName::new(stack, &self.region, &run);
        let by_sam = self.sam.delete(stack, &artifacts, stacks::gone(&self.clients, there)).await;
        let Err(by_sam) = by_sam else { return Ok(()) };
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
    /// names are those of the owners' own functions.
    async fn delete_outlived_log_groups(&self, expected: &ResourceNames) -> anyhow::Result<()> {
        let each = expected.of(Resource::LogGroup).map(|name| async move {
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

    fn place<'a>(&'a self, stack: &'a StackName) -> Place<'a> {
        Place { stack, account: &self.account, region: &self.region }
    }

    /// Empties a bucket and deletes it. One that S3 still takes for full is emptied again.
    async fn remove(&self, bucket: &str) -> anyhow::Result<u64> {
        let mut objects_deleted = self.empty(bucket).await?;
        for pause in backoff::retrying(STILL_FULL).build() {
            if objects::delete_bucket(&self.clients, bucket).await? == Deleted::Gone {
                return Ok(objects_deleted);
            }
            tokio::time::sleep(pause).await;
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
}
