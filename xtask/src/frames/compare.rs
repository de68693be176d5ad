//! From two sequences on the disk to their comparison.

use std::collections::BTreeMap;

use anyhow::Context;

use super::{FrameArchive, FrameFolder};
use crate::measure::{
    exact::{ExactComparison, Pairing},
    frame_sequence::ReferenceFrames,
    png::same_pixels,
};

/// Compares every frame of a delivered archive with the in-process one in `folder`,
/// whose files `reference` is. Only frames whose bytes differ are decoded.
///
/// # Errors
/// When the archive holds no whole sequence of frames, or a frame does not decode.
pub fn compare(
    archive: &FrameArchive,
    folder: &FrameFolder,
    reference: &ReferenceFrames,
    fps: u32,
) -> anyhow::Result<ExactComparison> {
    let pairing = Pairing::new(reference, &archive.read()?, fps);
    let mut same = BTreeMap::new();
    if !pairing.open().is_empty() {
        archive.frames(pairing.open(), |index, bytes| {
            let pixels = same_pixels(&bytes, &folder.frame(index)?);
            same.insert(index, pixels.with_context(|| format!("{} does not decode", index.file_name()))?);
            Ok(())
        })?;
    }
    pairing.settle(&same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::tar_gz,
        measure::{exact::Why, png::tests::rgba},
    };

    #[test]
    fn pixels_are_compared_where_bytes_differ() {
        let dir = tempfile::tempdir().unwrap();
        let folders = ["ours", "theirs"].map(|name| dir.path().join(name));
        let frames = [[rgba(&[1; 8], ""), rgba(&[2; 8], ""), rgba(&[3; 8], "")], {
            [rgba(&[1; 8], ""), rgba(&[2; 8], "noted"), rgba(&[4; 8], "")]
        }];
        for (folder, frames) in folders.iter().zip(frames) {
            std::fs::create_dir(folder).unwrap();
            for (i, frame) in frames.iter().enumerate() {
                std::fs::write(folder.join(format!("frame_{:06}.png", i + 1)), frame).unwrap();
            }
        }
        let packed = dir.path().join("output.tar.gz");
        std::fs::write(&packed, tar_gz(&folders[1]).unwrap()).unwrap();
        let ours = FrameFolder::at(&folders[0]);
        let reference = ReferenceFrames::new(ours.read().unwrap()).unwrap();
        let comparison = compare(&FrameArchive::at(&packed), &ours, &reference, 30).unwrap();
        assert_eq!(comparison.identical_frames(), 1);
        let why: Vec<_> = comparison.differences().iter().map(|d| (d.frame.get(), d.why)).collect();
        assert_eq!(why, [(1, Why::Encoding), (2, Why::Pixels)]);
    }
}
