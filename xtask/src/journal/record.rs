//! The journal's records, and what a sequence of them comes to. Pure.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    aws::Target,
    names::{ArtifactBucketName, ProjectName, Region, RunId, StackName},
};

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "camelCase")]
pub enum Entry {
    /// The run: written before anything is created.
    Begin(Box<Begin>),
    /// A thing that is about to be created.
    Intent {
        /// The thing.
        resource: Resource,
    },
    /// A thing that has been created.
    Created {
        /// The thing.
        resource: Resource,
    },
    /// Clean-up has begun.
    TearingDown,
    /// The run is over, and everything it created is proved gone, or was kept on request.
    Finished {
        /// Whether the stack was kept on request.
        kept: bool,
    },
}

/// Who the run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begin {
    /// The run.
    pub run: RunId,
    /// Its stack.
    pub stack: StackName,
    /// Its ProjectName.
    pub project: ProjectName,
    /// Where it runs.
    pub target: Target,
    /// The region.
    pub region: Region,
    /// The account.
    pub account: String,
    /// Its artifacts.
    pub artifacts: PathBuf,
    /// When it began, RFC 3339.
    pub started_at: String,
}

/// Something that a run creates on AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Resource {
    /// The per-run bucket that `sam deploy` uploads to.
    ArtifactBucket {
        /// Its name.
        name: ArtifactBucketName,
    },
    /// The stack, with what is in it once that is known.
    Stack {
        /// What its outputs name.
        facts: Option<StackFacts>,
    },
    /// An execution.
    Execution {
        /// Its name.
        name: String,
    },
}

/// The things in a stack, as its outputs name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct StackFacts {
    /// The bucket that outlives the stack.
    pub render_bucket: Option<String>,
    /// The state machine's ARN.
    pub state_machine: Option<String>,
    /// The function's name.
    pub function: Option<String>,
    /// Log groups, by name.
    pub log_groups: Vec<String>,
}

/// What a journal comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    /// Who the run is.
    pub begin: Begin,
    /// Whether anything may have been created.
    pub created_something: bool,
    /// The stack's content, as far as it got.
    pub facts: StackFacts,
    /// Whether the run was finished.
    pub finished: bool,
}

impl RunState {
    /// Reads the lines of a journal. A last line that a crash cut off is
    /// ignored: its creation had not begun. `None` without a first record.
    pub fn replay(lines: &str) -> Option<Self> {
        let mut entries = lines.lines().map_while(|line| serde_json::from_str::<Entry>(line).ok());
        let Some(Entry::Begin(begin)) = entries.next() else { return None };
        let mut state = Self { begin: *begin, created_something: false, facts: StackFacts::default(), finished: false };
        for entry in entries {
            match entry {
                Entry::Intent { .. } => state.created_something = true,
                Entry::Created { resource: Resource::Stack { facts: Some(facts) } } => state.facts = facts,
                Entry::Finished { .. } => state.finished = true,
                Entry::Begin(_) | Entry::Created { .. } | Entry::TearingDown => {}
            }
        }
        Some(state)
    }

    /// Whether the run ended before it was sure to have left nothing.
    pub fn is_unfinished(&self) -> bool {
        self.created_something && !self.finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> Begin {
        let (run, stack): (RunId, StackName) = ("0123456789ab".parse().unwrap(), "s".parse().unwrap());
        Begin {
            project: ProjectName::new(&stack, &run),
            run,
            stack,
            target: Target::Endpoint { url: "http://127.0.0.1:1".into() },
            region: "us-east-1".parse().unwrap(),
            account: "123456789012".into(),
            artifacts: "/a".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
        }
    }

    fn lines(entries: &[Entry]) -> String {
        entries.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect()
    }

    #[test]
    fn a_run_is_unfinished_from_its_first_intent_to_its_end() {
        let mut entries = vec![Entry::Begin(Box::new(begin()))];
        assert!(!RunState::replay(&lines(&entries)).unwrap().is_unfinished());
        entries.push(Entry::Intent { resource: Resource::Stack { facts: None } });
        assert!(RunState::replay(&lines(&entries)).unwrap().is_unfinished());
        entries.push(Entry::Finished { kept: false });
        assert!(!RunState::replay(&lines(&entries)).unwrap().is_unfinished());
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_ignored() {
        let facts = StackFacts { render_bucket: Some("b".into()), ..StackFacts::default() };
        let whole = lines(&[
            Entry::Begin(Box::new(begin())),
            Entry::Intent { resource: Resource::Stack { facts: None } },
            Entry::Created { resource: Resource::Stack { facts: Some(facts.clone()) } },
        ]);
        let state = RunState::replay(&format!("{whole}{{\"record\":\"fini")).unwrap();
        assert_eq!((state.begin.clone(), state.facts.clone()), (begin(), facts));
        assert!(state.is_unfinished());
        assert_eq!(RunState::replay(""), None);
    }
}
