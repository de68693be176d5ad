//! Samples that a render cannot have by encoding, or by standing a part of a sample aside: they are brighter or darker
//! than anything around them in the baseline.

use crate::picture::{
    blocks::Layout,
    regions::{self, Region},
};

/// By so many levels, encoding may exceed the range of the samples around one, as next to sharp edges.
const RINGING: u8 = 20;

/// The side of the windows, in blocks.
const WINDOW: usize = 2;

/// What the samples of a window may lie outside in the mean, relative to what single samples may differ.
const ALLOWANCE: f32 = 1.0 / 16.0;

/// The region of a frame whose luma lies farthest outside the range of the 3x3 samples around each in the baseline.
pub(crate) fn worst_region(render: &[u8], baseline: &[u8], layout: &Layout) -> Region {
    let (width, height, plane) = (layout.width as usize, layout.height as usize, &layout.planes[0]);
    let mut of_blocks = vec![0.0; plane.columns * plane.rows];
    // A column more on each side, which repeats the outermost one.
    let (mut least, mut greatest) = (vec![0; width + 2], vec![0; width + 2]);
    let mut outside = vec![0u8; width];
    for y in 0..height {
        let row = |y: usize| &baseline[y * width..][..width];
        let of_column = row(y.saturating_sub(1)).iter().zip(row(y)).zip(row((y + 1).min(height - 1)));
        for ((least, greatest), ((above, own), below)) in
            least[1..=width].iter_mut().zip(&mut greatest[1..=width]).zip(of_column)
        {
            (*least, *greatest) = (*above.min(own).min(below), *above.max(own).max(below));
        }
        for ends in [&mut least, &mut greatest] {
            (ends[0], ends[width + 1]) = (ends[1], ends[width]);
        }
        let lows = least.iter().zip(&least[1..]).zip(&least[2..]);
        let highs = greatest.iter().zip(&greatest[1..]).zip(&greatest[2..]);
        let around = lows.zip(highs).zip(&render[y * width..][..width]);
        for (outside, ((((l, low), r), ((left, high), right)), own)) in outside.iter_mut().zip(around) {
            let (low, high) = (*low.min(l).min(r), *high.max(left).max(right));
            *outside = own.saturating_sub(high).max(low.saturating_sub(*own)).saturating_sub(RINGING);
        }
        // Most rows have none.
        if outside.iter().fold(0, |any, levels| any | levels) > 0 {
            let of_row = &mut of_blocks[y * plane.rows / height * plane.columns..];
            let some = outside.iter().enumerate().filter(|(_, levels)| **levels > 0);
            some.for_each(|(x, &levels)| of_row[x * plane.columns / width] += f32::from(levels));
        }
    }
    let side = regions::side_within(plane, WINDOW);
    let sums = regions::sums(&of_blocks, plane, side);
    let samples = (width * height * side * side) as f32 / of_blocks.len() as f32;
    let region = |(column, row): (usize, usize)| Region {
        pixels: layout.pixels(plane, (column, row), side),
        difference: sums[row * plane.columns + column] / samples,
        allowance: ALLOWANCE,
        ..Region::default()
    };
    let windows = regions::windows(plane, side).map(region);
    windows.max_by(|a, b| a.difference.total_cmp(&b.difference)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::luma::FORMAT;

    /// A picture of 64x48 samples.
    fn picture(level: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..64 * 48).map(|i| level(i % 64, i / 64)).collect()
    }

    fn worst(render: &[u8], baseline: &[u8]) -> Region {
        worst_region(render, baseline, &Layout::new(64, 48, FORMAT))
    }

    /// A bright word with strokes of four samples.
    fn word(x: usize) -> u8 {
        if (2..6).contains(&(x % 8)) { 200 } else { 40 }
    }

    #[test]
    fn a_line_across_a_word_is_found_where_it_is() {
        let cut = worst(&picture(|x, y| if y == 20 && x < 32 { 40 } else { word(x) }), &picture(|x, _| word(x)));
        assert!(cut.pixels[0] < 32 && (8..=16).contains(&cut.pixels[1]), "{cut:?}");
        // The two samples within each stroke, of which a window has two in one row.
        assert_eq!(cut.difference, 2.0 * 2.0 * (160.0 - 20.0) / 256.0);
    }

    #[test]
    fn what_stands_a_sample_aside_is_blurred_or_rings_is_no_outlier() {
        let baseline = picture(|x, _| word(x));
        let blurred = |x: usize| ((2 * u16::from(word(x)) + u16::from(word(x + 1)) + u16::from(word(x + 7))) / 4) as u8;
        for render in
            [picture(|x, _| word(x + 1)), picture(|x, _| blurred(x)), picture(|x, y| word(x) + (y % 20) as u8)]
        {
            assert_eq!(worst(&render, &baseline).severity(), 0.0);
        }
    }

    #[test]
    fn sizes_of_any_kind_are_measured() {
        for (width, height) in [(1, 1), (7, 3), (17, 16), (33, 65)] {
            let layout = Layout::new(width, height, FORMAT);
            let of = |level| vec![level; (width * height) as usize];
            assert_eq!(worst_region(&of(9), &of(29), &layout).severity(), 0.0, "{width}x{height}");
            assert!(worst_region(&of(9), &of(129), &layout).severity() > 100.0, "{width}x{height}");
        }
    }
}
