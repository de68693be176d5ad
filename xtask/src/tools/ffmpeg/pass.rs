//! One ffmpeg that decodes a render and its baseline, each once, and measures all that takes both.

use std::{
    fs::{self, File, OpenOptions},
    hint::black_box,
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use render_verdict::{
    Comparison, Picture,
    decibels::Decibels,
    picture::{
        blocks::{self, Layout},
        hashes::{self, FrameHashes},
        lasting::Watch,
        local::LocalPicture,
        luma::{self, LumaDifference},
        psnr::{self, VideoPsnr},
        regions,
        ssim::VideoSsim,
        timing::Clock,
    },
    probe::{Headers, MediaShape},
    shape::{differences, shift_s},
    showinfo::{self, DecodedFrame, Video},
};
use tempfile::TempDir;
use xshell::cmd;

use crate::tools::{
    ffmpeg::{
        Media, audio, decoder_args,
        filters::{block_format, comparing, own_frames, with_alpha},
        half_of_the_processors,
    },
    files::make_pipe,
};

/// The files that one pass of ffmpeg wrote.
pub(crate) struct Pass {
    dir: TempDir,
    /// The render, for messages.
    pub(super) render: PathBuf,
    /// The render's own frames.
    hashes: FrameHashes,
    /// Its blocks, without the times of its frames, until they are a part of the picture.
    local: LocalPicture,
}

/// Frames as they are, to be hashed here: ffmpeg would copy each for that, and
/// its cryptographic hashes take longer than decoding. `rawvideo` would copy them, too.
const RAW: [&str; 4] = ["-f", "yuv4mpegpipe", "-strict", "unofficial"];

/// Frames in formats that yuv4mpegpipe can't hold are hashed by ffmpeg.
const HASHED: [&str; 4] = ["-f", "framehash", "-hash", "md5"];

impl Media {
    /// Decodes two videos whose headers have the same shape, with their sound, from
    /// end to end. Frames below `least` are compared with their neighbors too.
    pub(crate) async fn pass(
        &self,
        render: &Path,
        baseline: &Path,
        shape: &MediaShape,
        least: Decibels,
    ) -> anyhow::Result<Pass> {
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let raw = hashes::takes(&shape.pixel_format);
        let (sh, ffmpeg, decoder) = (&self.runner.sh, &self.ffmpeg, &decoder_args(shape.alpha_decoder()));
        let [first, second] = [render, baseline].map(std::path::absolute);
        let (first, second) = (first.context("the render's path")?, second.context("the baseline's path")?);
        let threads = half_of_the_processors().to_string();
        let comparing = comparing(shape, least);
        let own_frames = own_frames(shape);
        let format = if raw { RAW } else { HASHED };
        let [luma_of_render, luma_of_baseline] = LUMA;
        let tracks = (0..shape.audio.len()).flat_map(|track| [(0, Video::Render, track), (1, Video::Baseline, track)]);
        let sound = tracks.flat_map(|(input, video, track)| {
            let (map, pcm) = (format!("{input}:a:{track}"), audio::file_name(video, track));
            ["-map".into(), map, "-af".into(), audio::filters(shape.duration_s), "-f".into(), "s16le".into(), pcm]
        });
        // -copyts keeps the files' own clocks, which picture and sound share: otherwise each track would begin at 0.
        // The first output needs both pictures. For such an output alone, ffmpeg would read the two files in turns; the
        // other outputs, which need one picture each, make it read both at the same time.
        let compare = cmd!(
            sh,
            "{ffmpeg} -nostdin -v error -xerror -y -nostats -copyts
                {decoder...} -threads {threads} -noautorotate -i file:{first}
                {decoder...} -threads {threads} -noautorotate -i file:{second}
                -filter_complex_threads {threads} -filter_complex {comparing}
                -map [end] -fps_mode passthrough -f null /dev/null
                -map [blocks] -fps_mode passthrough -f rawvideo {BLOCKS}
                -map [rl] -fps_mode passthrough {RAW...} {luma_of_render}
                -map [bl] -fps_mode passthrough {RAW...} {luma_of_baseline}
                -filter_complex {own_frames}
                -map [of_render] -fps_mode passthrough {format...} pipe:1
                -map [of_baseline] -fps_mode passthrough -f null /dev/null
                {sound...}"
        );
        let (frames, writer) = io::pipe().context("a pipe for frames")?;
        let hashing = tokio::task::spawn_blocking(move || hashes_of(frames, raw));
        let what = || format!("comparing the picture of {}", render.display());
        let [blocks, luma, other_luma] =
            [BLOCKS, luma_of_render, luma_of_baseline].map(|name| named_pipe(&dir.path().join(name)));
        let (blocks, blocks_end) = blocks.with_context(what)?;
        let ((luma, luma_end), (other_luma, other_luma_end)) =
            (luma.with_context(what)?, other_luma.with_context(what)?);
        let [layout, of_luma] = [block_format(&shape.pixel_format), luma::FORMAT]
            .map(|format| Layout::new(shape.width, shape.height, format));
        let measuring = tokio::task::spawn_blocking(move || compared_blocks(blocks, &layout));
        let comparing_luma = tokio::task::spawn_blocking(move || compared_luma([luma, other_luma], &of_luma));
        let ran = self.run_with_log(compare, dir.path()).into(writer).await;
        drop((blocks_end, luma_end, other_luma_end));
        let hashes = hashing.await.context("hashing frames").with_context(what)?;
        let local = measuring.await.context("comparing blocks").with_context(what)?;
        let luma = comparing_luma.await.context("comparing luma").with_context(what)?;
        ran.with_context(what)?;
        Ok(Pass {
            dir,
            render: render.to_owned(),
            hashes: hashes.with_context(what)?,
            local: LocalPicture { luma: luma.with_context(what)?, ..local.with_context(what)? },
        })
    }
}

/// The pipes through which the means of blocks come, and the luma of some frames of the render and of the baseline.
const BLOCKS: &str = "blocks";
const LUMA: [&str; 2] = ["luma-of-render", "luma-of-baseline"];

/// A pipe with a name, because ffmpeg's standard output is taken: its end for reading, and one for writing that
/// keeps it open until ffmpeg has ended, whether or not it ever opened it.
fn named_pipe(path: &Path) -> anyhow::Result<(File, File)> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{OFlags, fcntl_setfl};
    make_pipe(path).context("creating a pipe")?;
    let without_waiting = OFlags::NONBLOCK.bits() as i32;
    let reading = OpenOptions::new().read(true).custom_flags(without_waiting).open(path).context("opening a pipe")?;
    let writing = OpenOptions::new().write(true).open(path).context("opening a pipe")?;
    fcntl_setfl(&reading, OFlags::empty()).context("opening a pipe")?;
    Ok((reading, writing))
}

/// The hashes of all frames in a stream: of raw ones, or those that ffmpeg lists.
fn hashes_of(mut frames: io::PipeReader, raw: bool) -> anyhow::Result<FrameHashes> {
    let hashes = match raw {
        true => FrameHashes::from_yuv4mpeg(&mut frames),
        false => io::read_to_string(&mut frames).map_err(Into::into).and_then(|t| FrameHashes::from_framehash(&t)),
    };
    // When they are not as they should be, ffmpeg still has to get to its end.
    io::copy(&mut frames, &mut io::sink())?;
    hashes
}

/// Compares the blocks of all frames in a stream.
fn compared_blocks(mut stream: File, layout: &Layout) -> anyhow::Result<LocalPicture> {
    // Until a large piece of memory is freed, glibc gives the memory of each frame back to the kernel, which clears it
    // for the next one.
    drop(black_box(Vec::<u8>::with_capacity(16 << 20)));
    let (mut frames, mut clock, mut watch) = (Vec::new(), Clock::new(layout), Watch::new(layout));
    let read = blocks::read(&mut stream, layout, &mut |frame| {
        frames.push(regions::differences(&frame, layout));
        watch.push(&frame);
        clock.push(frame);
    });
    // When they are not as they should be, ffmpeg still has to get to its end.
    io::copy(&mut stream, &mut io::sink())?;
    let (timing, lasting) = (clock.finish(), watch.finish());
    read.map(|()| LocalPicture { frames, timing, lasting, ..LocalPicture::default() })
}

/// Compares the luma of all frames in the streams of the render and of the baseline.
fn compared_luma(mut streams: [File; 2], layout: &Layout) -> anyhow::Result<Vec<LumaDifference>> {
    let [render, baseline] = &mut streams;
    let read = luma::read([render, baseline], layout);
    // Reading may end before the streams do. The rest is discarded, so that ffmpeg does not wait for a reader.
    for mut stream in streams {
        io::copy(&mut stream, &mut io::sink())?;
    }
    read
}

impl Pass {
    /// The shape of the render, which has these headers, and what it shows and sounds like compared with its baseline.
    pub(crate) fn comparison(
        mut self,
        headers: &Headers,
        baseline: &MediaShape,
        least: Decibels,
    ) -> anyhow::Result<(MediaShape, Comparison)> {
        let shape = headers.with(&self.frames(Video::Render)?).with_context(|| format!("{}", self.render.display()))?;
        let unlike = differences(baseline, &shape);
        if !unlike.is_empty() {
            return Ok((shape, Comparison::Unlike(unlike)));
        }
        let picture = Box::new(self.picture(&shape, least)?);
        let shift = shift_s(baseline, &shape);
        let audio = shape.audio.iter().enumerate();
        let audio = audio.map(|(track, of)| self.sound(track, of.channels, baseline.duration_s, shift));
        let audio = audio.collect::<anyhow::Result<_>>()?;
        Ok((shape, Comparison::Alike { picture, audio }))
    }

    /// The frames of a video, from ffmpeg's log.
    pub(crate) fn frames(&self, video: Video) -> anyhow::Result<Vec<DecodedFrame>> {
        let log = fs::read(self.path(Media::LOG)).context("the log of ffmpeg").with_context(|| self.what())?;
        showinfo::frames(&String::from_utf8_lossy(&log), video).with_context(|| self.what())
    }

    /// The picture of a render against that of a baseline of the same shape; frames
    /// below `least` were looked for among their neighbors.
    fn picture(&mut self, shape: &MediaShape, least: Decibels) -> anyhow::Result<Picture> {
        let local = LocalPicture { times_s: shape.frame_times_s.clone(), ..std::mem::take(&mut self.local) };
        let what = || self.what();
        let own = psnr::frames(&self.read("psnr")?).with_context(what)?;
        let has_alpha = own.iter().all(|f| f.planes.iter().any(|(name, _)| *name == 'a'));
        ensure!(
            has_alpha == with_alpha(&shape.pixel_format).is_some(),
            "the alpha plane of {} ({}) can't be measured",
            self.render.display(),
            shape.pixel_format
        );
        let neighbors = |name: &str| psnr::neighbors(&self.read(name)?).with_context(what);
        let (before, after) = (neighbors("before")?, neighbors("after")?);
        let misplaced = psnr::misplaced(&own, &before, &after, least).with_context(what)?;
        let psnr = VideoPsnr::of(&own).with_context(what)?;
        let (ssim, ssim_frames) = VideoSsim::from_stats(&self.read("ssim")?).with_context(what)?;
        let hashes = self.hashes.clone();
        let (hashed, in_blocks) = (hashes.count() as u64, local.frames.len() as u64);
        for (measure, frames) in
            [("PSNR", psnr.frames), ("SSIM", ssim_frames), ("a hash", hashed), ("compared blocks", in_blocks)]
        {
            ensure!(
                frames == shape.frames,
                "{frames} of {} frames of {} have {measure}: not all were compared",
                shape.frames,
                self.render.display()
            );
        }
        let sampled = shape.frames.div_ceil(luma::EVERY);
        ensure!(
            local.luma.len() as u64 == sampled,
            "the luma of {} of {sampled} frames of {} was compared",
            local.luma.len(),
            self.render.display()
        );
        let worst = usize::try_from(psnr.worst_frame).context("a frame's index")?;
        let worst_at_s = shape.frame_times_s.get(worst).copied().unwrap_or_default();
        let frames_per_second = shape.fps.value().ceil() as u64;
        Ok(Picture { psnr, ssim, hashes, worst_at_s, frames_per_second, misplaced, local })
    }

    /// What is done, for errors.
    fn what(&self) -> String {
        format!("comparing the picture of {}", self.render.display())
    }

    fn read(&self, name: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.path(name)).with_context(|| format!("{name} of ffmpeg"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
