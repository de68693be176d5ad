//! Changing the functions of a run's stack between renders, without a deployment.

use crate::{
    aws::{resources::Resource, signed_calls},
    run::{
        Run,
        deploy::{DeployedStack, advice, proved_contents, sizes, values},
    },
};

impl DeployedStack {
    /// Gives this memory, MB, to every function that the state machine calls, which are proved to be in the run's stack.
    /// All that is called from then on runs in a new environment.
    ///
    /// # Errors
    /// When the stack is no longer the run's, or a function can't be changed.
    pub(crate) async fn set_memory(&mut self, run: &Run, memory_mb: u32) -> anyhow::Result<()> {
        let clients = &run.connection().clients;
        let contents = proved_contents(run, &self.id).await?;
        for id in run.template.called(&values(run)) {
            let name = contents.named(id, Resource::Function)?;
            signed_calls::set_memory(clients, &name, memory_mb).await.map_err(advised)?;
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
