//! Whether a render is as sharp as its baseline: how much fine detail each region has, whatever it shows.
//!
//! The error of single samples can't distinguish a blur from the noise of encoding, or from text that is placed a fraction of
//! a pixel away. The amount of fine detail can: noise and small shifts change it little.

use crate::picture::{
    blocks::{Layout, PlaneLayout},
    regions::{self, Region},
};

/// The side of the windows that are compared, in blocks.
const WINDOW: usize = 4;

/// The detail that encoding adds or takes away in any window, in levels: this, and as much more for each level of the
/// picture's mean error, which is great in grain.
const FLOOR: f32 = 1.0;
const FLOOR_OF_ERRORS: f32 = 1.4;

/// The same in the mean over the whole picture.
const FLOOR_OF_ALL: f32 = 0.05;

/// The whole picture may differ less than a window.
const ALL: f32 = 0.65;

/// How many times as much a render may be sharper: an encoder that keeps more than the baseline's did is no worse.
const SHARPER: f32 = 1.35;

/// The region of a frame whose sharpness differs most, in dB, by the mean detail of its blocks and the mean error of
/// its samples, in levels.
pub fn worst_region(render: &[f32], baseline: &[f32], error: f32, layout: &Layout) -> Region {
    let plane: &PlaneLayout = &layout.planes[0];
    let side = regions::side_within(plane, WINDOW);
    let compared = |[render_contrast, baseline_contrast]: [f32; 2], floor: f32, pixels, allowance: f32| {
        let difference = 20.0 * ((render_contrast + floor) / (baseline_contrast + floor)).log10();
        let allowance = if difference > 0.0 { allowance * SHARPER } else { allowance };
        Region { pixels, difference, allowance, baseline_contrast, render_contrast }
    };
    let mean = |of: &[f32]| of.iter().sum::<f32>() / of.len().max(1) as f32;
    let all = compared([mean(render), mean(baseline)], FLOOR_OF_ALL, [0, 0, layout.width, layout.height], ALL);
    let [render, baseline] = [render, baseline].map(|of| regions::sums(of, plane, side));
    let (count, floor) = ((side * side) as f32, FLOOR + FLOOR_OF_ERRORS * error);
    let of_window = |(column, row): (usize, usize)| {
        let contrasts = [&render, &baseline].map(|sums| sums[row * plane.columns + column] / count);
        compared(contrasts, floor, layout.pixels(plane, (column, row), side), 1.0)
    };
    let windows = regions::windows(plane, side).map(of_window);
    windows.chain([all]).max_by(|a, b| a.severity().total_cmp(&b.severity())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::luma::FORMAT;

    /// The worst region of one frame of 64x64 pixels, whose blocks have this detail.
    fn worst(render: impl Fn(usize) -> f32, baseline: impl Fn(usize) -> f32) -> Region {
        let of = |level: &dyn Fn(usize) -> f32| (0..64).map(level).collect::<Vec<f32>>();
        worst_region(&of(&render), &of(&baseline), 0.5, &Layout::new(64, 64, FORMAT))
    }

    #[test]
    fn a_region_that_is_blurred_is_found() {
        let in_corner = |i: usize| i % 8 >= 4 && i / 8 >= 4;
        let blurred = worst(|i| if in_corner(i) { 9.0 } else { 19.7 }, |_| 19.7);
        assert_eq!(blurred.pixels, [32, 32, 32, 32]);
        assert!((blurred.difference + 6.02).abs() < 0.01, "{blurred:?}");
        let sharpened = worst(|i| if in_corner(i) { 19.7 } else { 9.0 }, |_| 9.0);
        assert!((sharpened.difference - 6.02).abs() < 0.01, "{sharpened:?}");
    }

    #[test]
    fn a_soft_picture_is_compared_as_a_whole() {
        let softer = worst(|_| 0.1, |_| 0.2);
        assert_eq!(softer.pixels, [0, 0, 64, 64]);
        assert!((softer.difference + 4.44).abs() < 0.01 && softer.severity() > 6.0, "{softer:?}");
    }

    #[test]
    fn noise_in_a_flat_region_is_no_detail() {
        assert_eq!(worst(|_| 3.0, |_| 3.0).difference, 0.0);
        assert!(worst(|i| if i < 2 { 0.3 } else { 0.0 }, |_| 0.0).severity() < 2.4);
    }
}
