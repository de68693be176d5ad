//! Taking one sample: an execution on Lambda, or a render by the in-process renderer on this machine.

use std::{num::NonZeroU64, path::Path, time::Duration};

use anyhow::{Context, ensure};
use execution_history::chunking::RenderId;
use render_verdict::verdict::Measured;

use crate::{
    cli::eval::{LocalLeg, Prepares},
    eval::{
        Bench,
        prepare::{Leg, Round, Turn},
        sample::{Execution, LambdaSample, Likeness, LocalRender, LocalSample, Outcome, SampleId, Start},
        scaling::observation::Observation,
    },
    exit::{ExitCode, Failure, OrExit},
    project::{baseline::Baseline, execution::eval_execution_name, fixture::format::RenderFormat, plan::PlannedRender},
    report::row::RenderKey,
    report::tables::summary_line,
    run::{
        reconfigure::Change,
        render::{Render, RenderNames, Rendering, side_by_side},
    },
    tools::in_process::{InProcess, Job},
};

/// An execution is stopped after this time.
const CAP: Duration = Duration::from_secs(30 * 60);

impl Bench<'_> {
    /// Refuses an execution that could exceed `--max-cost-usd`.
    pub(crate) fn allow(&self, turn: &Turn) -> Result<(), Failure> {
        let Leg::Lambda(render) = turn.leg else { return Ok(()) };
        let (renders, planned) = self.renders(turn.fixture, render);
        let what = format!("{} {render}", self.name(turn.fixture));
        self.eval.run.budget.allow(&renders.estimate(planned), &what).or_exit(ExitCode::Render)
    }

    /// Gives the functions the memory that a turn is measured with, where that is another than they have; with `--cold`
    /// new environments, which another memory brings too.
    pub(crate) async fn change_functions(&mut self, turn: &Turn) -> Result<(), Failure> {
        let Leg::Lambda(render) = turn.leg else { return Ok(()) };
        let run = &self.eval.run;
        let is_cold = self.eval.options.prepares() == Some(Prepares::Cold) && matches!(turn.round, Round::Measured(_));
        let (change, text) = match render.memory_mb.filter(|wanted| self.memory_mb != Some(*wanted)) {
            Some(mb) => (Change::MemoryMb(mb), format!("the functions get {mb} MB")),
            None if is_cold => {
                self.colds += 1;
                (Change::Environments(self.colds), "the functions get new environments (--cold)".to_owned())
            }
            None => return Ok(()),
        };
        run.step("functions", &text);
        run.stage("functions", self.on.stack.change_functions(run, change)).await.or_exit(ExitCode::Deploy)?;
        self.memory_mb = render.memory_mb;
        Ok(())
    }

    /// Prints why something failed; returns it in one line.
    pub(crate) fn say_failure(&self, what: &str, failure: &Failure) -> String {
        let line = format!("{what}: {failure}");
        let shown = failure.details().map_or(line.as_str(), |detailed| detailed.lines.as_str());
        self.eval.run.session.console.say(&format!("error: {shown}"));
        line
    }

    fn failed<T>(&self, what: &str, failure: &Failure) -> Outcome<T> {
        self.say_failure(what, failure);
        Outcome::Failed { failure: failure.to_string() }
    }

    fn name(&self, fixture: usize) -> &str {
        &self.on.places[fixture].subject.fixture.name
    }

    /// Executes once without measuring, to warm up functions.
    pub(crate) async fn warm_up_on_lambda(&self, fixture: usize, render: RenderId, nth: u32) -> Result<(), Failure> {
        let (renders, planned) = self.renders(fixture, render);
        let names = self.names(fixture, render, Round::Warmup(nth));
        renders.warm_up(planned, &names).await
    }

    /// Executes, downloads, measures and compares. A failure becomes a sample without a measurement.
    /// `before` contains the measurements so far.
    pub(crate) async fn sample_on_lambda(
        &self,
        turn: &Turn,
        before: &[Measured<SampleId>],
    ) -> (LambdaSample, Option<Measured<SampleId>>) {
        let id = turn.id(self.name(turn.fixture)).expect("a measured execution");
        match self.execution(turn.fixture, &id, before).await {
            Ok((execution, measured)) => {
                (LambdaSample { id, outcome: Outcome::Done(Box::new(execution)) }, Some(measured))
            }
            Err(failure) => {
                let outcome = self.failed(&id.to_string(), &failure);
                (LambdaSample { id, outcome }, None)
            }
        }
    }

    async fn execution(
        &self,
        fixture: usize,
        id: &SampleId,
        before: &[Measured<SampleId>],
    ) -> Result<(Execution, Measured<SampleId>), Failure> {
        let (run, place) = (&self.eval.run, &self.on.places[fixture]);
        let (gate, codec) = (place.subject.gate, place.subject.fixture.meta.codec);
        let (renders, planned) = self.renders(fixture, id.render);
        let names = self.names(fixture, id.render, Round::Measured(id.iteration));
        let Rendering { row, measured, timeline, .. } = renders.render(planned, &names).await?;
        let against_local = match &self.kept[fixture] {
            Some(local) => {
                let rendered = run.artifacts.path(&row.output);
                let compared =
                    local.compare(&self.on.media, &rendered, codec, &gate).await.or_exit(ExitCode::Render)?;
                Some(Likeness::of(&compared.comparison))
            }
            None => None,
        };
        let measured = measured.of(id.clone());
        let is_same = |m: &&Measured<SampleId>| m.render.fixture == id.fixture && m.render.render == id.render;
        let first = before.iter().find(is_same).and_then(|first| first.comparison.picture());
        let mut row = row.compared(&measured.comparison, first).judged(&measured.judge().findings);
        let jobs = self.eval.options.jobs.get();
        row.notes.extend((jobs > 1).then(|| side_by_side(jobs)));
        let start = Start::of(row.time_spent.as_ref());
        run.step("render", &format!("{id}: {} ({start})", summary_line(&row, &measured.comparison)));
        if let Some(likeness) = &against_local {
            run.step("render", &format!("{id} compared with the local render: {likeness}"));
        }
        let observed = |frames| {
            let (timeline, functions) = (timeline.as_ref()?, self.on.stack.functions.as_ref());
            let took = functions.map(|functions| functions.equivalent_ms(timeline, &run.prices));
            let function_ms = took.unwrap_or_else(|| timeline.function_ms());
            Observation::of(timeline, frames, start == Start::Cold, function_ms)
        };
        let observation = NonZeroU64::new(place.plan.settings.frames).and_then(observed);
        let attempts = timeline.into_iter().flat_map(|timeline| timeline.attempts);
        let requests = attempts.filter_map(|attempt| attempt.request_id).collect();
        Ok((Execution { start, render: row, against_local, memory_used_mb: None, observation, requests }, measured))
    }

    fn renders(&self, fixture: usize, id: RenderId) -> (Render<'_>, &PlannedRender) {
        let place = &self.on.places[fixture];
        let render = Render {
            run: &self.eval.run,
            stack: &self.on.stack,
            media: &self.on.media,
            subject: place.subject,
            reference: &place.reference,
            settings: &place.plan.settings,
            cap: CAP,
        };
        let planned = place.plan.renders.iter().find(|planned| planned.id == id);
        (render, planned.expect("every scheduled render is planned"))
    }

    fn names(&self, fixture: usize, render: RenderId, round: Round) -> RenderNames {
        let fixture = self.name(fixture);
        let key = |iteration| RenderKey { fixture: Some(fixture.to_owned()), id: render, iteration };
        let (round, file_stem, label) = match round {
            Round::Warmup(nth) => {
                let key = key(None);
                (format!("w{nth}"), format!("{}-w{nth}", key.file_stem()), format!("{key} warm-up {nth}"))
            }
            Round::Measured(nth) => {
                let key = key(Some(nth));
                (nth.to_string(), key.file_stem(), key.to_string())
            }
        };
        let of_sweep = (self.eval.scope.most_renders() > 1).then_some(render);
        RenderNames {
            execution: eval_execution_name(fixture, of_sweep, self.eval.run.names.epoch_s, &round),
            file_stem,
            label,
        }
    }

    /// Renders once without measuring, to warm up the machine.
    pub(crate) async fn warm_up_locally(&self, fixture: usize, nth: u32) -> Result<(), Failure> {
        let name = self.name(fixture);
        self.eval.run.step("warm-up", &format!("{name}: in-process on this machine"));
        let scratch = self.scratch(fixture);
        let file = self.eval.run.artifacts.vacated(&scratch).or_exit(ExitCode::Render)?;
        let rendered = self.in_process(fixture, &file, &format!("{name}-local-w{nth}.log")).await;
        self.eval.run.artifacts.vacated(&scratch).or_exit(ExitCode::Render)?;
        rendered.or_exit(ExitCode::Render).map(drop)
    }

    /// Renders and measures the time; with `--keep-local` keeps the video and compares it.
    pub(crate) async fn sample_locally(&mut self, fixture: usize, iteration: u32) -> LocalSample {
        let name = self.name(fixture).to_owned();
        self.kept[fixture] = None;
        self.eval.run.step("local", &format!("{name} #{iteration}: in-process on this machine"));
        let outcome = match self.local_render(fixture, iteration).await.or_exit(ExitCode::Render) {
            Ok((render, kept)) => {
                self.kept[fixture] = kept;
                Outcome::Done(Box::new(render))
            }
            Err(failure) => self.failed(&format!("the local render of {name} #{iteration}"), &failure),
        };
        LocalSample { fixture: name, iteration, outcome }
    }

    async fn local_render(&self, fixture: usize, iteration: u32) -> anyhow::Result<(LocalRender, Option<Baseline>)> {
        let (run, place) = (&self.eval.run, &self.on.places[fixture]);
        let (name, meta) = (&place.subject.fixture.name, &place.subject.fixture.meta);
        let output = meta.format.in_process_name(&format!("renders/{name}-local-{iteration}"));
        let keep = self.eval.options.local() == LocalLeg::Kept;
        let scratch = self.scratch(fixture);
        let file = run.artifacts.vacated(if keep { &output } else { &scratch })?;
        let rendered = self.in_process(fixture, &file, &format!("{name}-local-{iteration}.log")).await;
        if !keep {
            run.artifacts.vacated(&scratch)?;
        }
        let rendered = rendered?;
        let renderer_ms = rendered.renderer_ms();
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let own = renderer_ms.map(|ms| format!(", {:.1} s of it in the renderer", seconds(ms))).unwrap_or_default();
        run.step("local", &format!("{name} #{iteration}: {:.1} s{own}", seconds(rendered.wall_ms)));
        let mut render = LocalRender { wall_ms: rendered.wall_ms, renderer_ms, output: None, against_baseline: None };
        if !keep {
            return Ok((render, None));
        }
        let what = if meta.format == RenderFormat::PngSequence { "frames" } else { "video" };
        ensure!(
            file.exists(),
            "the local renderer left no {what} to keep; without --keep-local only its time is measured"
        );
        let local = Baseline::read(&self.on.media, &file, meta.format, meta.fps.get()).await;
        let local = local.with_context(|| format!("the local render {output}"))?;
        if let Some(baseline) = place.reference.baseline() {
            let compared = baseline.compare(&self.on.media, &file, None, &place.subject.gate).await?;
            let likeness = Likeness::of(&compared.comparison);
            run.step("local", &format!("{name} #{iteration} compared with the baseline: {likeness}"));
            render.against_baseline = Some(likeness);
        }
        render.output = Some(output);
        Ok((render, Some(local)))
    }

    async fn in_process(&self, fixture: usize, to: &Path, log: &str) -> anyhow::Result<InProcess> {
        let renderer = self.renderer.as_ref().context("a local leg has a renderer")?;
        let (place, log) = (&self.on.places[fixture], self.eval.run.artifacts.logs().join(log));
        let fixture = &place.subject.fixture;
        let job = Job { fixture, project: &place.project, format: fixture.meta.format, to, log: &log };
        renderer.render(&job).await
    }

    /// The name of a render that is not kept.
    fn scratch(&self, fixture: usize) -> String {
        let fixture = &self.on.places[fixture].subject.fixture;
        fixture.meta.format.in_process_name(&format!("renders/{}-local-not-kept", fixture.name))
    }
}
