//! What people see of an execution while it runs.

use std::time::Duration;

use tokio::time::Instant;

use super::Render;
use crate::{
    aws::executions,
    clock,
    cost::Cost,
    history::{self, Pace, Progress, Tail},
    plan::PlannedRender,
    wording::counted,
};

/// The history of a running execution is asked for this often: 30 calls a minute of
/// the 20 a second that an account may make of GetExecutionHistory.
const EVERY: Duration = Duration::from_secs(2);

/// And this seldom after refusals.
const SELDOM: Duration = Duration::from_secs(30);

impl Render<'_> {
    /// Shows how far the execution is, for as long as this is polled. It never
    /// fails anything: what it can't read it does not show.
    pub(super) async fn watch(&self, arn: &str, planned: &PlannedRender, started: Instant) -> std::convert::Infallible {
        let console = &self.run.session.console;
        if !console.is_live() {
            return std::future::pending().await;
        }
        let clients = &self.run.connection().clients;
        let (mut tail, mut pause) = (Tail::default(), EVERY / 2);
        loop {
            let (text, share) = self.told(&tail, planned, started);
            console.now_at(&text, share);
            tokio::time::sleep(pause).await;
            let added = match executions::newest_events(clients, arn, tail.next_token()).await {
                Ok((body, next_token)) => tail.add(&body, next_token),
                Err(error) => Err(error),
            };
            pause = if added.is_ok() { EVERY } else { (pause * 2).min(SELDOM) };
        }
    }

    /// What the history so far says, and which share of the frames is done.
    fn told(&self, tail: &Tail, planned: &PlannedRender, started: Instant) -> (String, Option<f64>) {
        let progress = history::progress(&tail.history(), clock::ms(started.elapsed()));
        let Some(progress) = progress else { return ("started".to_owned(), None) };
        let memory_mb = self.stack.function.map(|limits| limits.memory_mb);
        let usd = memory_mb.map(|memory_mb| Cost::of(&progress.so_far, memory_mb, &self.run.prices).usd);
        let (frames, chunks) = (self.settings.frames, u64::from(planned.id.chunk_count.get()));
        let pace = self.run.paces.borrow().get(&self.subject.fixture.name).copied();
        let left = history::left_ms(&progress, frames, chunks, pace.as_ref());
        let share = progress.frames_planned.map(|of| progress.frames_done as f64 / of.max(1) as f64);
        (sentence(&progress, usd, left), share)
    }

    /// Keeps how long a render took, for the estimates of the next one, where they are shown.
    pub(super) fn keep_pace(&self, history: &serde_json::Value) {
        if !self.run.session.console.is_live() {
            return;
        }
        if let Some(pace) = history::progress(history, 0).as_ref().and_then(Pace::of) {
            self.run.paces.borrow_mut().insert(self.subject.fixture.name.clone(), pace);
        }
    }
}

/// Progress in one line. Pure.
fn sentence(progress: &Progress, usd: Option<f64>, left_ms: Option<u64>) -> String {
    let mut parts = Vec::new();
    match (progress.assembling_ms, progress.chunks_planned) {
        (Some(_), _) => parts.push("assembling".to_owned()),
        (None, None) => parts.push("planning".to_owned()),
        (None, Some(planned)) => {
            parts.push(format!("{}/{}", progress.chunks_done(), counted(planned as usize, "chunk")));
            if let Some(frames) = progress.frames_planned {
                parts.push(format!("{}/{frames} frames", progress.frames_done));
            }
        }
    }
    parts.extend(usd.map(|usd| format!("${usd:.4}")));
    parts.extend(left_ms.map(|ms| format!("{} left", duration(ms))));
    parts.join(", ")
}

/// A duration as people say it, rounded up to a second.
fn duration(ms: u64) -> String {
    let s = ms.div_ceil(1000);
    if s < 90 { format!("{s} s") } else { format!("{} min {:02} s", s / 60, s % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Timeline;

    #[test]
    fn progress_is_one_line() {
        let so_far = Timeline { duration_ms: 0, attempts: Vec::new(), transitions: 0 };
        let mut progress = Progress {
            chunks_planned: None,
            frames_planned: None,
            frames_done: 0,
            done_ms: Vec::new(),
            running_ms: Vec::new(),
            assembling_ms: None,
            so_far,
        };
        assert_eq!(sentence(&progress, None, None), "planning");
        progress = Progress { chunks_planned: Some(4), frames_planned: Some(240), ..progress };
        progress = Progress { done_ms: vec![1, 1], frames_done: 120, ..progress };
        assert_eq!(sentence(&progress, Some(0.00123), Some(13_200)), "2/4 chunks, 120/240 frames, $0.0012, 14 s left");
        progress.assembling_ms = Some(1);
        assert_eq!(sentence(&progress, Some(0.5), Some(95_000)), "assembling, $0.5000, 1 min 35 s left");
    }
}
