//! `--dry-run`: what a run would create, call and cost. Pure.

use std::path::Path;

use xshell::Shell;

use crate::{
    aws::TargetChoice,
    budget::{Budget, Estimate, Split},
    cli::RunOptions,
    handler::CHECKOUT_SCRIPTS,
    repo::Layout,
    sam,
    template::{Given, Template},
    wording::counted,
};

use super::{RunNames, Sources};

/// Everything that a run is going to do, as far as it is known without starting anything.
pub(crate) struct Preview<'a> {
    pub sh: &'a Shell,
    pub command: &'static str,
    pub sources: &'a Sources,
    pub given: &'a Given,
    pub names: &'a RunNames,
    pub options: &'a RunOptions,
    /// A line for each render.
    pub renders: Vec<String>,
    /// What they are going to cost, or why that is not known.
    pub estimate: Result<(Estimate, String), String>,
}

/// A render in one line.
pub(crate) fn render_line(label: &str, split: Option<Split>, chunk_size: Option<u32>) -> String {
    match (split, chunk_size) {
        (Some(Split { frames, chunks }), Some(size)) => {
            format!("{label}: {frames} frames in {}, {size} frames each at most", counted(chunks, "chunk"))
        }
        _ => format!("{label}: its baseline tells how many frames it has"),
    }
}

/// A preview in words.
pub(crate) struct Told {
    /// A line each.
    pub lines: Vec<String>,
    /// Why the run would be refused.
    pub refusal: Option<String>,
}

impl Preview<'_> {
    /// In words.
    pub(crate) fn told(&self) -> Told {
        let estimate = self.estimate.as_ref().ok().map(|(estimate, _)| estimate);
        let budget = Budget::new(self.options.max_cost);
        let refused = estimate.and_then(|estimate| budget.allow(estimate, "the planned renders").err());
        Told { lines: self.lines(), refusal: refused.map(|error| error.to_string()) }
    }

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
        let RunNames { stack, artifact_bucket, .. } = self.names;
        let Sources { template, .. } = self.sources;
        let reserved = match self.options.reserved_concurrency.get() {
            _ if !self.given.missing.is_empty() => "reserved concurrency as in the template".to_owned(),
            Some(reserved) => format!("reserved concurrency {reserved}"),
            None => "no reserved concurrency".to_owned(),
        };
        let values = self.names.values(self.given, "<account>", &self.options.target.region);
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
        let RunNames { stack, artifact_bucket, .. } = self.names;
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
        let deployment = self.names.deployment(&self.sources.template, self.given);
        let (sh, program) = (self.sh, Path::new("sam"));
        let sam = [
            sam::validate(sh, program, &[], deployment.template),
            sam::deploy(sh, program, &[], &deployment),
            sam::delete(sh, program, &[], stack, artifact_bucket),
        ];
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

/// What a template declares beside bucket, function and state machine, in one line.
fn others(template: &Template) -> Option<String> {
    let told = template.resource_types().iter().filter_map(|(kind, count)| {
        let own =
            usize::from(kind.ends_with("::Bucket") || kind.ends_with("::Function") || kind.ends_with("::StateMachine"));
        let rest = count - own.min(*count);
        (rest > 0).then(|| format!("{rest} x {kind}"))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}
