//! PNG files: whether one is complete, its size and format, and whether two show the same pixels.

use std::io::Cursor;

use anyhow::{Context, ensure};
use flate2::Crc;
use serde::Serialize;

/// A picture of more pixels is not decoded: a few kilobytes may claim any size. Two pictures of 8K have as many.
const MOST_PIXELS: u64 = 1 << 26;

/// Pointers of git-LFS are smaller than this, in bytes (git-LFS's own limit).
pub const POINTER_BYTES: usize = 1024;

/// The beginnings of pointers; the second is from before git-LFS got its name.
const POINTERS: [&[u8]; 2] = [b"version https://git-lfs", b"version https://hawser"];

/// Whether a file's content, or its first [`POINTER_BYTES`], is a pointer of git-LFS.
pub fn is_lfs_pointer(content: &[u8]) -> bool {
    content.len() < POINTER_BYTES && POINTERS.iter().any(|beginning| content.starts_with(beginning))
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture's size in pixels, from its PNG header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PictureSize {
    /// Pixels per row.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
}

impl std::fmt::Display for PictureSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The format of a PNG file's samples, from its header and its `tRNS` chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelFormat {
    bits: u8,
    color: u8,
    /// Whether certain colors are transparent.
    transparent: bool,
}

impl PixelFormat {
    /// Whether a pixel may be transparent, by its alpha sample or by its color.
    pub fn has_alpha(self) -> bool {
        matches!(self.color, 4 | 6) || self.transparent
    }
}

/// Such as `8-bit rgba`, or `8-bit rgb, some of it transparent`.
impl std::fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let color = match self.color {
            0 => "gray",
            2 => "rgb",
            3 => "palette",
            4 => "gray with alpha",
            6 => "rgba",
            other => return write!(f, "{}-bit samples of color type {other}", self.bits),
        };
        write!(f, "{}-bit {color}{}", self.bits, if self.transparent { ", some of it transparent" } else { "" })
    }
}

/// The properties of a PNG file's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The size of the picture.
    pub size: PictureSize,
    /// The format of its samples.
    pub format: PixelFormat,
    /// What else decides how it is shown.
    pub display: Display,
}

/// The chunks that change how the same pixels are shown.
const DISPLAY_CHUNKS: [&[u8; 4]; 9] = [b"gAMA", b"cHRM", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"eXIf", b"acTL"];

/// For each of [`DISPLAY_CHUNKS`] its value, or its checksum; `None` when it is not there or has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Display([Option<u32>; DISPLAY_CHUNKS.len()]);

/// Such as `gAMA 100000, eXIf 6`, or `as sRGB`.
impl std::fmt::Display for Display {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let with_value = DISPLAY_CHUNKS.iter().zip(self.0);
        let there: Vec<String> =
            with_value.filter_map(|(kind, value)| Some(format!("{} {}", kind.escape_ascii(), value?))).collect();
        f.write_str(if there.is_empty() { "as sRGB" } else { "" })?;
        f.write_str(&there.join(", "))
    }
}

/// What a chunk changes in a picture of square pixels in sRGB, as a file without such chunks is shown.
fn effect(kind: &[u8], data: &[u8]) -> Option<u32> {
    const PRIMARIES: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
    let number = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?));
    let is_default = match kind {
        b"gAMA" => return number(0).filter(|gamma| !(45_454..=45_456).contains(gamma)),
        b"eXIf" => return orientation(data).filter(|&orientation| orientation != 1),
        b"acTL" => return number(0).filter(|&frames| frames != 1),
        b"cHRM" => PRIMARIES.iter().enumerate().all(|(i, &primary)| number(4 * i) == Some(primary)),
        b"cICP" => data == [1, 13, 0, 1],
        b"pHYs" => number(0) == number(4),
        _ => false,
    };
    let mut checksum = Crc::new();
    checksum.update(data);
    (!is_default).then(|| checksum.sum())
}

/// The orientation in EXIF data, from 1 (upright) to 8.
fn orientation(exif: &[u8]) -> Option<u32> {
    const ORIENTATION: u16 = 0x0112;
    let is_little = exif.starts_with(b"II");
    let short = |at: usize| {
        let bytes = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let halves = (u32::from(short(4)?), u32::from(short(6)?));
    let directory = if is_little { halves.1 << 16 | halves.0 } else { halves.0 << 16 | halves.1 } as usize;
    let entries = (0..usize::from(short(directory)?)).map(|i| directory + 2 + 12 * i);
    entries.filter(|&entry| short(entry) == Some(ORIENTATION)).find_map(|entry| short(entry + 8)).map(u32::from)
}

/// The header of a PNG file. The file is checked to its end: every chunk is complete and has the right checksum.
///
/// # Errors
/// When it is not a PNG file, is truncated or damaged, or has data after its end.
pub fn header_of_whole(file: &[u8]) -> anyhow::Result<Header> {
    ensure!(!file.is_empty(), "it is empty");
    ensure!(!is_lfs_pointer(file), "it is a git-LFS pointer, not the file itself; run `git lfs pull`");
    let mut rest = file.strip_prefix(SIGNATURE).context("it is not a PNG file")?;
    let mut found = None;
    loop {
        let (kind, data);
        (kind, data, rest) = chunk(rest)?;
        match (kind, &mut found) {
            (b"IHDR", none @ None) => *none = Some(header(data)?),
            (_, None) => anyhow::bail!("it does not begin with its header"),
            (b"tRNS", Some(header)) => header.format.transparent = true,
            (b"IEND", Some(header)) => {
                ensure!(rest.is_empty(), "{} bytes follow its end", rest.len());
                return Ok(*header);
            }
            (kind, Some(header)) => {
                if let Some(i) = DISPLAY_CHUNKS.iter().position(|known| *known == kind) {
                    header.display.0[i] = effect(kind, data);
                }
            }
        }
    }
}

/// The first chunk's kind and data, and the rest.
fn chunk(from: &[u8]) -> anyhow::Result<(&[u8; 4], &[u8], &[u8])> {
    const CUT: &str = "it is truncated";
    let (length, from) = from.split_first_chunk().context(CUT)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (checked, from) = from.split_at_checked(4 + length).context(CUT)?;
    let (checksum, rest) = from.split_first_chunk().context(CUT)?;
    let mut crc = Crc::new();
    crc.update(checked);
    let (kind, data) = checked.split_first_chunk().context(CUT)?;
    ensure!(
        crc.sum() == u32::from_be_bytes(*checksum),
        "its {} chunk is damaged: the checksum differs",
        kind.escape_ascii()
    );
    Ok((kind, data, rest))
}

fn header(data: &[u8]) -> anyhow::Result<Header> {
    ensure!(data.len() == 13, "its header has {} bytes, not 13", data.len());
    let number = |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    let size = PictureSize { width: number(0), height: number(4) };
    ensure!(size.width > 0 && size.height > 0, "its picture is {size} pixels");
    let pixels = u64::from(size.width) * u64::from(size.height);
    ensure!(pixels <= MOST_PIXELS, "its picture is {size} pixels, more than {MOST_PIXELS} in all");
    let format = PixelFormat { bits: data[8], color: data[9], transparent: false };
    Ok(Header { size, format, display: Display::default() })
}

/// Whether two PNG files show the same pixels, as RGBA. Text in the files, compression and unused precision do
/// not matter.
///
/// # Errors
/// When either can't be decoded.
pub fn same_pixels(a: &[u8], b: &[u8]) -> anyhow::Result<bool> {
    Ok(Pixels::decode(a)? == Pixels::decode(b)?)
}

/// A decoded picture. Colors are not multiplied by alpha.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Its size.
    pub size: PictureSize,
    /// Red, green, blue and alpha of each pixel, row by row, in 16 bits. Samples of 8 bits are scaled to the
    /// same range, and pixels without alpha are opaque.
    pub rgba: Vec<u16>,
}

impl Pixels {
    /// Decodes a PNG file.
    ///
    /// # Errors
    /// When it does not decode to its end.
    pub fn decode(file: &[u8]) -> anyhow::Result<Self> {
        let mut decoder = png::Decoder::new(Cursor::new(file));
        // Converts palettes and single bits to samples of 8 bits.
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().context("its header does not decode")?;
        let mut bytes = vec![0; reader.output_buffer_size().context("its picture is too large")?];
        let info = reader.next_frame(&mut bytes).context("its pixels do not decode")?;
        bytes.truncate(info.buffer_size());
        let size = PictureSize { width: info.width, height: info.height };
        let wide = info.bit_depth == png::BitDepth::Sixteen;
        Ok(Self { size, rgba: rgba(&bytes, info.color_type.samples(), wide) })
    }
}

/// Converts samples of one to four channels to four of 16 bits. The loops are simple on purpose, because they
/// process millions of samples and must be fast without optimization, too.
fn rgba(bytes: &[u8], channels: usize, wide: bool) -> Vec<u16> {
    let bytes_a_sample = if wide { 2 } else { 1 };
    let pixels = bytes.len() / (channels * bytes_a_sample);
    let mut rgba = vec![0; pixels * 4];
    let out: &mut [u16] = &mut rgba;
    // The usual case.
    if channels == 4 && !wide {
        let mut at = 0;
        while at < pixels * 4 {
            out[at] = bytes[at] as u16 * 257;
            at += 1;
        }
        return rgba;
    }
    let (colors, has_alpha) = if channels < 3 { (1, channels == 2) } else { (3, channels == 4) };
    let sample = |from: usize| match wide {
        true => u16::from_be_bytes([bytes[from], bytes[from + 1]]),
        false => bytes[from] as u16 * 257,
    };
    let mut pixel = 0;
    while pixel < pixels {
        let (from, to) = (pixel * channels * bytes_a_sample, pixel * 4);
        let mut color = 0;
        while color < 3 {
            let channel = if colors == 3 { color } else { 0 };
            out[to + color] = sample(from + channel * bytes_a_sample);
            color += 1;
        }
        out[to + 3] = if has_alpha { sample(from + colors * bytes_a_sample) } else { u16::MAX };
        pixel += 1;
    }
    rgba
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

    /// A black pixel, which may be transparent, and another pixel, without alpha samples.
    pub(crate) fn transparent_black(transparent: bool) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 2, 1);
        encoder.set_color(png::ColorType::Rgb);
        if transparent {
            encoder.set_trns(vec![0; 6]);
        }
        encoder.write_header().unwrap().write_image_data(&[0, 0, 0, 1, 1, 1]).unwrap();
        file
    }

    const SAMPLES: [u8; 8] = [10, 20, 30, 255, 40, 50, 60, 255];

    #[test]
    fn a_complete_file_has_size_and_format() {
        let header = header_of_whole(&rgba(&SAMPLES, "")).unwrap();
        assert_eq!(header.size, PictureSize { width: 2, height: 1 });
        assert_eq!((header.format.to_string().as_str(), header.format.has_alpha()), ("8-bit rgba", true));
        let gray = png(png::ColorType::Grayscale, png::BitDepth::Sixteen, &[0; 4], "");
        let format = header_of_whole(&gray).unwrap().format;
        assert_eq!((format.to_string().as_str(), format.has_alpha()), ("16-bit gray", false));
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_not_decoded() {
        let mut data = [0x00, 0x01, 0, 0, 0x00, 0x01, 0, 0, 8, 6, 0, 0, 0];
        assert!(header(&data).unwrap_err().to_string().contains("65536x65536 pixels, more than"));
        (data[1], data[5]) = (0, 0);
        (data[2], data[6]) = (0x10, 0x10);
        assert!(header(&data).is_ok());
    }

    #[test]
    fn transparent_colors_are_part_of_the_format() {
        let header = header_of_whole(&transparent_black(true)).unwrap();
        assert_eq!(header.format.to_string(), "8-bit rgb, some of it transparent");
        assert!(header.format.has_alpha());
        assert!(!header_of_whole(&transparent_black(false)).unwrap().format.has_alpha());
        assert_eq!(Pixels::decode(&transparent_black(true)).unwrap().rgba[3..8], [0, 257, 257, 257, u16::MAX]);
    }

    /// A file with one more chunk after its header.
    pub(crate) fn with_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(data);
        let (file, length, sum) = (rgba(&SAMPLES, ""), data.len() as u32, crc.sum());
        [&file[..33], &length.to_be_bytes(), kind, data, &sum.to_be_bytes(), &file[33..]].concat()
    }

    #[test]
    fn chunks_that_change_the_display_are_known() {
        let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
        let exif = |orientation: u8| {
            [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec(), vec![orientation, 0, 0]].concat()
        };
        let little = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0".to_vec()].concat();
        let primaries = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
        for (kind, data, shown) in [
            (b"gAMA", numbers(&[45_455]), "as sRGB"),
            (b"gAMA", numbers(&[100_000]), "gAMA 100000"),
            (b"cHRM", numbers(&primaries), "as sRGB"),
            (b"cICP", vec![1, 13, 0, 1], "as sRGB"),
            (b"pHYs", [numbers(&[2835, 2835]), vec![1]].concat(), "as sRGB"),
            (b"eXIf", exif(1), "as sRGB"),
            (b"eXIf", exif(6), "eXIf 6"),
            (b"eXIf", little, "eXIf 6"),
            (b"eXIf", vec![b'I'; 9], "as sRGB"),
            (b"acTL", numbers(&[2, 0]), "acTL 2"),
            (b"sRGB", vec![0], "as sRGB"),
            (b"tIME", vec![0; 7], "as sRGB"),
        ] {
            let header = header_of_whole(&with_chunk(kind, &data)).unwrap();
            assert_eq!(header.display.to_string(), shown, "{} {data:?}", kind.escape_ascii());
        }
        for (kind, data) in [
            (b"iCCP", b"p3".to_vec()),
            (b"cICP", vec![9, 16, 0, 1]),
            (b"pHYs", [numbers(&[2, 1]), vec![0]].concat()),
            (b"cHRM", numbers(&[1; 8])),
            (b"mDCV", vec![1; 24]),
            (b"cLLI", vec![1; 8]),
        ] {
            let header = header_of_whole(&with_chunk(kind, &data)).unwrap();
            assert_ne!(header.display, Display::default(), "{}", kind.escape_ascii());
        }
    }

    #[test]
    fn incomplete_png_files_are_refused() {
        let whole = rgba(&SAMPLES, "");
        let error = |bytes: &[u8]| header_of_whole(bytes).unwrap_err().to_string();
        for cut in 8..whole.len() {
            assert_eq!(error(&whole[..cut]), "it is truncated", "after {cut} bytes");
        }
        assert_eq!(error(b""), "it is empty");
        assert_eq!(error(b"<html>"), "it is not a PNG file");
        assert_eq!(error(&[&whole[..], b"x"].concat()), "1 bytes follow its end");
        let mut damaged = whole.clone();
        damaged[45] ^= 1;
        assert!(error(&damaged).contains("is damaged: the checksum differs"));
        let headless = [SIGNATURE, &whole[33..]].concat();
        assert_eq!(error(&headless), "it does not begin with its header");
    }

    #[test]
    fn every_kind_of_samples_is_decoded_to_rgba() {
        let decoded = |color, depth, samples: &[u8]| Pixels::decode(&png(color, depth, samples, "")).unwrap().rgba;
        let spread = |samples: &[u16]| samples.iter().map(|sample| sample * 257).collect::<Vec<_>>();
        let eight = png::BitDepth::Eight;
        assert_eq!(decoded(png::ColorType::Rgba, eight, &SAMPLES), spread(&SAMPLES.map(u16::from)));
        let opaque = spread(&[1, 2, 3, 255, 4, 5, 6, 255]);
        assert_eq!(decoded(png::ColorType::Rgb, eight, &[1, 2, 3, 4, 5, 6]), opaque);
        assert_eq!(decoded(png::ColorType::Grayscale, eight, &[7, 8]), spread(&[7, 7, 7, 255, 8, 8, 8, 255]));
        assert_eq!(decoded(png::ColorType::GrayscaleAlpha, eight, &[7, 9, 8, 0]), spread(&[7, 7, 7, 9, 8, 8, 8, 0]));
        let wide = decoded(png::ColorType::Grayscale, png::BitDepth::Sixteen, &[1, 2, 3, 4]);
        assert_eq!(wide, [0x102, 0x102, 0x102, 0xffff, 0x304, 0x304, 0x304, 0xffff]);
    }

    #[test]
    fn pixels_are_compared_not_their_encoding() {
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
