//! The progress of a running execution, from its history so far. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    cli_events,
    timeline::{Attempt, Step, Timeline, timeline},
};

/// The progress of an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The number of chunks, once Plan has ended.
    pub chunks_planned: Option<u64>,
    /// The number of frames of the composition, once Plan has reported it.
    pub frames_planned: Option<u64>,
    /// The number of frames in all chunks that are done.
    pub frames_done: u64,
    /// The time from scheduling to end of each chunk that is done, including retries, ms.
    pub done_ms: Vec<u64>,
    /// The time since scheduling of each chunk that is not done, ms.
    pub running_ms: Vec<u64>,
    /// The time since the scheduling of Assemble, ms, once it is scheduled.
    pub assembling_ms: Option<u64>,
    /// The timeline so far, in which running calls end now, so that their cost is included.
    pub so_far: Timeline,
}

impl Progress {
    /// The number of chunks that are done.
    pub fn chunks_done(&self) -> u64 {
        self.done_ms.len() as u64
    }
}

/// Reads the history of an execution that began `now_ms` ago; `None` while it has no events.
pub fn progress(history: &Value, now_ms: u64) -> Option<Progress> {
    let mut so_far = timeline(history).ok()?;
    let now_ms = now_ms.max(so_far.duration_ms);
    let mut chunks: BTreeMap<u64, Chunk> = BTreeMap::new();
    for attempt in &so_far.attempts {
        let Step::Chunk(index) = attempt.step else { continue };
        let chunk = chunks.entry(index).or_insert(Chunk { began_ms: attempt.scheduled_ms, done_ms: None });
        chunk.done_ms = attempt.ended_ms.filter(|_| attempt.error.is_none());
    }
    let assembling = so_far.attempts.iter().find(|attempt| attempt.step == Step::Assemble);
    let assembling_ms = assembling.map(|attempt| now_ms - attempt.scheduled_ms);
    for attempt in &mut so_far.attempts {
        attempt.ended_ms = attempt.ended_ms.or(attempt.started_ms.map(|_| now_ms));
    }
    so_far.duration_ms = now_ms;
    let answers = Answers::of(history);
    Some(Progress {
        chunks_planned: answers.chunks_planned,
        frames_planned: answers.frames_planned,
        frames_done: answers.frames_done,
        done_ms: chunks.values().filter_map(|chunk| Some(chunk.done_ms?.saturating_sub(chunk.began_ms))).collect(),
        running_ms: chunks.values().filter(|c| c.done_ms.is_none()).map(|c| now_ms - c.began_ms).collect(),
        assembling_ms,
        so_far,
    })
}

struct Chunk {
    began_ms: u64,
    done_ms: Option<u64>,
}

/// What the handler's answers report.
#[derive(Default)]
struct Answers {
    chunks_planned: Option<u64>,
    frames_planned: Option<u64>,
    frames_done: u64,
}

impl Answers {
    fn of(history: &Value) -> Self {
        let mut found = Self::default();
        for event in history["events"].as_array().into_iter().flatten() {
            // The Map has its length even if the answers are left out.
            found.chunks_planned = found.chunks_planned.or(event["mapStateStartedEventDetails"]["length"].as_u64());
            let output = event["taskSucceededEventDetails"]["output"].as_str();
            let Some(output) = output.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { continue };
            let answer = output.get("Payload").unwrap_or(&output);
            found.chunks_planned = answer["ChunkCount"].as_u64().or(found.chunks_planned);
            found.frames_planned = answer["TotalFrames"].as_u64().or(found.frames_planned);
            if answer.get("ChunkIndex").is_some() {
                found.frames_done = found.frames_done.saturating_add(answer["FramesEncoded"].as_u64().unwrap_or(0));
            }
        }
        found
    }
}

/// How long the steps of an earlier render took, to estimate a running one, ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    plan: f64,
    each_frame: f64,
    assemble: f64,
}

impl Pace {
    /// The pace of a successful render.
    pub fn of(done: &Progress) -> Option<Self> {
        let at = |step: Step, of: fn(&Attempt) -> Option<u64>| {
            done.so_far.attempts.iter().filter(move |attempt| attempt.step == step).filter_map(of).max()
        };
        let slowest = *done.done_ms.iter().max()? as f64;
        let a_chunk = done.frames_planned? as f64 / done.chunks_done() as f64;
        let assembly = at(Step::Assemble, |attempt| Some(attempt.scheduled_ms))?;
        Some(Self {
            plan: at(Step::Plan, |attempt| attempt.ended_ms)? as f64,
            each_frame: slowest / a_chunk.max(1.0),
            assemble: done.so_far.duration_ms.saturating_sub(assembly) as f64,
        })
    }
}

/// Estimates how much longer an execution of `frames` frames in `chunks` chunks will take, ms,
/// from the chunks that are done and from `earlier` renders. `None` if there are neither, or if
/// the current step takes longer than was estimated. Without earlier renders, the assembly is left out.
pub fn left_ms(so_far: &Progress, frames: u64, chunks: u64, earlier: Option<&Pace>) -> Option<u64> {
    let to_assemble = earlier.map_or(0.0, |pace| pace.assemble);
    if let Some(assembling) = so_far.assembling_ms {
        return whole(to_assemble - assembling as f64);
    }
    let (chunks, done) = (so_far.chunks_planned.unwrap_or(chunks), &so_far.done_ms);
    let a_chunk = match done.len() {
        0 => earlier?.each_frame * so_far.frames_planned.unwrap_or(frames) as f64 / chunks.max(1) as f64,
        n => done.iter().sum::<u64>() as f64 / n as f64,
    };
    let to_plan = match so_far.chunks_planned {
        Some(_) => 0.0,
        None => whole(earlier?.plan - so_far.so_far.duration_ms as f64)? as f64,
    };
    let running: Vec<f64> = so_far.running_ms.iter().map(|ms| (a_chunk - *ms as f64).max(0.0)).collect();
    let waiting = chunks.saturating_sub(done.len() as u64 + running.len() as u64) as f64;
    let longest = running.iter().copied().fold(0.0, f64::max);
    if longest == 0.0 && !running.is_empty() {
        return None;
    }
    let to_render = match (waiting > 0.0, running.len()) {
        (false, _) => longest,
        (true, 0) => a_chunk,
        (true, at_once) => ((running.iter().sum::<f64>() + waiting * a_chunk) / at_once as f64).max(a_chunk),
    };
    whole(to_plan + to_render + to_assemble)
}

fn whole(ms: f64) -> Option<u64> {
    (ms >= 1.0).then_some(ms as u64)
}

/// The history of a running execution, read from its newest events backwards. Each read adds
/// the events since the one before.
#[derive(Debug, Default)]
pub struct Tail {
    events: BTreeMap<u64, Value>,
    older: Option<String>,
}

impl Tail {
    /// The token of the page to read next; `None` for the latest page.
    pub fn next_token(&self) -> Option<&str> {
        self.older.as_deref()
    }

    /// Adds a page, newest events first, and the token of the page after it.
    ///
    /// # Errors
    /// If it is not a page of a history.
    pub fn add(&mut self, body: &[u8], next_token: Option<String>) -> anyhow::Result<()> {
        let mut page = cli_events(&[body.to_vec()])?;
        let events = page["events"].as_array_mut().map(std::mem::take).unwrap_or_default();
        self.events.extend(events.into_iter().filter_map(|event| Some((event["id"].as_u64()?, event))));
        // Reading continues only if events are missing between this page and the earlier ones.
        let is_whole = self.events.keys().copied().eq(1..=self.events.len() as u64);
        self.older = next_token.filter(|_| !is_whole);
        Ok(())
    }

    /// The history up to the first missing event, in the format of the AWS CLI.
    pub fn history(&self) -> Value {
        let known = (1..).zip(&self.events).take_while(|(expected, (id, _))| expected == *id);
        json!({ "events": known.map(|(_, (_, event))| event).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod progress_tests;

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[u64]) -> Vec<u8> {
        let events: Vec<Value> =
            ids.iter().map(|id| json!({"id": id, "timestamp": 1.0, "type": "TaskStarted"})).collect();
        json!({ "events": events }).to_string().into_bytes()
    }

    #[test]
    fn pages_are_read_back_to_the_known_events_and_no_further() {
        let mut tail = Tail::default();
        let known = |tail: &Tail| tail.history()["events"].as_array().unwrap().len();
        tail.add(&page(&[3, 2]), Some("to 1".into())).unwrap();
        assert_eq!((tail.next_token(), known(&tail)), (Some("to 1"), 0));
        tail.add(&page(&[1]), None).unwrap();
        assert_eq!((tail.next_token(), known(&tail)), (None, 3));
        tail.add(&page(&[5, 4]), Some("to 3".into())).unwrap();
        assert_eq!((tail.next_token(), known(&tail)), (None, 5));
        tail.add(&page(&[9, 8]), Some("to 7".into())).unwrap();
        assert_eq!((tail.next_token(), known(&tail)), (Some("to 7"), 5));
        assert!(tail.add(b"<html>", None).is_err());
    }

    #[test]
    fn pages_with_the_oldest_events_first_are_read_too() {
        let mut tail = Tail::default();
        tail.add(&page(&[1, 2]), Some("to 3".into())).unwrap();
        assert_eq!(tail.history()["events"].as_array().unwrap().len(), 2);
    }
}
