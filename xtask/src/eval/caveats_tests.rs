use super::*;
use crate::eval::sample::{
    Start,
    sample_tests::{lambda, local, render_id, with},
};

/// The caveats of samples at 1 and 2 chunks, and of local renders.
fn caveats(of_one: &[u64], of_two: &[u64], locals: &[u64], warmed_up: bool) -> Vec<String> {
    let lambda_of = |count: u16, ms: &[u64]| -> Vec<LambdaSample> {
        ms.iter().zip(1..).map(|(ms, iteration)| lambda(count, iteration, *ms)).collect()
    };
    let all = [lambda_of(1, of_one), lambda_of(2, of_two)].concat();
    told(&all, of_one.len(), locals, warmed_up)
}

fn told(samples: &[LambdaSample], iterations: usize, locals: &[u64], warmed_up: bool) -> Vec<String> {
    let locals: Vec<LocalSample> = locals.iter().zip(1..).map(|(ms, iteration)| local(iteration, *ms)).collect();
    let (samples, locals) = (samples.iter().collect::<Vec<_>>(), locals.iter().collect::<Vec<_>>());
    let case = |count: u16| {
        let of_count: Vec<&LambdaSample> =
            samples.iter().copied().filter(|s| s.id.render == render_id(count)).collect();
        Case::of("f", render_id(count), iterations, &of_count, &locals)
    };
    let cases = [case(1), case(2)];
    let found = Caveat::of_fixture(&cases.iter().collect::<Vec<_>>(), &samples, &locals, warmed_up);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_clear_has_no_caveat() {
    let clear = caveats(&[9000, 9010, 9020, 9030], &[5000, 5010, 5020, 5030], &[20_000, 20_100, 20_200, 20_300], false);
    assert_eq!(clear, [""; 0]);
}

#[test]
fn counts_that_overlap_cant_be_told_apart() {
    let overlapping = caveats(&[5000, 5200, 5400, 5600], &[5100, 5300, 5500, 5700], &[], false);
    insta::assert_snapshot!(overlapping.join("\n"), @"f: N=1 and N=2 can't be told apart (Mann-Whitney, p > 0.05); more --iterations may tell, or they take the same");
}

#[test]
fn a_local_leg_is_ranked_with_the_counts() {
    let overlapping = caveats(&[9000, 9100, 9200, 9300], &[5000, 5100, 5200, 5300], &[5050, 5150, 5250, 5350], false);
    assert_eq!(overlapping.len(), 1);
    assert!(overlapping[0].starts_with("f: N=2 and the local leg can't be told apart"), "{overlapping:?}");
}

#[test]
fn too_few_iterations_are_told_once_and_only_where_something_is_to_rank() {
    assert_eq!(caveats(&[5000, 5200], &[5100, 5300], &[], false), [""; 0]);
    let of = |iterations, to_rank| Caveat::of_iterations(iterations, to_rank).map(|caveat| caveat.to_string());
    assert_eq!((of(4, 2), of(1, 1)), (None, None));
    insta::assert_snapshot!(of(3, 2).unwrap(), @"3 iterations of each can't rank anything: an order of medians may be chance. --iterations 4 or more can, and speed-ups have an interval from 5");
}

#[test]
fn a_wide_spread_has_advice_that_knows_what_was_done() {
    let wide = |warmed_up| caveats(&[5000, 6000, 7000, 8000], &[1000; 4], &[], warmed_up);
    insta::assert_snapshot!(wide(false).join("\n"), @"f N=1: the samples spread by 23 % of their median; --warmup 1 keeps cold starts out of them, and an idle machine helps");
    insta::assert_snapshot!(wide(true).join("\n"), @"f N=1: the samples spread by 23 % of their median; something else keeps the machine or the account busy");
}

#[test]
fn cold_and_warm_samples_together_are_told() {
    let cold = with(lambda(1, 1, 5000), |execution| execution.start = Start::Cold);
    let samples = [cold, lambda(1, 2, 5000), lambda(1, 3, 5000)];
    insta::assert_snapshot!(told(&samples, 3, &[], false).join("\n"), @"f N=1: 1 of 3 executions waited for cold starts; --warmup 1 measures warm ones alone");
    insta::assert_snapshot!(told(&samples, 3, &[], true).join("\n"), @"f N=1: 1 of 3 executions waited for cold starts in spite of --warmup; results.json has the warm ones apart");
    let all_cold = samples.map(|sample| with(sample, |execution| execution.start = Start::Cold));
    assert_eq!(told(&all_cold, 3, &[], false), [""; 0]);
}
