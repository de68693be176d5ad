//! What is known about an eval run before anything is started.

use std::collections::BTreeMap;

use execution_history::{
    chunking::{ChunkSize, RenderId, render_ids},
    cost::Prices,
};

use crate::{
    cli::{
        eval::{EvalOptions, LocalLeg, Prepares},
        run::RunOptions,
    },
    context::Session,
    eval::{COMMAND, Eval, results::too_few_to_rank},
    exit::{ExitCode, Failure, OrExit},
    local::system::is_linux_x86_64,
    project::{
        names::RunId,
        plan::{Extent, RenderPlan, Sizing},
        repo::{Layout, Repo, tool_root},
    },
    report::{distinct, run_record::Asked},
    run::{
        Run, Sources,
        preview::{Planned, PlannedFixture},
        render::side_by_side,
        repeat,
        subject::{PlanChoice, Record, Subject},
    },
    tools::harness::LocalWay,
};

impl<'a> Eval<'a> {
    /// Checks everything that can be checked without starting anything.
    pub(crate) fn prepare(session: &Session, options: &'a EvalOptions) -> Result<Self, Failure> {
        let sources = Sources::find(session, &options.run).or_exit(ExitCode::Preflight)?;
        let (subjects, notes) = subjects(&sources, options).or_exit(ExitCode::Preflight)?;
        let local_way = local_way(&sources.repo, options).or_exit(ExitCode::Preflight)?;
        let local = local_way.is_some();
        let asked = Asked::Eval {
            fixtures: subjects.iter().map(|s| (s.fixture.name.clone(), s.gate)).collect::<BTreeMap<_, _>>(),
            chunk_counts: options.chunk_counts(),
            memory_mb: options.memories().into_iter().flatten().collect(),
            chunk_size: one_chunk_size(&subjects, options),
            iterations: options.iterations.get(),
            warmup: options.warmup.get(),
            prepares: options.prepares(),
            jobs: options.jobs.get(),
            local_leg: local,
        };
        notes.iter().for_each(|note| session.console.note(note));
        let scope = scope(&subjects, options, local).or_exit(ExitCode::Preflight)?;
        let run = Run::prepare(session, COMMAND, sources, options.run.clone(), asked)?;
        // What the template says of the size that is deployed, it says of all.
        for memory in &options.run.memory {
            let with = RunOptions { memory: vec![*memory], ..options.run.clone() };
            run.names.given(&run.template, &with).or_exit(ExitCode::Preflight)?;
        }
        Ok(Self { run, options, subjects, scope, local_way })
    }

    /// What the figures can't show because of the options.
    pub(crate) fn caveats_of_options(&self) -> Vec<String> {
        let options = self.options;
        let (jobs, most) = (options.jobs.get(), options.chunk_counts().at_once(options.jobs.get()));
        let throttled = options.run.reserved_concurrency.get().filter(|cap| most > *cap);
        let region = options.run.target.region.as_str();
        let of_default = self.run.prices == Prices::default() && region != "us-east-1";
        let local = match &self.local_way {
            Some(LocalWay::Harness(_)) => {
                Some("local times are those of the checkout's test harness, including its start and its own comparison")
            }
            Some(LocalWay::Published(_)) => Some(
                "local times are those of the published renderer, because the checkout's own renderer is not \
                 installed and built; run `bun install` and `bun run build` in the checkout to measure its own renderer",
            ),
            Some(LocalWay::Packages) | None => None,
        };
        let prices = || {
            let as_of = &self.run.prices.as_of;
            format!(
                "costs are calculated with the prices of {as_of}, but the run is in {region}; --prices sets other prices"
            )
        };
        let throttled = throttled.map(|reserved| {
            format!(
                "{most} chunks exceed the reserved concurrency of the function, {reserved}: the others are throttled \
                 and wait, which makes the times longer; --reserved-concurrency {most} or 0 helps"
            )
        });
        let to_rank = self.scope.most_renders() + usize::from(self.scope.local);
        too_few_to_rank(options.iterations.get(), to_rank)
            .into_iter()
            .chain((jobs > 1).then(|| side_by_side(jobs)))
            .chain(throttled)
            .chain(local.map(str::to_owned))
            .chain(of_default.then(prices))
            .collect()
    }
}

/// What each round covers.
fn scope(subjects: &[Subject], options: &EvalOptions, local: bool) -> anyhow::Result<Scope> {
    let renders_of = |subject: &Subject| {
        let name = &subject.fixture.name;
        let ids = render_ids(&options.counts_of(name)?, subject.plan.protocols());
        let with = |memory_mb: Option<u32>| ids.iter().map(move |id| RenderId { memory_mb, ..*id });
        let all = options.memories().into_iter().flat_map(with);
        anyhow::Ok(all.filter(|render| options.fixtures.includes(name, *render)).collect())
    };
    let renders = subjects.iter().map(renders_of).collect::<anyhow::Result<_>>()?;
    Ok(Scope { renders, local, warm: options.prepares() == Some(Prepares::Warm) })
}

/// The options for what did not pass or was not rendered in the run that `--rerun-failed` names, and that run.
pub(crate) fn repeated(session: &Session, options: &EvalOptions) -> anyhow::Result<(EvalOptions, Option<RunId>)> {
    let Some(which) = &options.fixtures.rerun_failed else { return Ok((options.clone(), None)) };
    let (renders, earlier) = repeat::to_repeat(session, COMMAND, which, &options.run)?;
    let chunk_size = match earlier.asked {
        Asked::Eval { chunk_size, .. } => chunk_size,
        Asked::Smoke { .. } => None,
    };
    Ok((options.clone().repeating(renders, chunk_size, earlier.memories())?, Some(earlier.run_id)))
}

/// The requested frames per chunk, when they are the same for every render.
fn one_chunk_size(subjects: &[Subject], options: &EvalOptions) -> Option<ChunkSize> {
    let of_subject = |subject: &Subject| match options.sizing() {
        Sizing::Named(size) => Some(size),
        Sizing::OfFixtureOr(size) => Some(subject.fixture.meta.chunk_size.unwrap_or(size)),
        Sizing::ByCount => None,
    };
    let (first, others) = subjects.split_first()?;
    of_subject(first).filter(|size| others.iter().all(|other| of_subject(other) == Some(*size)))
}

/// The fixtures, and their plans when their lengths are known, for `--dry-run`.
pub(crate) fn preview(sources: &Sources, options: &EvalOptions) -> anyhow::Result<Planned> {
    let (subjects, notes) = subjects(sources, options)?;
    let scope = scope(&subjects, options, false)?;
    let turns = schedule(&scope, options.warmup.get(), options.iterations.get());
    let planned = |(nth, subject): (usize, Subject)| {
        let plan = subject.stated_extent().map(|extent| plan(options, &subject, extent)).transpose()?;
        let times = scope.renders[nth].iter().map(|render| (*render, times(&turns, nth, *render))).collect();
        anyhow::Ok(PlannedFixture { subject, plan, times: Some(times) })
    };
    Ok((subjects.into_iter().enumerate().map(planned).collect::<anyhow::Result<_>>()?, notes))
}

/// The executions of one fixture in a round.
pub(crate) fn plan(options: &EvalOptions, subject: &Subject, extent: Extent) -> anyhow::Result<RenderPlan> {
    let name = &subject.fixture.name;
    let plan = subject.planned(&options.counts_of(name)?, options.sizing(), subject.fixture.meta.format, extent)?;
    let mut plan = plan.with_each(&options.memories());
    plan.renders.retain(|render| options.fixtures.includes(name, render.id));
    Ok(plan)
}

/// How often a fixture is rendered so, measured or not.
pub(crate) fn times(turns: &[Turn], fixture: usize, render: RenderId) -> u64 {
    let is_it = |turn: &&Turn| turn.fixture == fixture && turn.leg == Leg::Lambda(render);
    turns.iter().filter(is_it).count() as u64
}

fn local_way(repo: &Repo, options: &EvalOptions) -> anyhow::Result<Option<LocalWay>> {
    if options.local() == LocalLeg::Skipped {
        return Ok(None);
    }
    let own = Repo::at(&tool_root()).ok().filter(|own| own.layout() == Layout::Own);
    let way = LocalWay::of(repo, own, is_linux_x86_64());
    way.map(Some).map_err(|error| error.context("there is no way to render locally; --skip-local skips local renders"))
}

/// All fixtures, and notes on them.
fn subjects(sources: &Sources, options: &EvalOptions) -> anyhow::Result<(Vec<Subject>, Vec<String>)> {
    let choice = PlanChoice::new(&sources.template, options.protocols)?;
    let load = |name: &str| Subject::load(&sources.repo, name, choice, &options.limits.0, Some(Record::Held));
    Subject::all(&sources.repo, &options.chosen(), load)
}

// What is measured in which order. Pure.

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub fixture: usize,
    pub leg: Leg,
    pub round: Round,
}

/// Where a fixture is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leg {
    /// On this machine, in-process.
    Local,
    Lambda(RenderId),
}

/// A round over everything, numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    Warmup(u32),
    Measured(u32),
}

/// What each round covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The executions of each fixture in a round.
    pub renders: Vec<Vec<RenderId>>,
    /// Whether each is rendered locally too.
    pub local: bool,
    /// Whether new functions are warmed.
    pub warm: bool,
}

impl Scope {
    /// The greatest number of executions of a fixture in a round.
    pub(crate) fn most_renders(&self) -> usize {
        self.renders.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// Everything to measure, round by round: each round covers every size of memory, each size every fixture, and each
/// fixture every leg, so that a machine or a service that becomes slower or warmer affects all of them alike.
/// Each round begins with the next item, so that none is always the first. Local renders are with the first size. Where
/// functions are to be warmed, the first measured render with them is preceded by one of each fixture at its highest
/// count, which is not counted.
pub(crate) fn schedule(scope: &Scope, warmup: u32, iterations: u32) -> Vec<Turn> {
    let rounds = (1..=warmup).map(Round::Warmup).chain((1..=iterations).map(Round::Measured));
    let memories = distinct(scope.renders.iter().flatten().map(|render| render.memory_mb));
    let (mut turns, mut warmed, mut warm_ups) = (Vec::new(), None, warmup);
    for (nth, round) in rounds.enumerate() {
        for (block, memory) in rotated(memories.iter(), nth).into_iter().enumerate() {
            let of_size = |fixture: usize| scope.renders[fixture].iter().copied().filter(|it| it.memory_mb == *memory);
            if scope.warm && matches!(round, Round::Measured(_)) && warmed != Some(*memory) {
                warm_ups += 1;
                let highest =
                    |fixture| of_size(fixture).max_by_key(|render| render.chunk_count).map(|it| (fixture, it));
                let new = (0..scope.renders.len()).filter_map(highest);
                let round = Round::Warmup(warm_ups);
                turns.extend(new.map(|(fixture, render)| Turn { fixture, leg: Leg::Lambda(render), round }));
            }
            warmed = Some(*memory);
            for fixture in rotated(0..scope.renders.len(), nth) {
                let local = (scope.local && block == 0).then_some(Leg::Local);
                let lambda = rotated(of_size(fixture), nth).into_iter().map(Leg::Lambda);
                turns.extend(local.into_iter().chain(lambda).map(|leg| Turn { fixture, leg, round }));
            }
        }
    }
    turns
}

/// The turns in groups of at most `jobs` that can be taken at the same time: measured executions of one round with one
/// memory.
pub(crate) fn groups(turns: &[Turn], jobs: usize) -> Vec<std::ops::Range<usize>> {
    let alike = |turn: &Turn| match (turn.leg, turn.round) {
        (Leg::Lambda(render), Round::Measured(_)) => Some((render.memory_mb, turn.round)),
        _ => None,
    };
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    for (nth, turn) in turns.iter().enumerate() {
        match groups.last_mut() {
            Some(last) if last.len() < jobs && alike(turn).is_some() && alike(turn) == alike(&turns[last.start]) => {
                last.end = nth + 1;
            }
            _ => groups.push(nth..nth + 1),
        }
    }
    groups
}

/// The order in which `count` runs take turns: A B B A. A machine that becomes slower affects both alike.
pub(crate) fn sides(round: Round, count: usize) -> Vec<usize> {
    let (Round::Warmup(nth) | Round::Measured(nth)) = round;
    rotated(0..count, nth as usize + 1)
}

fn rotated<T>(items: impl Iterator<Item = T>, by: usize) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    let by = by.checked_rem(items.len()).unwrap_or(0);
    items.rotate_left(by);
    items
}

#[cfg(test)]
mod tests {
    use execution_history::chunking::{PlanProtocol, PlanProtocols, render_ids};
    use proptest::prelude::*;

    use super::*;

    fn scope(fixtures: usize, counts: &str, local: bool) -> Scope {
        let renders = render_ids(&counts.parse().unwrap(), PlanProtocols::One(PlanProtocol::V2));
        Scope { renders: vec![renders; fixtures], local, warm: false }
    }

    fn described(turns: &[Turn]) -> String {
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
    fn rounds_cover_everything_and_begin_with_the_next_item() {
        insta::assert_snapshot!(described(&schedule(&scope(2, "1,4", true), 1, 2)), @r"
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

    #[test]
    fn new_functions_are_warmed_before_they_are_measured() {
        let mut scope = Scope { warm: true, ..scope(1, "1,4", true) };
        let swept = [2048, 4096]
            .map(|mb| scope.renders[0].clone().into_iter().map(move |id| RenderId { memory_mb: Some(mb), ..id }));
        scope.renders[0] = swept.into_iter().flatten().collect();
        insta::assert_snapshot!(described(&schedule(&scope, 1, 1)), @r"
        warm-up 1: 0 local
        warm-up 1: 0 2048 MB N=1
        warm-up 1: 0 2048 MB N=4
        warm-up 1: 0 4096 MB N=1
        warm-up 1: 0 4096 MB N=4
        1: 0 local
        1: 0 4096 MB N=4
        1: 0 4096 MB N=1
        warm-up 2: 0 2048 MB N=4
        1: 0 2048 MB N=4
        1: 0 2048 MB N=1
        ");
        let all = schedule(&scope, 1, 1);
        assert_eq!([0, 1, 2, 3].map(|nth| times(&all, 0, scope.renders[0][nth])), [2, 3, 2, 2]);
    }

    #[test]
    fn only_measured_executions_of_a_round_and_a_memory_go_side_by_side() {
        let turns = schedule(&scope(1, "1,2,4", true), 1, 2);
        assert_eq!(groups(&turns, 2), [0..1, 1..2, 2..3, 3..4, 4..5, 5..7, 7..8, 8..9, 9..11, 11..12]);
        assert_eq!(groups(&turns, 16), [0..1, 1..2, 2..3, 3..4, 4..5, 5..8, 8..9, 9..12]);
        assert_eq!(groups(&turns, 1).len(), turns.len());
        let mut swept = schedule(&scope(1, "1,2", false), 0, 1);
        swept[1].leg = Leg::Lambda(RenderId { memory_mb: Some(128), ..scope(1, "2", false).renders[0][0] });
        assert_eq!(groups(&swept, 2), [0..1, 1..2]);
    }

    #[test]
    fn two_runs_take_turns_in_being_the_first() {
        let order = |nth| sides(Round::Measured(nth), 2);
        assert_eq!([order(1), order(2), order(3)], [[0, 1], [1, 0], [0, 1]]);
        assert_eq!(sides(Round::Warmup(2), 1), [0]);
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
