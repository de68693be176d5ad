//! Least squares with coefficients that can't be negative.

/// One equation: `basis` times the coefficients should be `target`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<const P: usize> {
    /// The value of each basis function.
    pub(super) basis: [f64; P],
    /// What was measured.
    pub(super) target: f64,
    /// What a residual is divided by before it is squared, above 0: `target` makes it relative.
    pub(super) scale: f64,
}

/// The coefficients that are at least 0 with the least sum of squares.
///
/// Exact, by trying every set of coefficients that may be above 0 (Lawson and Hanson,
/// Solving Least Squares Problems, 1974, chapter 23: the solution is the plain least
/// squares fit of one of them). Of sets that fit as well the smallest wins, then the
/// one of the earlier functions: so fewer equations than functions have a solution too.
pub(super) fn nonnegative<const P: usize>(rows: &[Row<P>]) -> [f64; P] {
    let mut sets: Vec<Vec<usize>> =
        (0..1_u32 << P).map(|bits| (0..P).filter(|i| bits >> i & 1 == 1).collect()).collect();
    sets.sort_by_key(Vec::len);
    let noise = 1e-18 * squares(rows, &[0.0; P]);
    let mut best = ([0.0; P], squares(rows, &[0.0; P]));
    for fitted in sets.iter().filter_map(|set| plain(rows, set)) {
        let error = squares(rows, &fitted);
        if fitted.iter().all(|coefficient| *coefficient >= 0.0) && error < best.1 - noise {
            best = (fitted, error);
        }
    }
    best.0
}

/// The sum of the squared residuals, each divided by its scale.
pub(super) fn squares<const P: usize>(rows: &[Row<P>], coefficients: &[f64; P]) -> f64 {
    rows.iter().map(|row| ((value(&row.basis, coefficients) - row.target) / row.scale).powi(2)).sum()
}

/// What the coefficients make of the basis functions' values.
pub(super) fn value<const P: usize>(basis: &[f64; P], coefficients: &[f64; P]) -> f64 {
    basis.iter().zip(coefficients).map(|(basis, coefficient)| basis * coefficient).sum()
}

/// The least squares fit of the basis functions in `set`, the others' coefficients 0, by
/// modified Gram-Schmidt on the columns and the right side alike (Björck 1967). `None`
/// when those functions are not independent on these rows.
fn plain<const P: usize>(rows: &[Row<P>], set: &[usize]) -> Option<[f64; P]> {
    let column = |i: usize| rows.iter().map(|row| row.basis[i] / row.scale).collect::<Vec<f64>>();
    let mut columns: Vec<Vec<f64>> = set.iter().map(|&i| column(i)).collect();
    columns.push(rows.iter().map(|row| row.target / row.scale).collect());
    let lengths: Vec<f64> = columns.iter().map(|column| length(column)).collect();
    let mut triangle = vec![vec![0.0; columns.len()]; set.len()];
    for i in 0..set.len() {
        let left = length(&columns[i]);
        if left <= 1e-9 * lengths[i] {
            return None;
        }
        let direction: Vec<f64> = columns[i].iter().map(|x| x / left).collect();
        triangle[i][i] = left;
        for j in i + 1..columns.len() {
            triangle[i][j] = dot(&direction, &columns[j]);
            for (x, along) in columns[j].iter_mut().zip(&direction) {
                *x -= triangle[i][j] * along;
            }
        }
    }
    let mut coefficients = [0.0; P];
    for i in (0..set.len()).rev() {
        let known: f64 = (i + 1..set.len()).map(|j| triangle[i][j] * coefficients[set[j]]).sum();
        coefficients[set[i]] = (triangle[i][set.len()] - known) / triangle[i][i];
    }
    Some(coefficients)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
#[path = "least_squares_tests.rs"]
mod tests;
