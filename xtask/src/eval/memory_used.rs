//! How much memory the calls of the executions used, from the log of the functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    aws::{
        faults,
        resources::{Resource, function_log_group},
        signed_calls,
    },
    console::text::counted,
    context,
    eval::{
        Bench,
        sample::{LambdaSample, Outcome},
    },
};

/// How long the last lines of a log are waited for on AWS.
const LAG: Duration = Duration::from_secs(30);

impl Bench<'_> {
    /// Adds the memory that Lambda's log reports to the samples. Best effort: it changes no verdict. An emulator's log is
    /// not waited for.
    pub(crate) async fn read_memory_used(&self, samples: &mut [LambdaSample]) {
        let run = &self.eval.run;
        let requests = |sample: &LambdaSample| sample.outcome.done().map(|done| done.requests.clone());
        let wanted: BTreeSet<String> = samples.iter().filter_map(requests).flatten().collect();
        if wanted.is_empty() {
            return;
        }
        let is_account = run.connection().access.target.endpoint().is_none();
        let mut used = BTreeMap::new();
        let all = faults::until(faults::retrying(0), async || {
            match self.memory_used().await {
                Ok(now) => used = now,
                Err(error) => run.session.console.command(&format!("the memory used is not known: {error:#}")),
            }
            (!is_account || wanted.iter().all(|id| used.contains_key(id))).then_some(())
        });
        // What has not arrived by then is left out.
        let _ = tokio::time::timeout(LAG, all).await;
        for sample in samples {
            if let Outcome::Done(done) = &mut sample.outcome {
                done.memory_used_mb = done.requests.iter().filter_map(|id| used.get(id)).max().copied();
            }
        }
        let known = wanted.iter().filter(|id| used.contains_key(*id)).count();
        if known > 0 {
            let all = counted(wanted.len(), "call");
            run.step("memory", &format!("the log reports the memory used of {known} of {all}"));
        }
    }

    /// What the logs of all functions report so far.
    async fn memory_used(&self) -> anyhow::Result<BTreeMap<String, u32>> {
        let run = &self.eval.run;
        let functions: Vec<String> = run.resources.borrow().of(Resource::Function).cloned().collect();
        let ms = |seconds: u64| i64::try_from(seconds * 1000).unwrap_or(i64::MAX);
        let (from_ms, to_ms) = (ms(run.names.epoch_s), ms(context::epoch_s() + 1));
        let mut used = BTreeMap::new();
        for function in functions {
            let group = function_log_group(&function);
            used.extend(signed_calls::memory_used(&run.connection().clients, &group, from_ms, to_ms).await?);
        }
        Ok(used)
    }
}
