//! Pairing the frames of two sequences by their index.

use std::collections::BTreeMap;

use anyhow::Context;

use super::{ExactComparison, FrameDifference, OtherDifference, OtherWhy, Why};
use crate::measure::frame_sequence::{FrameIndex, FrameSequence, ReferenceFrames};

/// Two sequences, their frames paired by index; what their bytes alone don't
/// tell is still open.
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
    /// Pairs a render's frames with the in-process ones, shown at `fps` frames a second.
    pub fn new(reference: &ReferenceFrames, render: &FrameSequence, fps: u32) -> Self {
        let reference = reference.sequence();
        let mut pairing = Self {
            fps,
            frames: reference.len(),
            rendered: render.len(),
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

    /// The frames of one size whose bytes differ: their pixels must be compared.
    pub fn open(&self) -> &[FrameIndex] {
        &self.open
    }

    /// The comparison, once it is known of each open frame whether its pixels are the same.
    ///
    /// # Errors
    /// When that is not known of one: a measurement with holes is none.
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
    use super::*;
    use crate::measure::{frame_sequence::tests::read, png::tests::rgba};
    use proptest::prelude::*;

    type Files = BTreeMap<String, Vec<u8>>;

    /// Frames of one sample each, with a file of sound.
    fn files(frames: &[u8]) -> Files {
        let name = |i: usize| format!("frame_{:06}.png", i + 1);
        let frames = frames.iter().enumerate().map(|(i, sample)| (name(i), rgba(&[*sample; 8], "")));
        frames.chain([("audio.m4a".to_owned(), b"sound".to_vec())]).collect()
    }

    fn sequence(files: &Files) -> FrameSequence {
        read(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>()).unwrap()
    }

    /// Compares, and tells of each frame whose pixels are asked for whether they are the same.
    fn compare(reference: &Files, render: &Files) -> ExactComparison {
        let pairing = Pairing::new(&ReferenceFrames::new(sequence(reference)).unwrap(), &sequence(render), 30);
        let same = |index: &FrameIndex| {
            let name = index.file_name();
            (*index, crate::measure::png::same_pixels(&reference[&name], &render[&name]).unwrap())
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
        let tall = crate::measure::png::tests::png(png::ColorType::Rgba, png::BitDepth::Eight, &[3; 16], "");
        let told = [
            found(&with("frame_000003.png", rgba(&[9; 8], ""))),
            found(&with("frame_000003.png", rgba(&[3; 8], "another note"))),
            found(&with("frame_000003.png", tall)),
            found(&without("frame_000004.png")),
            found(&without("frame_000001.png")),
            found(&with("frame_000005.png", rgba(&[5; 8], ""))),
            found(&without("audio.m4a")),
            found(&with("audio.m4a", b"noise".to_vec())),
            found(&with("captions.vtt", b"text".to_vec())),
            // Frames after a lost one move up.
            found(&files(&[1, 3, 4])),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        exact: 3 of 4 frames identical, 4 of 4 demanded: 1 differs in its pixels; the first is frame 2 (counted from 0), at 0.067 s
        exact: 3 of 4 frames identical, 4 of 4 demanded: 1 has the same pixels, encoded to other bytes; the first is frame 2 (counted from 0), at 0.067 s
        exact: 3 of 4 frames identical, 4 of 4 demanded: 1 has another size; the first is frame 2 (counted from 0), at 0.067 s
        exact: 3 of 4 frames identical, 4 of 4 demanded: 1 is missing; the first is frame 3 (counted from 0), at 0.100 s
        exact: 3 of 4 frames identical, 4 of 4 demanded: 1 is missing; the first is frame 0 (counted from 0), at 0.000 s
        exact: 4 of 4 frames identical, 4 of 4 demanded: 1 is there in excess; the first is frame 4 (counted from 0), at 0.133 s
        exact: audio.m4a, identical demanded: is missing
        exact: audio.m4a, identical demanded: has other bytes than the in-process one
        exact: captions.vtt, identical demanded: is not in the in-process render
        exact: 1 of 4 frames identical, 4 of 4 demanded: 1 is missing, 2 differ in their pixels; the first is frame 1 (counted from 0), at 0.033 s
        ");
    }

    #[test]
    fn pixels_that_were_not_compared_are_no_measurement() {
        let reference = ReferenceFrames::new(sequence(&files(&[1, 2]))).unwrap();
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
