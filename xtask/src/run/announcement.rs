//! What is said at once when the work ends early, before the clean-up takes its time. Pure.

use super::Ended;
use crate::{aws::faults::Refused, names::StackName};

/// What the clean-up is going to find.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left<'a> {
    /// Nothing was created.
    Nothing,
    /// This stack and its buckets, which stay as was asked for.
    Kept(&'a StackName),
    /// This stack and its buckets.
    Stack(&'a StackName),
}

/// Why the work ended, a line each; nothing where it came to its own end. `remedy` is what the user
/// can do about a failure.
pub(super) fn announcement(ended: &Ended, left: Left<'_>, remedy: Option<String>) -> Vec<String> {
    match ended {
        Ended::Concluded(_) => Vec::new(),
        Ended::Failed(failure) => {
            // What keeps the clean-up from working too is told by that, with its remedy.
            let told_later = !matches!(left, Left::Nothing) && Refused::for_good(&failure.error);
            let remedy = remedy.filter(|_| !told_later);
            std::iter::once(format!("error: {}", failure.told())).chain(remedy).collect()
        }
        Ended::Panicked(message) => vec![format!("error: a defect of this tool: it panicked: {message}")],
        Ended::Signalled(signal) => vec![match left {
            Left::Nothing => format!("{}: stopping; nothing was created", signal.name),
            Left::Kept(stack) => {
                format!("{}: stopping; stack {stack} is kept, as asked for, if it is there.", signal.name)
            }
            Left::Stack(stack) => format!(
                "{}: stopping; then cleaning up stack {stack} and its buckets. \
                 A second signal ends that too, and prints the command that finishes it.",
                signal.name
            ),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exit::{ExitCode, Failure},
        signals::Signal,
    };

    fn failed(error: anyhow::Error) -> Ended {
        Ended::Failed(Failure::new(ExitCode::Deploy, error))
    }

    #[test]
    fn a_signal_says_what_becomes_of_the_stack() {
        let stack: StackName = "s".parse().unwrap();
        let ended = Ended::Signalled(Signal { number: 15, name: "SIGTERM" });
        let told = |left| announcement(&ended, left, None).concat();
        insta::assert_snapshot!([Left::Nothing, Left::Kept(&stack), Left::Stack(&stack)].map(told).join("\n"), @r"
        SIGTERM: stopping; nothing was created
        SIGTERM: stopping; stack s is kept, as asked for, if it is there.
        SIGTERM: stopping; then cleaning up stack s and its buckets. A second signal ends that too, and prints the command that finishes it.
        ");
    }

    #[test]
    fn a_remedy_is_told_once() {
        let stack: StackName = "s".parse().unwrap();
        let remedy = || Some("renew the keys".to_owned());
        let expired = || failed(Refused::new(403, Some("ExpiredToken"), Some("it is")).into());
        assert_eq!(announcement(&expired(), Left::Nothing, remedy()).len(), 2);
        assert_eq!(announcement(&expired(), Left::Stack(&stack), remedy()), ["error: ExpiredToken: it is (HTTP 403)"]);
        let other = failed(anyhow::anyhow!("the disk is full"));
        assert_eq!(announcement(&other, Left::Stack(&stack), remedy()), ["error: the disk is full", "renew the keys"]);
    }
}
