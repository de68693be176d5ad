//! The journal's records, and the state that follows from them. Pure.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    aws::{access::Target, region::Region, resources::ResourceNames},
    project::names::{ArtifactBucketName, ProjectName, RunId, StackName},
};

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "camelCase")]
pub enum Entry {
    /// The run: written before anything is created.
    Begin(Box<Begin>),
    /// A thing that is about to be created.
    Intent {
        resource: Creation,
    },
    /// A thing that has been created.
    Created {
        resource: Creation,
    },
    Deployed(Box<Deployed>),
    TearingDown,
    /// The run is over, and everything it created is proved gone, or was kept on request.
    Finished {
        kept: bool,
    },
    /// The user says that nothing is to be done for it, without a look.
    Forgotten,
}

/// Who the run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begin {
    pub run: RunId,
    pub stack: StackName,
    pub project: ProjectName,
    pub target: Target,
    pub region: Region,
    pub account: String,
    #[serde(serialize_with = "crate::tools::files::in_json")]
    pub artifacts: PathBuf,
    /// When it began, RFC 3339.
    pub started_at: String,
}

impl Begin {
    /// Whether the run was there. All emulators have the same account and regions; only their addresses differ.
    pub fn is_at(&self, account: &str, region: &Region, target: &Target) -> bool {
        self.account == account && self.region == *region && self.target.endpoint() == target.endpoint()
    }
}

/// What a stack is deployed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// The SHA-256 of the handler ZIP, then those of functions with one of their own; `None` while `sam` deploys one, and
    /// after it failed to.
    pub zip: Option<String>,
    pub template: String,
    /// The parameters that the run set.
    pub parameters: BTreeMap<String, String>,
}

/// Something that a run creates on AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Creation {
    /// The per-run bucket that `sam deploy` uploads to.
    ArtifactBucket {
        name: ArtifactBucketName,
    },
    /// The stack, with what is in it once that is known.
    Stack {
        /// The names of what is in it; what they prove is decided elsewhere.
        facts: Option<ResourceNames>,
    },
    Execution {
        name: String,
    },
}

/// The run's state, according to its journal.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    pub begin: Begin,
    /// Whether anything may have been created.
    pub created_something: bool,
    /// The names of the stack's resources, as far as they are known.
    pub names: ResourceNames,
    /// What the stack was last deployed from, where that is known.
    pub deployed: Option<Deployed>,
    pub finished: bool,
    pub kept: bool,
}

impl RunState {
    /// Reads the lines of a journal. A line that can't be read, cut off by a
    /// crash or written by another version, may name anything: the run then
    /// counts as one that created something. `None` when no line says which run it is.
    pub fn replay(lines: &str) -> Option<Self> {
        let (mut begin, mut names) = (None, ResourceNames::default());
        let (mut created_something, mut finished, mut is_kept, mut deployed) = (false, false, false, None);
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(Entry::Begin(first)) => begin = begin.or(Some(*first)),
                Ok(Entry::Intent { resource: Creation::Stack { facts: Some(expected) } }) => {
                    created_something = true;
                    names = expected;
                }
                Ok(Entry::Intent { .. }) | Err(_) => created_something = true,
                Ok(Entry::Created { resource: Creation::Stack { facts: Some(of_stack) } }) => names = of_stack,
                Ok(Entry::Deployed(from)) => deployed = Some(*from),
                Ok(Entry::Finished { kept }) => (finished, is_kept) = (true, kept),
                Ok(Entry::Forgotten) => (finished, is_kept) = (true, false),
                Ok(Entry::Created { .. } | Entry::TearingDown) => {}
            }
        }
        begin.map(|begin| Self { begin, created_something, names, deployed, finished, kept: is_kept })
    }

    /// Whether there may be something of it: it is unfinished, or its stack was kept.
    pub fn may_have_left(&self) -> bool {
        self.is_unfinished() || self.kept
    }

    /// Whether the run ended before it was sure to have left nothing.
    pub fn is_unfinished(&self) -> bool {
        self.created_something && !self.finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::resources::Resource;

    fn begin() -> Begin {
        let (run, stack): (RunId, StackName) = ("0123456789ab".parse().unwrap(), "s".parse().unwrap());
        Begin {
            project: ProjectName::new(&stack, &run),
            run,
            stack,
            target: Target::Endpoint { url: "http://127.0.0.1:1".into(), configured: None },
            region: "us-east-1".parse().unwrap(),
            account: "123456789012".into(),
            artifacts: "/a".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
        }
    }

    fn bucket(name: &str) -> ResourceNames {
        let mut names = ResourceNames::default();
        names.add(Resource::Bucket, [name.to_owned()]);
        names
    }

    fn lines(entries: &[Entry]) -> String {
        entries.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect()
    }

    #[test]
    fn a_run_is_unfinished_from_its_first_intent_to_its_end() {
        let mut entries = vec![Entry::Begin(Box::new(begin()))];
        assert!(!RunState::replay(&lines(&entries)).unwrap().is_unfinished());
        entries.push(Entry::Intent { resource: Creation::Stack { facts: None } });
        assert!(RunState::replay(&lines(&entries)).unwrap().is_unfinished());
        entries.push(Entry::Finished { kept: false });
        assert!(!RunState::replay(&lines(&entries)).unwrap().is_unfinished());
    }

    #[test]
    fn a_line_that_cant_be_read_hides_nothing_before_and_after_it() {
        let names = bucket("b");
        let created = Entry::Created { resource: Creation::Stack { facts: Some(names.clone()) } };
        let (first, later) = (lines(&[Entry::Begin(Box::new(begin()))]), lines(&[created]));
        let finished = lines(&[Entry::Finished { kept: false }]);
        for broken in ["{\"record\":\"fini", "{\"record\":\"fromTheFuture\"}", "\0\0\0\0"] {
            let state = RunState::replay(&format!("{first}{broken}\n{later}")).unwrap();
            assert_eq!((&state.begin, &state.names), (&begin(), &names), "{broken:?}");
            assert!(state.is_unfinished(), "{broken:?}");
            assert!(!RunState::replay(&format!("{first}{broken}\n{later}{finished}")).unwrap().is_unfinished());
        }
    }

    #[test]
    fn what_is_expected_counts_until_it_is_there() {
        let resource = |name| Creation::Stack { facts: Some(bucket(name)) };
        let begin = Entry::Begin(Box::new(begin()));
        let expected = [begin, Entry::Intent { resource: resource("expected") }];
        assert_eq!(RunState::replay(&lines(&expected)).unwrap().names, bucket("expected"));
        let there = [&expected[..], &[Entry::Created { resource: resource("there") }]].concat();
        assert_eq!(RunState::replay(&lines(&there)).unwrap().names, bucket("there"));
    }

    #[test]
    fn a_blank_line_says_nothing() {
        let first = lines(&[Entry::Begin(Box::new(begin()))]);
        assert!(!RunState::replay(&format!("{first}\n")).unwrap().is_unfinished());
    }

    #[test]
    fn without_a_readable_first_record_nobody_knows_whose_journal_it_is() {
        let unknown_target = lines(&[Entry::Begin(Box::new(begin()))]).replace("\"endpoint\"", "\"moon\"");
        assert_eq!(RunState::replay(&unknown_target), None);
        assert_eq!(RunState::replay(""), None);
    }
}
