//! The fit compared with scipy, and as a minimum.

use proptest::prelude::*;

use super::*;

/// Equations in 1, `ceil(frames / n)` and n, relative to the measurements.
fn rows(frames: f64, measured: [f64; 5]) -> Vec<Row<3>> {
    let counts = [1.0, 2.0, 4.0, 8.0, 16.0].iter().zip(measured);
    counts.map(|(n, y): (&f64, f64)| Row { basis: [1.0, (frames / n).ceil(), *n], target: y, scale: y }).collect()
}

#[test]
fn the_solutions_of_scipy() {
    // scipy 1.17.1, numpy 2.4.6: nnls(A / y[:, None], ones(5)), A = c_[ones(5), ceil(frames / N), N];
    // the last number is the square root of the sum of squares.
    let recorded = [
        (60.0, [4100.0, 3450.0, 5200.0, 9020.0, 16800.0], [0.0, 49.38058252, 1062.07855582], 0.06898161616276449),
        (
            900.0,
            [33100.0, 19400.0, 12900.0, 9300.0, 7900.0],
            [5799.34324663, 30.3406241, 21.85068458],
            0.019076877107222764,
        ),
        (900.0, [5000.0, 4100.0, 3300.0, 2400.0, 1100.0], [1036.81258721, 5.57724788, 0.0], 0.5505468581360213),
        (
            900.0,
            [33100.0, 19400.0, 13900.0, 11600.0, 15000.0],
            [3887.29600283, 32.11393582, 565.94099017],
            0.05641489131612494,
        ),
    ];
    for (frames, measured, known, norm) in recorded {
        let rows = rows(frames, measured);
        let found = nonnegative(&rows);
        assert!(found.iter().zip(known).all(|(found, known): (&f64, f64)| (found - known).abs() < 1e-7), "{found:?}");
        assert!((squares(&rows, &found).sqrt() - norm).abs() < 1e-12);
    }
}

#[test]
fn with_fewer_equations_than_functions_the_earlier_functions_are_used() {
    let falling = nonnegative(&rows(900.0, [33.0, 19.5, 0.0, 0.0, 0.0])[..2]);
    assert!((falling[0] - 6.0).abs() < 1e-9 && (falling[1] - 0.03).abs() < 1e-12 && falling[2] == 0.0, "{falling:?}");
    let rising = nonnegative(&rows(900.0, [5.0, 7.0, 0.0, 0.0, 0.0])[..2]);
    assert!((rising[0] - 3.0).abs() < 1e-9 && rising[1] == 0.0 && (rising[2] - 2.0).abs() < 1e-9, "{rising:?}");
}

#[test]
fn nothing_and_zeros_fit_zeros() {
    assert_eq!(nonnegative::<3>(&[]), [0.0; 3]);
    assert_eq!(nonnegative(&[Row { basis: [1.0, 2.0], target: 0.0, scale: 1.0 }; 3]), [0.0; 2]);
    assert_eq!(nonnegative(&[Row { basis: [0.0, 2.0], target: 4.0, scale: 1.0 }]), [0.0, 2.0]);
    assert_eq!(nonnegative(&[Row { basis: [1.0], target: -4.0, scale: 1.0 }]), [0.0]);
}

#[test]
fn units_of_any_size_fit_alike() {
    let row = |x: f64, y: f64| Row { basis: [x], target: y, scale: 1.0 };
    for unit in [1e-6, 1.0, 1e6] {
        let [found] = nonnegative(&[row(unit, 2.0), row(3.0 * unit, 6.0)]);
        assert!((found * unit - 2.0).abs() < 1e-9, "{unit}: {found}");
        // One function twice: the earlier one stands for both.
        let twice = [1.0, 3.0].map(|x| Row { basis: [x * unit, x * unit / 3.0], target: x, scale: 1.0 });
        let found = nonnegative(&twice);
        assert!((found[0] * unit - 1.0).abs() < 1e-9 && found[1] == 0.0, "{unit}: {found:?}");
    }
}

#[test]
fn rounding_errors_do_not_result_in_a_coefficient() {
    let row = |i: f64| Row { basis: [1.0, i], target: 1e9 + i / 10.0, scale: 1.0 };
    let found = nonnegative(&[row(0.0), row(1.0), row(2.0)]);
    assert!((found[0] - (1e9 + 0.1)).abs() < 1e-3 && found[1] == 0.0, "{found:?}");
    let clear = |i: f64| Row { target: 1e9 + i * 100.0, ..row(i) };
    assert!((nonnegative(&[clear(0.0), clear(1.0), clear(2.0)])[1] - 100.0).abs() < 1e-3);
}

fn any_rows() -> impl Strategy<Value = Vec<Row<3>>> {
    let row = (prop::array::uniform3(0f64..100.0), -1e3f64..1e4, 0.1f64..1e3);
    prop::collection::vec(row.prop_map(|(basis, target, scale)| Row { basis, target, scale }), 1..9)
}

proptest! {
    #[test]
    fn no_subset_of_the_functions_fits_better(rows in any_rows(), bits in 0usize..8) {
        let found = nonnegative(&rows);
        prop_assert!(found.iter().all(|coefficient| coefficient.is_finite() && *coefficient >= 0.0));
        let subset: Vec<usize> = (0..3).filter(|i| bits >> i & 1 == 1).collect();
        if let Some(other) = plain(&rows, &subset).filter(|other| other.iter().all(|coefficient| *coefficient >= 0.0)) {
            prop_assert!(squares(&rows, &found) <= squares(&rows, &other) + 1e-12 * squares(&rows, &[0.0; 3]));
        }
    }

    #[test]
    fn the_conditions_of_karush_kuhn_and_tucker_hold(rows in any_rows()) {
        // The conditions of a minimum: no coefficient has a descending slope, and coefficients above 0
        // have no slope. Relative to the lengths of the function and the target.
        let found = nonnegative(&rows);
        let total = squares(&rows, &[0.0; 3]).sqrt();
        for i in 0..3 {
            let slope: f64 = rows.iter()
                .map(|row| row.basis[i] / row.scale * (value(&row.basis, &found) - row.target) / row.scale).sum();
            let length = rows.iter().map(|row| (row.basis[i] / row.scale).powi(2)).sum::<f64>().sqrt();
            prop_assert!(slope >= -1e-6 * total * length, "{i}: {slope}");
            prop_assert!(found[i] == 0.0 || slope <= 1e-6 * total * length, "{i}: {slope}");
        }
    }
}
