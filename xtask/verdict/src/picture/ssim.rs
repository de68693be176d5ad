//! SSIM from the statistics of ffmpeg's `ssim` filter, and PSNR and SSIM of two decoded pictures.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::{decibels::Level, frames::png::Pixels, picture::psnr::FramePsnr};

/// The SSIM of a whole video; 1 is identical.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VideoSsim {
    /// Arithmetic mean over all frames, all planes together.
    pub mean: f64,
    /// The worst frame's SSIM.
    pub worst: f64,
    /// Which frame that is, from 0.
    pub worst_frame: u64,
}

impl VideoSsim {
    /// Parses the filter's statistics, with lines such as `n:1 Y:0.98 U:0.99 V:0.99 All:0.985 (18.3)`, and counts
    /// the frames.
    ///
    /// # Errors
    /// When there are no frames, a line has no `All`, or a frame number is missing.
    pub fn from_stats(stats: &str) -> anyhow::Result<(Self, u64)> {
        let mut values = Vec::new();
        for line in stats.lines().filter(|line| !line.trim().is_empty()) {
            let field = |key: &str| line.split_ascii_whitespace().find_map(|word| word.strip_prefix(key));
            let number = field("n:").and_then(|text| text.parse::<usize>().ok());
            ensure!(number == Some(values.len() + 1), "frame {} is missing: found {line:?}", values.len() + 1);
            let all = field("All:").and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_finite());
            values.push(all.with_context(|| format!("no All in the ssim filter's line {line:?}"))?);
        }
        Ok((Self::of(&values).context("no frame was compared")?, values.len() as u64))
    }

    /// Summarizes the frames; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let by_value = |(_, a): &(usize, &f64), (_, b): &(usize, &f64)| a.total_cmp(b);
        let (frame, worst) = values.iter().enumerate().min_by(by_value)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some(Self { mean, worst: *worst, worst_frame: frame as u64 })
    }
}

// PSNR and SSIM of two decoded pictures, computed like ffmpeg's filters. The loops are simple on purpose, because
// they process millions of samples and must be fast without optimization, too.

/// The greatest sample.
const PEAK: f64 = u16::MAX as f64;

/// Names of the planes in the order of a pixel's samples.
const PLANES: [char; 4] = ['r', 'g', 'b', 'a'];

/// How many of the four planes are compared: three without alpha.
fn planes(alpha: bool) -> usize {
    if alpha { 4 } else { 3 }
}

/// The PSNR of two pictures of equal size: for each plane, and over all planes from the mean of their squared
/// errors, including alpha if there is any.
///
/// # Errors
/// When the sizes differ.
pub fn psnr(a: &Pixels, b: &Pixels, alpha: bool) -> anyhow::Result<FramePsnr> {
    ensure!(a.size == b.size && a.rgba.len() == b.rgba.len(), "a picture of {} and one of {}", a.size, b.size);
    let mut sums = [0u64; 4];
    let (of_a, of_b): (&[u16], &[u16]) = (&a.rgba, &b.rgba);
    let mut at = 0;
    while at < of_a.len() {
        let mut plane = 0;
        while plane < 4 {
            let difference = of_a[at + plane] as i64 - of_b[at + plane] as i64;
            sums[plane] += (difference * difference) as u64;
            plane += 1;
        }
        at += 4;
    }
    let count = planes(alpha);
    let pixels = (a.rgba.len() / 4) as f64;
    let level = |sum: u64, samples: f64| match sum {
        0 => Level::Identical,
        sum => Level::Db(10.0 * (PEAK * PEAK / (sum as f64 / samples)).log10()),
    };
    Ok(FramePsnr {
        all: level(sums[..count].iter().sum(), pixels * count as f64),
        planes: (0..count).map(|plane| (PLANES[plane], level(sums[plane], pixels))).collect(),
    })
}

/// The PSNR of an identical frame.
pub fn identical(alpha: bool) -> FramePsnr {
    let planes = PLANES[..planes(alpha)].iter().map(|&plane| (plane, Level::Identical)).collect();
    FramePsnr { all: Level::Identical, planes }
}

/// The side of a block in pixels. A window consists of two by two blocks, and starts at every block.
const BLOCK: usize = 4;

/// The SSIM of two pictures of equal size: the mean over red, green and blue of the mean over windows of 8x8
/// pixels at every fourth row and column. Alpha is ignored, as in the filter.
///
/// # Errors
/// When the sizes differ, or no window fits.
pub fn ssim(a: &Pixels, b: &Pixels) -> anyhow::Result<f64> {
    ensure!(a.size == b.size && a.rgba.len() == b.rgba.len(), "a picture of {} and one of {}", a.size, b.size);
    let (columns, rows) = (a.size.width as usize / BLOCK, a.size.height as usize / BLOCK);
    ensure!(columns >= 2 && rows >= 2, "a picture of {} is too small to be compared: 8x8 pixels are the least", a.size);
    let mut planes = 0.0;
    for plane in 0..3 {
        let (mut above, mut total) = (Vec::new(), 0.0);
        for row in 0..rows {
            let blocks = row_of_blocks(a, b, plane, row, columns);
            if row > 0 {
                for column in 1..columns {
                    let four: [&Sums; 4] = [&above[column - 1], &above[column], &blocks[column - 1], &blocks[column]];
                    total += of_window(&four);
                }
            }
            above = blocks;
        }
        planes += total / ((rows - 1) * (columns - 1)) as f64;
    }
    Ok(planes / 3.0)
}

/// The sums over a block's samples.
#[derive(Default)]
struct Sums {
    a: f64,
    b: f64,
    squares: f64,
    products: f64,
}

fn row_of_blocks(a: &Pixels, b: &Pixels, plane: usize, row: usize, columns: usize) -> Vec<Sums> {
    let width = a.size.width as usize;
    let (samples_a, samples_b): (&[u16], &[u16]) = (&a.rgba, &b.rgba);
    let mut blocks = Vec::with_capacity(columns);
    for column in 0..columns {
        let (mut sum_a, mut sum_b, mut squares, mut products) = (0u64, 0u64, 0u64, 0u64);
        let mut y = 0;
        while y < BLOCK {
            let start = ((row * BLOCK + y) * width + column * BLOCK) * 4 + plane;
            let mut x = 0;
            while x < BLOCK {
                let (of_a, of_b) = (samples_a[start + 4 * x] as u64, samples_b[start + 4 * x] as u64);
                sum_a += of_a;
                sum_b += of_b;
                squares += of_a * of_a + of_b * of_b;
                products += of_a * of_b;
                x += 1;
            }
            y += 1;
        }
        blocks.push(Sums { a: sum_a as f64, b: sum_b as f64, squares: squares as f64, products: products as f64 });
    }
    blocks
}

/// Wang et al. (2004) over the 64 pixels of a window, with the filter's constants.
fn of_window(blocks: &[&Sums; 4]) -> f64 {
    const PIXELS: f64 = 64.0;
    const C1: f64 = 0.01 * 0.01 * PEAK * PEAK * PIXELS;
    const C2: f64 = 0.03 * 0.03 * PEAK * PEAK * PIXELS * (PIXELS - 1.0);
    let mut of = Sums::default();
    for block in blocks {
        of.a += block.a;
        of.b += block.b;
        of.squares += block.squares;
        of.products += block.products;
    }
    let means = of.a * of.a + of.b * of.b;
    let variances = of.squares * PIXELS - means;
    let covariance = of.products * PIXELS - of.a * of.b;
    (2.0 * of.a * of.b + C1) * (2.0 * covariance + C2) / ((means + C1) * (variances + C2))
}

#[cfg(test)]
mod ssim_tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mean_and_worst() {
        let stats = "n:1 Y:1.000000 U:1.000000 V:1.000000 All:1.000000 (inf)\nn:2 Y:0.8 U:1 V:1 All:0.900000 (10.0)\n";
        let (found, frames) = VideoSsim::from_stats(stats).unwrap();
        assert_eq!((found.mean, found.worst, found.worst_frame, frames), (0.95, 0.9, 1, 2));
    }

    #[test]
    fn incomplete_statistics_are_errors() {
        for stats in ["", "n:2 All:0.9\n", "n:1 Y:0.9\n", "n:1 All:nan\n", "All:0.9"] {
            assert!(VideoSsim::from_stats(stats).is_err(), "{stats:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(n:1 )?(All:.{0,4} ?){0,2}.{0,10}\n?") {
            let _ = VideoSsim::from_stats(&text);
        }
    }
}

#[cfg(test)]
pub(crate) mod frame_figures_tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frames::png::PictureSize;

    pub(crate) fn pixels(width: u32, height: u32, sample: impl Fn(usize) -> u8) -> Pixels {
        let rgba = (0..(width * height * 4) as usize).map(|i| u16::from(sample(i)) * 257).collect();
        Pixels { size: PictureSize { width, height }, rgba }
    }

    #[test]
    fn equal_pictures_are_identical() {
        let a = pixels(16, 16, |i| (i * 7) as u8);
        assert_eq!(psnr(&a, &a, true).unwrap(), identical(true));
        assert_eq!(ssim(&a, &a).unwrap(), 1.0);
    }

    #[test]
    fn the_level_is_that_of_the_mean_squared_error() {
        // One sample of 4 x 256 is off by 16: an error of 0.25 of 255^2, or of 1 in its plane.
        let a = pixels(16, 16, |_| 100);
        let off = |sample| pixels(16, 16, move |i| if i == sample { 116 } else { 100 });
        let db = |mse: f64| Level::Db(10.0 * (255.0f64 * 255.0 / mse).log10());
        let near = |found: Level, expected: Level| match (found, expected) {
            (Level::Db(a), Level::Db(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        };
        let green = psnr(&a, &off(1), true).unwrap();
        assert!(near(green.all, db(0.25)) && near(green.planes[1].1, db(1.0)), "{green:?}");
        assert_eq!((green.planes[0], green.planes[3]), (('r', Level::Identical), ('a', Level::Identical)));
        let opaque = psnr(&a, &off(1), false).unwrap();
        assert!(near(opaque.all, db(1.0 / 3.0)) && opaque.planes.len() == 3, "{opaque:?}");
        assert!(near(psnr(&a, &off(3), true).unwrap().planes[3].1, db(1.0)));
    }

    #[test]
    fn pictures_that_cant_be_compared_are_refused() {
        let (a, b) = (pixels(16, 8, |_| 0), pixels(8, 16, |_| 0));
        assert!(psnr(&a, &b, true).is_err() && ssim(&a, &b).is_err());
        let small = pixels(7, 16, |_| 0);
        assert!(ssim(&small, &small).unwrap_err().to_string().starts_with("a picture of 7x16 is too small"));
    }

    /// SSIM by its definition: the mean over windows, from means, variances and the covariance.
    fn ssim_by_definition(a: &Pixels, b: &Pixels) -> f64 {
        let (width, height) = (a.size.width as usize, a.size.height as usize);
        let mut windows = Vec::new();
        for plane in 0..3 {
            for y in (0..=height - 8).step_by(4) {
                for x in (0..=width - 8).step_by(4) {
                    let window = |of: &Pixels| -> Vec<f64> {
                        let at = |i: usize| f64::from(of.rgba[((y + i / 8) * width + x + i % 8) * 4 + plane]) / PEAK;
                        (0..64).map(at).collect()
                    };
                    windows.push(window_by_definition(&window(a), &window(b)));
                }
            }
        }
        windows.iter().sum::<f64>() / windows.len() as f64
    }

    /// Wang et al. (2004), formula 13, with samples of 0 to 1; the filter divides its first constant by 64.
    fn window_by_definition(a: &[f64], b: &[f64]) -> f64 {
        let mean = |of: &[f64]| of.iter().sum::<f64>() / 64.0;
        let covariance = |a: &[f64], b: &[f64]| {
            let (of_a, of_b) = (mean(a), mean(b));
            a.iter().zip(b).map(|(a, b)| (a - of_a) * (b - of_b)).sum::<f64>() / 63.0
        };
        let (c1, c2) = (0.01f64.powi(2) / 64.0, 0.03f64.powi(2));
        (2.0 * mean(a) * mean(b) + c1) * (2.0 * covariance(a, b) + c2)
            / ((mean(a).powi(2) + mean(b).powi(2) + c1) * (covariance(a, a) + covariance(b, b) + c2))
    }

    #[test]
    fn the_ssim_agrees_with_its_definition() {
        // Dark and flat, where the constants decide; busy; and of a width that blocks don't fill.
        let busy = |i: usize, factor: usize| (i * factor % 251) as u8;
        for (width, height) in [(8, 8), (16, 12), (23, 17)] {
            for (a, b) in [
                (pixels(width, height, |i| (i % 3) as u8), pixels(width, height, |i| (i % 5) as u8)),
                (pixels(width, height, |_| 1), pixels(width, height, |_| 3)),
                (pixels(width, height, |i| busy(i, 7)), pixels(width, height, |i| busy(i, 13))),
                (pixels(width, height, |i| busy(i, 7)), pixels(width, height, |i| busy(i, 7) / 2)),
            ] {
                let (found, known) = (ssim(&a, &b).unwrap(), ssim_by_definition(&a, &b));
                assert!((found - known).abs() < 1e-9, "{width}x{height}: {found} instead of {known}");
            }
        }
    }

    #[test]
    fn every_plane_has_the_level_of_its_own_samples() {
        let b = pixels(8, 8, |i| [10, 30, 60, 100][i % 4]);
        let found = psnr(&pixels(8, 8, |_| 0), &b, true).unwrap();
        let db = |squared: f64| 10.0 * (255.0f64 * 255.0 / squared).log10();
        let near = |level: Level, known: f64| matches!(level, Level::Db(db) if (db - known).abs() < 1e-9);
        let known = [('r', 100.0), ('g', 900.0), ('b', 3600.0), ('a', 10_000.0)];
        assert!(
            found
                .planes
                .iter()
                .zip(known)
                .all(|(found, (name, squared))| { found.0 == name && near(found.1, db(squared)) }),
            "{found:?}"
        );
        assert!(near(found.all, db(14_600.0 / 4.0)), "{found:?}");
        assert_eq!(identical(false).planes.iter().map(|(name, _)| *name).collect::<String>(), "rgb");
    }

    #[test]
    fn eight_pixels_a_side_are_the_least() {
        assert!(ssim(&pixels(8, 8, |_| 0), &pixels(8, 8, |_| 0)).is_ok());
        for (width, height) in [(7, 8), (8, 7)] {
            let small = pixels(width, height, |_| 0);
            assert!(ssim(&small, &small).is_err(), "{width}x{height} was accepted");
        }
        // A picture with too few samples for its size.
        let mut cut = pixels(8, 8, |_| 0);
        cut.rgba.truncate(4);
        let whole = pixels(8, 8, |_| 0);
        assert!(ssim(&whole, &cut).is_err() && psnr(&whole, &cut, true).is_err());
    }

    proptest! {
        #[test]
        fn both_figures_are_symmetric_and_in_range(a in proptest::collection::vec(any::<u8>(), 1024), b in proptest::collection::vec(any::<u8>(), 1024)) {
            let (a, b) = (pixels(16, 16, |i| a[i]), pixels(16, 16, |i| b[i]));
            let one = ssim(&a, &b).unwrap();
            prop_assert!((-1.0..=1.0).contains(&one) && (one - ssim(&b, &a).unwrap()).abs() < 1e-12);
            prop_assert_eq!(psnr(&a, &b, true).unwrap(), psnr(&b, &a, true).unwrap());
        }
    }
}
