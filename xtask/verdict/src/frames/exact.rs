//! Comparing a render's frames with the in-process ones, byte by byte.

use std::{collections::BTreeMap, fmt};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{
    finding::{Finding, Place},
    frames::sequence::{FrameIndex, FrameSequence, GaplessFrames},
    gates::EXACT,
};

/// Why a frame differs from the in-process one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The render has no such frame.
    Missing,
    /// Only the render has such a frame.
    Extra,
    /// The pictures differ in size.
    Size,
    /// At least one pixel differs.
    Pixels,
    /// The pixels are the same, the PNG files are not.
    Encoding,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Size => "size",
            Self::Pixels => "pixels",
            Self::Encoding => "encoding only",
        })
    }
}

/// A frame that differs from the in-process one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameDifference {
    /// Which frame, from 0.
    pub frame: FrameIndex,
    /// When it is shown, in seconds.
    pub at_s: f64,
    /// Why it differs.
    pub why: Why,
}

/// How a file that accompanies the frames differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherDifference {
    /// The file's name, such as audio.m4a.
    pub file: String,
    /// Why it differs.
    pub why: OtherWhy,
}

/// Why a file that accompanies the frames differs from the in-process one. It is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OtherWhy {
    /// The render has no such file.
    Missing,
    /// Only the render has such a file.
    Extra,
    /// The bytes differ.
    Bytes,
}

/// How a render's frames compare with the in-process ones, both of which have at least one frame. It comes from
/// [`Pairing::settle`], or from the report of an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExactComparison {
    frames: u64,
    rendered_frames: u64,
    identical_frames: u64,
    differences: Vec<FrameDifference>,
    other_differences: Vec<OtherDifference>,
}

impl ExactComparison {
    /// The number of frames of the in-process render, all of which must be identical.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The number of frames that the render delivered.
    pub fn rendered_frames(&self) -> u64 {
        self.rendered_frames
    }

    /// The number of frames that are identical to the in-process ones.
    pub fn identical_frames(&self) -> u64 {
        self.identical_frames
    }

    /// The frames that differ, by index.
    pub fn differences(&self) -> &[FrameDifference] {
        &self.differences
    }

    /// The first frame that differs.
    pub fn first(&self) -> Option<&FrameDifference> {
        self.differences.first()
    }

    /// Everything that is not identical; empty if the render passes.
    pub fn findings(&self) -> Vec<Finding> {
        let all = self.identical_frames == self.frames && self.rendered_frames == self.frames;
        let of_frames = (!all || !self.differences.is_empty()).then(|| self.frames_finding());
        of_frames.into_iter().chain(self.other_differences.iter().map(OtherDifference::finding)).collect()
    }

    fn frames_finding(&self) -> Finding {
        let count = |why| self.differences.iter().filter(|d| d.why == why).count();
        let counts = Why::ALL.iter().map(|&why| (why, count(why))).filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts.map(|(why, count)| why.of(count)).collect();
        let first = self.first().map_or_else(String::new, |first| {
            format!("; the first is frame {} (counted from 0), at {:.3} s", first.frame, first.at_s)
        });
        let value = format!("{} of {} frames identical", self.identical_frames, self.frames);
        let found = finding(value, format!("{} of {}", self.frames, self.frames), &(counts.join(", ") + &first));
        let frames = self.first().map(|first| (first.frame.get(), first.frame.get()));
        found.at(Place { frames, ..Place::default() })
    }
}

impl OtherDifference {
    fn finding(&self) -> Finding {
        let what = match self.why {
            OtherWhy::Missing => "is missing",
            OtherWhy::Extra => "is not in the in-process render",
            OtherWhy::Bytes => "has different bytes from the in-process one",
        };
        finding(self.file.clone(), "identical".to_owned(), what)
    }
}

fn finding(value: String, limit: String, what: &str) -> Finding {
    let message = format!("{}: {value}, {limit} required: {what}", EXACT.id);
    EXACT.finding(value, limit, message)
}

impl Why {
    const ALL: [Self; 5] = [Self::Missing, Self::Extra, Self::Size, Self::Pixels, Self::Encoding];

    /// The phrase for a number of frames.
    fn of(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Missing => ("is missing", "are missing"),
            Self::Extra => ("is an extra frame", "are extra frames"),
            Self::Size => ("has another size", "have another size"),
            Self::Pixels => ("differs in its pixels", "differ in their pixels"),
            Self::Encoding => {
                ("has the same pixels, encoded to other bytes", "have the same pixels, encoded to other bytes")
            }
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// Two sequences with their frames paired by index. The frames whose bytes differ are still open, until their
/// pixels are compared.
#[derive(Debug)]
pub struct Pairing {
    fps: u32,
    frames: u64,
    rendered: u64,
    identical: u64,
    settled: Vec<(FrameIndex, Why)>,
    open: Vec<FrameIndex>,
    others: Vec<OtherDifference>,
}

impl Pairing {
    /// Pairs a render's frames with the in-process ones, at this frame rate.
    pub fn new(reference: &GaplessFrames, render: &FrameSequence, fps: u32) -> Self {
        let reference = reference.sequence();
        let mut pairing = Self {
            fps,
            frames: reference.count(),
            rendered: render.count(),
            identical: 0,
            settled: Vec::new(),
            open: Vec::new(),
            others: other_differences(reference, render),
        };
        for (&index, of_reference) in reference.frames() {
            match render.frames().get(&index) {
                None => pairing.settled.push((index, Why::Missing)),
                Some(frame) if frame.sha256 == of_reference.sha256 => pairing.identical += 1,
                Some(frame) if frame.header.size != of_reference.header.size => {
                    pairing.settled.push((index, Why::Size));
                }
                Some(_) => pairing.open.push(index),
            }
        }
        let extra = render.frames().keys().filter(|index| !reference.frames().contains_key(*index));
        pairing.settled.extend(extra.map(|&index| (index, Why::Extra)));
        pairing
    }

    /// The frames of equal size whose bytes differ: their pixels must be compared.
    pub fn open(&self) -> &[FrameIndex] {
        &self.open
    }

    /// The comparison, given whether the pixels of each open frame are the same.
    ///
    /// # Errors
    /// When an open frame is missing: an incomplete measurement does not count.
    pub fn settle(self, same_pixels: &BTreeMap<FrameIndex, bool>) -> anyhow::Result<ExactComparison> {
        let mut found = self.settled;
        for index in self.open {
            let same = same_pixels
                .get(&index)
                .with_context(|| format!("the pixels of {} were not compared", index.file_name()))?;
            found.push((index, if *same { Why::Encoding } else { Why::Pixels }));
        }
        found.sort_unstable();
        let fps = self.fps;
        let difference = |(frame, why): (FrameIndex, Why)| FrameDifference { frame, at_s: frame.seconds(fps), why };
        Ok(ExactComparison {
            frames: self.frames,
            rendered_frames: self.rendered,
            identical_frames: self.identical,
            differences: found.into_iter().map(difference).collect(),
            other_differences: self.others,
        })
    }
}

fn other_differences(reference: &FrameSequence, render: &FrameSequence) -> Vec<OtherDifference> {
    let (ours, theirs) = (reference.others(), render.others());
    let lost_or_changed = ours.iter().filter_map(|(name, hash)| match theirs.get(name) {
        None => Some((name, OtherWhy::Missing)),
        Some(other) if other != hash => Some((name, OtherWhy::Bytes)),
        Some(_) => None,
    });
    let extra = theirs.keys().filter(|name| !ours.contains_key(*name)).map(|name| (name, OtherWhy::Extra));
    let difference = |(file, why): (&String, OtherWhy)| OtherDifference { file: file.clone(), why };
    lost_or_changed.chain(extra).map(difference).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frames::{png::tests::rgba, sequence::frame_sequence_tests::read};

    type Files = BTreeMap<String, Vec<u8>>;

    /// Frames of one sample each, with an audio file.
    fn files(frames: &[u8]) -> Files {
        let name = |i: usize| format!("frame_{:06}.png", i + 1);
        let frames = frames.iter().enumerate().map(|(i, sample)| (name(i), rgba(&[*sample; 8], "")));
        frames.chain([("audio.m4a".to_owned(), b"sound".to_vec())]).collect()
    }

    fn sequence(files: &Files) -> FrameSequence {
        read(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>()).unwrap()
    }

    /// Compares two sequences, including the pixels of open frames.
    fn compare(reference: &Files, render: &Files) -> ExactComparison {
        let pairing = Pairing::new(&GaplessFrames::new(sequence(reference)).unwrap(), &sequence(render), 30);
        let same = |index: &FrameIndex| {
            let name = index.file_name();
            (*index, crate::frames::png::same_pixels(&reference[&name], &render[&name]).unwrap())
        };
        let pixels = pairing.open().iter().map(same).collect();
        pairing.settle(&pixels).unwrap()
    }

    fn found(render: &Files) -> String {
        let comparison = compare(&files(&[1, 2, 3, 4]), render);
        comparison.findings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn equal_sequences_pass() {
        let comparison = compare(&files(&[1, 2, 3, 4]), &files(&[1, 2, 3, 4]));
        assert_eq!((comparison.identical_frames(), comparison.frames(), comparison.first()), (4, 4, None));
        assert_eq!(comparison.findings(), []);
    }

    #[test]
    fn each_difference_has_its_reason() {
        let ours = files(&[1, 2, 3, 4]);
        let with = |name: &str, bytes: Vec<u8>| {
            let mut files = ours.clone();
            files.insert(name.to_owned(), bytes);
            files
        };
        let without = |name: &str| {
            let mut files = ours.clone();
            files.remove(name).unwrap();
            files
        };
        let tall = crate::frames::png::tests::png(png::ColorType::Rgba, png::BitDepth::Eight, &[3; 16], "");
        let all = [
            found(&with("frame_000003.png", rgba(&[9; 8], ""))),
            found(&with("frame_000003.png", rgba(&[3; 8], "another note"))),
            found(&with("frame_000003.png", tall)),
            found(&without("frame_000004.png")),
            found(&without("frame_000001.png")),
            found(&with("frame_000005.png", rgba(&[5; 8], ""))),
            found(&without("audio.m4a")),
            found(&with("audio.m4a", b"noise".to_vec())),
            found(&with("captions.vtt", b"text".to_vec())),
            // The frames after a lost one move up.
            found(&files(&[1, 3, 4])),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        exact: 3 of 4 frames identical, 4 of 4 required: 1 differs in its pixels; the first is frame 2 (counted from 0), at 0.067 s
        exact: 3 of 4 frames identical, 4 of 4 required: 1 has the same pixels, encoded to other bytes; the first is frame 2 (counted from 0), at 0.067 s
        exact: 3 of 4 frames identical, 4 of 4 required: 1 has another size; the first is frame 2 (counted from 0), at 0.067 s
        exact: 3 of 4 frames identical, 4 of 4 required: 1 is missing; the first is frame 3 (counted from 0), at 0.100 s
        exact: 3 of 4 frames identical, 4 of 4 required: 1 is missing; the first is frame 0 (counted from 0), at 0.000 s
        exact: 4 of 4 frames identical, 4 of 4 required: 1 is an extra frame; the first is frame 4 (counted from 0), at 0.133 s
        exact: audio.m4a, identical required: is missing
        exact: audio.m4a, identical required: has different bytes from the in-process one
        exact: captions.vtt, identical required: is not in the in-process render
        exact: 1 of 4 frames identical, 4 of 4 required: 1 is missing, 2 differ in their pixels; the first is frame 1 (counted from 0), at 0.033 s
        ");
    }

    #[test]
    fn an_incomplete_comparison_is_an_error() {
        let reference = GaplessFrames::new(sequence(&files(&[1, 2]))).unwrap();
        let pairing = Pairing::new(&reference, &sequence(&files(&[1, 9])), 30);
        assert_eq!(pairing.open().iter().map(|i| i.get()).collect::<Vec<_>>(), [1]);
        let error = pairing.settle(&BTreeMap::new()).unwrap_err().to_string();
        assert_eq!(error, "the pixels of frame_000002.png were not compared");
    }

    proptest! {
        #[test]
        fn only_equal_sequences_pass(
            ours in proptest::collection::vec(0u8..3, 1..6), theirs in proptest::collection::vec(0u8..3, 1..6),
        ) {
            let comparison = compare(&files(&ours), &files(&theirs));
            prop_assert_eq!(comparison.findings().is_empty(), ours == theirs);
            prop_assert_eq!(comparison.first().is_none(), ours == theirs);
        }
    }
}
