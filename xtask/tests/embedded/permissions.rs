//! Every call that a run makes, its own and sam's, is allowed by what `lambda-policy` prints.

use xtask::aws::policy::{NeededBy, permissions};

use crate::recorded;

/// What only some runs need, or what belongs to another call: versions of objects are
/// deleted by DeleteObjects.
const RARELY_USED: [&str; 7] = [
    "cloudformation:DeleteChangeSet",
    "lambda:UpdateFunctionConfiguration",
    "s3:AbortMultipartUpload",
    "s3:DeleteObjectVersion",
    "states:StopExecution",
    "logs:DeleteLogGroup",
    "logs:FilterLogEvents",
];

#[test]
fn every_call_of_a_run_has_its_permission() {
    let calls: Vec<&String> = recorded::run().keys().collect();
    let refused: Vec<&&String> = calls.iter().filter(|call| !permissions().any(|right| right.allows(call))).collect();
    assert_eq!(refused, [&&""; 0], "lambda-policy lacks what these calls need");
    // And no more than that: a right of the tool's own is used, or for what a green run has not.
    let of_tool = permissions().filter(|right| right.needed_by == NeededBy::Tool);
    let unused = of_tool.filter(|right| !calls.iter().any(|call| right.allows(call)));
    let unused: Vec<&str> = unused.map(|right| right.action).filter(|action| !RARELY_USED.contains(action)).collect();
    assert_eq!(unused, [""; 0], "lambda-policy has what no run needs");
}
