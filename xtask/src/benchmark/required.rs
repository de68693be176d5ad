//! What there must be for a verdict, and what of it is missing. Pure.

use super::{
    LocalSample, SampleId,
    schedule::{Leg, Round, Turn},
};

/// The executions that there must be, of fixtures with these names.
pub(crate) fn executions(turns: &[Turn], fixtures: &[&str]) -> Vec<SampleId> {
    let planned = |turn: &Turn| match (turn.leg, turn.round) {
        (Leg::Lambda(render), Round::Measured(iteration)) => {
            Some(SampleId { fixture: fixtures[turn.fixture].to_owned(), render, iteration })
        }
        _ => None,
    };
    turns.iter().filter_map(planned).collect()
}

/// The local renders that there must be and are not, each with its cause where it is known.
pub(crate) fn missing_local_renders(turns: &[Turn], fixtures: &[&str], samples: &[LocalSample]) -> Vec<String> {
    let missing = |turn: &Turn| {
        let (Leg::Local, Round::Measured(iteration)) = (turn.leg, turn.round) else { return None };
        let fixture = fixtures[turn.fixture];
        let sample = samples.iter().find(|sample| sample.fixture == fixture && sample.iteration == iteration);
        match sample.map(|sample| sample.outcome.failure()) {
            Some(None) => None,
            Some(Some(failure)) => Some(format!("the local render of {fixture} #{iteration} failed: {failure}")),
            None => Some(format!("{fixture} #{iteration} was not rendered locally")),
        }
    };
    turns.iter().filter_map(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{
        Outcome, Scope,
        sample::tests::{local, render_id},
        schedule::schedule,
    };

    fn turns(local: bool) -> Vec<Turn> {
        schedule(&Scope { fixtures: 2, renders: vec![render_id(1), render_id(4)], local }, 1, 2)
    }

    #[test]
    fn every_measured_execution_is_required_and_no_warm_up() {
        let told: Vec<String> = executions(&turns(true), &["f", "g"]).iter().map(ToString::to_string).collect();
        let expected = ["g N=4 #1", "g N=1 #1", "f N=4 #1", "f N=1 #1", "f N=1 #2", "f N=4 #2", "g N=1 #2", "g N=4 #2"];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_local_render_that_failed_or_was_not_done_is_missing() {
        let failure = "no such browser".to_owned();
        let failed = LocalSample { outcome: Outcome::Failed { failure }, ..local(2, 0) };
        let missing = missing_local_renders(&turns(true), &["f", "g"], &[local(1, 900), failed]);
        assert_eq!(
            missing,
            [
                "g #1 was not rendered locally",
                "the local render of f #2 failed: no such browser",
                "g #2 was not rendered locally",
            ]
        );
        assert!(missing_local_renders(&turns(false), &["f", "g"], &[]).is_empty());
    }
}
