use std::collections::BTreeMap;

use super::*;
use crate::{
    artifacts::{Note, NoteKind},
    benchmark::{
        caveats::Caveat,
        sample::tests::{failed, lambda, local, render_id, with},
    },
};

#[test]
fn tells_the_story() {
    let cold = with(lambda(4, 1, 9000), |execution| {
        execution.start = crate::benchmark::Start::Cold;
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
    Case::compare_with_one_chunk(&mut cases);
    let results = Results {
        cases,
        scaling: BTreeMap::from([("f".to_owned(), Err("one count was measured".to_owned()))]),
        notes: vec![Note {
            kind: NoteKind::Renders,
            text: "ffmpeg 7.1, baseline n8.1.2".to_owned(),
            about: vec!["f N=1".to_owned(), "f N=4".to_owned()],
        }],
        caveats: vec![Caveat::Throttled { chunks: 20, reserved: 16 }],
    };
    insta::assert_snapshot!(table(&results, &Prices::default()), @r"
    How long (medians), and what for
    fixture      chunks   local            Lambda      min - max    cold           speed-up           renderer
    f                 1  20.0 s            15.0 s  15.0 - 15.0 s  0 of 5  1.33 [1.33, 1.33]  0.67 [0.67, 0.67]
    f                4*          9.0 s (1 failed)                 1 of 1
    longer-name       4                    failed

    Where the time of an execution goes (medians)
    fixture      chunks  queue  cold start   plan  chunks take  slowest  median  imbalance  assemble  efficiency
    f                 1  0.0 s              1.5 s       12.0 s   12.0 s   7.5 s       1.60     1.5 s       100 %
    f                4*  0.0 s       1.5 s  0.9 s        7.2 s    7.2 s   4.5 s       1.60     0.9 s        83 %
    longer-name       4

    How equal to the baseline (the worst of all iterations)
    fixture      chunks  PSNR mean  worst frame  audio   residual
    f                 1   45.50 dB     44.00 dB     OK  -inf dBFS    ok
    f                4*   45.50 dB     44.00 dB     OK  -inf dBFS  FAIL
    longer-name       4          -            -      -             FAIL

    Scaling of f: no model, as one count was measured

    * f N=4: the plan made 2 chunks
    USD of one execution: Lambda's GB-seconds and requests, and state transitions (2026-11, us-east-1, x86); S3, logs, data transfer and the free tier are left out
    speed-up: this machine's process / execution; renderer: its own share of that / execution
    note: f N=1, f N=4: ffmpeg 7.1, baseline n8.1.2
    note: 20 chunks are more than the function's reserved concurrency of 16: the others are throttled and wait, which lengthens the times; --reserved-concurrency 20 or 0 helps
    ");
}
