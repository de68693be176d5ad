//! `lambda-smoke`: one fixture, rendered at several chunk counts.

use std::time::Duration;

use anyhow::Context;
use execution_history::chunking::{PlanProtocol, PlanProtocols, RenderId, render_ids};
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
        fixture::format::RenderFormat,
        plan::{Extent, RenderPlan, Sizing},
    },
    report::{
        row::ResultRow,
        run_record::Asked,
        tables::{self, summary_line},
    },
    run::{
        Run, Sources,
        budget::Exceeded,
        finish::{self, Interim},
        preview,
        render::{Render, RenderNames, Rendering},
        run_baseline::RunBaseline,
        stack::Ready,
        subject::{Packed, PlanChoice, Record, Subject},
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
    if options.run.dry_run {
        return preview::preview(session, COMMAND, &options.run, &options.chunk_counts, None, |sources| {
            let subject = subject(sources, options)?;
            let planned = subject.stated_extent().map(|extent| plan(&subject, options, extent)).transpose()?;
            Ok(vec![(subject, planned)])
        });
    }
    let mut signals = Signals::listen().or_exit(ExitCode::Preflight)?;
    let sources = Sources::find(session, options.run.code()).or_exit(ExitCode::Preflight)?;
    let subject = subject(&sources, options).or_exit(ExitCode::Preflight)?;
    if let Some(note) = &subject.note {
        session.console.note(note);
    }
    let asked = Asked::Smoke {
        fixture: subject.fixture.name.clone(),
        chunk_counts: options.chunk_counts.clone(),
        gate: subject.gate,
    };
    let run = Run::prepare(session, COMMAND, sources, options.run.clone(), asked)?;
    let work = async |interim: &mut Option<Interim>| smoke(&run, &subject, options, interim).await;
    Ok(finish::with_cleanup(&run, &mut signals, work).await)
}

/// The whole job, from its target to its last comparison. Whatever ends it, the clean-up follows.
async fn smoke(
    run: &Run,
    subject: &Subject,
    options: &SmokeOptions,
    interim: &mut Option<Interim>,
) -> Result<Conclusion, Failure> {
    let Ready { tools, media } = run.make_ready().await?;
    let baseline = match options.exact {
        true => None,
        false => {
            run.check_encoder(&subject.fixture).await?;
            Some(run.stage("baseline", RunBaseline::committed(run, subject, &media)).await?)
        }
    };
    // A count that can't be rendered is reported before anything is built, where the length is known.
    if let Some(extent) = baseline.as_ref().map(RunBaseline::extent).or_else(|| subject.stated_extent()) {
        let plan = plan(subject, options, extent).or_exit(ExitCode::Preflight)?;
        run.budget.allow(&run.estimate(subject, &plan), "the planned renders").or_exit(ExitCode::Preflight)?;
    }

    let reference = async {
        let packed = Packed::of(run, subject).await?;
        let reference = match baseline {
            Some(baseline) => baseline.with_rendered(run, subject, &packed, &media).await?,
            None => run.stage("reference", RunBaseline::in_process(run, subject, &packed)).await?,
        };
        let plan = plan(subject, options, reference.extent()).or_exit(ExitCode::Preflight)?;
        Ok((packed, reference, plan))
    };
    let chunks_at_once = options.chunk_counts.at_once(options.jobs.get());
    let (built, reference) = tokio::join!(run.build(&tools, chunks_at_once), reference);
    built?;
    let (packed, reference, plan) = reference?;
    let stack = run.deploy().await?;
    run.upload(&stack, subject, packed.tar_gz).await?;

    let settings = &plan.settings;
    let render = Render { run, stack: &stack, media: &media, subject, reference: &reference, settings, cap: CAP };
    let renderings = plan.renders.iter().map(|planned| async {
        let names = RenderNames {
            execution: execution_name(planned, run.names.epoch_s, &run.names.run),
            file_stem: planned.id.file_stem(),
            label: planned.id.to_string(),
        };
        let rendering = async {
            run.budget.allow(&render.estimate(planned), &names.label).or_exit(ExitCode::Render)?;
            run.stage(&format!("render {}", planned.id), render.render(planned, &names)).await
        };
        (planned.id, rendering.await)
    });
    let mut renderings = stream::iter(renderings).buffer_unordered(options.jobs.get());
    let mut renders = Renders::of(subject, options);
    // Without --keep-going, the first that fails ends the others; the clean-up stops their executions.
    while let Some((id, rendering)) = renderings.next().await {
        let ended = renders.take(run, id, rendering);
        renders.save(run, interim)?;
        match ended {
            Err(failure) if options.keep_going => run.session.console.say(&format!("error: {}", failure.reported())),
            ended => ended?,
        }
    }

    // Frames that are identical to the in-process ones are identical to each other.
    if options.plan_protocols == Some(PlanProtocols::Both) && !options.exact {
        let same_bytes = options.require_encoded_sha_equal;
        run.stage("compare", renders.compare_protocols(run, subject, &media, same_bytes, interim)).await?;
    }
    renders.update_record(run, subject)?;
    Ok(renders.conclusion())
}

/// The fixture, and what its renders must reach.
fn subject(sources: &Sources, options: &SmokeOptions) -> anyhow::Result<Subject> {
    let choice = PlanChoice::new(&sources.template, options.plan_protocols)?;
    // By --exact neither baseline nor record is looked at.
    let record: Option<fn(Option<KnownGood>) -> Record> = match (options.exact, options.update_expected, options.strict)
    {
        (true, ..) => None,
        (false, true, _) => Some(Record::Rewritten),
        (false, false, true) => Some(Record::HeldStrictly),
        (false, false, false) => Some(Record::Held),
    };
    Subject::load(&sources.repo, &options.fixture, choice, &options.limits.0, record)
}

/// The renders to do, and what each is asked for.
///
/// # Errors
/// When a count asks for more frames a chunk than the handler takes.
fn plan(subject: &Subject, options: &SmokeOptions, extent: Extent) -> anyhow::Result<RenderPlan> {
    let format = if options.exact { RenderFormat::PngSequence } else { subject.fixture.meta.format };
    let sizing = options.chunk_size.map_or(Sizing::ByCount, Sizing::Named);
    subject.planned(&options.chunk_counts, sizing, format, extent)
}

/// The renders that are done.
struct Renders {
    /// All that there must be.
    planned: Vec<RenderId>,
    /// What renders that go on at once do to each other's times.
    disturbed: Option<String>,
    /// In the order of the plan: renders that go on at once end in any order.
    rows: Vec<ResultRow>,
    /// In the order in which they ended.
    measured: Vec<Measured<RenderId>>,
    recorded: Vec<RenderMetrics>,
    /// What did not come to an end, and why: as itself, or because the run could not afford it.
    failed: Vec<(RenderId, Missing)>,
}

impl Renders {
    fn of(subject: &Subject, options: &SmokeOptions) -> Self {
        let planned = render_ids(&options.chunk_counts, subject.plan.protocols());
        let jobs = options.jobs.get().min(planned.len());
        let disturbed = (jobs > 1).then(|| {
            format!("up to {jobs} renders went on at once (--jobs), so their times are not those of one alone")
        });
        let (rows, measured, recorded, failed) = Default::default();
        Self { planned, disturbed, rows, measured, recorded, failed }
    }

    /// Takes what became of a render, and gives its failure.
    fn take(&mut self, run: &Run, id: RenderId, rendering: Result<Rendering, Failure>) -> Result<(), Failure> {
        rendering.map(|rendering| self.add(run, rendering)).inspect_err(|failure| {
            let why = failure.to_string();
            let was_run = !failure.error.is::<Exceeded>();
            self.failed.push((id, if was_run { Missing::Failed(why) } else { Missing::NotRun(why) }));
        })
    }

    /// Judges a render that is done, and says how it came out.
    fn add(&mut self, run: &Run, rendering: Rendering) {
        let Rendering { mut row, measured, recorded, .. } = rendering;
        row.notes.extend(self.disturbed.clone());
        let first = self.measured.first().and_then(|first| first.comparison.picture());
        let row = row.compared(&measured.comparison, first).judged(&measured.judge().findings);
        run.step("render", &format!("{}: {}", row.id, summary_line(&row, &measured.comparison)));
        self.rows.push(row);
        self.rows.sort_by_key(|row| self.planned.iter().position(|id| *id == row.id));
        self.measured.push(measured);
        self.recorded.extend(recorded);
    }

    /// Saves results.json with all rows so far, and hands up what they come to.
    fn save(&self, run: &Run, interim: &mut Option<Interim>) -> Result<(), Failure> {
        *interim = Some(Interim { table: tables::renders(&self.rows), conclusion: self.conclusion() });
        run.artifacts.save("results.json", &self.rows).or_exit(ExitCode::Render)
    }

    /// The verdict over all renders that there must be, as far as they are measured.
    fn verdict(&self) -> Verdict<RenderId> {
        Verdict::judge(&self.planned, &self.measured).expect("a run has one chunk count at least")
    }

    /// The verdict in words. What has neither come to an end nor failed was not run to its end because of the first
    /// failure.
    fn conclusion(&self) -> Conclusion {
        let cause = |render: &RenderId| {
            let own = self.failed.iter().find(|(failed, _)| failed == render).map(|(_, missing)| missing.clone());
            let because = |(first, _): &(RenderId, Missing)| Missing::NotRun(format!("{first} ended the run before"));
            own.or_else(|| self.failed.first().map(because)).unwrap_or(Missing::Unknown)
        };
        self.verdict().conclusion(cause)
    }

    /// `--plan-protocol both`: whether v1 and v2 rendered the same video at each chunk count.
    async fn compare_protocols(
        &mut self,
        run: &Run,
        subject: &Subject,
        media: &Media,
        same_bytes: bool,
        interim: &mut Option<Interim>,
    ) -> Result<(), Failure> {
        let rows = self.rows.clone();
        let semantics = async |row: &ResultRow| {
            let (output, fps) = (run.artifacts.path(&row.output), subject.fixture.meta.fps.get());
            let semantics = match &row.media {
                Some(shape) => media.semantics(&output, shape, &row.chunks).await,
                None => frames::semantics(&output, fps, &row.chunks),
            };
            semantics.with_context(|| format!("comparing the plan protocols at {}", row.id)).or_exit(ExitCode::Render)
        };
        let mut comparisons = Vec::new();
        for v2 in rows.iter().filter(|row| row.id.protocol == PlanProtocol::V2) {
            let id_of_v1 = RenderId { protocol: PlanProtocol::V1, ..v2.id };
            let Some(v1) = rows.iter().find(|row| row.id == id_of_v1) else { continue };
            let (of_v1, of_v2) = (semantics(v1).await?, semantics(v2).await?);
            let compared = SemanticComparison::of(v2.id.chunk_count, &of_v1, &of_v2, same_bytes);
            let difference = match (compared.mismatches.len(), compared.encoded_sha_equal) {
                (0, true) => "v1 and v2 are the same bytes".to_owned(),
                (0, false) => "v1 and v2 are the same video, encoded in other bytes".to_owned(),
                (count, _) => format!("v1 and v2 differ: {}", counted(count, "mismatch")),
            };
            run.step("compare", &format!("N={}: {difference}", v2.id.chunk_count));
            let findings = compared.mismatches.iter().map(|mismatch| {
                PLAN_PROTOCOLS.finding(mismatch, "no difference", format!("v1 and v2 differ in {mismatch}"))
            });
            self.note(v2.id, findings);
            comparisons.push(compared);
            run.artifacts.save("semantic-comparisons.json", &comparisons).or_exit(ExitCode::Render)?;
            self.save(run, interim)?;
        }
        Ok(())
    }

    /// Adds findings to a render that is already measured.
    fn note(&mut self, render: RenderId, findings: impl Iterator<Item = Finding>) {
        let measured = self.measured.iter_mut().find(|measured| measured.render == render);
        let row = self.rows.iter_mut().find(|row| row.id == render);
        if let Some((measured, row)) = measured.zip(row) {
            measured.other_findings.extend(findings);
            *row = row.clone().judged(&measured.judge().findings);
        }
    }

    /// `--update-expected`: when all renders pass, they become the fixture's known-good metrics.
    fn update_record(&self, run: &Run, subject: &Subject) -> Result<(), Failure> {
        let Record::Rewritten(known) = &subject.record else { return Ok(()) };
        if self.verdict().outcome() != Outcome::Pass {
            run.session.console.say("the fixture's record is not rewritten, as not all renders pass");
            return Ok(());
        }
        let (record, changes) = KnownGood::updated(known.clone(), subject.hashes.clone(), &self.recorded);
        // Before anything is written.
        for change in changes {
            run.step("record", &change);
        }
        subject.fixture.write_known_good(&record).or_exit(ExitCode::Render)?;
        run.step("record", &format!("{} is rewritten", subject.fixture.known_good_path().display()));
        Ok(())
    }
}
