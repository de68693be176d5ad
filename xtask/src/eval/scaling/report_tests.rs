//! The complete scaling report, from executions to text and JSON.

use execution_history::chunking::ChunkCount;

use super::*;
use crate::eval::scaling::{
    predict::{Among, Distrust, Standing, TRUSTED_UP_TO_PERCENT},
    synthetic::{AWS, CONTENDED, TWO_CORES, Truth, rates, sweep},
};

fn of(truth: &Truth, counts: &[u16], noise: f64) -> Scaling {
    Scaling::of(&sweep(truth, counts, noise, 7), &rates(), false).unwrap()
}

#[test]
fn a_sweep_on_aws_in_text() {
    insta::assert_snapshot!(of(&AWS, &[1, 2, 4, 8, 16], 0.03), @r"
    900 frames, measured at 1, 2, 4, 8, 16 chunks
      Plan      1973 ms + 13.4 ms x chunks
      chunk     5990 ms + 29.9 ms per frame + 0.0 ms x chunks (the median one)
      slowest   x (1 + 0.050 sqrt(2 ln chunks))
      Map       20.2 ms x chunks
      Assemble  1495 ms + 40.3 ms x chunks
    chunks  predicted         likely      USD      measured     off  left out
         1     36.4 s  35.2 - 37.6 s  0.00628        36.0 s  +1.1 %    +3.3 %
         2     24.2 s  23.4 - 25.0 s  0.00733        24.5 s  -1.1 %    -1.6 %
         4     17.5 s  17.0 - 18.1 s  0.00944        17.7 s  -0.9 %    -1.0 %
         8     14.4 s  13.9 - 14.8 s  0.01367        14.4 s  +0.0 %    +0.3 %
        16     13.2 s  12.8 - 13.7 s  0.02212        13.2 s  +0.4 %    +0.3 %
        20     13.2 s  12.6 - 13.7 s  0.02634  extrapolated
        32     13.6 s  12.7 - 14.5 s  0.03902  extrapolated
        40     14.0 s  12.9 - 15.1 s  0.04746  extrapolated
    fastest: 20 chunks, 13.2 s, 0.02634 USD (extrapolated)
    cheapest within 10 % of it: 8 chunks, 14.4 s, 0.01367 USD (measured)
    chosen among all predictions: a model without 1 chunk has the worst error, +3.3 % (limit 15 %)
    ");
}

#[test]
fn a_sweep_on_two_cores_in_text() {
    insta::assert_snapshot!(of(&TWO_CORES, &[1, 2, 4, 8], 0.03), @r"
    60 frames, measured at 1, 2, 4, 8 chunks
      Plan      2023 ms + 2.2 ms x chunks
      chunk     0 ms + 46.6 ms per frame + 844.0 ms x chunks (the median one)
      slowest   x (1 + 0.050 sqrt(2 ln chunks))
      Map       19.9 ms x chunks
      Assemble  1508 ms + 37.6 ms x chunks
    chunks  predicted        likely      USD      measured     off  left out
         1      7.2 s   5.4 - 9.1 s  0.00138         7.5 s  -3.1 %   -25.7 %
         2      6.9 s   5.1 - 8.7 s  0.00186         6.5 s  +6.4 %    +9.8 %
         4      8.2 s  6.1 - 10.3 s  0.00369         8.4 s  -2.3 %    -2.9 %
         8     11.9 s  8.8 - 14.9 s  0.01079        12.1 s  -1.8 %    -3.8 %
        15     18.8 s  9.6 - 28.0 s  0.03430  extrapolated
        30     34.0 s  8.6 - 59.5 s  0.13212  extrapolated
    fastest: 2 chunks, 6.5 s, 0.00176 USD (measured)
    cheapest within 10 % of it: 2 chunks, 6.5 s, 0.00176 USD (measured)
    chosen among the measured counts only: a model without 1 chunk has the worst error, -25.7 % (limit 15 %)
    ");
}

#[test]
fn two_counts_in_text() {
    let mut observations = sweep(&CONTENDED, &[2, 6], 0.0, 7);
    for seen in &mut observations[..3] {
        seen.cold = true;
    }
    insta::assert_snapshot!(Scaling::of(&observations, &rates(), false).unwrap(), @r"
    60 frames, measured at 2, 6 chunks (only cold at 2)
      Plan      2000 ms + 10.0 ms x chunks
      chunk     3600 ms + 0.0 ms per frame + 700.0 ms x chunks (the median one)
      slowest   x (1 + 0.020 sqrt(2 ln chunks))
      Map       20.0 ms x chunks
      Assemble  1500 ms + 40.0 ms x chunks
    chunks  predicted      USD      measured     off
         2      8.8 s  0.00252         8.8 s  +0.0 %
         4     10.4 s  0.00493  interpolated
         6     12.0 s  0.00888        12.0 s  +0.0 %
    fastest: 2 chunks, 8.8 s, 0.00252 USD (measured)
    cheapest within 10 % of it: 2 chunks, 8.8 s, 0.00252 USD (measured)
    chosen among the measured counts only: with fewer than 3 counts a model can't be checked by leaving one out
    ");
}

#[test]
fn its_names_in_json() {
    let json = serde_json::to_value(of(&AWS, &[1, 2, 4], 0.0)).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let parts = [
        "/measured/0",
        "/model",
        "/model/chunk",
        "/residuals/0",
        "/recommendation",
        "/recommendation/among",
        "/recommendation/fastest",
        "/predictions/0",
        "/predictions/0/parts",
    ];
    let fields: Vec<String> =
        parts.iter().map(|part| format!("{part}: {}", names(json.pointer(part).unwrap()))).collect();
    insta::assert_snapshot!(format!("{}\n{}", names(&json), fields.join("\n")), @r"
    frames measured model residuals worstResidual leftOut worstLeftOut recommendation predictions
    /measured/0: chunks samples cold wallMs planMs dispatchMs medianChunkMs beyondMedianMs assembleMs functionMs requests transitions
    /model: frames planMs chunk imbalance dispatchMsPerChunk assembleMs functionMs requests transitions rates measured
    /model/chunk: startupMs perFrameMs contentionMs
    /residuals/0: chunks wallPercent usdPercent
    /recommendation: among fastest cheapestNearFastest
    /recommendation/among: predictions
    /recommendation/fastest: chunks wallMs usd standing
    /predictions/0: chunks wallMs likelyMs usd standing parts
    /predictions/0/parts: planMs dispatchMs medianChunkMs beyondMedianMs assembleMs
    ");
    assert_eq!(json.pointer("/predictions/0/standing").unwrap(), "measured");
}

#[test]
fn recommendations_are_the_best_of_all_counts_that_a_plan_can_have() {
    let scaling = of(&AWS, &[1, 2, 4, 8, 16], 0.0);
    let all: Vec<Prediction> = scaling.model.candidates().map(|chunks| scaling.model.predict(chunks)).collect();
    let (fastest, cheapest) = (scaling.recommendation.fastest, scaling.recommendation.cheapest_near_fastest);
    assert!(matches!(scaling.recommendation.among, Among::Predictions { .. }));
    assert!(all.iter().all(|other| other.wall_ms >= fastest.wall_ms));
    assert!(all.iter().all(|other| other.usd >= cheapest.usd || other.wall_ms > fastest.wall_ms * 1.1));
    assert!(cheapest.wall_ms <= fastest.wall_ms * 1.1 && cheapest.usd < fastest.usd);
    assert_eq!((fastest.standing, fastest.chunks > cheapest.chunks), (Standing::Extrapolated, true));
}

#[test]
fn a_model_with_large_errors_recommends_measured_counts_with_their_medians() {
    let scaling = of(&TWO_CORES, &[1, 2, 4, 8, 16], 0.0);
    let Among::Measured(Distrust::Error(worst)) = scaling.recommendation.among else { panic!("{scaling}") };
    assert!(worst.wall_percent.abs() > TRUSTED_UP_TO_PERCENT && Some(worst) == scaling.worst_left_out);
    let fastest = scaling.recommendation.fastest;
    let two = scaling.measured.iter().find(|at| at.chunks == ChunkCount::new(2).unwrap()).unwrap();
    assert_eq!((fastest.chunks, fastest.wall_ms, fastest.standing), (two.chunks, two.wall_ms, Standing::Measured));
}

#[test]
fn two_counts_can_not_be_checked() {
    let scaling = of(&CONTENDED, &[2, 8], 0.0);
    assert_eq!(scaling.recommendation.among, Among::Measured(Distrust::TooFewCounts));
    assert_eq!((scaling.recommendation.fastest.chunks.get(), scaling.worst_left_out), (2, None));
}

#[test]
fn where_more_chunks_are_slower_few_are_recommended() {
    let scaling = of(&CONTENDED, &[1, 2, 4, 8, 16], 0.0);
    assert!(scaling.recommendation.fastest.chunks.get() <= 2, "{scaling}");
}

#[test]
fn with_fewer_frames_than_chunks_only_possible_counts_are_predicted() {
    let few = Truth { frames: 3, ..AWS };
    let scaling = of(&few, &[1, 2, 3], 0.0);
    assert_eq!(scaling.predictions.iter().map(|at| at.chunks.get()).collect::<Vec<_>>(), [1, 2, 3]);
    let impossible = of(&few, &[4, 8, 16], 0.0);
    assert!(impossible.recommendation.fastest.chunks.get() <= 3, "{impossible}");
}

#[test]
fn when_no_count_can_split_the_frames_only_measured_ones_are_recommended() {
    let scaling = of(&Truth { frames: 1_000_000, ..AWS }, &[1, 2, 4], 0.0);
    assert_eq!(scaling.recommendation.among, Among::Measured(Distrust::NoCandidates));
    assert!(scaling.predictions.is_empty());
}

#[test]
fn one_count_or_no_time_result_in_no_report() {
    let one = sweep(&AWS, &[4, 4], 0.03, 1);
    assert_eq!(Scaling::of(&one, &rates(), false), Err(Unfit::OneCount(one[0].chunks)));
    let mut timeless = sweep(&AWS, &[1, 2, 4], 0.0, 1);
    timeless[..3].iter_mut().for_each(|seen| (seen.wall_ms, seen.function_ms) = (0, 0));
    assert_eq!(Scaling::of(&timeless, &rates(), false), Err(Unfit::NoTime(timeless[0].chunks)));
}
