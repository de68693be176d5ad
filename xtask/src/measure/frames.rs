//! Decoded frames, each known by its hash.

use std::{collections::HashMap, io::Read};

use anyhow::{Context, ensure};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{frame_sequence::FrameSequence, yuv4mpeg};
use crate::hash::hex;

/// The hashes of a video's decoded frames, in decode order; of a sequence's, those of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FrameHashes(Vec<String>);

impl FrameHashes {
    /// Reads what ffmpeg's `framehash` muxer writes for one stream:
    /// `stream, dts, pts, duration, size, hash` a line, comments aside.
    ///
    /// # Errors
    /// When there is no frame, or a line is cut off.
    pub fn from_framehash(text: &str) -> anyhow::Result<Self> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let hash = |line: &str| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            ensure!(fields.len() == 6, "a frame's line is {line:?}");
            let hash = fields[5];
            ensure!(hash.len() >= 32 && hash.chars().all(|c| c.is_ascii_hexdigit()), "a frame's hash is {hash:?}");
            Ok(hash.to_owned())
        };
        let hashes = lines.map(hash).collect::<anyhow::Result<Vec<_>>>().context("reading the frames' hashes")?;
        ensure!(!hashes.is_empty(), "there is no frame's hash");
        Ok(Self(hashes))
    }

    /// The files of a sequence, whose hashes stand for their frames.
    pub fn of_files(frames: &FrameSequence) -> Self {
        Self(frames.frames().values().map(|frame| frame.sha256.to_string()).collect())
    }

    /// Hashes the frames of a stream that ffmpeg's `yuv4mpegpipe` muxer writes.
    ///
    /// # Errors
    /// When there is no frame, or the stream is cut off.
    pub fn from_yuv4mpeg(stream: impl Read) -> anyhow::Result<Self> {
        let hashes = yuv4mpeg::hashes(stream).context("reading the frames")?;
        ensure!(!hashes.is_empty(), "there is no frame");
        Ok(Self(hashes))
    }

    /// The frames' hashes in order, in hex.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many frames there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many frames are not the same in `other`, paired by index; those
    /// that only one of them has count.
    pub fn differing(&self, other: &Self) -> usize {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        self.0.len().max(other.0.len()) - same
    }

    /// Stretches of `length` frames, cut from the start on, whose frames are all the same:
    /// the numbers of each two or more, from 0. A shorter rest is no stretch.
    pub fn equal_stretches(&self, length: usize) -> Vec<Vec<usize>> {
        let mut alike: HashMap<&[String], Vec<usize>> = HashMap::new();
        for (i, stretch) in self.0.chunks_exact(length.max(1)).enumerate() {
            alike.entry(stretch).or_default().push(i);
        }
        let mut found: Vec<Vec<usize>> = alike.into_values().filter(|stretches| stretches.len() > 1).collect();
        found.sort_unstable();
        found
    }

    /// The first frame that is not the same in `other`.
    pub fn first_differing(&self, other: &Self) -> Option<usize> {
        self.0.iter().zip(&other.0).position(|(a, b)| a != b)
    }

    /// One hash for all of them, in hex.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for hash in &self.0 {
            digest.update(hash);
            digest.update(b"\n");
        }
        hex(&digest.finalize())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Frames that are known by a letter each.
    pub(in crate::measure) fn hashes(letters: &str) -> FrameHashes {
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
    fn stretches_that_repeat_are_found() {
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
    fn what_is_cut_off_is_an_error() {
        for text in ["", "#only a comment\n", "0, 0, 0, 1, 345600, abc\n", "0, 0, 0, 1\n", "0, 0, 0, 1, 9, zz\n"] {
            assert!(FrameHashes::from_framehash(text).is_err(), "{text:?} was taken");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(#.{0,9}\n)?(0, *[0-9]{0,3}, ){0,6}[0-9a-fx]{0,40}\n?.{0,20}") {
            let _ = FrameHashes::from_framehash(&text);
        }
    }
}
