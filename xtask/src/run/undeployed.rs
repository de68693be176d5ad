//! Why a stack could not be deployed, and what to do about it.

use super::Run;
use crate::aws::stack_events::{self, Doing, FailedResource};

/// sam's error with what CloudFormation's events tell, and with advice where there is some.
pub(super) async fn explained(run: &Run, by_sam: anyhow::Error) -> anyhow::Error {
    let clients = &run.connection().clients;
    // Where they can't be read, there is what sam said.
    let causes = stack_events::failed(clients, run.names.stack.as_str(), Doing::Creation).await.unwrap_or_default();
    let told = told(&causes);
    let advice = advice(&format!("{told} {by_sam:#}"));
    let by_sam = if told.is_empty() { by_sam } else { by_sam.context(told) };
    match advice {
        Some(advice) => by_sam.context(advice),
        None => by_sam,
    }
}

/// The resources that failed by themselves, each with its reason.
fn told(causes: &[FailedResource]) -> String {
    let line = |cause: &FailedResource| {
        format!("{} ({}) could not be created: {}", cause.name, cause.kind, cause.reason.trim_end_matches('.'))
    };
    causes.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// What a reason contains, and what to do then. The words are those of the services.
const ADVICE: [(&str, &str); 5] = [
    (
        "UnreservedConcurrentExecution",
        "this account's quota is too small to reserve concurrency (a new one has 10 executions at once, and Lambda \
         keeps 100 unreserved); use --reserved-concurrency 0, or ask for a higher quota",
    ),
    (
        "'MemorySize' value failed to satisfy constraint",
        "this account may not give a function as much memory as is asked for (a new one has 3,008 MB); use \
         --memory-mb 3008, or ask for a higher quota",
    ),
    ("is not authorized to perform", "these credentials lack a right; `cargo xtask lambda-policy` prints all of them"),
    (
        "security token included in the request is expired",
        "the credentials expired; log in again, as with `aws sso login`",
    ),
    ("already exists", "the template names something that is there already, and not this run's"),
];

fn advice(reasons: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(words, _)| reasons.contains(words)).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told() {
        let cause = |name: &str, reason: &str| FailedResource {
            name: name.into(),
            kind: "AWS::IAM::Role".into(),
            reason: reason.into(),
        };
        assert_eq!(
            told(&[cause("A", "no."), cause("B", "neither")]),
            "A (AWS::IAM::Role) could not be created: no; B (AWS::IAM::Role) could not be created: neither"
        );
        assert_eq!(told(&[]), "");
    }

    #[test]
    fn advice_follows_the_services_words() {
        let told = |reason| advice(reason).unwrap_or_default();
        let quota = "Specified ReservedConcurrentExecutions for function decreases account's \
                     UnreservedConcurrentExecution below its minimum value of [100].";
        assert!(told(quota).contains("--reserved-concurrency 0"));
        assert!(told("User: a is not authorized to perform: iam:CreateRole on b").contains("lambda-policy"));
        assert!(told("1 validation error detected: Value '10240' at 'memorySize'").is_empty());
        let memory =
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008";
        assert!(told(memory).contains("use --memory-mb 3008"));
    }
}
