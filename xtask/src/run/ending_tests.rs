use render_verdict::{
    Comparison, Picture,
    decibels::Level,
    finding::Finding,
    gates::{HISTORY, Limits, RECORD},
    picture::{
        hashes::FrameHashes,
        local::LocalPicture,
        psnr::{FramePsnr, VideoPsnr},
        ssim::VideoSsim,
    },
    verdict::{Measured, Missing, Verdict},
};

use super::*;
use crate::exit::{Failure, Signal};

const RECOVERY: &str = "cargo xtask lambda-teardown s --profile p";

const INTERRUPT: Signal = Signal { number: 2, name: "SIGINT" };

fn ending(ended: &Ended, measured: Option<&Conclusion>, cleanup: &CleanUp, aws_is_gone: bool) -> Ending {
    let stack = "s".parse().unwrap();
    Ending::of(ended, measured, cleanup, Stand { stack: &stack, recovery: RECOVERY, aws_is_gone })
}

/// Of a single frame, which is the baseline's.
fn identical() -> Comparison {
    let frame = FramePsnr { all: Level::Identical, planes: vec![('y', Level::Identical)] };
    let picture = Picture {
        psnr: VideoPsnr::of(&[frame]).unwrap(),
        ssim: VideoSsim { mean: 1.0, worst: 1.0, worst_frame: 0 },
        hashes: FrameHashes::from_framehash("0, 0, 0, 1, 1, 00000000000000000000000000000000").unwrap(),
        worst_at_s: 0.0,
        frames_per_second: 30,
        misplaced: vec![],
        local: LocalPicture::default(),
    };
    Comparison::Alike { picture: Box::new(picture), audio: vec![] }
}

/// One render, equal to the byte but for `findings`; none of `None`.
fn conclusion(findings: Option<Vec<Finding>>) -> Conclusion {
    let measured = findings.map(|other_findings| Measured {
        render: 2,
        comparison: identical(),
        local_gates: true,
        other_findings,
        limits: Limits::default(),
        chunk_frames: 0,
    });
    Verdict::judge(&[2], measured.as_slice()).unwrap().conclusion(|_| Missing::Unknown)
}

fn works() -> Vec<(&'static str, Ended)> {
    let failed = |code| Ended::Failed(Failure::new(code, anyhow::anyhow!("the disk is full")).into());
    let contradiction = HISTORY.finding("4 frames", "5", "4 frames, not 5");
    let unequal = RECORD.finding("none", "one", "it has none");
    vec![
        ("pass", Ended::Concluded(conclusion(Some(vec![])))),
        ("incomplete", Ended::Concluded(conclusion(None))),
        ("unequal", Ended::Concluded(conclusion(Some(vec![unequal])))),
        ("contradictory", Ended::Concluded(conclusion(Some(vec![contradiction])))),
        ("pre-flight", failed(ExitCode::Preflight)),
        ("build", failed(ExitCode::Build)),
        ("deploy", failed(ExitCode::Deploy)),
        ("render", failed(ExitCode::Render)),
        ("semantic", failed(ExitCode::Semantic)),
        ("panic", Ended::Panicked("index out of bounds".to_owned())),
        ("signal", Ended::Signalled(INTERRUPT)),
    ]
}

fn cleanups() -> Vec<(&'static str, CleanUp)> {
    let recovery = || RECOVERY.to_owned();
    let leaks = vec!["bucket b (Present: s3 HeadBucket)".to_owned()];
    vec![
        ("nothing", CleanUp::Done(TeardownRecord::NothingCreated)),
        ("clean", CleanUp::Done(TeardownRecord::Clean { deleted: vec![], resources_verified: 7 })),
        ("kept", CleanUp::Done(TeardownRecord::Kept { recovery: recovery() })),
        ("leaked", CleanUp::Done(TeardownRecord::Leaked { leaks, recovery: recovery() })),
        ("failed", CleanUp::Failed { error: "AccessDenied".to_owned(), remedy: Some("ask for the right".to_owned()) }),
        ("interrupted", CleanUp::Interrupted(INTERRUPT)),
    ]
}

#[test]
fn every_end_has_its_code_and_its_line() {
    let mut reported = String::new();
    for (work, ended) in works() {
        for (cleanup, cleaned) in cleanups() {
            let ending = ending(&ended, None, &cleaned, false);
            let words = ending.last_words.join(" | ");
            reported.push_str(&format!("{work}, {cleanup}: {} {words}\n", ending.code.status()));
        }
    }
    insta::assert_snapshot!(reported);
}

#[test]
fn only_a_pass_with_a_clean_end_is_exit_0() {
    for (work, ended) in works() {
        for (cleanup, cleaned) in cleanups() {
            for aws_is_gone in [false, true] {
                let code = ending(&ended, None, &cleaned, aws_is_gone).code;
                let passes = work == "pass" && ["nothing", "clean", "kept"].contains(&cleanup);
                assert_eq!(code == ExitCode::Success, passes, "{work}, {cleanup}: {code:?}");
                assert_eq!(code.status() == 0, passes, "{work}, {cleanup}: {code:?}");
            }
        }
    }
}

#[test]
fn what_is_not_proved_gone_is_recorded_as_a_leak() {
    for (cleanup, cleaned) in cleanups() {
        let ending = ending(&Ended::Signalled(INTERRUPT), None, &cleaned, false);
        let leaked = matches!(ending.teardown, TeardownRecord::Leaked { .. });
        assert_eq!(leaked, ["leaked", "failed", "interrupted"].contains(&cleanup), "{cleanup}");
        let last = ending.last_words.last().unwrap();
        assert_eq!(last.contains(RECOVERY), leaked || cleanup == "kept", "{last}");
        assert_eq!(ending.failure.as_deref(), Some("SIGINT"));
    }
}

#[test]
fn a_clean_up_that_failed_says_why_and_what_to_do() {
    let failed = CleanUp::Failed { error: "AccessDenied".to_owned(), remedy: Some("ask for the right".to_owned()) };
    let ending = ending(&Ended::Signalled(INTERRUPT), None, &failed, false);
    assert_eq!(ending.complaints, ["error: clean-up: AccessDenied", "ask for the right, then finish the clean-up"]);
}

#[test]
fn an_aws_that_is_gone_needs_no_command() {
    let cleaned = CleanUp::Interrupted(INTERRUPT);
    let ending = ending(&Ended::Concluded(conclusion(Some(vec![]))), None, &cleaned, true);
    let last = ending.last_words.last().unwrap();
    assert!(last.contains("nothing is left") && !last.contains("lambda-teardown"), "{last}");
}

#[test]
fn what_was_measured_before_a_failure_is_reported() {
    let failed = Ended::Failed(Failure::new(ExitCode::Render, anyhow::anyhow!("the execution failed")).into());
    let clean = CleanUp::Done(TeardownRecord::Clean { deleted: vec![], resources_verified: 7 });
    let reported = |measured: Option<Conclusion>| ending(&failed, measured.as_ref(), &clean, false).findings;
    assert_eq!(reported(Some(conclusion(None))), ["  2 was not measured"]);
    assert_eq!(reported(None), [""; 0]);
}

fn failed(error: anyhow::Error) -> Ended {
    Ended::Failed(Failure::new(ExitCode::Deploy, error).into())
}

#[test]
fn a_signal_says_what_becomes_of_the_stack() {
    let stack: StackName = "s".parse().unwrap();
    let ended = Ended::Signalled(Signal { number: 15, name: "SIGTERM" });
    let reported = |left| announcement(&ended, left, None).concat();
    insta::assert_snapshot!([Left::Nothing, Left::Kept(&stack), Left::Stack(&stack)].map(reported).join("\n"), @r"
    SIGTERM: stopping; nothing was created
    SIGTERM: stopping; stack s, if it was created, is kept because of --keep-stack.
    SIGTERM: stopping; then cleaning up stack s and its buckets. A second signal ends that too, and prints the command that finishes it.
    ");
}

#[test]
fn a_remedy_is_reported_once() {
    let stack: StackName = "s".parse().unwrap();
    let remedy = || Some("renew the keys".to_owned());
    let expired = || failed(Refused::new(403, Some("ExpiredToken"), Some("it is")).into());
    assert_eq!(announcement(&expired(), Left::Nothing, remedy()).len(), 2);
    assert_eq!(announcement(&expired(), Left::Stack(&stack), remedy()), ["error: ExpiredToken: it is (HTTP 403)"]);
    let other = failed(anyhow::anyhow!("the disk is full"));
    assert_eq!(announcement(&other, Left::Stack(&stack), remedy()), ["error: the disk is full", "renew the keys"]);
}
