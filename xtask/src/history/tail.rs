//! The history of an execution that runs, read from its end: each page tells
//! what is new since the one before. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cli_events;

/// The events that are known so far.
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
    /// When it is not a page of a history.
    pub fn add(&mut self, body: &[u8], next_token: Option<String>) -> anyhow::Result<()> {
        let mut page = cli_events(&[body.to_vec()])?;
        let events = page["events"].as_array_mut().map(std::mem::take).unwrap_or_default();
        self.events.extend(events.into_iter().filter_map(|event| Some((event["id"].as_u64()?, event))));
        // Only what lies between this page and the ones before is read further.
        let is_whole = self.events.keys().copied().eq(1..=self.events.len() as u64);
        self.older = next_token.filter(|_| !is_whole);
        Ok(())
    }

    /// The history so far, in the CLI's shape: up to the first event that is missing.
    pub fn history(&self) -> Value {
        let known = (1..).zip(&self.events).take_while(|(expected, (id, _))| expected == *id);
        json!({ "events": known.map(|(_, (_, event))| event).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[u64]) -> Vec<u8> {
        let events: Vec<Value> =
            ids.iter().map(|id| json!({"id": id, "timestamp": 1.0, "type": "TaskStarted"})).collect();
        json!({ "events": events }).to_string().into_bytes()
    }

    #[test]
    fn pages_are_read_back_to_what_is_known_and_no_further() {
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
    fn a_service_that_sends_the_oldest_events_first_is_understood_too() {
        let mut tail = Tail::default();
        tail.add(&page(&[1, 2]), Some("to 3".into())).unwrap();
        assert_eq!(tail.history()["events"].as_array().unwrap().len(), 2);
    }
}
