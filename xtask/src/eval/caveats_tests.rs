use super::*;
use crate::eval::sample::{
    Start,
    sample_tests::{lambda, local, render_id, with},
};

/// The caveats about samples with 1 and 2 chunks and about local renders, with these times in ms.
fn caveats(of_one: &[u64], of_two: &[u64], locals: &[u64], prepared: Option<&'static str>) -> Vec<String> {
    let lambda_of = |count: u16, ms: &[u64]| -> Vec<LambdaSample> {
        ms.iter().zip(1..).map(|(ms, iteration)| lambda(count, iteration, *ms)).collect()
    };
    let all = [lambda_of(1, of_one), lambda_of(2, of_two)].concat();
    caveats_of(&all, of_one.len(), locals, prepared)
}

fn caveats_of(
    samples: &[LambdaSample],
    iterations: usize,
    locals: &[u64],
    prepared: Option<&'static str>,
) -> Vec<String> {
    let locals: Vec<LocalSample> = locals.iter().zip(1..).map(|(ms, iteration)| local(iteration, *ms)).collect();
    let (samples, locals) = (samples.iter().collect::<Vec<_>>(), locals.iter().collect::<Vec<_>>());
    let case = |count: u16| {
        let of_count: Vec<&LambdaSample> =
            samples.iter().copied().filter(|s| s.id.render == render_id(count)).collect();
        Case::of("f", render_id(count), iterations, &of_count, &locals)
    };
    let cases = [case(1), case(2)];
    super::caveats_of(&cases, &samples, &locals, prepared)
}

#[test]
fn clear_differences_have_no_caveat() {
    let clear = caveats(&[9000, 9010, 9020, 9030], &[5000, 5010, 5020, 5030], &[20_000, 20_100, 20_200, 20_300], None);
    assert_eq!(clear, [""; 0]);
}

#[test]
fn counts_that_overlap_do_not_differ_significantly() {
    let overlapping = caveats(&[5000, 5200, 5400, 5600], &[5100, 5300, 5500, 5700], &[], None);
    insta::assert_snapshot!(overlapping.join("\n"), @"f: N=1 and N=2 do not differ significantly (Mann-Whitney, p > 0.05); if they differ as they did here, about 80 more iterations would show it");
}

#[test]
fn a_local_leg_is_ranked_with_the_counts() {
    let overlapping = caveats(&[9000, 9100, 9200, 9300], &[5000, 5100, 5200, 5300], &[5050, 5150, 5250, 5350], None);
    assert_eq!(overlapping.len(), 1);
    assert!(overlapping[0].starts_with("f: N=2 and the local leg do not differ significantly"), "{overlapping:?}");
}

#[test]
fn too_few_iterations_are_reported_once_and_only_when_there_is_something_to_rank() {
    assert_eq!(caveats(&[5000, 5200], &[5100, 5300], &[], None), [""; 0]);
    let of = too_few_to_rank;
    assert_eq!((of(4, 2), of(1, 1)), (None, None));
    insta::assert_snapshot!(of(3, 2).unwrap(), @"--iterations 3 is too few for a ranking: the order of the medians may be chance; 1 more would be enough, and from 5 in all speed-ups have a confidence interval");
}

#[test]
fn the_advice_on_a_wide_spread_depends_on_warm_ups() {
    let wide = |prepared| caveats(&[5000, 6000, 7000, 8000], &[1000; 4], &[], prepared);
    insta::assert_snapshot!(wide(None).join("\n"), @"f N=1: the samples vary by 23 % of their median; --warm avoids cold starts, and an idle machine helps");
    insta::assert_snapshot!(wide(Some("--warm")).join("\n"), @"f N=1: the samples vary by 23 % of their median; the machine or the account may be busy with something else");
}

#[test]
fn a_count_that_was_only_measured_cold_is_not_compared_like_with_like() {
    let cold = with(lambda(2, 1, 9000), |execution| execution.start = Start::Cold);
    let samples = [lambda(1, 1, 5000), cold];
    insta::assert_snapshot!(caveats_of(&samples, 1, &[], None).join("\n"), @"f: all executions of N=2 had cold starts, which take longer, and others are compared by their warm ones; --warm, or more iterations, compare like with like");
}

#[test]
fn a_mix_of_cold_and_warm_samples_is_reported() {
    let cold = with(lambda(1, 1, 5000), |execution| execution.start = Start::Cold);
    let samples = [cold, lambda(1, 2, 5000), lambda(1, 3, 5000)];
    insta::assert_snapshot!(caveats_of(&samples, 3, &[], None).join("\n"), @"f N=1: 1 of 3 executions had cold starts; the medians are those of the others");
    insta::assert_snapshot!(caveats_of(&samples, 3, &[], Some("--warmup")).join("\n"), @"f N=1: 1 of 3 executions had cold starts despite --warmup; the medians are those of the others");
    insta::assert_snapshot!(caveats_of(&samples, 3, &[], Some("--cold")).join("\n"), @"f N=1: 1 of 3 executions had cold starts although --cold starts all of them; the medians are those of the others");
    let all_cold = samples.map(|sample| with(sample, |execution| execution.start = Start::Cold));
    assert_eq!(caveats_of(&all_cold, 3, &[], None), [""; 0]);
}
