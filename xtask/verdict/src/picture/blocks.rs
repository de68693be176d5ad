//! The means of small blocks of both pictures. From them follow the differences of regions, tone, and time.

use std::io::Read;

use anyhow::{Context, ensure};

use crate::frames::png::{PictureSize, Pixels};

/// The side of a block in samples of its plane. A size that is not a multiple of it has slightly smaller blocks.
pub const SIDE: u64 = 8;

/// The pixel format in which ffmpeg delivers the means of blocks, with 16 bits per sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockFormat {
    /// Its name in ffmpeg.
    pub name: &'static str,
    /// The names of its planes, in the order in which ffmpeg writes them.
    pub planes: &'static str,
    /// By how many bits the width and the height of the second and the third plane are smaller.
    pub chroma_shift: (u32, u32),
}

impl BlockFormat {
    /// The format for the means of a picture in `pixel_format`. Colors are never converted: the planes of RGB are
    /// taken as they are, in the order of ffmpeg's `gbrp`.
    pub fn of(pixel_format: &str) -> Self {
        let of = |name, planes, chroma_shift| Self { name, planes, chroma_shift };
        let contains = |part: &str| pixel_format.contains(part);
        match (is_rgb(pixel_format), has_alpha(pixel_format)) {
            (true, true) => of("yuva444p16le", "gbra", (0, 0)),
            (true, false) => of("yuv444p16le", "gbr", (0, 0)),
            (false, true) if contains("420") => of("yuva420p16le", "yuva", (1, 1)),
            (false, true) if contains("422") => of("yuva422p16le", "yuva", (1, 0)),
            (false, true) => of("yuva444p16le", "yuva", (0, 0)),
            (false, false) if contains("gray") => of("gray16le", "y", (0, 0)),
            (false, false) if contains("420") || contains("nv12") || contains("p010") => {
                of("yuv420p16le", "yuv", (1, 1))
            }
            (false, false) if contains("422") => of("yuv422p16le", "yuv", (1, 0)),
            (false, false) => of("yuv444p16le", "yuv", (0, 0)),
        }
    }
}

/// Whether a pixel format stores red, green and blue.
pub fn is_rgb(pixel_format: &str) -> bool {
    ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr"].iter().any(|prefix| pixel_format.starts_with(prefix))
}

fn has_alpha(pixel_format: &str) -> bool {
    ["rgba", "bgra", "argb", "abgr", "gbrap", "yuva"].iter().any(|prefix| pixel_format.starts_with(prefix))
}

/// How many blocks each plane of a picture has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The width of the picture in pixels.
    pub width: u64,
    /// Its height in pixels.
    pub height: u64,
    /// Its planes.
    pub planes: Vec<PlaneLayout>,
}

/// How many blocks a plane has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayout {
    /// y, u, v, r, g, b or a.
    pub name: char,
    /// Blocks in a row.
    pub columns: usize,
    /// Rows of blocks.
    pub rows: usize,
}

impl Layout {
    /// The layout of a picture of this size.
    pub fn new(width: u64, height: u64, format: BlockFormat) -> Self {
        // Even, so that chroma planes of half the size have whole blocks.
        let blocks = |length: u64| 2 * length.div_ceil(2 * SIDE).max(1) as usize;
        let plane = |(i, name)| {
            let (x, y) = if i == 1 || i == 2 { format.chroma_shift } else { (0, 0) };
            PlaneLayout { name, columns: blocks(width) >> x, rows: blocks(height) >> y }
        };
        Self { width, height, planes: format.planes.chars().enumerate().map(plane).collect() }
    }

    /// The layout of a PNG sequence's frame.
    pub fn of_frame(size: PictureSize, alpha: bool) -> Self {
        let planes = if alpha { "rgba" } else { "rgb" };
        let format = BlockFormat { name: "", planes, chroma_shift: (0, 0) };
        Self::new(size.width.into(), size.height.into(), format)
    }

    /// The pixels that a window of blocks covers: left, top, width and height.
    pub fn pixels(&self, plane: &PlaneLayout, (column, row): (usize, usize), side: usize) -> [u64; 4] {
        let at = |block: usize, of: usize, length: u64| (block.min(of) as u64 * length) / of as u64;
        let [left, right] = [column, column + side].map(|block| at(block, plane.columns, self.width));
        let [top, bottom] = [row, row + side].map(|block| at(block, plane.rows, self.height));
        [left, top, right - left, bottom - top]
    }
}

/// The blocks of one frame in both videos, plane by plane, in levels of 255.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameMeans(pub Vec<PlaneMeans>);

/// The blocks of one plane, row by row, in levels of 255.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneMeans {
    /// The means of the render.
    pub render: Vec<f32>,
    /// The means of the baseline.
    pub baseline: Vec<f32>,
    /// The mean absolute difference of the samples.
    pub error: Vec<f32>,
    /// The mean square of the difference of the samples, in square levels. Differences below 12 levels are coarse.
    pub square: Vec<f32>,
}

impl PlaneMeans {
    /// The mean absolute difference of the samples of the whole plane, in levels.
    pub(crate) fn error_over_all(&self) -> f32 {
        self.error.iter().sum::<f32>() / self.error.len().max(1) as f32
    }

    /// How much brighter each block of the render is.
    pub fn differences(&self) -> Vec<f32> {
        self.render.iter().zip(&self.baseline).map(|(render, baseline)| render - baseline).collect()
    }
}

/// Reads the frames of a stream in which the render's blocks, the baseline's, their absolute difference, and its square
/// (as a part of 255 squared) stand one above the other in each plane, and passes each on.
///
/// # Errors
/// When the stream is cut off.
// Not generic: otherwise its loops would be compiled where it is called, without optimization.
pub fn read(stream: &mut dyn Read, layout: &Layout, each: &mut dyn FnMut(FrameMeans)) -> anyhow::Result<()> {
    let bytes: usize = layout.planes.iter().map(|plane| plane.columns * plane.rows * 4 * 2).sum();
    let mut buffer = Vec::with_capacity(bytes);
    loop {
        buffer.clear();
        (&mut *stream).take(bytes as u64).read_to_end(&mut buffer).context("reading the means of blocks")?;
        if buffer.is_empty() {
            return Ok(());
        }
        ensure!(buffer.len() == bytes, "the means of the last frame's blocks are cut off");
        let mut rest = buffer.as_slice();
        let planes = layout.planes.iter().map(|plane| {
            let [render, baseline, error, square] = [1.0, 1.0, 1.0, 255.0].map(|level: f32| {
                let (part, others) = rest.split_at(plane.columns * plane.rows * 2);
                rest = others;
                let (pairs, _) = part.as_chunks();
                pairs.iter().map(|pair| f32::from(u16::from_le_bytes(*pair)) * (level / 256.0)).collect()
            });
            PlaneMeans { render, baseline, error, square }
        });
        each(FrameMeans(planes.collect()));
    }
}

impl FrameMeans {
    /// The blocks of two decoded pictures of the size of `layout`, whose planes are r, g, b and perhaps a.
    pub fn of_pixels(render: &Pixels, baseline: &Pixels, layout: &Layout) -> Self {
        let plane = |(channel, plane): (usize, &PlaneLayout)| {
            let mut sums = vec![[0u64; 4]; plane.columns * plane.rows];
            let mut counts = vec![0u64; plane.columns * plane.rows];
            let width = layout.width as usize;
            let samples = |of: &Pixels, i: usize| u64::from(of.rgba[4 * i + channel]);
            for i in 0..width * layout.height as usize {
                let (x, y) = (i % width, i / width);
                let block = y * plane.rows / layout.height as usize * plane.columns + x * plane.columns / width;
                let (r, b) = (samples(render, i), samples(baseline, i));
                let difference = r.abs_diff(b);
                for (sum, value) in sums[block].iter_mut().zip([r, b, difference, difference * difference / 257]) {
                    *sum += value;
                }
                counts[block] += 1;
            }
            let mean = |which: usize| {
                let of =
                    |(sums, count): (&[u64; 4], &u64)| (sums[which] as f64 / (*count).max(1) as f64 / 257.0) as f32;
                sums.iter().zip(&counts).map(of).collect()
            };
            PlaneMeans { render: mean(0), baseline: mean(1), error: mean(2), square: mean(3) }
        };
        Self(layout.planes.iter().enumerate().map(plane).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pixel_format_keeps_its_planes() {
        for (pixel_format, name, planes) in [
            ("yuv420p", "yuv420p16le", "yuv"),
            ("yuvj420p", "yuv420p16le", "yuv"),
            ("p010le", "yuv420p16le", "yuv"),
            ("yuv422p10le", "yuv422p16le", "yuv"),
            ("yuv444p12le", "yuv444p16le", "yuv"),
            ("yuva420p", "yuva420p16le", "yuva"),
            ("yuva444p12le", "yuva444p16le", "yuva"),
            ("gray10le", "gray16le", "y"),
            ("gbrp", "yuv444p16le", "gbr"),
            ("rgb24", "yuv444p16le", "gbr"),
            ("rgba", "yuva444p16le", "gbra"),
            ("gbrap12le", "yuva444p16le", "gbra"),
        ] {
            let format = BlockFormat::of(pixel_format);
            assert_eq!((format.name, format.planes), (name, planes), "{pixel_format}");
        }
    }

    #[test]
    fn windows_cover_the_whole_picture() {
        let layout = Layout::new(320, 180, BlockFormat::of("yuv420p"));
        let blocks: Vec<_> = layout.planes.iter().map(|plane| (plane.name, plane.columns, plane.rows)).collect();
        assert_eq!(blocks, [('y', 40, 24), ('u', 20, 12), ('v', 20, 12)]);
        assert_eq!(layout.pixels(&layout.planes[0], (0, 0), 4), [0, 0, 32, 30]);
        assert_eq!(layout.pixels(&layout.planes[1], (18, 10), 2), [288, 150, 32, 30]);
        let tiny = Layout::new(1, 1, BlockFormat::of("yuv420p"));
        assert_eq!(tiny.pixels(&tiny.planes[2], (0, 0), 1), [0, 0, 1, 1]);
    }

    #[test]
    fn a_stream_has_the_render_the_baseline_their_difference_and_its_square() {
        let layout = Layout { width: 16, height: 8, planes: vec![PlaneLayout { name: 'y', columns: 2, rows: 1 }] };
        let stream: Vec<u8> =
            [256u16, 512, 768, 1024, 64, 0, 128, 0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut frames = Vec::new();
        read(&mut stream.repeat(2).as_slice(), &layout, &mut |frame| frames.push(frame)).unwrap();
        let (render, baseline) = (vec![1.0, 2.0], vec![3.0, 4.0]);
        let plane = PlaneMeans { render, baseline, error: vec![0.25, 0.0], square: vec![127.5, 0.0] };
        assert_eq!(frames, [FrameMeans(vec![plane.clone()]), FrameMeans(vec![plane])]);
        let cut_off = read(&mut &stream[..15], &layout, &mut |_| ()).unwrap_err();
        assert_eq!(cut_off.to_string(), "the means of the last frame's blocks are cut off");
    }

    #[test]
    fn the_blocks_of_decoded_pictures_are_their_means() {
        let size = PictureSize { width: 16, height: 16 };
        let picture = |level: fn(usize) -> u16| Pixels { size, rgba: (0..16 * 16 * 4).map(level).collect() };
        // The left half is white.
        let (render, baseline) = (picture(|i| if i / 4 % 16 < 8 { u16::MAX } else { 0 }), picture(|_| 0));
        let layout = Layout::of_frame(size, false);
        let FrameMeans(planes) = FrameMeans::of_pixels(&render, &baseline, &layout);
        assert_eq!(planes.len(), 3);
        assert_eq!(planes[1].render, [255.0, 0.0, 255.0, 0.0]);
        assert_eq!((&planes[2].baseline, &planes[2].error), (&vec![0.0; 4], &planes[2].render));
    }
}
