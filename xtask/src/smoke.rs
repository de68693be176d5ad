//! `lambda-smoke`: fixtures, rendered at several chunk counts.

use std::time::Duration;

use anyhow::Context;
use execution_history::chunking::{PlanProtocol, PlanProtocols, RenderId};
use futures_util::{StreamExt, stream};
use render_verdict::{
    finding::Finding,
    frames,
    gates::PLAN_PROTOCOLS,
    known_good::{KnownGood, RenderMetrics},
    protocols::SemanticComparison,
    verdict::{Conclusion, Measured, Missing, Outcome, Verdict},
};

use crate::{
    cli::smoke::SmokeOptions,
    console::text::counted,
    context::Session,
    exit::{ExitCode, Failure, OrExit, Signals},
    project::{
        execution::execution_name,
        fixture::format::{LambdaFps, RenderFormat},
        names::RunId,
        plan::{Extent, RenderPlan, Sizing},
    },
    report::{
        row::{RenderKey, ResultRow},
        run_record::{Asked, SmokeFixtures},
        tables::{self, summary_line},
    },
    run::{
        self, Run, Sources,
        bench::{Bench, Place, Wanted},
        budget::Exceeded,
        finish::{self, Interim},
        preview::{self, PlannedFixture},
        render::{Render, RenderNames, Rendering, side_by_side},
        repeat,
        subject::{PlanChoice, Record, Subject},
    },
    tools::ffmpeg::Media,
};

/// The command's name: stacks and artifact folders are named after it.
const COMMAND: &str = "lambda-smoke";

/// An execution is stopped after this long.
const CAP: Duration = Duration::from_secs(25 * 60);

/// Runs the gate to its end, whatever happens; with `--dry-run` only prints what it would do.
///
/// # Errors
/// When something is wrong before there is a run to clean up.
pub async fn run(session: &Session, options: &SmokeOptions) -> Result<ExitCode, Failure> {
    let (options, repeats) = repeated(session, options).or_exit(ExitCode::Preflight)?;
    let options = &options;
    if options.run.dry_run {
        return preview::preview(session, COMMAND, &options.run, &options.chunk_counts, |sources| {
            let planned = |subject: Subject| {
                let plan = subject.stated_extent().map(|extent| plan(&subject, options, extent)).transpose()?;
                anyhow::Ok(PlannedFixture { subject, plan, times: None })
            };
            let (subjects, notes) = subjects(sources, options)?;
            Ok((subjects.into_iter().map(planned).collect::<anyhow::Result<_>>()?, notes))
        });
    }
    let mut signals = Signals::listen().or_exit(ExitCode::Preflight)?;
    let sources = Sources::find(session, &options.run).or_exit(ExitCode::Preflight)?;
    let (subjects, notes) = subjects(&sources, options).or_exit(ExitCode::Preflight)?;
    notes.iter().for_each(|note| session.console.note(note));
    let asked = Asked::Smoke { fixtures: asked(&subjects), chunk_counts: options.chunk_counts.clone() };
    run::mention_unfinished(session);
    let run = Run::prepare(session, COMMAND, sources, options.run.clone(), asked)?;
    run.record.borrow_mut().repeats = repeats;
    let work = async |interim: &mut Option<Interim>| smoke(&run, &subjects, options, interim).await;
    Ok(finish::with_cleanup(&run, &mut signals, work).await)
}

/// The options for what did not pass or was not rendered in the run that `--rerun-failed` names, and that run.
fn repeated(session: &Session, options: &SmokeOptions) -> anyhow::Result<(SmokeOptions, Option<RunId>)> {
    let mut options = options.clone();
    let Some(which) = &options.fixtures.rerun_failed else { return Ok((options, None)) };
    let (renders, earlier) = repeat::to_repeat(session, COMMAND, which, &options.run)?;
    options.fixtures.repeated = Some(renders);
    options.chunk_counts = options.fixtures.counts(None, &options.chunk_counts)?;
    Ok((options, Some(earlier.run_id)))
}

fn asked(subjects: &[Subject]) -> SmokeFixtures {
    match subjects {
        [one] => SmokeFixtures::One { fixture: one.fixture.name.clone(), gate: one.gate },
        several => SmokeFixtures::Several {
            fixtures: several.iter().map(|subject| (subject.fixture.name.clone(), subject.gate)).collect(),
        },
    }
}

/// The whole job, from its target to its last comparison. Whatever ends it, the clean-up follows.
async fn smoke(
    run: &Run,
    subjects: &[Subject],
    options: &SmokeOptions,
    interim: &mut Option<Interim>,
) -> Result<Conclusion, Failure> {
    let wanted = Wanted {
        exact: options.exact,
        plan: |subject: &Subject, extent| plan(subject, options, extent),
        times: |_: usize, _: RenderId| 1,
        chunks_at_once: options.chunk_counts.at_once(options.jobs.get()),
    };
    let (Bench { stack, media, places }, ()) = Bench::set_up(run, subjects, wanted, async { Ok(()) }).await?;

    let several = places.len() > 1;
    let of_place = |(nth, place): (usize, &'_ Place<'_>)| {
        let fixture = several.then(|| place.subject.fixture.name.clone());
        let key = |id| RenderKey { fixture: fixture.clone(), id, iteration: None };
        place.plan.renders.iter().map(|planned| (nth, key(planned.id), *planned)).collect::<Vec<_>>()
    };
    let planned: Vec<_> = places.iter().enumerate().flat_map(of_place).collect();
    let (stack, media) = (&stack, &media);
    let renderings = planned.iter().map(|(nth, key, planned)| {
        let Place { subject, reference, plan, .. } = &places[*nth];
        let render = Render { run, stack, media, subject, reference, settings: &plan.settings, cap: CAP };
        let names = RenderNames {
            execution: execution_name(key.fixture.as_deref(), key.id, run.names.epoch_s, &run.names.run),
            file_stem: key.file_stem(),
            label: key.to_string(),
        };
        async move {
            let rendering = async {
                run.budget.allow(&render.estimate(planned), &names.label).or_exit(ExitCode::Render)?;
                run.stage(&format!("render {}", names.label), render.render(planned, &names)).await
            };
            let rendering = rendering.await.map(|mut rendering| {
                rendering.row.fixture.clone_from(&key.fixture);
                rendering
            });
            (*nth, key, rendering)
        }
    });
    let mut renderings = stream::iter(renderings).buffer_unordered(options.jobs.get());
    let mut renders = Renders::of(planned.iter().map(|(_, key, _)| key.clone()).collect(), options);
    // Unless it is to go on, the first that fails ends the others; the clean-up stops their executions.
    while let Some((nth, key, rendering)) = renderings.next().await {
        let ended = renders.take(run, places[nth].subject, key, rendering);
        renders.save(run, interim)?;
        match ended {
            Err(failure) if !options.ends_with_a_failure(places.len()) => {
                run.session.console.say(&format!("error: {}", failure.reported()));
            }
            ended => ended?,
        }
    }

    // Frames that are identical to the in-process ones are identical to each other.
    if options.plan_protocols == Some(PlanProtocols::Both) && !options.exact {
        let same_bytes = options.require_encoded_sha_equal;
        run.stage("compare", renders.compare_protocols(run, subjects, media, same_bytes, interim)).await?;
    }
    for subject in subjects {
        renders.update_record(run, subject)?;
    }
    Ok(renders.conclusion())
}

/// The fixtures, what their renders must reach, and notes on them.
fn subjects(sources: &Sources, options: &SmokeOptions) -> anyhow::Result<(Vec<Subject>, Vec<String>)> {
    let choice = PlanChoice::new(&sources.template, options.plan_protocols)?;
    // By --exact neither baseline nor record is looked at.
    let record: Option<fn(Option<KnownGood>) -> Record> = match (options.exact, options.update_expected, options.strict)
    {
        (true, ..) => None,
        (false, true, _) => Some(Record::Rewritten),
        (false, false, true) => Some(Record::HeldStrictly),
        (false, false, false) => Some(Record::Held),
    };
    let load = |name: &str| Subject::load(&sources.repo, name, choice, &options.limits.0, record);
    Subject::all(&sources.repo, &options.chosen(), load)
}

/// The renders to do, and what each is asked for.
fn plan(subject: &Subject, options: &SmokeOptions, extent: Extent) -> anyhow::Result<RenderPlan> {
    let format = if options.exact { RenderFormat::PngSequence } else { subject.fixture.meta.format };
    let sizing = options.chunk_size.map_or(Sizing::ByCount, Sizing::Named);
    subject.planned(
        &options.fixtures.counts(Some(&subject.fixture.name), &options.chunk_counts)?,
        sizing,
        format,
        extent,
    )
}

struct Renders {
    /// All that there must be.
    planned: Vec<RenderKey>,
    /// That renders at the same time affect each other's times.
    disturbed: Option<String>,
    /// In the order of the plan: renders that run at the same time end in any order.
    rows: Vec<ResultRow>,
    /// In the order in which they ended.
    measured: Vec<Measured<RenderKey>>,
    /// What `--update-expected` would record, each with its fixture.
    recorded: Vec<(String, RenderMetrics)>,
    /// The renders without a result, and why: by their own failure, or because of --max-cost-usd.
    failed: Vec<(RenderKey, Missing)>,
}

impl Renders {
    fn of(planned: Vec<RenderKey>, options: &SmokeOptions) -> Self {
        let jobs = options.jobs.get().min(planned.len());
        let disturbed = (jobs > 1).then(|| side_by_side(jobs));
        let (rows, measured, recorded, failed) = Default::default();
        Self { planned, disturbed, rows, measured, recorded, failed }
    }

    /// Takes what became of a render, and gives its failure.
    fn take(
        &mut self,
        run: &Run,
        subject: &Subject,
        key: &RenderKey,
        rendering: Result<Rendering, Failure>,
    ) -> Result<(), Failure> {
        rendering.map(|rendering| self.add(run, subject, rendering)).inspect_err(|failure| {
            let why = failure.to_string();
            let was_run = !failure.error.is::<Exceeded>();
            self.failed.push((key.clone(), if was_run { Missing::Failed(why) } else { Missing::NotRun(why) }));
        })
    }

    /// Judges a render that is done, and says how it came out.
    fn add(&mut self, run: &Run, subject: &Subject, rendering: Rendering) {
        let Rendering { mut row, measured, recorded, .. } = rendering;
        row.notes.extend(self.disturbed.clone());
        let measured = measured.of(row.key());
        let of_fixture = |first: &&Measured<RenderKey>| first.render.fixture == row.fixture;
        let first = self.measured.iter().find(of_fixture).and_then(|first| first.comparison.picture());
        let row = row.compared(&measured.comparison, first).judged(&measured.judge().findings);
        run.step("render", &format!("{}: {}", row.key(), summary_line(&row, &measured.comparison)));
        self.rows.push(row);
        self.rows.sort_by_key(|row| self.planned.iter().position(|key| *key == row.key()));
        self.measured.push(measured);
        self.recorded.extend(recorded.map(|recorded| (subject.fixture.name.clone(), recorded)));
    }

    /// Saves results.json with all rows so far, and updates the interim result.
    fn save(&self, run: &Run, interim: &mut Option<Interim>) -> Result<(), Failure> {
        let table = tables::renders(&self.rows, run.session.console.width());
        *interim = Some(Interim { table, conclusion: self.conclusion() });
        run.artifacts.save("results.json", &self.rows).or_exit(ExitCode::Render)
    }

    /// The verdict over all renders that there must be, as far as they are measured.
    fn verdict(&self) -> Verdict<RenderKey> {
        Verdict::judge(&self.planned, &self.measured).expect("a run has one chunk count at least")
    }

    /// The verdict in words. A render that neither succeeded nor failed was not completed because of the first
    /// failure.
    fn conclusion(&self) -> Conclusion {
        let cause = |render: &RenderKey| {
            let own = self.failed.iter().find(|(failed, _)| failed == render).map(|(_, missing)| missing.clone());
            let because = |(first, _): &(RenderKey, Missing)| Missing::NotRun(format!("the run ended at {first}"));
            own.or_else(|| self.failed.first().map(because)).unwrap_or(Missing::Unknown)
        };
        self.verdict().conclusion(cause)
    }

    /// `--plan-protocol both`: whether v1 and v2 rendered the same video at each chunk count.
    async fn compare_protocols(
        &mut self,
        run: &Run,
        subjects: &[Subject],
        media: &Media,
        same_bytes: bool,
        interim: &mut Option<Interim>,
    ) -> Result<(), Failure> {
        let rows = self.rows.clone();
        let semantics = async |row: &ResultRow| {
            let output = run.artifacts.path(&row.output);
            let semantics = match &row.media {
                Some(shape) => media.semantics(&output, shape, &row.chunks).await,
                None => {
                    let is_its = |subject: &&Subject| row.fixture.as_ref().is_none_or(|it| *it == subject.fixture.name);
                    let fps = subjects.iter().find(is_its).map_or(LambdaFps::DEFAULT, |it| it.fixture.meta.fps);
                    frames::semantics(&output, fps.get(), &row.chunks)
                }
            };
            semantics
                .with_context(|| format!("comparing the plan protocols at {}", row.key()))
                .or_exit(ExitCode::Render)
        };
        let mut comparisons = Vec::new();
        for v2 in rows.iter().filter(|row| row.id.protocol == PlanProtocol::V2) {
            let id_of_v1 = RenderId { protocol: PlanProtocol::V1, ..v2.id };
            let is_v1 = |row: &&ResultRow| row.id == id_of_v1 && row.fixture == v2.fixture;
            let Some(v1) = rows.iter().find(is_v1) else { continue };
            let (of_v1, of_v2) = (semantics(v1).await?, semantics(v2).await?);
            let compared = SemanticComparison {
                fixture: v2.fixture.clone(),
                ..SemanticComparison::of(v2.id.chunk_count, &of_v1, &of_v2, same_bytes)
            };
            let difference = match (compared.mismatches.len(), compared.encoded_sha_equal) {
                (0, true) => "v1 and v2 delivered identical files".to_owned(),
                (0, false) => "v1 and v2 rendered the same video, encoded differently".to_owned(),
                (count, _) => format!("v1 and v2 differ: {}", counted(count, "mismatch")),
            };
            run.step("compare", &format!("{}: {difference}", v2.key()));
            let findings = compared.mismatches.iter().map(|mismatch| {
                PLAN_PROTOCOLS.finding(mismatch, "no difference", format!("v1 and v2 differ in {mismatch}"))
            });
            self.note(&v2.key(), findings);
            comparisons.push(compared);
            run.artifacts.save("semantic-comparisons.json", &comparisons).or_exit(ExitCode::Render)?;
            self.save(run, interim)?;
        }
        Ok(())
    }

    fn note(&mut self, render: &RenderKey, findings: impl Iterator<Item = Finding>) {
        let measured = self.measured.iter_mut().find(|measured| measured.render == *render);
        let row = self.rows.iter_mut().find(|row| row.key() == *render);
        if let Some((measured, row)) = measured.zip(row) {
            measured.other_findings.extend(findings);
            *row = row.clone().judged(&measured.judge().findings);
        }
    }

    /// `--update-expected`: when all renders of a fixture pass, they become its known-good metrics.
    fn update_record(&self, run: &Run, subject: &Subject) -> Result<(), Failure> {
        let Record::Rewritten(known) = &subject.record else { return Ok(()) };
        let name = &subject.fixture.name;
        let own = |key: &&RenderKey| key.fixture.as_ref().is_none_or(|fixture| fixture == name);
        let planned: Vec<RenderKey> = self.planned.iter().filter(own).cloned().collect();
        if Verdict::judge(&planned, &self.measured).is_none_or(|verdict| verdict.outcome() != Outcome::Pass) {
            let of = if planned.len() < self.planned.len() { format!(" of {name}") } else { String::new() };
            run.session
                .console
                .say(&format!("the known-good metrics are not rewritten, because not all renders{of} passed"));
            return Ok(());
        }
        let recorded: Vec<RenderMetrics> =
            self.recorded.iter().filter(|(fixture, _)| fixture == name).map(|(_, render)| render.clone()).collect();
        let (record, changes) = KnownGood::updated(known.clone(), subject.hashes.clone(), &recorded);
        // Before anything is written.
        for change in changes {
            run.step("record", &change);
        }
        subject.fixture.write_known_good(&record).or_exit(ExitCode::Render)?;
        run.step("record", &format!("{} is rewritten", subject.fixture.known_good_path().display()));
        Ok(())
    }
}
