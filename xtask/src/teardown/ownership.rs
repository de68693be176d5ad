//! Who owns what: decided from tags alone. Pure.

use crate::names::RunId;

/// What AWS says of a stack's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The stack.
    pub stack: StackEvidence,
    /// The runs whose artifact buckets, tagged with their run and with this
    /// stack's name, are there. Such a bucket is made after the name was proved
    /// unused, before the stack, and goes last.
    pub anchors: Vec<RunId>,
    /// The runs whose tag is on buckets that the stack left behind.
    pub tagged_buckets: Vec<RunId>,
}

/// What is known of the stack itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackEvidence {
    /// There is none.
    Absent,
    /// There is one, and its state machine carries this run tag, or none.
    Machine(Option<RunId>),
    /// There is one, without a state machine that could be seen.
    Bare,
}

/// Whose leave there is to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A run of ours made what is there.
    Owned(Claim),
    /// Nothing of this name is there.
    Nothing,
    /// Something is there that no run of ours can be proved to have made.
    Foreign(String),
}

/// The runs that made what is there, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The runs: one, unless several used the stack's name in turn.
    pub runs: Vec<RunId>,
    /// Whether the stack itself is proved theirs.
    pub stack: bool,
    /// The proof, for people.
    pub evidence: String,
}

/// Decides by the evidence. With `only`, what other runs made is not ours.
pub fn decide(evidence: &Evidence, only: Option<&RunId>) -> Decision {
    let wanted = |run: &&RunId| only.is_none_or(|only| *run == only);
    let mut runs: Vec<RunId> =
        evidence.anchors.iter().chain(&evidence.tagged_buckets).filter(wanted).cloned().collect();
    let (stack, proof) = match &evidence.stack {
        StackEvidence::Absent => (false, "tagged buckets are left of it".to_owned()),
        StackEvidence::Machine(Some(run)) if wanted(&run) => {
            runs.push(run.clone());
            (true, format!("its state machine has the tag {}={run}", RunId::TAG))
        }
        StackEvidence::Machine(Some(run)) => {
            return foreign_unless_leftovers(runs, format!("the stack belongs to run {run}"));
        }
        StackEvidence::Machine(None) => {
            return foreign_unless_leftovers(runs, format!("its state machine has no tag {}", RunId::TAG));
        }
        StackEvidence::Bare => match evidence.anchors.iter().find(wanted) {
            Some(run) => (true, format!("run {run} claimed its name with a tagged artifact bucket")),
            None => {
                let why =
                    format!("it has no state machine with the tag {}, and no run of ours claimed its name", RunId::TAG);
                return foreign_unless_leftovers(runs, why);
            }
        },
    };
    runs.sort();
    runs.dedup();
    if runs.is_empty() { Decision::Nothing } else { Decision::Owned(Claim { runs, stack, evidence: proof }) }
}

/// A stack that is not ours is never touched; what our runs left beside it may go.
fn foreign_unless_leftovers(mut runs: Vec<RunId>, why: String) -> Decision {
    runs.sort();
    runs.dedup();
    if runs.is_empty() { Decision::Foreign(why) } else { Decision::Owned(Claim { runs, stack: false, evidence: why }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(digit: char) -> RunId {
        digit.to_string().repeat(12).parse().unwrap()
    }

    fn evidence(stack: StackEvidence, anchors: &[RunId]) -> Evidence {
        Evidence { stack, anchors: anchors.to_vec(), tagged_buckets: vec![] }
    }

    #[test]
    fn a_tagged_stack_is_owned_and_an_untagged_one_is_foreign() {
        let owned = decide(&evidence(StackEvidence::Machine(Some(run('a'))), &[]), None);
        assert!(matches!(owned, Decision::Owned(claim) if claim.stack && claim.runs == [run('a')]));
        assert!(matches!(decide(&evidence(StackEvidence::Machine(None), &[]), None), Decision::Foreign(_)));
        assert!(matches!(decide(&evidence(StackEvidence::Bare, &[]), None), Decision::Foreign(_)));
    }

    #[test]
    fn a_stack_without_a_machine_is_owned_by_the_run_that_claimed_its_name() {
        let claim = decide(&evidence(StackEvidence::Bare, &[run('a')]), None);
        assert!(matches!(claim, Decision::Owned(claim) if claim.stack));
    }

    #[test]
    fn a_run_never_takes_another_runs_stack() {
        let theirs = evidence(StackEvidence::Machine(Some(run('b'))), &[run('b')]);
        assert!(matches!(decide(&theirs, Some(&run('a'))), Decision::Foreign(_)));
        let beside_ours = evidence(StackEvidence::Machine(Some(run('b'))), &[run('a')]);
        assert!(
            matches!(decide(&beside_ours, Some(&run('a'))), Decision::Owned(claim) if !claim.stack && claim.runs == [run('a')])
        );
        let untagged_beside_ours = evidence(StackEvidence::Machine(None), &[run('a')]);
        assert!(matches!(decide(&untagged_beside_ours, None), Decision::Owned(claim) if !claim.stack));
    }

    #[test]
    fn leftovers_of_a_gone_stack_are_owned_and_nothing_is_nothing() {
        assert!(
            matches!(decide(&evidence(StackEvidence::Absent, &[run('a')]), None), Decision::Owned(claim) if !claim.stack)
        );
        assert_eq!(decide(&evidence(StackEvidence::Absent, &[]), None), Decision::Nothing);
        assert_eq!(decide(&evidence(StackEvidence::Absent, &[run('b')]), Some(&run('a'))), Decision::Nothing);
    }
}
