//! What is kept of a comparison to look at: each frame's figures, the audio's levels, and the worst frame.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context, anyhow};
use render_verdict::{
    Comparison, Picture,
    audio::Sound,
    decibels::Level,
    finding::{ComparedWith, Finding, Place},
    picture::raster::Raster,
    probe::MediaShape,
};

use crate::{
    project::baseline::Baseline,
    report::{
        render::{AudioSample, FrameSample},
        row::WorstFrameImages,
    },
    tools::{ffmpeg::Media, folder::Folder},
};

/// The names of the files that were kept, relative to their folder.
#[derive(Default)]
pub(crate) struct Evidence {
    /// Each frame's figures.
    pub frames: Option<String>,
    /// Each tenth of a second's.
    pub audio_levels: Option<String>,
    pub worst_frame_images: Option<WorstFrameImages>,
    /// Why there are no pictures of it. They decide nothing.
    pub without_images: Option<anyhow::Error>,
}

/// How much the worst frame's difference is amplified: a step that a codec takes
/// becomes visible, and a wrong picture white.
const AMPLIFIED_BY: u8 = 8;

/// The longer side of a kept frame, in pixels: small enough for a report, large enough to see where.
const SIDE: u32 = 640;

/// A render that was compared with its baseline.
pub(crate) struct Compared<'a> {
    /// The render's file, or its folder of frames.
    pub render: &'a Path,
    pub baseline: &'a Baseline,
    pub comparison: &'a Comparison,
    /// The video's shape; `None` of frames.
    pub media: Option<&'a MediaShape>,
    /// When each frame is shown, in seconds.
    pub frame_times_s: &'a [f64],
    /// The render that was made in-process, where there is one.
    pub rendered: Option<&'a Baseline>,
    /// Why it does not pass.
    pub findings: &'a [Finding],
}

/// The frame that is worth seeing.
#[derive(Default)]
struct Shown {
    frame: u64,
    /// Left, top, width and height in pixels.
    outline: Option<[u64; 4]>,
    compared_with: ComparedWith,
}

impl Compared<'_> {
    /// Keeps what there is to keep in a folder, in files whose names begin with `stem`.
    pub(crate) async fn keep(&self, media: &Media, folder: &Folder, stem: &str) -> anyhow::Result<Evidence> {
        let Comparison::Alike { picture, audio } = self.comparison else { return Ok(Evidence::default()) };
        let frames = format!("{stem}-frames.csv");
        folder.write(&frames, frames_csv(picture, self.frame_times_s))?;
        let audio_levels = (!audio.is_empty()).then(|| format!("{stem}-audio.csv"));
        if let Some(file) = &audio_levels {
            folder.write(file, audio_csv(audio))?;
        }
        // A region that fails is worth more than the frame with the lowest mean.
        let of_finding = |finding: &Finding| {
            let Place { worst_frame, region, .. } = finding.place;
            Some(Shown { frame: worst_frame?, outline: Some(region?), compared_with: finding.compared_with })
        };
        let region = self.findings.iter().find_map(of_finding);
        let worst = || match picture.psnr.worst {
            Level::Identical => None,
            Level::Db(_) => Some(Shown { frame: picture.psnr.worst_frame, ..Shown::default() }),
        };
        let images = match region.or_else(worst) {
            None => Ok(None),
            Some(shown) => self.keep_worst_frame(media, folder, shown, stem).await.map(Some),
        };
        let (worst_frame_images, without_images) = match images {
            Ok(images) => (images, None),
            Err(error) => (None, Some(error.context("the worst frame is not kept as a picture"))),
        };
        Ok(Evidence { frames: Some(frames), audio_levels, worst_frame_images, without_images })
    }

    async fn keep_worst_frame(
        &self,
        media: &Media,
        folder: &Folder,
        Shown { frame, outline, compared_with }: Shown,
        stem: &str,
    ) -> anyhow::Result<WorstFrameImages> {
        let reference = match compared_with {
            ComparedWith::Baseline => self.baseline,
            ComparedWith::InProcess => self.rendered.unwrap_or(self.baseline),
        };
        let (of_baseline, of_render) = reference.stills(media, self.render, self.media, frame).await?;
        let encode = move || {
            let difference = of_baseline.difference(&of_render, AMPLIFIED_BY)?;
            let png = |picture: &Raster| match outline {
                Some(pixels) => picture.clone().outlined(pixels).within(SIDE).quick_png(),
                None => picture.within(SIDE).quick_png(),
            };
            std::thread::scope(|scope| {
                let of_baseline = scope.spawn(|| png(&of_baseline));
                let of_both = [png(&of_render)?, png(&difference)?];
                let of_baseline = of_baseline.join().map_err(|_| anyhow!("encoding a picture panicked"))??;
                let [of_render, difference] = of_both;
                anyhow::Ok([of_baseline, of_render, difference])
            })
        };
        let files = tokio::task::spawn_blocking(encode).await.context("encoding a frame")??;
        let names = ["baseline", "render", "difference"].map(|what| format!("{stem}-worst-{what}.png"));
        for (name, file) in names.iter().zip(&files) {
            folder.write(name, file)?;
        }
        let [baseline, render, difference] = names;
        Ok(WorstFrameImages { frame, baseline, render, difference, amplified_by: AMPLIFIED_BY, compared_with })
    }
}

/// Every frame's index, time, PSNR and hash, as CSV.
fn frames_csv(picture: &Picture, frame_times_s: &[f64]) -> String {
    let mut csv = format!("{}\n", FrameSample::HEADER);
    let rows = picture.psnr.levels.iter().zip(frame_times_s).zip(picture.hashes.iter());
    for (frame, ((level, time_s), hash)) in rows.enumerate() {
        let _ = writeln!(csv, "{frame},{time_s:.6},{level},{hash}");
    }
    csv
}

/// Every tenth of a second of every track: when it begins, and both levels, as CSV.
fn audio_csv(audio: &[Sound]) -> String {
    let mut csv = format!("{}\n", AudioSample::HEADER);
    for (track, sound) in audio.iter().enumerate() {
        for (index, tenth) in sound.tenths.iter().enumerate() {
            let at_s = index as f64 / 10.0;
            let _ = writeln!(csv, "{track},{at_s:.1},{},{}", tenth.residual, tenth.baseline);
        }
    }
    csv
}
