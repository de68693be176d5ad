//! Decoded pictures with 8 bits per sample: their difference, scaling, and PNG encoding.

use std::io::Cursor;

use anyhow::{Context, ensure};

use crate::frames::png::{PictureSize, Pixels};

/// Rows of RGB pixels with 8 bits per sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    size: PictureSize,
    samples: Vec<u8>,
}

impl Raster {
    /// A picture from raw samples in ffmpeg's format `rgb24`.
    ///
    /// # Errors
    /// When their number does not match the size.
    pub fn new(size: PictureSize, samples: Vec<u8>) -> anyhow::Result<Self> {
        let needed = size.width as usize * size.height as usize * 3;
        ensure!(needed > 0 && samples.len() == needed, "{} bytes are not an RGB picture of {size}", samples.len());
        Ok(Self { size, samples })
    }

    /// Decodes a PNG file from [`Raster::png`].
    ///
    /// # Errors
    /// When it has another format, or is damaged.
    pub fn from_png(file: &[u8]) -> anyhow::Result<Self> {
        const WHAT: &str = "decoding a PNG file";
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().context(WHAT)?;
        let mut samples = vec![0; reader.output_buffer_size().context(WHAT)?];
        let info = reader.next_frame(&mut samples).context(WHAT)?;
        let is_rgb = (info.color_type, info.bit_depth) == (png::ColorType::Rgb, png::BitDepth::Eight);
        ensure!(is_rgb, "a PNG file has other pixels than RGB of 8 bits");
        samples.truncate(info.buffer_size());
        Self::new(PictureSize { width: info.width, height: info.height }, samples)
    }

    /// A picture of pixels that may be transparent, on a gray background.
    ///
    /// # Errors
    /// When the number of samples does not match the size.
    pub fn over_gray(pixels: &Pixels) -> anyhow::Result<Self> {
        const GRAY: u64 = 128 * 257;
        const OPAQUE: u64 = u16::MAX as u64;
        let mut samples = Vec::with_capacity(pixels.rgba.len() / 4 * 3);
        for pixel in pixels.rgba.chunks_exact(4) {
            let alpha = u64::from(pixel[3]);
            for &sample in &pixel[..3] {
                let shown = (u64::from(sample) * alpha + GRAY * (OPAQUE - alpha)) / OPAQUE;
                samples.push((shown / 257) as u8);
            }
        }
        Self::new(pixels.size, samples)
    }

    /// The absolute difference of each sample, times `factor`, up to white.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn difference(&self, other: &Self, factor: u8) -> anyhow::Result<Self> {
        ensure!(self.size == other.size, "a picture of {} and one of {}", self.size, other.size);
        Ok(Self { size: self.size, samples: difference(&self.samples, &other.samples, factor) })
    }

    /// The picture with an outline around left, top, width and height.
    #[must_use]
    pub fn outlined(mut self, [left, top, width, height]: [u64; 4]) -> Self {
        const MAGENTA: [u8; 3] = [255, 0, 255];
        let PictureSize { width: columns, height: rows } = self.size;
        let thickness = u64::from(columns.max(rows) / 320 + 1);
        let (inner_x, inner_y) = (left..left + width, top..top + height);
        let outer = |range: &std::ops::Range<u64>, end: u32| {
            range.start.saturating_sub(thickness)..(range.end + thickness).min(end.into())
        };
        for y in outer(&inner_y, rows) {
            for x in outer(&inner_x, columns).filter(|x| !(inner_x.contains(x) && inner_y.contains(&y))) {
                let at = (y * u64::from(columns) + x) as usize * 3;
                self.samples[at..at + 3].copy_from_slice(&MAGENTA);
            }
        }
        self
    }

    /// The picture scaled down so that its longer side has at most `side` pixels. Each pixel is the mean of
    /// those that it replaces.
    #[must_use]
    pub fn within(&self, side: u32) -> Self {
        let PictureSize { width, height } = self.size;
        let longer = width.max(height);
        if longer <= side {
            return self.clone();
        }
        let scaled = |length: u32| (u64::from(length) * u64::from(side) / u64::from(longer)).max(1) as u32;
        let size = PictureSize { width: scaled(width), height: scaled(height) };
        let (columns, rows) = (stretches(width, size.width), stretches(height, size.height));
        Self { size, samples: means(&self.samples, width as usize, &columns, &rows) }
    }

    /// Encodes a PNG file that is as small as possible in a reasonable time.
    ///
    /// # Errors
    /// When the encoder fails, which is a defect.
    pub fn png(&self) -> anyhow::Result<Vec<u8>> {
        self.encoded(png::Compression::Balanced, png::Filter::Adaptive)
    }

    /// Encodes a PNG file in a quarter of the time, which is up to two thirds larger.
    ///
    /// # Errors
    /// As for [`Raster::png`].
    pub fn quick_png(&self) -> anyhow::Result<Vec<u8>> {
        self.encoded(png::Compression::Fast, png::Filter::Paeth)
    }

    fn encoded(&self, compression: png::Compression, filter: png::Filter) -> anyhow::Result<Vec<u8>> {
        const WHAT: &str = "encoding a PNG file";
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(compression);
        encoder.set_filter(filter);
        let mut writer = encoder.write_header().context(WHAT)?;
        writer.write_image_data(&self.samples).context(WHAT)?;
        writer.finish().context(WHAT)?;
        Ok(file)
    }
}

/// Cuts `length` into `parts` stretches of pixels, none of them empty.
fn stretches(length: u32, parts: u32) -> Vec<(usize, usize)> {
    let at = |part: u32| (u64::from(part) * u64::from(length) / u64::from(parts)) as usize;
    (0..parts).map(|part| (at(part), at(part + 1))).collect()
}

/// The absolute difference of each sample, times `factor`, up to white.
pub fn difference(a: &[u8], b: &[u8], factor: u8) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b).saturating_mul(factor)).collect()
}

/// Scales an RGB picture that is `width` pixels wide to `columns` times `rows` pixels. Each pixel is the mean of
/// those between its edges.
pub fn means(samples: &[u8], width: usize, columns: &[(usize, usize)], rows: &[(usize, usize)]) -> Vec<u8> {
    let mut means = Vec::with_capacity(columns.len() * rows.len() * 3);
    let mut sums = vec![0u32; width * 3];
    for &(top, bottom) in rows {
        sums.fill(0);
        for row in samples[top * width * 3..bottom * width * 3].chunks_exact(width * 3) {
            sums.iter_mut().zip(row).for_each(|(sum, sample)| *sum += u32::from(*sample));
        }
        let (pixels, _) = sums.as_chunks::<3>();
        for &(left, right) in columns {
            let mut total = [0u64; 3];
            for pixel in &pixels[left..right] {
                total.iter_mut().zip(pixel).for_each(|(sum, of_rows)| *sum += u64::from(*of_rows));
            }
            let count = ((right - left) * (bottom - top)).max(1) as u64;
            means.extend(total.map(|sum| ((sum + count / 2) / count) as u8));
        }
    }
    means
}

#[cfg(test)]
mod raster_tests {
    use super::*;
    use crate::frames::png::same_pixels;

    fn raster(width: u32, height: u32, samples: &[u8]) -> Raster {
        Raster::new(PictureSize { width, height }, samples.to_vec()).unwrap()
    }

    #[test]
    fn a_difference_is_amplified_up_to_white() {
        let (a, b) = (raster(1, 1, &[10, 20, 200]), raster(1, 1, &[12, 17, 100]));
        assert_eq!(a.difference(&b, 8).unwrap(), raster(1, 1, &[16, 24, 255]));
        assert_eq!(b.difference(&a, 8).unwrap(), a.difference(&b, 8).unwrap());
        assert!(a.difference(&raster(1, 2, &[0; 6]), 8).is_err());
    }

    #[test]
    fn an_outline_lies_around_its_region() {
        let red = |picture: &Raster| picture.samples.chunks(3).map(|pixel| pixel[0]).collect::<Vec<u8>>();
        let picture = || raster(4, 3, &[0; 36]);
        assert_eq!(red(&picture().outlined([1, 1, 1, 1])), [255, 255, 255, 0, 255, 0, 255, 0, 255, 255, 255, 0]);
        assert_eq!(red(&picture().outlined([0, 0, 4, 2])), [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(picture().outlined([0, 0, 4, 3]), picture());
    }

    #[test]
    fn a_smaller_picture_has_the_means() {
        let wide = raster(4, 2, &[[0; 12], [10; 12]].concat());
        assert_eq!(wide.within(2), raster(2, 1, &[5; 6]));
        assert_eq!(wide.within(4), wide);
        // Neither side vanishes, and no pixel is left out.
        let line = raster(5, 1, &[[0; 12].as_slice(), &[255; 3]].concat());
        assert_eq!(line.within(2), raster(2, 1, &[0, 0, 0, 85, 85, 85]));
    }

    #[test]
    fn a_png_file_shows_the_same_pixels() {
        let samples: Vec<u8> = (0..60).collect();
        let picture = raster(5, 4, &samples);
        let file = picture.png().unwrap();
        for file in [&file, &picture.quick_png().unwrap()] {
            assert_eq!(Raster::from_png(file).unwrap(), picture);
        }
        assert!(Raster::from_png(&file[..40]).is_err());
        assert_eq!(crate::frames::png::header_of_whole(&file).unwrap().size, PictureSize { width: 5, height: 4 });
        let mut other = samples.clone();
        other[7] ^= 1;
        assert!(!same_pixels(&file, &raster(5, 4, &other).png().unwrap()).unwrap());
    }

    #[test]
    fn transparent_pixels_are_gray() {
        let shown = |rgba: [u16; 4]| {
            let pixels = Pixels { size: PictureSize { width: 1, height: 1 }, rgba: rgba.map(|s| s * 257).to_vec() };
            Raster::over_gray(&pixels).unwrap()
        };
        assert_eq!(shown([10, 20, 30, 255]), raster(1, 1, &[10, 20, 30]));
        assert_eq!(shown([10, 20, 30, 0]), raster(1, 1, &[128; 3]));
        assert_eq!(shown([0, 255, 128, 51]), raster(1, 1, &[102, 153, 128]));
    }

    #[test]
    fn too_few_samples_are_refused() {
        assert!(Raster::new(PictureSize { width: 2, height: 2 }, vec![0; 11]).is_err());
        assert!(Raster::new(PictureSize { width: 0, height: 2 }, Vec::new()).is_err());
    }
}

#[cfg(test)]
mod pixels_tests {
    use super::*;

    #[test]
    fn a_difference_ends_at_white() {
        assert_eq!(difference(&[10, 20, 200], &[12, 17, 100], 8), [16, 24, 255]);
    }

    #[test]
    fn means_are_rounded_to_the_nearest() {
        let line = [[0u8; 3], [1, 1, 0], [9, 9, 9]].concat();
        assert_eq!(means(&line, 3, &[(0, 2), (2, 3)], &[(0, 1)]), [1, 1, 0, 9, 9, 9]);
        let lines = [line, vec![4; 9]].concat();
        assert_eq!(means(&lines, 3, &[(0, 2), (2, 3)], &[(0, 2)]), [2, 2, 2, 7, 7, 7]);
    }
}
