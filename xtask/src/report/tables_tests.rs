use std::collections::BTreeMap;

use execution_history::{
    chunking::{ChunkSize, PlanProtocol},
    cost::Prices,
};
use render_verdict::{
    audio::{AudioStatus, residual::Residual},
    decibels::Level,
};

use super::*;
use crate::{
    eval::sample::{
        Start,
        sample_tests::{failed, lambda, local, render_id, row, with},
    },
    report::notes::NoteKind,
};

#[test]
fn renders_in_the_terminal() {
    let render = |asked, planned, level: Option<Level>, unlike| {
        let mut row = row(asked, 16_549);
        (row.planned_chunk_count, row.chunk_size) = (planned, ChunkSize::new(8).unwrap());
        (row.audio_status, row.audio_residual_dbfs) = (AudioStatus::None, vec![]);
        (row.psnr_avg_db, row.passed) = (level.map(|_| 45.812), level.is_some());
        let picture = row.picture.take();
        row.picture = picture.zip(level).map(|(mut picture, level)| {
            (picture.worst_frame_db, picture.frames_unlike_first) = (level, unlike);
            picture
        });
        row.notes = vec!["ffmpeg 7.1, baseline n8.1.2".into()];
        row
    };
    let mut rows = [
        render(2, 2, Some(Level::Db(45.812)), None),
        render(8, 6, Some(Level::Identical), Some(0)),
        render(16, 16, Some(Level::Db(44.0)), Some(31)),
        render(32, 32, None, None),
    ];
    rows[2].id.protocol = PlanProtocol::V1;
    rows[2].notes.push("mean SSIM is 0.9".into());
    insta::assert_snapshot!(renders(&rows, usize::MAX), @r"
    chunks  planned  wall clock  PSNR mean     worst frame  unlike first  audio
         2        2      16.5 s   45.81 dB  45.81 dB (#41)         first   none    ok
         8       6*      16.5 s   45.81 dB       identical          none   none    ok
     v1 16       16      16.5 s   45.81 dB  44.00 dB (#41)      31 of 60   none    ok
        32       32      16.5 s          -               -             -   none  FAIL
    * 8 chunks were requested, the plan has 6 (chunk size 8)
    note: ffmpeg 7.1, baseline n8.1.2
    note: v1 N=16: mean SSIM is 0.9
    ");
    // A terminal that is too narrow for all columns gets the others below, for the same renders.
    insta::assert_snapshot!(renders(&rows[2..], 60), @r"
    chunks  planned  wall clock  PSNR mean     worst frame
     v1 16       16      16.5 s   45.81 dB  44.00 dB (#41)
        32       32      16.5 s          -               -

    chunks  unlike first  audio
     v1 16      31 of 60   none    ok
        32             -   none  FAIL
    note: ffmpeg 7.1, baseline n8.1.2
    note: v1 N=16: mean SSIM is 0.9
    ");
}

#[test]
fn cases_in_the_terminal() {
    let cold = with(lambda(4, 1, 9000), |execution| {
        execution.start = Start::Cold;
        execution.render.time_spent.as_mut().unwrap().longest_overhead_ms = 1500;
        execution.render.planned_chunk_count = 2;
    });
    let locals: Vec<_> = (1..=5).map(|i| local(i, 20_000 + u64::from(i))).collect();
    let ones: Vec<_> = (1..=5).map(|i| lambda(1, i, 15_000 + u64::from(i))).collect();
    let mut cases = vec![
        Case::of("f", render_id(1), 5, &ones.iter().collect::<Vec<_>>(), &locals.iter().collect::<Vec<_>>()),
        Case::of("f", render_id(4), 2, &[&cold, &failed(4, 2)], &[]),
        Case::of("longer-name", render_id(4), 1, &[&failed(4, 1)], &[]),
    ];
    Case::compare(&mut cases[..2]);
    let results = EvalResults {
        schema_version: 1,
        prices: Prices::default(),
        emulated: true,
        cases,
        lambda_samples: vec![],
        local_samples: vec![],
        scaling: BTreeMap::from([("f".to_owned(), Err("one count was measured".to_owned()))]),
        tuning: BTreeMap::new(),
        notes: vec![Note {
            kind: NoteKind::Renders,
            text: "ffmpeg 7.1, baseline n8.1.2".to_owned(),
            about: vec!["f N=1".to_owned(), "f N=4".to_owned()],
        }],
        caveats: vec!["20 chunks exceed the reserved concurrency".to_owned()],
    };
    insta::assert_snapshot!(super::cases(&results, usize::MAX), @r"
    NOTE  These are times of an emulator, whose chunks share the processors of one machine, not of AWS Lambda; USD is what the same calls would cost on AWS.

    Time and cost (medians of the warm executions, if there are any)
    fixture      chunks   local            Lambda      min - max  relative           speed-up  cold
    f                 1  20.0 s            15.0 s  15.0 - 15.0 s    1.67 x  1.33 [1.33, 1.33]
    f            2 of 4          9.0 s (1 failed)                  fastest                     only
    longer-name       4                    failed

    Where the time of these executions goes (medians)
    fixture      chunks  queue  cold start   plan  chunks take  slowest  median  imbalance  assemble  efficiency
    f                 1  0.0 s              1.5 s       12.0 s   12.0 s   7.5 s       1.60     1.5 s       100 %
    f            2 of 4  0.0 s       1.5 s  0.9 s        7.2 s    7.2 s   4.5 s       1.60     0.9 s        83 %
    longer-name       4

    Comparison with the baseline (the worst of all iterations)
    fixture      chunks  PSNR mean  worst frame  audio   residual
    f                 1   45.50 dB     44.00 dB     OK  -inf dBFS    ok
    f            2 of 4   45.50 dB     44.00 dB     OK  -inf dBFS  FAIL
    longer-name       4          -            -      -             FAIL

    Scaling of f: no model, because one count was measured

    chunks: how many the plan has, of how many were requested
    USD per execution: Lambda's GB-seconds and requests, and state transitions (2026-11, us-east-1); S3, logs, data transfer and the free tier are not included
    speed-up: time of the process on this machine / time of the execution
    note: f N=1, f N=4: ffmpeg 7.1, baseline n8.1.2
    note: 20 chunks exceed the reserved concurrency
    ");
}

fn lines(case: Case) -> Vec<Vec<String>> {
    csv(&[case]).lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn the_columns_of_the_script_come_first_with_minus_200_for_silence() {
    let case = Case::of("f", render_id(2), 1, &[&lambda(2, 1, 6000)], &[&local(1, 12_000)]);
    let lines = lines(case);
    assert_eq!(
        lines[0][..7].join(","),
        "fixture,localMs,lambdaMs,speedup,psnrLambdaVsBaselineDb,audioStatus,audioResidualRmsDb"
    );
    assert_eq!(lines[1][..7].join(","), "f,12000,6000,2.000,45.500,OK,-200.00");
    assert_eq!(lines[0].len(), lines[1].len());
}

#[test]
fn unmeasured_values_are_empty_and_never_zero() {
    let lines = lines(Case::of("f", render_id(2), 1, &[&failed(2, 1)], &[]));
    assert_eq!(lines[1].join(","), "f,,,,,,,2,,1,1,false,,,,0,,,,,,,,,,,,,,,,,,");
    assert_eq!(lines[0].len(), lines[1].len());
}

#[test]
fn levels_and_names_keep_their_meaning() {
    let sample = with(lambda(2, 1, 6000), |execution| {
        execution.render.audio_residual_dbfs = vec![Residual::DbFs(-51.234)];
        execution.render.picture.as_mut().unwrap().worst_frame_db = Level::Identical;
    });
    let text = csv(&[Case::of("a,\"b\"", render_id(2), 1, &[&sample], &[])]);
    assert!(text.lines().nth(1).unwrap().starts_with("\"a,\"\"b\"\"\",,6000,,45.500,OK,-51.23,"), "{text}");
    assert!(text.contains(",inf,"), "{text}");
}
