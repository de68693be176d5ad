//! Whether a render is as sharp as its baseline: how much detail each region has, whatever it shows.
//!
//! The error of single samples can't tell a blur from the noise of encoding, or from text that is placed a fraction of
//! a pixel away. The amount of fine detail can: noise and small shifts hardly change it.

use std::io::Read;

use crate::picture::{
    blocks::{self, BlockFormat, Layout, PlaneLayout},
    regions::{self, Region},
};

/// Sharpness is measured in every fourth frame, because it takes a pass over all samples.
pub const EVERY: u64 = 4;

/// The side of the windows that are compared, in blocks.
const WINDOW: usize = 4;

/// The detail that encoding adds or takes away anywhere, in levels.
const FLOOR: f32 = 3.0;

/// How many times as much a render may be sharper: an encoder that keeps more than the baseline's did is no worse.
const SHARPER: f32 = 1.35;

/// The format in which the detail of the first plane comes.
pub const FORMAT: BlockFormat = BlockFormat { name: "gray16le", planes: "y", chroma_shift: (0, 0) };

/// Reads the mean detail of all blocks of the render and, below it, of the baseline, frame by frame, and gives the
/// region of each frame whose sharpness differs most.
///
/// # Errors
/// When the stream is cut off.
pub fn read(stream: impl Read, layout: &Layout) -> anyhow::Result<Vec<Region>> {
    let mut worst = Vec::new();
    blocks::read_parts(stream, layout, |planes: Vec<[Vec<f32>; 2]>| {
        let [render, baseline] = &planes[0];
        worst.push(worst_region(render, baseline, layout));
    })?;
    Ok(worst)
}

fn worst_region(render: &[f32], baseline: &[f32], layout: &Layout) -> Region {
    let plane: &PlaneLayout = &layout.planes[0];
    let side = regions::side_within(plane, WINDOW);
    let [render, baseline] = [render, baseline].map(|of| regions::sums(of, plane, side));
    let count = (side * side) as f32;
    let of_window = |(column, row): (usize, usize)| {
        let [render_contrast, baseline_contrast] =
            [&render, &baseline].map(|sums| sums[row * plane.columns + column] / count);
        let difference = 20.0 * ((render_contrast + FLOOR) / (baseline_contrast + FLOOR)).log10();
        let pixels = layout.pixels(plane, (column, row), side);
        let allowance = if difference > 0.0 { SHARPER } else { 1.0 };
        Region { pixels, difference, allowance, baseline_contrast, render_contrast }
    };
    let all = regions::windows(plane, side).map(of_window);
    all.max_by(|a, b| a.severity().total_cmp(&b.severity())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worst region of one frame of 64x64 pixels, whose blocks have this detail.
    fn worst(render: impl Fn(usize) -> f32, baseline: impl Fn(usize) -> f32) -> Region {
        let layout = Layout::new(64, 64, FORMAT);
        let levels = (0..64).map(render).chain((0..64).map(baseline));
        let stream: Vec<u8> = levels.flat_map(|level| ((level * 256.0) as u16).to_le_bytes()).collect();
        let read = read(stream.as_slice(), &layout).unwrap();
        assert_eq!(read.len(), 1);
        read[0]
    }

    #[test]
    fn a_region_that_is_blurred_is_found() {
        let in_corner = |i: usize| i % 8 >= 4 && i / 8 >= 4;
        let blurred = worst(|i| if in_corner(i) { 9.0 } else { 21.0 }, |_| 21.0);
        assert_eq!(blurred.pixels, [32, 32, 32, 32]);
        assert!((blurred.difference + 6.02).abs() < 0.01, "{blurred:?}");
        let sharpened = worst(|i| if in_corner(i) { 21.0 } else { 9.0 }, |_| 9.0);
        assert!((sharpened.difference - 6.02).abs() < 0.01, "{sharpened:?}");
    }

    #[test]
    fn noise_in_a_flat_region_is_no_detail() {
        assert_eq!(worst(|_| 3.0, |_| 3.0).difference, 0.0);
        assert!(worst(|_| 0.1, |_| 0.0).severity() < 1.0);
    }

    #[test]
    fn a_stream_that_is_cut_off_is_an_error() {
        let layout = Layout::new(64, 64, FORMAT);
        assert!(read(&[0u8; 3][..], &layout).is_err());
        assert_eq!(read(&[][..], &layout).unwrap(), []);
    }
}
