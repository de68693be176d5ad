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

/// The detail that encoding adds or takes away anywhere, in levels: this, and as much more for each level of the
/// picture's mean error, which is great in grain.
const FLOOR: f32 = 1.0;
const FLOOR_OF_ERRORS: f32 = 1.4;

/// In the strongest detail of the whole picture, as much more for each level of faint grain, up to so many levels. Of
/// stronger grain, an encoder keeps the peaks.
const FLOOR_OF_GRAIN: f32 = 2.4;
const FAINT_GRAIN: f32 = 1.5;

/// In the whole picture, one in so many samples counts, those with the most detail. An encoder takes the faint detail of
/// grain first, which a viewer can't follow from frame to frame, and leaves edges and the peaks of the grain as they
/// are. A blur takes its part of everything.
pub const STRONGEST: u64 = 50;

/// The whole picture may differ less than a window.
const ALL: f32 = 0.65;

/// How many times as much a render may be sharper: an encoder that keeps more than the baseline's did is no worse.
const SHARPER: f32 = 1.35;

/// The detail that is not missed where all grain is gone, in levels, and how many times as much of all grain may be lost
/// as of a window: 12 dB. An encoder at CRF 18 that is tuned for the PSNR takes 9 dB, and what takes all of it more than
/// 12.
const FAINT: f32 = 0.4;
const GROUND: f32 = 4.6;

/// The detail of a picture, in levels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detail {
    /// The mean of each block, of what is more than a level.
    pub blocks: Vec<f32>,
    /// The mean of the strongest samples of the whole picture, one in [`STRONGEST`].
    pub strongest: f32,
    /// That of the middle sample: what is everywhere, which is grain.
    pub ground: f32,
}

/// What of a picture's detail differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// That of a region.
    #[default]
    Region,
    /// The strongest of the whole picture.
    Strongest,
    /// The grain of the whole picture.
    Ground,
}

/// The region of a frame whose sharpness differs most, in dB, by the detail of both pictures and the mean error of the
/// samples, in levels.
pub fn worst_region(render: &Detail, baseline: &Detail, error: f32, layout: &Layout) -> (Scope, Region) {
    let plane: &PlaneLayout = &layout.planes[0];
    let side = regions::side_within(plane, WINDOW);
    let compared = |[render_contrast, baseline_contrast]: [f32; 2], floor: f32, pixels, allowance: f32| {
        let difference = 20.0 * ((render_contrast + floor) / (baseline_contrast + floor)).log10();
        let allowance = if difference > 0.0 { allowance * SHARPER } else { allowance };
        Region { pixels, difference, allowance, baseline_contrast, render_contrast }
    };
    // What an encoder adds in a soft picture is its error.
    let added = if render.strongest > baseline.strongest { FLOOR_OF_ERRORS * error } else { 0.0 };
    let floor_of_all = FLOOR + FLOOR_OF_GRAIN * baseline.ground.min(FAINT_GRAIN) + added;
    let everything = [0, 0, layout.width, layout.height];
    let strongest = compared([render.strongest, baseline.strongest], floor_of_all, everything, ALL);
    // That there is more of it is noise, which other gates find.
    let ground = compared([render.ground.min(baseline.ground), baseline.ground], FAINT, everything, GROUND);
    let [render, baseline] = [render, baseline].map(|of| regions::sums(&of.blocks, plane, side));
    let (count, floor) = ((side * side) as f32, FLOOR + FLOOR_OF_ERRORS * error);
    let of_window = |(column, row): (usize, usize)| {
        let contrasts = [&render, &baseline].map(|sums| sums[row * plane.columns + column] / count);
        (Scope::Region, compared(contrasts, floor, layout.pixels(plane, (column, row), side), 1.0))
    };
    let windows = regions::windows(plane, side).map(of_window);
    let all = windows.chain([(Scope::Strongest, strongest), (Scope::Ground, ground)]);
    all.max_by(|(_, a), (_, b)| a.severity().total_cmp(&b.severity())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::luma::FORMAT;

    /// The worst region of one frame of 64x64 pixels, whose blocks have this detail.
    fn worst(render: impl Fn(usize) -> f32, baseline: impl Fn(usize) -> f32) -> Region {
        let of = |level: &dyn Fn(usize) -> f32| Detail { blocks: (0..64).map(level).collect(), ..Detail::default() };
        worst_region(&of(&render), &of(&baseline), 0.5, &Layout::new(64, 64, FORMAT)).1
    }

    /// The same of a picture that has such detail everywhere.
    fn worst_of_all([strongest, ground]: [f32; 2], of_baseline: [f32; 2], error: f32) -> (Scope, f32) {
        let of = |[strongest, ground]: [f32; 2]| Detail { blocks: vec![0.0; 64], strongest, ground };
        let layout = Layout::new(64, 64, FORMAT);
        let (scope, region) = worst_region(&of([strongest, ground]), &of(of_baseline), error, &layout);
        assert!(region.severity() == 0.0 || region.pixels == [0, 0, 64, 64], "{region:?}");
        (scope, region.severity())
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
    fn a_blurred_picture_loses_its_strongest_detail() {
        let (scope, severity) = worst_of_all([13.5, 0.0], [18.0, 0.0], 0.3);
        assert!(scope == Scope::Strongest && severity > 2.6, "{severity}");
    }

    #[test]
    fn grain_that_an_encoder_makes_fainter_is_no_loss_and_grain_that_is_gone_is() {
        let (_, fainter) = worst_of_all([4.4, 0.3], [6.0, 1.25], 1.9);
        assert!(fainter < 2.6, "{fainter}");
        let (scope, gone) = worst_of_all([18.0, 0.0], [18.0, 1.5], 2.2);
        assert!(scope == Scope::Ground && gone > 2.6, "{gone}");
        assert_eq!(worst_of_all([18.0, 1.5], [18.0, 0.0], 2.2).1, 0.0);
    }

    #[test]
    fn noise_in_a_flat_region_is_no_detail() {
        assert_eq!(worst(|_| 3.0, |_| 3.0).difference, 0.0);
        assert!(worst(|i| if i < 2 { 0.3 } else { 0.0 }, |_| 0.0).severity() < 2.4);
    }
}
