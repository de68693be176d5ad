//! Who owns what: decided from tags alone. Pure.

use crate::{
    aws::resources::Resource,
    project::names::RunId,
    teardown::{inventory::Inventory, ours::Ours},
};

/// What AWS says of a stack's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub stack: StackEvidence,
    /// The runs whose artifact buckets, tagged with their run and with this
    /// stack's name, are there. Such a bucket is made after the name was proved
    /// unused, before the stack, and goes last.
    pub name_locks: Vec<RunId>,
    /// The runs whose tag is on buckets that the stack left behind.
    pub tagged_buckets: Vec<RunId>,
}

/// What is known of the stack itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackEvidence {
    Absent,
    /// There is one, and it carries this run's tag.
    Tagged(RunId),
    /// There is one that is not proved to be a run's, for this reason.
    Unproved(String),
}

/// Whether a stack and its buckets may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A run of ours made what is there.
    Owned(Ownership),
    /// Nothing of this name is there.
    Nothing,
    /// Something is there that no run of ours can be proved to have made.
    Foreign(String),
}

/// The runs that made what is there, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The runs: one, unless several used the stack's name in turn.
    pub runs: Vec<RunId>,
    /// What may be done to the stack itself.
    pub stack: StackOwnership,
    /// The proof, for people.
    pub evidence: String,
}

/// What may be done to a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackOwnership {
    Absent,
    /// It is proved to be the runs'.
    Owned,
    /// It is someone else's, for this reason, and stays.
    Foreign(String),
    /// It is not proved to be a run's, and its name was typed again.
    Forced,
}

impl Ownership {
    /// What proves a resource to be one of those that may be deleted.
    pub(crate) fn ours(&self, found: &Inventory) -> Ours {
        found.ours(&self.runs, self.stack.deletes())
    }

    /// The render buckets that are ours.
    pub(crate) fn buckets(&self, found: &Inventory) -> Vec<String> {
        let ours = self.ours(found);
        let is_ours = |name: &str, tags: &[_]| ours.is_tagged_or_listed(Resource::Bucket, name, tags);
        let buckets = found.render_buckets.iter().filter(|bucket| is_ours(&bucket.name, &bucket.tags));
        buckets.map(|bucket| bucket.name.clone()).collect()
    }
}

impl StackOwnership {
    pub fn deletes(&self) -> bool {
        matches!(self, Self::Owned | Self::Forced)
    }
}

/// Decides by the evidence. With `only`, what other runs made is not ours.
pub fn decide(evidence: &Evidence, only: Option<&RunId>) -> Decision {
    let wanted = |run: &&RunId| only.is_none_or(|only| *run == only);
    let mut runs: Vec<RunId> =
        evidence.name_locks.iter().chain(&evidence.tagged_buckets).filter(wanted).cloned().collect();
    let (stack, proof) = match &evidence.stack {
        StackEvidence::Absent => (StackOwnership::Absent, "only its tagged buckets are left".to_owned()),
        StackEvidence::Tagged(run) if wanted(&run) => {
            runs.push(run.clone());
            (StackOwnership::Owned, format!("it has the tag {}={run}", RunId::TAG))
        }
        StackEvidence::Tagged(run) => foreign(format!("it belongs to run {run}")),
        StackEvidence::Unproved(why) => foreign(why.clone()),
    };
    runs.sort();
    runs.dedup();
    match (runs.is_empty(), stack) {
        (true, StackOwnership::Foreign(why)) => Decision::Foreign(why),
        (true, _) => Decision::Nothing,
        (false, stack) => Decision::Owned(Ownership { runs, stack, evidence: proof }),
    }
}

/// A stack of someone else is never touched; what runs left next to it may be deleted.
fn foreign(why: String) -> (StackOwnership, String) {
    let leftovers = format!("tagged buckets of runs are left; the stack itself stays: {why}");
    (StackOwnership::Foreign(why), leftovers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(digit: char) -> RunId {
        digit.to_string().repeat(12).parse().unwrap()
    }

    fn evidence(stack: StackEvidence, name_locks: &[RunId]) -> Evidence {
        Evidence { stack, name_locks: name_locks.to_vec(), tagged_buckets: vec![] }
    }

    fn untagged() -> StackEvidence {
        StackEvidence::Unproved("it has no tag".to_owned())
    }

    fn stack_ownership(decision: &Decision) -> Option<&StackOwnership> {
        if let Decision::Owned(ownership) = decision { Some(&ownership.stack) } else { None }
    }

    #[test]
    fn a_tagged_stack_is_owned_and_an_untagged_one_is_foreign() {
        let owned = decide(&evidence(StackEvidence::Tagged(run('a')), &[]), None);
        assert!(
            matches!(owned, Decision::Owned(ownership) if ownership.stack == StackOwnership::Owned && ownership.runs == [run('a')])
        );
        assert!(matches!(decide(&evidence(untagged(), &[]), None), Decision::Foreign(_)));
    }

    #[test]
    fn a_name_lock_owns_no_stack() {
        let unproved = decide(&evidence(untagged(), &[run('a')]), None);
        assert!(matches!(stack_ownership(&unproved), Some(StackOwnership::Foreign(_))), "{unproved:?}");
    }

    #[test]
    fn a_run_never_takes_another_runs_stack() {
        let theirs = evidence(StackEvidence::Tagged(run('b')), &[run('b')]);
        assert!(matches!(decide(&theirs, Some(&run('a'))), Decision::Foreign(_)));
        let next_to_ours = decide(&evidence(StackEvidence::Tagged(run('b')), &[run('a')]), Some(&run('a')));
        assert!(matches!(stack_ownership(&next_to_ours), Some(StackOwnership::Foreign(_))), "{next_to_ours:?}");
        assert!(matches!(next_to_ours, Decision::Owned(ownership) if ownership.runs == [run('a')]));
    }

    #[test]
    fn only_what_is_proved_or_forced_is_deleted() {
        let foreign = StackOwnership::Foreign("it has no tag".to_owned());
        let deletes = [StackOwnership::Owned, StackOwnership::Forced, StackOwnership::Absent, foreign]
            .map(|ownership| ownership.deletes());
        assert_eq!(deletes, [true, true, false, false]);
    }

    #[test]
    fn leftovers_of_a_gone_stack_are_owned_and_nothing_is_nothing() {
        let left = decide(&evidence(StackEvidence::Absent, &[run('a')]), None);
        assert_eq!(stack_ownership(&left), Some(&StackOwnership::Absent));
        assert_eq!(decide(&evidence(StackEvidence::Absent, &[]), None), Decision::Nothing);
        assert_eq!(decide(&evidence(StackEvidence::Absent, &[run('b')]), Some(&run('a'))), Decision::Nothing);
    }
}
