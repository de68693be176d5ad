//! What is in a single frame alone, and not in those before and after it, which share its noise.

use crate::picture::{
    blocks::{Layout, PlaneLayout, PlaneMeans},
    regions::{CHROMA, Region, contrast, greater, is_chroma, lesser, of_spots},
};

/// How many times the limit a block may differ in a single frame from what it differs in those before and after; the
/// contrast at which it may be twice as much; and the change of the baseline at which it may be.
const FLASH: f32 = 1.7;
const CONTRAST_OF_FLASHES: f32 = 50.0;
const CHANGE_OF_FLASHES: f32 = 2.0;

/// Flashes of less than this, in levels, are not looked at.
const FLASH_AT_LEAST: f32 = 1.0;

/// What is new in a single frame and in a single block, of the root mean square of its samples' differences, may be so
/// many times the limit. It has to be more than this, in square levels.
const SPOT: f32 = 6.4;
const SPOT_AT_LEAST: f32 = 16.0;

/// A plane of a frame, as far as the frames around it are compared with it.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) baseline: Vec<f32>,
    /// How much brighter the render is.
    pub(crate) differences: Vec<f32>,
    /// The mean square of the difference of the samples.
    squares: Vec<f32>,
}

impl Moment {
    pub(crate) fn of(means: &PlaneMeans) -> Self {
        Self { baseline: means.baseline.clone(), differences: means.differences(), squares: means.square.clone() }
    }
}

/// The block that differs in a frame most, and as much less in those before and after it.
pub(crate) fn flash(moments: [&Moment; 3], layout: &Layout, plane: &PlaneLayout) -> Option<Region> {
    let own = moments[1];
    let mut worst: Option<Region> = None;
    let of_plane = if is_chroma(plane.name) { FLASH * CHROMA } else { FLASH };
    for row in 0..plane.rows {
        let of_row = row * plane.columns..(row + 1) * plane.columns;
        let [b, o, a] = moments.map(|moment| &moment.differences[of_row.clone()]);
        // By how much it differs from both, if in the same direction.
        let flashes =
            b.iter().zip(o).zip(a).map(|((b, o), a)| lesser(o - b, o - a).max(0.0) + greater(o - b, o - a).min(0.0));
        let any = flashes.clone().fold(false, |any, flash: f32| any | (flash.abs() > FLASH_AT_LEAST));
        if !any {
            continue;
        }
        for (column, flash) in flashes.enumerate().filter(|(_, flash)| flash.abs() > FLASH_AT_LEAST) {
            let range = contrast(&own.baseline, plane, (column, row), 1);
            let change = change(moments.map(|moment| moment.baseline.as_slice()), plane, (column, row));
            let allowance = of_plane * (1.0 + range / CONTRAST_OF_FLASHES + change / CHANGE_OF_FLASHES);
            keep(&mut worst, region(flash, allowance, range, layout, plane, (column, row)));
        }
    }
    worst
}

/// The block whose samples differ most in a frame, and as much less in the frames before and after it, and in the blocks
/// around it. A dot lies in one block, or in two; the noise of encoding, and what stands a part of a sample aside, in more.
pub(crate) fn spot(moments: [&Moment; 3], layout: &Layout, plane: &PlaneLayout) -> Option<Region> {
    let [before, own, after] = moments.map(|moment| moment.squares.as_slice());
    let mut worst: Option<Region> = None;
    for (row, start) in (0..plane.rows).map(|row| (row, row * plane.columns)) {
        let [b, o, a] = [before, own, after].map(|squares| &squares[start..start + plane.columns]);
        let new = b.iter().zip(o).zip(a).map(|((b, o), a)| o - greater(*b, *a));
        if !new.clone().fold(false, |any, new| any | (new > SPOT_AT_LEAST)) {
            continue;
        }
        for (column, new) in new.enumerate().filter(|(_, new)| *new > SPOT_AT_LEAST) {
            let alone = lesser(new, own[start + column] - second_around(own, plane, (column, row))).max(0.0);
            let range = contrast(&moments[1].baseline, plane, (column, row), 1);
            keep(&mut worst, region(alone.sqrt(), SPOT * of_spots(range), range, layout, plane, (column, row)));
        }
    }
    worst
}

fn keep(worst: &mut Option<Region>, region: Region) {
    if worst.is_none_or(|worst| region.severity() > worst.severity()) {
        *worst = Some(region);
    }
}

fn region(
    difference: f32,
    allowance: f32,
    contrast: f32,
    layout: &Layout,
    plane: &PlaneLayout,
    place: (usize, usize),
) -> Region {
    let (pixels, baseline_contrast, render_contrast) = (layout.pixels(plane, place, 1), contrast, contrast);
    Region { pixels, difference, allowance, baseline_contrast, render_contrast }
}

/// The second greatest of the values of the blocks around one.
fn second_around(of: &[f32], plane: &PlaneLayout, (column, row): (usize, usize)) -> f32 {
    let others = within_one(plane, (column, row)).filter(|block| *block != row * plane.columns + column);
    let (_, second) = others.fold((0.0, 0.0), |(first, second), block| {
        (greater(first, of[block]), greater(second, lesser(first, of[block])))
    });
    second
}

/// How much a block and those around it change from the frame before and to the one after.
fn change([before, own, after]: [&[f32]; 3], plane: &PlaneLayout, place: (usize, usize)) -> f32 {
    let step = |block: usize| (own[block] - before[block]).abs().max((own[block] - after[block]).abs());
    within_one(plane, place).map(step).fold(0.0, greater)
}

/// A block and those around it.
fn within_one(plane: &PlaneLayout, (column, row): (usize, usize)) -> impl Iterator<Item = usize> {
    let (width, columns) = (plane.columns, column.saturating_sub(1)..(column + 2).min(plane.columns));
    let rows = row.saturating_sub(1)..(row + 2).min(plane.rows);
    rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAY: [f32; 9] = [128.0; 9];
    const PLANE: PlaneLayout = PlaneLayout { name: 'y', columns: 3, rows: 3 };

    fn layout(plane: PlaneLayout) -> Layout {
        Layout { width: 24, height: 24, planes: vec![plane] }
    }

    /// The flash of all blocks, which differ by so much before, in, and after the frame.
    fn flash_in(name: char, differences: [f32; 3]) -> Region {
        let plane = PlaneLayout { name, ..PLANE };
        let moment = |level: f32| Moment { baseline: GRAY.into(), differences: vec![level; 9], squares: vec![0.0; 9] };
        flash(differences.map(moment).each_ref(), &layout(plane), &plane).unwrap()
    }

    #[test]
    fn a_flash_of_chroma_may_be_less_than_one_of_luma() {
        let [luma, chroma] = ['y', 'u'].map(|name| flash_in(name, [1.0, 5.0, 0.0]));
        assert_eq!((luma.difference, luma.allowance), (4.0, FLASH));
        assert!((chroma.allowance - FLASH * 0.85).abs() < 1e-5, "{chroma:?}");
    }

    /// The spot in the middle of nine blocks next to an edge, whose samples differ by so many levels, as do those of
    /// the middle block before and after.
    fn spot_in(own: [f32; 9], before: f32, after: f32) -> f32 {
        let mut edge = GRAY;
        edge[3..6].fill(28.0);
        let moment = |levels: [f32; 9]| Moment {
            baseline: edge.into(),
            differences: vec![0.0; 9],
            squares: levels.map(|levels| levels * levels).into(),
        };
        let others = |middle: f32| moment([0.0, 0.0, 0.0, 0.0, middle, 0.0, 0.0, 0.0, 0.0]);
        let found = spot([&others(before), &moment(own), &others(after)], &layout(PLANE), &PLANE);
        found.map_or(0.0, |spot| spot.severity())
    }

    #[test]
    fn a_dot_next_to_an_edge_differs_more_than_the_noise_of_encoding() {
        // Four samples of a block are 130 levels brighter, in one block or at the edge of two.
        let whole = spot_in([2.0, 3.0, 2.0, 2.0, 32.0, 2.0, 2.0, 2.0, 2.0], 4.0, 4.0);
        let half = spot_in([2.0, 3.0, 2.0, 2.0, 23.0, 23.0, 2.0, 2.0, 2.0], 4.0, 4.0);
        assert!(whole > 2.0 && half > 1.5, "{whole} {half}");
    }

    #[test]
    fn what_is_there_before_or_after_or_all_around_is_no_dot() {
        let letters = [9.0, 22.0, 8.0, 20.0, 24.0, 20.0, 9.0, 9.0, 9.0];
        let alone = [2.0, 3.0, 2.0, 2.0, 24.0, 2.0, 2.0, 2.0, 2.0];
        for severity in [spot_in(letters, 0.0, 0.0), spot_in(alone, 22.0, 0.0), spot_in(alone, 0.0, 22.0)] {
            assert!(severity < 1.2, "{severity}");
        }
    }
}
