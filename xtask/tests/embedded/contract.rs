//! Each call that a run makes is in the table of docs/aws-contract.md, and the table has no others.

use std::collections::BTreeSet;

use xtask::aws::policy::{NeededBy, permissions};

use crate::recorded;

/// What only some runs call.
const RARE: [&str; 13] = [
    // Of an eval that changes the functions between renders.
    "UpdateFunctionConfiguration",
    // Of runs that fail or were killed.
    "AbortMultipartUpload",
    "DeleteChangeSet",
    "DeleteLogGroup",
    "DeleteObject",
    "FilterLogEvents",
    "StopExecution",
    // Of sam, with a ZIP of more than 8 MiB.
    "CompleteMultipartUpload",
    "CreateMultipartUpload",
    "UploadPart",
    // Of sam, where a stack is there already.
    "GetTemplateSummary",
    // Of other versions of sam.
    "GetBucketLocation",
    "ListStackResources",
];

/// A row of one of the document's tables: its cells by the names of their columns.
struct Row {
    cells: Vec<(String, String)>,
}

impl Row {
    fn cell(&self, column: &str) -> &str {
        let found = self.cells.iter().find(|(name, _)| name == column);
        &found.unwrap_or_else(|| panic!("a table of docs/aws-contract.md has no column {column:?}")).1
    }

    /// What a cell has between backticks.
    fn names(&self, column: &str) -> Vec<&str> {
        self.cell(column).split('`').skip(1).step_by(2).collect()
    }
}

/// The rows of all tables whose first column is called so.
fn rows(document: &str, first: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for line in document.lines() {
        let Some(inner) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            columns.clear();
            continue;
        };
        let cells: Vec<String> = inner.split('|').map(|cell| cell.trim().to_owned()).collect();
        if columns.is_empty() {
            columns = cells;
        } else if columns[0] == first && !cells.iter().all(|cell| cell.trim_matches([':', '-']).is_empty()) {
            assert_eq!(cells.len(), columns.len(), "this row of docs/aws-contract.md has other columns: {line}");
            rows.push(Row { cells: columns.iter().cloned().zip(cells).collect() });
        }
    }
    assert!(!rows.is_empty(), "docs/aws-contract.md has no table of {first:?}");
    rows
}

fn document() -> String {
    std::fs::read_to_string(xtask::project::repo::tool_root().join("docs/aws-contract.md")).unwrap()
}

fn operations(document: &str) -> Vec<Row> {
    rows(document, "operation")
}

#[test]
fn every_call_of_a_run_is_in_the_contract_and_the_contract_has_no_others() {
    let document = document();
    let rows = operations(&document);
    let reported: BTreeSet<&str> = rows.iter().flat_map(|row| row.names("operation")).collect();
    let called: BTreeSet<&str> = recorded::run().keys().map(String::as_str).collect();
    let missing: Vec<&&str> = called.difference(&reported).collect();
    assert_eq!(missing, [&""; 0], "docs/aws-contract.md lacks these calls");
    let rare = BTreeSet::from(RARE);
    let never: Vec<&str> = reported.difference(&called).copied().filter(|call| !rare.contains(call)).collect();
    assert_eq!(never, [""; 0], "no run makes these calls of docs/aws-contract.md");
    let unknown: Vec<&&str> = rare.difference(&reported).collect();
    assert_eq!(unknown, [&""; 0], "docs/aws-contract.md lacks these rare calls");
}

#[test]
fn the_contract_names_the_permission_of_every_call() {
    let document = document();
    let rows = operations(&document);
    for row in &rows {
        let actions = row.names("IAM action");
        for action in &actions {
            let known = permissions().any(|right| right.action == *action);
            assert!(known, "docs/aws-contract.md has {action}, and lambda-policy has not");
        }
        for call in row.names("operation") {
            let allowed =
                |right: &xtask::aws::policy::Permission| actions.contains(&right.action) && right.allows(call);
            assert!(permissions().any(allowed), "{actions:?} of docs/aws-contract.md does not allow {call}");
        }
    }
    let reported: BTreeSet<&str> = rows.iter().flat_map(|row| row.names("IAM action")).collect();
    let of_callers = permissions().filter(|right| right.needed_by != NeededBy::CloudFormation);
    let untold: Vec<&str> = of_callers.map(|right| right.action).filter(|action| !reported.contains(action)).collect();
    assert_eq!(untold, [""; 0], "docs/aws-contract.md lacks calls for these permissions");
}

#[test]
fn the_contract_has_every_permission_that_cloudformation_needs() {
    let document = document();
    let rows = rows(&document, "resource type");
    let reported: BTreeSet<&str> = rows.iter().flat_map(|row| row.names("IAM actions")).collect();
    let of_it = permissions().filter(|right| right.needed_by == NeededBy::CloudFormation);
    let needed: BTreeSet<&str> = of_it.map(|right| right.action).collect();
    assert_eq!(reported, needed, "docs/aws-contract.md against lambda-policy");
}
