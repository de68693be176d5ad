//! Samples that a render cannot have or lack by encoding, or by standing a part of a sample aside: they are brighter or
//! darker than anything around them in the other picture.

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

/// What encoding adds next to edges is as often brighter as darker. So along a line of [`LENGTH`] samples, less than that
/// counts, with its sign, and may be so much in the mean, relative to what single samples may differ.
const RINGING_OF_LINES: u8 = 8;
const OF_LINES: f32 = 2.0;

/// The samples in a line, and at each how many of them one begins.
const LENGTH: usize = 32;
const STEP: usize = LENGTH / 2;

/// The region of a frame whose luma lies farthest outside the range of the 3x3 samples around each in the baseline; or, with
/// a negative difference, in which the baseline's luma lies farther outside that range in the render: a thin line or a dot
/// that is missing stays within what was around it.
pub(crate) fn worst_region(render: &[u8], baseline: &[u8], layout: &Layout) -> Region {
    let [added, missing] = [(render, baseline), (baseline, render)].map(|(of, around)| farthest(of, around, layout));
    let missing = Region { difference: -missing.difference, ..missing };
    if missing.severity() > added.severity() { missing } else { added }
}

/// The region or the line of a picture whose samples lie farthest outside the range of those around their places in another
/// one.
fn farthest(of: &[u8], around: &[u8], layout: &Layout) -> Region {
    let (width, height, plane) = (layout.width as usize, layout.height as usize, &layout.planes[0]);
    let mut of_blocks = vec![0.0; plane.columns * plane.rows];
    // A column more on each side, which repeats the outermost one.
    let (mut least, mut greatest) = (vec![0; width + 2], vec![0; width + 2]);
    let (mut outside, mut lines) = (vec![0i16; width], Lines::new(width));
    for y in 0..height {
        let row = |y: usize| &around[y * width..][..width];
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
        let ranges = lows.zip(highs).zip(&of[y * width..][..width]);
        for (outside, ((((l, low), r), ((left, high), right)), own)) in outside.iter_mut().zip(ranges) {
            let (low, high) = (*low.min(l).min(r), *high.max(left).max(right));
            let [brighter, darker] = [own.saturating_sub(high), low.saturating_sub(*own)];
            *outside = i16::from(brighter.saturating_sub(RINGING_OF_LINES))
                - i16::from(darker.saturating_sub(RINGING_OF_LINES));
        }
        // Most rows have none.
        if outside.iter().fold(0, |any, levels| any | levels) != 0 {
            let of_row = &mut of_blocks[y * plane.rows / height * plane.columns..];
            let more = |levels: &i16| levels.saturating_abs() - i16::from(RINGING - RINGING_OF_LINES);
            let some = outside.iter().map(more).enumerate().filter(|(_, levels)| *levels > 0);
            some.for_each(|(x, levels)| of_row[x * plane.columns / width] += f32::from(levels));
            lines.add(y, &outside);
        }
        if y % STEP == STEP - 1 || y == height - 1 {
            lines.close(y);
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
    let all = regions::windows(plane, side).map(region).chain([lines.worst]);
    all.max_by(|a, b| a.severity().total_cmp(&b.severity())).unwrap_or_default()
}

/// Looks for the line, along a column or a row, whose samples lie outside their ranges most, all in the same direction.
struct Lines {
    /// The sums over the last whole part of each column, and those over the part that is being added up.
    before: Vec<i16>,
    current: Vec<i16>,
    worst: Region,
}

impl Lines {
    fn new(width: usize) -> Self {
        let worst = Region { allowance: OF_LINES, ..Region::default() };
        Self { before: vec![0; width], current: vec![0; width], worst }
    }

    /// Takes row `y`, in which samples lie so far outside their ranges.
    fn add(&mut self, y: usize, outside: &[i16]) {
        self.current.iter_mut().zip(outside).for_each(|(sum, levels)| *sum += levels);
        let mut before = 0;
        for (part, levels) in outside.chunks(STEP).enumerate() {
            let own = levels.iter().sum::<i16>();
            self.keep(before + own, [part.saturating_sub(1) * STEP, y, LENGTH, 1]);
            before = own;
        }
    }

    /// Ends the part of each column that ends with row `y`.
    fn close(&mut self, y: usize) {
        let (top, bottom) = ((y / STEP * STEP).saturating_sub(STEP), y + 1);
        for x in 0..self.current.len() {
            self.keep(self.before[x] + self.current[x], [x, top, 1, bottom - top]);
        }
        std::mem::swap(&mut self.before, &mut self.current);
        self.current.fill(0);
    }

    fn keep(&mut self, sum: i16, pixels: [usize; 4]) {
        let difference = f32::from(sum.saturating_abs()) / LENGTH as f32;
        if difference > self.worst.difference {
            let [left, top, width, height] = pixels.map(|length| length as u64);
            let width = width.min(self.current.len() as u64 - left);
            self.worst = Region { pixels: [left, top, width, height], difference, ..self.worst };
        }
    }
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
        let (plain, cut) =
            (picture(|x, _| word(x)), picture(|x, y| if y == 20 && (32..48).contains(&x) { 40 } else { word(x) }));
        let found = worst(&cut, &plain);
        assert_eq!(found.pixels, [32, 16, 16, 16]);
        // The two samples within each stroke, of which a window has two in one row.
        assert_eq!(found.difference, 2.0 * 2.0 * (160.0 - 20.0) / 256.0);
        assert_eq!(worst(&plain, &cut), Region { difference: -found.difference, ..found });
    }

    #[test]
    fn a_faint_line_is_found_by_its_length() {
        for (line, pixels) in [([40, 40, 0, 48], [40, 0, 1, 32]), ([0, 64, 9, 9], [0, 9, 32, 1])] {
            let [left, right, top, bottom] = line;
            let on = |x: usize, y: usize| (left..=right).contains(&x) && (top..=bottom).contains(&y);
            let (plain, lined) = (picture(|_, _| 60), picture(|x, y| if on(x, y) { 75 } else { 60 }));
            for (found, sign) in [(worst(&lined, &plain), 1.0), (worst(&plain, &lined), -1.0)] {
                assert_eq!((found.pixels, found.difference), (pixels, sign * 7.0));
            }
        }
        // The same samples, some brighter, some darker.
        let rings = picture(|x, y| if y == 9 { [45, 75][x % 2] } else { 60 });
        assert!(worst(&rings, &picture(|_, _| 60)).severity() < 0.3);
    }

    #[test]
    fn what_stands_a_sample_aside_is_blurred_or_rings_is_no_outlier() {
        let baseline = picture(|x, _| word(x));
        let blurred = |x: usize| ((2 * u16::from(word(x)) + u16::from(word(x + 1)) + u16::from(word(x + 7))) / 4) as u8;
        for render in [picture(|x, _| word(x + 1)), picture(|x, _| blurred(x)), picture(|x, y| word(x) + (y % 9) as u8)]
        {
            assert_eq!(worst(&render, &baseline).severity(), 0.0);
        }
    }

    #[test]
    fn sizes_of_any_kind_are_measured() {
        for (width, height) in [(1, 1), (7, 3), (17, 16), (33, 65)] {
            let layout = Layout::new(width, height, FORMAT);
            let of = |level| vec![level; (width * height) as usize];
            assert_eq!(worst_region(&of(9), &of(17), &layout).severity(), 0.0, "{width}x{height}");
            assert!(worst_region(&of(9), &of(129), &layout).severity() > 100.0, "{width}x{height}");
        }
    }
}
