//! Which memory and chunk count to choose, from a sweep of both. Pure.

use std::fmt;

use execution_history::chunking::RenderId;
use serde::{Deserialize, Serialize};

use crate::eval::case::Case;

/// What to choose for one fixture, among what was measured and passed. Displayed as text for the terminal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// The least time; of equals the cheapest.
    pub fastest: Choice,
    /// The least cost; of equals the fastest.
    pub cheapest: Choice,
    /// The least sum of time and cost, each as a share of the greatest one: what AWS Lambda Power Tuning calls balanced,
    /// with its default weight of 0.5.
    pub balanced: Choice,
    /// Those that no other one is both faster and cheaper than, the fastest first.
    pub frontier: Vec<Choice>,
}

/// A memory and a chunk count, with the medians of the warm executions, if there are any.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    #[serde(flatten)]
    pub render: RenderId,
    /// The time of an execution, ms.
    pub ms: f64,
    /// The cost of an execution, USD.
    pub usd: f64,
}

impl Choice {
    /// `None` where time or cost is unknown, or a render did not pass.
    pub(crate) fn of(case: &Case) -> Option<Self> {
        let (ms, usd) = (case.steady_ms()?.median, case.usd?.median);
        case.passed.then_some(Self { render: case.render, ms, usd })
    }
}

impl Tuning {
    /// The choices among the cases of one fixture; `None` unless several sizes of memory were measured.
    pub(crate) fn of(cases: &[Case]) -> Option<Self> {
        let mut all: Vec<Choice> = cases.iter().filter_map(Choice::of).collect();
        all.sort_by(|a, b| a.ms.total_cmp(&b.ms).then(a.usd.total_cmp(&b.usd)));
        let (fastest, slowest) = (*all.first()?, *all.last()?);
        all.iter().find(|choice| choice.render.memory_mb != fastest.render.memory_mb)?;
        let most_expensive = all.iter().map(|choice| choice.usd).fold(f64::MIN_POSITIVE, f64::max);
        let balance = |choice: &Choice| choice.ms / slowest.ms + choice.usd / most_expensive;
        let least = |of: &dyn Fn(&Choice) -> f64| all.iter().copied().min_by(|a, b| of(a).total_cmp(&of(b)));
        let mut frontier: Vec<Choice> = Vec::new();
        for choice in &all {
            if frontier.last().is_none_or(|last| choice.usd < last.usd) {
                frontier.push(*choice);
            }
        }
        Some(Self { fastest, cheapest: least(&|choice| choice.usd)?, balanced: least(&balance)?, frontier })
    }

    pub(crate) fn choices(&self) -> [(&'static str, Choice); 3] {
        [("fastest", self.fastest), ("cheapest", self.cheapest), ("balanced", self.balanced)]
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {:.1} s, {:.5} USD", self.render, self.ms / 1000.0, self.usd)
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.choices().iter().try_for_each(|(what, choice)| writeln!(f, "{what}: {choice}"))?;
        let names: Vec<String> = self.frontier.iter().map(|choice| choice.render.to_string()).collect();
        write!(f, "nothing is both faster and cheaper than: {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::eval::{sample::sample_tests::render_id, statistics::Summary};

    fn case(memory_mb: u32, count: u16, ms: f64, usd: f64) -> Case {
        let render = RenderId { memory_mb: Some(memory_mb), ..render_id(count) };
        let case = Case::of("f", render, 0, &[], &[]);
        Case { lambda_ms: Summary::of(&[ms]), usd: Summary::of(&[usd]), ..case }
    }

    #[test]
    fn the_choices_are_for_time_for_cost_and_for_both() {
        let cases = [
            case(1024, 1, 20_000.0, 0.0010),
            case(1024, 4, 12_000.0, 0.0012),
            case(4096, 1, 9_000.0, 0.0022),
            case(4096, 4, 5_000.0, 0.0030),
            case(10_240, 4, 4_900.0, 0.0080),
            case(10_240, 1, 9_000.0, 0.0060),
        ];
        insta::assert_snapshot!(Tuning::of(&cases).unwrap(), @r"
        fastest: 10240 MB N=4, 4.9 s, 0.00800 USD
        cheapest: 1024 MB N=1, 20.0 s, 0.00100 USD
        balanced: 4096 MB N=4, 5.0 s, 0.00300 USD
        nothing is both faster and cheaper than: 10240 MB N=4, 4096 MB N=4, 4096 MB N=1, 1024 MB N=4, 1024 MB N=1
        ");
    }

    #[test]
    fn what_failed_is_not_chosen_and_one_size_is_no_choice() {
        let failed = Case { passed: false, ..case(1024, 4, 1.0, 0.0001) };
        let cases = [case(1024, 1, 20.0, 0.001), case(2048, 1, 10.0, 0.002), failed];
        let tuning = Tuning::of(&cases).unwrap();
        assert_eq!((tuning.fastest.ms, tuning.cheapest.usd, tuning.frontier.len()), (10.0, 0.001, 2));
        assert_eq!((Tuning::of(&cases[..1]), Tuning::of(&[])), (None, None));
    }

    proptest! {
        #[test]
        fn the_frontier_has_what_nothing_beats(of in prop::collection::vec((1u32..20, 1u32..20), 2..12)) {
            let case = |(nth, (ms, usd)): (usize, &(u32, u32))| case(128 + nth as u32, 1, f64::from(*ms), f64::from(*usd));
            let cases: Vec<Case> = of.iter().enumerate().map(case).collect();
            let Tuning { frontier, fastest, cheapest, balanced } = Tuning::of(&cases).unwrap();
            let all: Vec<Choice> = cases.iter().filter_map(Choice::of).collect();
            let no_worse = |a: &Choice, b: &Choice| a.ms <= b.ms && a.usd <= b.usd;
            for choice in &all {
                prop_assert!(frontier.iter().any(|best| no_worse(best, choice)));
            }
            for best in &frontier {
                prop_assert!(all.iter().all(|other| !no_worse(other, best) || (other.ms, other.usd) == (best.ms, best.usd)));
            }
            let on_it = |choice: &Choice| frontier.iter().any(|best| (best.ms, best.usd) == (choice.ms, choice.usd));
            prop_assert!(on_it(&fastest) && on_it(&balanced));
            prop_assert!(on_it(&cheapest));
        }
    }
}
