//! PNG sequences: the folder that the in-process renderer writes, and the archive that the handler delivers.
//! They are compared byte by byte, or measured.

pub mod archive;
pub mod exact;
pub mod png;
pub mod sequence;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use anyhow::Context;
use execution_history::rendered::ChunkFacts;
use serde_json::{Value, json};

use crate::{
    Picture,
    decibels::Level,
    frames::{
        archive::{FrameArchive, FrameFolder, FrameSource},
        exact::{ExactComparison, Pairing},
        png::{Pixels, same_pixels},
        sequence::{Frame, FrameFigures, FrameIndex, FrameSequence, GaplessFrames},
    },
    picture::{
        blocks::{FrameMeans, Layout},
        hashes::{FrameHashes, sha256_of_file},
        lasting::Watch,
        local::LocalPicture,
        luma::{self, LumaDifference},
        psnr::{FramePsnr, VideoPsnr},
        raster::Raster,
        regions,
        ssim::{psnr, ssim},
        timing::Clock,
    },
    protocols::Semantics,
    shape::Difference,
};

// Measuring every frame of a render on all processors. Frames with identical bytes are not decoded, and of the
// others only one per thread is in memory.

/// A baseline's frames, read and hashed.
#[derive(Debug, Clone)]
pub struct BaselineFrames {
    /// Their folder.
    pub folder: FrameFolder,
    /// Their names and hashes.
    pub frames: GaplessFrames,
}

/// A render's frames, compared with its baseline's.
#[derive(Debug)]
pub struct MeasuredFrames {
    /// The render's files.
    pub sequence: FrameSequence,
    /// The measured picture, or how the sequences differ in shape.
    pub compared: Result<Box<Picture>, Vec<Difference>>,
}

impl BaselineFrames {
    /// Reads a folder of frames.
    ///
    /// # Errors
    /// When it does not hold a sequence of complete frames without gaps.
    pub fn read(folder: FrameFolder) -> anyhow::Result<Self> {
        let frames = folder.read().and_then(GaplessFrames::new);
        let frames = frames.with_context(|| format!("the frames in {}", folder.dir().display()))?;
        Ok(Self { folder, frames })
    }

    /// Measures a render with this frame rate.
    ///
    /// # Errors
    /// When the render is not a sequence of complete frames, or a frame of either does not decode.
    pub fn measure(&self, render: &FrameSource, fps: u32) -> anyhow::Result<MeasuredFrames> {
        let sequence = render.read()?;
        let unlike = sequence::differences(&self.frames, &sequence);
        if !unlike.is_empty() {
            return Ok(MeasuredFrames { sequence, compared: Err(unlike) });
        }
        let open: Vec<FrameIndex> =
            self.pairs(&sequence).filter(|(_, a, b)| a.sha256 != b.sha256).map(|p| p.0).collect();
        let (mut measured, across) = self.figures(render, &sequence, &open)?;
        let figures = sequence.frames().keys().map(|index| match open.binary_search(index) {
            Ok(_) => measured.remove(index).with_context(|| format!("{} was not compared", index.file_name())),
            Err(_) => Ok(FrameFigures::identical(self.has_alpha())),
        });
        let figures = figures.collect::<anyhow::Result<Vec<_>>>()?;
        let picture = sequence::picture(&figures, across, &sequence, fps)?;
        Ok(MeasuredFrames { sequence, compared: Ok(Box::new(picture)) })
    }

    /// The PSNR between two stretches of the baseline, from the mean squared error of their frames in order.
    ///
    /// # Errors
    /// When a frame can't be decoded.
    pub fn between_stretches(&self, (a, b): (u64, u64), frames: u64) -> anyhow::Result<Level> {
        let level = |offset: u64| -> anyhow::Result<FramePsnr> {
            let (a, b) = (self.decoded(FrameIndex::new(a + offset))?, self.decoded(FrameIndex::new(b + offset))?);
            psnr(&a, &b, self.has_alpha())
        };
        let levels = (0..frames).map(level).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(VideoPsnr::of(&levels)?.from_mean_mse)
    }

    /// A frame of the baseline and the same frame of the render, as pictures for people.
    ///
    /// # Errors
    /// When either has no such frame, or it can't be decoded.
    pub fn stills(&self, render: &FrameSource, frame: u64) -> anyhow::Result<(Raster, Raster)> {
        let index = FrameIndex::new(frame);
        let mut of_render = None;
        render.frames(&[index], |_, bytes| {
            of_render = Some(decode(index, &bytes)?);
            Ok(())
        })?;
        let of_render = of_render.with_context(|| format!("the render has no {}", index.file_name()))?;
        Ok((Raster::over_gray(&self.decoded(index)?)?, Raster::over_gray(&of_render)?))
    }

    fn pairs<'a>(&'a self, render: &'a FrameSequence) -> impl Iterator<Item = (FrameIndex, &'a Frame, &'a Frame)> {
        let of_baseline = self.frames.sequence().frames();
        of_baseline.iter().filter_map(|(index, frame)| Some((*index, frame, render.frames().get(index)?)))
    }

    fn has_alpha(&self) -> bool {
        self.frames.sequence().frames().values().any(|frame| frame.header.format.has_alpha())
    }

    fn decoded(&self, index: FrameIndex) -> anyhow::Result<Pixels> {
        decode(index, &self.folder.frame(index)?).context("the baseline")
    }

    /// Measures the frames in `open`, and what takes more than one frame, to which identical ones are evidence too: one
    /// thread reads the render, the others decode and compare.
    fn figures(
        &self,
        render: &FrameSource,
        sequence: &FrameSequence,
        open: &[FrameIndex],
    ) -> anyhow::Result<(BTreeMap<FrameIndex, FrameFigures>, LocalPicture)> {
        let Some(first) = open.first() else { return Ok((BTreeMap::new(), LocalPicture::default())) };
        let workers = thread::available_parallelism().map_or(1, usize::from).min(open.len());
        let (give, take) = mpsc::sync_channel::<(FrameIndex, Option<Vec<u8>>)>(workers);
        let (take, found) = (Mutex::new(take), Mutex::new(Vec::new()));
        let others: Vec<FrameIndex> =
            sequence.frames().keys().copied().filter(|index| open.binary_search(index).is_err()).collect();
        let size = self.decoded(*first)?.size;
        let in_order = Mutex::new(InOrder::new(&Layout::of_frame(size, self.has_alpha())));
        let next = || take.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        let work = || {
            while let Some((index, bytes)) = next() {
                let measured = match &bytes {
                    Some(bytes) => {
                        self.figures_of(index, bytes, sequence).map(|(figures, means)| (Some(figures), means))
                    }
                    None => self.means_of(index).map(|means| (None, means)),
                };
                let figures = measured.map(|(figures, means)| {
                    in_order.lock().unwrap_or_else(PoisonError::into_inner).add(index, means);
                    figures
                });
                found.lock().unwrap_or_else(PoisonError::into_inner).push((index, figures));
            }
        };
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(work);
            }
            // Dropped at the end, which ends the workers.
            let give = give;
            let mut identical = others.into_iter().peekable();
            render.frames(open, |index, bytes| {
                while let Some(before) = identical.next_if(|before| *before < index) {
                    give.send((before, None)).context("comparing frames")?;
                }
                give.send((index, Some(bytes))).context("comparing frames")
            })?;
            identical.try_for_each(|index| give.send((index, None)).context("comparing frames"))
        })?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut figures = BTreeMap::new();
        for (index, of_frame) in found {
            of_frame?.map(|of_frame| figures.insert(index, of_frame));
        }
        let in_order = in_order.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (timing, lasting) = (in_order.clock.finish(), in_order.watch.finish());
        Ok((figures, LocalPicture { timing, lasting, ..LocalPicture::default() }))
    }

    /// The blocks of a frame that is identical in both.
    fn means_of(&self, index: FrameIndex) -> anyhow::Result<FrameMeans> {
        let pixels = self.decoded(index)?;
        Ok(FrameMeans::of_pixels(&pixels, &pixels, &Layout::of_frame(pixels.size, self.has_alpha())))
    }

    fn figures_of(
        &self,
        index: FrameIndex,
        bytes: &[u8],
        render: &FrameSequence,
    ) -> anyhow::Result<(FrameFigures, FrameMeans)> {
        let (pixels, alpha) = (decode(index, bytes)?, self.has_alpha());
        let of_baseline = self.decoded(index)?;
        let own = psnr(&pixels, &of_baseline, alpha)?;
        let ssim = ssim(&pixels, &of_baseline)?;
        let layout = Layout::of_frame(pixels.size, alpha);
        let means = FrameMeans::of_pixels(&pixels, &of_baseline, &layout);
        let planes = regions::differences(&means, &layout);
        let luma = index.get().is_multiple_of(luma::EVERY).then(|| luma_of(&pixels, &of_baseline));
        drop(of_baseline);
        let of_neighbor = |neighbor: Option<u64>| -> anyhow::Result<Option<Level>> {
            let Some(neighbor) = neighbor.map(FrameIndex::new) else { return Ok(None) };
            let Some(frame) = self.frames.sequence().frames().get(&neighbor) else { return Ok(None) };
            if render.frames().get(&index).is_some_and(|own| own.sha256 == frame.sha256) {
                return Ok(Some(Level::Identical));
            }
            // A frame of another size can't be compared.
            let neighbor = self.decoded(neighbor)?;
            Ok(psnr(&pixels, &neighbor, alpha).ok().map(|level| level.all))
        };
        let (before, after) = match FrameFigures::may_be_misplaced(own.all) {
            true => (of_neighbor(index.get().checked_sub(1))?, of_neighbor(Some(index.get() + 1))?),
            false => (None, None),
        };
        Ok((FrameFigures { own, ssim, before, after, planes, luma: luma.unwrap_or_default() }, means))
    }
}

/// The blocks of frames, which are measured in any order, on their way to what takes them in theirs.
struct InOrder {
    clock: Clock,
    watch: Watch,
    waiting: BTreeMap<FrameIndex, FrameMeans>,
    next: u64,
}

impl InOrder {
    fn new(layout: &Layout) -> Self {
        Self { clock: Clock::new(layout), watch: Watch::new(layout), waiting: BTreeMap::new(), next: 0 }
    }

    fn add(&mut self, index: FrameIndex, means: FrameMeans) {
        self.waiting.insert(index, means);
        while let Some(means) = self.waiting.remove(&FrameIndex::new(self.next)) {
            self.watch.push(&means);
            self.clock.push(means);
            self.next += 1;
        }
    }
}

/// Green stands for luma, of which it is the greatest part.
fn luma_of(render: &Pixels, baseline: &Pixels) -> LumaDifference {
    let green =
        |of: &Pixels| -> Vec<u8> { of.rgba.iter().skip(1).step_by(4).map(|level| (level >> 8) as u8).collect() };
    let layout = Layout::new(render.size.width.into(), render.size.height.into(), luma::FORMAT);
    luma::compare(&green(render), &green(baseline), &layout)
}

fn decode(index: FrameIndex, bytes: &[u8]) -> anyhow::Result<Pixels> {
    Pixels::decode(bytes).with_context(|| format!("{} does not decode", index.file_name()))
}

/// Compares every frame of a delivered archive with the in-process one in `folder`, whose content is
/// `reference`. Only frames whose bytes differ are decoded.
///
/// # Errors
/// When the archive is not a sequence of complete frames, or a frame does not decode.
pub fn compare(
    archive: &FrameArchive,
    folder: &FrameFolder,
    reference: &GaplessFrames,
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

/// Reads the archive at `path` for comparing the plan protocols: its frames and other files, by their hashes.
///
/// # Errors
/// When the archive can't be read to its end.
pub fn semantics(path: &Path, fps: u32, chunks: &[ChunkFacts]) -> anyhow::Result<Semantics> {
    let sequence = FrameArchive::at(path).read()?;
    let others = sequence.others().iter().map(|(name, sha256)| (name.clone(), json!(sha256)));
    let mut chunks = chunks.to_vec();
    chunks.sort_by_key(|chunk| chunk.index);
    Ok(Semantics {
        frames: FrameHashes::of_files(&sequence),
        pcm: None,
        streams: Value::Object(others.collect()),
        duration_s: FrameIndex::new(sequence.count()).seconds(fps),
        chunks,
        sha256: sha256_of_file(path)?,
    })
}

#[cfg(test)]
mod measure_tests;

#[cfg(test)]
mod tests {
    use super::{measure_tests::tar_gz, *};
    use crate::frames::{exact::Why, png::tests::rgba};

    #[test]
    fn pixels_are_compared_if_bytes_differ() {
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
        let reference = GaplessFrames::new(ours.read().unwrap()).unwrap();
        let comparison = compare(&FrameArchive::at(&packed), &ours, &reference, 30).unwrap();
        assert_eq!(comparison.identical_frames(), 1);
        let why: Vec<_> = comparison.differences().iter().map(|d| (d.frame.get(), d.why)).collect();
        assert_eq!(why, [(1, Why::Encoding), (2, Why::Pixels)]);
    }
}
