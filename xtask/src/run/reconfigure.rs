//! Changing the functions of the deployed stack between renders, without a deployment.

use crate::{
    aws::{resources::Resource, signed_calls},
    run::{
        Run,
        advice::advice,
        deploy::{DeployedStack, proved_contents, sizes, values},
    },
};

/// How functions are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    MemoryMb(u32),
    /// They get new environments, by a variable with this value, which they did not have before.
    Environments(u64),
}

/// Changing it makes Lambda start new environments. Nothing reads it.
const VARIABLE: &str = "HYPERFRAMES_GATES_COLD_START";

impl DeployedStack {
    /// Changes every function that the state machine calls, which are proved to be in the run's stack. All that is called
    /// from then on runs in a new environment.
    pub(crate) async fn change_functions(&mut self, run: &Run, change: Change) -> anyhow::Result<()> {
        let clients = &run.connection().clients;
        let contents = proved_contents(run, &self.id).await?;
        for id in run.template.called(&values(run)) {
            let name = contents.named(id, Resource::Function)?;
            match change {
                Change::MemoryMb(mb) => signed_calls::set_memory(clients, &name, mb).await.map_err(advised)?,
                Change::Environments(nth) => {
                    signed_calls::set_variable(clients, &name, VARIABLE, &nth.to_string()).await?;
                }
            }
        }
        let planner = contents.named(&run.template.planner, Resource::Function)?;
        self.functions = sizes(clients, &planner, contents.names(Resource::Function)).await;
        Ok(())
    }
}

/// The error of a service, with what to do if that is known.
fn advised(error: anyhow::Error) -> anyhow::Error {
    match advice(&format!("{error:#}")) {
        Some(advice) => error.context(advice),
        None => error,
    }
}
