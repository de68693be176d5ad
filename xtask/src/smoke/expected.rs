//! `--update-expected`: these renders become the fixture's record.

use super::run::Run;
use crate::{
    exit::{ExitCode, Failure, OrExit},
    measure::{
        expected::Expected,
        verdict::{Outcome, Verdict},
    },
};

/// Rewrites the record when all renders pass, and says what changed.
pub(super) fn update(run: &Run, verdict: &Verdict) -> Result<(), Failure> {
    let console = &run.session.console;
    if verdict.outcome() != Outcome::Pass {
        console.say("the fixture's record is not rewritten, as not all renders pass");
        return Ok(());
    }
    let prepared = &run.prepared;
    let (record, changes) =
        Expected::updated(prepared.expected.clone(), &prepared.fixture_sha256, &run.recorded.borrow());
    prepared.fixture.write_expected(&record).or_exit(ExitCode::Render)?;
    for change in changes {
        run.step("record", &change);
    }
    run.step("record", &format!("{} is rewritten", prepared.fixture.expected().display()));
    Ok(())
}
