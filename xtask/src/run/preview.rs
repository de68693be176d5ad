//! `--dry-run`: what a run would create, call and cost.

use std::path::Path;

use execution_history::chunking::{ChunkCounts, RenderId, render_ids};
use xshell::Shell;

use crate::{
    aws::access::{Access, Target, TargetChoice},
    cli::run::RunOptions,
    console::text::counted,
    context::Session,
    exit::{ExitCode, Failure, OrExit},
    project::{
        plan::{PlannedRender, RenderPlan},
        repo::Layout,
        template::{
            StackNames, Template,
            expression::Values,
            functions::{Call, Code, Sizes},
            parameters::Given,
        },
    },
    run::{
        RunNames, Sources,
        budget::Budget,
        estimate::{Estimate, Split},
        known_times, prices, reuse,
        subject::Subject,
    },
    teardown::journal::StateFolder,
    tools::{handler::CHECKOUT_SCRIPTS, release::HandlerCode, sam},
};

/// The fixtures, and notes on them.
pub(crate) type Planned = (Vec<PlannedFixture>, Vec<String>);

pub(crate) struct PlannedFixture {
    pub subject: Subject,
    /// `None` where its length is not known yet.
    pub plan: Option<RenderPlan>,
    /// For an eval, how often each render is done.
    pub times: Option<Vec<(RenderId, u64)>>,
}

/// Prints what a run of `command` would do, or what is wrong with what was asked for.
pub(crate) fn preview(
    session: &Session,
    command: &'static str,
    options: &RunOptions,
    counts: &ChunkCounts,
    plans: impl FnOnce(&Sources) -> anyhow::Result<Planned>,
) -> Result<ExitCode, Failure> {
    let preview = || {
        let sources = Sources::find(session, options)?;
        let (plans, notes) = plans(&sources)?;
        let reused = reuse::find(&StateFolder::of(&session.env)?, options)?;
        let names = RunNames::draw(command, options, reused.as_ref())?;
        let given = names.given(&sources.template, options)?;
        let sizes = sources.template.sizes(&sources.template.values(given.values()));
        let (mut renders, estimate) = planned(&sources, options, counts, &plans, &sizes)?;
        renders.splice(0..0, notes.into_iter().map(|note| format!("note: {note}")));
        let target = target(session, options)?;
        anyhow::Ok(Preview {
            sh: &session.runner.sh,
            command,
            sources,
            given,
            names,
            options,
            target,
            renders,
            estimate,
        })
    };
    let preview = preview().or_exit(ExitCode::Preflight)?;
    session.console.result(&preview.lines().join("\n"));
    if let Ok((estimate, _)) = &preview.estimate {
        let budget = Budget::new(options.max_cost);
        budget.allow(estimate, "the planned renders").or_exit(ExitCode::Preflight)?;
    }
    Ok(ExitCode::Success)
}

/// Where the run would be, by what the configuration says.
fn target(session: &Session, options: &RunOptions) -> anyhow::Result<String> {
    let region = &options.target.region;
    let target = match options.target.aws.choice() {
        TargetChoice::Local => return Ok(format!("on an embedded AWS of its own, {region}, which costs nothing")),
        TargetChoice::Endpoint(url) => Target::Endpoint { url, configured: None },
        TargetChoice::Account(profile) => Target::configured(&session.env, profile.as_ref())?,
    };
    Access::new(target.clone(), region.clone(), &session.env)?;
    let profile = target.profile().map(|profile| format!(" (profile {profile})")).unwrap_or_default();
    Ok(match target.endpoint() {
        Some(url) => format!("on the emulator at {url}{profile}, {region}"),
        None => format!("on AWS{profile}, {region}"),
    })
}

/// What renders are going to cost and how that is known, or why it is not.
type Cost = Result<(Estimate, String), String>;

/// A line for each render, and what all of them are going to cost.
fn planned(
    sources: &Sources,
    options: &RunOptions,
    counts: &ChunkCounts,
    plans: &[PlannedFixture],
    sizes: &Sizes,
) -> anyhow::Result<(Vec<String>, Cost)> {
    let (known, prices) = (known_times(&sources.repo, options), prices(options)?);
    let (mut lines, mut estimates, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut known_by: Vec<String> = Vec::new();
    for PlannedFixture { subject, plan, times } in plans {
        let name = &subject.fixture.name;
        let times_of = |render: RenderId| times.iter().flatten().find(|(id, _)| *id == render).map(|(_, times)| *times);
        let label = |render: RenderId| match times_of(render) {
            Some(times) => format!("{name} {render}, {times} times"),
            None if plans.len() > 1 => format!("{name} {render}"),
            None => render.to_string(),
        };
        let Some(plan) = plan else {
            let ids = || render_ids(counts, subject.plan.protocols());
            let ids = times.as_ref().map_or_else(ids, |times| times.iter().map(|(render, _)| *render).collect());
            lines.extend(
                ids.into_iter().map(|id| format!("{}: the number of frames follows from its baseline", label(id))),
            );
            unknown.push(name.as_str());
            continue;
        };
        for render in &plan.renders {
            let Split { frames, chunks } = render.split(plan.settings.frames);
            let (label, chunks, size) = (label(render.id), counted(chunks, "chunk"), render.chunk_size.get());
            lines.push(format!("{label}: {frames} frames in {chunks}, {size} frames each at most"));
        }
        let calls = known.of(name);
        let of = |render: &PlannedRender| {
            let once = Estimate::of_render(render, plan.settings.frames, &calls, sizes, &prices);
            once.times(times_of(render.id).unwrap_or(1))
        };
        estimates.extend(plan.renders.iter().map(of));
        if !known_by.contains(&calls.source) {
            known_by.push(calls.source);
        }
    }
    let is_one_of_smoke = matches!(plans, [PlannedFixture { times: None, .. }]);
    let estimate = match unknown.as_slice() {
        [] => Ok((estimates.into_iter().sum::<Estimate>(), known_by.join(", and by "))),
        _ if is_one_of_smoke => Err("the composition does not say how long it is".to_owned()),
        names => Err(format!("{} does not say how long it is", names.join(", "))),
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
    target: String,
    renders: Vec<String>,
    estimate: Cost,
}

impl Preview<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} would run {}", self.command, self.target), String::new()];
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
            Err(why) => format!("cost: not known, because {why}"),
        };
        lines.push(cost);
        lines.push("dry run: nothing was created, and AWS was not called".to_owned());
        lines
    }

    fn created(&self) -> Vec<String> {
        let RunNames { stack, artifact_bucket, owner, .. } = &self.names;
        if self.options.reuse_stack.is_some() {
            return vec![format!(
                "nothing: stack {stack} of run {owner} is reused, and updated only if the ZIP differs"
            )];
        }
        let Sources { template, .. } = &self.sources;
        let values = self.names.values(&self.given, "<account>", &self.options.target.region);
        let values = template.values(values);
        let StackNames { bucket, machine, .. } = template.names(&values);
        let of_stack = std::iter::once(format!("bucket {}", named(bucket)))
            .chain(self.functions(&values))
            .chain([format!("state machine {}", named(machine))]);
        let left = template.leaving_log_groups(&values).into_iter().map(|function| {
            let id = &function.logical_id;
            format!("the log group of {id}, which Lambda creates and no stack deletes, so the run deletes it")
        });
        let of_stack = of_stack.chain(others(template, &values)).map(|line| format!("  {line}"));
        let of_run = [
            format!("bucket {artifact_bucket}, for what sam uploads, tagged with run and stack"),
            format!("stack {stack}, from {}", self.sources.template.path.display()),
        ];
        of_run.into_iter().chain(of_stack).chain(left).collect()
    }

    /// A line for each function, with what the state machine calls it for, and one for each call of something else.
    fn functions(&self, values: &Values) -> Vec<String> {
        let template = &self.sources.template;
        let calls = template.calls(values);
        let action = |call: &Call<'_>| call.action.clone().unwrap_or_else(|| format!("state {}", call.state));
        let mut lines: Vec<String> = Vec::new();
        for function in template.functions_of(values) {
            let size = function.size(values);
            let name = named(function.name.as_ref().and_then(|name| values.expand(name)));
            let mut actions: Vec<String> = calls.iter().filter(|c| c.function == Some(function)).map(action).collect();
            actions.sort();
            actions.dedup();
            let mut parts = vec![format!("function {name}, {} MB, {}", size.memory_mb, size.architecture)];
            parts.extend((function.code == Code::Image).then(|| "from a container image".to_owned()));
            parts.push(match actions.is_empty() {
                true => "not called by the state machine".to_owned(),
                false => format!("for {}", actions.join(", ")),
            });
            parts.extend(function.reserved(values).map(|reserved| format!("reserved concurrency {reserved}")));
            lines.push(parts.join(", "));
        }
        let outside = calls.iter().filter(|call| call.function.is_none());
        lines.extend(outside.map(|call| format!("state {} calls {}", call.state, call.other)));
        lines
    }

    fn calls(&self) -> Vec<String> {
        let package = self.sources.repo.handler_package();
        let build = match (self.options.code(), self.sources.repo.layout()) {
            (HandlerCode::Release(file, _), _) => {
                let code = self.sources.template.code.display();
                vec![format!("no build: {} becomes {code}, and is deployed", file.display())]
            }
            (HandlerCode::Commit(commit), _) => {
                vec![format!("git clone to a temporary folder, with commit {commit}, and there the build of its ZIP")]
            }
            (HandlerCode::Existing, _) => {
                vec![format!("no build: {} is deployed as it is", self.sources.template.code.display())]
            }
            (HandlerCode::Built, Layout::Own) => vec![
                format!("bun install --frozen-lockfile --ignore-scripts (in {}, unless installed)", package.display()),
                "bun run bundle.ts <staging folder> (unless the ZIP is of these inputs)".to_owned(),
                "zip -X -D -q -@ <staging folder>/handler.zip".to_owned(),
            ],
            (HandlerCode::Built, Layout::HyperFrames) => {
                CHECKOUT_SCRIPTS.map(|script| format!("bun run --cwd {} {script}", package.display())).to_vec()
            }
        };
        let deployment = self.names.deployment(&self.sources.template, &self.given);
        let (sh, program) = (self.sh, Path::new("sam"));
        let sam = [sam::validate(sh, program, &[], deployment.template), sam::deploy(sh, program, &[], &deployment)];
        let sam = sam.map(|call| format!("{call} --region {}", self.options.target.region));
        let sam = sam.into_iter().map(|call| match self.options.reuse_stack {
            Some(_) if call.contains(" deploy ") => format!("{call} (unless the stack has this ZIP)"),
            _ => call,
        });
        build.into_iter().chain(sam).collect()
    }

    fn removed(&self) -> Vec<String> {
        let line = match (&self.options.reuse_stack, self.options.keep_stack) {
            (Some(stack), _) => format!("nothing: --reuse-stack; `cargo xtask lambda-teardown {stack}` does"),
            (None, true) => "nothing: --keep-stack".to_owned(),
            (None, false) => "all of it, and check that each resource is gone".to_owned(),
        };
        vec![line]
    }
}

/// A name, as far as the template determines it.
fn named(name: Option<String>) -> String {
    name.unwrap_or_else(|| "that CloudFormation names".to_owned())
}

/// What a template declares in addition to bucket, functions and state machine, in one line.
fn others(template: &Template, values: &Values) -> Option<String> {
    let functions = template.functions_of(values).count();
    let reported = template.resource_types().iter().filter_map(|(kind, count)| {
        let own = match kind {
            kind if kind.ends_with("::Bucket") || kind.ends_with("::StateMachine") => 1,
            kind if kind.ends_with("::Function") => functions,
            _ => 0,
        };
        let rest = count - own.min(*count);
        (rest > 0).then(|| format!("{rest} x {kind}"))
    });
    let reported: Vec<String> = reported.collect();
    (!reported.is_empty()).then(|| reported.join(", "))
}
