//! How a run ends: what is printed at once, its exit code, its last words, and what run.json keeps of it. Pure.

use std::borrow::Cow;

use render_verdict::verdict::{Conclusion, Outcome};

use crate::{
    aws::faults::Refused,
    console::text::counted,
    exit::ExitCode,
    project::names::StackName,
    report::run_record::TeardownRecord,
    run::{
        budget::Exceeded,
        finish::{CleanUp, Ended},
    },
};

/// What a run leaves to its clean-up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Left<'a> {
    /// Nothing was created.
    Nothing,
    /// This stack and its buckets, which stay as was asked for.
    Kept(&'a StackName),
    /// This stack of an earlier run, which stays.
    Reused(&'a StackName),
    Stack(&'a StackName),
}

/// Why the work ended, a line each; nothing where it was completed. `remedy` is what the user
/// can do about a failure.
pub(crate) fn announcement(ended: &Ended, left: Left<'_>, remedy: Option<String>) -> Vec<String> {
    match ended {
        Ended::Concluded(_) => Vec::new(),
        Ended::Failed(failure) => {
            // The clean-up reports what keeps it from working too, with its remedy.
            let reported_later = !matches!(left, Left::Nothing) && Refused::for_good(&failure.error);
            let remedy = remedy.filter(|_| !reported_later);
            std::iter::once(format!("error: {}", failure.reported())).chain(remedy).collect()
        }
        Ended::Panicked(message) => vec![format!("error: a defect of this tool: it panicked: {message}")],
        Ended::Signalled(signal) => vec![match left {
            Left::Nothing => format!("{}: stopping; nothing was created", signal.name),
            Left::Kept(stack) => {
                format!("{}: stopping; stack {stack}, if it was created, is kept because of --keep-stack.", signal.name)
            }
            Left::Reused(stack) => {
                format!("{}: stopping; stack {stack} is left as it is because of --reuse-stack.", signal.name)
            }
            Left::Stack(stack) => format!(
                "{}: stopping; then cleaning up stack {stack} and its buckets. \
                 A second signal ends that too, and prints the command that finishes it.",
                signal.name
            ),
        }],
    }
}

#[derive(Debug)]
pub(crate) struct Ending {
    /// That of the first thing that went wrong.
    pub code: ExitCode,
    /// Why the verdict is what it is, a line each; empty where it is a pass, or there is none.
    pub findings: Vec<String>,
    /// What the clean-up could not do.
    pub complaints: Vec<String>,
    /// What is left, a line each, then how it all ended in one line.
    pub last_words: Vec<String>,
    /// For run.json: what failed, where something did.
    pub failure: Option<String>,
    /// For run.json: the clean-up.
    pub teardown: TeardownRecord,
}

/// What is known about a run apart from how it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand<'a> {
    pub stack: &'a StackName,
    /// The command that finishes its clean-up.
    pub recovery: &'a str,
    pub aws_is_gone: bool,
}

impl Ending {
    /// Of the work, the conclusion over what was measured if anything was, and the clean-up.
    pub(crate) fn of(ended: &Ended, measured: Option<&Conclusion>, cleanup: &CleanUp, stand: Stand<'_>) -> Self {
        let of_work = code_of(ended);
        let Cleaned { record, phrase, leaks, complaints, fault } = Cleaned::of(cleanup, stand);
        let code = match (of_work, fault) {
            (ExitCode::Success, Some(fault)) => fault,
            (code, _) => code,
        };
        let line = match (code, ended) {
            (ExitCode::Success, Ended::Concluded(conclusion)) => {
                let renders = conclusion.measured();
                format!("PASS  {renders} of {renders} renders match the baseline; {phrase}")
            }
            (ExitCode::Signal(_), _) => format!("STOPPED  {phrase}"),
            (ExitCode::Leak, _) => format!("LEAK  the renders pass, but {phrase}"),
            _ => format!("FAIL  {} (exit {}); {phrase}", headline(ended), code.status()),
        };
        let leaks = leaks.iter().map(|leak| format!("  leaked: {leak}"));
        Self {
            code,
            findings: measured.into_iter().flat_map(Conclusion::findings).map(|f| format!("  {f}")).collect(),
            complaints,
            last_words: leaks.chain([line]).collect(),
            failure: failure_of(ended),
            teardown: record,
        }
    }
}

/// The exit code of the work alone.
fn code_of(ended: &Ended) -> ExitCode {
    match ended {
        Ended::Concluded(conclusion) => match conclusion.outcome() {
            Outcome::Pass => ExitCode::Success,
            Outcome::Incomplete => ExitCode::Render,
            Outcome::Unequal => ExitCode::Quality,
            Outcome::Contradictory => ExitCode::Semantic,
        },
        Ended::Failed(failure) => failure.code,
        // Never that of a pass: a defect proves nothing about the renders.
        Ended::Panicked(_) => ExitCode::Render,
        Ended::Signalled(signal) => ExitCode::Signal(signal.number),
    }
}

fn failure_of(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Concluded(_) => None,
        Ended::Failed(failure) => Some(failure.to_string()),
        Ended::Panicked(message) => Some(format!("panic: {message}")),
        Ended::Signalled(signal) => Some(signal.name.to_owned()),
    }
}

fn headline(ended: &Ended) -> Cow<'_, str> {
    let text = match ended {
        Ended::Concluded(conclusion) => return conclusion.reason().unwrap_or(Cow::Borrowed("the run failed")),
        Ended::Failed(failure) => match (failure.error.downcast_ref::<Exceeded>(), failure.code) {
            (Some(exceeded), ExitCode::Render) => {
                return Cow::Owned(format!("stopped by --max-cost-usd before {}", exceeded.what));
            }
            (_, ExitCode::Preflight) => "pre-flight",
            (_, ExitCode::Build) => "the handler ZIP was not built",
            (_, ExitCode::Deploy) => "the stack was not deployed",
            (_, ExitCode::Semantic) => "histories contradict their videos",
            _ => "a render failed",
        },
        Ended::Panicked(_) => "this tool has a defect",
        Ended::Signalled(signal) => signal.name,
    };
    Cow::Borrowed(text)
}

/// What became of everything that was created.
struct Cleaned {
    record: TeardownRecord,
    phrase: String,
    leaks: Vec<String>,
    complaints: Vec<String>,
    /// The exit code of a run in which nothing else went wrong.
    fault: Option<ExitCode>,
}

impl Cleaned {
    fn of(cleanup: &CleanUp, stand: Stand<'_>) -> Self {
        let next = match stand.aws_is_gone {
            true => "nothing is left, because the embedded AWS has ended with everything in it".to_owned(),
            false => format!("finish the clean-up with: {}", stand.recovery),
        };
        match cleanup {
            CleanUp::Done(record) => Self::done(record, stand.stack, &next),
            CleanUp::Failed { error, remedy } => {
                let remedy = remedy.as_ref().map(|remedy| format!("{remedy}, then finish the clean-up"));
                let cause = format!("the clean-up failed: {error}");
                Self {
                    complaints: std::iter::once(format!("error: clean-up: {error}")).chain(remedy).collect(),
                    ..Self::unfinished(cause, format!("the clean-up failed; {next}"), ExitCode::Leak, stand)
                }
            }
            CleanUp::AwsGone => {
                Self::unfinished("the embedded AWS ended by itself".to_owned(), next, ExitCode::Leak, stand)
            }
            CleanUp::Interrupted(signal) => {
                let cause = format!("the clean-up was interrupted by {}", signal.name);
                let phrase = format!("the clean-up was interrupted; {next}");
                Self::unfinished(cause, phrase, ExitCode::Signal(signal.number), stand)
            }
        }
    }

    fn done(record: &TeardownRecord, stack: &StackName, next: &str) -> Self {
        let (phrase, leaks, fault) = match record {
            TeardownRecord::NothingCreated => ("nothing was created".to_owned(), Vec::new(), None),
            TeardownRecord::Clean { resources_verified, .. } => {
                (format!("clean-up verified, {} gone", counted(resources_verified, "resource")), Vec::new(), None)
            }
            TeardownRecord::Kept { recovery } => {
                let phrase = format!(
                    "stack {stack} is kept; run on it again by --reuse-stack {stack}; remove it with: {recovery}"
                );
                (phrase, Vec::new(), None)
            }
            TeardownRecord::Leaked { leaks, .. } => {
                let phrase = format!("{} leaked or not proved gone; {next}", counted(leaks.len(), "resource"));
                (phrase, leaks.clone(), Some(ExitCode::Leak))
            }
        };
        Self { record: record.clone(), phrase, leaks, complaints: Vec::new(), fault }
    }

    fn unfinished(cause: String, phrase: String, fault: ExitCode, stand: Stand<'_>) -> Self {
        let record = TeardownRecord::Leaked { leaks: vec![cause], recovery: stand.recovery.to_owned() };
        Self { record, phrase, leaks: Vec::new(), complaints: Vec::new(), fault: Some(fault) }
    }
}

#[cfg(test)]
#[path = "ending_tests.rs"]
mod tests;
