//! The luma samples of some frames of both pictures: what the means of blocks can't show, sharpness and levels.

use std::io::{BufReader, Read};

use anyhow::{Context, ensure};

use crate::picture::{
    blocks::{BlockFormat, Layout},
    hashes,
    levels::{Histogram, LevelsDifference},
    outliers,
    regions::Region,
    sharpness::{self, Detail, Scope},
};

/// Every fourth frame is looked at, because it takes a pass over all samples.
pub const EVERY: u64 = 4;

/// The format whose layout the blocks of luma have.
pub const FORMAT: BlockFormat = BlockFormat { name: "gray", planes: "y", chroma_shift: (0, 0) };

/// A difference of one level, in sixteenths, is no detail: it comes from rounding, and encoders change it at will.
const STEP: u16 = 16;

/// At least so many samples of a frame are counted by their level, as far as it has them.
const COUNTED: usize = 130_000;

/// How the luma of a frame differs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LumaDifference {
    /// The region whose sharpness differs most, in dB.
    pub sharpness: Region,
    /// What of its detail that is.
    pub scope: Scope,
    /// The region whose samples lie farthest outside of what is around them in the baseline.
    pub outliers: Region,
    /// The part of the levels that differs most.
    pub levels: LevelsDifference,
}

/// Reads the luma of the render and of the baseline with 8 bits per sample, each from ffmpeg's `yuv4mpegpipe` muxer, and
/// compares them frame by frame, until one of them ends.
///
/// # Errors
/// When a stream is cut off.
pub fn read(streams: [&mut dyn Read; 2], layout: &Layout) -> anyhow::Result<Vec<LumaDifference>> {
    let mut streams = streams.map(BufReader::new);
    let mut frames = [(); 2].map(|()| Vec::with_capacity((layout.width * layout.height) as usize));
    let mut compared = Vec::new();
    // Each begins with a line about all frames, and each frame with one about itself.
    let mut lines = 2;
    loop {
        for (stream, frame) in streams.iter_mut().zip(&mut frames) {
            for _ in 0..lines {
                if hashes::line(stream)?.is_none() {
                    return Ok(compared);
                }
            }
            frame.clear();
            let samples = layout.width * layout.height;
            stream.take(samples).read_to_end(frame).context("reading the luma of frames")?;
            ensure!(frame.len() as u64 == samples, "the luma of the last frame is cut off");
        }
        lines = 1;
        compared.push(compare(&frames[0], &frames[1], layout));
    }
}

/// Compares the luma of one frame, row by row.
pub fn compare(render: &[u8], baseline: &[u8], layout: &Layout) -> LumaDifference {
    let sum: u64 = render.chunks(1 << 20).zip(baseline.chunks(1 << 20)).map(|(r, b)| difference(r, b)).sum();
    let error = sum as f32 / render.len().max(1) as f32;
    let [(detail, levels), (of_baseline, levels_of_baseline)] = [render, baseline].map(|of| measured(of, layout));
    let (scope, sharpness) = sharpness::worst_region(&detail, &of_baseline, error, layout);
    let outliers = outliers::worst_region(render, baseline, layout);
    LumaDifference { sharpness, scope, outliers, levels: Histogram::compare(&levels, &levels_of_baseline, error) }
}

/// The sum of the absolute differences of fewer samples than overflow it.
fn difference(a: &[u8], b: &[u8]) -> u64 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>().into()
}

/// The detail of a picture, which is the absolute difference between samples and their blur over 3x3 ([1 2 1] in both
/// directions), and the levels of the blurred picture.
fn measured(samples: &[u8], layout: &Layout) -> (Detail, Histogram) {
    let (width, height, plane) = (layout.width as usize, layout.height as usize, &layout.planes[0]);
    let every = ((width * height / COUNTED) as f64).sqrt().max(1.0) as usize;
    let (mut sums, mut histogram) = (vec![0u32; plane.columns * plane.rows], Histogram::default());
    let mut details = Histogram::default();
    let starts: Vec<usize> = (0..=plane.columns).map(|column| (column * width).div_ceil(plane.columns)).collect();
    // A column more on each side, which repeats the outermost one.
    let (mut vertical, mut blurred) = (vec![0u16; width + 2], vec![0u16; width]);
    // The detail of the rows of a block so far, which are SIDE at most.
    let mut detail = vec![0u16; width];
    for y in 0..height {
        let row = |y: usize| &samples[y * width..][..width];
        let (above, own, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
        for (sum, ((a, o), b)) in vertical[1..=width].iter_mut().zip(above.iter().zip(own).zip(below)) {
            *sum = u16::from(*a) + 2 * u16::from(*o) + u16::from(*b);
        }
        (vertical[0], vertical[width + 1]) = (vertical[1], vertical[width]);
        let neighbors = vertical.iter().zip(&vertical[1..]).zip(&vertical[2..]);
        for ((blur, detail), (((left, middle), right), own)) in
            blurred.iter_mut().zip(&mut detail).zip(neighbors.zip(own))
        {
            *blur = left + 2 * middle + right;
            *detail += (16 * u16::from(*own)).abs_diff(*blur).saturating_sub(STEP);
        }
        let row = y * plane.rows / height;
        if (y + 1) * plane.rows / height > row {
            let of_row = &mut sums[row * plane.columns..][..plane.columns];
            for (sum, bounds) in of_row.iter_mut().zip(starts.windows(2)) {
                *sum = detail[bounds[0]..bounds[1]].iter().map(|&d| u32::from(d)).sum();
            }
            detail.fill(0);
        }
        if y % every == 0 {
            blurred.iter().step_by(every).for_each(|&level| histogram.count(level));
        }
        if y % (2 * every) == 0 {
            let sampled = blurred.iter().zip(own).step_by(every);
            sampled.for_each(|(blur, own)| details.count((16 * u16::from(*own)).abs_diff(*blur)));
        }
    }
    let mut rows = vec![0usize; plane.rows];
    (0..height).for_each(|y| rows[y * plane.rows / height] += 1);
    let mean = |(i, sum): (usize, &u32)| {
        let (column, row) = (i % plane.columns, i / plane.columns);
        let count = rows[row] * (starts[column + 1] - starts[column]);
        *sum as f32 / count.max(1) as f32 / 16.0
    };
    let (strongest, ground) = details.highest_and_middle(sharpness::STRONGEST);
    (Detail { blocks: sums.iter().enumerate().map(mean).collect(), strongest, ground }, histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::levels::Part;

    fn layout() -> Layout {
        Layout::new(64, 64, FORMAT)
    }

    /// Stripes with an edge every second sample.
    fn stripes(low: u8, high: u8) -> Vec<u8> {
        (0..64 * 64).map(|i| if i % 4 < 2 { low } else { high }).collect()
    }

    #[test]
    fn the_detail_of_stripes_is_a_quarter_of_their_height_less_a_level() {
        let (detail, _) = measured(&stripes(20, 100), &layout());
        assert!(detail.blocks.iter().skip(1).step_by(8).all(|d| (d - 19.0).abs() < 1e-3), "{detail:?}");
        assert_eq!((detail.strongest, detail.ground), (20.0, 20.0));
    }

    #[test]
    fn a_blur_has_less_detail_and_a_clip_other_levels() {
        let compared = compare(&stripes(30, 90), &stripes(20, 100), &layout());
        assert!((compared.sharpness.difference + 1.97).abs() < 0.1, "{compared:?}");
        assert!(compared.sharpness.severity() > 2.6);
        let white = |level: u8| -> Vec<u8> { (0..64 * 64).map(|i| if i < 64 * 8 { level } else { 100 }).collect() };
        let clipped = compare(&white(215), &white(235), &layout()).levels;
        assert_eq!((clipped.part, clipped.difference), (Part::Brightest, -20.0));
        assert_eq!(compare(&white(215), &white(215), &layout()).levels.severity(), 0.0);
    }

    #[test]
    fn sizes_of_any_kind_are_measured() {
        for (width, height) in [(1, 1), (7, 3), (17, 16), (33, 65)] {
            let layout = Layout::new(width, height, FORMAT);
            let samples = vec![9; (width * height) as usize];
            let compared = compare(&samples, &samples, &layout);
            assert_eq!((compared.sharpness.severity(), compared.levels.severity()), (0.0, 0.0), "{width}x{height}");
        }
    }

    #[test]
    fn a_stream_that_is_cut_off_is_an_error() {
        let of_level = |level: u8, frames: usize| {
            let frame = [b"FRAME\n".as_slice(), &[level; 64 * 64]].concat();
            [b"YUV4MPEG2 W64 H64 F30:1 Cmono\n".as_slice(), &frame.repeat(frames)].concat()
        };
        let stream = |frames| of_level(7, frames);
        let compared = |render: &[u8], baseline: &[u8]| read([&mut &*render, &mut &*baseline], &layout());
        assert_eq!(compared(&stream(3), &stream(3)).unwrap().len(), 3);
        assert_eq!(compared(&stream(3), &stream(2)).unwrap().len(), 2);
        assert_eq!(compared(&[], &[]).unwrap(), []);
        let brighter = compared(&of_level(9, 3), &stream(3)).unwrap();
        assert_eq!(brighter.iter().map(|frame| frame.levels.difference).collect::<Vec<_>>(), [2.0; 3]);
        let whole = stream(3);
        assert!(compared(&whole, &whole[..whole.len() - 1]).is_err());
        assert!(compared(&whole[..whole.len() - 64 * 64 - 3], &whole).is_err());
    }
}
