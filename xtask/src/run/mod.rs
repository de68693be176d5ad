//! One run on a stack of its own, from its target to its clean-up: what
//! `lambda-smoke` and `lambda-eval` share.

pub(crate) mod advice;
pub(crate) mod bench;
pub(crate) mod budget;
pub mod contradictions;
pub(crate) mod deploy;
pub(crate) mod ending;
pub(crate) mod estimate;
pub(crate) mod failed;
pub(crate) mod finish;
pub(crate) mod judge;
pub(crate) mod preview;
pub(crate) mod progress;
pub(crate) mod reconfigure;
pub(crate) mod render;
pub(crate) mod repeat;
pub(crate) mod reuse;
pub(crate) mod run_baseline;
pub(crate) mod stack;
pub(crate) mod subject;

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, ensure};
use execution_history::{chunking::RenderId, cost::Prices, progress::Pace};
use tokio::time::Instant;

use crate::{
    aws::{access::TargetChoice, faults::remedy, region::Region, resources::ResourceNames},
    cli::run::RunOptions,
    context::{self, Connection, Session, recovery},
    exit::{ExitCode, Failure, OrExit},
    local::emulator::EmbeddedAws,
    project::{
        names::{ArtifactBucketName, ProjectName, RunId, StackName},
        plan::{PlannedRender, RenderPlan},
        repo::Repo,
        template::{
            Template,
            expression::Values,
            functions::{Code, Sizes},
            parameters::Given,
        },
    },
    report::{
        artifacts::Artifacts,
        run_record::{Asked, RunRecord, StageTiming},
    },
    run::{
        budget::Budget,
        estimate::{Estimate, KnownTimes},
        subject::Subject,
    },
    teardown::journal::{Journal, Known, StateFolder, record::Entry},
    tools::{
        handler,
        release::{self, HandlerCode},
        sam::{Deployment, Sam},
    },
};

/// One run on a stack of its own.
pub(crate) struct Run {
    pub session: Session,
    pub repo: Repo,
    pub template: Template,
    /// What the template's parameters are given.
    pub given: Given,
    pub options: RunOptions,
    pub names: RunNames,
    /// Which side of an A/B comparison it is.
    pub side: Option<&'static str>,
    pub prices: Prices,
    pub budget: Budget,
    /// How long calls took in earlier runs.
    pub known: KnownTimes,
    pub artifacts: Artifacts,
    pub states: StateFolder,
    pub record: RefCell<RunRecord>,
    pub embedded: RefCell<Option<EmbeddedAws>>,
    pub connection: OnceCell<Connection>,
    pub sam: OnceCell<Sam>,
    pub journal: OnceCell<Journal>,
    /// The run whose stack is used, where this one creates none.
    pub reused: Option<RefCell<Known>>,
    pub resources: RefCell<ResourceNames>,
    /// How long the last render of each fixture took, by its name.
    pub paces: RefCell<HashMap<String, Pace>>,
}

impl Run {
    /// A run of `command`, as it was `asked` for, before anything is started.
    pub(crate) fn prepare(
        session: &Session,
        command: &'static str,
        sources: Sources,
        options: RunOptions,
        asked: Asked,
    ) -> Result<Self, Failure> {
        let Sources { repo, template } = sources;
        let states = StateFolder::of(&session.env).or_exit(ExitCode::Preflight)?;
        let reused = reuse::find(&states, &options).or_exit(ExitCode::Preflight)?;
        let names = RunNames::draw(command, &options, reused.as_ref()).or_exit(ExitCode::Preflight)?;
        let given = names.given(&template, &options).or_exit(ExitCode::Preflight)?;
        let prices = prices(&options).or_exit(ExitCode::Preflight)?;
        states.check_writable().or_exit(ExitCode::Preflight)?;
        given.notes.iter().for_each(|note| session.console.note(note));
        for id in &template.left_behind {
            session.console.note(&format!(
                "the template retains Resources.{id}, so the clean-up can't delete it, and the run ends with exit 7"
            ));
        }
        // Before this run's files take the place of the last one's.
        let known = known_times(&repo, &options);
        let artifacts = match &options.artifacts {
            Some(dir) => Artifacts::at(dir),
            None => Artifacts::default_in(&repo.artifacts(command), &names.run),
        };
        let artifacts = artifacts.or_exit(ExitCode::Preflight)?;
        let mut record = RunRecord::begun(&names.run, &names.stack, &options.target.region, asked, &prices);
        record.reuses = reused.as_ref().map(|known| known.state.begin.run.clone());
        record.parameters = given.overrides.iter().cloned().collect();
        let budget = Budget::new(options.max_cost);
        Ok(Self {
            record: RefCell::new(record),
            session: session.clone(),
            repo,
            template,
            given,
            options,
            names,
            side: None,
            prices,
            budget,
            known,
            artifacts,
            states,
            embedded: RefCell::default(),
            connection: OnceCell::new(),
            sam: OnceCell::new(),
            journal: OnceCell::new(),
            reused: reused.map(RefCell::new),
            resources: RefCell::default(),
            paces: RefCell::default(),
        })
    }

    /// Does `work` as a stage: its time goes to run.json, however it ends.
    pub(crate) async fn stage<T>(&self, name: &str, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let result = self.session.console.during(name, work).await;
        self.record
            .borrow_mut()
            .stages
            .push(StageTiming { stage: name.to_owned(), ms: context::ms(started.elapsed()) });
        self.save_record();
        result
    }

    /// Saves run.json. A full disk must not end a run before its clean-up, so this only says so.
    pub(crate) fn save_record(&self) {
        if !self.artifacts.is_taken() {
            return;
        }
        self.warn(self.artifacts.save("run.json", &*self.record.borrow()));
    }

    /// Says what failed without ending anything.
    pub(crate) fn warn(&self, result: anyhow::Result<()>) {
        if let Err(error) = result {
            self.session.console.say(&format!("warning: {error:#}"));
        }
    }

    pub(crate) fn journal(&self, entry: Entry) -> anyhow::Result<()> {
        self.journal.get().expect("begun before anything is created").note(entry)
    }

    pub(crate) fn connection(&self) -> &Connection {
        self.connection.get().expect("connected before it is used")
    }

    /// What the user can do about the refusal behind an error; `None` before there was a connection.
    pub(crate) fn remedy(&self, error: &anyhow::Error) -> Option<String> {
        remedy(error, &self.connection.get()?.access.target, SystemTime::now())
    }

    pub(crate) fn sam(&self) -> &Sam {
        self.sam.get().expect("found by the pre-flight")
    }

    pub(crate) fn step(&self, stage: &str, text: &str) {
        let side = self.side.map(|side| format!("{side}: ")).unwrap_or_default();
        self.session.console.step(stage, &format!("{side}{text}"));
    }

    /// The command that finishes the clean-up of this run; empty before there was a connection, when nothing can be left.
    pub(crate) fn recovery(&self) -> String {
        self.recovery_of(&self.names.owner)
    }

    /// The same of another run on this stack's name.
    pub(crate) fn recovery_of(&self, run: &RunId) -> String {
        let access = self.connection.get().map(|connection| &connection.access);
        access.map(|access| recovery(&self.names.stack, run, &access.target, &access.region)).unwrap_or_default()
    }

    /// The sizes of the functions as the run requests them, by what they do.
    pub(crate) fn sizes(&self) -> Sizes {
        self.template.sizes(&self.template.values(self.given.values()))
    }

    /// What the renders of one fixture are going to cost, each of which is done `often`.
    pub(crate) fn estimate(&self, subject: &Subject, plan: &RenderPlan, often: impl Fn(RenderId) -> u64) -> Estimate {
        let times = self.known.of(&subject.fixture.name);
        let (sizes, frames) = (self.sizes(), plan.settings.frames);
        let of = |render: &PlannedRender| {
            Estimate::of_render(render, frames, &times, &sizes, &self.prices).times(often(render.id))
        };
        plan.renders.iter().map(of).sum()
    }

    /// Whether the run's AWS ends with it.
    pub(crate) fn embedded_target(&self) -> bool {
        self.connection.get().is_some_and(|c| c.access.target.is_embedded())
    }
}

/// The prices that costs are calculated with.
pub(crate) fn prices(options: &RunOptions) -> anyhow::Result<Prices> {
    let Some(file) = &options.prices else { return Ok(Prices::default()) };
    let what = || format!("--prices {}", file.display());
    Prices::parse(&std::fs::read(file).with_context(what)?).with_context(what)
}

/// How long calls took in the runs whose artifacts are where this run's go, or in the usual places.
pub(crate) fn known_times(repo: &Repo, options: &RunOptions) -> KnownTimes {
    let usual = ["lambda-smoke", "lambda-eval"].map(|command| repo.artifacts(command));
    let folders: Vec<&Path> = options.artifacts.iter().chain(&usual).map(PathBuf::as_path).collect();
    KnownTimes::read(&folders)
}

/// Says which earlier runs ended without clean-up, and how to finish them.
pub(crate) fn mention_unfinished(session: &Session) {
    // Without the folder, the run itself is refused.
    let Ok(states) = StateFolder::of(&session.env) else { return };
    for path in states.unreadable() {
        session.console.note(&crate::teardown::journal::complaint(&path));
    }
    for known in states.unfinished() {
        let begin = &known.state.begin;
        if begin.target.is_embedded() {
            // Its AWS ended with it: nothing is left, and nothing is to be done.
            let _ = known.finish();
            continue;
        }
        session.console.note(&format!(
            "the run of {} on stack {} did not clean up; finish it with: {}",
            begin.started_at,
            begin.stack,
            recovery(&begin.stack, &begin.run, &begin.target, &begin.region)
        ));
    }
}

/// What a run, its stack and its bucket are called.
#[derive(Debug, Clone)]
pub(crate) struct RunNames {
    pub run: RunId,
    /// The run that creates the stack, or has created the one that is reused: stack and buckets have its tag.
    pub owner: RunId,
    pub stack: StackName,
    /// What the stack's resources are named after.
    pub project: ProjectName,
    /// The bucket that `sam` uploads to.
    pub artifact_bucket: ArtifactBucketName,
    /// When the run began, seconds since 1970.
    pub epoch_s: u64,
}

impl RunNames {
    /// Draws the names of a new run of `command`, on the stack of a `reused` one if there is one.
    pub(crate) fn draw(command: &str, options: &RunOptions, reused: Option<&Known>) -> anyhow::Result<Self> {
        let run = RunId::random()?;
        let epoch_s = context::epoch_s();
        let stack = options.reuse_stack.as_ref().or(options.stack_name.as_ref()).cloned();
        let stack = stack.unwrap_or_else(|| StackName::for_run(command, epoch_s, &run));
        let owner = reused.map_or(&run, |known| &known.state.begin.run).clone();
        Ok(Self {
            project: ProjectName::new(&stack, &owner),
            artifact_bucket: ArtifactBucketName::new(&stack, &options.target.region, &owner),
            owner,
            stack,
            epoch_s,
            run,
        })
    }

    /// What the template's parameters are given in this run.
    pub(crate) fn given(&self, template: &Template, options: &RunOptions) -> anyhow::Result<Given> {
        let what = || format!("the template {}", template.path.display());
        let mut asked = options.parameters.clone();
        for image in &options.images {
            asked.push(template.parameter_of_image(image).with_context(what)?);
        }
        let boundary = options.permissions_boundary.as_ref();
        asked.extend(boundary.and_then(|boundary| template.parameter_of_boundary(boundary)));
        let given = template.parameters.given(&self.project, options.capacity(), &asked).with_context(what)?;
        if let Some(boundary) = boundary {
            template.check_boundary(boundary, &template.values(given.values())).with_context(what)?;
        }
        let values = template.values(self.values(&given, "<account>", &options.target.region));
        template.check_names(&values, &self.stack).with_context(what)?;
        if options.target.aws.choice() == TargetChoice::Local {
            template.refuse_images(&template.values(given.values())).with_context(what)?;
        }
        Ok(given)
    }

    /// What `sam deploy` is given.
    pub(crate) fn deployment<'a>(&'a self, template: &'a Template, given: &'a Given) -> Deployment<'a> {
        Deployment {
            template: &template.path,
            stack: &self.stack,
            run: &self.owner,
            artifacts: &self.artifact_bucket,
            overrides: &given.overrides,
            has_images: template.functions.iter().any(|function| function.code == Code::Image),
        }
    }

    /// What the parameters and pseudo parameters of the deployment stand for.
    pub(crate) fn values(&self, given: &Given, account: &str, region: &Region) -> Values {
        let values = given.values().with("AWS::AccountId", account).with("AWS::Region", region.as_str());
        values.with("AWS::StackName", self.stack.as_str()).with("AWS::Partition", region.partition())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub repo: Repo,
    pub template: Template,
}

impl Sources {
    /// Finds them, and checks what the ZIP comes from: the package must be one that can be built, a release's ZIP
    /// must be whole.
    pub(crate) fn find(session: &Session, options: &RunOptions) -> anyhow::Result<Self> {
        let repo = session.repo()?;
        let mut template = Template::read(&repo.template())?;
        if let Some(path) = &options.template {
            let own = std::mem::replace(&mut template, Template::read(path)?);
            ensure!(
                template.code == own.code,
                "the template {} deploys {}, and the handler is built at {}; put the template next to {}",
                path.display(),
                template.code.display(),
                own.code.display(),
                own.path.display()
            );
        }
        match options.code() {
            HandlerCode::Built => handler::check_scripts(&repo)?,
            HandlerCode::Existing | HandlerCode::Commit(_) => {}
            HandlerCode::Release(file, sha256) => drop(release::check(file, sha256)?),
        }
        Ok(Self { repo, template })
    }
}
