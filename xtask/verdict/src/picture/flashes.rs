//! What is in a single frame alone, and not in those before and after it, which share its noise.

use crate::picture::{
    blocks::{Layout, PlaneLayout, PlaneMeans},
    regions::{CHROMA, Region, contrast, greater, is_chroma, lesser},
};

/// How many times the limit a block may differ in a single frame from what it differs in those before and after; the
/// contrast at which it may be twice as much; and the change of the baseline at which it may be.
const FLASH: f32 = 1.5;
const CONTRAST_OF_FLASHES: f32 = 50.0;
const CHANGE_OF_FLASHES: f32 = 2.0;

/// Flashes of less than this, in levels, are not looked at.
const FLASH_AT_LEAST: f32 = 1.0;

/// A block may differ less by what is new in it: by how much the error of its samples is greater than before and after, if
/// its mean differs as much. In a dot, all samples that differ do so in one direction, and in the noise of encoding they
/// do not. A level of error before or after counts as much as the contrast or the change below.
const NEW: f32 = 1.37;
const CONTRAST_OF_NEW: f32 = 150.0;
const CHANGE_OF_NEW: f32 = 4.0;

/// A plane of a frame, as far as the frames around it are compared with it.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) baseline: Vec<f32>,
    /// How much brighter the render is.
    pub(crate) differences: Vec<f32>,
    /// The mean absolute difference of the samples.
    errors: Vec<f32>,
}

impl Moment {
    pub(crate) fn of(means: &PlaneMeans) -> Self {
        Self { baseline: means.baseline.clone(), differences: means.differences(), errors: means.error.clone() }
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
            let [before, error, after] = moments.map(|moment| moment.errors[row * plane.columns + column]);
            let usual = greater(before, after);
            let new = lesser(error - usual, flash.abs()).max(0.0).copysign(flash);
            let of_new = NEW / FLASH * of_plane * (1.0 + range / CONTRAST_OF_NEW + change / CHANGE_OF_NEW + usual);
            let is_new = new.abs() * allowance > flash.abs() * of_new;
            let (difference, allowance) = if is_new { (new, of_new) } else { (flash, allowance) };
            let region = Region {
                pixels: layout.pixels(plane, (column, row), 1),
                difference,
                allowance,
                baseline_contrast: range,
                render_contrast: range,
            };
            if worst.is_none_or(|worst| region.severity() > worst.severity()) {
                worst = Some(region);
            }
        }
    }
    worst
}

/// How much a block and those around it change from the frame before and to the one after.
fn change([before, own, after]: [&[f32]; 3], plane: &PlaneLayout, (column, row): (usize, usize)) -> f32 {
    let mut most = 0.0;
    for row in row.saturating_sub(1)..(row + 2).min(plane.rows) {
        for block in
            row * plane.columns + column.saturating_sub(1)..row * plane.columns + (column + 2).min(plane.columns)
        {
            most = greater(most, (own[block] - before[block]).abs().max((own[block] - after[block]).abs()));
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAY: [f32; 9] = [128.0; 9];

    /// The flash of a block and those around it, which differ by so much before, in, and after the frame, in the mean and by
    /// their samples.
    fn flash_in(name: char, baseline: [f32; 9], frames: [[f32; 2]; 3]) -> Region {
        let plane = PlaneLayout { name, columns: 3, rows: 3 };
        let layout = Layout { width: 24, height: 24, planes: vec![plane] };
        let moment = |[difference, error]: [f32; 2]| Moment {
            baseline: baseline.to_vec(),
            differences: vec![difference; 9],
            errors: vec![error; 9],
        };
        let moments = frames.map(moment);
        flash(moments.each_ref(), &layout, &plane).unwrap()
    }

    #[test]
    fn a_flash_of_chroma_may_be_less_than_one_of_luma() {
        let [luma, chroma] = ['y', 'u'].map(|name| flash_in(name, GRAY, [[1.0, 2.0], [5.0, 6.0], [0.0, 2.0]]));
        assert_eq!((luma.difference, luma.allowance), (4.0, 1.5));
        assert!((chroma.allowance - 1.5 * 0.85).abs() < 1e-5, "{chroma:?}");
    }

    #[test]
    fn a_dot_next_to_an_edge_differs_more_than_the_noise_of_encoding() {
        let mut edge = GRAY;
        edge[3..6].fill(28.0);
        let dot = flash_in('y', edge, [[0.0, 0.0], [-5.0, 5.0], [0.0, 0.0]]);
        assert_eq!(dot.difference, -5.0);
        assert!(dot.severity() > 2.0, "{dot:?}");
        // Its samples differ in both directions, or as much before and after.
        for frames in [[[0.0, 4.0], [-5.0, 6.0], [0.0, 5.0]], [[1.0, 4.0], [5.0, 8.0], [0.0, 4.0]]] {
            let noise = flash_in('y', edge, frames);
            assert!(noise.severity() < 1.2, "{noise:?}");
        }
    }
}
