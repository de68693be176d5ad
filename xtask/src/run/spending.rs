//! What a render may cost, and has cost.

use super::Render;
use crate::{aws::executions::Cap, budget::Estimate, cost::Cost, history::Timeline, plan::PlannedRender};

impl Render<'_> {
    /// What so many chunks are going to cost, at most as far as is known.
    pub(crate) fn estimate(&self, planned: &PlannedRender) -> Estimate {
        let times = self.run.known.of(&self.subject.fixture.name);
        Estimate::of(&[planned.split(self.settings.frames)], &times, self.memory_mb(), &self.run.prices)
    }

    /// When the execution is stopped: when it takes too long, or could cost too much.
    pub(super) fn cap_of(&self, planned: &PlannedRender) -> Cap {
        let chunks = planned.split(self.settings.frames).chunks;
        let time_left = self.run.budget.time_left(chunks, self.memory_mb(), &self.run.prices);
        match (time_left, self.run.options.max_cost) {
            (Some(after), Some(most)) if after < self.cap => {
                Cap { after, why: format!("the run could come to cost more than --max-cost-usd allows ({most})") }
            }
            _ => Cap::of_time(self.cap),
        }
    }

    fn memory_mb(&self) -> u64 {
        self.stack.function.map_or_else(|| self.run.memory_mb(), |limits| limits.memory_mb)
    }

    /// Counts what an execution cost, whether it succeeded or not.
    pub(super) fn spend(&self, timeline: Option<&Timeline>) {
        if let Some(timeline) = timeline {
            self.run.budget.spend(Cost::of(timeline, self.memory_mb(), &self.run.prices).usd);
        }
    }
}
