use super::*;
use crate::eval::sample::sample_tests::{failed, lambda, local, render_id, with};

fn case(iterations: usize, samples: &[LambdaSample], locals: &[LocalSample]) -> Case {
    Case::of("f", render_id(2), iterations, &samples.iter().collect::<Vec<_>>(), &locals.iter().collect::<Vec<_>>())
}

#[test]
fn good_samples_are_summarized_and_failed_ones_counted() {
    let samples = [lambda(2, 1, 6000), failed(2, 2), lambda(2, 3, 8000)];
    let of_three = case(3, &samples, &[local(1, 21_000), local(2, 14_000)]);
    let ms = of_three.lambda_ms.unwrap();
    assert_eq!((of_three.failed, ms.count, ms.median, ms.min, ms.max), (1, 2, 7000.0, 6000.0, 8000.0));
    assert_eq!((of_three.speedup.unwrap().ratio, of_three.renderer_speedup.unwrap().ratio), (2.5, 1.25));
    assert!(!of_three.passed, "a case with a failed sample passes");
    assert!(case(2, &[samples[0].clone(), samples[2].clone()], &[]).passed);
}

#[test]
fn a_sample_that_was_never_taken_counts_as_failed() {
    let of_two = case(2, &[lambda(2, 1, 6000)], &[]);
    assert_eq!((of_two.failed, of_two.passed, of_two.speedup), (1, false, None));
    let none = case(2, &[], &[]);
    assert_eq!((none.failed, none.lambda_ms, none.planned_chunk_count), (2, None, None));
}

#[test]
fn the_quality_is_that_of_the_worst_iteration() {
    let samples = [
        lambda(2, 1, 6000),
        with(lambda(2, 2, 6000), |execution| {
            execution.render.psnr_avg_db = Some(41.0);
            execution.render.picture.as_mut().unwrap().worst_frame_db = Level::Db(12.0);
            execution.render.audio_status = AudioStatus::Drift;
            execution.render.audio_residual_dbfs = vec![Residual::DbFs(-9.8)];
            execution.render.passed = false;
        }),
        with(lambda(2, 3, 6000), |execution| {
            execution.render.picture.as_mut().unwrap().worst_frame_db = Level::Identical;
        }),
    ];
    let worst = case(3, &samples, &[]);
    assert_eq!((worst.psnr_avg_db, worst.worst_frame_db), (Some(41.0), Some(Level::Db(12.0))));
    assert_eq!(worst.audio_status, Some(AudioStatus::Drift));
    assert_eq!(worst.audio_residual_dbfs, Some(Residual::DbFs(-9.8)));
    assert!(!worst.passed);
}

#[test]
fn cold_executions_are_counted_and_warm_ones_summarized_separately() {
    let cold = with(lambda(2, 1, 9000), |execution| {
        execution.start = Start::Cold;
        execution.render.time_spent.as_mut().unwrap().longest_overhead_ms = 1500;
    });
    let both = case(3, &[cold, lambda(2, 2, 6000), lambda(2, 3, 6400)], &[]);
    assert_eq!((both.cold, both.steady_ms().unwrap().median, both.lambda_ms.unwrap().median), (1, 6200.0, 6400.0));
    assert_eq!(both.cold_lambda_ms.unwrap().median, 9000.0);
    let time = both.time.unwrap();
    assert_eq!((time.cold_start_ms, time.plan_ms, time.retries), (Some(1500.0), 620.0, 2));
}

#[test]
fn efficiency_is_relative_to_one_chunk_of_the_same_fixture() {
    let of = |count: u16, ms: u64| Case::of("f", render_id(count), 1, &[&lambda(count, 1, ms)], &[]);
    let mut cases = [of(1, 8000), of(2, 5000)];
    Case::compare(&mut cases);
    assert_eq!(
        cases.map(|case| (case.relative, case.parallel_efficiency)),
        [(Some(1.6), Some(1.0)), (Some(1.0), Some(0.8))]
    );
    let mut one = [of(2, 5000)];
    Case::compare(&mut one);
    assert_eq!(one.map(|case| case.parallel_efficiency), [None]);
}

#[test]
fn an_interval_needs_five_of_each() {
    let many = |n: u32| (1..=n).map(|i| lambda(2, i, 6000 + u64::from(i))).collect::<Vec<_>>();
    let locals = |n: u32| (1..=n).map(|i| local(i, 12_000 + u64::from(i))).collect::<Vec<_>>();
    assert!(case(5, &many(5), &locals(4)).speedup.unwrap().interval.is_none());
    let interval = case(5, &many(5), &locals(5)).speedup.unwrap().interval.unwrap();
    assert!(interval.low < 2.0 && interval.high < 2.01 && interval.low > 1.99, "{interval:?}");
}
