//! The hashes of decoded frames.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use crate::frames::sequence::FrameSequence;

/// The hashes of a video's decoded frames in decode order, or of a PNG sequence's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FrameHashes(Vec<String>);

impl FrameHashes {
    /// Parses the output of ffmpeg's `framehash` muxer for one stream:
    /// `stream, dts, pts, duration, size, hash` per line, and comments.
    ///
    /// # Errors
    /// If there is no frame, or a line is cut off.
    pub fn from_framehash(text: &str) -> anyhow::Result<Self> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let hash = |line: &str| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            ensure!(fields.len() == 6, "the line of a frame is {line:?}");
            let hash = fields[5];
            ensure!(hash.len() >= 32 && hash.chars().all(|c| c.is_ascii_hexdigit()), "the hash of a frame is {hash:?}");
            Ok(hash.to_owned())
        };
        let hashes = lines.map(hash).collect::<anyhow::Result<Vec<_>>>().context("reading the frames' hashes")?;
        ensure!(!hashes.is_empty(), "there is no frame hash");
        Ok(Self(hashes))
    }

    /// The hashes of a PNG sequence's files.
    pub fn of_files(frames: &FrameSequence) -> Self {
        Self(frames.frames().values().map(|frame| frame.sha256.to_string()).collect())
    }

    /// Hashes the frames of a stream from ffmpeg's `yuv4mpegpipe` muxer.
    ///
    /// # Errors
    /// If there is no frame, or the stream is cut off.
    pub fn from_yuv4mpeg(stream: impl Read) -> anyhow::Result<Self> {
        let hashes = hashes(stream).context("reading the frames")?;
        ensure!(!hashes.is_empty(), "there is no frame");
        Ok(Self(hashes))
    }

    /// The hashes in order, in hex.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many frames there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many frames differ from those of `other`, paired by index; frames
    /// that only one of them has count as different.
    pub fn differing(&self, other: &Self) -> usize {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        self.0.len().max(other.0.len()) - same
    }

    /// Cuts the video into stretches of `length` frames, without a shorter rest, and returns the numbers
    /// (from 0) of the stretches whose frames are all equal, in groups of two or more.
    pub fn equal_stretches(&self, length: usize) -> Vec<Vec<usize>> {
        let mut alike: HashMap<&[String], Vec<usize>> = HashMap::new();
        for (i, stretch) in self.0.chunks_exact(length.max(1)).enumerate() {
            alike.entry(stretch).or_default().push(i);
        }
        let mut found: Vec<Vec<usize>> = alike.into_values().filter(|stretches| stretches.len() > 1).collect();
        found.sort_unstable();
        found
    }

    /// The first frame that differs from that of `other`.
    pub fn first_differing(&self, other: &Self) -> Option<usize> {
        self.0.iter().zip(&other.0).position(|(a, b)| a != b)
    }

    /// One hash over all of them, in hex.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for hash in &self.0 {
            digest.update(hash);
            digest.update(b"\n");
        }
        hex::encode(digest.finalize())
    }
}

// Raw frames from ffmpeg's `yuv4mpegpipe` muxer.

/// Whether the muxer supports a pixel format.
pub fn takes(pixel_format: &str) -> bool {
    let planar = pixel_format.strip_prefix("yuvj").or(pixel_format.strip_prefix("yuv"));
    let layout = planar.map(|rest| rest.split_at_checked(3).unwrap_or((rest, "")));
    matches!(layout, Some(("420" | "422" | "444", "p" | "p10le" | "p12le")))
}

/// The 128-bit hash of each frame in a stream, in order, in hex.
///
/// # Errors
/// If it can't be read, has another format, or is cut off.
pub fn hashes(stream: impl Read) -> anyhow::Result<Vec<String>> {
    // Small enough for a processor's own cache: with more, reading takes twice as long.
    let mut stream = BufReader::with_capacity(1 << 15, stream);
    let frame_bytes = frame_bytes(&line(&mut stream)?.context("it is empty")?)?;
    let mut hasher = Hasher::default();
    let mut hashes = Vec::new();
    while let Some(header) = line(&mut stream)? {
        ensure!(header.split(' ').next() == Some("FRAME"), "frame {} begins with {header:?}", hashes.len());
        let mut missing = frame_bytes;
        while missing > 0 {
            let buffered = stream.fill_buf()?;
            ensure!(!buffered.is_empty(), "frame {} is cut off: {missing} bytes are missing", hashes.len());
            let taken = buffered.len().min(missing);
            hasher.update(&buffered[..taken]);
            stream.consume(taken);
            missing -= taken;
        }
        hashes.push(format!("{:032x}", hasher.finish()));
    }
    Ok(hashes)
}

/// The next line; `None` at the end.
pub(crate) fn line(stream: &mut impl BufRead) -> anyhow::Result<Option<String>> {
    /// No line of such a stream is longer.
    const LONGEST: u64 = 1 << 12;
    let mut line = Vec::new();
    if stream.take(LONGEST).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    ensure!(line.pop() == Some(b'\n'), "a line of {} bytes or more does not end", line.len());
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// The size of a frame in bytes, from the stream's first line, such as `YUV4MPEG2 W640 H360 F30:1 C420mpeg2`.
fn frame_bytes(header: &str) -> anyhow::Result<usize> {
    let what = || format!("the stream begins with {header:?}");
    let mut words = header.split(' ');
    ensure!(words.next() == Some("YUV4MPEG2"), what());
    let (mut width, mut height, mut color) = (None, None, "420");
    for word in words {
        match word.split_at_checked(1) {
            Some(("W", number)) => width = number.parse().ok(),
            Some(("H", number)) => height = number.parse().ok(),
            Some(("C", name)) => color = name,
            _ => {}
        }
    }
    let (width, height): (usize, usize) = width.zip(height).with_context(what)?;
    let (layout, rest) = color.split_at_checked(3).with_context(what)?;
    let (across, down) = match layout {
        "420" => (2, 2),
        "422" => (2, 1),
        "444" => (1, 1),
        _ => bail!(what()),
    };
    let sample_bytes = match rest {
        "" | "jpeg" | "mpeg2" | "paldv" => 1,
        "p10" | "p12" => 2,
        _ => bail!(what()),
    };
    let chroma = width.div_ceil(across).checked_mul(height.div_ceil(down)).and_then(|plane| plane.checked_mul(2));
    let samples = width.checked_mul(height).zip(chroma).and_then(|(luma, chroma)| luma.checked_add(chroma));
    samples.and_then(|samples| samples.checked_mul(sample_bytes)).filter(|bytes| *bytes > 0).with_context(what)
}

/// XXH3 with 128 bits. Unlike a cryptographic hash it keeps up with a decoder, and nobody crafts
/// frames that collide.
#[derive(Default)]
pub struct Hasher(Xxh3);

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far; later bytes start another hash.
    pub fn finish(&mut self) -> u128 {
        let hash = self.0.digest128();
        self.0.reset();
        hash
    }
}

/// A file's SHA-256 in hex.
///
/// # Errors
/// If it can't be read.
pub fn sha256_of_file(path: &Path) -> anyhow::Result<String> {
    let context = || format!("{}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).with_context(context)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
pub(crate) mod frames_tests {
    use super::*;

    /// A frame for each letter.
    pub(crate) fn hashes(letters: &str) -> FrameHashes {
        let line = |letter: char| format!("0, 0, 0, 1, 345600, {}{letter}\n", "0".repeat(31));
        let text: String = letters.chars().map(line).collect();
        FrameHashes::from_framehash(&format!("#format: frame checksums\n{text}")).unwrap()
    }

    #[test]
    fn differing_frames_are_counted_by_index() {
        assert_eq!(hashes("abc").differing(&hashes("abc")), 0);
        assert_eq!(hashes("abc").differing(&hashes("bb")), 2);
        assert_eq!(hashes("ab").count(), 2);
    }

    #[test]
    fn repeated_stretches_are_found() {
        assert_eq!(hashes("abcdabe").equal_stretches(2), [[0, 2]]);
        assert_eq!(hashes("abcbca").equal_stretches(1), [[0, 5], [1, 3], [2, 4]]);
        assert_eq!(hashes("aaba").equal_stretches(1), [[0, 1, 3]]);
        assert!(hashes("abba").equal_stretches(2).is_empty());
        assert!(hashes("aba").equal_stretches(2).is_empty());
    }

    #[test]
    fn the_order_matters() {
        assert_ne!(hashes("ab").sha256(), hashes("ba").sha256());
        assert_eq!(hashes("ab").sha256(), hashes("ab").sha256());
    }

    #[test]
    fn truncated_input_is_an_error() {
        for text in ["", "#only a comment\n", "0, 0, 0, 1, 345600, abc\n", "0, 0, 0, 1\n", "0, 0, 0, 1, 9, zz\n"] {
            assert!(FrameHashes::from_framehash(text).is_err(), "{text:?} was accepted");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(#.{0,9}\n)?(0, *[0-9]{0,3}, ){0,6}[0-9a-fx]{0,40}\n?.{0,20}") {
            let _ = FrameHashes::from_framehash(&text);
        }
    }
}

#[cfg(test)]
mod yuv4mpeg_tests {
    use super::*;

    const HEADER: &str = "YUV4MPEG2 W4 H2 F30:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n";

    fn stream(frames: &[&str]) -> String {
        frames.iter().fold(HEADER.to_owned(), |stream, frame| format!("{stream}FRAME\n{frame}"))
    }

    #[test]
    fn equal_frames_have_equal_hashes() {
        let found = hashes(stream(&["abcdefghijkl", "abcdefghijkm", "abcdefghijkl"]).as_bytes()).unwrap();
        assert_eq!((found.len(), found[0].len()), (3, 32));
        assert_eq!(found[0], found[2]);
        assert_ne!(found[0], found[1]);
        assert_eq!(hashes(HEADER.as_bytes()).unwrap(), [""; 0]);
    }

    #[test]
    fn every_layout_has_its_size() {
        let bytes = |color: &str| frame_bytes(&format!("YUV4MPEG2 W5 H3 F25:1 C{color}")).ok();
        assert_eq!(["420mpeg2", "422", "444"].map(bytes), [Some(15 + 2 * 6), Some(15 + 2 * 9), Some(45)]);
        assert_eq!(
            ["420p10", "444p12", "mono", "411", "444alpha", "420p", ""].map(bytes),
            [Some(54), Some(90), None, None, None, None, None]
        );
        for format in ["yuv420p", "yuvj420p", "yuv422p10le", "yuv444p12le"] {
            assert!(takes(format), "{format}");
        }
        for format in ["yuva420p", "gbrp", "rgb24", "yuv410p", "yuv420p16le", "gray", "yuv"] {
            assert!(!takes(format), "{format}");
        }
    }

    #[test]
    fn truncated_input_is_an_error() {
        let whole = stream(&["abcdefghijkl"]);
        for cut in 1..whole.len() {
            let read = hashes(&whole.as_bytes()[..cut]);
            assert!(read.is_err() || cut == HEADER.len(), "{cut} bytes were accepted");
        }
        assert!(hashes(&b""[..]).is_err());
        assert!(hashes(stream(&["abcdefghijkl", "abc"]).replace("FRAME\nabc", "FRAMES\nabc").as_bytes()).is_err());
        assert!(hashes("YUV4MPEG2 W99999999999 H99999999999 C444\n".as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_streams_never_panic(head in "(YUV4MPEG2)?( W[0-9]{0,3}| H[0-9]{0,3}| C[0-9a-z]{0,5}){0,4}\n?", rest in ".{0,30}") {
            let _ = hashes(format!("{head}FRAME\n{rest}").as_bytes());
        }
    }
}

#[cfg(test)]
mod hash_tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_its_own_bytes() {
        let mut hasher = Hasher::default();
        let mut of = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| hasher.update(part));
            hasher.finish()
        };
        let whole = of(&[b"abc"]);
        // From the xxHash library.
        assert_eq!(format!("{whole:032x}"), "06b05ab6733a618578af5f94892f3950");
        assert_eq!(of(&[b"a", b"bc"]), whole);
        assert_ne!(of(&[b"abd"]), whole);
    }
}
