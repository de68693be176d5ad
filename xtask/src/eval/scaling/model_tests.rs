//! The model compared with executions of known parameters.

use std::ops::RangeInclusive;

use proptest::prelude::*;

use super::*;
use crate::eval::scaling::{
    Scaling,
    observation::Observation,
    predict::{left_out, residuals, worst},
    synthetic::{AWS, CONTENDED, TWO_CORES, Truth, rates, sampled, sweep},
};

const COUNTS: [u16; 5] = [1, 2, 4, 8, 16];

fn fit(observations: &[Observation]) -> Model {
    Model::fit(&Sweep::new(observations).unwrap(), &rates()).unwrap()
}

fn assert_near(model: &Model, truth: &Truth, share: f64) {
    let near = |found: f64, known: f64, slack: f64| {
        assert!((found - known).abs() <= known * share + slack, "{found} instead of {known}: {model:#?}");
    };
    // Rounding to whole ms may shift by 1 ms; the contention is per chunk of 16.
    near(model.plan_ms.fixed, truth.plan.0, 1.0);
    near(model.chunk.startup_ms, truth.startup, 1.0);
    near(model.chunk.per_frame_ms, truth.per_frame, 0.1);
    near(model.chunk.contention_ms, truth.contention, 0.1 + truth.startup * share / 16.0);
    near(model.imbalance, truth.imbalance, 1e-3);
    near(model.dispatch_ms_per_chunk, truth.dispatch, 0.5);
    near(model.assemble_ms.fixed, truth.assemble.0, 1.0);
}

/// The worst error at these counts against executions without noise, %.
fn farthest_off(model: &Model, truth: &Truth, counts: RangeInclusive<u16>) -> f64 {
    let off = |n: u16| {
        let wall = sampled(truth, n).wall_ms as f64;
        ((model.predict(ChunkCount::new(n).unwrap()).wall_ms - wall) / wall * 100.0).abs()
    };
    counts.map(off).fold(0.0, f64::max)
}

#[test]
fn known_parameters_are_found() {
    for truth in [AWS, CONTENDED] {
        let model = fit(&sweep(&truth, &COUNTS, 0.0, 1));
        assert_near(&model, &truth, 1e-4);
        assert!(farthest_off(&model, &truth, 1..=64) < 0.05);
        assert_eq!((model.requests.fixed.round(), model.requests.per_chunk.round()), (2.0, 1.0));
        assert_eq!((model.transitions.fixed.round(), model.transitions.per_chunk.round()), (6.0, 2.0));
    }
}

#[test]
fn known_parameters_are_found_despite_noise() {
    // Each part of each of three executions is off by up to 3 %, in 50 sweeps.
    for truth in [AWS, CONTENDED] {
        let (mut left_out_off, mut within, mut beyond) = (0.0_f64, 0.0_f64, 0.0_f64);
        for seed in 0..50 {
            let observations = sweep(&truth, &COUNTS, 0.03, seed);
            let model = fit(&observations);
            assert_near(&model, &truth, 0.25);
            let left_out = left_out(&Sweep::new(&observations).unwrap(), &rates());
            left_out_off = left_out_off.max(worst(&left_out).unwrap().wall_percent.abs());
            within = within.max(farthest_off(&model, &truth, 1..=16));
            beyond = beyond.max(farthest_off(&model, &truth, 17..=64));
        }
        assert!(left_out_off < 10.0 && within < 3.0 && beyond < 20.0, "{left_out_off} {within} {beyond}");
    }
}

/// Of 200 sweeps with this noise: in how many percent the true time of a count is within its likely range, at the
/// measured counts and those between them, and above them; and in how many the recommended count takes at most 5 %
/// longer than the best one.
fn believed(truth: &Truth, noise: f64) -> [f64; 3] {
    let (mut covered, mut asked, mut best_chosen) = ([0.0; 2], [0.0; 2], 0.0);
    for seed in 0..200 {
        let scaling = Scaling::of(&sweep(truth, &COUNTS, noise, seed), &rates(), false).unwrap();
        let time = |chunks: ChunkCount| sampled(truth, chunks.get()).wall_ms as f64;
        for chunks in scaling.model.candidates() {
            let Some([least, most]) = scaling.model.predict(chunks).within(&scaling.left_out).likely_ms else {
                continue;
            };
            let which = usize::from(chunks.get() > 16);
            asked[which] += 1.0;
            covered[which] += f64::from(u8::from((least..=most).contains(&time(chunks))));
        }
        let best = scaling.model.candidates().map(time).fold(f64::INFINITY, f64::min);
        best_chosen += f64::from(u8::from(time(scaling.recommendation.fastest.chunks) <= 1.05 * best));
    }
    [covered[0] / asked[0] * 100.0, covered[1] / asked[1] * 100.0, best_chosen / 2.0]
}

#[test]
fn predictions_are_as_good_as_they_say() {
    for (truth, name) in [(AWS, "without contention"), (CONTENDED, "with contention")] {
        for noise in [0.01, 0.03, 0.10] {
            let [within, above, best] = believed(&truth, noise);
            assert!(within >= 95.0 && above >= 90.0 && best >= 90.0, "{name}, {noise}: {within} {above} {best}");
        }
    }
}

#[test]
fn leaving_out_counts_detects_a_machine_that_the_model_does_not_describe() {
    // One chunk leaves a core idle, all others share both: only leaving out 1 shows it.
    let two_regimes = Sweep::new(&sweep(&TWO_CORES, &COUNTS, 0.0, 1)).unwrap();
    let model = Model::fit(&two_regimes, &rates()).unwrap();
    assert!(worst(&residuals(&model, &two_regimes)).unwrap().wall_percent.abs() < 7.0);
    let caught = worst(&left_out(&two_regimes, &rates())).unwrap();
    assert!(caught.chunks.get() == 1 && caught.wall_percent < -20.0, "{caught:?}");
    let one_regime = Sweep::new(&sweep(&TWO_CORES, &COUNTS[1..], 0.0, 1)).unwrap();
    assert!(worst(&left_out(&one_regime, &rates())).unwrap().wall_percent.abs() < 2.0);
}

#[test]
fn two_counts_result_in_two_parameters_and_one_count_in_no_model() {
    for truth in [AWS, CONTENDED] {
        let observations = sweep(&truth, &[2, 8], 0.0, 1);
        let sweep = Sweep::new(&observations).unwrap();
        let model = Model::fit(&sweep, &rates()).unwrap();
        let chunk = [model.chunk.startup_ms, model.chunk.per_frame_ms, model.chunk.contention_ms];
        assert_eq!(chunk.iter().filter(|coefficient| **coefficient > 0.0).count(), 2, "{chunk:?}");
        assert!(worst(&residuals(&model, &sweep)).unwrap().wall_percent.abs() < 1.0);
        assert!(left_out(&sweep, &rates()).is_empty());
    }
    let one = Sweep::new(&sweep(&AWS, &[4], 0.0, 1)).unwrap();
    assert_eq!(Model::fit(&one, &rates()), Err(Unfit::OneCount(one.counts[0].chunks)));
}

#[test]
fn parts_without_time_do_not_distort_the_others() {
    let mut observations = sweep(&AWS, &COUNTS, 0.0, 1);
    for seen in observations.iter_mut().filter(|seen| seen.chunks.get() == 1) {
        seen.wall_ms -= seen.assemble_ms;
        (seen.assemble_ms, seen.chunks_ms) = (0, seen.slowest_chunk_ms);
    }
    let model = fit(&observations);
    assert!((model.dispatch_ms_per_chunk - AWS.dispatch).abs() < 1.0, "{model:#?}");
}

/// Any execution that the type allows.
fn any_observation() -> impl Strategy<Value = Observation> {
    let times = (1u64..100_000, 0u64..50_000, 0u64..50_000, 0u64..50_000, 0u64..50_000, 1u64..1_000_000);
    (1u16..=256, times, 0u64..50_000, 0u64..600, proptest::bool::ANY).prop_map(
        |(chunks, times, median, calls, cold)| Observation {
            chunks: ChunkCount::new(chunks).unwrap(),
            frames: NonZeroU64::new(7).unwrap(),
            wall_ms: times.0,
            plan_ms: times.1,
            chunks_ms: times.2,
            slowest_chunk_ms: times.3,
            median_chunk_ms: median as f64,
            assemble_ms: times.4,
            function_ms: times.5,
            requests: calls,
            transitions: calls,
            cold,
        },
    )
}

proptest! {
    #[test]
    fn predictions_are_finite_and_never_negative(
        observations in proptest::collection::vec(any_observation(), 2..12),
        chunks in 1u16..=256,
    ) {
        let Ok(model) = Sweep::new(&observations).and_then(|sweep| Model::fit(&sweep, &rates())) else { return Ok(()) };
        let prediction = model.predict(ChunkCount::new(chunks).unwrap());
        prop_assert!(prediction.wall_ms.is_finite() && prediction.wall_ms >= 0.0, "{prediction:?}");
        prop_assert!(prediction.usd.is_finite() && prediction.usd > 0.0, "{prediction:?}");
        let coefficients = [model.plan_ms.fixed, model.plan_ms.per_chunk, model.chunk.startup_ms, model.chunk.per_frame_ms,
            model.chunk.contention_ms, model.imbalance, model.dispatch_ms_per_chunk, model.function_ms.per_pair];
        prop_assert!(coefficients.iter().all(|coefficient| coefficient.is_finite() && *coefficient >= 0.0));
    }

    #[test]
    fn realistic_parts_result_in_positive_predictions(
        counts in proptest::sample::subsequence((1u16..=32).collect::<Vec<_>>(), 2..8), seed: u64, chunks in 1u16..=256,
    ) {
        for truth in [AWS, CONTENDED, TWO_CORES] {
            let model = fit(&sweep(&truth, &counts, 0.2, seed));
            let prediction = model.predict(ChunkCount::new(chunks).unwrap());
            prop_assert!(prediction.wall_ms > 0.0 && prediction.parts.median_chunk_ms > 0.0, "{prediction:?}");
        }
    }
}
