//! Journals that are damaged, or that a run can't write.

use std::fs;

use rustix::process::Signal;

use crate::support::{
    STACK, Test,
    fake_aws::{End, Fault},
};

/// A world in which a run was killed in the middle of its execution.
fn killed() -> Test {
    let test =
        Test::new().render(|render| render.end = End::Never).fault("StartExecution", 1, Fault::Signal(Signal::KILL));
    assert_eq!(test.smoke(&[]).status, None);
    test.render_ends();
    test
}

#[test]
fn a_broken_line_does_not_hide_what_follows_it() {
    let test = killed();
    test.rewrite_journal(|text| text.replacen('\n', "\n{\"record\":\"inte\n", 1));
    let other = test.smoke(&["--stack-name", "next"]);
    other.exit(0).warns("on stack smoke-test did not clean up");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("nothing is left of smoke-test");
    test.assert_account_clean();
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
}

#[test]
fn a_journal_that_cant_be_read_is_named_until_it_is_dealt_with() {
    let test = killed();
    let journal = test.journal();
    test.rewrite_journal(|text| text.replace("\"kind\":\"endpoint\"", "\"kind\":\"moon\""));
    let named = "can't be read; remove what its run left with `cargo xtask lambda-teardown smoke-test` \
                 and the flags of that run, then delete the file";
    test.smoke(&["--stack-name", "next"]).exit(0).warns("note: journal <dir>/state/smoke-test.").warns(named);
    let ran = test.run(&["lambda-teardown", "--unfinished"]);
    ran.exit(7).warns("error: journal <dir>/state/smoke-test.").warns(named).never_says("no run is unfinished");
    test.teardown(&[STACK]).exit(0);
    fs::remove_file(journal).unwrap();
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
    test.assert_account_clean();
}

#[test]
fn what_follows_a_record_that_was_cut_off_is_on_a_line_of_its_own() {
    let test = killed();
    test.rewrite_journal(|text| text + "{\"record\":\"inte");
    test.run(&["lambda-teardown", "--unfinished"]).exit(0);
    assert!(test.journals()[0].ends_with("{\"record\":\"inte\n{\"record\":\"finished\",\"kept\":false}\n"));
}

#[test]
fn a_state_folder_may_be_named_from_the_current_folder() {
    let test = Test::new().env("HYPERFRAMES_STATE_DIR", "state");
    test.smoke(&[]).exit(0);
    assert_eq!(test.journals().len(), 1);
}

#[test]
fn a_state_folder_that_cant_be_read_is_no_proof_that_nothing_is_unfinished() {
    let test = Test::new();
    fs::write(test.state(), "no folder").unwrap();
    let ran = test.run(&["lambda-teardown", "--unfinished"]);
    ran.exit(7).warns("journal <dir>/state can't be read").never_says("no run is unfinished");
}

#[test]
fn an_empty_journal_says_that_nothing_was_created() {
    let test = Test::new();
    test.smoke(&[]).exit(0);
    std::fs::write(test.state().join("other.bbbbbbbbbbbb.jsonl"), "").unwrap();
    test.run(&["lambda-teardown", "--unfinished"]).exit(0).says("no run is unfinished");
}
