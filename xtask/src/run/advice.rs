//! Why a stack could not be deployed, and what to do about it.

use crate::{
    aws::stack_events::{self, Doing, FailedResource},
    run::Run,
};

/// sam's error with what CloudFormation's events say, and with advice where there is some.
pub(super) async fn explained(run: &Run, stack_id: &str, doing: Doing, by_sam: anyhow::Error) -> anyhow::Error {
    let clients = &run.connection().clients;
    // Where they can't be read, there is what sam said.
    let causes = stack_events::failed(clients, stack_id, doing).await.unwrap_or_default();
    let reported = reported(&causes, doing);
    // Of sam's output only its error: before that it may say, for example, that a file of its own already exists.
    let said = format!("{by_sam:#}");
    let error = said.split_once("Error: ").map_or(said.as_str(), |(_, error)| error);
    let advice = advice(&format!("{reported} {error}"));
    let by_sam = if reported.is_empty() { by_sam } else { by_sam.context(reported) };
    match advice {
        Some(advice) => by_sam.context(advice),
        None => by_sam,
    }
}

/// The resources that failed by themselves, each with its reason.
fn reported(causes: &[FailedResource], doing: Doing) -> String {
    let done = if doing == Doing::Update { "updated" } else { "created" };
    let line = |cause: &FailedResource| {
        format!("{} ({}) could not be {done}: {}", cause.name, cause.kind, cause.reason.trim_end_matches('.'))
    };
    causes.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// What a reason contains, and what to do then. The words are those of the services.
const ADVICE: [(&str, &str); 5] = [
    (
        "UnreservedConcurrentExecution",
        "this account's quota is too small to reserve concurrency (a new account has 10 concurrent executions, and Lambda \
         keeps 100 unreserved); use --reserved-concurrency 0, or request a higher quota",
    ),
    (
        "'MemorySize' value failed to satisfy constraint",
        "this account does not allow this much memory for a function (a new account allows 3,008 MB); use \
         --memory-mb 3008, or request a higher quota",
    ),
    (
        "is not authorized to perform",
        "these credentials lack a permission; `cargo xtask lambda-policy` prints all that a run needs",
    ),
    (
        "security token included in the request is expired",
        "the credentials expired; log in again, for example with `aws sso login`",
    ),
    ("already exists", "the template names a resource that already exists and is not this run's"),
];

pub(super) fn advice(reasons: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(words, _)| reasons.contains(words)).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_reported() {
        let cause = |name: &str, reason: &str| FailedResource {
            name: name.into(),
            kind: "AWS::IAM::Role".into(),
            reason: reason.into(),
        };
        assert_eq!(
            reported(&[cause("A", "no."), cause("B", "neither")], Doing::Creation),
            "A (AWS::IAM::Role) could not be created: no; B (AWS::IAM::Role) could not be created: neither"
        );
        assert_eq!(reported(&[], Doing::Update), "");
    }

    #[test]
    fn advice_follows_the_services_words() {
        let reported = |reason| advice(reason).unwrap_or_default();
        let quota = "Specified ReservedConcurrentExecutions for function decreases account's \
                     UnreservedConcurrentExecution below its minimum value of [100].";
        assert!(reported(quota).contains("--reserved-concurrency 0"));
        assert!(reported("User: a is not authorized to perform: iam:CreateRole on b").contains("lambda-policy"));
        assert!(reported("1 validation error detected: Value '10240' at 'memorySize'").is_empty());
        let memory =
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008";
        assert!(reported(memory).contains("use --memory-mb 3008"));
    }
}
