//! `lambda-eval`: several fixtures, several times, in-process and on Lambda.

mod bench;
mod body;
mod lambda_leg;
mod local_leg;
mod prepare;

use std::cell::{Cell, RefCell};

use crate::{
    benchmark::{self, EvalResults, LambdaSample, LocalSample, Measurements, Results, SampleId, Scope, Turn},
    cli::EvalOptions,
    exit::{ExitCode, Failure},
    in_process::LocalWay,
    measure::verdict::{Conclusion, Measured, Verdict},
    report::tables,
    run::{self, Run, Subject, Work},
    scaling::Rates,
    session::Session,
};

/// The command's name: stacks and artifact folders are called after it.
const COMMAND: &str = "lambda-eval";

/// One eval run.
struct Eval {
    run: Run,
    options: EvalOptions,
    subjects: Vec<Subject>,
    scope: Scope,
    /// How fixtures are rendered locally; `None` without a local leg.
    local_way: Option<LocalWay>,
    lambda: RefCell<Vec<LambdaSample>>,
    local: RefCell<Vec<LocalSample>>,
    measured: RefCell<Vec<Measured<SampleId>>>,
    /// Rounds before the measured ones in which something failed.
    failed_warmups: RefCell<Vec<String>>,
    /// The function's memory, MB, once it is deployed and where it can be told.
    memory_mb: Cell<Option<u64>>,
}

/// Runs the benchmark to its end, whatever happens, and says how it ended; with `--dry-run`
/// only tells what it would do.
pub async fn run(session: &Session, options: EvalOptions) -> ExitCode {
    if options.run.dry_run {
        return run::preview(session, prepare::preview(session, &options));
    }
    run::conduct(session, || Eval::prepare(session, options)).await
}

impl Work for Eval {
    fn run(&self) -> &Run {
        &self.run
    }

    async fn work(&self) -> Result<(), Failure> {
        body::work(self).await
    }

    fn conclusion(&self) -> Conclusion {
        let (turns, fixtures) = (self.turns(), self.fixture_names());
        let verdict = Verdict::judge(&benchmark::executions(&turns, &fixtures), &self.measured.borrow());
        let verdict = verdict.expect("a run has one fixture and one chunk count at least");
        let samples = self.lambda.borrow();
        let cause = |id: &SampleId| {
            let sample = samples.iter().find(|sample| sample.id == *id)?;
            sample.outcome.failure().map(str::to_owned)
        };
        let missing = benchmark::missing_local_renders(&turns, &fixtures, &self.local.borrow());
        verdict.conclusion(cause).lacking(missing).lacking(self.failed_warmups.borrow().clone())
    }

    fn table(&self) -> Option<String> {
        let measured = !self.lambda.borrow().is_empty() || !self.local.borrow().is_empty();
        measured.then(|| self.with_results(|results, _| tables::cases(results, &self.run.prices)))
    }
}

impl Eval {
    /// Everything to do, in order.
    fn turns(&self) -> Vec<Turn> {
        benchmark::schedule(&self.scope, self.options.warmup.get(), self.options.iterations.get())
    }

    fn fixture_names(&self) -> Vec<&str> {
        self.subjects.iter().map(|subject| subject.fixture.name.as_str()).collect()
    }

    /// Gives what all samples so far come to.
    fn with_results<T>(&self, give: impl FnOnce(&Results, &Measurements<'_>) -> T) -> T {
        let (lambda, local) = (self.lambda.borrow(), self.local.borrow());
        let measured = Measurements {
            fixtures: self.fixture_names(),
            scope: &self.scope,
            iterations: self.options.iterations.get(),
            warmed_up: self.options.warmup.get() > 0,
            lambda: &lambda,
            local: &local,
            rates: self.memory_mb.get().map(|memory_mb| Rates { memory_mb, prices: self.run.prices.clone() }),
        };
        let mut results = Results::of(&measured);
        results.caveats.splice(0..0, self.caveats_of_options());
        give(&results, &measured)
    }

    /// Saves results.json and results.csv with everything so far.
    fn save(&self) -> anyhow::Result<()> {
        let artifacts = &self.run.artifacts;
        self.with_results(|results, measured| {
            artifacts.save("results.json", &EvalResults::of(results, measured, &self.run.prices))?;
            artifacts.write("results.csv", tables::csv(&results.cases))
        })
    }
}
