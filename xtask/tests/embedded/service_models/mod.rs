//! Each request that a run sends, the tool's and sam's, is valid by AWS's own models of its services, and so is each answer
//! of the emulator.

use std::{fs, path::Path, process::Command};

use xtask::local::provisioning::Toolbox;

use crate::{emulator::printed, recorded};

#[test]
fn requests_and_answers_fit_the_models_of_their_services() {
    let (fits, printed) = validated(recorded::exchanges());
    println!("{printed}");
    assert!(fits, "{printed}");
}

#[test]
fn what_does_not_fit_is_found() {
    let exchanges = fs::read_to_string(recorded::exchanges()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("exchanges.jsonl");
    for (was, is, found) in [
        // Of the query protocol: a value that is none of its kind, and a member that is not there.
        ("ChangeSetType=CREATE", "ChangeSetType=INVENT", "is none of"),
        ("&ChangeSetName=", "&ChangeSetTitle=", "ChangeSetTitle"),
        // Of the JSON protocol: another type, and a missing member.
        (r#""stateMachineArn":"#, r#""stateMachineBrn":"#, "stateMachineBrn"),
        // Of answers: a required member is gone.
        (r#""startDate""#, r#""startedOn""#, "startDate"),
    ] {
        let (was, is) = (hex::encode(was), hex::encode(is));
        assert!(exchanges.contains(&was), "no request or answer has what is to be damaged");
        fs::write(&path, exchanges.replace(&was, &is)).unwrap();
        let (fits, printed) = validated(&path);
        assert!(!fits && printed.contains(found), "{found}: {printed}");
    }
}

/// Whether everything in the file fits, and what the validation printed.
fn validated(exchanges: &Path) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/service_models/validate.py");
    printed(&Command::new(Toolbox::of_repository().python()).arg(script).arg(exchanges).output().unwrap())
}
