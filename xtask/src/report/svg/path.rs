//! Lines and bands of very many points: what is narrower than a pixel is put
//! together, and no extreme is lost by that.

use std::fmt::Write as _;

/// Paths live in a square of so many units, which is stretched over the plot.
pub(super) const UNITS: f64 = 1000.0;

/// A stroked line through points (0..=1, 0..=1), the second from the bottom.
pub(super) fn line(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{}", point(x, y));
    }
    path
}

/// The area between two values for each x, as a closed path.
pub(super) fn band(points: &[(f64, f64, f64)]) -> String {
    let upper = points.iter().map(|(x, _, high)| (*x, *high));
    let lower = points.iter().rev().map(|(x, low, _)| (*x, *low));
    let path = line(upper.chain(lower));
    if path.is_empty() { path } else { path + "Z" }
}

fn point(x: f64, y: f64) -> String {
    let round = |units: f64| (units * 10.0).round() / 10.0;
    format!("{} {}", round(x * UNITS), round((1.0 - y) * UNITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_their_first_point() {
        assert_eq!(line([(0.0, 0.0), (0.5, 1.0), (1.0, 0.25)]), "M0 1000L500 0L1000 750");
        assert_eq!(band(&[(0.0, 0.0, 1.0), (1.0, 0.5, 0.5)]), "M0 0L1000 500L1000 500L0 1000Z");
        assert_eq!((line([]), band(&[])), (String::new(), String::new()));
    }
}
