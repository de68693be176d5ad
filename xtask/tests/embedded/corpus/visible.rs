//! Which differences a person sees when two pictures are shown side by side, by the just-noticeable difference of Chou
//! and Li (1995): it is greater in dark and bright places and next to edges and in textures.

/// The side of the blocks that are looked at.
const SIDE: usize = 8;

/// What of the samples' differences is more than just noticeable has to be so many levels in the mean over a block.
const MORE_THAN_NOTICEABLE: f32 = 1.0;

/// A whole block that is brighter or darker shows sooner than a sample: by so many times the block's just-noticeable
/// difference.
const OF_BLOCK: f32 = 1.0 / 3.0;

/// A block of chroma shows by so many levels of its mean, or of its samples.
const CHROMA_OF_BLOCK: f32 = 2.0;
const CHROMA_OF_SAMPLES: f32 = 4.0;

/// Whether two frames of this width and height, in yuv420p, differ visibly.
pub(super) fn differs(a: &[u8], b: &[u8], (width, height): (usize, usize)) -> bool {
    let luma = width * height;
    let noticeable = noticeable(&b[..luma], width);
    let of_luma = blocks(width, height).any(|samples| {
        let differences: Vec<(f32, f32)> =
            samples.map(|i| (f32::from(a[i]) - f32::from(b[i]), noticeable[i])).collect();
        let count = differences.len() as f32;
        let more: f32 = differences.iter().map(|(difference, least)| (difference.abs() - least).max(0.0)).sum();
        let mean = differences.iter().map(|(difference, _)| difference).sum::<f32>() / count;
        let least = differences.iter().map(|(_, least)| least).sum::<f32>() / count;
        more / count >= MORE_THAN_NOTICEABLE || mean.abs() >= OF_BLOCK * least
    });
    let (columns, rows) = (width / 2, height / 2);
    let of_chroma = || {
        [luma, luma + columns * rows].into_iter().any(|start| {
            blocks(columns, rows).any(|samples| {
                let differences: Vec<f32> =
                    samples.map(|i| f32::from(a[start + i]) - f32::from(b[start + i])).collect();
                let count = differences.len() as f32;
                let of_samples: f32 = differences.iter().map(|difference| difference.abs()).sum();
                let mean = differences.iter().sum::<f32>() / count;
                mean.abs() >= CHROMA_OF_BLOCK || of_samples / count >= CHROMA_OF_SAMPLES
            })
        })
    };
    of_luma || of_chroma()
}

/// The samples of each whole block.
fn blocks(width: usize, height: usize) -> impl Iterator<Item = impl Iterator<Item = usize>> {
    let places = (0..height / SIDE).flat_map(move |y| (0..width / SIDE).map(move |x| (x * SIDE, y * SIDE)));
    places.map(move |(left, top)| (0..SIDE * SIDE).map(move |i| (top + i / SIDE) * width + left + i % SIDE))
}

/// The just-noticeable difference at each sample, in levels, by the mean of the 3x3 samples around it and their range.
fn noticeable(luma: &[u8], width: usize) -> Vec<f32> {
    let height = luma.len() / width;
    let at = |x: usize, y: usize| {
        let around = || {
            let rows = y.saturating_sub(1)..(y + 2).min(height);
            rows.flat_map(move |y| &luma[y * width + x.saturating_sub(1)..y * width + (x + 2).min(width)])
        };
        let (sum, count) = around().fold((0.0, 0.0), |(sum, count), &level| (sum + f32::from(level), count + 1.0));
        let mean: f32 = sum / count;
        let range = around().max().zip(around().min()).map_or(0.0, |(most, least)| f32::from(most - least));
        let by_light = match mean <= 127.0 {
            true => 17.0 * (1.0 - (mean / 127.0).sqrt()) + 3.0,
            false => 3.0 / 128.0 * (mean - 127.0) + 3.0,
        };
        let by_texture = range * (0.0001 * mean + 0.115) + 0.5 - 0.01 * mean;
        by_light.max(by_texture)
    };
    (0..luma.len()).map(|i| at(i % width, i / width)).collect()
}

#[test]
fn what_is_hidden_by_an_edge_or_in_the_dark_is_not_seen() {
    let frame = |luma: &dyn Fn(usize) -> u8, chroma: u8| -> Vec<u8> {
        (0..16 * 16).map(luma).chain([chroma; 2 * 8 * 8]).collect()
    };
    let seen = |a: &dyn Fn(usize) -> u8, b: &dyn Fn(usize) -> u8| differs(&frame(a, 128), &frame(b, 128), (16, 16));
    assert!(seen(&|_| 102, &|_| 100) && !seen(&|_| 22, &|_| 20));
    let dot = |on: usize, off: usize| move |i: usize| if i == 20 { on } else { off } as u8;
    assert!(seen(&dot(235, 100), &|_| 100) && !seen(&dot(108, 100), &|_| 100));
    let stripes = |more: u8| move |i: usize| if i % 4 < 2 { 20 } else { 200 + more };
    assert!(!seen(&stripes(6), &stripes(0)) && seen(&stripes(50), &stripes(0)));
    assert!(differs(&frame(&|_| 100, 130), &frame(&|_| 100, 128), (16, 16)));
}
