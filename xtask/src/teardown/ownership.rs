//! Who owns what: decided from tags alone. Pure.

use super::{inventory::Inventory, ours::Ours};
use crate::{names::RunId, policy::Resource};

/// What AWS says of a stack's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The stack.
    pub stack: StackEvidence,
    /// The runs whose artifact buckets, tagged with their run and with this
    /// stack's name, are there. Such a bucket is made after the name was proved
    /// unused, before the stack, and goes last.
    pub claims: Vec<RunId>,
    /// The runs whose tag is on buckets that the stack left behind.
    pub tagged_buckets: Vec<RunId>,
}

/// What is known of the stack itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackEvidence {
    /// There is none.
    Absent,
    /// There is one, and it carries this run's tag.
    Tagged(RunId),
    /// There is one, without a run's tag.
    Untagged,
    /// There is only a change set that was never executed. It holds nothing,
    /// and may not show its tags yet.
    InReview,
}

/// Whose leave there is to delete.
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
    /// There is none.
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
    pub(super) fn ours(&self, found: &Inventory) -> Ours {
        found.ours(&self.runs, self.stack.deletes())
    }

    /// The render buckets that are ours.
    pub(super) fn buckets(&self, found: &Inventory) -> Vec<String> {
        let ours = self.ours(found);
        let is_ours = |name: &str, tags: &[_]| ours.is_tagged_or_listed(Resource::Bucket, name, tags);
        let buckets = found.render_buckets.iter().filter(|bucket| is_ours(&bucket.name, &bucket.tags));
        buckets.map(|bucket| bucket.name.clone()).collect()
    }
}

impl StackOwnership {
    /// Whether the stack is to be deleted.
    pub fn deletes(&self) -> bool {
        matches!(self, Self::Owned | Self::Forced)
    }
}

/// Decides by the evidence. With `only`, what other runs made is not ours.
pub fn decide(evidence: &Evidence, only: Option<&RunId>) -> Decision {
    let wanted = |run: &&RunId| only.is_none_or(|only| *run == only);
    let mut runs: Vec<RunId> = evidence.claims.iter().chain(&evidence.tagged_buckets).filter(wanted).cloned().collect();
    let (stack, proof) = match &evidence.stack {
        StackEvidence::Absent => (StackOwnership::Absent, "tagged buckets are left of it".to_owned()),
        StackEvidence::Tagged(run) if wanted(&run) => {
            runs.push(run.clone());
            (StackOwnership::Owned, format!("it has the tag {}={run}", RunId::TAG))
        }
        StackEvidence::InReview if evidence.claims.iter().any(|run| wanted(&run)) => {
            (StackOwnership::Owned, "it is a change set that was never executed, and a run claimed its name".to_owned())
        }
        StackEvidence::Tagged(run) => foreign(format!("it belongs to run {run}")),
        StackEvidence::Untagged | StackEvidence::InReview => foreign(format!("it has no tag {}", RunId::TAG)),
    };
    runs.sort();
    runs.dedup();
    match (runs.is_empty(), stack) {
        (true, StackOwnership::Foreign(why)) => Decision::Foreign(why),
        (true, _) => Decision::Nothing,
        (false, stack) => Decision::Owned(Ownership { runs, stack, evidence: proof }),
    }
}

/// A stack that is not ours is never touched; what our runs left beside it may go.
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

    fn evidence(stack: StackEvidence, claims: &[RunId]) -> Evidence {
        Evidence { stack, claims: claims.to_vec(), tagged_buckets: vec![] }
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
        assert!(matches!(decide(&evidence(StackEvidence::Untagged, &[]), None), Decision::Foreign(_)));
        assert!(matches!(decide(&evidence(StackEvidence::InReview, &[]), None), Decision::Foreign(_)));
    }

    #[test]
    fn a_claim_on_a_name_owns_no_stack_but_a_change_set() {
        let untagged = decide(&evidence(StackEvidence::Untagged, &[run('a')]), None);
        assert!(matches!(stack_ownership(&untagged), Some(StackOwnership::Foreign(_))), "{untagged:?}");
        let in_review = decide(&evidence(StackEvidence::InReview, &[run('a')]), None);
        assert_eq!(stack_ownership(&in_review), Some(&StackOwnership::Owned));
        let of_another = decide(&evidence(StackEvidence::InReview, &[run('b')]), Some(&run('a')));
        assert!(matches!(of_another, Decision::Foreign(_)));
    }

    #[test]
    fn a_run_never_takes_another_runs_stack() {
        let theirs = evidence(StackEvidence::Tagged(run('b')), &[run('b')]);
        assert!(matches!(decide(&theirs, Some(&run('a'))), Decision::Foreign(_)));
        let beside_ours = decide(&evidence(StackEvidence::Tagged(run('b')), &[run('a')]), Some(&run('a')));
        assert!(matches!(stack_ownership(&beside_ours), Some(StackOwnership::Foreign(_))), "{beside_ours:?}");
        assert!(matches!(beside_ours, Decision::Owned(ownership) if ownership.runs == [run('a')]));
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
