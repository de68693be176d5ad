//! `--update-expected`: these renders become the fixture's record.

use super::Smoke;
use crate::{
    exit::{ExitCode, Failure, OrExit},
    measure::{expected::Expected, verdict::Outcome},
    run::Record,
};

/// Where that was asked for, rewrites the record when all renders pass, and says what changed.
pub(super) fn update(smoke: &Smoke) -> Result<(), Failure> {
    let (run, subject) = (&smoke.run, &smoke.subject);
    let Record::Rewritten(known) = &subject.record else { return Ok(()) };
    if smoke.verdict().outcome() != Outcome::Pass {
        run.session.console.say("the fixture's record is not rewritten, as not all renders pass");
        return Ok(());
    }
    let (record, changes) = Expected::updated(known.clone(), &subject.fixture_sha256, &smoke.recorded.borrow());
    subject.fixture.write_expected(&record).or_exit(ExitCode::Render)?;
    for change in changes {
        run.step("record", &change);
    }
    run.step("record", &format!("{} is rewritten", subject.fixture.expected().display()));
    Ok(())
}
