//! What is measured in which order. Pure.

use crate::chunking::RenderId;

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Which of the fixtures.
    pub fixture: usize,
    /// Where it is rendered.
    pub leg: Leg,
    /// In which round.
    pub round: Round,
}

/// Where a fixture is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leg {
    /// On this machine, in-process.
    Local,
    /// On Lambda.
    Lambda(RenderId),
}

/// A round over everything, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Not counted.
    Warmup(u32),
    /// Counted.
    Measured(u32),
}

/// What each round goes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// How many fixtures there are.
    pub fixtures: usize,
    /// The executions of each in a round.
    pub renders: Vec<RenderId>,
    /// Whether each is rendered locally too.
    pub local: bool,
}

/// Everything to measure, round by round: each round has every fixture, and each fixture
/// every leg, so that a machine or a service that grows slower or warmer does so to all
/// alike. Each round begins one further than the one before, so that none is always the first.
pub(crate) fn schedule(scope: &Scope, warmup: u32, iterations: u32) -> Vec<Turn> {
    let rounds = (1..=warmup).map(Round::Warmup).chain((1..=iterations).map(Round::Measured));
    let of_round = |(nth, round): (usize, Round)| {
        rotated(0..scope.fixtures, nth).into_iter().flat_map(move |fixture| {
            let local = scope.local.then_some(Leg::Local);
            let lambda = rotated(scope.renders.iter().copied(), nth).into_iter().map(Leg::Lambda);
            let legs: Vec<Leg> = local.into_iter().chain(lambda).collect();
            legs.into_iter().map(move |leg| Turn { fixture, leg, round })
        })
    };
    rounds.enumerate().flat_map(of_round).collect()
}

fn rotated<T>(items: impl Iterator<Item = T>, by: usize) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    let by = by.checked_rem(items.len()).unwrap_or(0);
    items.rotate_left(by);
    items
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chunking::{PlanProtocol, PlanProtocols, render_ids};

    fn scope(fixtures: usize, counts: &str, local: bool) -> Scope {
        let renders = render_ids(&counts.parse().unwrap(), PlanProtocols::One(PlanProtocol::V2));
        Scope { fixtures, renders, local }
    }

    fn told(turns: &[Turn]) -> String {
        let leg = |leg: &Leg| match leg {
            Leg::Local => "local".to_owned(),
            Leg::Lambda(id) => id.to_string(),
        };
        let round = |round: &Round| match round {
            Round::Warmup(n) => format!("warm-up {n}"),
            Round::Measured(n) => format!("{n}"),
        };
        turns.iter().map(|t| format!("{}: {} {}\n", round(&t.round), t.fixture, leg(&t.leg))).collect()
    }

    #[test]
    fn rounds_go_over_everything_and_begin_elsewhere() {
        insta::assert_snapshot!(told(&schedule(&scope(2, "1,4", true), 1, 2)), @r"
        warm-up 1: 0 local
        warm-up 1: 0 N=1
        warm-up 1: 0 N=4
        warm-up 1: 1 local
        warm-up 1: 1 N=1
        warm-up 1: 1 N=4
        1: 1 local
        1: 1 N=4
        1: 1 N=1
        1: 0 local
        1: 0 N=4
        1: 0 N=1
        2: 0 local
        2: 0 N=1
        2: 0 N=4
        2: 1 local
        2: 1 N=1
        2: 1 N=4
        ");
    }

    proptest! {
        #[test]
        fn every_round_has_everything_once(fixtures in 1usize..5, local: bool, warmup in 0u32..3, iterations in 1u32..4) {
            let scope = scope(fixtures, "2,4,8", local);
            let turns = schedule(&scope, warmup, iterations);
            let a_round = fixtures * (3 + usize::from(local));
            prop_assert_eq!(turns.len(), a_round * (warmup + iterations) as usize);
            for round in turns.chunks(a_round) {
                prop_assert!(round.iter().all(|turn| turn.round == round[0].round));
                for (i, turn) in round.iter().enumerate() {
                    prop_assert!(!round[..i].contains(turn));
                }
            }
        }
    }
}
