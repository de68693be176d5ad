//! A sequence of PNG files, one for each frame.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{
    Picture,
    decibels::{Decibels, Level},
    frames::png::{Header, PictureSize, header_of_whole},
    picture::{
        hashes::FrameHashes,
        local::LocalPicture,
        luma::{self, LumaDifference},
        psnr::{self, BEST_DB, FramePsnr, Neighbors, VideoPsnr},
        regions::PlaneDifference,
        ssim::{self, VideoSsim},
    },
    shape::Difference,
};

/// A frame's place in its sequence, from 0. The files are numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameIndex(u64);

impl FrameIndex {
    /// The frame at this place, from 0.
    pub fn new(index: u64) -> Self {
        Self(index)
    }

    /// The frame in a file with this name; `None` if the name does not end in `.png`.
    ///
    /// # Errors
    /// When a PNG file does not have the name of a frame: a misnumbered file would be compared with the
    /// wrong frame.
    pub fn of_file(name: &str) -> anyhow::Result<Option<Self>> {
        let Some(stem) = name.strip_suffix(".png") else { return Ok(None) };
        let number = stem.strip_prefix("frame_").and_then(|digits| digits.parse::<u64>().ok());
        let number = number.with_context(|| format!("{name} is not the name of a frame, such as frame_000001.png"))?;
        ensure!(number > 0, "{name}: frames are numbered from 1");
        let index = Self(number - 1);
        ensure!(
            index.file_name() == name,
            "{name} is not the name of a frame; frame {number} is in {}",
            index.file_name()
        );
        Ok(Some(index))
    }

    /// The name of the frame's file.
    pub fn file_name(self) -> String {
        format!("frame_{:06}.png", self.0 + 1)
    }

    /// The number, from 0.
    pub fn get(self) -> u64 {
        self.0
    }

    /// When the frame is shown at this frame rate, in seconds.
    pub fn seconds(self, fps: u32) -> f64 {
        self.0 as f64 / f64::from(fps)
    }
}

impl fmt::Display for FrameIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A file's SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileHash([u8; 32]);

impl FileHash {
    /// The hash of a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for FileHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A frame's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The hash of the whole file.
    pub sha256: FileHash,
    /// Its PNG header.
    pub header: Header,
}

/// The files of a rendered sequence: at least one frame, possibly with gaps, and the files that accompany
/// them, such as audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSequence {
    frames: BTreeMap<FrameIndex, Frame>,
    others: BTreeMap<String, FileHash>,
}

impl FrameSequence {
    /// The frames.
    pub fn frames(&self) -> &BTreeMap<FrameIndex, Frame> {
        &self.frames
    }

    /// The other files, by name.
    pub fn others(&self) -> &BTreeMap<String, FileHash> {
        &self.others
    }

    /// How many frames there are.
    pub fn count(&self) -> u64 {
        self.frames.len() as u64
    }

    /// One hash over all files and their names, in hex.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for (index, frame) in &self.frames {
            digest.update(format!("{}\0{}\n", index.file_name(), frame.sha256));
        }
        for (name, sha256) in &self.others {
            digest.update(format!("{name}\0{sha256}\n"));
        }
        hex::encode(digest.finalize())
    }
}

/// Reads a sequence file by file.
#[derive(Debug, Default)]
pub struct SequenceReader {
    frames: BTreeMap<FrameIndex, Frame>,
    others: BTreeMap<String, FileHash>,
}

impl SequenceReader {
    /// Adds a file.
    ///
    /// # Errors
    /// When it is misnumbered, appears twice, or is a frame that is not a complete PNG file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let sha256 = FileHash::of(bytes);
        let exists = match FrameIndex::of_file(name)? {
            Some(index) => {
                let header = header_of_whole(bytes).with_context(|| format!("{name} is not a frame"))?;
                self.frames.insert(index, Frame { sha256, header }).is_some()
            }
            None => self.others.insert(name.to_owned(), sha256).is_some(),
        };
        ensure!(!exists, "{name} appears twice");
        Ok(())
    }

    /// The sequence of all files.
    ///
    /// # Errors
    /// When there are no frames, because nothing would be compared.
    pub fn finish(self) -> anyhow::Result<FrameSequence> {
        ensure!(!self.frames.is_empty(), "it contains no frames");
        Ok(FrameSequence { frames: self.frames, others: self.others })
    }
}

/// A sequence without gaps, from the first frame on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaplessFrames(FrameSequence);

impl GaplessFrames {
    /// Checks that a sequence has no gaps.
    ///
    /// # Errors
    /// When a frame is missing. The message names it.
    pub fn new(sequence: FrameSequence) -> anyhow::Result<Self> {
        let expected = (0..).map(FrameIndex);
        match expected.zip(sequence.frames.keys()).find(|(expected, found)| expected != *found) {
            Some((expected, _)) => bail!("{} is missing", expected.file_name()),
            None => Ok(Self(sequence)),
        }
    }

    /// The sequence.
    pub fn sequence(&self) -> &FrameSequence {
        &self.0
    }

    /// The size of the first picture.
    pub fn size(&self) -> PictureSize {
        let first = self.0.frames.values().next();
        first.expect("a sequence has at least one frame").header.size
    }
}

/// All differences that make PSNR meaningless: other frames, sizes or samples, or accompanying files that only
/// one sequence has.
pub fn differences(baseline: &GaplessFrames, render: &FrameSequence) -> Vec<Difference> {
    let baseline = baseline.sequence();
    let mut found = Vec::new();
    let mut differ = |what: String, baseline: String, render: String| {
        found.push(Difference { what, baseline, render });
    };
    if baseline.count() != render.count() {
        differ("frames".to_owned(), baseline.count().to_string(), render.count().to_string());
    }
    let last = render.frames().keys().next_back();
    let missing = baseline.frames().keys().find(|index| !render.frames().contains_key(index));
    if let Some(index) = missing.filter(|index| last.is_some_and(|last| *index < last)) {
        differ(format!("frame {index}"), "present".to_owned(), "missing".to_owned());
    }
    let properties = [
        ("size", (|frame| frame.header.size.to_string()) as fn(&Frame) -> String),
        ("pixel format", |frame| frame.header.format.to_string()),
        ("display", |frame| frame.header.display.to_string()),
    ];
    for (what, property) in properties {
        let unlike = baseline.frames().iter().find_map(|(index, of_baseline)| {
            let (a, b) = (property(of_baseline), property(render.frames().get(index)?));
            (a != b).then_some((*index, a, b))
        });
        if let Some((index, a, b)) = unlike {
            differ(if index.get() == 0 { what.to_owned() } else { format!("{what} of frame {index}") }, a, b);
        }
    }
    let others = |of: &FrameSequence, than: &FrameSequence| -> Vec<String> {
        of.others().keys().filter(|name| !than.others().contains_key(*name)).cloned().collect()
    };
    for name in others(baseline, render) {
        differ(name, "present".to_owned(), "missing".to_owned());
    }
    for name in others(render, baseline) {
        differ(name, "none".to_owned(), "present".to_owned());
    }
    found
}

/// The measurements of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameFigures {
    /// PSNR against the baseline's frame with the same index.
    pub own: FramePsnr,
    /// SSIM against the same frame.
    pub ssim: f64,
    /// PSNR against the baseline's previous frame, if it may matter.
    pub before: Option<Level>,
    /// PSNR against the baseline's next frame, if it may matter.
    pub after: Option<Level>,
    /// The blocks of each plane; nothing for identical frames.
    pub planes: Vec<PlaneDifference>,
    /// Its luma, in every [`luma::EVERY`]th frame.
    pub luma: LumaDifference,
}

impl FrameFigures {
    /// The measurements of a frame that is identical to the baseline's.
    pub fn identical(alpha: bool) -> Self {
        let (own, luma) = (ssim::identical(alpha), LumaDifference::default());
        Self { own, ssim: 1.0, before: None, after: None, planes: Vec::new(), luma }
    }

    /// Whether a frame with this level may show a neighbor of its own frame. A frame that nearly matches its
    /// own can't match another one better by the required margin.
    pub fn may_be_misplaced(own: Level) -> bool {
        matches!(own, Level::Db(db) if db + psnr::MISPLACED_DB < BEST_DB)
    }
}

/// The picture of a render with this frame rate, whose frames pair with its baseline's. `across` has what takes more
/// than one of them.
///
/// # Errors
/// When a frame has no figures: an incomplete measurement does not count.
pub fn picture(
    figures: &[FrameFigures],
    across: LocalPicture,
    render: &FrameSequence,
    fps: u32,
) -> anyhow::Result<Picture> {
    ensure!(figures.len() as u64 == render.count(), "{} of {} frames were compared", figures.len(), render.count());
    let own: Vec<FramePsnr> = figures.iter().map(|frame| frame.own.clone()).collect();
    let neighbors = |level: fn(&FrameFigures) -> Option<Level>| -> Neighbors {
        (0u64..).zip(figures).filter_map(|(index, frame)| Some((index, level(frame)?))).collect()
    };
    let nearly_its_own = Decibels::new(BEST_DB - psnr::MISPLACED_DB)?;
    let misplaced =
        psnr::misplaced(&own, &neighbors(|frame| frame.before), &neighbors(|frame| frame.after), nearly_its_own)?;
    let psnr = VideoPsnr::of(&own)?;
    let local = LocalPicture {
        frames: figures.iter().map(|frame| frame.planes.clone()).collect(),
        times_s: (0..render.count()).map(|frame| FrameIndex::new(frame).seconds(fps)).collect(),
        luma: figures.iter().step_by(luma::EVERY as usize).map(|frame| frame.luma).collect(),
        ..across
    };
    let ssim: Vec<f64> = figures.iter().map(|frame| frame.ssim).collect();
    Ok(Picture {
        worst_at_s: FrameIndex::new(psnr.worst_frame).seconds(fps),
        psnr,
        ssim: VideoSsim::of(&ssim).context("no frame was compared")?,
        hashes: FrameHashes::of_files(render),
        frames_per_second: u64::from(fps),
        misplaced,
        local,
    })
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod sequence_tests;

#[cfg(test)]
pub(crate) mod frame_sequence_tests {
    use super::*;
    use crate::frames::png::tests::rgba;

    pub(crate) fn read(files: &[(&str, &[u8])]) -> anyhow::Result<FrameSequence> {
        let mut reader = SequenceReader::default();
        files.iter().try_for_each(|(name, bytes)| reader.add(name, bytes))?;
        reader.finish()
    }

    fn error(files: &[(&str, &[u8])]) -> String {
        format!("{:#}", read(files).unwrap_err())
    }

    #[test]
    fn frames_are_recognized_by_their_names() {
        let index = |name| FrameIndex::of_file(name).unwrap();
        assert_eq!(index("frame_000001.png"), Some(FrameIndex(0)));
        assert_eq!(index("frame_1000000.png"), Some(FrameIndex(999_999)));
        assert_eq!((index("audio.m4a"), index("frame_000001.PNG")), (None, None));
        assert_eq!(FrameIndex(7).seconds(30), 7.0 / 30.0);
    }

    #[test]
    fn misnumbered_files_are_refused() {
        for (name, complaint) in [
            ("frame_000000.png", "frame_000000.png: frames are numbered from 1"),
            ("frame_8.png", "frame_8.png is not the name of a frame; frame 8 is in frame_000008.png"),
            ("frame_0000008.png", "frame_0000008.png is not the name of a frame; frame 8 is in frame_000008.png"),
            ("frame_-00001.png", "frame_-00001.png is not the name of a frame, such as frame_000001.png"),
            ("cover.png", "cover.png is not the name of a frame, such as frame_000001.png"),
        ] {
            assert_eq!(error(&[(name, &rgba(&[0; 8], ""))]), complaint);
        }
    }

    #[test]
    fn other_files_are_refused() {
        let frame = rgba(&[0; 8], "");
        assert_eq!(error(&[]), "it contains no frames");
        assert_eq!(error(&[("audio.m4a", b"sound")]), "it contains no frames");
        assert_eq!(error(&[("frame_000001.png", b"<html>")]), "frame_000001.png is not a frame: it is not a PNG file");
        assert_eq!(error(&[("frame_000001.png", &frame[..30])]), "frame_000001.png is not a frame: it is truncated");
        assert_eq!(
            error(&[("frame_000001.png", &frame), ("frame_000001.png", &frame)]),
            "frame_000001.png appears twice"
        );
    }

    #[test]
    fn the_hash_of_a_sequence_covers_names_and_files() {
        let frame = |sample| rgba(&[sample; 8], "");
        let of = |files: &[(&str, &[u8])]| read(files).unwrap().sha256();
        let (one, two) = (frame(1), frame(2));
        let whole = of(&[("frame_000001.png", &one), ("audio.m4a", b"sound")]);
        assert_eq!(whole, of(&[("audio.m4a", b"sound"), ("frame_000001.png", &one)]));
        assert_ne!(whole, of(&[("frame_000001.png", &two), ("audio.m4a", b"sound")]));
        assert_ne!(whole, of(&[("frame_000002.png", &one), ("audio.m4a", b"sound")]));
        assert_ne!(whole, of(&[("frame_000001.png", &one), ("audio.m4a", b"noise")]));
    }

    #[test]
    fn gapless_frames_have_no_gaps() {
        let frame = rgba(&[0; 8], "");
        let whole = read(&[("frame_000002.png", &frame), ("frame_000001.png", &frame)]).unwrap();
        assert_eq!(GaplessFrames::new(whole).unwrap().size(), PictureSize { width: 2, height: 1 });
        for (there, missing) in [
            (["frame_000001.png", "frame_000003.png"], "frame_000002.png"),
            (["frame_000002.png", "a"], "frame_000001.png"),
        ] {
            let gaps = read(&there.map(|name| (name, frame.as_slice()))).unwrap();
            assert_eq!(GaplessFrames::new(gaps).unwrap_err().to_string(), format!("{missing} is missing"));
        }
    }
}
