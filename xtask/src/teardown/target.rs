//! Where a teardown works: the target of its flags, or of the journal.

use std::time::SystemTime;

use anyhow::{anyhow, bail};

use crate::{
    aws::{
        access::{Target, TargetChoice},
        faults::remedy,
        region::Region,
    },
    cli::teardown::TeardownOptions,
    context::{Connection, Session},
    exit::{ExitCode, Failure},
    project::names::StackName,
    teardown::{
        delete::Deleter,
        journal::{Known, record::Begin},
    },
};

pub(crate) struct TeardownContext {
    pub(crate) deleter: Deleter,
    pub(crate) flags: String,
    target: Target,
}

impl TeardownContext {
    /// At the other end of a connection.
    pub(crate) fn at(session: &Session, connection: Connection) -> Self {
        session.console.step("target", &connection.describe());
        let decided = connection.access.settings.lines(&connection.access.region);
        // Its region may also be the journal's.
        decided.iter().skip(1).for_each(|line| session.console.command(line));
        let flags = connection.flags();
        let target = connection.access.target.clone();
        Self { deleter: Deleter::at(&connection, &session.console), flags, target }
    }

    /// Whether a run was on this target.
    pub(crate) fn is_home_of(&self, known: &Known) -> bool {
        known.state.begin.is_at(&self.deleter.account, &self.deleter.region, &self.target)
    }

    /// What is left, and how to try again.
    pub(crate) fn leak(&self, stack: &StackName, error: &anyhow::Error) -> Failure {
        let remedy =
            remedy(error, &self.target, SystemTime::now()).map(|remedy| format!("\n{remedy}")).unwrap_or_default();
        let again = format!("{error:#}{remedy}\nrun it again: cargo xtask lambda-teardown {stack} {}", self.flags);
        Failure::new(ExitCode::Leak, anyhow!(again))
    }
}

/// The flags' target; without flags that of the stack's journals.
pub(crate) fn target_of(
    session: &Session,
    args: &TeardownOptions,
    journaled: &[Known],
) -> anyhow::Result<(Target, Region)> {
    let given = &args.aws;
    let last = most_likely(journaled).map(|known| &known.state.begin);
    // The region alone is what a run prints that had its keys from the environment.
    let no_flags = !given.local && given.endpoint_url.is_none() && given.profile.is_none() && args.region.is_none();
    match (last, given.choice()) {
        (_, TargetChoice::Local) => match last {
            Some(begin) if begin.target.is_embedded() => Ok((begin.target.clone(), begin.region.clone())),
            _ => bail!(
                "the embedded AWS of a --local run ends with the run, and everything in it; use --endpoint-url for an emulator that is running"
            ),
        },
        (Some(begin), _) if no_flags => Ok((begin.target.clone(), begin.region.clone())),
        (_, TargetChoice::Endpoint(url)) => {
            Ok((Target::Endpoint { url, configured: None }, region_of(session, args, last)?))
        }
        // The emulator of a profile is where its journal says, whatever the environment says by now.
        (Some(begin), TargetChoice::Account(profile))
            if begin.target.endpoint().is_some() && profile.is_some() && begin.target.profile() == profile.as_ref() =>
        {
            Ok((begin.target.clone(), region_of(session, args, last)?))
        }
        (_, TargetChoice::Account(profile)) => {
            Ok((Target::configured(&session.env, profile.as_ref())?, region_of(session, args, last)?))
        }
    }
}

/// The run that a bare name means: the last that may have left something, on an AWS that is still
/// there if there is one; else the last of all, again not one whose AWS is gone.
fn most_likely(journaled: &[Known]) -> Option<&Known> {
    // Of equals the last one.
    journaled.iter().max_by_key(|known| (known.state.may_have_left(), !known.state.begin.target.is_embedded()))
}

fn region_of(session: &Session, args: &TeardownOptions, last: Option<&Begin>) -> anyhow::Result<Region> {
    match (&args.region, last) {
        (None, Some(begin)) => Ok(begin.region.clone()),
        _ => args.region(&session.env),
    }
}
