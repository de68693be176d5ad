//! PNG files: whether one is whole, and whether two show the same pixels. Pure.

use std::io::Cursor;

use anyhow::{Context, ensure};
use flate2::Crc;
use serde::Serialize;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture's size in pixels, as its PNG header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PictureSize {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl std::fmt::Display for PictureSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The size of a PNG file's picture. The file is walked through to its end:
/// every chunk whole, with the checksum that it claims.
///
/// # Errors
/// When it is no PNG file, is cut off, or has something after its end.
pub fn size_of_whole(file: &[u8]) -> anyhow::Result<PictureSize> {
    ensure!(!file.is_empty(), "it is empty");
    let mut rest = file.strip_prefix(SIGNATURE).context("it is no PNG file")?;
    let mut size = None;
    loop {
        let (kind, data);
        (kind, data, rest) = chunk(rest)?;
        match (kind, size) {
            (b"IHDR", None) => size = Some(header(data)?),
            (_, None) => anyhow::bail!("it does not begin with its header"),
            (b"IEND", Some(size)) => {
                ensure!(rest.is_empty(), "{} bytes follow on its end", rest.len());
                return Ok(size);
            }
            _ => {}
        }
    }
}

/// The first chunk's kind and data, and what follows on it.
fn chunk(from: &[u8]) -> anyhow::Result<(&[u8], &[u8], &[u8])> {
    const CUT: &str = "it is cut off";
    let (length, from) = from.split_first_chunk().context(CUT)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (checked, from) = from.split_at_checked(4 + length).context(CUT)?;
    let (checksum, rest) = from.split_first_chunk().context(CUT)?;
    let mut crc = Crc::new();
    crc.update(checked);
    let (kind, data) = checked.split_at(4);
    ensure!(
        crc.sum() == u32::from_be_bytes(*checksum),
        "its {} chunk is damaged: the checksum differs",
        kind.escape_ascii()
    );
    Ok((kind, data, rest))
}

fn header(data: &[u8]) -> anyhow::Result<PictureSize> {
    ensure!(data.len() == 13, "its header has {} bytes, not 13", data.len());
    let number = |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    let size = PictureSize { width: number(0), height: number(4) };
    ensure!(size.width > 0 && size.height > 0, "its picture is {size} pixels");
    Ok(size)
}

/// Whether two PNG files show the same pixels, as RGBA. Notes in the files,
/// compression and unused precision make no difference.
///
/// # Errors
/// When either can't be decoded.
pub fn same_pixels(a: &[u8], b: &[u8]) -> anyhow::Result<bool> {
    let (a, b) = (Picture::decode(a)?, Picture::decode(b)?);
    Ok((a.width, a.height) == (b.width, b.height) && a.rgba().eq(b.rgba()))
}

struct Picture {
    width: u32,
    height: u32,
    channels: usize,
    /// Samples of 16 bits; those of 8 bits are spread over the same range.
    samples: Vec<u16>,
}

impl Picture {
    fn decode(file: &[u8]) -> anyhow::Result<Self> {
        let mut decoder = png::Decoder::new(Cursor::new(file));
        // Palettes and single bits become samples of 8 bits.
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().context("its header does not decode")?;
        let mut bytes = vec![0; reader.output_buffer_size().context("its picture is too large")?];
        let info = reader.next_frame(&mut bytes).context("its pixels do not decode")?;
        bytes.truncate(info.buffer_size());
        let samples = match info.bit_depth {
            png::BitDepth::Sixteen => {
                bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
            }
            _ => bytes.iter().map(|&sample| u16::from(sample) * 257).collect(),
        };
        Ok(Self { width: info.width, height: info.height, channels: info.color_type.samples(), samples })
    }

    fn rgba(&self) -> impl Iterator<Item = [u16; 4]> {
        self.samples.chunks_exact(self.channels).map(|pixel| match *pixel {
            [grey] => [grey, grey, grey, u16::MAX],
            [grey, alpha] => [grey, grey, grey, alpha],
            [r, g, b] => [r, g, b, u16::MAX],
            [r, g, b, alpha, ..] => [r, g, b, alpha],
            [] => unreachable!("chunks are never empty"),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PNG file of a picture that is 2 pixels wide.
    pub(crate) fn png(color: png::ColorType, depth: png::BitDepth, samples: &[u8], note: &str) -> Vec<u8> {
        let mut file = Vec::new();
        let row = 2 * color.samples() * if depth == png::BitDepth::Sixteen { 2 } else { 1 };
        let mut encoder = png::Encoder::new(&mut file, 2, u32::try_from(samples.len() / row).unwrap());
        encoder.set_color(color);
        encoder.set_depth(depth);
        encoder.add_text_chunk("note".into(), note.into()).unwrap();
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
        file
    }

    pub(crate) fn rgba(samples: &[u8; 8], note: &str) -> Vec<u8> {
        png(png::ColorType::Rgba, png::BitDepth::Eight, samples, note)
    }

    const SAMPLES: [u8; 8] = [10, 20, 30, 255, 40, 50, 60, 255];

    #[test]
    fn a_whole_file_has_a_size() {
        assert_eq!(size_of_whole(&rgba(&SAMPLES, "")).unwrap(), PictureSize { width: 2, height: 1 });
    }

    #[test]
    fn what_is_no_whole_png_is_told() {
        let whole = rgba(&SAMPLES, "");
        let told = |bytes: &[u8]| size_of_whole(bytes).unwrap_err().to_string();
        for cut in 8..whole.len() {
            assert_eq!(told(&whole[..cut]), "it is cut off", "after {cut} bytes");
        }
        assert_eq!(told(b""), "it is empty");
        assert_eq!(told(b"<html>"), "it is no PNG file");
        assert_eq!(told(&[&whole[..], b"x"].concat()), "1 bytes follow on its end");
        let mut damaged = whole.clone();
        damaged[45] ^= 1;
        assert!(told(&damaged).contains("is damaged: the checksum differs"));
        let headless = [SIGNATURE, &whole[33..]].concat();
        assert_eq!(told(&headless), "it does not begin with its header");
    }

    #[test]
    fn pixels_are_told_from_encoding() {
        let plain = rgba(&SAMPLES, "");
        assert!(same_pixels(&plain, &rgba(&SAMPLES, "another note")).unwrap());
        for sample in 0..8 {
            let mut other = SAMPLES;
            other[sample] ^= 1;
            assert!(!same_pixels(&plain, &rgba(&other, "")).unwrap(), "sample {sample}");
        }
        let rgb = png(png::ColorType::Rgb, png::BitDepth::Eight, &[10, 20, 30, 40, 50, 60], "");
        assert!(same_pixels(&plain, &rgb).unwrap());
        let wide: Vec<u8> = SAMPLES.iter().flat_map(|&sample| [sample, sample]).collect();
        let deep = |samples: &[u8]| png(png::ColorType::Rgba, png::BitDepth::Sixteen, samples, "");
        assert!(same_pixels(&plain, &deep(&wide)).unwrap());
        // The last bit of 16 counts as well.
        let mut other = wide.clone();
        other[1] ^= 1;
        assert!(!same_pixels(&deep(&wide), &deep(&other)).unwrap());
        // As many pixels in another shape.
        let tall = png(png::ColorType::Rgba, png::BitDepth::Eight, &SAMPLES.repeat(2), "");
        assert!(!same_pixels(&plain, &tall).unwrap());
        assert!(same_pixels(&plain, b"no picture").is_err());
    }
}
