use super::*;
use crate::{
    benchmark::sample::tests::{failed, lambda, local, render_id, with},
    measure::residual::Residual,
};

fn lines(case: Case) -> Vec<Vec<String>> {
    csv(&[case]).lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn the_scripts_columns_come_first_with_minus_200_for_silence() {
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
fn what_was_not_measured_is_empty_and_never_zero() {
    let lines = lines(Case::of("f", render_id(2), 1, &[&failed(2, 1)], &[]));
    assert_eq!(lines[1].join(","), "f,,,,,,,2,,1,1,false,,,,0,,,,,,,,,,,,,,");
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
