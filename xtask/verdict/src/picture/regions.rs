//! Where in the picture a render differs from its baseline: the tone of whole planes, and the worst region.

use std::{iter::successors, ops::Add};

use serde::{Deserialize, Serialize};

use crate::picture::blocks::{FrameMeans, Layout, PlaneLayout, PlaneMeans};

/// How much the means of windows may differ.
pub(crate) struct Allowance {
    /// The windows' side in blocks, and how many times the limit they may differ if they are flat. Small ones vary more
    /// from one encoding to another.
    windows: [(usize, f32); 4],
    /// The contrast, in levels, at which a window may differ twice as much as a flat one.
    contrast: f32,
}

const IN_A_FRAME: Allowance = Allowance { windows: [(1, 2.5), (2, 1.5), (4, 1.0), (8, 0.65)], contrast: 20.0 };

/// The same in the mean over a second.
pub(crate) const LASTING: Allowance = Allowance { windows: [(1, 2.1), (2, 1.1), (4, 0.6), (8, 0.38)], contrast: 60.0 };

/// The same for what comes and goes over a second.
pub(crate) const FLICKERING: Allowance =
    Allowance { windows: [(1, 0.52), (2, 0.3), (4, 0.2), (8, 0.105)], contrast: 60.0 };

/// The same for a whole plane that comes and goes, of which an encoder has 0.24 levels.
const WHOLE: f32 = 0.25;

/// The means of chroma vary less from one encoding to another than those of luma.
pub(crate) const CHROMA: f32 = 0.85;

/// The same for the error of samples, which also grows with the mean error of the whole plane, as with grain.
const CONTRAST_OF_ERRORS: f32 = 30.0;

/// Chroma is encoded in coarser steps, which show less.
const CHROMA_ERRORS: f32 = 1.5;

/// The side of the windows in which the error of single samples is measured, in blocks.
const ERROR_SIDE: usize = 4;

/// How many times the error of a region the root mean square of the differences of a single block may be, the contrast at
/// which their mean square may be twice as much, and the mean error of the whole plane, as with grain, at which they may.
/// A few samples that show something else add more to it than to any mean.
const SPOT: f32 = 6.0;
const CONTRAST_OF_SPOTS: f32 = 30.0;
const GRAIN_OF_SPOTS: f32 = 4.0;

/// One plane of a frame compared with the baseline's, in levels of 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneDifference {
    /// y, u, v, r, g, b or a.
    pub plane: char,
    /// How much brighter the render is in the mean over the whole plane.
    pub tone: f32,
    /// The window whose mean differs most, relative to what it may.
    pub region: Region,
    /// The window with the greatest error of its samples relative to what it may be, which need not show in any mean: by
    /// the mean of their absolute differences, or in a single block by the root mean square.
    pub error: Region,
}

/// A window of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// Left, top, width and height in pixels.
    pub pixels: [u64; 4],
    /// How much brighter the render is there in the mean, in levels; or the mean absolute difference.
    pub difference: f32,
    /// How many times the difference of a flat window of 4 by 4 blocks is allowed here.
    pub allowance: f32,
    /// The range of the blocks' means in the baseline, in levels.
    pub baseline_contrast: f32,
    /// The same in the render.
    pub render_contrast: f32,
}

impl Region {
    /// The difference in levels that a flat window of 4 by 4 blocks would need to be as bad.
    pub fn severity(&self) -> f32 {
        self.difference.abs() / self.allowance.max(f32::MIN_POSITIVE)
    }
}

/// Compares all planes of a frame.
pub fn differences(frame: &FrameMeans, layout: &Layout) -> Vec<PlaneDifference> {
    let of = |(means, plane): (&PlaneMeans, &PlaneLayout)| {
        let differences = means.differences();
        let sum: f64 = differences.iter().map(|&d| f64::from(d)).sum();
        let tone = (sum / differences.len().max(1) as f64) as f32;
        let ranges = Range::of_windows(&means.baseline, plane);
        let error = worst_error(means, &ranges, layout, plane);
        PlaneDifference {
            plane: plane.name,
            tone,
            region: worst_region(means, differences, &ranges, &IN_A_FRAME, (layout, plane)),
            error: worst_spot(error, means, &ranges[0], layout, plane),
        }
    };
    frame.0.iter().zip(&layout.planes).map(of).collect()
}

/// The window that differs most over many frames. It may differ `noise` times as much as over a whole second.
pub(crate) fn worst_of_many(
    means: &PlaneMeans,
    ranges: &[Range],
    noise: f32,
    allowed: &Allowance,
    (layout, plane): (&Layout, &PlaneLayout),
) -> Region {
    let allowed = Allowance { windows: allowed.windows.map(|(side, weight)| (side, weight * noise)), ..*allowed };
    worst_region(means, means.differences(), ranges, &allowed, (layout, plane))
}

/// A whole plane that differs by this much, and comes and goes.
pub(crate) fn whole(difference: f32, noise: f32, layout: &Layout, plane: &PlaneLayout) -> Region {
    let allowance = if is_chroma(plane.name) { WHOLE * CHROMA * noise } else { WHOLE * noise };
    Region { pixels: [0, 0, layout.width, layout.height], difference, allowance, ..Region::default() }
}

fn worst_region(
    means: &PlaneMeans,
    differences: Vec<f32>,
    ranges: &[Range],
    allowed: &Allowance,
    (layout, plane): (&Layout, &PlaneLayout),
) -> Region {
    let mut worst = Region { allowance: 1.0, ..Region::default() };
    let mut sums = differences;
    for ((side, weight), range) in allowed.windows.into_iter().zip(ranges) {
        if side > 1 {
            sums = merged(&sums, plane, side / 2, Add::add);
        }
        let of_plane = if is_chroma(plane.name) { weight * CHROMA } else { weight };
        let allowance = |contrast: f32| of_plane * (1.0 + contrast / allowed.contrast);
        worst = worst_window(worst, means, (&sums, range), side, allowance, (layout, plane));
    }
    worst
}

fn worst_error(means: &PlaneMeans, ranges: &[Range], layout: &Layout, plane: &PlaneLayout) -> Region {
    let side = side_within(plane, ERROR_SIDE);
    let sums = sums(&means.error, plane, side);
    let over_all = means.error_over_all();
    let of_chroma = if is_chroma(plane.name) { CHROMA_ERRORS } else { 1.0 };
    let allowance = |contrast: f32| of_chroma * (1.0 + over_all + contrast / CONTRAST_OF_ERRORS);
    let none = Region { allowance: 1.0, ..Region::default() };
    worst_window(none, means, (&sums, &ranges[side.ilog2() as usize]), side, allowance, (layout, plane))
}

/// The block whose samples differ most by their root mean square, if it is worse than `worst`.
fn worst_spot(worst: Region, means: &PlaneMeans, range: &Range, layout: &Layout, plane: &PlaneLayout) -> Region {
    let levels: Vec<f32> = means.square.iter().map(|square| square.sqrt()).collect();
    let of_plane = SPOT * (1.0 + means.error_over_all() / GRAIN_OF_SPOTS);
    worst_window(worst, means, (&levels, range), 1, |contrast| of_plane * of_spots(contrast), (layout, plane))
}

/// How many times as much samples may differ in a block of so much contrast, by their root mean square.
pub(crate) fn of_spots(contrast: f32) -> f32 {
    (1.0 + contrast / CONTRAST_OF_SPOTS).sqrt()
}

pub(crate) fn is_chroma(plane: char) -> bool {
    matches!(plane, 'u' | 'v')
}

/// The window of `side` blocks whose sum of differences is worst, if it is worse than `worst`.
fn worst_window(
    mut worst: Region,
    means: &PlaneMeans,
    (sums, range): (&[f32], &Range),
    side: usize,
    allowance: impl Fn(f32) -> f32,
    (layout, plane): (&Layout, &PlaneLayout),
) -> Region {
    let count = (side * side) as f32;
    for row in 0..(plane.rows + 1).saturating_sub(side) {
        let of_row = row * plane.columns..row * plane.columns + (plane.columns + 1).saturating_sub(side);
        let windows = sums[of_row.clone()].iter().zip(&range.least[of_row.clone()]).zip(&range.greatest[of_row]);
        let excess = |worst: &Region, ((sum, least), greatest): ((&f32, &f32), &f32)| {
            sum.abs() > worst.severity() * count * allowance(greatest - least)
        };
        // Without a branch, so that a processor looks at several windows at a time: most rows have none that is worse.
        if !windows.clone().fold(false, |any, window| any | excess(&worst, window)) {
            continue;
        }
        for (column, window) in windows.enumerate() {
            if excess(&worst, window) {
                let ((sum, least), greatest) = window;
                worst = Region {
                    pixels: layout.pixels(plane, (column, row), side),
                    difference: sum / count,
                    allowance: allowance(greatest - least),
                    baseline_contrast: greatest - least,
                    render_contrast: contrast(&means.render, plane, (column, row), side),
                };
            }
        }
    }
    worst
}

/// The least and the greatest mean in each window and one block around it.
pub(crate) struct Range {
    least: Vec<f32>,
    greatest: Vec<f32>,
}

impl Range {
    /// Of the windows of each side of an [`Allowance`].
    pub(crate) fn of_windows(means: &[f32], plane: &PlaneLayout) -> Vec<Self> {
        let of_blocks = Self { least: around(means, plane, lesser), greatest: around(means, plane, greater) };
        let doubled = |half: &Self, side| Self {
            least: merged(&half.least, plane, side, lesser),
            greatest: merged(&half.greatest, plane, side, greater),
        };
        let mut ranges = vec![of_blocks];
        for (half, _) in &IN_A_FRAME.windows[..IN_A_FRAME.windows.len() - 1] {
            ranges.push(doubled(&ranges[ranges.len() - 1], *half));
        }
        ranges
    }
}

pub(crate) fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

pub(crate) fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Each block with the eight around it.
fn around(of: &[f32], plane: &PlaneLayout, merge: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let (mut rows, columns) = (of.to_vec(), plane.columns.max(1));
    for (row, of) in rows.chunks_mut(columns).zip(of.chunks(columns)) {
        row.iter_mut().zip(&of[1..]).for_each(|(own, right)| *own = merge(*own, *right));
        row[1..].iter_mut().zip(of).for_each(|(own, left)| *own = merge(*own, *left));
    }
    let row = |row: usize| rows.chunks(columns).nth(row).unwrap_or_default();
    let mut all = Vec::with_capacity(of.len());
    for y in 0..plane.rows {
        let rows = row(y.saturating_sub(1)).iter().zip(row(y)).zip(row((y + 1).min(plane.rows - 1)));
        all.extend(rows.map(|((above, own), below)| merge(merge(*above, *own), *below)));
    }
    all
}

/// The values of windows that are twice as wide and high as those in `of`, which have `side` blocks. Windows that
/// reach over the edge have no meaning.
pub(crate) fn merged<T: Copy>(of: &[T], plane: &PlaneLayout, side: usize, merge: impl Fn(T, T) -> T) -> Vec<T> {
    let [right, below, both] =
        [side, side * plane.columns, side * (plane.columns + 1)].map(|d| of.get(d..).unwrap_or_default());
    let windows = of.iter().zip(right).zip(below.iter().zip(both));
    let mut all = Vec::with_capacity(of.len());
    // In one pass, which takes half of the time of one along the rows and one along the columns.
    all.extend(windows.map(|((own, right), (below, both))| merge(merge(*own, *right), merge(*below, *both))));
    all.extend_from_slice(&of[all.len()..]);
    all
}

/// `side`, or the greatest power of two that fits into a smaller plane.
pub(crate) fn side_within(plane: &PlaneLayout, side: usize) -> usize {
    side.min(1 << plane.columns.min(plane.rows).max(1).ilog2())
}

/// The sums of all windows of `side` blocks, a power of two.
pub(crate) fn sums(of: &[f32], plane: &PlaneLayout, side: usize) -> Vec<f32> {
    doublings(side).fold(of.to_vec(), |sums, side| merged(&sums, plane, side, Add::add))
}

/// The sides of the windows that are doubled, one after the other, to get those of `side` blocks.
fn doublings(side: usize) -> impl Iterator<Item = usize> {
    successors(Some(1), |length| Some(length * 2)).take_while(move |length| *length < side)
}

/// The places of all windows of a plane: column and row.
pub(crate) fn windows(plane: &PlaneLayout, side: usize) -> impl Iterator<Item = (usize, usize)> {
    let (columns, rows) = ((plane.columns + 1).saturating_sub(side), (plane.rows + 1).saturating_sub(side));
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (column, row)))
}

/// The range of the means in a window and one block around it.
pub(crate) fn contrast(means: &[f32], plane: &PlaneLayout, (column, row): (usize, usize), side: usize) -> f32 {
    let (mut least, mut greatest) = (f32::MAX, f32::MIN);
    let columns = column.saturating_sub(1)..(column + side + 1).min(plane.columns);
    for row in row.saturating_sub(1)..(row + side + 1).min(plane.rows) {
        for &mean in &means[row * plane.columns..][columns.clone()] {
            (least, greatest) = (least.min(mean), greatest.max(mean));
        }
    }
    (greatest - least).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: (u64, u64) = (160, 96);

    /// A plane of 20 by 12 blocks, whose render differs by `difference` in some of them.
    fn compared(baseline: fn(usize, usize) -> f32, difference: impl Fn(usize, usize) -> f32) -> PlaneDifference {
        compared_in('y', baseline, difference)
    }

    fn compared_in(
        name: char,
        baseline: fn(usize, usize) -> f32,
        difference: impl Fn(usize, usize) -> f32,
    ) -> PlaneDifference {
        let (columns, rows) = (20, 12);
        let layout = Layout { width: LAYOUT.0, height: LAYOUT.1, planes: vec![PlaneLayout { name, columns, rows }] };
        let all = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let baseline: Vec<f32> = all.clone().map(|(column, row)| baseline(column, row)).collect();
        let error: Vec<f32> = all.map(|(column, row)| difference(column, row)).collect();
        let render = baseline.iter().zip(&error).map(|(baseline, difference)| baseline + difference).collect();
        let square = error.iter().map(|difference| difference * difference).collect();
        let error = error.iter().map(|difference| difference.abs()).collect();
        differences(&FrameMeans(vec![PlaneMeans { render, baseline, error, square }]), &layout)[0]
    }

    #[test]
    fn the_worst_region_is_found_at_its_size() {
        let square = compared(|_, _| 100.0, |x, y| if (4..8).contains(&x) && (2..6).contains(&y) { -3.0 } else { 0.0 });
        let Region { pixels, difference, allowance, .. } = square.region;
        assert_eq!((pixels, difference, allowance), ([32, 16, 32, 32], -3.0, 1.0));
        assert!((square.tone + 3.0 * 16.0 / 240.0).abs() < 1e-5, "{}", square.tone);
        assert_eq!((square.error.pixels, square.error.difference), ([32, 16, 32, 32], 3.0));
        let block = compared(|_, _| 100.0, |x, y| if (x, y) == (19, 11) { 40.0 } else { 0.0 });
        assert_eq!((block.region.pixels, block.region.severity()), ([152, 88, 8, 8], 16.0));
        let all = compared(|_, _| 100.0, |_, _| 0.5);
        assert_eq!((all.region.pixels[2..].to_vec(), all.tone), (vec![64, 64], 0.5));
    }

    #[test]
    fn a_block_may_differ_by_less_than_grain_that_is_everywhere() {
        let spot = compared(|_, _| 100.0, |x, y| if (x, y) == (9, 5) { 24.0 } else { 0.0 }).error;
        assert_eq!((spot.pixels, spot.difference), ([72, 40, 8, 8], 24.0));
        assert!(spot.severity() > 2.4, "{spot:?}");
        let grain = compared(|_, _| 100.0, |x, y| if (x + y) % 2 == 0 { 12.0 } else { 18.0 }).error;
        assert!(grain.severity() < 2.4, "{grain:?}");
    }

    #[test]
    fn a_region_with_contrast_may_differ_more() {
        let striped = |x: usize, _: usize| if x.is_multiple_of(2) { 0.0 } else { 90.0 };
        let in_stripes = compared(striped, |_, _| 5.0).region;
        let in_flat = compared(|_, _| 45.0, |_, _| 5.0).region;
        assert!((in_flat.severity() / in_stripes.severity() - 5.5).abs() < 1e-3);
        assert_eq!((in_stripes.baseline_contrast, in_flat.baseline_contrast), (90.0, 0.0));
    }

    #[test]
    fn a_corner_that_is_square_shows_although_its_block_has_contrast() {
        // A square of 110 levels on 220, and a corner of it that was round: a fifth of a block of 128 levels of contrast.
        let square = |x: usize, y: usize| if x < 4 && y < 4 { 110.0 } else { 220.0 };
        let corner = compared(square, |x, y| if (x, y) == (3, 3) { -27.5 } else { 0.0 }).region;
        assert!(corner.severity() > 1.5, "{corner:?}");
    }

    #[test]
    fn the_means_of_chroma_may_differ_less_and_their_samples_more() {
        let [luma, chroma] = ['y', 'u'].map(|name| compared_in(name, |_, _| 128.0, |_, _| 1.0));
        assert!((chroma.region.severity() * 0.85 - luma.region.severity()).abs() < 1e-5, "{chroma:?}");
        assert!((chroma.error.severity() * 1.5 - luma.error.severity()).abs() < 1e-5, "{chroma:?}");
    }

    #[test]
    fn equal_and_tiny_planes_have_no_difference() {
        assert_eq!(compared(|x, y| (x * y) as f32, |_, _| 0.0).region.severity(), 0.0);
        let layout = Layout { width: 1, height: 1, planes: vec![PlaneLayout { name: 'a', columns: 1, rows: 1 }] };
        let one = PlaneMeans { render: vec![7.0], baseline: vec![4.0], error: vec![3.0], square: vec![9.0] };
        let tiny = differences(&FrameMeans(vec![one]), &layout)[0];
        assert_eq!((tiny.tone, tiny.region.difference, tiny.error.difference), (3.0, 3.0, 3.0));
    }
}
