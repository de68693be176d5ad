//! `--dry-run`: what a run would create, call and cost.

use std::path::Path;

use execution_history::chunking::{ChunkCounts, RenderId, render_ids};
use xshell::Shell;

use crate::{
    aws::access::TargetChoice,
    cli::run::RunOptions,
    console::text::counted,
    context::Session,
    exit::{ExitCode, Failure, OrExit},
    project::{
        plan::RenderPlan,
        repo::Layout,
        template::{Template, parameters::Given},
    },
    run::{
        RunNames, Sources,
        budget::{Budget, Estimate, Split},
        known_times, prices,
        subject::Subject,
    },
    tools::{handler::CHECKOUT_SCRIPTS, sam},
};

/// Prints what a run of `command` would do, or what is wrong with what was asked for. `rounds` is how often an
/// eval repeats each execution; `plans` has a fixture's plan where its length is known.
///
/// # Errors
/// When the run would be refused.
pub(crate) fn preview(
    session: &Session,
    command: &'static str,
    options: &RunOptions,
    counts: &ChunkCounts,
    rounds: Option<u64>,
    plans: impl FnOnce(&Sources) -> anyhow::Result<Vec<(Subject, Option<RenderPlan>)>>,
) -> Result<ExitCode, Failure> {
    let preview = || {
        let sources = Sources::find(session, options.skip_build)?;
        let plans = plans(&sources)?;
        let names = RunNames::draw(command, options)?;
        let (renders, estimate) = planned(&sources, options, counts, rounds, &plans)?;
        let given = names.given(&sources.template, options)?;
        anyhow::Ok(Preview { sh: &session.runner.sh, command, sources, given, names, options, renders, estimate })
    };
    let preview = preview().or_exit(ExitCode::Preflight)?;
    session.console.result(&preview.lines().join("\n"));
    if let Ok((estimate, _)) = &preview.estimate {
        let budget = Budget::new(options.max_cost);
        budget.allow(estimate, "the planned renders").or_exit(ExitCode::Preflight)?;
    }
    Ok(ExitCode::Success)
}

/// What renders are going to cost and how that is known, or why it is not.
type Cost = Result<(Estimate, String), String>;

/// A line for each render, and what all of them are going to cost.
fn planned(
    sources: &Sources,
    options: &RunOptions,
    counts: &ChunkCounts,
    rounds: Option<u64>,
    plans: &[(Subject, Option<RenderPlan>)],
) -> anyhow::Result<(Vec<String>, Cost)> {
    let (known, prices) = (known_times(&sources.repo, options), prices(options)?);
    let memory_mb = sources.template.memory_mb(options.memory);
    let (mut lines, mut estimates, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut known_by: Vec<String> = Vec::new();
    for (subject, plan) in plans {
        let name = &subject.fixture.name;
        let label = |render: RenderId| match rounds {
            Some(rounds) => format!("{name} {render}, {rounds} times"),
            None => render.to_string(),
        };
        let Some(plan) = plan else {
            let ids = render_ids(counts, subject.plan.protocols()).into_iter();
            lines.extend(ids.map(|id| format!("{}: the number of frames follows from its baseline", label(id))));
            unknown.push(name.as_str());
            continue;
        };
        for render in &plan.renders {
            let Split { frames, chunks } = render.split(plan.settings.frames);
            let (label, chunks, size) = (label(render.id), counted(chunks, "chunk"), render.chunk_size.get());
            lines.push(format!("{label}: {frames} frames in {chunks}, {size} frames each at most"));
        }
        let times = known.of(name);
        estimates.push(Estimate::of(&plan.splits(), &times, memory_mb, &prices));
        if !known_by.contains(&times.source) {
            known_by.push(times.source);
        }
    }
    let estimate = match (unknown.as_slice(), rounds) {
        ([], _) => {
            let all = estimates.into_iter().sum::<Estimate>().times(rounds.unwrap_or(1));
            Ok((all, known_by.join(", and by ")))
        }
        (_, None) => Err("the composition does not say how long it is".to_owned()),
        (names, Some(_)) => Err(format!("{} does not say how long it is", names.join(", "))),
    };
    Ok((lines, estimate))
}

/// Everything that a run is going to do, as far as it is known without starting anything.
struct Preview<'a> {
    sh: &'a Shell,
    command: &'static str,
    sources: Sources,
    given: Given,
    names: RunNames,
    options: &'a RunOptions,
    /// A line for each render.
    renders: Vec<String>,
    estimate: Cost,
}

impl Preview<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} would run {}", self.command, self.target()), String::new()];
        let mut part = |title: &str, items: Vec<String>| {
            lines.push(title.to_owned());
            lines.extend(items.into_iter().map(|item| format!("  {item}")));
            lines.push(String::new());
        };
        part("create", self.created());
        part("call", self.calls());
        part("render", self.renders.clone());
        part("remove", self.removed());
        let cost = match &self.estimate {
            Ok((estimate, source)) => format!("cost: {estimate}, by {source}; S3, logs and data transfer are left out"),
            Err(why) => format!("cost: not known, as {why}"),
        };
        lines.push(cost);
        lines.push("dry run: nothing was created, and AWS was not called".to_owned());
        lines
    }

    fn target(&self) -> String {
        let region = &self.options.target.region;
        match self.options.target.aws.choice() {
            TargetChoice::Local => format!("on an embedded AWS of its own, {region}, which costs nothing"),
            TargetChoice::Endpoint(url) => format!("on the emulator at {url}, {region}"),
            TargetChoice::Account(Some(profile)) => format!("on AWS (profile {profile}), {region}"),
            TargetChoice::Account(None) => format!("on AWS, {region}"),
        }
    }

    fn created(&self) -> Vec<String> {
        let RunNames { stack, artifact_bucket, .. } = &self.names;
        let Sources { template, .. } = &self.sources;
        let reserved = match self.options.reserved_concurrency.get() {
            _ if !self.given.missing.is_empty() => "reserved concurrency as in the template".to_owned(),
            Some(reserved) => format!("reserved concurrency {reserved}"),
            None => "no reserved concurrency".to_owned(),
        };
        let values = self.names.values(&self.given, "<account>", &self.options.target.region);
        let named = template.names(&values);
        let name = |name: Option<String>| name.unwrap_or_else(|| "that CloudFormation names".to_owned());
        let of_stack = [
            format!("bucket {}", name(named.bucket)),
            format!("function {}, {} MB, {reserved}", name(named.function), template.memory_mb(self.options.memory)),
            format!("state machine {}", name(named.machine)),
        ];
        let left = template
            .leaves_a_log_group(&values)
            .then(|| "the function's log group, which Lambda makes and no stack deletes: the run does".to_owned());
        let of_stack = of_stack.into_iter().chain(others(template)).map(|line| format!("  {line}"));
        let of_run = [
            format!("bucket {artifact_bucket}, for what sam uploads, tagged with run and stack"),
            format!("stack {stack}, from {}", self.sources.template.path.display()),
        ];
        of_run.into_iter().chain(of_stack).chain(left).collect()
    }

    fn calls(&self) -> Vec<String> {
        let package = self.sources.repo.handler_package();
        let build = match (self.options.skip_build, self.sources.repo.layout()) {
            (true, _) => {
                vec![format!("no build: {} is deployed as it is", self.sources.template.function.code.display())]
            }
            (false, Layout::Own) => vec![
                format!("bun install --frozen-lockfile --ignore-scripts (in {}, unless installed)", package.display()),
                "bun run bundle.ts <staging folder> (unless the ZIP is of these inputs)".to_owned(),
                "zip -X -D -q -@ <staging folder>/handler.zip".to_owned(),
            ],
            (false, Layout::HyperFrames) => {
                CHECKOUT_SCRIPTS.map(|script| format!("bun run --cwd {} {script}", package.display())).to_vec()
            }
        };
        let deployment = self.names.deployment(&self.sources.template, &self.given);
        let (sh, program) = (self.sh, Path::new("sam"));
        let sam = [sam::validate(sh, program, &[], deployment.template), sam::deploy(sh, program, &[], &deployment)];
        let sam = sam.map(|call| format!("{call} --region {}", self.options.target.region));
        build.into_iter().chain(sam).collect()
    }

    fn removed(&self) -> Vec<String> {
        match self.options.keep_stack {
            true => vec!["nothing: --keep-stack".to_owned()],
            false => vec!["all of it, and prove each thing gone".to_owned()],
        }
    }
}

/// What a template declares in addition to bucket, function and state machine, in one line.
fn others(template: &Template) -> Option<String> {
    let reported = template.resource_types().iter().filter_map(|(kind, count)| {
        let own =
            usize::from(kind.ends_with("::Bucket") || kind.ends_with("::Function") || kind.ends_with("::StateMachine"));
        let rest = count - own.min(*count);
        (rest > 0).then(|| format!("{rest} x {kind}"))
    });
    let reported: Vec<String> = reported.collect();
    (!reported.is_empty()).then(|| reported.join(", "))
}
