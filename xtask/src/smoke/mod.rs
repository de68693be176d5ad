//! `lambda-smoke`: one fixture, rendered at several chunk counts.

mod body;
mod expected;
mod in_process;
mod prepare;
mod protocols;

use std::cell::RefCell;

use crate::{
    artifacts::ResultRow,
    chunking::RenderId,
    cli::SmokeOptions,
    exit::{ExitCode, Failure},
    measure::{
        expected::Recorded,
        verdict::{Conclusion, Measured, Verdict},
    },
    report::tables,
    run::{self, Run, Subject, Work},
    session::Session,
};

/// The command's name: stacks and artifact folders are called after it.
const COMMAND: &str = "lambda-smoke";

/// One smoke run.
struct Smoke {
    run: Run,
    options: SmokeOptions,
    subject: Subject,
    rows: RefCell<Vec<ResultRow>>,
    measured: RefCell<Vec<Measured<RenderId>>>,
    recorded: RefCell<Vec<Recorded>>,
}

/// Runs the gate to its end, whatever happens, and says how it ended; with `--dry-run`
/// only tells what it would do.
pub async fn run(session: &Session, options: SmokeOptions) -> ExitCode {
    if options.run.dry_run {
        return run::preview(session, prepare::preview(session, &options));
    }
    run::conduct(session, || Smoke::prepare(session, options)).await
}

impl Work for Smoke {
    fn run(&self) -> &Run {
        &self.run
    }

    async fn work(&self) -> Result<(), Failure> {
        body::work(self).await
    }

    fn conclusion(&self) -> Conclusion {
        self.verdict().conclusion(|_| None)
    }

    fn table(&self) -> Option<String> {
        let rows = self.rows.borrow();
        (!rows.is_empty()).then(|| tables::renders(&rows))
    }
}

impl Smoke {
    /// The verdict over all renders that there must be, as far as they are measured.
    fn verdict(&self) -> Verdict<RenderId> {
        let verdict = Verdict::judge(&self.render_ids(), &self.measured.borrow());
        verdict.expect("a run has one chunk count at least")
    }

    /// Adds a row, in the order of the plan: renders side by side end in any order.
    fn add_row(&self, row: ResultRow) {
        let ids = self.render_ids();
        let place = |row: &ResultRow| ids.iter().position(|id| *id == row.id);
        let mut rows = self.rows.borrow_mut();
        rows.push(row);
        rows.sort_by_key(place);
    }

    /// Saves results.json with all rows so far.
    fn save_rows(&self) -> anyhow::Result<()> {
        self.run.artifacts.save("results.json", &*self.rows.borrow())
    }
}
