//! Many values as few: the least and the greatest of each bucket survive.

/// A bucket of neighboring values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) struct Bucket {
    /// Where it begins.
    pub x: f64,
    /// Its least value.
    pub low: f64,
    /// Its greatest value.
    pub high: f64,
}

/// Puts values, ascending by x, into `most` buckets of as many each; fewer stay as they are.
pub(in crate::report) fn buckets(values: &[(f64, f64)], most: usize) -> Vec<Bucket> {
    let of_each = values.len().div_ceil(most.max(1)).max(1);
    let bucket = |some: &[(f64, f64)]| {
        let ys = || some.iter().map(|(_, y)| *y);
        Some(Bucket { x: some.first()?.0, low: ys().min_by(f64::total_cmp)?, high: ys().max_by(f64::total_cmp)? })
    };
    values.chunks(of_each).filter_map(bucket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_extreme_is_lost() {
        let mut values: Vec<(f64, f64)> = (0..100_003).map(|x| (f64::from(x), 45.0)).collect();
        (values[70_000].1, values[3].1) = (12.0, 99.0);
        let few = buckets(&values, 600);
        assert!(few.len() <= 600 && few.len() > 500, "{}", few.len());
        assert!(few.iter().any(|bucket| bucket.low == 12.0 && bucket.high == 45.0 && bucket.x <= 70_000.0));
        assert!(few.iter().any(|bucket| bucket.high == 99.0));
        assert!(few.windows(2).all(|pair| pair[0].x < pair[1].x));
    }

    #[test]
    fn few_values_stay() {
        let few = buckets(&[(0.0, 1.0), (1.0, 3.0)], 600);
        assert_eq!(few.iter().map(|b| (b.x, b.low, b.high)).collect::<Vec<_>>(), [(0.0, 1.0, 1.0), (1.0, 3.0, 3.0)]);
        assert!(buckets(&[], 5).is_empty());
    }
}
