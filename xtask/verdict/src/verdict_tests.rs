use execution_history::chunking::{ChunkCount, PlanProtocol, RenderId};
use proptest::prelude::*;

use super::*;
use crate::{
    Picture,
    audio::{Lost, Sound, change::Change, lag::Lag, moments::Moments, residual::Residual},
    decibels::Level,
    finding::Place,
    gates::{FRAME_PSNR, FROZEN_CHUNKS, HISTORY, MAX_FRAME_FAILURES, REGION, Settings},
    picture::{
        hashes::FrameHashes,
        lasting::Lasting,
        local::LocalPicture,
        psnr::{FramePsnr, Misplaced, VideoPsnr},
        regions::Region,
        ssim::VideoSsim,
    },
};

fn id(count: u16) -> RenderId {
    RenderId { protocol: PlanProtocol::V2, chunk_count: ChunkCount::new(count).unwrap(), memory_mb: None }
}

fn picture(levels: &[f64]) -> Picture {
    let frame =
        |&db: &f64| FramePsnr { all: Level::Db(db), planes: vec![('y', Level::Db(db)), ('u', Level::Identical)] };
    let frames: Vec<FramePsnr> = levels.iter().map(frame).collect();
    let psnr = VideoPsnr::of(&frames).unwrap();
    let hash = "0, 0, 0, 1, 1, 00000000000000000000000000000000";
    Picture {
        worst_at_s: psnr.worst_frame as f64 / 30.0,
        psnr,
        ssim: VideoSsim { mean: 0.99, worst: 0.98, worst_frame: 0 },
        frames_per_second: 30,
        misplaced: vec![],
        local: LocalPicture::default(),
        hashes: FrameHashes::from_framehash(hash).unwrap(),
    }
}

fn measured(count: u16, levels: &[f64], audio: Vec<Sound>) -> Measured<RenderId> {
    let comparison = Comparison::Alike { picture: Box::new(picture(levels)), audio };
    Measured {
        render: id(count),
        comparison,
        local_gates: true,
        other_findings: vec![],
        limits: Limits::default(),
        chunk_frames: 0,
    }
}

fn outcome(planned: &[RenderId], measured: &[Measured<RenderId>]) -> Outcome {
    Verdict::judge(planned, measured).unwrap().outcome()
}

fn findings(render: &Measured<RenderId>) -> String {
    render.judge().findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_unmeasured_render_does_not_pass() {
    let found = Comparison::Unlike(vec![]).findings(&Limits::default());
    let messages: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["contents: not measured in the render, present in the baseline"]);
}

#[test]
fn passes_when_all_are_measured_and_equal_enough() {
    let done = [measured(2, &[45.0, 44.0], vec![]), measured(4, &[40.0], vec![])];
    assert_eq!(outcome(&[id(2), id(4)], &done), Outcome::Pass);
    let verdict = Verdict::judge(&[id(2), id(4)], &done).unwrap();
    assert_eq!((verdict.judged().len(), verdict.conclusion(|_| Missing::Unknown).measured()), (2, 2));
}

#[test]
fn a_missing_render_never_passes() {
    let verdict = Verdict::judge(&[id(2), id(4)], &[measured(2, &[45.0], vec![])]).unwrap();
    assert_eq!((verdict.outcome(), verdict.unmeasured()), (Outcome::Incomplete, &[id(4)][..]));
    assert_eq!(verdict.judged(), [Judged { render: id(2), findings: vec![] }]);
    assert_eq!(outcome(&[id(2)], &[]), Outcome::Incomplete);
    let v1 = RenderId { protocol: PlanProtocol::V1, ..id(2) };
    assert_eq!(outcome(&[id(2), v1], &[measured(2, &[45.0], vec![])]), Outcome::Incomplete);
}

#[test]
fn without_a_plan_there_is_no_verdict() {
    assert_eq!(Verdict::<RenderId>::judge(&[], &[]), None);
}

#[test]
fn every_failure_has_its_value_and_limit() {
    let render = measured(2, &[50.0, 5.0], vec![]);
    insta::assert_snapshot!(findings(&render), @r"
    mean PSNR 27.50 dB is below 40.00 dB
    mean PSNR 27.50 dB of plane y is below 40.00 dB
    the second that starts at frame 0 has 8.01 dB by its mean squared error, below 37.00 dB
    frames below 30.00 dB: 1, allowed: 0; the worst is frame 1 (from 0, at 0.033 s) with 5.00 dB
    ");
    let found = &render.judge().findings[3];
    assert_eq!((found.gate.as_ref(), found.value.as_str()), ("psnr-frame", "1 below 30.00 dB"));
    assert_eq!((found.limit.as_str(), found.place.frames), ("0", Some((1, 1))));
}

#[test]
fn one_damaged_frame_fails_a_good_mean() {
    let mut levels = [50.0; 60];
    levels[7] = 5.0;
    let render = measured(2, &levels, vec![]);
    assert_eq!(outcome(&[id(2)], std::slice::from_ref(&render)), Outcome::Unequal);
    assert!(findings(&render).contains("frames below 30.00 dB: 1,"));
}

#[test]
fn fixtures_may_allow_damaged_frames_and_flags_set_the_margin() {
    let mut levels = [50.0; 60];
    levels[7] = 35.0;
    let render = measured(2, &levels, vec![]);
    let with = |settings: &Settings| {
        Measured { limits: Limits::new(settings).unwrap(), ..render.clone() }.judge().findings.len()
    };
    let margin = Settings::default().with(&FRAME_PSNR, 3.0).unwrap();
    assert_eq!(with(&margin), 1);
    assert_eq!(with(&margin.with(&MAX_FRAME_FAILURES, 1.0).unwrap()), 0);
    assert_eq!(with(&Settings::default()), 0);
}

#[test]
fn a_difference_that_lasts_is_found_except_around_frames_that_are_allowed() {
    let mut levels = [50.0; 60];
    levels[7] = 5.0;
    let found = |frames: (u64, u64), allowed: f64| {
        let region = Region { pixels: [8, 8, 32, 32], difference: -1.2, allowance: 0.6, ..Region::default() };
        let mut damaged = picture(&levels);
        damaged.local.lasting =
            vec![Lasting { plane: 'y', frames, course: crate::picture::lasting::Course::Lasting, region }];
        let limits = Limits::new(&Settings::default().with(&MAX_FRAME_FAILURES, allowed).unwrap()).unwrap();
        let findings = Comparison::Alike { picture: Box::new(damaged), audio: vec![] }.findings(&limits);
        findings.into_iter().find(|finding| finding.gate == "region").map(|finding| finding.message)
    };
    let message = "a region of 32x32 pixels at (8, 8) is 1.2 levels lower in plane y than in the baseline, in the mean \
                   over frames 15 to 44 (from 0.000 s to 0.000 s) (0.9 are allowed there)";
    assert_eq!(found((15, 44), 1.0).as_deref(), Some(message));
    assert_eq!(found((0, 29), 1.0), None);
    assert!(found((0, 29), 0.0).is_some());
}

#[test]
fn a_failed_other_step_is_never_a_pass() {
    let verdict = Verdict::judge(&[id(2)], &[measured(2, &[45.0], vec![])]).unwrap();
    let conclusion = verdict.conclusion(|_| Missing::Unknown);
    assert_eq!((conclusion.outcome(), conclusion.findings(), conclusion.measured()), (Outcome::Pass, &[][..], 1));
    assert_eq!(conclusion.clone().lacking([]).outcome(), Outcome::Pass);
    let lacking = conclusion.lacking(["local render 1 failed".to_owned()]);
    assert_eq!(
        (lacking.outcome(), lacking.findings()),
        (Outcome::Incomplete, &["local render 1 failed".to_owned()][..])
    );
}

#[test]
fn a_conclusion_has_findings_and_causes() {
    let verdict = Verdict::judge(&[id(2), id(4)], &[measured(2, &[5.0], vec![])]).unwrap();
    let conclusion = verdict.conclusion(|render| match *render == id(4) {
        true => Missing::Failed("Plan failed".to_owned()),
        false => Missing::Unknown,
    });
    assert_eq!(conclusion.findings()[0], "N=2: mean PSNR 5.00 dB is below 40.00 dB");
    assert_eq!(conclusion.findings().last().unwrap(), "N=4 was not measured: Plan failed");
    assert_eq!(conclusion.unmeasured(), [("N=4".to_owned(), Missing::Failed("Plan failed".to_owned()))]);
    assert_eq!(verdict.conclusion(|_| Missing::Unknown).unmeasured(), [("N=4".to_owned(), Missing::Unknown)]);
}

#[test]
fn what_is_alike_in_several_renders_is_reported_once() {
    let of = |count, message: &str, frames| {
        let found = REGION.finding("1", "2", message).at(Place { frames: Some(frames), ..Place::default() });
        let render = measured(count, &[45.0], vec![]);
        Measured { other_findings: vec![found], chunk_frames: 30 / u64::from(count), ..render }
    };
    let renders = [of(2, "a box is missing", (15, 20)), of(3, "a box is missing", (16, 20)), of(4, "a box", (1, 2))];
    let verdict = Verdict::judge(&[id(2), id(3), id(4)], &renders).unwrap();
    let lines = ["N=2, N=3: a box is missing", "N=4: a box (chunk 0)"];
    assert_eq!(verdict.conclusion(|_| Missing::Unknown).findings(), lines);
}

#[test]
fn a_contradiction_alone_is_its_own_outcome() {
    let mut render = measured(2, &[45.0], vec![]);
    render.other_findings.push(HISTORY.finding("59 frames", "60", "59 frames, 60 planned"));
    assert_eq!(outcome(&[id(2)], std::slice::from_ref(&render)), Outcome::Contradictory);
    render.other_findings.push(FROZEN_CHUNKS.finding("chunks 0 and 1 are equal", "44.00 dB", "the render is frozen"));
    let other = Measured { render: id(4), other_findings: render.other_findings[..1].to_vec(), ..render.clone() };
    let verdict = Verdict::judge(&[id(2), id(4)], &[render, other]).unwrap();
    assert_eq!(verdict.outcome(), Outcome::Unequal);
    let reason = verdict.conclusion(|_| Missing::Unknown).reason().unwrap().into_owned();
    assert_eq!(reason, "1 of 2 renders does not match the baseline");
}

#[test]
fn misplaced_frames_below_the_threshold_are_counted_and_the_first_is_named() {
    let of = |frame, db| Misplaced { frame, shows: frame - 1, level: Level::Db(db), neighbor: Level::Db(db + 9.0) };
    let mut like = picture(&[45.0; 9]);
    like.misplaced = vec![of(2, 40.0), of(4, 39.9), of(6, 35.0), of(8, 38.0)];
    let comparison = Comparison::Alike { picture: Box::new(like), audio: vec![] };
    assert_eq!(comparison.picture().unwrap().misplaced.len(), 4);
    let found = comparison.findings(&Limits::default());
    let [found] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        found.message,
        "frame 4 shows the baseline's frame 3 (48.90 dB) instead of its own (39.90 dB): frames are repeated, dropped or \
         swapped, 3 in all"
    );
    assert_eq!((found.gate.as_ref(), found.value.as_str()), ("frame-order", "frame 4 shows frame 3"));
}

#[test]
fn loud_residuals_fail() {
    let sound = |whole, loudest, lost| Sound {
        whole,
        loudest,
        loudest_at_s: 1.5,
        loudest_of_baseline_s: 0.0,
        tenths: Vec::new(),
        lag: None,
        lost,
        moments: Moments::default(),
    };
    let (level, change) = (Residual::DbFs(-45.0), Change::Missing);
    let lost = Lost { from_s: 2.0, to_s: 3.0, baseline: level, residual: level, change };
    let late = Lag { ms: 21.0, correlation: 0.99, aligned: Residual::DbFs(-70.0) };
    // Less than a tenth of a millisecond is not reported.
    let negligible = Lag { ms: -0.09, ..late };
    let early = Lag { ms: -0.1, ..late };
    let of_lag = |lag| Sound { lag: Some(lag), ..sound(Residual::DbFs(-9.8), Residual::Silent, None) };
    insta::assert_snapshot!(findings(&measured(2, &[45.0], vec![of_lag(negligible), of_lag(early)])), @r"
    audio track 0: the residual of -9.8 dBFS is above -50.00 dBFS
    audio track 1: the residual of -9.8 dBFS is above -50.00 dBFS; the render's sound is early by 0.1 ms
    ");
    let audio = vec![
        sound(Residual::Silent, Residual::Silent, None),
        Sound { lag: Some(late), ..sound(Residual::DbFs(-9.8), Residual::DbFs(-9.8), None) },
        sound(Residual::DbFs(-50.0), Residual::DbFs(-39.9), None),
        sound(Residual::DbFs(-50.0), Residual::DbFs(-40.0), Some(lost)),
    ];
    insta::assert_snapshot!(findings(&measured(2, &[45.0], audio)), @r"
    audio track 1: the residual of -9.8 dBFS is above -50.00 dBFS; the render's sound is late by 21.0 ms
    audio track 1: the residual of -9.8 dBFS at 1.5 s is above -40.00 dBFS for any 100 ms
    audio track 2: the residual of -39.9 dBFS at 1.5 s is above -40.00 dBFS for any 100 ms
    audio track 3: from 2.0 s to 3.0 s the baseline's sound is missing from the render: the residual has -45.0 dBFS, the baseline's audio -45.0 dBFS
    ");
}

proptest! {
    #[test]
    fn never_pass_without_every_render_at_the_gate(
        rows in proptest::collection::vec((any::<bool>(), 20.0f64..60.0, 20.0f64..60.0), 1..6),
    ) {
        let planned: Vec<RenderId> = (1..=rows.len() as u16).map(id).collect();
        let done: Vec<_> = rows.iter().zip(&planned).filter(|((was, ..), _)| *was)
            .map(|((_, a, b), id)| Measured { render: *id, ..measured(1, &[*a, *b], vec![]) }).collect();
        let of_errors = |a: f64, b: f64| -10.0 * f64::midpoint(10f64.powf(-a / 10.0), 10f64.powf(-b / 10.0)).log10();
        let passes = |a: f64, b: f64| f64::midpoint(a, b) >= 40.0 && of_errors(a, b) >= 37.0 && a.min(b) >= 30.0;
        let good = rows.iter().all(|(was, a, b)| *was && passes(*a, *b));
        prop_assert_eq!(outcome(&planned, &done) == Outcome::Pass, good);
    }
}

#[test]
fn a_long_list_of_names_says_how_many_more_there_are() {
    assert_eq!(listed(&["N=2"; 4]), "N=2, N=2, N=2, N=2");
    assert_eq!(listed(&["N=2"; 5]), "N=2, N=2, N=2, and 2 more");
    assert_eq!(listed(&[""; 0]), "");
}
