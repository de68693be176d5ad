//! What people see of an execution while it runs.

use std::time::Duration;

use execution_history::{
    cost::Cost,
    meaning::meaning,
    progress::{self, Pace, Progress, Tail},
    timeline::Timeline,
};
use tokio::time::Instant;

use crate::{
    aws::executions,
    console::text::{counted, duration},
    context,
    project::plan::PlannedRender,
    run::render::Render,
};

/// The history of a running execution is asked for this often: 30 calls a minute of
/// the 20 a second that an account may make of GetExecutionHistory.
const EVERY: Duration = Duration::from_secs(2);

/// And this seldom after refusals, and where each look prints a line.
const SELDOM: Duration = Duration::from_secs(30);

impl Render<'_> {
    /// Shows how far the execution is, for as long as this is polled: on a terminal all the time, elsewhere by a line
    /// every 30 s. It never fails anything: what it can't read it does not show.
    pub(crate) async fn watch(
        &self,
        arn: &str,
        planned: &PlannedRender,
        label: &str,
        started: Instant,
    ) -> std::convert::Infallible {
        let (console, clients) = (&self.run.session.console, &self.run.connection().clients);
        let (first, usual) = if console.is_live() { (EVERY / 2, EVERY) } else { (SELDOM, SELDOM) };
        let (mut tail, mut pause) = (Tail::default(), first);
        console.now("started");
        loop {
            tokio::time::sleep(pause).await;
            let added = match executions::newest_events(clients, arn, tail.next_token()).await {
                Ok((body, next_token)) => tail.add(&body, next_token),
                Err(error) => Err(error),
            };
            pause = if added.is_ok() { usual } else { (pause * 2).min(SELDOM) };
            if !console.is_live() && added.is_ok() && tail.next_token().is_some() {
                pause = Duration::ZERO;
                continue;
            }
            let (text, share) = self.reported(&tail, planned, started);
            console.now_at(&text, share);
            if !console.is_live() {
                self.run.step("render", &format!("{label}: after {}: {text}", duration(started.elapsed())));
            }
        }
    }

    /// What the history so far says, and which share of the frames is done.
    fn reported(&self, tail: &Tail, planned: &PlannedRender, started: Instant) -> (String, Option<f64>) {
        let progress = progress::progress(&tail.history(), context::ms(started.elapsed()));
        let Some(progress) = progress else { return ("started".to_owned(), None) };
        let functions = self.stack.functions.as_ref();
        let usd = functions.map(|functions| Cost::of(&progress.so_far, functions, &self.run.prices).usd);
        let (frames, chunks) = (self.settings.frames, u64::from(planned.id.chunk_count.get()));
        let pace = self.run.paces.borrow().get(&self.subject.fixture.name).copied();
        let left = progress::left_ms(&progress, frames, chunks, pace.as_ref());
        let share = progress.frames_planned.map(|of| progress.frames_done as f64 / of.max(1) as f64);
        (sentence(&progress, usd, left), share)
    }

    /// Keeps how long a render took, for the estimates of the next one, where they are shown.
    pub(crate) fn keep_pace(&self, history: &serde_json::Value) {
        if !self.run.session.console.is_live() {
            return;
        }
        if let Some(pace) = progress::progress(history, 0).as_ref().and_then(Pace::of) {
            self.run.paces.borrow_mut().insert(self.subject.fixture.name.clone(), pace);
        }
    }
}

/// Why calls failed that are made again, in words. Pure.
fn retried(so_far: &Timeline) -> Option<String> {
    let failed = so_far.attempts.iter().filter_map(|attempt| Some((attempt.ended_ms, attempt.error.as_ref()?)));
    let (_, last) = failed.clone().max_by_key(|(ended_ms, _)| *ended_ms)?;
    let what = meaning(last).map(|meaning| format!(": {}", meaning.what.trim_end_matches('.'))).unwrap_or_default();
    Some(format!("{} failed, the last with {last}{what}", counted(failed.count(), "call")))
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
    parts.extend(left_ms.map(|ms| format!("{} left", duration(Duration::from_millis(ms)))));
    // What a narrow terminal has no room for is left out first.
    parts.extend(usd.map(|usd| format!("${usd:.4}")));
    parts.extend(retried(&progress.so_far));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use execution_history::timeline::Attempt;

    use super::*;

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
        assert_eq!(sentence(&progress, Some(0.00123), Some(13_200)), "2/4 chunks, 120/240 frames, 14 s left, $0.0012");
        let refused = |ended_ms, error: &str| Attempt {
            ended_ms: Some(ended_ms),
            error: Some(error.to_owned()),
            ..Attempt::default()
        };
        progress.so_far.attempts = vec![refused(9, "Lambda.TooManyRequestsException"), refused(5, "TypeError")];
        let throttled = "2/4 chunks, 120/240 frames, 2 calls failed, the last with Lambda.TooManyRequestsException: Lambda \
                         refused the call: the stack or the account already runs as many functions as it may";
        assert_eq!(sentence(&progress, None, None), throttled);
        progress.so_far.attempts.clear();
        progress.assembling_ms = Some(1);
        assert_eq!(sentence(&progress, Some(0.5), Some(95_000)), "assembling, 1 min 35 s left, $0.5000");
    }
}
