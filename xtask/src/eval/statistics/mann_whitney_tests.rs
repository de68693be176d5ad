//! The rank test compared with published tables and scipy.

use proptest::prelude::*;

use super::*;

/// Two groups without ties whose U is `u`: `n` low samples below `m` high ones except for `u`
/// swaps, which raise the low samples from the top.
fn groups(n: usize, m: usize, u: usize) -> (Vec<f64>, Vec<f64>) {
    let raised = |i: usize| u.saturating_sub((n - 1 - i) * m).min(m);
    let low = (0..n).map(|i| raised(i) as f64 * 10.0 + i as f64 / n as f64).collect();
    (low, (0..m).map(|j| j as f64 * 10.0 + 5.0).collect())
}

fn p_of(n: usize, m: usize, u: usize) -> f64 {
    let (low, high) = groups(n, m, u);
    let beaten = low.iter().map(|l| high.iter().filter(|h| *h < l).count()).sum::<usize>();
    assert_eq!(beaten, u);
    two_sided_p(&low, &high).unwrap()
}

#[test]
fn the_table_of_mann_and_whitney() {
    // Mann and Whitney (1947), table I: P(U <= u), to three places; here doubled.
    let table: [(usize, &[f64]); 3] = [
        (3, &[0.050, 0.100, 0.200, 0.350]),
        (4, &[0.014, 0.029, 0.057, 0.100, 0.171, 0.243, 0.343]),
        (5, &[0.004, 0.008, 0.016, 0.028, 0.048, 0.075, 0.111, 0.155, 0.210]),
    ];
    for (n, one_sided) in table {
        for (u, known) in one_sided.iter().enumerate() {
            assert!((p_of(n, n, u) / 2.0 - known).abs() < 5e-4, "n = {n}, U = {u}: {}", p_of(n, n, u));
        }
    }
}

#[test]
fn the_published_critical_values() {
    // The greatest U with a two-sided p of at most 0.05, as in any table of the test.
    let table =
        [(3, 5, 0), (4, 4, 0), (4, 5, 1), (5, 5, 2), (5, 8, 6), (6, 6, 5), (8, 8, 13), (10, 10, 23), (20, 20, 127)];
    for (n, m, critical) in table {
        assert!(p_of(n, m, critical) <= 0.05 && p_of(n, m, critical + 1) > 0.05, "{n}, {m}");
    }
    assert!(p_of(3, 3, 0) > 0.05 && p_of(3, 4, 0) > 0.05);
}

#[test]
fn the_exact_test_of_scipy() {
    // scipy 1.17.1, mannwhitneyu(a, b, method="exact").pvalue.
    let a = [6120.0, 6480.0, 6010.0, 7230.0, 6650.0, 6340.0, 6890.0];
    let b = [6550.0, 7010.0, 6930.0, 7450.0, 6700.0, 7600.0];
    assert!((two_sided_p(&a, &b).unwrap() - 0.051_282_051_282_051_28).abs() < 1e-12);
}

#[test]
fn the_exact_test_supports_ties() {
    // scipy 1.17.1, permutation_test((a, b), U, permutation_type="independent", n_resamples=inf)
    // over all 792 ways: 19 in the smaller tail.
    let (a, b) = ([1.0, 2.0, 2.0, 3.0, 5.0], [2.0, 4.0, 5.0, 5.0, 6.0, 7.0, 7.0]);
    assert!((two_sided_p(&a, &b).unwrap() - 38.0 / 792.0).abs() < 1e-12);
    assert_eq!(two_sided_p(&[1.0; 5], &[1.0; 5]), Some(1.0));
}

#[test]
fn the_normal_approximation_is_that_of_scipy() {
    // scipy 1.17.1, mannwhitneyu(a, b, method="asymptotic").pvalue, with ties.
    let a: Vec<f64> = (1..26).map(|i| f64::from(i * 37 % 101)).collect();
    let b: Vec<f64> = (1..24).map(|i| f64::from(i * 53 % 103 / 2 + 40)).collect();
    assert!((two_sided_p(&a, &b).unwrap() - 0.10296758109741322).abs() < 1e-6, "{:?}", two_sided_p(&a, &b));
    assert_eq!(two_sided_p(&[1.0; 30], &[1.0; 30]), Some(1.0));
}

#[test]
fn the_approximation_agrees_with_the_exact_distribution_at_the_limit() {
    for u in [100, 127, 150, 180, 200] {
        let (low, high) = groups(20, 20, u);
        let ranks = Ranks::of(&low, &high);
        assert!((ranks.exact_p() - ranks.normal_p()).abs() < 4e-3, "U = {u}");
    }
}

#[test]
fn without_samples_there_is_no_probability() {
    assert_eq!((two_sided_p(&[], &[1.0]), two_sided_p(&[1.0], &[])), (None, None));
    assert_eq!((least_two_sided_p(3, 3), least_two_sided_p(4, 4), least_two_sided_p(1, 1)), (0.1, 2.0 / 70.0, 1.0));
}

proptest! {
    #[test]
    fn it_is_a_probability_in_either_order(
        a in proptest::collection::vec(0u8..20, 1..25),
        b in proptest::collection::vec(0u8..20, 1..25),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = (a.into_iter().map(f64::from).collect(), b.into_iter().map(f64::from).collect());
        let p = two_sided_p(&a, &b).unwrap();
        prop_assert!(p > 0.0 && p <= 1.0 + 1e-12);
        prop_assert!((p - two_sided_p(&b, &a).unwrap()).abs() < 1e-9);
        if a.len() + b.len() <= EXACT_UP_TO {
            prop_assert!(p >= least_two_sided_p(a.len(), b.len()) - 1e-12);
        }
    }
}
