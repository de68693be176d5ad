//! Deleting what is owned, in the order that leaves nothing behind.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use anyhow::{Context, bail, ensure};
use backon::BackoffBuilder;
use futures_util::future::try_join_all;

use crate::{
    aws::{
        buckets::{self, Deleted, LISTED},
        clients::Clients,
        emptying::{self, Emptied},
        executions, faults,
        region::Region,
        resources::{Place, Resource, ResourceNames},
        signed_calls, stacks,
    },
    console::{Console, text::counted},
    context::Connection,
    project::names::{RunId, StackName},
    report::row::{Deletions, Proof},
    teardown::{
        inventory::{self, FoundArtifacts, Hints, Inventory},
        ours::{Ours, StackContents, Tags, run_of},
        ownership::{Decision, Ownership, StackOwnership, decide},
        proof::{self, artifact_buckets, expected},
    },
};

/// How often S3 may still report an emptied bucket as not empty.
const STILL_FULL: usize = 5;

/// How long Lambda may take to write the last lines of a function that was deleted.
const LATE_LINES: Duration = Duration::from_secs(3);

/// Everything that deleting needs.
#[derive(Debug, Clone)]
pub struct Deleter {
    pub clients: Clients,
    pub account: String,
    pub region: Region,
    pub console: Console,
}

impl Deleter {
    pub(crate) fn at(connection: &Connection, console: &Console) -> Self {
        Self {
            clients: connection.clients.clone(),
            account: connection.account.clone(),
            region: connection.access.region.clone(),
            console: console.clone(),
        }
    }

    /// What is there of `stack`, and whose it is. With `only`, one run's alone.
    ///
    /// # Errors
    /// When something can't be seen.
    pub async fn survey(
        &self,
        stack: &StackName,
        only: Option<&RunId>,
        hints: Hints<'_>,
    ) -> anyhow::Result<(Inventory, Decision)> {
        let found = inventory::take(&self.clients, self.place(stack), hints).await?;
        for (resource, name) in found.unproved.iter() {
            let reported = format!("{} {name} is left alone: nothing proves that a run created it", resource.kind());
            self.console.step("teardown", &reported);
        }
        let decision = decide(&found.evidence(), only);
        Ok((found, decision))
    }

    /// Deletes what is owned and proves it gone. `known` are names that
    /// must be gone too, whoever named them.
    ///
    /// # Errors
    /// When a step fails; what is left stays proved and can be deleted again.
    pub async fn delete(
        &self,
        stack: &StackName,
        found: &Inventory,
        ownership: &Ownership,
        known: &ResourceNames,
    ) -> anyhow::Result<Deletions> {
        if ownership.stack.deletes()
            && let Some(there) = found.stack()
        {
            there.deletable(stack)?;
        }
        let (ours, buckets) = (ownership.ours(found), ownership.buckets(found));
        let executions_stopped = self.stop_executions(found, &ours).await?;
        // What is not proved ours loses no data before it is sure that the stack may go.
        let forced = ownership.stack == StackOwnership::Forced;
        let gone = forced && self.delete_stack(found, ownership).await.is_ok();
        if forced && !gone {
            self.may_go_on(found).await?;
        }
        // Before the stack goes: a template may let CloudFormation delete its
        // bucket, which only works when it is empty.
        let mut contents = Contents::default();
        for bucket in &buckets {
            contents.add(bucket, self.empty(bucket, &ours).await?);
        }
        if ownership.stack.deletes() && !gone {
            self.delete_stack(found, ownership).await?;
        }
        let buckets = self.outlived(stack, ownership, known, buckets).await?;
        // Once more, since functions may have written up to their deletion.
        for bucket in &buckets {
            contents.add(bucket, self.remove(bucket, &ours).await?);
        }
        let mut expected = expected(self.place(stack), found, ownership, known);
        expected.add(Resource::Bucket, buckets);
        let mut older = self.delete_outlived_log_groups(&expected, &ours).await?;
        if ours.stacks.iter().any(StackContents::logs_undeclared) {
            tokio::time::sleep(LATE_LINES).await;
            older.extend(self.delete_outlived_log_groups(&expected, &ours).await?);
        }
        for older in older {
            expected.remove(Resource::LogGroup, &older);
        }
        let (proof, now) = tokio::join!(proof::verify(&expected, &self.clients), ours.read_again(&self.clients));
        // The artifact buckets are the proof of ownership: they go when all else is gone.
        for bucket in found.artifact_buckets.iter().filter(|bucket| ownership.runs.contains(&bucket.name.run())) {
            let emptied = self.remove_artifacts(bucket, proof.clean).await?;
            contents.add(bucket.name.as_str(), emptied);
        }
        let of_runs = artifact_buckets(self.place(stack), found, &ownership.runs);
        let proof = proof.and(proof::verify(&of_runs, &self.clients).await).and(proof::retained(&now?));
        let proof = proof.and(proof::undeletable(&contents.undeletable));
        Ok(Deletions {
            runs: ownership.runs.clone(),
            evidence: ownership.evidence.clone(),
            objects_deleted: contents.deleted,
            executions_stopped,
            proof,
        })
    }

    /// Proves that nothing of these runs is there, where nothing had to be deleted but log groups that late lines
    /// brought back.
    ///
    /// # Errors
    /// When such a log group can't be deleted.
    pub async fn prove_nothing(
        &self,
        stack: &StackName,
        found: &Inventory,
        runs: &[RunId],
        known: &ResourceNames,
        decision: &Decision,
    ) -> anyhow::Result<Proof> {
        let stack_ownership = match decision {
            Decision::Foreign(why) => StackOwnership::Foreign(why.clone()),
            _ => StackOwnership::Absent,
        };
        let ownership = Ownership { runs: runs.to_vec(), stack: stack_ownership, evidence: String::new() };
        let mut expected = expected(self.place(stack), found, &ownership, known);
        let ours = ownership.ours(found);
        for older in self.delete_outlived_log_groups(&expected, &ours).await? {
            expected.remove(Resource::LogGroup, &older);
        }
        // The stacks were read just now, and nothing has deleted any since.
        let proof = proof::verify(&expected, &self.clients).await.and(proof::retained(&ours));
        Ok(proof.and(proof::verify(&artifact_buckets(self.place(stack), found, runs), &self.clients).await))
    }

    /// The owned buckets once their stack is gone, with those that came up after the first look: a
    /// stack that was still being made may not have had its bucket then, and keeps it.
    async fn outlived(
        &self,
        stack: &StackName,
        ownership: &Ownership,
        known: &ResourceNames,
        mut buckets: Vec<String>,
    ) -> anyhow::Result<Vec<String>> {
        if !ownership.stack.deletes() || ownership.runs.is_empty() {
            return Ok(buckets);
        }
        if buckets.is_empty() {
            tokio::time::sleep(LISTED).await;
        }
        let hints = Hints { runs: &ownership.runs, known };
        let later = inventory::take(&self.clients, self.place(stack), hints).await?;
        let of_runs = Ownership { stack: StackOwnership::Absent, ..ownership.clone() };
        buckets.extend(of_runs.buckets(&later));
        buckets.sort();
        buckets.dedup();
        Ok(buckets)
    }

    /// Deletes the stack by its ARN, if its tags still prove what they did.
    async fn delete_stack(&self, found: &Inventory, ownership: &Ownership) -> anyhow::Result<()> {
        let Some(there) = found.stack() else { return Ok(()) };
        let Some(now) = stacks::describe(&self.clients, &there.id).await? else { return Ok(()) };
        let is_unchanged = now.tags == there.tags && now.in_review() == there.in_review();
        ensure!(
            is_unchanged || run_of(&now.tags).is_some_and(|run| ownership.runs.contains(&run)),
            "stack {} has changed since its owner was checked, so it is left alone",
            there.id
        );
        self.console.step("teardown", &format!("deleting stack {}", there.name()));
        stacks::delete(&self.clients, there).await
    }

    /// Whether a forced deletion that did not succeed was allowed: then it met something
    /// that emptying the buckets may clear.
    async fn may_go_on(&self, found: &Inventory) -> anyhow::Result<()> {
        let Some(there) = found.stack() else { return Ok(()) };
        let now = stacks::describe(&self.clients, &there.id).await?;
        match now.as_ref().map(|now| now.status.as_str()) {
            None | Some("DELETE_FAILED") => Ok(()),
            Some(status) => {
                bail!("stack {} may not be deleted (it is {status}), so its buckets were not touched", there.name())
            }
        }
    }

    /// A template that declares no log group for its function leaves the one
    /// that Lambda made; a late line can bring back a declared one too. Gives the
    /// groups that are older than the stacks: they are someone else's.
    async fn delete_outlived_log_groups(&self, expected: &ResourceNames, ours: &Ours) -> anyhow::Result<Vec<String>> {
        let each = expected.of(Resource::LogGroup).map(|name| async move {
            // One that can't be seen is for the proof to report.
            let Ok(Some(group)) = signed_calls::log_group(&self.clients, name).await else { return Ok(None) };
            if ours.is_log_group(name, group) {
                self.console.step("teardown", &format!("deleting log group {name}, which outlived the stack"));
                signed_calls::delete_log_group(&self.clients, name).await?;
            } else if ours.is_older(group) {
                self.console.step("teardown", &format!("log group {name} is left alone: it is older than the stack"));
                return Ok(Some(name.clone()));
            }
            anyhow::Ok(None)
        });
        Ok(try_join_all(each).await?.into_iter().flatten().collect())
    }

    /// Stops what is running in the state machine of `run`.
    ///
    /// # Errors
    /// When an execution can't be stopped.
    pub async fn stop_own_executions(&self, found: &Inventory, run: &RunId) -> anyhow::Result<usize> {
        self.stop_executions(found, &found.ours(std::slice::from_ref(run), false)).await
    }

    /// Stops all running executions of the state machine that was found, if it is ours, and waits for their ends.
    /// The machine of a stack that is gone may still be on its way out, with an execution in it.
    async fn stop_executions(&self, found: &Inventory, ours: &Ours) -> anyhow::Result<usize> {
        let Some((arn, machine)) = &found.machine else { return Ok(0) };
        if !ours.is_tagged_or_listed(Resource::StateMachine, arn, &machine.tags) {
            return Ok(0);
        }
        let running = executions::running(&self.clients, arn).await?;
        if running.is_empty() {
            return Ok(0);
        }
        let Some(now) = executions::machine(&self.clients, arn).await? else { return Ok(0) };
        self.ensure_still_ours(Resource::StateMachine, arn, &now.tags, ours).await?;
        self.console.step("teardown", &format!("stopping {}", counted(running.len(), "running execution")));
        let stops = running.iter().map(|arn| executions::stop(&self.clients, arn, "the run is being torn down"));
        try_join_all(stops).await?;
        Ok(running.len())
    }

    /// Proves once more, right before something is stopped or emptied, that it is ours: by its tags as they are now,
    /// or else by what its stack lists now.
    async fn ensure_still_ours(&self, resource: Resource, name: &str, tags: &Tags, ours: &Ours) -> anyhow::Result<()> {
        let is_ours = match run_of(tags) {
            Some(_) => ours.is_tagged_or_listed(resource, name, tags),
            None => ours.read_again(&self.clients).await?.is_tagged_or_listed(resource, name, tags),
        };
        let kind = resource.kind();
        ensure!(is_ours, "{kind} {name} can no longer be proved to belong to a run, so it is left alone");
        Ok(())
    }

    fn place<'a>(&'a self, stack: &'a StackName) -> Place<'a> {
        Place { stack, account: &self.account, region: &self.region }
    }

    /// Deletes an artifact bucket, with what is in it if its tags still prove it the run's. It is only emptied where
    /// something else is left: it is what proves the run to own that.
    async fn remove_artifacts(&self, bucket: &FoundArtifacts, is_all_gone: bool) -> anyhow::Result<Emptied> {
        let name = bucket.name.as_str();
        let ours = Ours { runs: vec![bucket.name.run()], ..Ours::default() };
        match (bucket.is_tagged, is_all_gone) {
            (true, true) => self.remove(name, &ours).await,
            (true, false) => self.empty(name, &ours).await,
            // S3 refuses it as soon as something is in it.
            (false, _) => buckets::delete_bucket(&self.clients, name).await.map(|_| Emptied::default()),
        }
    }

    /// Empties a bucket and deletes it, unless something in it can't be deleted. One that S3 still takes for full is
    /// emptied again.
    async fn remove(&self, bucket: &str, ours: &Ours) -> anyhow::Result<Emptied> {
        let mut all = self.empty(bucket, ours).await?;
        for pause in faults::retrying(STILL_FULL).build() {
            if !all.undeletable.is_empty() || buckets::delete_bucket(&self.clients, bucket).await? == Deleted::Gone {
                return Ok(all);
            }
            tokio::time::sleep(pause).await;
            let more = self.empty(bucket, ours).await?;
            all = Emptied { versions: all.versions + more.versions, ..more };
        }
        bail!("bucket {bucket} is reported as not empty, although its listing is empty");
    }

    /// Empties a bucket that is ours, which is proved once more before, and after each page of its listing.
    async fn empty(&self, bucket: &str, ours: &Ours) -> anyhow::Result<Emptied> {
        let prove = async || match buckets::bucket_tags(&self.clients, bucket).await? {
            Some(tags) => self.ensure_still_ours(Resource::Bucket, bucket, &tags, ours).await,
            // There is nothing to be deleted.
            None => Ok(()),
        };
        prove().await?;
        let shown = Cell::new(0);
        let progress = |total: u64| {
            self.console.now(&format!("{} deleted from {bucket}", counted(total, "object")));
            if total / 10_000 > shown.get() {
                shown.set(total / 10_000);
                self.console.step("teardown", &format!("{} deleted from {bucket}", counted(total, "object")));
            }
        };
        let emptied = emptying::empty(&self.clients, bucket, prove, &progress).await;
        let emptied = emptied.with_context(|| format!("emptying bucket {bucket}"))?;
        if emptied.versions > 0 {
            self.console.step("teardown", &format!("{} deleted from {bucket}", counted(emptied.versions, "object")));
        }
        if let Some(((key, _), why)) = emptied.undeletable.first_key_value() {
            let left = counted(emptied.undeletable.len(), "object");
            self.console.step("teardown", &format!("{left} can't be deleted from {bucket}, such as {key}: {why}"));
        }
        Ok(emptied)
    }
}

/// What was in the buckets.
#[derive(Default)]
struct Contents {
    deleted: u64,
    /// The address of what S3 refuses to delete, and its reason.
    undeletable: BTreeMap<String, String>,
}

impl Contents {
    fn add(&mut self, bucket: &str, emptied: Emptied) {
        self.deleted += emptied.versions;
        let address = |key, version| format!("s3://{bucket}/{key} (version {version})");
        self.undeletable
            .extend(emptied.undeletable.into_iter().map(|((key, version), why)| (address(key, version), why)));
    }
}
