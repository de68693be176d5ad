//! Executions that did not succeed, as far as their files tell. Pure.

use serde_json::Value;

use super::Files;
use crate::history::{Failed, Timeline, failed, timeline};

/// An execution that did not succeed.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedExecution {
    /// What the names of its files begin with, with their folder: `renders/N4`.
    pub file_stem: String,
    /// What it did when; `None` where its history does not tell.
    pub timeline: Option<Timeline>,
    /// Which state failed, and why, likewise.
    pub failure: Option<Failed>,
}

/// Every execution whose description was kept, which only a failed one's is.
pub(super) fn failed_executions(files: &Files) -> Vec<FailedExecution> {
    let stems = files.names().filter_map(|name| name.strip_suffix("-execution.json"));
    let of_stem = |stem: &str| {
        let history: Option<Value> = files.json(&format!("{stem}-history.json")).ok().flatten();
        FailedExecution {
            file_stem: stem.to_owned(),
            timeline: history.as_ref().and_then(|history| timeline(history).ok()),
            failure: history.as_ref().and_then(failed),
        }
    };
    stems.filter(|stem| stem.starts_with("renders/")).map(of_stem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_execution_tells_by_its_history() {
        let path = format!("{}/tests/data/histories/failed-chunk.json", env!("CARGO_MANIFEST_DIR"));
        let mut files = Files::default();
        files.add("renders/N2-execution.json", Some("{}".to_owned()));
        files.add("renders/N2-history.json", Some(std::fs::read_to_string(path).unwrap()));
        files.add("renders/N4-execution.json", Some("{}".to_owned()));
        let found = failed_executions(&files);
        assert_eq!(found.iter().map(|one| one.file_stem.as_str()).collect::<Vec<_>>(), ["renders/N2", "renders/N4"]);
        assert_eq!(found[0].failure.as_ref().unwrap().error, "TypeError");
        assert!(found[0].timeline.as_ref().unwrap().attempts.iter().any(|attempt| attempt.error.is_some()));
        assert_eq!((&found[1].timeline, &found[1].failure), (&None, &None));
    }
}
