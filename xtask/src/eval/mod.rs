//! `lambda-eval`: renders several fixtures repeatedly, in-process and on Lambda.

pub mod case;
mod exports;
pub mod legs;
mod memory_used;
pub mod prepare;
pub mod results;
pub mod sample;
pub mod scaling;
pub mod statistics;
pub mod tuning;

use futures_util::future::join_all;
use render_verdict::verdict::{Conclusion, Measured, Missing, Verdict};

use crate::{
    aws::identity,
    cli::eval::EvalOptions,
    console::text::visible,
    context::{self, Session},
    eval::{
        prepare::{Leg, Round, Scope, Turn},
        results::{EvalResults, Measurements},
        sample::{LambdaSample, LocalSample, SampleId},
        scaling::model::Rates,
    },
    exit::{ExitCode, Failure, OrExit, Signals},
    project::baseline::Baseline,
    report::tables,
    run::{
        self, Run,
        bench::{self, Wanted},
        finish::{self, Interim},
        preview,
        subject::Subject,
    },
    tools::{
        harness::{LocalRenderer, LocalWay},
        release::HandlerCode,
    },
};

/// The name of the command; stacks and artifact folders are named after it.
const COMMAND: &str = "lambda-eval";

/// An eval run and its options.
pub(crate) struct Eval<'a> {
    pub run: Run,
    options: &'a EvalOptions,
    subjects: Vec<Subject>,
    scope: Scope,
    /// How fixtures are rendered locally; `None` without local renders.
    local_way: Option<LocalWay>,
}

/// What measurements need.
struct Bench<'a> {
    eval: &'a Eval<'a>,
    on: bench::Bench<'a>,
    /// `None` without local renders.
    renderer: Option<LocalRenderer>,
    /// In a sweep of memory, what the functions were given last, MB.
    memory_mb: Option<u32>,
    /// How often `--cold` gave them new environments.
    colds: u64,
    /// Of each fixture the last local render that was kept, which executions are compared with.
    kept: Vec<Option<Baseline>>,
}

/// Runs the benchmark and always cleans up; with `--dry-run` only prints what it would do.
///
/// # Errors
/// When a check fails before anything is created.
pub async fn run(session: &Session, options: &EvalOptions) -> Result<ExitCode, Failure> {
    let (options, repeats) = prepare::repeated(session, options).or_exit(ExitCode::Preflight)?;
    let options = &options;
    if options.run.dry_run {
        return preview(session, options);
    }
    let mut signals = Signals::listen().or_exit(ExitCode::Preflight)?;
    run::mention_unfinished(session);
    let eval = Eval::prepare(session, options)?;
    eval.run.record.borrow_mut().repeats = repeats;
    Ok(with_cleanup(&[eval], &mut signals).await[0])
}

/// Prints what an eval would do.
pub(crate) fn preview(session: &Session, options: &EvalOptions) -> Result<ExitCode, Failure> {
    preview::preview(session, COMMAND, &options.run, &options.chunk_counts(), |sources| {
        prepare::preview(sources, options)
    })
}

/// Measures everything that these evals plan, round by round, and cleans all of them up, whatever happens. There is an
/// exit code for each.
pub(crate) async fn with_cleanup(evals: &[Eval<'_>], signals: &mut Signals) -> Vec<ExitCode> {
    let runs: Vec<&Run> = evals.iter().map(|eval| &eval.run).collect();
    let work = async |interims: &mut [Option<Interim>]| measure(evals, interims).await;
    finish::all_with_cleanup(&runs, signals, work).await
}

/// Measures everything. A sample that fails is recorded and the others continue; a failure that
/// affects all of them ends the work. The clean-up follows in any case.
async fn measure(evals: &[Eval<'_>], interims: &mut [Option<Interim>]) -> Result<Vec<Conclusion>, Failure> {
    let mut benches = set_up_all(evals).await?;
    let mut samples: Vec<Samples> = evals.iter().map(|_| Samples::default()).collect();
    let turns: Vec<Vec<Turn>> = evals.iter().map(Eval::turns).collect();
    for group in prepare::groups(&turns[0], evals[0].options.jobs.get()) {
        for side in prepare::sides(turns[0][group.start].round, evals.len()) {
            let (eval, of_group) = (&evals[side], &turns[side][group.clone()]);
            for turn in of_group {
                benches[side].allow(turn)?;
            }
            benches[side].change_functions(&of_group[0]).await?;
            let failed = samples[side].take(&mut benches[side], of_group).await;
            samples[side].save(&benches[side], &mut interims[side])?;
            if failed {
                check_credentials(&eval.run).await?;
            }
        }
    }
    for (side, bench) in benches.iter().enumerate() {
        bench.read_memory_used(&mut samples[side].lambda).await;
        samples[side].save(bench, &mut interims[side])?;
    }
    Ok(samples.iter().zip(evals).map(|(samples, eval)| samples.conclusion(eval)).collect())
}

/// One after the other, as they build at one place. One whose ZIP is there already would else find another's.
async fn set_up_all<'a>(evals: &'a [Eval<'a>]) -> Result<Vec<Bench<'a>>, Failure> {
    let mut order: Vec<usize> = (0..evals.len()).collect();
    order.sort_by_key(|side| evals[*side].run.options.code() != HandlerCode::Existing);
    let mut benches: Vec<(usize, Bench<'a>)> = Vec::new();
    for side in order {
        if let Some((first, _)) = benches.first() {
            evals[side].run.join_target_of(&evals[*first].run);
        }
        benches.push((side, set_up(&evals[side]).await?));
    }
    benches.sort_by_key(|(side, _)| *side);
    Ok(benches.into_iter().map(|(_, bench)| bench).collect())
}

async fn set_up<'a>(eval: &'a Eval<'a>) -> Result<Bench<'a>, Failure> {
    let turns = eval.turns();
    let wanted = Wanted {
        exact: false,
        plan: |subject: &Subject, extent| prepare::plan(eval.options, subject, extent),
        times: |nth: usize, render| prepare::times(&turns, nth, render),
        chunks_at_once: eval.options.chunk_counts().at_once(eval.options.jobs.get()),
    };
    let (on, renderer) = bench::Bench::set_up(&eval.run, &eval.subjects, wanted, local_renderer(eval)).await?;
    Ok(Bench { eval, on, renderer, memory_mb: None, colds: 0, kept: eval.subjects.iter().map(|_| None).collect() })
}

async fn local_renderer(eval: &Eval<'_>) -> Result<Option<LocalRenderer>, Failure> {
    let Some(way) = eval.local_way.clone() else { return Ok(None) };
    let run = &eval.run;
    let env = context::tool_env(&run.session, &run.connection().access.target);
    let log = run.artifacts.logs().join("in-process-packages.log");
    let renderer = LocalRenderer::prepare(&run.session, &run.repo, way, &env, &log).await;
    renderer.or_exit(ExitCode::Preflight).map(Some)
}

/// Checks after a failure whether AWS still accepts the credentials, without which no sample can succeed.
async fn check_credentials(run: &Run) -> Result<(), Failure> {
    let connection = run.connection();
    let caller = identity::caller(&connection.access, &connection.clients).await;
    caller.map(drop).map_err(|error| error.context("nothing more can be measured")).or_exit(ExitCode::Render)
}

fn leg_and_round(turn: &Turn) -> String {
    let leg = match turn.leg {
        Leg::Local => "local".to_owned(),
        Leg::Lambda(render) => render.to_string(),
    };
    match turn.round {
        Round::Warmup(nth) => format!("{leg} warm-up {nth}"),
        Round::Measured(iteration) => format!("{leg} #{iteration}"),
    }
}

impl Eval<'_> {
    /// Everything to measure, in order.
    fn turns(&self) -> Vec<Turn> {
        prepare::schedule(&self.scope, self.options.warmup.get(), self.options.iterations.get())
    }

    fn fixture_names(&self) -> Vec<&str> {
        self.subjects.iter().map(|subject| subject.fixture.name.as_str()).collect()
    }
}

/// Everything that was measured so far.
#[derive(Default)]
struct Samples {
    lambda: Vec<LambdaSample>,
    local: Vec<LocalSample>,
    measured: Vec<Measured<SampleId>>,
    /// The warm-ups that failed, a line each.
    failed_warmups: Vec<String>,
}

impl Samples {
    /// Takes the samples of a group of turns, at the same time; returns whether one failed. Only measured executions are
    /// in a group with others.
    async fn take(&mut self, bench: &mut Bench<'_>, group: &[Turn]) -> bool {
        let (eval, turn) = (bench.eval, &group[0]);
        let what = |turn: &Turn| format!("{} {}", eval.subjects[turn.fixture].fixture.name, leg_and_round(turn));
        match (turn.leg, turn.round) {
            (Leg::Local, Round::Warmup(nth)) => {
                let warmed_up = eval.run.stage(&what(turn), bench.warm_up_locally(turn.fixture, nth)).await;
                self.note_warm_up(bench, turn, warmed_up)
            }
            (Leg::Lambda(render), Round::Warmup(nth)) => {
                let warmed_up = eval.run.stage(&what(turn), bench.warm_up_on_lambda(turn.fixture, render, nth)).await;
                self.note_warm_up(bench, turn, warmed_up)
            }
            (Leg::Local, Round::Measured(iteration)) => {
                let sample = eval.run.stage(&what(turn), bench.sample_locally(turn.fixture, iteration)).await;
                let failed = sample.outcome.failure().is_some();
                self.local.push(sample);
                failed
            }
            (Leg::Lambda(_), Round::Measured(_)) => {
                let (bench, before) = (&*bench, &self.measured);
                let taken = group
                    .iter()
                    .map(async |turn| eval.run.stage(&what(turn), bench.sample_on_lambda(turn, before)).await);
                let (samples, measured): (Vec<_>, Vec<_>) = join_all(taken).await.into_iter().unzip();
                self.lambda.extend(samples);
                let all = self.measured.len() + measured.len();
                self.measured.extend(measured.into_iter().flatten());
                self.measured.len() < all
            }
        }
    }

    fn note_warm_up(&mut self, bench: &Bench<'_>, turn: &Turn, warmed_up: Result<(), Failure>) -> bool {
        let Err(failure) = warmed_up else { return false };
        let what = format!("{} {} failed", bench.on.places[turn.fixture].subject.fixture.name, leg_and_round(turn));
        self.failed_warmups.push(bench.say_failure(&what, &failure));
        true
    }

    /// Saves results.json and results.csv with everything measured so far, and updates the interim result.
    fn save(&self, bench: &Bench<'_>, interim: &mut Option<Interim>) -> Result<(), Failure> {
        let Eval { run, options, scope, .. } = bench.eval;
        let functions = bench.on.stack.functions.as_ref();
        let rates =
            functions.map(|functions| Rates { memory_mb: functions.main.memory_mb, prices: run.prices.clone() });
        let measured = Measurements {
            fixtures: bench.eval.fixture_names(),
            scope,
            iterations: options.iterations.get(),
            prepared: options.prepared(),
            lambda: &self.lambda,
            local: &self.local,
            emulated: run.connection().access.target.endpoint().is_some(),
            rates,
        };
        let results = EvalResults::of(&measured, &run.prices, bench.eval.caveats_of_options());
        if !self.lambda.is_empty() || !self.local.is_empty() {
            let table = tables::cases(&results, run.session.console.width());
            *interim = Some(Interim { table, conclusion: self.conclusion(bench.eval) });
        }
        run.artifacts.save("results.json", &results).or_exit(ExitCode::Render)?;
        let files = [
            ("results.csv", tables::csv(&results.cases)),
            ("samples.csv", exports::csv(&results).or_exit(ExitCode::Render)?),
            ("samples.jsonl", exports::json_lines(&results).or_exit(ExitCode::Render)?),
            ("hyperfine.json", exports::hyperfine(&results).to_string()),
        ];
        files
            .iter()
            .try_for_each(|(name, text)| run.artifacts.write(name, visible(text).as_bytes()))
            .or_exit(ExitCode::Render)
    }

    /// The verdict on all planned executions, as far as they are measured.
    fn conclusion(&self, eval: &Eval<'_>) -> Conclusion {
        let (turns, fixtures) = (eval.turns(), eval.fixture_names());
        let verdict = Verdict::judge(&sample::executions(&turns, &fixtures), &self.measured);
        let verdict = verdict.expect("a run has at least one fixture and one chunk count");
        let cause = |id: &SampleId| {
            let sample = self.lambda.iter().find(|sample| sample.id == *id);
            let failure = sample.and_then(|sample| sample.outcome.failure());
            failure.map_or(Missing::Unknown, |failure| Missing::Failed(failure.to_owned()))
        };
        let missing = sample::missing_local_renders(&turns, &fixtures, &self.local);
        verdict.conclusion(cause).lacking(missing).lacking(self.failed_warmups.clone())
    }
}
