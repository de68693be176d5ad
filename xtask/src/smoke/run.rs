//! The state of one run, kept outside of its work so that clean-up and report
//! have it however the work ends.

use std::cell::{OnceCell, RefCell};

use serde_json::json;
use tokio::time::Instant;

use super::prepare::Prepared;
use crate::{
    aws::Target,
    cli::SmokeOptions,
    clock,
    connect::{Connection, flags},
    embedded::EmbeddedAws,
    exit::{ExitCode, Failure, OrExit},
    journal::{Entry, Journal, StackFacts, StateFolder},
    measure::{
        expected::Recorded,
        verdict::{Measured, Verdict},
    },
    report::{Artifacts, ResultRow, RunRecord, StageTiming},
    sam::Sam,
    session::Session,
};

/// One run.
pub(super) struct Run {
    pub session: Session,
    pub prepared: Prepared,
    pub artifacts: Artifacts,
    pub states: StateFolder,
    pub record: RefCell<RunRecord>,
    pub rows: RefCell<Vec<ResultRow>>,
    pub measured: RefCell<Vec<Measured>>,
    pub recorded: RefCell<Vec<Recorded>>,
    pub embedded: RefCell<Option<EmbeddedAws>>,
    pub connection: OnceCell<Connection>,
    pub sam: OnceCell<Sam>,
    pub journal: OnceCell<Journal>,
    pub facts: RefCell<StackFacts>,
}

impl Run {
    /// Parses and checks everything that can be checked without starting anything.
    pub(super) fn prepare(session: &Session, options: SmokeOptions) -> Result<Self, Failure> {
        let states = StateFolder::of(&session.env).or_exit(ExitCode::Preflight)?;
        let prepared = Prepared::new(session, options).or_exit(ExitCode::Preflight)?;
        states.check_writable().or_exit(ExitCode::Preflight)?;
        mention_unfinished(session, &states);
        let artifacts = match &prepared.options.artifacts {
            Some(dir) => Artifacts::at(dir),
            None => Artifacts::default_in(prepared.repo.root(), &prepared.run),
        };
        let artifacts = artifacts.or_exit(ExitCode::Preflight)?;
        Ok(Self {
            record: RefCell::new(prepared.record(&session.env)),
            session: session.clone(),
            prepared,
            artifacts,
            states,
            rows: RefCell::default(),
            measured: RefCell::default(),
            recorded: RefCell::default(),
            embedded: RefCell::default(),
            connection: OnceCell::new(),
            sam: OnceCell::new(),
            journal: OnceCell::new(),
            facts: RefCell::default(),
        })
    }

    /// Does `work` as a stage: its time goes to run.json, however it ends.
    pub(super) async fn stage<T>(&self, name: &str, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let result = work.await;
        self.record.borrow_mut().stages.push(StageTiming { stage: name.to_owned(), ms: clock::ms(started.elapsed()) });
        self.save_record();
        result
    }

    /// Saves run.json. A full disk must not end a run before its clean-up, so this only says so.
    pub(super) fn save_record(&self) {
        if !self.artifacts.is_taken() {
            return;
        }
        if let Err(error) = self.artifacts.save("run.json", &*self.record.borrow()) {
            self.session.console.say(&format!("warning: {error:#}"));
        }
    }

    /// The verdict over all renders that there must be, as far as they are measured.
    pub(super) fn verdict(&self) -> Verdict {
        let planned = self.prepared.render_ids();
        let verdict = Verdict::judge(&planned, &self.measured.borrow(), &self.prepared.gate);
        verdict.expect("a run has one chunk count at least")
    }

    /// Saves results.json with all rows so far.
    pub(super) fn save_rows(&self) -> anyhow::Result<()> {
        self.artifacts.save("results.json", &json!(*self.rows.borrow()))
    }

    pub(super) fn journal(&self, entry: Entry) -> anyhow::Result<()> {
        self.journal.get().expect("begun before anything is created").note(entry)
    }

    pub(super) fn connection(&self) -> &Connection {
        self.connection.get().expect("connected before it is used")
    }

    pub(super) fn sam(&self) -> &Sam {
        self.sam.get().expect("found by the pre-flight")
    }

    pub(super) fn step(&self, stage: &str, text: &str) {
        self.session.console.step(stage, text);
    }

    /// The command that finishes the clean-up of this run.
    pub(super) fn recovery(&self) -> String {
        let flags = self.connection.get().map(|c| format!(" {}", c.flags())).unwrap_or_default();
        format!("cargo xtask lambda-teardown {}{flags}", self.prepared.stack)
    }

    /// Whether the run's AWS ends with it.
    pub(super) fn embedded_target(&self) -> bool {
        self.connection.get().is_some_and(|c| matches!(c.access.target, Target::Embedded { .. }))
    }
}

/// Says which earlier runs ended without clean-up, and how to finish them.
fn mention_unfinished(session: &Session, states: &StateFolder) {
    for path in states.unreadable() {
        session.console.say(&format!("note: {}", crate::journal::complaint(&path)));
    }
    for known in states.unfinished() {
        let begin = &known.state.begin;
        if let Target::Embedded { .. } = begin.target {
            // Its AWS ended with it: nothing is left, and nothing is to be done.
            let _ = known.finish();
            continue;
        }
        session.console.say(&format!(
            "note: the run of {} on stack {} did not clean up; finish it with: cargo xtask lambda-teardown {} {}",
            begin.started_at,
            begin.stack,
            begin.stack,
            flags(&begin.target, &begin.region)
        ));
    }
}
